//! `authorization_code` (RFC 6749 section 4.1.3, RFC 7636, RFC 9449 section 10).

use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::confirmation::Confirmation;
use sha2::{Digest as _, Sha256};

use super::{Granted, Share};
use crate::Server;
use crate::client_auth::Authenticated;
use crate::error::{Refusal, invalid_grant};
use crate::http::{Form, Request};
use crate::reason;
use crate::secret::Digest;
use crate::sender::Sender;
use crate::store::{AuthorizationCode, Redeemed, Store};

impl<S: Store> Server<S> {
    pub(crate) async fn authorization_code(
        &self,
        request: &Request,
        form: &Form,
        authenticated: Authenticated,
        sender: Sender,
    ) -> Result<Granted, Refusal> {
        let code = form.get("code").ok_or(reason::CODE_MISSING.refusal())?;
        let client = authenticated.client;
        let uses = authenticated.used.into_iter().chain(sender.used).collect();
        // The code is used up before anything about it is judged: who has one chance cannot try twice.
        let code = match self.store.redeem_code(Digest::of(code), uses, request.now).await? {
            Redeemed::First(code) => code,
            Redeemed::Unknown => return Err(invalid_grant("the code is unknown or expired")),
            Redeemed::Replayed(grant) => {
                tracing::warn!(client = client.id(), grant, "a code was used twice: its grant is revoked");
                self.published.notify_waiters();
                return Err(invalid_grant("the code was used before"));
            }
        };
        if let Err(refusal) = judge(&code, client.id(), form, sender.confirmation) {
            self.store.revoke_grant(code.grant.id, request.now).await?;
            return Err(refusal);
        }
        let AuthorizationCode { request: asked, grant } = *code;
        let resources = narrowed(form.all("resource"), &grant.resources)?;
        let share = Share {
            scope: grant.scope.clone(),
            resources,
            nonce: asked.nonce.as_deref(),
            shows_grant: asked.grant_management.is_some(),
            with_refresh_token: client.may_use("refresh_token"),
            grant: &grant,
        };
        self.issue(&client, share, sender.confirmation, request.now).await
    }
}

/// Whether the code is this client's, for this redirection, and its holder's.
fn judge(code: &AuthorizationCode, client_id: &str, form: &Form, holder: Confirmation) -> Result<(), Refusal> {
    let asked = &code.request;
    if asked.client_id != client_id {
        return Err(invalid_grant("the code is another client's"));
    }
    if form.get("redirect_uri").is_some_and(|uri| uri != asked.redirect_uri) {
        return Err(invalid_grant("redirect_uri is not that of the request"));
    }
    let verifier = match (&asked.code_challenge, form.get("code_verifier")) {
        (Some(challenge), Some(verifier)) => Some((challenge, verifier)),
        (None, None) => None,
        (Some(_), None) => return Err(invalid_grant("code_verifier is missing")),
        // RFC 9700 section 2.1.1: or a request without a challenge could be put in the place of one with it.
        (None, Some(_)) => return Err(invalid_grant("there is a code_verifier, and was no code_challenge")),
    };
    if let Some((challenge, verifier)) = verifier {
        let is_verifier = (43..=128).contains(&verifier.len())
            && verifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'));
        let challenge = Thumbprint::parse(challenge.as_bytes()).map_err(invalid_grant)?;
        if !is_verifier || Thumbprint::from_bytes(Sha256::digest(verifier).into()) != challenge {
            return Err(invalid_grant("code_verifier is not that of the challenge"));
        }
    }
    if let Some(jkt) = &asked.dpop_jkt {
        let bound = Thumbprint::parse(jkt.as_bytes()).map_err(invalid_grant)?;
        if holder != Confirmation::Key(bound) {
            return Err(invalid_grant("the code is bound to another DPoP key"));
        }
    }
    Ok(())
}

/// All that was granted, or what of it is asked for now (RFC 8707 section 2.2).
pub(crate) fn narrowed<'a>(asked: impl Iterator<Item = &'a str>, granted: &[String]) -> Result<Vec<String>, Refusal> {
    let asked: Vec<String> = asked.map(str::to_owned).collect();
    if asked.iter().any(|resource| !granted.contains(resource)) {
        return Err(reason::RESOURCE_NOT_GRANTED.refusal());
    }
    Ok(if asked.is_empty() { granted.to_vec() } else { asked })
}
