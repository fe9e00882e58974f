//! Signing in at another OpenID provider.

use std::sync::Arc;

use counterfoil::UnixTime;
use hyper::StatusCode;
use serde_json::Value;

use super::{Asked, COOKIE, SignedIn, csrf_token, unknown_request};
use crate::Server;
use crate::endpoint::REQUEST_URI;
use crate::error::{Code, Refusal, invalid_request};
use crate::http::{Form, Request, Response, see_other};
use crate::identity_provider::{Failure, IdentityProvider, SignIn};
use crate::issue::Algorithm;
use crate::secret::Digest;
use crate::store::{Store, User};

impl<S: Store> Server<S> {
    /// To the provider, with what this request demands.
    pub(super) async fn to_provider(
        &self,
        provider: &Arc<IdentityProvider>,
        asked: &Asked,
        browser: &str,
        now: UnixTime,
    ) -> Result<Response, Refusal> {
        let request = &asked.request;
        let max_age = request.max_age.map(|seconds| seconds.to_string());
        let acr_values = (!request.acr_values.is_empty()).then(|| request.acr_values.join(" "));
        let prompt = request.prompt.iter().any(|prompt| prompt == "login").then(|| "login".to_owned());
        let demands = [("max_age", max_age), ("acr_values", acr_values), ("prompt", prompt), ("login_hint", request.login_hint.clone())];
        let demands: Vec<(&str, String)> = demands.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let (provider, sign_in, assertion) = (provider.clone(), self.sign_in(asked, browser), self.client_assertion(provider, now)?);
        let begun = tokio::task::spawn_blocking(move || provider.begin(&sign_in, &demands, &assertion));
        see_other(&begun.await.map_err(fault)?.map_err(unanswered)?)
    }

    /// `/login/return`: back from the provider.
    pub(crate) async fn login_return(&self, request: &Request) -> Result<Response, Refusal> {
        let provider = self.identity_provider.as_ref().ok_or(invalid_request("people sign in here"))?;
        let returned = Form::parse(request.query())?;
        let (token, reference) = returned.get("state").and_then(|state| state.split_once('.')).ok_or_else(unknown_request)?;
        let browser = request.cookie(COOKIE).ok_or(invalid_request("the browser sent no cookie"))?;
        let asked = self.asked_by_uri(&format!("{REQUEST_URI}{reference}"), request.now).await?;
        if Digest::of(token) != Digest::of(csrf_token(browser, &asked)) {
            return self.again(&asked);
        }
        if let Some(error) = returned.get("error") {
            let codes = [Code::AccessDenied, Code::LoginRequired, Code::InteractionRequired, Code::UnmetAuthenticationRequirements];
            let code = codes.into_iter().find(|code| code.as_str() == error).unwrap_or(Code::TemporarilyUnavailable);
            return self.reject(&asked, code, request.now).await;
        }
        let now = request.now;
        let (own, sign_in, assertion) = (provider.clone(), self.sign_in(&asked, browser), self.client_assertion(provider, now)?);
        let person = tokio::task::spawn_blocking(move || own.finish(&returned, &sign_in, &assertion, now));
        let person = person.await.map_err(fault)?.map_err(unanswered)?;
        // What was demanded is what must have happened (OpenID Connect Core section 3.1.3.7, number 13).
        if asked.request.max_age.is_some_and(|age| now.0 > person.auth_time.saturating_add(age).saturating_add(10)) {
            return self.reject(&asked, Code::LoginRequired, now).await;
        }
        let subject = Digest::of_parts("person", &[provider.issuer().as_bytes(), person.subject.as_bytes()]).to_base64url();
        let known = self.store.user_of_subject(subject.clone()).await?;
        let user = User {
            name: format!("{} at {}", person.subject, provider.issuer()),
            subject: subject.clone(),
            password: String::new(),
            locked: known.as_ref().is_some_and(|user| user.locked),
            claims: Value::Object(person.claims),
        };
        if user.locked {
            return self.reject(&asked, Code::AccessDenied, now).await;
        }
        if known.as_ref() != Some(&user) {
            self.store.save_user(user).await?;
        }
        self.signed_in(&asked, SignedIn { subject, acr: person.acr, auth_time: person.auth_time }, now).await
    }

    fn client_assertion(&self, provider: &IdentityProvider, now: UnixTime) -> Result<String, Refusal> {
        let algorithm = Algorithm::named(&self.config.keys.algorithm).unwrap_or(Algorithm::Es256);
        Ok(self.keys.sign(algorithm, "JWT", &provider.assertion_claims(now))?)
    }

    /// All that ties a sign-in to this browser and this request: who comes back with it has begun it.
    fn sign_in(&self, asked: &Asked, browser: &str) -> SignIn {
        let secret = |purpose: &str| Digest::of_parts(purpose, &[browser.as_bytes(), asked.key.as_bytes()]).to_base64url();
        let reference = asked.uri.strip_prefix(REQUEST_URI).unwrap_or_default();
        SignIn {
            state: format!("{}.{reference}", csrf_token(browser, asked)),
            nonce: secret("nonce"),
            verifier: secret("code_verifier"),
            redirect_uri: self.config.url("/login/return"),
        }
    }
}

fn fault(cause: tokio::task::JoinError) -> Refusal {
    Refusal::new(Code::ServerError, "the server has a fault").because(cause)
}

fn unanswered(cause: Failure) -> Refusal {
    let refusal = Refusal::new(Code::TemporarilyUnavailable, "signing in does not work at the moment");
    refusal.with_status(StatusCode::BAD_GATEWAY).because(cause)
}
