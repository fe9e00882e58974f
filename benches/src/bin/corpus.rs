//! The corpus of `cargo xtask bench`: 512 different tokens for each work, valid for an hour from now, with keys drawn anew.
//!
//! `corpus FOLDER` writes, for each work, `<work>.tokens` (a line a case: `accept` or `refuse`, the token, and its proof where it has
//! one), `<work>.jwks` and, for peers that read no JWK, `<work>.pem` (a line `kid alg` before each key); `parameters` names the rest.
//! `<work>.plain` has the same tokens with the `typ` JWT, for a peer that refuses every other one.

use core::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rsa::KeySize;
use counterfoil_benches::{AUDIENCE, CERTIFICATE, ISSUER, Signer, URL, certificate_cnf, encode};
use sha2::{Digest as _, Sha256};

/// Tokens of each work.
const TOKENS: usize = 512;
/// Clients whose DPoP keys come again and again.
const CLIENTS: usize = 16;

type Result<T> = core::result::Result<T, Box<dyn core::error::Error>>;

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("usage: corpus FOLDER");
        return ExitCode::from(2);
    };
    match mint(PathBuf::from(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("corpus: {error}");
            ExitCode::FAILURE
        }
    }
}

fn mint(folder: PathBuf) -> Result<()> {
    std::fs::create_dir_all(&folder)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let parameters =
        format!("issuer {ISSUER}\naudience {AUDIENCE}\nthumbprint {}\nmethod GET\nurl {URL}\nnow {now}\n", encode(&CERTIFICATE));
    std::fs::write(folder.join("parameters"), parameters)?;
    let book = Book { folder, now };
    let keys = Ring::of(vec![Signer::es256()]);
    for work in ["es256", "first"] {
        book.write_tokens(work, &keys, Size::Usual)?;
    }
    book.write_tokens("es256-0.5k", &keys, Size::Small)?;
    book.write_tokens("es256-2k", &keys, Size::Exact(2048))?;
    book.write_tokens("es256-8k", &keys, Size::Exact(8192))?;
    for count in [32, 512] {
        let keys = Ring::of((0..count).map(|_| Signer::es256()).collect());
        book.write_tokens(&format!("es256-{count}keys"), &keys, Size::Usual)?;
    }
    let others = [("ps256", Signer::ps256(KeySize::Rsa2048)), ("rs256", Signer::rs256(KeySize::Rsa2048)), ("eddsa", Signer::eddsa())];
    for (work, signer) in others {
        book.write_tokens(work, &Ring::of(vec![signer]), Size::Usual)?;
    }
    book.write_keys("es256+dpop", &keys)?;
    book.write("es256+dpop.tokens", &book.proven(&keys))?;
    for typ in Typ::BOTH {
        for (work, tokens) in book.refusals(&keys, typ) {
            book.write_keys(work, &keys)?;
            let lines: Vec<_> = tokens.into_iter().map(|token| format!("refuse {token}")).collect();
            book.write(&format!("{work}.{}", typ.ending()), &lines)?;
        }
    }
    Ok(())
}

/// Keys with their identifiers.
struct Ring(Vec<(String, Signer)>);

impl Ring {
    fn of(signers: Vec<Signer>) -> Self {
        Self(signers.into_iter().enumerate().map(|(i, signer)| (format!("as-{}", i + 1), signer)).collect())
    }

    /// Keys in turn would let a processor foretell the next one.
    fn pick(&self, number: usize) -> (&str, &Signer) {
        let hash = Sha256::digest(format!("key {number}"));
        let (kid, signer) = &self.0[(usize::from(hash[0]) << 8 | usize::from(hash[1])) % self.0.len()];
        (kid, signer)
    }
}

/// How long a token is.
#[derive(Clone, Copy)]
enum Size {
    /// What RFC 9068 and a bank's claims come to.
    Usual,
    /// Nothing but what RFC 9068 requires, and the binding.
    Small,
    /// The usual claims and a text that makes it so many characters, or one less.
    Exact(usize),
}

/// The `typ` of a token.
#[derive(Clone, Copy)]
enum Typ {
    At,
    Jwt,
}

impl Typ {
    const BOTH: [Self; 2] = [Self::At, Self::Jwt];

    const fn name(self) -> &'static str {
        match self {
            Self::At => "at+jwt",
            Self::Jwt => "JWT",
        }
    }

    /// Of the file that has such tokens.
    const fn ending(self) -> &'static str {
        match self {
            Self::At => "tokens",
            Self::Jwt => "plain",
        }
    }
}

struct Book {
    folder: PathBuf,
    now: u64,
}

impl Book {
    fn write(&self, name: &str, lines: &[String]) -> Result<()> {
        std::fs::write(self.folder.join(name), lines.join("\n") + "\n")?;
        Ok(())
    }

    fn write_keys(&self, work: &str, keys: &Ring) -> Result<()> {
        let jwks: Vec<String> = keys.0.iter().map(|(kid, signer)| signer.jwk(kid)).collect();
        let pems: Vec<String> = keys.0.iter().map(|(kid, signer)| pem(kid, signer)).collect();
        self.write(&format!("{work}.jwks"), &[format!(r#"{{"keys":[{}]}}"#, jwks.join(","))])?;
        self.write(&format!("{work}.pem"), &pems)
    }

    fn write_tokens(&self, work: &str, keys: &Ring, size: Size) -> Result<()> {
        self.write_keys(work, keys)?;
        let cnf = certificate_cnf();
        for typ in Typ::BOTH {
            let line = |number| {
                let (kid, signer) = keys.pick(number);
                format!("accept {}", self.token(number, &Draft { kid, signer, cnf: &cnf, size, typ, exp: self.now + 3600 }))
            };
            self.write(&format!("{work}.{}", typ.ending()), &(0..TOKENS).map(line).collect::<Vec<_>>())?;
        }
        Ok(())
    }

    fn token(&self, number: usize, draft: &Draft<'_>) -> String {
        let header = format!(r#"{{"alg":"{}","kid":"{}","typ":"{}"}}"#, draft.signer.alg(), draft.kid, draft.typ.name());
        match draft.size {
            Size::Usual => draft.signer.sign(&header, &claims(number, draft, self.now, 0)),
            Size::Small => draft.signer.sign(&header, &small_claims(number, draft, self.now)),
            Size::Exact(length) => {
                let around = header.len().div_ceil(3) * 4 + 86 + 2 + 4;
                let missing = ((length - around) / 4 * 3).saturating_sub(claims(number, draft, self.now, 1).len());
                draft.signer.sign(&header, &claims(number, draft, self.now, missing + 1))
            }
        }
    }

    /// Tokens bound to the keys of few clients, each with a proof of its own.
    fn proven(&self, keys: &Ring) -> Vec<String> {
        let clients: Vec<Signer> = (0..CLIENTS).map(|_| Signer::es256()).collect();
        (0..TOKENS)
            .map(|number| {
                let (kid, signer) = keys.pick(number);
                let client = &clients[usize::from(Sha256::digest(format!("client {number}"))[0]) % CLIENTS];
                let cnf = format!(r#""jkt":"{}""#, client.thumbprint());
                let token = self.token(number, &Draft { kid, signer, cnf: &cnf, size: Size::Usual, typ: Typ::At, exp: self.now + 3600 });
                let header = format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{{{}}}}}"#, client.public_members());
                let ath = encode(&Sha256::digest(&token));
                let claims = format!(r#"{{"jti":"proof-{number}","htm":"GET","htu":"{URL}","iat":{},"ath":"{ath}"}}"#, self.now);
                format!("accept {token} {}", client.sign(&header, &claims))
            })
            .collect()
    }

    fn refusals(&self, keys: &Ring, typ: Typ) -> [(&'static str, Vec<String>); 5] {
        let (kid, signer) = keys.pick(0);
        let cnf = certificate_cnf();
        let usual = Draft { kid, signer, cnf: &cnf, size: Size::Usual, typ, exp: self.now + 3600 };
        let many = |make: &dyn Fn(usize) -> String| (0..TOKENS).map(make).collect::<Vec<_>>();
        [
            ("garbage", many(&garbage)),
            ("dots", many(&|number| ".".repeat(16 * 1024 - number))),
            ("unknown-kid", many(&|number| self.token(number, &Draft { kid: "as-of-yesterday", ..usual }))),
            ("expired", many(&|number| self.token(number, &Draft { exp: self.now - 3600, ..usual }))),
            ("forged", many(&|number| forged(&self.token(number, &usual)))),
        ]
    }
}

/// What a token says.
#[derive(Clone, Copy)]
struct Draft<'a> {
    kid: &'a str,
    signer: &'a Signer,
    cnf: &'a str,
    size: Size,
    typ: Typ,
    exp: u64,
}

fn unique(number: usize) -> String {
    encode(&Sha256::digest(number.to_be_bytes())[..18])
}

/// As a bank issues them; the issue of an expired token lies an hour further back.
fn claims(number: usize, draft: &Draft<'_>, now: u64, padding: usize) -> String {
    let more = if padding == 0 { String::new() } else { format!(r#","consent_text":"{}""#, "x".repeat(padding)) };
    format!(
        concat!(
            r#"{{"iss":"{iss}","aud":["{aud}","https://as.bank.example/userinfo"],"sub":"{unique}","client_id":"tpp-7f3c21","#,
            r#""exp":{exp},"nbf":{iat},"iat":{iat},"jti":"{unique}-{number}","scope":"openid accounts payments","#,
            r#""acr":"urn:openbanking:psd2:sca","auth_time":{iat},"consent_id":"urn:bank:consent:{number}","cnf":{{{cnf}}}{more}}}"#
        ),
        iss = ISSUER,
        aud = AUDIENCE,
        exp = draft.exp,
        iat = now.min(draft.exp) - 60,
        unique = unique(number),
        number = number,
        cnf = draft.cnf,
        more = more,
    )
}

fn small_claims(number: usize, draft: &Draft<'_>, now: u64) -> String {
    let (exp, iat, cnf) = (draft.exp, now - 60, draft.cnf);
    format!(
        concat!(
            r#"{{"iss":"{}","aud":"{}","sub":"{}","client_id":"tpp-7f3c21","exp":{},"nbf":{},"iat":{},"#,
            r#""jti":"{:05}","cnf":{{{}}}}}"#
        ),
        ISSUER, AUDIENCE, number, exp, iat, iat, number, cnf
    )
}

/// Three parts of base64url of noise, as long as a token.
fn garbage(number: usize) -> String {
    let part = |name: &str, length: usize| {
        let noise = (0..length).flat_map(|i| Sha256::digest(format!("{name} {number} {i}")));
        encode(&noise.take(length).collect::<Vec<u8>>())
    };
    format!("{}.{}.{}", part("header", 51), part("claims", 439), part("signature", 64))
}

/// A good token with one bit of its signature changed, far from its end: a last character has bits that say nothing.
fn forged(token: &str) -> String {
    let at = token.len() - 20;
    let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
    format!("{}{other}{}", &token[..at], &token[at + 1..])
}

fn pem(kid: &str, signer: &Signer) -> String {
    let mut text = format!("{kid} {}\n-----BEGIN PUBLIC KEY-----\n", signer.alg());
    for line in base64(&signer.public_der()).as_bytes().chunks(64) {
        writeln!(text, "{}", String::from_utf8_lossy(line)).expect("a String takes everything");
    }
    text + "-----END PUBLIC KEY-----"
}

fn base64(bytes: &[u8]) -> String {
    let text = encode(bytes).replace('-', "+").replace('_', "/");
    let padding = "=".repeat((4 - text.len() % 4) % 4);
    text + &padding
}
