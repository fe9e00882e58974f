//! The text of `WWW-Authenticate` (RFC 9110 section 11.6.1, RFC 6750 section 3, RFC 9449 section 7.1, RFC 9470 section 3).

use crate::error::Error;
use crate::oauth::confirmation::Binding;
use crate::oauth::request::{Refusal, ResourceServer, Scheme};

/// Writes the challenge for `refusal`; `None` for answers that carry none.
///
/// Without a credential each scheme that the policy accepts is offered; after one, the scheme that should have been used is
/// challenged alone. No text says which check failed: that is in the log, not in the answer.
pub(crate) fn write<'o>(server: &ResourceServer<'_>, refusal: &Refusal, out: &'o mut [u8]) -> Result<Option<&'o str>, Error> {
    let answer = refusal.http();
    if !matches!(answer.status, 401 | 403) {
        return Ok(None);
    }
    let mut text = Text { out, length: 0 };
    let scheme = match refusal.error() {
        // A DPoP-bound token that came as Bearer must come with a proof.
        Error::ProofRequired => Some(Scheme::Dpop),
        _ => refusal.scheme(),
    };
    match scheme {
        Some(scheme) => write_one(&mut text, server, scheme, refusal)?,
        None => {
            let binding = server.verifier().binding();
            if binding != Binding::Dpop {
                write_one(&mut text, server, Scheme::Bearer, refusal)?;
            }
            if binding == Binding::Required || binding == Binding::Optional {
                text.push(", ")?;
            }
            if binding != Binding::Mtls {
                write_one(&mut text, server, Scheme::Dpop, refusal)?;
            }
        }
    }
    text.finish().map(Some)
}

fn write_one(text: &mut Text<'_>, server: &ResourceServer<'_>, scheme: Scheme, refusal: &Refusal) -> Result<(), Error> {
    let (name, algorithms) = match scheme {
        Scheme::Bearer => ("Bearer", None),
        Scheme::Dpop => ("DPoP", Some(server.proofs().algorithms())),
    };
    text.push(name)?;
    let mut parameters = Parameters { text, separator: " " };
    if let Some(realm) = server.realm() {
        parameters.push("realm", core::iter::once(realm))?;
    }
    if let Some(error) = refusal.http().error {
        parameters.push("error", core::iter::once(error))?;
    }
    let demands = server.verifier().demands();
    match refusal.error() {
        Error::ScopeInsufficient => parameters.push("scope", demands.scopes.iter().copied())?,
        Error::AuthenticationContext | Error::AuthenticationAge => {
            if !demands.acr_values.is_empty() {
                parameters.push("acr_values", demands.acr_values.iter().copied())?;
            }
            if let Some(max_age) = demands.max_age {
                parameters.push_number("max_age", max_age.0)?;
            }
        }
        _ => {}
    }
    match algorithms {
        Some(algorithms) => parameters.push("algs", algorithms.iter().map(|algorithm| algorithm.name())),
        None => Ok(()),
    }
}

/// Whether `text` can stand in a quoted-string without an escape (RFC 9110 section 5.6.4).
pub(crate) fn is_quotable(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, 0x20..=0x7e) && byte != b'"' && byte != b'\\')
}

struct Parameters<'t, 'o> {
    text: &'t mut Text<'o>,
    separator: &'static str,
}

impl Parameters<'_, '_> {
    /// `name="word word"`, with a comma before all but the first.
    fn push<'w>(&mut self, name: &str, words: impl Iterator<Item = &'w str>) -> Result<(), Error> {
        self.name(name)?;
        let mut separator = "\"";
        for word in words {
            if !is_quotable(word) {
                return Err(Error::TextNotToken);
            }
            self.text.push(separator)?;
            self.text.push(word)?;
            separator = " ";
        }
        self.text.push("\"")
    }

    fn push_number(&mut self, name: &str, number: u64) -> Result<(), Error> {
        use core::fmt::Write as _;
        self.name(name)?;
        write!(self.text, "{number}").map_err(|_| Error::BufferTooSmall)
    }

    fn name(&mut self, name: &str) -> Result<(), Error> {
        let separator = core::mem::replace(&mut self.separator, ", ");
        self.text.push(separator)?;
        self.text.push(name)?;
        self.text.push("=")
    }
}

/// Text at the start of a caller's buffer.
struct Text<'o> {
    out: &'o mut [u8],
    length: usize,
}

impl<'o> Text<'o> {
    fn push(&mut self, more: &str) -> Result<(), Error> {
        let end = self.length.saturating_add(more.len());
        self.out.get_mut(self.length..end).ok_or(Error::BufferTooSmall)?.copy_from_slice(more.as_bytes());
        self.length = end;
        Ok(())
    }

    fn finish(self) -> Result<&'o str, Error> {
        let text = self.out.get(..self.length).ok_or(Error::BufferTooSmall)?;
        core::str::from_utf8(text).map_err(|_| Error::TextNotUtf8)
    }
}

impl core::fmt::Write for Text<'_> {
    fn write_str(&mut self, more: &str) -> core::fmt::Result {
        self.push(more).map_err(|_| core::fmt::Error)
    }
}
