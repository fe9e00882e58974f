//! A resource behind the engine, for tests and demos: it says who asked.

use counterfoil::Seconds;
use counterfoil::oauth::verifier::Demands;
use hyper::StatusCode;
use hyper::header::HeaderName;
use serde_json::json;

use crate::Server;
use crate::error::Refusal;
use crate::http::{Request, Response, json as json_answer, set};
use crate::store::Store;

impl<S: Store> Server<S> {
    pub(crate) async fn resource(&self, request: &Request) -> Result<Response, Refusal> {
        let resource = self.config.resources.first();
        let acr_values: Vec<&str> = resource.into_iter().flat_map(|resource| resource.acr_values.iter().map(String::as_str)).collect();
        let max_age = resource.and_then(|resource| resource.max_age).map(Seconds);
        let demands = Demands { scopes: &[], acr_values: &acr_values, max_age };
        let mut response = match self.presented(request, "/resource", demands).await {
            Ok(token) => {
                let body = json!({ "sub": token.text("sub"), "client_id": token.text("client_id"), "scope": token.text("scope") });
                json_answer(StatusCode::OK, &body)
            }
            Err(refused) => refused,
        };
        // FAPI clients may send it to find their requests again; it is given back.
        if let Some(id) = request.headers().get("x-fapi-interaction-id").and_then(|id| id.to_str().ok()) {
            set(&mut response, HeaderName::from_static("x-fapi-interaction-id"), id);
        }
        Ok(response)
    }
}
