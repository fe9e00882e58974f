//! Pushed authorization requests (RFC 9126).

use counterfoil::oauth::confirmation::Confirmation;
use hyper::StatusCode;
use serde_json::json;

use crate::Server;
use crate::authorization_request::{AuthorizationRequest, Way};
use crate::error::Refusal;
use crate::http::{Request, Response, json as json_answer};
use crate::reason;
use crate::request_object;
use crate::secret::Secret;
use crate::store::{PushedRequest, Store};

/// What a `request_uri` begins with (RFC 9126 section 2.2).
pub(crate) const REQUEST_URI: &str = "urn:ietf:params:oauth:request_uri:";

impl<S: Store> Server<S> {
    pub(crate) async fn par(&self, request: &Request) -> Result<Response, Refusal> {
        let form = request.form()?;
        let authenticated = self.authenticate(request, &form).await?;
        let proof = self.proof(request, "/par")?;
        if form.get("request_uri").is_some() {
            return Err(reason::REQUEST_URI_AT_PAR.refusal());
        }
        self.await_keys(&authenticated.client, &form).await?;
        let parameters = request_object::parameters(form, &authenticated.client, self.own(), request.now)?;
        let mut asked = AuthorizationRequest::read(&parameters, Way::Pushed, &authenticated.client, &self.config)?;
        // RFC 9449 section 10.1: a proof here stands for dpop_jkt, and both must agree.
        if let Some(Confirmation::Key(key)) = proof.as_ref().map(|proof| proof.confirmation) {
            let key = String::from_utf8_lossy(&key.encode()).into_owned();
            if asked.dpop_jkt.as_ref().is_some_and(|jkt| *jkt != key) {
                return Err(reason::JKT_NOT_OF_PROOF.refusal());
            }
            asked.dpop_jkt = Some(key);
        }
        self.judge_managed_grant(&asked, request.now).await?;
        let lifetime = self.config.lifetimes.request_uri;
        let reference = Secret::new();
        let opens_until = request.now.0.saturating_add(lifetime);
        let expires_at = opens_until.saturating_add(self.config.lifetimes.interaction);
        let uses = authenticated.used.into_iter().chain(proof.and_then(|proof| proof.used)).collect();
        self.store.push_request(reference.digest(), PushedRequest { request: asked, opens_until, expires_at }, uses, request.now).await?;
        tracing::info!(client = authenticated.client.id(), "request pushed");
        let body = json!({ "request_uri": format!("{REQUEST_URI}{}", reference.as_str()), "expires_in": lifetime });
        Ok(json_answer(StatusCode::CREATED, &body))
    }
}
