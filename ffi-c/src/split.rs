//! Split tokens: the client holds the ticket, the gateway keeps the counterfoil.

use core::mem::MaybeUninit;

use counterfoil::Error;
use counterfoil::oauth::split_token::{self, Counterfoil, CounterfoilKey, KeyEncoding, Ticket};

use crate::boundary::{Buffer, Bytes, Code, given, guard};
use crate::token::Thumbprint;
use crate::value::written;

/// base64url without padding: safe in URLs, and equal to a DPoP proof's `ath`. 43 octets.
pub const COUNTERFOIL_ENCODING_BASE64URL: u32 = 0;
/// Standard base64 with padding, as Curity's publishers write it. 44 octets.
pub const COUNTERFOIL_ENCODING_BASE64: u32 = 1;
/// Lower-case hex. 64 octets.
pub const COUNTERFOIL_ENCODING_HEX: u32 = 2;
/// The 32 octets themselves.
pub const COUNTERFOIL_ENCODING_RAW: u32 = 3;

pub(crate) const fn encoding_of(encoding: u32) -> Result<KeyEncoding, Error> {
    match encoding {
        COUNTERFOIL_ENCODING_BASE64URL => Ok(KeyEncoding::Base64url),
        COUNTERFOIL_ENCODING_BASE64 => Ok(KeyEncoding::Base64),
        COUNTERFOIL_ENCODING_HEX => Ok(KeyEncoding::Hex),
        COUNTERFOIL_ENCODING_RAW => Ok(KeyEncoding::Raw),
        _ => Err(Error::LimitOutOfRange),
    }
}

/// Writes the key under which the counterfoil of a ticket is stored, in one of `COUNTERFOIL_ENCODING_…`, to `buffer`. The ticket is
/// what the client presents; anything but one whole signature segment is `COUNTERFOIL_ERROR_TICKET_MALFORMED`.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_ticket_key<'b>(
    ticket: Bytes<'_>,
    encoding: u32,
    buffer: Buffer<'b>,
    key_out: Option<&mut MaybeUninit<Bytes<'b>>>,
) -> Code {
    guard(|| {
        let out = given(key_out)?;
        let mut text = [0; 64];
        let key = Ticket::parse(ticket.read()?)?.key();
        out.write(written(key.encode(encoding_of(encoding)?, &mut text)?, buffer)?);
        Ok(())
    })
}

/// Reads a key that a store returned: exactly 32 octets in one of `COUNTERFOIL_ENCODING_…`, or `COUNTERFOIL_ERROR_TICKET_HASH_MALFORMED`.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_ticket_key_read(key: Bytes<'_>, encoding: u32, hash_out: Option<&mut MaybeUninit<Thumbprint>>) -> Code {
    guard(|| {
        let out = given(hash_out)?;
        let key = CounterfoilKey::parse(key.read()?, encoding_of(encoding)?)?;
        out.write(Thumbprint { octets: *key.as_bytes() });
        Ok(())
    })
}

/// Splits a compact token of at most 16 KiB; both outputs refer to `token`.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_split<'a>(
    token: Bytes<'a>,
    counterfoil_out: Option<&mut MaybeUninit<Bytes<'a>>>,
    ticket_out: Option<&mut MaybeUninit<Bytes<'a>>>,
) -> Code {
    guard(|| {
        let (head_out, ticket_out) = (given(counterfoil_out)?, given(ticket_out)?);
        let token = token.read()?;
        let (counterfoil, _) = split_token::split(token)?;
        let (head, dot_and_ticket) = token.split_at(counterfoil.as_bytes().len());
        head_out.write(Bytes::of(head));
        ticket_out.write(Bytes::of(dot_and_ticket.get(1..).unwrap_or(&[])));
        Ok(())
    })
}

/// Joins the halves to the compact token that an API behind the gateway expects, in `buffer` of at least both and one octet. Verifies
/// nothing: join what was judged.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_join<'b>(
    counterfoil: Bytes<'_>,
    ticket: Bytes<'_>,
    buffer: Buffer<'b>,
    token_out: Option<&mut MaybeUninit<Bytes<'b>>>,
) -> Code {
    guard(|| {
        let out = given(token_out)?;
        let (counterfoil, ticket) = (Counterfoil::parse(counterfoil.read()?)?, Ticket::parse(ticket.read()?)?);
        out.write(Bytes::of(split_token::join(counterfoil, ticket, buffer.open()?)?.as_bytes()));
        Ok(())
    })
}
