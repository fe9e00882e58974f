//! JARM responses, as a client validates them.

use counterfoil::oauth::jarm::SentState;
use counterfoil_gateway::{Response, Returned};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{judged, misconfigured, raised};
use crate::text::Text;
use crate::verifier::time;

/// Judges the responses of one authorization server to one client.
#[pyclass(frozen, subclass, module = "counterfoil")]
pub(crate) struct ResponseVerifier(counterfoil_gateway::ResponseVerifier);

#[pymethods]
impl ResponseVerifier {
    #[new]
    fn new(py: Python<'_>, settings: &str) -> PyResult<Self> {
        let made = py.detach(|| counterfoil_gateway::ResponseVerifier::from_json(settings));
        made.map(Self).map_err(|error| misconfigured(py, &error))
    }

    /// Judges a response JWT, or the query of a redirect that carries one; `state` None: none was sent. Returns a dict with `code`, or
    /// with `error` and, where there are any, `error_description` and `error_uri`.
    #[pyo3(signature = (response = None, *, query = None, state = None, now = None))]
    fn accept<'py>(
        &self,
        py: Python<'py>,
        response: Option<Text<'_>>,
        query: Option<&str>,
        state: Option<&str>,
        now: Option<u64>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let returned = match (response.as_ref(), query) {
            (Some(response), None) => Returned::Jwt(response.bytes()?),
            (None, Some(query)) => Returned::Query(query),
            _ => return Err(PyTypeError::new_err("one of response and query")),
        };
        let accepted = judged(py, || self.0.accept(returned, state.map_or(SentState::None, SentState::Sent), time(now)));
        let parameters = PyDict::new(py);
        match accepted.map_err(|error| raised(py, error))? {
            Response::Code(code) => parameters.set_item("code", code)?,
            Response::Error { error, description, uri } => {
                parameters.set_item("error", error)?;
                for (name, value) in [("error_description", description), ("error_uri", uri)] {
                    value.map_or(Ok(()), |value| parameters.set_item(name, value))?;
                }
            }
        }
        Ok(parameters)
    }
}
