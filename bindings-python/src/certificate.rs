//! The client's certificate, in the form in which a host has it.

use std::sync::OnceLock;

use counterfoil::Error;
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::certificate::ClientCertificate;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::raised;
use crate::text::Text;

/// A client's certificate. `bytes` in its place are DER.
#[pyclass(frozen, module = "counterfoil")]
pub(crate) struct Certificate {
    form: Form,
    bytes: Vec<u8>,
    thumbprint: OnceLock<Result<Thumbprint, Error>>,
}

#[derive(Clone, Copy)]
enum Form {
    Der,
    Pem,
    EscapedPem,
    ClientCert,
    /// `bytes` are empty: only the thumbprint is known.
    Thumbprint,
}

impl Certificate {
    fn new(form: Form, text: &Text<'_>) -> PyResult<Self> {
        Ok(Self { form, bytes: text.bytes()?.to_vec(), thumbprint: OnceLock::new() })
    }

    /// As the engine takes it from a request; a thumbprint alone is no certificate.
    fn presented(&self) -> Result<ClientCertificate<'_>, Error> {
        Ok(match self.form {
            Form::Der => ClientCertificate::Der(&self.bytes),
            Form::Pem => ClientCertificate::Pem(&self.bytes),
            Form::EscapedPem => ClientCertificate::EscapedPem(&self.bytes),
            Form::ClientCert => ClientCertificate::ClientCert(&self.bytes),
            Form::Thumbprint => return Err(Error::CertificateMalformed),
        })
    }

    fn x5t(&self) -> Result<Thumbprint, Error> {
        let hash = || self.presented()?.thumbprint(&mut vec![0; self.bytes.len().saturating_mul(2)]);
        *self.thumbprint.get_or_init(hash)
    }
}

#[pymethods]
impl Certificate {
    /// From DER.
    #[staticmethod]
    fn der(certificate: Text<'_>) -> PyResult<Self> {
        Self::new(Form::Der, &certificate)
    }

    /// From PEM.
    #[staticmethod]
    fn pem(certificate: Text<'_>) -> PyResult<Self> {
        Self::new(Form::Pem, &certificate)
    }

    /// From PEM with percent escapes, as nginx's `$ssl_client_escaped_cert`.
    #[staticmethod]
    fn escaped_pem(certificate: Text<'_>) -> PyResult<Self> {
        Self::new(Form::EscapedPem, &certificate)
    }

    /// From the value of a `Client-Cert` field (RFC 9440).
    #[staticmethod]
    fn client_cert(field: Text<'_>) -> PyResult<Self> {
        Self::new(Form::ClientCert, &field)
    }

    /// A certificate of which only the `x5t#S256` is known.
    #[staticmethod]
    fn of_thumbprint(py: Python<'_>, thumbprint: Text<'_>) -> PyResult<Self> {
        let thumbprint = Thumbprint::parse(thumbprint.bytes()?).map_err(|error| raised(py, error))?;
        Ok(Self { form: Form::Thumbprint, bytes: Vec::new(), thumbprint: OnceLock::from(Ok(thumbprint)) })
    }

    /// Its `x5t#S256` (RFC 8705 section 3.1).
    #[getter]
    fn thumbprint(&self, py: Python<'_>) -> PyResult<String> {
        self.x5t().map(|thumbprint| thumbprint.to_string()).map_err(|error| raised(py, error))
    }
}

/// A certificate as an argument.
pub(crate) enum Held<'py> {
    Der(Bound<'py, PyBytes>),
    Certificate(Bound<'py, Certificate>),
}

impl<'py> FromPyObject<'_, 'py> for Held<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match object.cast::<PyBytes>() {
            Ok(der) => Ok(Self::Der(der.to_owned())),
            Err(_) => Ok(Self::Certificate(object.cast::<Certificate>()?.to_owned())),
        }
    }
}

impl Held<'_> {
    pub(crate) fn thumbprint(&self) -> Result<Thumbprint, Error> {
        match self {
            Self::Der(der) => ClientCertificate::Der(der.as_bytes()).thumbprint(&mut []),
            Self::Certificate(certificate) => certificate.get().x5t(),
        }
    }

    pub(crate) fn presented(&self) -> Result<ClientCertificate<'_>, Error> {
        match self {
            Self::Der(der) => Ok(ClientCertificate::Der(der.as_bytes())),
            Self::Certificate(certificate) => certificate.get().presented(),
        }
    }
}
