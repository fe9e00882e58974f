//! `htu` against a URL, through a proof that any signature is good for: the comparison has no entry point of its own.

use counterfoil::Error;
use counterfoil::UnixTime;
use counterfoil::oauth::dpop::{ProofRules, ProofTarget};
use counterfoil::oauth::replay::{ReplayEntry, ReplayTable};
use counterfoil::wire::siphash::HashKey;
use serde_json::json;

use super::mint::{AnySignature, base64url, client, jwk};

/// Two URLs, a line each: equality is reflexive and symmetric, blind to query and fragment, and what RFC 3986 says with its buffers.
pub fn htu(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let (one, other) = text.split_once('\n').unwrap_or((text, text));
    if one.len() > 500 || other.len() > 500 {
        return;
    }
    let good = [one, other].map(|url| {
        let itself = judge(url, url);
        assert!(matches!(itself, Ok(()) | Err(Error::RequestUrl)), "{url:?} is {itself:?} to itself");
        itself.is_ok()
    });
    let verdict = judge(one, other);
    match good {
        [true, true] => {
            let same = normal(one) == normal(other);
            assert_eq!(verdict, if same { Ok(()) } else { Err(Error::ProofUrl) });
            assert_eq!(verdict, judge(other, one), "asymmetric");
            for url in [one, other] {
                let bare = url.split(['?', '#']).next().unwrap_or(url);
                assert_eq!(judge(&format!("{bare}?q=%41#f"), url), Ok(()));
                assert_eq!(judge(&normal(url), url), Ok(()), "the normal form differs");
            }
        }
        [_, false] => assert_eq!(verdict, Err(Error::RequestUrl)),
        [false, true] => assert_eq!(verdict, Err(Error::ProofUrl)),
    }
}

/// Judges `htu` against `url`.
pub(super) fn judge(htu: &str, url: &str) -> Result<(), Error> {
    let header = format!(r#"{{"typ":"dpop+jwt","alg":"any","jwk":{}}}"#, jwk(client()));
    let claims = json!({"jti": "1", "htm": "GET", "htu": htu, "iat": 0});
    let proof = format!("{}.{}.AAAA", base64url(header.as_bytes()), base64url(claims.to_string().as_bytes()));
    let rules = ProofRules::new(&[&AnySignature])?;
    let mut memory = [ReplayEntry::EMPTY; 16];
    let mut store = ReplayTable::new(&mut memory, HashKey::new([5; 16]))?;
    let target = ProofTarget { method: "GET", url, token: None };
    rules.accept(proof.as_bytes(), &target, UnixTime(0), &mut store, &mut [0; 4096]).map(|_| ())
}

/// The normal form (RFC 3986 sections 6.2.2 and 6.2.3) of a URL that the engine has accepted, without query and fragment.
pub(super) fn normal(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or(url);
    let (scheme, rest) = url.split_once("://").expect("a scheme");
    let scheme = scheme.to_ascii_lowercase();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let colon = authority.rfind(':').filter(|colon| !authority[*colon..].contains(']'));
    let (host, port) = authority.split_at(colon.unwrap_or(authority.len()));
    let default = if scheme == "https" { ":443" } else { ":80" };
    let port = if port == ":" || port == default { "" } else { port };
    // In lower case but for the digits of escapes, which have been put in upper case.
    let host = normal_escapes(&normal_escapes(host).to_ascii_lowercase());
    let path = remove_dot_segments(&normal_escapes(if path.is_empty() { "/" } else { path }));
    format!("{scheme}://{host}{port}{path}")
}

/// RFC 3986 sections 6.2.2.1 and 6.2.2.2.
fn normal_escapes(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        let byte = u8::from_str_radix(digits, 16).expect("two digits");
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out.push_str(rest);
    }
    out
}

/// RFC 3986 section 5.2.4, with an output buffer, for an absolute path.
fn remove_dot_segments(path: &str) -> String {
    let mut output: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    output.pop();
                }
                if is_last {
                    output.push("");
                }
            }
            other => output.push(other),
        }
    }
    format!("/{}", output.join("/"))
}
