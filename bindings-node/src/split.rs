//! Split tokens: the ticket that a client holds, and the counterfoil that is kept.

use counterfoil::oauth::split_token::{self, Counterfoil, CounterfoilKey, KeyEncoding, Ticket};
use counterfoil_gateway::settings;
use napi::bindgen_prelude::{Buffer, Either};
use napi_derive::napi;

use crate::error::{Result, misconfigured, thrown};
use crate::text::Text;

/// Takes a compact token apart: how many characters of it are the counterfoil to keep. The ticket is what follows the dot behind.
#[napi]
pub(crate) fn split(token: Text) -> Result<u32> {
    let (counterfoil, _) = split_token::split(token.bytes()).map_err(thrown)?;
    u32::try_from(counterfoil.as_bytes().len()).map_err(|_| thrown(counterfoil::Error::TokenTooLarge))
}

/// Puts the halves together again, as a service behind the gateway wants them.
#[napi]
pub(crate) fn join(counterfoil: Text, ticket: Text) -> Result<String> {
    let (counterfoil, ticket) = (counterfoil.bytes(), ticket.bytes());
    let mut out = vec![0; counterfoil.len().saturating_add(ticket.len()).saturating_add(1)];
    let mut joined = || split_token::join(Counterfoil::parse(counterfoil)?, Ticket::parse(ticket)?, &mut out).map(str::to_owned);
    joined().map_err(thrown)
}

fn encoding_of(name: Option<&str>) -> Result<KeyEncoding> {
    settings::key_encoding(name.unwrap_or("base64url")).map_err(|error| misconfigured(&error))
}

/// The key under which a ticket's counterfoil is kept: a string, or for `raw` the 32 octets.
#[napi]
pub(crate) fn counterfoil_key(ticket: Text, encoding: Option<String>) -> Result<Either<String, Buffer>> {
    let encoding = encoding_of(encoding.as_deref())?;
    let key = Ticket::parse(ticket.bytes()).map_err(thrown)?.key();
    let mut out = [0; 64];
    let text = key.encode(encoding, &mut out).map_err(thrown)?;
    Ok(match core::str::from_utf8(text) {
        Ok(text) if encoding != KeyEncoding::Raw => Either::A(text.to_owned()),
        _ => Either::B(text.to_vec().into()),
    })
}

/// Reads the key of a counterfoil.
#[napi]
pub(crate) fn read_counterfoil_key(key: Text, encoding: Option<String>) -> Result<Buffer> {
    let key = CounterfoilKey::parse(key.bytes(), encoding_of(encoding.as_deref())?).map_err(thrown)?;
    Ok(key.as_bytes().to_vec().into())
}
