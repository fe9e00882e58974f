//! JARM responses, as a client validates them.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use counterfoil::jose::algorithm::Algorithm;
use counterfoil::oauth::jarm::{AuthorizationResponse, ResponseRules, SentState};
use counterfoil::{Error, Seconds, UnixTime};
use counterfoil_gateway::keys::KeyRing;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{judged, misconfigured, raised};
use crate::keys::source;
use crate::primitives::algorithms;
use crate::text::Text;

/// Judges the responses of one authorization server to one client.
#[pyclass(frozen, subclass, module = "counterfoil")]
pub(crate) struct ResponseVerifier {
    issuer: String,
    client_id: String,
    algorithms: Vec<&'static dyn Algorithm>,
    keys: KeyRing,
    leeway: Seconds,
}

/// A response's parameters, in memory of their own.
enum Response {
    Code(String),
    Error { error: String, description: Option<String>, uri: Option<String> },
}

#[pymethods]
impl ResponseVerifier {
    #[new]
    #[pyo3(signature = (issuer, client_id, *, jwks = None, jwks_file = None, jwks_uri = None, ca_file = None, algorithms = None, leeway = 10))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn new(
        py: Python<'_>,
        issuer: String,
        client_id: String,
        jwks: Option<Text<'_>>,
        jwks_file: Option<PathBuf>,
        jwks_uri: Option<&str>,
        ca_file: Option<PathBuf>,
        algorithms: Option<Vec<String>>,
        leeway: u64,
    ) -> PyResult<Self> {
        for (word, error) in [(&issuer, Error::IssuerUnset), (&client_id, Error::ClientIdUnset)] {
            if word.is_empty() {
                return Err(raised(py, error));
            }
        }
        let algorithms = self::algorithms(py, algorithms.as_deref())?;
        let source = source(py, jwks.as_ref(), jwks_file, jwks_uri, ca_file)?;
        let keys = py.detach(|| KeyRing::start(&source, &algorithms, 0)).map_err(|error| misconfigured(py, &error))?;
        Ok(Self { issuer, client_id, algorithms, keys, leeway: Seconds(leeway) })
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
        let now = now.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()));
        let text = response.as_ref().map(Text::bytes).transpose()?;
        if text.is_some() == query.is_some() {
            return Err(PyTypeError::new_err("one of response and query"));
        }
        let accepted = judged(py, || self.judge(text, query, state.map_or(SentState::None, SentState::Sent), UnixTime(now)));
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

impl ResponseVerifier {
    fn judge(&self, response: Option<&[u8]>, query: Option<&str>, state: SentState<'_>, now: UnixTime) -> Result<Response, Error> {
        let keys = self.keys.load();
        let keys = keys.as_deref().ok_or(Error::LookupUnavailable)?.keys();
        let rules = ResponseRules::new(&self.issuer, &self.client_id, &self.algorithms, keys)?.with_leeway(self.leeway);
        let mut scratch = vec![0; 64 * 1024];
        let accepted = match query {
            Some(query) => rules.accept_query(query, state, now, &mut scratch),
            None => rules.accept(response.unwrap_or_default(), state, now, &mut scratch),
        };
        Ok(match accepted? {
            AuthorizationResponse::Code(code) => Response::Code(code.to_string()),
            AuthorizationResponse::Error { error, description, uri } => Response::Error {
                error: error.to_string(),
                description: description.map(|text| text.to_string()),
                uri: uri.map(|text| text.to_string()),
            },
        })
    }
}
