//! Where a key set comes from.

use std::path::PathBuf;

use counterfoil_gateway::KeySource;
use counterfoil_gateway::RemoteKeys;
use counterfoil_gateway::https::Transport;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::error::misconfigured;
use crate::text::Text;

/// Exactly one source.
pub(crate) fn source(
    py: Python<'_>,
    jwks: Option<&Text<'_>>,
    jwks_file: Option<PathBuf>,
    jwks_uri: Option<&str>,
    ca_file: Option<PathBuf>,
) -> PyResult<KeySource> {
    match (jwks, jwks_file, jwks_uri) {
        (Some(text), None, None) => Ok(KeySource::Text(text.bytes()?.to_vec())),
        (None, Some(path), None) => Ok(KeySource::File(path)),
        (None, None, Some(url)) => {
            let transport = ca_file.map_or_else(|| Ok(Transport::new()), |path| Transport::new().with_authorities_file(&path));
            let remote = transport.and_then(|transport| RemoteKeys::new(url, &transport));
            remote.map(KeySource::Url).map_err(|error| misconfigured(py, &error))
        }
        _ => Err(PyTypeError::new_err("exactly one of jwks, jwks_file and jwks_uri")),
    }
}
