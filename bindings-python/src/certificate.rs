//! The client's certificate, in the form in which a host has it.

use counterfoil::Error;
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::certificate::ClientCertificate;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::raised;
use crate::text::Text;

/// A client's certificate. `bytes` in its place are DER.
#[pyclass(frozen, module = "counterfoil")]
pub(crate) struct Certificate(counterfoil_gateway::Certificate);

#[pymethods]
impl Certificate {
    /// From DER.
    #[staticmethod]
    fn der(certificate: Text<'_>) -> PyResult<Self> {
        Ok(Self(counterfoil_gateway::Certificate::der(certificate.bytes()?)))
    }

    /// From PEM.
    #[staticmethod]
    fn pem(certificate: Text<'_>) -> PyResult<Self> {
        Ok(Self(counterfoil_gateway::Certificate::pem(certificate.bytes()?)))
    }

    /// From PEM with percent escapes, as nginx's `$ssl_client_escaped_cert`.
    #[staticmethod]
    fn escaped_pem(certificate: Text<'_>) -> PyResult<Self> {
        Ok(Self(counterfoil_gateway::Certificate::escaped_pem(certificate.bytes()?)))
    }

    /// From the value of a `Client-Cert` field (RFC 9440).
    #[staticmethod]
    fn client_cert(field: Text<'_>) -> PyResult<Self> {
        Ok(Self(counterfoil_gateway::Certificate::client_cert(field.bytes()?)))
    }

    /// A certificate of which only the `x5t#S256` is known.
    #[staticmethod]
    fn of_thumbprint(py: Python<'_>, thumbprint: Text<'_>) -> PyResult<Self> {
        let thumbprint = Thumbprint::parse(thumbprint.bytes()?).map_err(|error| raised(py, error))?;
        Ok(Self(counterfoil_gateway::Certificate::of_thumbprint(thumbprint)))
    }

    /// Its `x5t#S256` (RFC 8705 section 3.1).
    #[getter]
    fn thumbprint(&self, py: Python<'_>) -> PyResult<String> {
        self.0.thumbprint().map(|thumbprint| thumbprint.to_string()).map_err(|error| raised(py, error))
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
            Self::Certificate(certificate) => certificate.get().0.thumbprint(),
        }
    }

    pub(crate) fn presented(&self) -> Result<ClientCertificate<'_>, Error> {
        match self {
            Self::Der(der) => Ok(ClientCertificate::Der(der.as_bytes())),
            Self::Certificate(certificate) => certificate.get().0.presented(),
        }
    }
}
