//! A resource behind the engine, for tests and demos: it says who asked.

use counterfoil::Seconds;
use counterfoil::oauth::verifier::Demands;
use hyper::StatusCode;
use hyper::header::HeaderName;
use serde_json::json;

use crate::Server;
use crate::error::Refusal;
use crate::http::{Request, Response, json as json_answer, set};
use crate::secret::Secret;
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
        // FAPI clients may send it to find their requests again; it is given back, or made (FAPI 1.0 Part 1 section 6.2.1, number 11).
        let sent = request.headers().get("x-fapi-interaction-id").and_then(|id| id.to_str().ok()).filter(|id| id.len() <= 64);
        set(&mut response, HeaderName::from_static("x-fapi-interaction-id"), &sent.map_or_else(uuid, str::to_owned));
        Ok(response)
    }
}

/// A random UUID (RFC 9562 section 5.4).
fn uuid() -> String {
    const VERSION: u128 = 4 << 76;
    const VARIANT: u128 = 2 << 62;
    let random = Secret::new().digest().as_bytes().iter().fold(0, |number: u128, byte| number << 8 | u128::from(*byte));
    let number = random & !(0xf << 76) & !(3 << 62) | VERSION | VARIANT;
    let part = |shift: u32, digits: u32| number >> shift & ((1 << (4 * digits)) - 1);
    format!("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", part(96, 8), part(80, 4), part(64, 4), part(48, 4), part(0, 12))
}
