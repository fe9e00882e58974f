//! A client's certificate that outlives the connection it came by: for hosts that hand one about, and judge several tokens by it.

use std::sync::OnceLock;

use counterfoil::Error;
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::certificate::ClientCertificate;

/// A certificate in the form in which a host has it; hashed once, when it is first asked for.
#[derive(Clone, Debug)]
pub struct Certificate {
    form: Form,
    bytes: Vec<u8>,
    thumbprint: OnceLock<Result<Thumbprint, Error>>,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Der,
    Pem,
    EscapedPem,
    ClientCert,
    /// `bytes` are empty: only the thumbprint is known.
    Thumbprint,
}

impl Certificate {
    /// From DER.
    #[must_use]
    pub fn der(certificate: impl Into<Vec<u8>>) -> Self {
        Self::new(Form::Der, certificate.into())
    }

    /// From PEM.
    #[must_use]
    pub fn pem(certificate: impl Into<Vec<u8>>) -> Self {
        Self::new(Form::Pem, certificate.into())
    }

    /// From PEM with percent escapes, as nginx's `$ssl_client_escaped_cert`.
    #[must_use]
    pub fn escaped_pem(certificate: impl Into<Vec<u8>>) -> Self {
        Self::new(Form::EscapedPem, certificate.into())
    }

    /// From the value of a `Client-Cert` field (RFC 9440).
    #[must_use]
    pub fn client_cert(field: impl Into<Vec<u8>>) -> Self {
        Self::new(Form::ClientCert, field.into())
    }

    /// A certificate of which only the `x5t#S256` is known.
    #[must_use]
    pub fn of_thumbprint(thumbprint: Thumbprint) -> Self {
        Self { form: Form::Thumbprint, bytes: Vec::new(), thumbprint: OnceLock::from(Ok(thumbprint)) }
    }

    fn new(form: Form, bytes: Vec<u8>) -> Self {
        Self { form, bytes, thumbprint: OnceLock::new() }
    }

    /// As the engine takes it from a request.
    ///
    /// # Errors
    /// [`Error::CertificateMalformed`]: a thumbprint alone is no certificate.
    pub fn presented(&self) -> Result<ClientCertificate<'_>, Error> {
        Ok(match self.form {
            Form::Der => ClientCertificate::Der(&self.bytes),
            Form::Pem => ClientCertificate::Pem(&self.bytes),
            Form::EscapedPem => ClientCertificate::EscapedPem(&self.bytes),
            Form::ClientCert => ClientCertificate::ClientCert(&self.bytes),
            Form::Thumbprint => return Err(Error::CertificateMalformed),
        })
    }

    /// Its `x5t#S256` (RFC 8705 section 3.1).
    ///
    /// # Errors
    /// [`Error::CertificateMalformed`].
    pub fn thumbprint(&self) -> Result<Thumbprint, Error> {
        let hash = || self.presented()?.thumbprint(&mut vec![0; self.bytes.len().saturating_mul(2)]);
        *self.thumbprint.get_or_init(hash)
    }
}
