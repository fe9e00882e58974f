//! The JOSE header: what it must have, and what no token of ours has (RFC 7515 section 4).

use crate::error::Error;
use crate::jose::claims::string_at;
use crate::wire::json::{self, Member};
use crate::wire::value::{Span, Str};

/// The members of a header that decide how a token is judged.
///
/// Key material and its addresses (`jwk`, `jku`, `x5u`, `x5c`) are not among them: real issuers send such members, and nobody reads them.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    text: &'a str,
    places: Places,
}

/// Where those members stand in the header's text.
#[derive(Clone, Copy)]
pub(crate) struct Places {
    alg: Span,
    typ: Span,
    kid: Span,
}

impl<'a> Header<'a> {
    /// Reads a decoded header; `also` sees every member that is not judged here.
    #[inline(never)]
    pub(crate) fn read(text: &'a [u8], mut also: impl FnMut(Member<'a>) -> Result<(), Error>) -> Result<Self, Error> {
        let mut places = Places::NONE;
        let mut short = [0; 32];
        let text = json::read_object(text, |member| {
            match member.name.resolved_name(&mut short).as_bytes() {
                b"alg" => places.alg = string(&member)?,
                b"typ" => places.typ = string(&member)?,
                b"kid" => places.kid = string(&member)?,
                b"cty" => refuse_nested(member)?,
                b"crit" => return Err(Error::HeaderCritical),
                b"b64" => return Err(Error::HeaderUnencoded),
                b"zip" => return Err(Error::HeaderCompressed),
                b"enc" => return Err(Error::HeaderEncrypted),
                _ => also(member)?,
            }
            Ok(())
        })?;
        if places.alg.is_present() { Ok(Self { text, places }) } else { Err(Error::AlgorithmMissing) }
    }

    /// A header that was read before.
    pub(crate) const fn new(text: &'a str, places: Places) -> Self {
        Self { text, places }
    }

    pub(crate) const fn parts(&self) -> (&'a str, Places) {
        (self.text, self.places)
    }

    /// The algorithm that the token claims.
    #[must_use]
    pub fn alg(&self) -> Str<'a> {
        string_at(self.places.alg, self.text).unwrap_or(Str::new("", false))
    }

    /// The media type that the token claims.
    #[must_use]
    pub fn typ(&self) -> Option<Str<'a>> {
        string_at(self.places.typ, self.text)
    }

    /// The key that the token claims.
    #[must_use]
    pub fn kid(&self) -> Option<Str<'a>> {
        string_at(self.places.kid, self.text)
    }
}

impl Places {
    pub(crate) const NONE: Self = Self { alg: Span::NONE, typ: Span::NONE, kid: Span::NONE };
}

impl core::fmt::Debug for Places {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Places")
    }
}

fn string(member: &Member<'_>) -> Result<Span, Error> {
    if member.value.is_str() { Span::of(member).ok_or(Error::HeaderTooLarge) } else { Err(Error::HeaderMalformed) }
}

fn refuse_nested(cty: Member<'_>) -> Result<(), Error> {
    let cty = cty.value.as_str().ok_or(Error::HeaderMalformed)?;
    if is_type(cty, "jwt") { Err(Error::HeaderNested) } else { Ok(()) }
}

/// Whether `typ` is the media type `application/{expected}`, with or without the prefix, in any case (RFC 7515 section 4.1.9).
pub(crate) fn is_type(typ: Str<'_>, expected: &str) -> bool {
    const PREFIX: &str = "application/";
    let lower = |c: char| c.to_ascii_lowercase();
    typ.is_ignoring_case(expected) || typ.chars().map(lower).eq(PREFIX.chars().chain(expected.chars().map(lower)))
}

/// A `typ` that a policy accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType<'a> {
    /// The media type, without `application/`.
    Named(&'a str),
    /// No `typ` at all: for issuers that predate RFC 8725 section 3.11.
    Absent,
}

impl TokenType<'_> {
    pub(crate) fn admits(self, typ: Option<Str<'_>>) -> bool {
        match (self, typ) {
            (Self::Named(expected), Some(typ)) => is_type(typ, expected),
            (Self::Absent, None) => true,
            _ => false,
        }
    }
}
