//! `htu` against the request's URL (RFC 9449 section 4.3, checks 9): equal after the normalization of RFC 3986 sections 6.2.2 and
//! 6.2.3, without query and fragment, and without building either string.

use crate::error::Error;

/// The parts of an absolute http or https URL that count.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    is_https: bool,
    host: &'a str,
    /// Empty where it is the scheme's default (RFC 3986 section 6.2.3).
    port: &'a str,
    path: &'a str,
}

impl<'a> Target<'a> {
    /// Takes `url` apart; `None` when it is not an absolute http or https URL in RFC 3986's own characters, or has user information.
    pub(crate) fn parse(url: &'a str) -> Option<Self> {
        if !url.bytes().all(is_uri_character) || !escapes_are_whole(url) {
            return None;
        }
        let (scheme, rest) = url.split_once("://")?;
        let is_https = match scheme {
            _ if scheme.eq_ignore_ascii_case("https") => true,
            _ if scheme.eq_ignore_ascii_case("http") => false,
            _ => return None,
        };
        let rest = rest.split(['?', '#']).next()?;
        let (authority, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len()))?;
        let (host, port) = split_port(authority)?;
        let default = if is_https { "443" } else { "80" };
        Some(Self { is_https, host, port: if port == default { "" } else { port }, path })
    }

    /// Whether both name the same resource.
    pub(crate) fn same(self, other: Self) -> bool {
        let lower = |byte: u8| byte.to_ascii_lowercase();
        self.is_https == other.is_https
            && self.port == other.port
            && Normalized::of(self.host).map(lower).eq(Normalized::of(other.host).map(lower))
            && Segments::of(self.path).same(Segments::of(other.path))
    }
}

/// Judges `htu` against the URL that the host says it was asked for.
pub(crate) fn judge(htu: &str, url: &str) -> Result<(), Error> {
    let url = Target::parse(url).ok_or(Error::RequestUrl)?;
    match Target::parse(htu) {
        Some(htu) if htu.same(url) => Ok(()),
        _ => Err(Error::ProofUrl),
    }
}

/// `host [":" port]`; no user information, no empty host (RFC 9110 section 4.2.1), digits only in the port.
fn split_port(authority: &str) -> Option<(&str, &str)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(literal) => {
            let end = literal.find(']')?.checked_add(2)?;
            let (host, rest) = authority.split_at_checked(end)?;
            (host, if rest.is_empty() { "" } else { rest.strip_prefix(':')? })
        }
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    let plain = !host.is_empty() && !host.contains('@') && !port.contains('@');
    let bracketed = host.starts_with('[') || !host.contains(['[', ']']);
    (plain && bracketed && port.bytes().all(|byte| byte.is_ascii_digit())).then_some((host, port))
}

/// The unreserved, reserved and `%` characters of RFC 3986 section 2: no space, control, backslash or non-ASCII character.
const fn is_uri_character(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'%' | b':'
                | b'/'
                | b'?'
                | b'#'
                | b'['
                | b']'
                | b'@'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
        )
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn escapes_are_whole(url: &str) -> bool {
    url.split('%').skip(1).all(|after| matches!(after.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()))
}

/// Text with the escapes of unreserved characters resolved and the digits of all others in upper case (RFC 3986 section 6.2.2).
#[derive(Clone)]
struct Normalized<'a> {
    rest: &'a [u8],
    /// How many characters of the escape at the front have been seen.
    escape: u8,
}

impl<'a> Normalized<'a> {
    const fn of(text: &'a str) -> Self {
        Self { rest: text.as_bytes(), escape: 0 }
    }
}

impl Iterator for Normalized<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (first, after) = self.rest.split_first()?;
        if self.escape == 0 && *first == b'%' {
            if let [high, low, after @ ..] = after {
                let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let byte = digit(*high)?.wrapping_shl(4) | digit(*low)?;
                if is_unreserved(byte) {
                    self.rest = after;
                    return Some(byte);
                }
            }
            self.escape = 3;
        }
        self.rest = after;
        let in_escape = self.escape > 0;
        self.escape = self.escape.saturating_sub(1);
        Some(if in_escape { first.to_ascii_uppercase() } else { *first })
    }
}

/// The segments of a path from its last to its first, dot segments removed (RFC 3986 section 5.2.4).
///
/// Read from the end, `..` only has to skip the segments that come next: nothing has to be kept. An empty path is `/`.
struct Segments<'a> {
    rest: Option<&'a str>,
    is_last: bool,
    skip: usize,
}

impl<'a> Segments<'a> {
    fn of(path: &'a str) -> Self {
        let rest = if path.is_empty() { "/" } else { path };
        Self { rest: rest.strip_prefix('/'), is_last: true, skip: 0 }
    }

    fn same(mut self, mut other: Self) -> bool {
        loop {
            match (self.next(), other.next()) {
                (None, None) => return true,
                (Some(own), Some(others)) if Normalized::of(own).eq(Normalized::of(others)) => {}
                _ => return false,
            }
        }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        while let Some(rest) = self.rest {
            let (before, segment) = match rest.rsplit_once('/') {
                Some((before, segment)) => (Some(before), segment),
                None => (None, rest),
            };
            self.rest = before;
            let was_last = core::mem::replace(&mut self.is_last, false);
            let is_dot = Normalized::of(segment).eq(*b".");
            let is_dots = Normalized::of(segment).eq(*b"..");
            if is_dots {
                self.skip = self.skip.saturating_add(1);
            }
            if is_dot || is_dots {
                // A path that ends in a dot segment ends in `/`: its last segment is empty.
                if was_last {
                    return Some("");
                }
            } else if self.skip > 0 {
                self.skip = self.skip.saturating_sub(1);
            } else {
                return Some(segment);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3986 section 5.2.4, the algorithm with its two buffers, as the oracle.
    fn remove_dot_segments(path: &str) -> String {
        let mut input = path.to_owned();
        let mut output = String::new();
        while !input.is_empty() {
            if input.starts_with("/./") {
                input = input[2..].to_owned();
            } else if input == "/." {
                input = "/".to_owned();
            } else if input.starts_with("/../") {
                input = input[3..].to_owned();
                output.truncate(output.rfind('/').unwrap_or(0));
            } else if input == "/.." {
                input = "/".to_owned();
                output.truncate(output.rfind('/').unwrap_or(0));
            } else {
                let end = input[1..].find('/').map_or(input.len(), |at| at + 1);
                output.push_str(&input[..end]);
                input = input[end..].to_owned();
            }
        }
        output
    }

    #[test]
    fn dot_segments_go_as_the_rfc_removes_them() {
        const PARTS: [&str; 5] = ["a", "b", ".", "..", ""];
        let mut paths = vec![String::new()];
        for _ in 0..5 {
            paths.extend(paths.clone().iter().flat_map(|path| PARTS.map(|part| format!("{path}/{part}"))).collect::<Vec<_>>());
            paths.sort();
            paths.dedup();
        }
        for path in paths.iter().filter(|path| !path.is_empty()) {
            let mut own: Vec<_> = Segments::of(path).collect();
            own.reverse();
            assert_eq!(format!("/{}", own.join("/")), remove_dot_segments(path), "{path}");
        }
    }

    #[test]
    fn spellings_of_one_url_are_the_same() {
        for htu in [
            "https://api.example/a/b",
            "HTTPS://API.Example:443/a/b",
            "https://api.example:/a/b",
            "https://api.example/a/./c/../b?x=1#y",
            "https://api.example/%61/b",
            "https://api.example/x/%2E%2e/a/b",
            "https://%61pi.example/a/b",
        ] {
            assert_eq!(judge(htu, "https://api.example/a/b?q=2"), Ok(()), "{htu}");
        }
        for htu in [
            "http://api.example/a/b",
            "https://api.example:8443/a/b",
            "https://api.example:0443/a/b",
            "https://api.example/a/b/",
            "https://api.example/a%2Fb",
            "https://api.example/A/b",
            "https://user@api.example/a/b",
            "https://api.example\\a\\b",
            " https://api.example/a/b",
            "https://api.example/a/\tb",
            "https://api.example/a/b%",
            "https://api.example.evil/a/b",
            "//api.example/a/b",
            "/a/b",
            "",
            "https:///a/b",
            "https://[::1/a/b",
        ] {
            assert_eq!(judge(htu, "https://api.example/a/b"), Err(Error::ProofUrl), "{htu}");
        }
        assert_eq!(judge("https://api.example", "https://api.example/"), Ok(()));
        assert_eq!(judge("https://[2001:DB8::1]:443/", "https://[2001:db8::1]"), Ok(()));
        assert_eq!(judge("https://a.example/%c3%a9", "https://a.example/%C3%A9"), Ok(()));
        assert_eq!(judge("https://a.example/%aa%AA", "https://a.example/%Aa%aA"), Ok(()));
        assert_eq!(judge("https://api.example/", "api.example/"), Err(Error::RequestUrl));
    }
}
