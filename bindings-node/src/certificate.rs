//! The client's certificate, in the form in which a host has it.

use counterfoil::Error;
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::certificate::ClientCertificate;
use napi_derive::napi;

use crate::error::{Result, thrown};
use crate::text::Text;

/// As the engine takes it. `form`: the place in `FORMS` of `lib/certificate.js`.
pub(crate) const fn certificate(form: u32, bytes: &[u8]) -> core::result::Result<ClientCertificate<'_>, Error> {
    match form {
        0 => Ok(ClientCertificate::Der(bytes)),
        1 => Ok(ClientCertificate::Pem(bytes)),
        2 => Ok(ClientCertificate::EscapedPem(bytes)),
        3 => Ok(ClientCertificate::ClientCert(bytes)),
        // A thumbprint alone is no certificate.
        _ => Err(Error::CertificateMalformed),
    }
}

/// The `x5t#S256` of a certificate (RFC 8705 section 3.1).
#[napi]
pub(crate) fn certificate_thumbprint(form: u32, text: Text) -> Result<String> {
    let text = text.bytes();
    let hash = || certificate(form, text)?.thumbprint(&mut vec![0; text.len().saturating_mul(2)]);
    hash().map(|thumbprint| thumbprint.to_string()).map_err(thrown)
}

/// Whether this is one: 32 octets in base64url.
#[napi]
pub(crate) fn check_thumbprint(text: Text) -> Result<String> {
    Thumbprint::parse(text.bytes()).map(|thumbprint| thumbprint.to_string()).map_err(thrown)
}
