//! The last good header: nearly all tokens of a key have the same one, and what was read once need not be parsed again.

use crate::error::Error;
use crate::jose::header::{Header, Places};
use crate::jose::jws::at_dot;
use crate::wire::search;

/// Longer headers, as they stand in a token, are decoded and parsed each time.
const MOST: usize = 256;

/// The header of the last token whose signature was good, in memory of the caller's.
///
/// A token's header is compared with it before it is decoded. What a header says depends on its text alone, which has one encoding, so the
/// verdict is the same for every token, whatever is remembered; only what is good is remembered, so nobody without a key can make
/// it forget.
#[derive(Clone)]
pub struct LastHeader {
    encoded: heapless::Vec<u8, MOST>,
    text: heapless::Vec<u8, MOST>,
    places: Places,
}

impl LastHeader {
    /// Nothing yet.
    #[must_use]
    pub const fn none() -> Self {
        Self { encoded: heapless::Vec::new(), text: heapless::Vec::new(), places: Places::NONE }
    }

    /// Whether this is how the remembered header stands in a token.
    #[inline(always)]
    pub(crate) fn holds(&self, encoded: &[u8]) -> bool {
        self.encoded == encoded && !encoded.is_empty()
    }

    /// The remembered header, copied to the start of `scratch`, and what is left of that.
    #[inline(always)]
    pub(crate) fn recall<'s>(&self, scratch: &'s mut [u8]) -> Result<(Header<'s>, &'s mut [u8]), Error> {
        let (own, rest) = scratch.split_at_mut_checked(self.text.len()).ok_or(Error::BufferTooSmall)?;
        own.copy_from_slice(&self.text);
        let (text, _) = search::text(own).ok_or(Error::TextNotUtf8)?;
        Ok((Header::new(text, self.places), rest))
    }

    /// Remembers the good header of a token whose first segments are `signing_input`.
    pub(crate) fn remember(&mut self, signing_input: &[u8], header: &Header<'_>) {
        if !self.encoded.is_empty() && matches!(signing_input.strip_prefix(self.encoded.as_slice()), Some([b'.', ..])) {
            return;
        }
        let (text, places) = header.parts();
        self.encoded.clear();
        self.text.clear();
        // What is too long leaves nothing remembered: the text is the shorter one.
        let encoded = at_dot(signing_input).map_or(&b""[..], |(encoded, _)| encoded);
        if self.encoded.extend_from_slice(encoded).is_ok() && self.text.extend_from_slice(text.as_bytes()).is_ok() {
            self.places = places;
        }
    }
}

impl Default for LastHeader {
    fn default() -> Self {
        Self::none()
    }
}

impl core::fmt::Debug for LastHeader {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "LastHeader({} bytes)", self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::jws::Compact;
    use crate::jose::policy::Limits;
    use base64ct::{Base64UrlUnpadded, Encoding as _};
    use std::string::{String, ToString as _};

    type Outcome = Result<(String, Option<String>, Option<String>), Error>;

    fn token(header: &str) -> String {
        format!("{}.e30.AA", Base64UrlUnpadded::encode_string(header.as_bytes()))
    }

    fn outcome(token: &str, last: Option<&LastHeader>) -> Outcome {
        let mut scratch = [0; 1024];
        let compact = Compact::parse(token.as_bytes(), Limits::DEFAULT)?;
        let unverified = compact.decode_after(Limits::DEFAULT, &mut scratch, last)?;
        let header = unverified.header();
        Ok((header.alg().to_string(), header.typ().map(|typ| typ.to_string()), header.kid().map(|kid| kid.to_string())))
    }

    fn remember(last: &mut LastHeader, token: &str) {
        let mut scratch = [0; 1024];
        let compact = Compact::parse(token.as_bytes(), Limits::DEFAULT).unwrap();
        if let Ok(unverified) = compact.decode(Limits::DEFAULT, &mut scratch) {
            unverified.remember_in(last);
        }
    }

    #[test]
    fn whatever_is_remembered_a_header_says_the_same() {
        let long = format!(r#"{{"alg":"ES256","kid":"{}"}}"#, "k".repeat(MOST));
        let headers = [
            r#"{"alg":"ES256","kid":"a","typ":"at+jwt"}"#,
            r#"{"alg":"ES256","kid":"b","typ":"at+jwt"}"#,
            r#"{"kid":"\u0061","alg":"ES\u003256"}"#,
            r#" {"alg":"PS256"} "#,
            r#"{"alg":"ES256","crit":["x"]}"#,
            r#"{"alg":"ES256","kid":"a","typ":"at+jwt""#,
            r#"{"kid":"a"}"#,
            "",
            &long,
        ];
        for remembered in headers {
            let mut last = LastHeader::none();
            remember(&mut last, &token(remembered));
            for header in headers {
                let token = token(header);
                assert_eq!(outcome(&token, Some(&last)), outcome(&token, None), "{header}");
                let cut = &token[1..];
                assert_eq!(outcome(cut, Some(&last)), outcome(cut, None), "{header}");
            }
        }
    }

    #[test]
    fn a_long_header_leaves_nothing_behind() {
        let mut last = LastHeader::none();
        for text in [r#"{"alg":"ES256"}"#.to_owned(), format!(r#"{{"alg":"ES256","kid":"{}"}}"#, "k".repeat(MOST))] {
            remember(&mut last, &token(&text));
        }
        assert!(last.text.is_empty() && !outcome(&token(r#"{"alg":"ES256"}"#), Some(&last)).unwrap().0.is_empty());
    }
}
