//! JARM responses, as a client validates them.

use std::sync::Arc;

use counterfoil::oauth::jarm::SentState;
use counterfoil_gateway::{Response, Returned};
use napi_derive::napi;

use crate::error::{Result, guarded, misconfigured, thrown};
use crate::scratch::time;
use crate::text::Text;

/// Judges the responses of one authorization server to one client.
#[napi]
pub(crate) struct ResponseVerifier(Arc<counterfoil_gateway::ResponseVerifier>);

/// An accepted response's parameters: `code`, or `error` and what goes with it.
#[napi(object)]
pub(crate) struct ResponseParameters {
    /// The authorization code.
    pub code: Option<String>,
    /// The error.
    pub error: Option<String>,
    /// What it is, for people.
    pub error_description: Option<String>,
    /// Where to read about it.
    pub error_uri: Option<String>,
}

#[napi]
impl ResponseVerifier {
    /// From a JSON text: `counterfoil_gateway::settings::ResponseSettings`.
    #[napi(constructor)]
    pub fn new(settings: String) -> Result<Self> {
        counterfoil_gateway::ResponseVerifier::from_json(&settings).map(|made| Self(Arc::new(made))).map_err(|error| misconfigured(&error))
    }

    /// Judges a response JWT, or with `is_query` the query of a redirect that carries one; `state` null: none was sent.
    #[napi]
    pub fn accept(&self, returned: Text, is_query: bool, state: Option<String>, now: Option<f64>) -> Result<ResponseParameters> {
        let state = state.as_deref().map_or(SentState::None, SentState::Sent);
        let returned = match core::str::from_utf8(returned.bytes()) {
            Ok(query) if is_query => Returned::Query(query),
            _ => Returned::Jwt(returned.bytes()),
        };
        let nothing = ResponseParameters { code: None, error: None, error_description: None, error_uri: None };
        match guarded(|| self.0.accept(returned, state, time(now))).map_err(thrown)? {
            Response::Code(code) => Ok(ResponseParameters { code: Some(code), ..nothing }),
            Response::Error { error, description, uri } => {
                Ok(ResponseParameters { error: Some(error), error_description: description, error_uri: uri, ..nothing })
            }
        }
    }
}
