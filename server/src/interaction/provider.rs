//! Signing in at another OpenID provider.

use std::sync::Arc;

use counterfoil::UnixTime;
use hyper::StatusCode;
use serde_json::Value;

use super::{COOKIE, Purpose, SignedIn, approvals, csrf_token, unknown_request};
use crate::Server;
use crate::authorization_request::AuthorizationRequest;
use crate::endpoint::REQUEST_URI;
use crate::error::Refusal;
use crate::http::{Form, Request, Response, see_other};
use crate::identity_provider::{Failure, IdentityProvider, SignIn};
use crate::issue::Algorithm;
use crate::reason;
use crate::secret::Digest;
use crate::store::{Store, User};

impl<S: Store> Server<S> {
    /// To the provider, with what is demanded of the sign-in.
    pub(super) async fn to_provider(
        &self,
        provider: &Arc<IdentityProvider>,
        purpose: &Purpose,
        demands: &[(&'static str, String)],
        browser: &str,
        now: UnixTime,
    ) -> Result<Response, Refusal> {
        let (provider, sign_in, assertion) = (provider.clone(), self.sign_in(purpose, browser), self.client_assertion(provider, now)?);
        let demands = demands.to_vec();
        let begun = tokio::task::spawn_blocking(move || provider.begin(&sign_in, &demands, &assertion));
        see_other(&begun.await.map_err(fault)?.map_err(unanswered)?)
    }

    /// `/login/return`: back from the provider.
    pub(crate) async fn login_return(&self, request: &Request) -> Result<Response, Refusal> {
        let provider = self.identity_provider.as_ref().ok_or(reason::SIGN_IN_HERE.refusal())?;
        let returned = Form::parse(request.query())?;
        let (token, reference) = returned.get("state").and_then(|state| state.split_once('.')).ok_or_else(unknown_request)?;
        let (token, reference) = (token.to_owned(), reference.to_owned());
        let browser = request.cookie(COOKIE).ok_or(reason::NO_COOKIE.refusal())?;
        if reference == approvals::purpose().reference {
            return self.approvals_return(provider, returned, &token, browser, request.now).await;
        }
        let asked = self.asked_by_uri(&format!("{REQUEST_URI}{reference}"), request.now).await?;
        if Digest::of(token) != Digest::of(csrf_token(browser, &asked.purpose())) {
            return self.again(&asked);
        }
        if let Some(error) = returned.get("error") {
            let passed_on = [reason::CANCELLED, reason::NOT_SIGNED_IN, reason::INTERACTION_NEEDED, reason::AUTHENTICATION_NOT_MET];
            let reason = passed_on.into_iter().find(|reason| reason.code.as_str() == error).unwrap_or(reason::PROVIDER_UNAVAILABLE);
            return self.reject(&asked, reason, request.now).await;
        }
        let now = request.now;
        let Some(person) = self.signed_in_elsewhere(provider, returned, &asked.purpose(), browser, now).await? else {
            return self.reject(&asked, reason::PERSON_LOCKED, now).await;
        };
        // What was demanded is what must have happened (OpenID Connect Core section 3.1.3.7, number 13).
        if asked.request.max_age.is_some_and(|age| now.0 > person.auth_time.saturating_add(age).saturating_add(10)) {
            return self.reject(&asked, reason::SIGN_IN_TOO_OLD, now).await;
        }
        self.signed_in(&asked, person, now).await
    }

    /// Who has signed in at the provider; nobody where the person is locked here.
    pub(super) async fn signed_in_elsewhere(
        &self,
        provider: &Arc<IdentityProvider>,
        returned: Form,
        purpose: &Purpose,
        browser: &str,
        now: UnixTime,
    ) -> Result<Option<SignedIn>, Refusal> {
        let (own, sign_in, assertion) = (provider.clone(), self.sign_in(purpose, browser), self.client_assertion(provider, now)?);
        let person = tokio::task::spawn_blocking(move || own.finish(&returned, &sign_in, &assertion, now));
        let person = person.await.map_err(fault)?.map_err(unanswered)?;
        let subject = Digest::of_parts("person", &[provider.issuer().as_bytes(), person.subject.as_bytes()]).to_base64url();
        let known = self.store.user_of_subject(subject.clone()).await?;
        let user = User {
            name: format!("{} at {}", person.subject, provider.issuer()),
            subject: subject.clone(),
            password: String::new(),
            locked: known.as_ref().is_some_and(|user| user.locked),
            user_code: known.as_ref().map_or_else(String::new, |user| user.user_code.clone()),
            claims: Value::Object(person.claims),
        };
        if user.locked {
            return Ok(None);
        }
        if known.as_ref() != Some(&user) {
            self.store.save_user(user).await?;
        }
        Ok(Some(SignedIn { subject, acr: person.acr, auth_time: person.auth_time }))
    }

    fn client_assertion(&self, provider: &IdentityProvider, now: UnixTime) -> Result<String, Refusal> {
        let algorithm = Algorithm::named(&self.config.keys.algorithm).unwrap_or(Algorithm::Es256);
        Ok(self.keys.sign(algorithm, "JWT", &provider.assertion_claims(now))?)
    }

    /// All that ties a sign-in to this browser and to what it is for: who comes back with it has begun it.
    fn sign_in(&self, purpose: &Purpose, browser: &str) -> SignIn {
        let secret = |of: &str| Digest::of_parts(of, &[browser.as_bytes(), purpose.tie.as_bytes()]).to_base64url();
        SignIn {
            state: format!("{}.{}", csrf_token(browser, purpose), purpose.reference),
            nonce: secret("nonce"),
            verifier: secret("code_verifier"),
            redirect_uri: self.config.url("/login/return"),
        }
    }
}

/// What a request demands of the sign-in.
pub(super) fn demands(request: &AuthorizationRequest) -> Vec<(&'static str, String)> {
    let max_age = request.max_age.map(|seconds| seconds.to_string());
    let acr_values = (!request.acr_values.is_empty()).then(|| request.acr_values.join(" "));
    let prompt = request.prompt.iter().any(|prompt| prompt == "login").then(|| "login".to_owned());
    let demands = [("max_age", max_age), ("acr_values", acr_values), ("prompt", prompt), ("login_hint", request.login_hint.clone())];
    demands.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn fault(cause: tokio::task::JoinError) -> Refusal {
    reason::FAULT.refusal().because(cause)
}

fn unanswered(cause: Failure) -> Refusal {
    let refusal = reason::PROVIDER_UNAVAILABLE.refusal();
    refusal.with_status(StatusCode::BAD_GATEWAY).because(cause)
}
