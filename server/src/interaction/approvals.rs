//! `/approvals`: where a person answers what was asked on another device (CIBA). It is meant for a phone, and works without scripts.

use std::sync::Arc;

use counterfoil::UnixTime;
use hyper::StatusCode;
use serde_json::{Value, json};

use super::password::Failed;
use super::{COOKIE, Purpose, SignedIn, csrf_token, set_cookie};
use crate::Server;
use crate::backchannel::Decider;
use crate::endpoint::key_of;
use crate::error::Refusal;
use crate::http::{Form, Request, Response, empty, see_other};
use crate::identity_provider::IdentityProvider;
use crate::reason;
use crate::secret::{Digest, Secret};
use crate::store::{Session, Store, User};

/// What somebody signs in for here: no request of a client's, whose keys are longer.
pub(super) fn purpose() -> Purpose {
    Purpose { tie: "approvals".to_owned(), reference: "approvals".to_owned() }
}

impl<S: Store> Server<S> {
    /// `/approvals`: what waits for the person's answer.
    pub(crate) async fn approvals(&self, request: &Request) -> Result<Response, Refusal> {
        if self.config.backchannel.is_none() {
            return Ok(empty(StatusCode::NOT_FOUND));
        }
        let browser = request.cookie(COOKIE);
        if let Some(browser) = browser
            && let Some((_, user)) = self.at_approvals(browser, request.now).await?
        {
            return self.approvals_page(&user, browser, None, request.now).await;
        }
        let (browser, is_new) = browser.map_or_else(|| (Secret::new().into_string(), true), |browser| (browser.to_owned(), false));
        let mut response = match &self.identity_provider {
            Some(provider) => self.to_provider(provider, &purpose(), &[], &browser, request.now).await?,
            None => self.approvals_login_page(&browser, Failed::No, None)?,
        };
        if is_new {
            set_cookie(&mut response, &browser);
        }
        Ok(response)
    }

    /// `/approvals/login`: a name and a password.
    pub(crate) async fn approvals_login(&self, request: &Request) -> Result<Response, Refusal> {
        let Some((form, browser)) = self.answered_approvals(request)? else { return self.to_approvals() };
        if self.identity_provider.is_some() {
            return Err(reason::SIGN_IN_ELSEWHERE.refusal());
        }
        match self.with_password(&form, "approvals", request).await? {
            Ok(person) => self.signed_in_to_approvals(person, request.now).await,
            Err(failed) => self.approvals_login_page(&browser, failed, form.get("username")),
        }
    }

    /// `/login/return`, for this page.
    pub(super) async fn approvals_return(
        &self,
        provider: &Arc<IdentityProvider>,
        returned: Form,
        token: &str,
        browser: &str,
        now: UnixTime,
    ) -> Result<Response, Refusal> {
        if Digest::of(token) != Digest::of(csrf_token(browser, &purpose())) {
            return self.to_approvals();
        }
        if returned.get("error").is_some() {
            return Err(reason::SIGN_IN_NOT_COMPLETED.refusal());
        }
        let person = self.signed_in_elsewhere(provider, returned, &purpose(), browser, now).await?;
        self.signed_in_to_approvals(person.ok_or(reason::CANNOT_SIGN_IN.refusal())?, now).await
    }

    /// `/approvals/decision`: "allow" or "refuse".
    pub(crate) async fn approvals_decision(&self, request: &Request) -> Result<Response, Refusal> {
        let now = request.now;
        let Some((form, browser)) = self.answered_approvals(request)? else { return self.to_approvals() };
        let Some((session, user)) = self.at_approvals(&browser, now).await? else { return self.to_approvals() };
        let key = form.get("id").and_then(key_of).ok_or(reason::FORM_NOT_FILLED.refusal())?;
        let (approved_by, told) = match form.get("action") {
            Some("approve") => (Some(Decider { acr: session.acr, auth_time: session.auth_time }), "allowed"),
            Some("deny") => (None, "refused"),
            _ => return Err(reason::FORM_NOT_FILLED.refusal()),
        };
        // What another person is asked is as if it was not there.
        let asked = self.store.backchannel_request(key, now).await?.filter(|asked| asked.subject == user.subject);
        let is_decided = match &asked {
            Some(asked) => self.decide(key, asked, approved_by, now).await?,
            None => false,
        };
        self.approvals_page(&user, &browser, Some(if is_decided { told } else { "gone" }), now).await
    }

    /// A form of this page from the browser that it was made for; none where the page has to be loaded again.
    fn answered_approvals(&self, request: &Request) -> Result<Option<(Form, String)>, Refusal> {
        if self.config.backchannel.is_none() {
            return Err(reason::NOBODY_ASKED.refusal());
        }
        let form = request.form()?;
        let browser = request.cookie(COOKIE).ok_or(reason::NO_COOKIE.refusal())?.to_owned();
        let is_own = Digest::of(form.get("csrf").unwrap_or_default()) == Digest::of(csrf_token(&browser, &purpose()));
        Ok(is_own.then_some((form, browser)))
    }

    fn to_approvals(&self) -> Result<Response, Refusal> {
        see_other(&self.config.url("/approvals"))
    }

    async fn signed_in_to_approvals(&self, person: SignedIn, now: UnixTime) -> Result<Response, Refusal> {
        let browser = self.begin_session(person, purpose(), now).await?;
        let mut response = self.to_approvals()?;
        set_cookie(&mut response, browser.as_str());
        Ok(response)
    }

    /// Who is signed in to this page: with the same cookie somebody may be signed in for a request, which is not enough unless people stay
    /// signed in.
    async fn at_approvals(&self, browser: &str, now: UnixTime) -> Result<Option<(Session, User)>, Refusal> {
        let is_here = |session: &Session| session.signed_in_for == purpose().tie || self.config.pages.stay_signed_in;
        let Some(session) = self.store.session(Digest::of(browser), now).await?.filter(is_here) else { return Ok(None) };
        let user = self.store.user_of_subject(session.subject.clone()).await?;
        Ok(user.filter(|user| !user.locked).map(|user| (session, user)))
    }

    fn approvals_login_page(&self, browser: &str, failed: Failed, typed: Option<&str>) -> Result<Response, Refusal> {
        let content = json!({
            "csrf": csrf_token(browser, &purpose()),
            "action": "/approvals/login",
            "login_hint": typed.unwrap_or_default(),
            "failed": matches!(failed, Failed::Wrong),
            "waiting": matches!(failed, Failed::TooOften),
        });
        self.pages.form(failed.status(), "login.html", &content, "")
    }

    async fn approvals_page(&self, user: &User, browser: &str, told: Option<&str>, now: UnixTime) -> Result<Response, Refusal> {
        let mut requests: Vec<Value> = Vec::new();
        for (key, asked) in self.store.backchannel_requests(user.subject.clone(), now).await? {
            let Some(client) = self.clients.find(&self.store, &asked.client_id).await? else { continue };
            requests.push(json!({
                "id": key.to_base64url(),
                "client_name": client.name(),
                "client_uri": client.metadata.client_uri,
                "binding_message": asked.binding_message,
                "scopes": self.shown_scopes(&asked.scope),
                "details": self.shown_details(&asked.authorization_details),
                "resources": asked.resources,
            }));
        }
        let content =
            json!({ "user_name": user.shown_name(), "csrf": csrf_token(browser, &purpose()), "told": told, "requests": requests });
        self.pages.form(StatusCode::OK, "approvals.html", &content, "")
    }
}
