//! The client certificate in the forms in which gateways get it, to `x5t#S256` (RFC 8705 section 3.1).

use base64ct::{Base64, Encoding as _};

use crate::error::Error;
use crate::jose::thumbprint::Thumbprint;

/// A leaf certificate as a host has it. Every form but DER has travelled in a header: trust it only from a configured peer.
#[derive(Clone, Copy, Debug)]
pub enum ClientCertificate<'a> {
    /// DER, from the TLS session.
    Der(&'a [u8]),
    /// PEM with one certificate and nothing around it.
    Pem(&'a [u8]),
    /// PEM with percent escapes, as in nginx's `$ssl_client_escaped_cert`. A `+` stands for itself.
    EscapedPem(&'a [u8]),
    /// The value of a `Client-Cert` field: `:base64:` (RFC 9440 section 2.1).
    ClientCert(&'a [u8]),
}

impl ClientCertificate<'_> {
    /// The certificate's `x5t#S256`. `scratch` must be about twice as long as the text of any form but DER.
    ///
    /// Judges only that these are the bytes of one certificate: the handshake has proved possession, and whether the PKI behind
    /// the certificate matters is the host's policy.
    ///
    /// # Errors
    /// [`Error::CertificateMalformed`], [`Error::CertificateRepeated`] for a chain, [`Error::BufferTooSmall`].
    pub fn thumbprint(self, scratch: &mut [u8]) -> Result<Thumbprint, Error> {
        let der = match self {
            Self::Der(der) => der,
            Self::Pem(pem) => from_pem(pem, scratch)?,
            Self::EscapedPem(text) => {
                let (pem, rest) = unescaped(text, scratch)?;
                from_pem(pem, rest)?
            }
            Self::ClientCert(value) => from_field(value, scratch)?,
        };
        if !is_certificate(der) {
            return Err(Error::CertificateMalformed);
        }
        Ok(Thumbprint::of_der(der))
    }
}

fn from_pem<'s>(pem: &[u8], scratch: &'s mut [u8]) -> Result<&'s [u8], Error> {
    const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
    const END: &[u8] = b"-----END CERTIFICATE-----";
    let body = pem.trim_ascii().strip_prefix(BEGIN).ok_or(Error::CertificateMalformed)?;
    if body.windows(BEGIN.len()).any(|window| window == BEGIN) {
        return Err(Error::CertificateRepeated);
    }
    let body = body.strip_suffix(END).ok_or(Error::CertificateMalformed)?;
    from_base64(body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()), scratch)
}

/// RFC 8941 section 3.3.5: a byte sequence is standard base64 between colons.
fn from_field<'s>(value: &[u8], scratch: &'s mut [u8]) -> Result<&'s [u8], Error> {
    let Some([b':', body @ .., b':']) = Some(value.trim_ascii()) else { return Err(Error::CertificateMalformed) };
    if body.contains(&b',') {
        return Err(Error::CertificateRepeated);
    }
    from_base64(body.iter().copied(), scratch)
}

fn from_base64(text: impl Iterator<Item = u8>, scratch: &mut [u8]) -> Result<&[u8], Error> {
    let mut length = 0usize;
    for byte in text {
        *scratch.get_mut(length).ok_or(Error::BufferTooSmall)? = byte;
        length = length.saturating_add(1);
    }
    let text = scratch.get_mut(..length).ok_or(Error::BufferTooSmall)?;
    Base64::decode_in_place(text).map_err(|_| Error::CertificateMalformed)
}

/// Resolves percent escapes (RFC 3986 section 2.1) to the start of `scratch`; returns the text and what is left.
fn unescaped<'s>(text: &[u8], scratch: &'s mut [u8]) -> Result<(&'s [u8], &'s mut [u8]), Error> {
    let mut rest = text;
    let mut length = 0usize;
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = match (first, after) {
            (b'%', [high, low, after @ ..]) => (hex(*high, *low).ok_or(Error::CertificateMalformed)?, after),
            (b'%', _) => return Err(Error::CertificateMalformed),
            _ => (*first, after),
        };
        *scratch.get_mut(length).ok_or(Error::BufferTooSmall)? = byte;
        length = length.saturating_add(1);
        rest = after;
    }
    let (pem, rest) = scratch.split_at_mut_checked(length).ok_or(Error::BufferTooSmall)?;
    Ok((pem, rest))
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)?.wrapping_shl(4) | digit(low)?)
}

/// `Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE, signature BIT STRING }` (RFC 5280 section
/// 4.1) with nothing behind it: tells a certificate from its PEM, its TBS part and its key.
fn is_certificate(der: &[u8]) -> bool {
    const SEQUENCE: u8 = 0x30;
    const BIT_STRING: u8 = 0x03;
    let parts = || {
        let (outer, rest) = element(SEQUENCE, der)?;
        let (_, after_tbs) = element(SEQUENCE, outer)?;
        let (_, after_algorithm) = element(SEQUENCE, after_tbs)?;
        let (_, end) = element(BIT_STRING, after_algorithm)?;
        Some(rest.is_empty() && end.is_empty())
    };
    parts().unwrap_or(false)
}

/// One DER element with a definite, minimal length of at most three octets (X.690 section 10.1).
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match der.strip_prefix(&[tag])? {
        [length @ 0..=0x7f, rest @ ..] => (usize::from(*length), rest),
        [0x81, a @ 0x80..=0xff, rest @ ..] => (usize::from(*a), rest),
        [0x82, a @ 1..=0xff, b, rest @ ..] => (usize::from(u16::from_be_bytes([*a, *b])), rest),
        [0x83, a @ 1..=0xff, b, c, rest @ ..] => (usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).ok()?, rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}
