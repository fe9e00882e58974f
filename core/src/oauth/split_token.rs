//! Split tokens: the client holds the signature of a token, its *ticket*; the gateway keeps what was signed, the *counterfoil*.
//!
//! Neither half is of use without the other. The counterfoil is stored under a hash of the ticket, so that who reads the store cannot
//! make a token either. For a DPoP proof, `ath` is the hash of the ticket, which is what the client presents: in base64url it is the
//! very key of the counterfoil.

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::error::Error;
use crate::jose::jws::Compact;
use crate::jose::policy::Limits;

/// What the client holds: the text of the signature segment.
#[derive(Clone, Copy)]
pub struct Ticket<'a>(&'a [u8]);

/// What the gateway keeps: header and payload segments with the dot between them.
#[derive(Clone, Copy)]
pub struct Counterfoil<'a>(&'a [u8]);

/// Splits a compact token of at most 16 KiB in two.
///
/// # Errors
/// As [`Compact::parse`], [`Ticket::parse`] and [`Counterfoil::parse`].
pub fn split(token: &[u8]) -> Result<(Counterfoil<'_>, Ticket<'_>), Error> {
    let compact = Compact::parse(token, Limits::DEFAULT)?;
    Ok((Counterfoil::parse(compact.signing_input())?, Ticket::parse(compact.signature())?))
}

/// Joins the halves to the compact token that an API behind the gateway expects.
///
/// # Errors
/// [`Error::BufferTooSmall`] when `out` is shorter than both halves and a dot; [`Error::CounterfoilMalformed`] for one that is not text.
pub fn join<'o>(counterfoil: Counterfoil<'_>, ticket: Ticket<'_>, out: &'o mut [u8]) -> Result<&'o str, Error> {
    let (Counterfoil(head), Ticket(signature)) = (counterfoil, ticket);
    let length = head.len().saturating_add(1).saturating_add(signature.len());
    let out = out.get_mut(..length).ok_or(Error::BufferTooSmall)?;
    let token = head.iter().chain(b".").chain(signature);
    out.iter_mut().zip(token).for_each(|(to, from)| *to = *from);
    core::str::from_utf8(out).map_err(|_| Error::CounterfoilMalformed)
}

impl<'a> Ticket<'a> {
    /// The shortest and longest signature of an algorithm that the engine has, in bytes.
    const SIGNATURES: core::ops::RangeInclusive<usize> = 64..=512;

    /// Takes a credential that must be one whole signature segment.
    ///
    /// # Errors
    /// [`Error::TicketMalformed`] for anything but strict base64url of 64 to 512 bytes, a joined token among it.
    pub fn parse(text: &'a [u8]) -> Result<Self, Error> {
        // In constant time, unlike the rest of the engine: the ticket is the whole secret.
        let mut signature = [0; 512];
        match Base64UrlUnpadded::decode(text, &mut signature) {
            Ok(signature) if Self::SIGNATURES.contains(&signature.len()) => Ok(Self(text)),
            _ => Err(Error::TicketMalformed),
        }
    }

    /// The key under which the counterfoil of this ticket is stored: SHA-256 of the ticket's text.
    #[must_use]
    pub fn key(self) -> CounterfoilKey {
        CounterfoilKey(Sha256::digest(self.0).into())
    }

    pub(crate) const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

impl<'a> Counterfoil<'a> {
    /// Takes what a store returned.
    ///
    /// # Errors
    /// [`Error::CounterfoilMalformed`] unless there is exactly one dot, with something on both its sides. The rest is judged with
    /// the signature.
    pub fn parse(text: &'a [u8]) -> Result<Self, Error> {
        let mut segments = text.split(|byte| *byte == b'.');
        match (segments.next(), segments.next(), segments.next()) {
            (Some([_, ..]), Some([_, ..]), None) => Ok(Self(text)),
            _ => Err(Error::CounterfoilMalformed),
        }
    }

    /// The text, to be stored.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

/// The hash of a ticket. Compared in constant time.
#[derive(Clone, Copy)]
pub struct CounterfoilKey([u8; 32]);

impl CounterfoilKey {
    /// Reads a key that a store returned, in any of the four encodings.
    ///
    /// # Errors
    /// [`Error::TicketHashMalformed`] unless it is exactly 32 bytes.
    pub fn parse(text: &[u8], encoding: KeyEncoding) -> Result<Self, Error> {
        let mut bytes = [0; 32];
        let length = match encoding {
            KeyEncoding::Raw => return text.try_into().map(Self).map_err(|_| Error::TicketHashMalformed),
            KeyEncoding::Base64url => Base64UrlUnpadded::decode(text, &mut bytes).map(<[u8]>::len).ok(),
            KeyEncoding::Base64 => Base64::decode(text, &mut bytes).map(<[u8]>::len).ok(),
            KeyEncoding::Hex => from_hex(text, &mut bytes),
        };
        if length == Some(32) { Ok(Self(bytes)) } else { Err(Error::TicketHashMalformed) }
    }

    /// Writes the key to the start of `out`: 43 characters of base64url, 44 of base64, 64 of hex, 32 raw bytes.
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`].
    pub fn encode(self, encoding: KeyEncoding, out: &mut [u8]) -> Result<&[u8], Error> {
        match encoding {
            KeyEncoding::Raw => {
                let out = out.get_mut(..32).ok_or(Error::BufferTooSmall)?;
                out.copy_from_slice(&self.0);
                Ok(out)
            }
            KeyEncoding::Base64url => Base64UrlUnpadded::encode(&self.0, out).map(str::as_bytes).map_err(|_| Error::BufferTooSmall),
            KeyEncoding::Base64 => Base64::encode(&self.0, out).map(str::as_bytes).map_err(|_| Error::BufferTooSmall),
            KeyEncoding::Hex => {
                let out = out.get_mut(..64).ok_or(Error::BufferTooSmall)?;
                let (pairs, _) = out.as_chunks_mut::<2>();
                for (pair, byte) in pairs.iter_mut().zip(self.0) {
                    *pair = [byte >> 4, byte & 0x0f].map(hex_digit);
                }
                Ok(out)
            }
        }
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for CounterfoilKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for CounterfoilKey {}

/// How a store spells its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyEncoding {
    /// base64url without padding: safe in URLs, and equal to a DPoP proof's `ath`.
    Base64url,
    /// Standard base64 with padding, as Curity's publishers write it.
    Base64,
    /// Lower-case hex.
    Hex,
    /// The bytes themselves.
    Raw,
}

/// Without a table: no cache line tells which digit it was.
const fn hex_digit(value: u8) -> u8 {
    let above_nine = 9u8.wrapping_sub(value) >> 7;
    b'0'.wrapping_add(value).wrapping_add(above_nine.wrapping_mul(b'a' - b'0' - 10))
}

fn from_hex(text: &[u8], out: &mut [u8; 32]) -> Option<usize> {
    let pairs: &[u8; 64] = text.try_into().ok()?;
    let (pairs, _) = pairs.as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase()).and_then(|digit| u8::try_from(digit).ok());
    for (byte, [high, low]) in out.iter_mut().zip(pairs) {
        *byte = digit(*high)?.wrapping_shl(4) | digit(*low)?;
    }
    Some(32)
}

impl core::fmt::Debug for Ticket<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Ticket")
    }
}

impl core::fmt::Debug for Counterfoil<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Counterfoil")
    }
}

impl core::fmt::Debug for CounterfoilKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("CounterfoilKey")
    }
}
