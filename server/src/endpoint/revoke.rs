//! Revocation (RFC 7009).

use counterfoil::UnixTime;
use hyper::StatusCode;
use serde_json::Value;

use crate::Server;
use crate::error::Refusal;
use crate::http::{Request, Response, empty};
use crate::reason;
use crate::secret::Digest;
use crate::store::{IssuedToken, Store};

impl<S: Store> Server<S> {
    /// Always 200 for a token that is not the client's, or is none: who asks learns nothing.
    pub(crate) async fn revoke(&self, request: &Request) -> Result<Response, Refusal> {
        let form = request.form()?;
        let authenticated = self.authenticate(request, &form).await?;
        let client = authenticated.client;
        let token = form.get("token").ok_or(reason::TOKEN_MISSING.refusal())?;
        let uses = authenticated.used.into_iter().collect();
        let key = Digest::of(token);
        if self.store.revoke_refresh_token(key, client.id().to_owned(), uses, request.now).await? {
            tracing::info!(client = client.id(), "refresh token revoked");
            self.published.notify_waiters();
            return Ok(empty(StatusCode::OK));
        }
        let own = match self.own_jwt(token, request.now) {
            Ok(claims) => {
                let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
                let ends = claims.get("exp").and_then(Value::as_u64).unwrap_or_default();
                (text("client_id") == client.id()).then(|| (Digest::of(text("jti")), UnixTime(ends)))
            }
            // A reference or a ticket: the store knows whose it is, and when it ends.
            Err(_) => self.store.owner(key, request.now).await?.filter(|(owner, _)| owner == client.id()).map(|(_, ends)| (key, ends)),
        };
        if let Some((key, expires_at)) = own {
            let token = IssuedToken { key, client_id: client.id().to_owned(), grant_id: None, claims: None, expires_at };
            self.store.revoke_access_token(token, Vec::new(), request.now).await?;
            tracing::info!(client = client.id(), "access token revoked");
            self.published.notify_waiters();
        }
        Ok(empty(StatusCode::OK))
    }
}
