//! Grant management (Grant Management for OAuth 2.0, section 6): a client asks about its grants, and ends them.

use counterfoil::oauth::verifier::Demands;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::Server;
use crate::error::Refusal;
use crate::http::{Request, Response, empty, json as json_answer};
use crate::store::Store;

impl<S: Store> Server<S> {
    pub(crate) async fn grant(&self, request: &Request, id: &str) -> Result<Response, Refusal> {
        let is_query = request.method() == Method::GET;
        let scope = if is_query { "grant_management_query" } else { "grant_management_revoke" };
        let token = match self.presented(request, &format!("/grants/{id}"), Demands { scopes: &[scope], ..Demands::default() }).await {
            Ok(token) => token,
            Err(refused) => return Ok(refused),
        };
        let Some(grant) = self.store.grant(id.to_owned(), request.now).await? else { return Ok(empty(StatusCode::NOT_FOUND)) };
        if token.text("client_id") != grant.client_id {
            return Ok(empty(StatusCode::FORBIDDEN));
        }
        if !is_query {
            self.store.revoke_grant(grant.id, request.now).await?;
            self.published.notify_waiters();
            return Ok(empty(StatusCode::NO_CONTENT));
        }
        let mut body = json!({
            "scopes": [{ "scope": grant.scope.join(" "), "resources": grant.resources }],
            "created_at": grant.created_at,
            "expires_at": grant.expires_at,
        });
        if let (Value::Object(body), false) = (&mut body, grant.authorization_details.is_null()) {
            body.insert("authorization_details".to_owned(), grant.authorization_details);
        }
        Ok(json_answer(StatusCode::OK, &body))
    }
}
