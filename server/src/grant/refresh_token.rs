//! `refresh_token` (RFC 6749 section 6), without rotation (FAPI 2.0 section 5.3.2.1, number 9).

use super::authorization_code::narrowed;
use super::{Granted, Share};
use crate::Server;
use crate::authorization_request::words;
use crate::client_auth::Authenticated;
use crate::error::{Refusal, invalid_grant};
use crate::http::{Form, Request};
use crate::reason;
use crate::secret::Digest;
use crate::sender::Sender;
use crate::store::Store;

impl<S: Store> Server<S> {
    /// The refresh token stays bound to the client, which has authenticated; a confidential client may bring a new key (RFC 9449 section 5).
    pub(crate) async fn refresh_token(
        &self,
        request: &Request,
        form: &Form,
        authenticated: Authenticated,
        sender: Sender,
    ) -> Result<Granted, Refusal> {
        let token = form.get("refresh_token").ok_or(reason::REFRESH_TOKEN_MISSING.refusal())?;
        let client = authenticated.client;
        let uses = authenticated.used.into_iter().chain(sender.used).collect();
        let grant = self.store.refresh(Digest::of(token), uses, request.now).await?;
        let grant = grant.ok_or_else(|| invalid_grant("the refresh token is unknown, expired or revoked"))?;
        if grant.client_id != client.id() {
            return Err(invalid_grant("the refresh token is another client's"));
        }
        let scope = match form.get("scope") {
            None => grant.scope.clone(),
            asked => words(asked),
        };
        if scope.iter().any(|scope| !grant.scope.contains(scope)) {
            return Err(reason::SCOPE_NOT_GRANTED.refusal());
        }
        let resources = narrowed(form.all("resource"), &grant.resources)?;
        let share = Share { scope, resources, nonce: None, shows_grant: false, with_refresh_token: false, grant: &grant };
        let mut granted = self.issue(&client, share, sender.confirmation, request.now).await?;
        granted.refresh_token = Some(token.to_owned());
        Ok(granted)
    }
}
