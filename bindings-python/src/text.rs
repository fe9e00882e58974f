//! Text from Python: `str` or `bytes`, borrowed.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// `str` in UTF-8, or `bytes`.
pub(crate) enum Text<'py> {
    Str(Bound<'py, PyString>),
    Bytes(Bound<'py, PyBytes>),
}

impl<'py> FromPyObject<'_, 'py> for Text<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match object.cast::<PyString>() {
            Ok(text) => Ok(Self::Str(text.to_owned())),
            Err(_) => Ok(Self::Bytes(object.cast::<PyBytes>()?.to_owned())),
        }
    }
}

impl Text<'_> {
    pub(crate) fn bytes(&self) -> PyResult<&[u8]> {
        match self {
            Self::Str(text) => Ok(text.to_str()?.as_bytes()),
            Self::Bytes(bytes) => Ok(bytes.as_bytes()),
        }
    }
}
