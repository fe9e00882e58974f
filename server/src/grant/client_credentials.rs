//! `client_credentials` (RFC 6749 section 4.4).

use serde_json::Value;

use super::{Granted, token_type};
use crate::Server;
use crate::authorization_request::{authorization_details, resources, scope};
use crate::client_auth::Authenticated;
use crate::error::Refusal;
use crate::http::{Form, Request};
use crate::issue::access_token::{self, AccessTokenContent};
use crate::reason;
use crate::sender::Sender;
use crate::store::Store;

impl<S: Store> Server<S> {
    pub(crate) async fn client_credentials(
        &self,
        request: &Request,
        form: &Form,
        authenticated: Authenticated,
        sender: Sender,
    ) -> Result<Granted, Refusal> {
        let client = authenticated.client;
        let scope = scope(form, &client, &self.config)?;
        if scope.iter().any(|scope| scope == "openid") {
            return Err(reason::OPENID_WITHOUT_PERSON.refusal());
        }
        let resources = resources(form, &client, &self.config)?;
        let scope = access_token::scope_at(&self.config, &resources, scope);
        let details: Value = authorization_details(form.get("authorization_details"), &client, &self.config)?;
        let content = AccessTokenContent {
            client_id: client.id(),
            subject: client.id(),
            scope: &scope,
            resources: &resources,
            authorization_details: &details,
            confirmation: sender.confirmation,
            grant: None,
        };
        let mut issued = access_token::issue(&self.config, &self.keys, &client, &content, request.now)?;
        issued.to_remember.uses = authenticated.used.into_iter().chain(sender.used).collect();
        self.remember(issued.to_remember, request.now).await?;
        Ok(Granted {
            access_token: issued.text,
            token_type: token_type(sender.confirmation),
            expires_in: issued.expires_in,
            scope,
            refresh_token: None,
            id_token: None,
            authorization_details: details,
            grant_id: None,
            shows_grant: false,
        })
    }
}
