//! The grants: who may have a token, and for what.

mod authorization_code;
mod ciba;
mod client_credentials;
mod refresh_token;

use counterfoil::UnixTime;
use counterfoil::oauth::confirmation::Confirmation;
use serde_json::Value;

use crate::Server;
use crate::authorization_request::{AuthorizationRequest, GrantAction};
use crate::client::Client;
use crate::error::{Refusal, invalid_grant};
use crate::issue::access_token::{self, AccessTokenContent};
use crate::issue::id_token;
use crate::reason;
use crate::secret::Secret;
use crate::store::{Grant, Store};

/// What a token response says.
pub(crate) struct Granted {
    pub(crate) access_token: String,
    pub(crate) token_type: &'static str,
    pub(crate) expires_in: u64,
    pub(crate) scope: Vec<String>,
    pub(crate) refresh_token: Option<String>,
    pub(crate) id_token: Option<String>,
    pub(crate) authorization_details: Value,
    pub(crate) grant_id: Option<String>,
    /// Whether the client manages its grants and is told which this is.
    pub(crate) shows_grant: bool,
}

/// `token_type` (RFC 9449 section 5).
pub(crate) const fn token_type(confirmation: Confirmation) -> &'static str {
    match confirmation {
        Confirmation::Certificate(_) => "Bearer",
        Confirmation::Key(_) => "DPoP",
    }
}

/// What a client gets of a grant now: all of it, or less.
pub(crate) struct Share<'a> {
    pub(crate) grant: &'a Grant,
    pub(crate) scope: Vec<String>,
    pub(crate) resources: Vec<String>,
    pub(crate) nonce: Option<&'a str>,
    pub(crate) shows_grant: bool,
    /// Whether a refresh token goes with it.
    pub(crate) with_refresh_token: bool,
}

impl<S: Store> Server<S> {
    /// Issues the tokens for a share of a grant; what must be remembered is durable when this returns.
    pub(crate) async fn issue(&self, client: &Client, share: Share<'_>, holder: Confirmation, now: UnixTime) -> Result<Granted, Refusal> {
        let grant = share.grant;
        // Who may not sign in any more has not agreed to be acted for either.
        let user = self.store.user_of_subject(grant.subject.clone()).await?.filter(|user| !user.locked);
        let user = user.ok_or_else(|| invalid_grant("the person is locked, or gone"))?;
        let scope = access_token::scope_at(&self.config, &share.resources, share.scope);
        let content = AccessTokenContent {
            client_id: client.id(),
            subject: &grant.subject,
            scope: &scope,
            resources: &share.resources,
            authorization_details: &grant.authorization_details,
            confirmation: holder,
            grant: Some((&grant.id, grant.auth_time, &grant.acr)),
        };
        let mut issued = access_token::issue(&self.config, &self.keys, client, &content, now)?;
        let refresh_token = share.with_refresh_token.then(Secret::new);
        if let Some(token) = &refresh_token {
            let expires_at = now.0.saturating_add(self.config.lifetimes.refresh_token).min(grant.expires_at);
            issued.to_remember.refresh = Some((token.digest(), UnixTime(expires_at)));
        }
        let id_token = if scope.iter().any(|scope| scope == "openid") {
            let beside = id_token::Beside { nonce: share.nonce, access_token: Some(&issued.text), ..id_token::Beside::default() };
            let token = id_token::issue(self, client, &id_token::Person { grant, user: &user }, &beside, now)?;
            Some(self.encryption.encrypted(client, client.id_token_encryption, token).await?)
        } else {
            None
        };
        if !self.remember(issued.to_remember, now).await? {
            return Err(invalid_grant("the grant was revoked"));
        }
        Ok(Granted {
            access_token: issued.text,
            token_type: token_type(holder),
            expires_in: issued.expires_in,
            scope,
            refresh_token: refresh_token.map(Secret::into_string),
            id_token,
            authorization_details: grant.authorization_details.clone(),
            grant_id: Some(grant.id.clone()),
            shows_grant: share.shows_grant,
        })
    }

    /// A request that names a grant must name one of the client's own (Grant Management section 5.1).
    pub(crate) async fn judge_managed_grant(&self, asked: &AuthorizationRequest, now: UnixTime) -> Result<(), Refusal> {
        let Some(managed) = asked.grant_management.as_ref().filter(|managed| managed.action != GrantAction::Create) else { return Ok(()) };
        let id = managed.grant_id.clone().unwrap_or_default();
        match self.store.grant(id, now).await? {
            Some(grant) if grant.client_id == asked.client_id => Ok(()),
            _ => Err(reason::GRANT_ID_NOT_OF_CLIENT.refusal()),
        }
    }
}
