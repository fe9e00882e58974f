//! The JOSE header: what it must have, and what no token of ours has (RFC 7515 section 4).

use crate::error::Error;
use crate::wire::json::{self, Member};
use crate::wire::value::Str;

/// The members of a header that decide how a token is judged.
///
/// Key material and its addresses (`jwk`, `jku`, `x5u`, `x5c`) are not among them: real issuers send such members, and nobody reads them.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    alg: Str<'a>,
    typ: Option<Str<'a>>,
    kid: Option<Str<'a>>,
}

impl<'a> Header<'a> {
    /// Reads a decoded header; `also` sees every member that is not judged here.
    #[inline(never)]
    pub(crate) fn read(text: &'a [u8], mut also: impl FnMut(Member<'a>) -> Result<(), Error>) -> Result<Self, Error> {
        let (mut alg, mut typ, mut kid) = (None, None, None);
        let mut short = [0; 32];
        json::read_object(text, |member| {
            match member.name.resolved_name(&mut short).as_bytes() {
                b"alg" => alg = Some(string(member)?),
                b"typ" => typ = Some(string(member)?),
                b"kid" => kid = Some(string(member)?),
                b"cty" => refuse_nested(string(member)?)?,
                b"crit" => return Err(Error::HeaderCritical),
                b"b64" => return Err(Error::HeaderUnencoded),
                b"zip" => return Err(Error::HeaderCompressed),
                b"enc" => return Err(Error::HeaderEncrypted),
                _ => also(member)?,
            }
            Ok(())
        })?;
        Ok(Self { alg: alg.ok_or(Error::AlgorithmMissing)?, typ, kid })
    }

    /// The algorithm that the token claims.
    #[must_use]
    pub const fn alg(&self) -> Str<'a> {
        self.alg
    }

    /// The media type that the token claims.
    #[must_use]
    pub const fn typ(&self) -> Option<Str<'a>> {
        self.typ
    }

    /// The key that the token claims.
    #[must_use]
    pub const fn kid(&self) -> Option<Str<'a>> {
        self.kid
    }
}

fn string<'a>(member: Member<'a>) -> Result<Str<'a>, Error> {
    member.value.as_str().ok_or(Error::HeaderMalformed)
}

fn refuse_nested(cty: Str<'_>) -> Result<(), Error> {
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
