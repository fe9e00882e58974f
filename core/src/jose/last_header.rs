//! The last good header: nearly all tokens of a key have the same one, and what was read once need not be parsed again.

use crate::error::Error;
use crate::jose::header::{Header, Places};

/// Longer headers are parsed each time.
const MOST: usize = 192;

/// The header of the last token whose signature was good, in memory of the caller's.
///
/// A header is compared with it byte by byte, after its decoding and before its parsing. What a header says depends on its text alone, so the
/// verdict is the same for every token, whatever is remembered; only what is good is remembered, so nobody without a key can make
/// it forget.
#[derive(Clone)]
pub struct LastHeader {
    text: heapless::Vec<u8, MOST>,
    places: Places,
}

impl LastHeader {
    /// Nothing yet.
    #[must_use]
    pub const fn none() -> Self {
        Self { text: heapless::Vec::new(), places: Places::NONE }
    }

    /// As [`Header::read`], without parsing a header that is remembered.
    pub(crate) fn read<'a>(&self, text: &'a [u8]) -> Result<Header<'a>, Error> {
        if self.text == text && !text.is_empty() {
            return core::str::from_utf8(text).map(|text| Header::new(text, self.places)).map_err(|_| Error::TextNotUtf8);
        }
        Header::read(text, |_| Ok(()))
    }

    /// Remembers a good header.
    pub(crate) fn remember(&mut self, header: &Header<'_>) {
        let (text, places) = header.parts();
        if self.text != text.as_bytes() {
            self.text.clear();
            // What is too long leaves nothing remembered.
            let _ = self.text.extend_from_slice(text.as_bytes());
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

    fn outcome(header: Result<Header<'_>, Error>) -> Result<(String, Option<String>, Option<String>), Error> {
        header.map(|header| (header.alg().to_string(), header.typ().map(|typ| typ.to_string()), header.kid().map(|kid| kid.to_string())))
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
            if let Ok(header) = Header::read(remembered.as_bytes(), |_| Ok(())) {
                last.remember(&header);
            }
            for header in headers {
                assert_eq!(outcome(last.read(header.as_bytes())), outcome(Header::read(header.as_bytes(), |_| Ok(()))), "{header}");
            }
        }
    }

    #[test]
    fn a_long_header_leaves_nothing_behind() {
        let mut last = LastHeader::none();
        for text in [r#"{"alg":"ES256"}"#.to_owned(), format!(r#"{{"alg":"ES256","kid":"{}"}}"#, "k".repeat(MOST))] {
            last.remember(&Header::read(text.as_bytes(), |_| Ok(())).unwrap());
        }
        assert!(last.text.is_empty());
    }
}
