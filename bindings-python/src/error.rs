//! Refusals as exceptions of the classes in `counterfoil.errors`.

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use counterfoil::Error;
use counterfoil_gateway::ConfigError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::lock;

static REFUSAL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// What goes into an exception beside the number: the answer's two headers, or what a mistake in a configuration is about.
#[derive(Default)]
pub(crate) struct Extra<'a> {
    pub(crate) www_authenticate: Option<&'a str>,
    pub(crate) dpop_nonce: Option<&'a str>,
    pub(crate) about: Option<&'a str>,
}

/// The exception for a refusal.
pub(crate) fn exception(py: Python<'_>, error: Error, extra: &Extra<'_>) -> Py<PyAny> {
    let made = REFUSAL
        .get_or_try_init(py, || Ok::<_, PyErr>(py.import("counterfoil.errors")?.getattr("refusal")?.unbind()))
        .and_then(|refusal| refusal.call1(py, (error.code(), extra.www_authenticate, extra.dpop_nonce, extra.about)));
    made.unwrap_or_else(|error| error.into_value(py).into_any())
}

pub(crate) fn raised(py: Python<'_>, error: Error) -> PyErr {
    raised_with(py, error, &Extra::default())
}

pub(crate) fn raised_with(py: Python<'_>, error: Error, extra: &Extra<'_>) -> PyErr {
    PyErr::from_value(exception(py, error, extra).into_bound(py))
}

pub(crate) fn misconfigured(py: Python<'_>, error: &ConfigError) -> PyErr {
    raised_with(py, error.error(), &Extra { about: Some(error.about()).filter(|about| !about.is_empty()), ..Extra::default() })
}

/// Judges without the interpreter's lock. A panic becomes a refusal: never a crash, and never an acceptance.
pub(crate) fn judged<T: Send>(py: Python<'_>, judge: impl Send + FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    lock::without(py, || guarded(judge))
}

/// As [`judged`], with the lock: for what takes less time than giving it away.
pub(crate) fn guarded<T>(judge: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // What the closure leaves half done is scratch memory, which is written before it is read.
    catch_unwind(AssertUnwindSafe(judge)).unwrap_or(Err(Error::Panicked))
}

/// Number, slug, family and HTTP status of every error: what `counterfoil/_codes.py` is made of.
#[pyfunction]
pub(crate) fn errors() -> Vec<(u16, &'static str, String, u16)> {
    Error::ALL.iter().map(|error| (error.code(), error.slug(), format!("{:?}", error.family()), error.http().status)).collect()
}

/// Panics where a token is judged.
#[cfg(feature = "inject-panic")]
#[pyfunction]
pub(crate) fn panic(py: Python<'_>) -> PyResult<()> {
    judged(py, || panic!("as the test wants it")).map_err(|error| raised(py, error))
}
