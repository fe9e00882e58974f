//! Registration by clients themselves (RFC 7591), and what they may do with it later (RFC 7592). Closed unless the configuration opens it.

use std::borrow::Cow;

use hyper::header::AUTHORIZATION;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::Server;
use crate::client::{Client, Metadata, MetadataError};
use crate::error::Refusal;
use crate::http::{Request, Response, empty, json as json_answer};
use crate::profile::Profile;
use crate::reason;
use crate::secret::{Digest, Secret};
use crate::store::{Store, StoredClient};

impl<S: Store> Server<S> {
    pub(crate) async fn register_client(&self, request: &Request) -> Result<Response, Refusal> {
        let tokens = &self.config.registration.initial_access_tokens;
        if tokens.is_empty() {
            return Ok(empty(StatusCode::NOT_FOUND));
        }
        let presented = Digest::of(bearer(request)?).to_base64url();
        if !tokens.contains(&presented) {
            return Err(refused_token());
        }
        let id = Secret::new().as_str().get(..22).unwrap_or_default().to_owned();
        let metadata = judged(request, &id, None, self.config.profile)?;
        self.save(metadata, StatusCode::CREATED).await
    }

    pub(crate) async fn registered_client(&self, request: &Request, id: &str) -> Result<Response, Refusal> {
        let presented = Digest::of(bearer(request)?).to_base64url();
        let stored = self.store.client(id.to_owned()).await?.filter(|stored| stored.registration.as_ref() == Some(&presented));
        let stored = stored.ok_or(refused_token())?;
        match *request.method() {
            Method::GET => Ok(json_answer(StatusCode::OK, &self.registration_answer(stored.metadata, None))),
            Method::DELETE => {
                self.store.remove_client(id.to_owned(), request.now).await?;
                self.clients.forget(id);
                self.published.notify_waiters();
                Ok(empty(StatusCode::NO_CONTENT))
            }
            // RFC 7592 section 2.2: a new registration access token takes the old one's place.
            _ => {
                // The profile that an operator has given it is not its own to change.
                let given = stored.metadata.get("profile").and_then(Value::as_str).map(str::to_owned);
                self.save(judged(request, id, given, self.config.profile)?, StatusCode::OK).await
            }
        }
    }

    async fn save(&self, (client, metadata): (Client, Value), status: StatusCode) -> Result<Response, Refusal> {
        self.encryption.judge(&client).map_err(refused)?;
        let token = Secret::new();
        let client_id = metadata.get("client_id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let stored =
            StoredClient { client_id: client_id.clone(), metadata: metadata.clone(), registration: Some(token.digest().to_base64url()) };
        self.store.save_client(stored).await?;
        self.clients.forget(&client_id);
        tracing::info!(client = client_id, "client registered");
        Ok(json_answer(status, &self.registration_answer(metadata, Some(token.as_str()))))
    }

    fn registration_answer(&self, mut metadata: Value, token: Option<&str>) -> Value {
        if let Value::Object(members) = &mut metadata {
            let id = members.get("client_id").and_then(Value::as_str).unwrap_or_default().to_owned();
            members.insert("registration_client_uri".to_owned(), json!(self.config.url(&format!("/register/{id}"))));
            if let Some(token) = token {
                members.insert("registration_access_token".to_owned(), json!(token));
            }
        }
        metadata
    }
}

fn refused_token() -> Refusal {
    reason::REGISTRATION_TOKEN_INVALID.refusal()
}

fn bearer(request: &Request) -> Result<&str, Refusal> {
    let mut lines = request.headers().get_all(AUTHORIZATION).iter();
    let line = lines.next().and_then(|line| line.to_str().ok()).filter(|_| lines.next().is_none());
    let (scheme, token) = line.and_then(|line| line.split_once(' ')).ok_or(refused_token())?;
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() { Ok(token) } else { Err(refused_token()) }
}

/// The client's own words, judged, with the defaults of this server put in (RFC 7591 section 2). Members that are unknown are left out, and so
/// are those that a client may not give itself.
fn judged(request: &Request, id: &str, given: Option<String>, profile: &'static Profile) -> Result<(Client, Value), Refusal> {
    counterfoil::wire::json::read_object(&request.body, |_| Ok(())).map_err(|_| reason::METADATA_NOT_JSON.refusal())?;
    let mut metadata: Metadata =
        serde_json::from_slice(&request.body).map_err(|error| reason::METADATA_MISTYPED.refusal().because(error))?;
    metadata.client_id = id.to_owned();
    metadata.introspects = Vec::new();
    metadata.decides_backchannel_requests = false;
    metadata.profile = given;
    if metadata.token_endpoint_auth_method.is_empty() {
        metadata.token_endpoint_auth_method = "private_key_jwt".to_owned();
    }
    if metadata.grant_types.is_empty() {
        metadata.grant_types = vec!["authorization_code".to_owned()];
    }
    if metadata.response_types.is_empty() {
        metadata.response_types = vec!["code".to_owned()];
    }
    let value = serde_json::to_value(&metadata).map_err(|error| reason::METADATA_MISTYPED.refusal().because(error))?;
    Client::judge(metadata, profile).map(|client| (client, value)).map_err(refused)
}

fn refused(error: MetadataError) -> Refusal {
    let reason = if error.member == "redirect_uris" { reason::REDIRECT_URIS_INVALID } else { reason::METADATA_INVALID };
    let refusal = match error.why {
        Cow::Borrowed(why) => reason.refusal().saying(why),
        Cow::Owned(_) => reason.refusal(),
    };
    refusal.because(error)
}
