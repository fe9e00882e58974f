//! The token endpoint (RFC 6749 section 3.2): one grant a file, in `grant/`.

use hyper::StatusCode;
use hyper::header::PRAGMA;
use serde_json::{Map, Value, json};

use crate::Server;
use crate::client::{CIBA, GRANT_TYPES};
use crate::error::Refusal;
use crate::grant::Granted;
use crate::http::{Request, Response, json as json_answer, set};
use crate::reason;
use crate::store::Store;

impl<S: Store> Server<S> {
    pub(crate) async fn token(&self, request: &Request) -> Result<Response, Refusal> {
        let form = request.form()?;
        let authenticated = self.authenticate(request, &form).await?;
        let grant_type = form.get("grant_type").ok_or(reason::GRANT_TYPE_MISSING.refusal())?;
        if !GRANT_TYPES.contains(&grant_type) {
            return Err(reason::GRANT_TYPE_UNSUPPORTED.refusal());
        }
        if !authenticated.client.may_use(grant_type) {
            return Err(reason::GRANT_TYPE_NOT_FOR_CLIENT.refusal());
        }
        let sender = self.sender(request, &authenticated.client, "/token")?;
        self.encryption.is_ready_for(&authenticated.client).await?;
        let client = authenticated.client.clone();
        let granted = match grant_type {
            "authorization_code" => self.authorization_code(request, &form, authenticated, sender).await?,
            "refresh_token" => self.refresh_token(request, &form, authenticated, sender).await?,
            CIBA => self.ciba(request, &form, authenticated, sender).await?,
            _ => self.client_credentials(request, &form, authenticated, sender).await?,
        };
        tracing::info!(client = client.id(), grant_type, grant = granted.grant_id.as_deref(), "token issued");
        Ok(token_response(&granted))
    }
}

/// RFC 6749 section 5.1.
fn token_response(granted: &Granted) -> Response {
    let mut body = Map::new();
    let mut set_member = |name: &str, value: Value| body.insert(name.to_owned(), value);
    set_member("access_token", json!(granted.access_token));
    set_member("token_type", json!(granted.token_type));
    set_member("expires_in", json!(granted.expires_in));
    if !granted.scope.is_empty() {
        set_member("scope", json!(granted.scope.join(" ")));
    }
    if let Some(token) = &granted.refresh_token {
        set_member("refresh_token", json!(token));
    }
    if let Some(token) = &granted.id_token {
        set_member("id_token", json!(token));
    }
    if !granted.authorization_details.is_null() {
        set_member("authorization_details", granted.authorization_details.clone());
    }
    if let Some(id) = granted.grant_id.as_ref().filter(|_| granted.shows_grant) {
        set_member("grant_id", json!(id));
    }
    let mut response = json_answer(StatusCode::OK, &body);
    set(&mut response, PRAGMA, "no-cache");
    response
}
