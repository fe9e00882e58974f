//! Thumbprints of keys and certificates, and one signature by itself.

use core::mem::MaybeUninit;

use counterfoil::Error;
use counterfoil::jose::keys::Key;
use counterfoil::jose::thumbprint;
use counterfoil::wire::base64url;

use crate::boundary::{Buffer, Bytes, Code, given, guard};
use crate::keys::algorithms_of;
use crate::request::certificate_of;
use crate::token::Thumbprint;
use crate::value::written;

/// `jkt` of a JWK that is a key for one of `algorithms` (RFC 7638).
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_thumbprint_of_jwk(
    jwk: Bytes<'_>,
    algorithms: u32,
    thumbprint_out: Option<&mut MaybeUninit<Thumbprint>>,
) -> Code {
    guard(|| {
        let out = given(thumbprint_out)?;
        let key = Key::parse(jwk.read()?, algorithms_of(algorithms)?)?;
        out.write(Thumbprint { octets: *thumbprint::Thumbprint::of_key(key.public()).as_bytes() });
        Ok(())
    })
}

/// `x5t#S256` of a leaf certificate in one of the forms `COUNTERFOIL_CERTIFICATE_…` (RFC 8705 section 3.1). `scratch` is about twice as
/// long as the text of any form but DER, which needs none.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_thumbprint_of_certificate(
    form: u32,
    certificate: Bytes<'_>,
    scratch: Buffer<'_>,
    thumbprint_out: Option<&mut MaybeUninit<Thumbprint>>,
) -> Code {
    guard(|| {
        let out = given(thumbprint_out)?;
        let certificate = certificate_of(form, certificate)?.ok_or(Error::CertificateMissing)?;
        out.write(Thumbprint { octets: *certificate.thumbprint(scratch.open()?)?.as_bytes() });
        Ok(())
    })
}

/// Writes the 43 characters of base64url that `jkt` and `x5t#S256` hold to `buffer`.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_thumbprint_write<'b>(
    thumbprint: Option<&Thumbprint>,
    buffer: Buffer<'b>,
    text_out: Option<&mut MaybeUninit<Bytes<'b>>>,
) -> Code {
    guard(|| {
        let (out, octets) = (given(text_out)?, given(thumbprint)?.octets);
        out.write(written(&thumbprint::Thumbprint::from_bytes(octets).encode(), buffer)?);
        Ok(())
    })
}

/// Reads such a text: anything but strict base64url of 32 octets is `COUNTERFOIL_ERROR_BASE64URL_MALFORMED`.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_thumbprint_read(text: Bytes<'_>, thumbprint_out: Option<&mut MaybeUninit<Thumbprint>>) -> Code {
    guard(|| {
        let out = given(thumbprint_out)?;
        out.write(Thumbprint { octets: *thumbprint::Thumbprint::parse(text.read()?)?.as_bytes() });
        Ok(())
    })
}

/// Judges a signature by itself: by a JWK, over `message`, by the one algorithm of `algorithm`. It says nothing about whom a message
/// is for; tokens, proofs and responses have their own functions.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_signature_verify(jwk: Bytes<'_>, algorithm: u32, message: Bytes<'_>, signature: Bytes<'_>) -> Code {
    guard(|| {
        let [algorithm] = algorithms_of(algorithm)? else { return Err(Error::LimitOutOfRange) };
        let key = Key::parse(jwk.read()?, &[*algorithm])?;
        algorithm.verify(key.public(), message.read()?, signature.read()?)
    })
}

/// Decodes base64url without padding, strictly, to the start of `buffer`.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_base64url_decode<'b>(
    text: Bytes<'_>,
    buffer: Buffer<'b>,
    octets_out: Option<&mut MaybeUninit<Bytes<'b>>>,
) -> Code {
    guard(|| {
        let out = given(octets_out)?;
        let (octets, _) = base64url::decode(text.read()?, buffer.open()?)?;
        out.write(Bytes::of(octets));
        Ok(())
    })
}
