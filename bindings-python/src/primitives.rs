//! The engine's parts, each by itself.

use counterfoil::Error;
use counterfoil::jose::algorithm::Algorithm;
use counterfoil::jose::keys::Key;
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::split_token::CounterfoilKey;
use counterfoil::wire::{base64url, json};
use counterfoil_gateway::keys::refused_keys;
use counterfoil_gateway::settings;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::certificate::Held;
use crate::error::{guarded, judged, misconfigured, raised};
use crate::split::encoding_of;
use crate::text::Text;
use crate::verifier::loads;

/// The implementations of these algorithms; those of FAPI 2.0 where none are named.
pub(crate) fn algorithms(py: Python<'_>, names: Option<&[String]>) -> PyResult<Vec<&'static dyn Algorithm>> {
    match names {
        Some(names) => settings::algorithms(names).map_err(|error| misconfigured(py, &error)),
        None => Ok(counterfoil::crypto::FAPI.to_vec()),
    }
}

/// The RFC 7638 thumbprint of a public JWK that serves one of these algorithms.
#[pyfunction]
#[pyo3(signature = (jwk, algorithms = None))]
pub(crate) fn jwk_thumbprint(py: Python<'_>, jwk: Text<'_>, algorithms: Option<Vec<String>>) -> PyResult<String> {
    let (jwk, algorithms) = (jwk.bytes()?, self::algorithms(py, algorithms.as_deref())?);
    let thumbprint = guarded(|| Key::parse(jwk, &algorithms).map(|key| Thumbprint::of_key(key.public()).to_string()));
    thumbprint.map_err(|error| raised(py, error))
}

/// The `x5t#S256` of a certificate.
#[pyfunction]
pub(crate) fn certificate_thumbprint(py: Python<'_>, certificate: Held<'_>) -> PyResult<String> {
    certificate.thumbprint().map(|thumbprint| thumbprint.to_string()).map_err(|error| raised(py, error))
}

/// Loads a JWK Set of at most `most` keys (a power of two up to 32); returns those that are not used: their places and the codes of the reasons.
#[pyfunction]
#[pyo3(signature = (jwks, algorithms = None, most = 32))]
pub(crate) fn load_jwks(
    py: Python<'_>,
    jwks: Text<'_>,
    algorithms: Option<Vec<String>>,
    most: usize,
) -> PyResult<Vec<(usize, &'static str)>> {
    let (jwks, algorithms) = (jwks.bytes()?, self::algorithms(py, algorithms.as_deref())?);
    let refused = judged(py, || refused_keys(jwks, &algorithms, most)).map_err(|error| raised(py, error))?;
    Ok(refused.iter().map(|key| (key.index, key.error.slug())).collect())
}

/// Judges a signature by one JWK and one algorithm.
#[pyfunction]
pub(crate) fn verify_signature(
    py: Python<'_>,
    jwk: Text<'_>,
    algorithm: String,
    signing_input: Text<'_>,
    signature: Text<'_>,
) -> PyResult<()> {
    let algorithms = algorithms(py, Some(&[algorithm]))?;
    let (jwk, message, signature) = (jwk.bytes()?, signing_input.bytes()?, signature.bytes()?);
    let verify = || {
        let key = Key::parse(jwk, &algorithms)?;
        let mut out = vec![0; signature.len()];
        let (signature, _) = base64url::decode(signature, &mut out)?;
        algorithms.first().ok_or(Error::AlgorithmsUnset)?.verify(key.public(), message, signature)
    };
    judged(py, verify).map_err(|error| raised(py, error))
}

/// Reads JSON as strictly as the engine does: no repeated member, no lone surrogate, bounded depth.
#[pyfunction]
pub(crate) fn parse_json(py: Python<'_>, text: Text<'_>) -> PyResult<Py<PyAny>> {
    let text = text.bytes()?;
    let value = guarded(|| json::read_value(text).map(|value| value.raw())).map_err(|error| raised(py, error))?;
    loads(py)?.call1(py, (value,))
}

/// Decodes base64url without padding, of which there is one text for one value.
#[pyfunction]
pub(crate) fn decode_base64url(py: Python<'_>, text: Text<'_>) -> PyResult<Py<PyBytes>> {
    let text = text.bytes()?;
    let mut out = vec![0; text.len()];
    let decoded = guarded(|| base64url::decode(text, &mut out).map(|(decoded, _)| decoded.to_vec()));
    decoded.map(|decoded| PyBytes::new(py, &decoded).unbind()).map_err(|error| raised(py, error))
}

/// Reads the key of a counterfoil.
#[pyfunction]
#[pyo3(signature = (key, encoding = "base64url"))]
pub(crate) fn read_counterfoil_key(py: Python<'_>, key: Text<'_>, encoding: &str) -> PyResult<Py<PyBytes>> {
    let key = CounterfoilKey::parse(key.bytes()?, encoding_of(py, encoding)?).map_err(|error| raised(py, error))?;
    Ok(PyBytes::new(py, key.as_bytes()).unbind())
}
