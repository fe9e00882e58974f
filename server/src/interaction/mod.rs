//! What a person sees between a client's request and its answer: signing in, and consent.
//!
//! Pages may be loaded again: the request is used up when the person has answered, in the same transaction that makes the code. What ties the
//! steps together is the browser's cookie; forms carry a token made of it, which nobody else can know.

mod approvals;
mod password;
mod provider;
mod words;

use std::sync::Arc;

use counterfoil::UnixTime;
use hyper::StatusCode;
use hyper::header::SET_COOKIE;
use serde_json::{Value, json};

use self::password::Failed;
use self::words::{as_text, date, in_words, origin_of};
use crate::Server;
use crate::authorization_request::{AuthorizationRequest, GrantAction, ResponseType, Way, response_mode, response_type};
use crate::authorization_response::{ResponseMode, Return};
use crate::client::Client;
use crate::endpoint::REQUEST_URI;
use crate::error::Refusal;
use crate::http::{Form, Request, Response, see_other, set, with_parameters};
use crate::issue::id_token;
use crate::reason::{self, Reason};
use crate::request_object;
use crate::secret::{Digest, Secret};
use crate::store::{AuthorizationCode, Grant, NewCode, PushedRequest, Session, Store, User};

pub(crate) use self::password::{Attempts, Verdict};

/// Ties the steps to one browser. `__Host-`: sent to this very host alone, by https, for all its paths.
const COOKIE: &str = "__Host-counterfoil";

/// A pushed request, found again.
struct Asked {
    client: Arc<Client>,
    request: AuthorizationRequest,
    /// Its `request_uri`, as it came.
    uri: String,
    key: Digest,
    opens_until: UnixTime,
}

/// What somebody signs in for: what ties the steps to it, and how an answer from elsewhere finds back.
struct Purpose {
    tie: String,
    reference: String,
}

impl Asked {
    fn purpose(&self) -> Purpose {
        let reference = self.uri.strip_prefix(REQUEST_URI).unwrap_or_default().to_owned();
        Purpose { tie: self.key.to_base64url(), reference }
    }

    fn back(&self) -> Return<'_> {
        let request = &self.request;
        Return { client: &self.client, redirect_uri: &request.redirect_uri, mode: request.response_mode, state: request.state.as_deref() }
    }
}

/// What the person did with a form.
enum Answered {
    /// In the browser that its page was made for.
    Here { asked: Asked, form: Form, browser: String },
    /// The browser's cookie is another one by now: somebody has signed in with it in another tab. The page has to be loaded again.
    Outdated(Asked),
}

/// Who has just signed in.
struct SignedIn {
    subject: String,
    acr: String,
    /// In seconds since 1970.
    auth_time: u64,
}

impl<S: Store> Server<S> {
    /// `/authorize`: the request that a client pushed comes back by way of the person's browser (RFC 9126 section 4).
    pub(crate) async fn authorize(&self, request: &Request) -> Result<Response, Refusal> {
        let posted;
        let parameters = if request.method() == hyper::Method::POST {
            posted = request.form()?;
            posted
        } else {
            Form::parse(request.query())?
        };
        if parameters.get("request").is_some() && parameters.get("request_uri").is_none() {
            return self.by_value(parameters, request.now).await;
        }
        let asked = match self.asked(&parameters, request.now).await {
            Ok(asked) => asked,
            Err(refusal) => return self.refuse(&parameters, false, refusal, request.now).await,
        };
        let browser = request.cookie(COOKIE).map(str::to_owned);
        let session = match &browser {
            Some(browser) => self.session(browser, &asked, request.now).await?,
            None => None,
        };
        // Later, only who has signed in for this very request may go on.
        let was_opened = session.as_ref().is_some_and(|(session, _)| session.signed_in_for == asked.key.to_base64url());
        if request.now >= asked.opens_until && !was_opened {
            return self.refuse(&parameters, false, unknown_request(), request.now).await;
        }
        if asked.request.prompt.iter().any(|prompt| prompt == "none") {
            let reason = if session.is_some() { reason::NO_CONSENT } else { reason::NOT_SIGNED_IN };
            return self.reject(&asked, reason, request.now).await;
        }
        let is_met = match &session {
            Some((session, _)) => asked.request.is_met_by(&session.acr),
            None => self.config.login.acr_values().into_iter().any(|acr| asked.request.is_met_by(acr)),
        };
        if !is_met {
            return self.reject(&asked, reason::AUTHENTICATION_NOT_MET, request.now).await;
        }
        match (session, browser) {
            (Some((_, user)), Some(browser)) => self.consent_page(&asked, &user, &browser, request.now),
            (_, browser) => {
                let (browser, is_new) = browser.map_or_else(|| (Secret::new().into_string(), true), |browser| (browser, false));
                let mut response = match &self.identity_provider {
                    Some(provider) => {
                        let demands = provider::demands(&asked.request);
                        self.to_provider(provider, &asked.purpose(), &demands, &browser, request.now).await?
                    }
                    None => self.login_page(&asked, &browser, Failed::No, None)?,
                };
                if is_new {
                    set_cookie(&mut response, &browser);
                }
                Ok(response)
            }
        }
    }

    /// `/consent`: "allow" or "cancel".
    pub(crate) async fn consent(&self, request: &Request) -> Result<Response, Refusal> {
        let (asked, form, browser) = match self.answered(request).await? {
            Answered::Here { asked, form, browser } => (asked, form, browser),
            Answered::Outdated(asked) => return self.again(&asked),
        };
        match form.get("action") {
            Some("approve") => {}
            Some("cancel") => return self.reject(&asked, reason::CANCELLED, request.now).await,
            _ => return Err(reason::FORM_NOT_FILLED.refusal()),
        }
        let (session, user) = self.session(&browser, &asked, request.now).await?.ok_or(reason::NOBODY_HERE.refusal())?;
        if !asked.request.is_met_by(&session.acr) {
            return self.reject(&asked, reason::AUTHENTICATION_NOT_MET, request.now).await;
        }
        self.encryption.is_ready_for(&asked.client).await?;
        let grant = self.new_grant(&asked, session, request.now).await?;
        let code = Secret::new();
        let lifetimes = &self.config.lifetimes;
        let expires_at = UnixTime(request.now.0.saturating_add(lifetimes.code));
        let mut answer = vec![("code", code.as_str())];
        let id_token = self.id_token_with(&asked, &grant, &user, code.as_str(), request.now).await?;
        answer.extend(id_token.as_deref().map(|token| ("id_token", token)));
        let new = NewCode {
            key: code.digest(),
            remembered_until: UnixTime(expires_at.0.saturating_add(lifetimes.access_token)),
            expires_at,
            code: AuthorizationCode { request: asked.request.clone(), grant },
        };
        if !self.store.approve_request(asked.key, new, request.now).await? {
            return Err(unknown_request());
        }
        tracing::info!(client = asked.client.id(), "consent given");
        self.respond(&asked.back(), &answer, request.now).await
    }

    /// The ID token that goes with a code and vouches for it, where the request asks for one (FAPI 1.0 Part 2 section 5.2.2.1).
    async fn id_token_with(&self, asked: &Asked, grant: &Grant, user: &User, code: &str, now: UnixTime) -> Result<Option<String>, Refusal> {
        let request = &asked.request;
        if request.response_type != ResponseType::CodeIdToken {
            return Ok(None);
        }
        let (nonce, state) = (request.nonce.as_deref(), request.state.as_deref());
        let beside = id_token::Beside { nonce, state, code: Some(code), access_token: None };
        let token = id_token::issue(self, &asked.client, &id_token::Person { grant, user }, &beside, now)?;
        self.encryption.encrypted(&asked.client, asked.client.id_token_encryption, token).await.map(Some)
    }

    /// A signed request that comes by way of the browser (FAPI 1.0 Part 2 section 5.2.2, number 1) is kept as if it had been pushed.
    async fn by_value(&self, parameters: Form, now: UnixTime) -> Result<Response, Refusal> {
        let client = match parameters.get("client_id") {
            Some(id) => self.clients.find(&self.store, id).await?,
            None => None,
        };
        let client = client.ok_or(reason::CLIENT_UNKNOWN.refusal())?;
        if client.profile.authorization_request.pushed {
            return self.refuse(&parameters, false, reason::REQUEST_NOT_PUSHED.refusal(), now).await;
        }
        self.await_keys(&client, &parameters).await?;
        let signed = match request_object::parameters(parameters.clone(), &client, self.own(), now) {
            Ok(signed) => signed,
            Err(refusal) => return self.refuse(&parameters, false, refusal, now).await,
        };
        let judged = AuthorizationRequest::read(&signed, Way::ByValue, &client, &self.config);
        let judged = match judged {
            Ok(request) => self.judge_managed_grant(&request, now).await.map(|()| request),
            refused => refused,
        };
        let request = match judged {
            Ok(request) => request,
            Err(refusal) => return self.refuse(&signed, true, refusal, now).await,
        };
        let reference = Secret::new();
        let opens_until = now.0.saturating_add(self.config.lifetimes.request_uri);
        let expires_at = opens_until.saturating_add(self.config.lifetimes.interaction);
        let pushed = PushedRequest { request: request.clone(), opens_until, expires_at };
        self.store.push_request(reference.digest(), pushed, Vec::new(), now).await?;
        tracing::info!(client = client.id(), "request taken by value");
        let uri = format!("{REQUEST_URI}{}", reference.as_str());
        self.again(&Asked { client, request, uri, key: reference.digest(), opens_until: UnixTime(opens_until) })
    }

    /// A request that is not there: not pushed, expired or answered. Only where the URL names a client and a redirect URI of that client is
    /// the client told so by redirection (RFC 6749 section 4.1.2.1).
    async fn refuse(&self, parameters: &Form, is_whole: bool, refusal: Refusal, now: UnixTime) -> Result<Response, Refusal> {
        let client = match parameters.get("client_id") {
            Some(id) => self.clients.find(&self.store, id).await?,
            None => None,
        };
        let (Some(client), Some(redirect_uri)) = (client, parameters.get("redirect_uri")) else { return Err(refusal) };
        let mode = error_mode(parameters, is_whole, &client);
        if !client.has_redirect_uri(redirect_uri) || refusal.status.is_server_error() {
            return Err(refusal);
        }
        let (error, reason) = (refusal.code().as_str(), refusal.reason);
        tracing::info!(client = client.id(), error, %reason, clause = reason.clause, cause = %refusal, "request refused");
        let back = Return { client: &client, redirect_uri, mode, state: parameters.get("state") };
        self.respond(&back, &[("error", refusal.code().as_str())], now).await
    }

    /// The pushed request that a page is about.
    async fn asked(&self, parameters: &Form, now: UnixTime) -> Result<Asked, Refusal> {
        let client_id = parameters.get("client_id").ok_or(reason::CLIENT_ID_MISSING.refusal())?;
        // Everything in a request goes by PAR (FAPI 2.0 section 5.3.2.2, number 3).
        let uri = parameters.get("request_uri").ok_or(reason::REQUEST_NOT_PUSHED.refusal())?;
        let asked = self.asked_by_uri(uri, now).await?;
        if asked.client.id() == client_id { Ok(asked) } else { Err(unknown_request()) }
    }

    async fn asked_by_uri(&self, uri: &str, now: UnixTime) -> Result<Asked, Refusal> {
        let reference = uri.strip_prefix(REQUEST_URI).ok_or_else(unknown_request)?;
        let key = Digest::of(reference);
        let pushed = self.store.request(key, now).await?.ok_or_else(unknown_request)?;
        let client = self.clients.find(&self.store, &pushed.request.client_id).await?.ok_or_else(unknown_request)?;
        let opens_until = UnixTime(pushed.opens_until);
        Ok(Asked { client, request: pushed.request, uri: uri.to_owned(), key, opens_until })
    }

    /// A form of one of the pages, from the browser that the page was made for.
    async fn answered(&self, request: &Request) -> Result<Answered, Refusal> {
        let form = request.form()?;
        let browser = request.cookie(COOKIE).ok_or(reason::NO_COOKIE.refusal())?.to_owned();
        let asked = self.asked(&form, request.now).await?;
        let token = form.get("csrf").unwrap_or_default();
        Ok(if Digest::of(token) == Digest::of(csrf_token(&browser, &asked.purpose())) {
            Answered::Here { asked, form, browser }
        } else {
            Answered::Outdated(asked)
        })
    }

    /// To the page of a request, from its beginning: changes nothing.
    fn again(&self, asked: &Asked) -> Result<Response, Refusal> {
        let back = with_parameters(&self.config.url("/authorize"), &[("client_id", asked.client.id()), ("request_uri", &asked.uri)]);
        see_other(&back)
    }

    /// Remembers who signed in for a request, and goes on with it.
    async fn signed_in(&self, asked: &Asked, person: SignedIn, now: UnixTime) -> Result<Response, Refusal> {
        let browser = self.begin_session(person, asked.purpose(), now).await?;
        let mut response = self.again(asked)?;
        set_cookie(&mut response, browser.as_str());
        Ok(response)
    }

    /// A new cookie: whoever knew the old one is not signed in with it.
    async fn begin_session(&self, person: SignedIn, purpose: Purpose, now: UnixTime) -> Result<Secret, Refusal> {
        let browser = Secret::new();
        let session = Session {
            subject: person.subject,
            auth_time: person.auth_time,
            acr: person.acr,
            signed_in_for: purpose.tie,
            expires_at: now.0.saturating_add(self.config.lifetimes.session),
        };
        self.store.save_session(browser.digest(), session, now).await?;
        Ok(browser)
    }

    /// Who is signed in with a browser and may answer this request.
    async fn session(&self, browser: &str, asked: &Asked, now: UnixTime) -> Result<Option<(Session, User)>, Refusal> {
        let session = self.store.session(Digest::of(browser), now).await?.filter(|session| self.is_signed_in(session, asked, now));
        let Some(session) = session else { return Ok(None) };
        let user = self.store.user_of_subject(session.subject.clone()).await?;
        Ok(user.filter(|user| !user.locked).map(|user| (session, user)))
    }

    /// Whether a session serves this request: it was begun for it, or may serve others and is young enough.
    fn is_signed_in(&self, session: &Session, asked: &Asked, now: UnixTime) -> bool {
        if session.signed_in_for == asked.key.to_base64url() {
            return true;
        }
        let demands_login = asked.request.prompt.iter().any(|prompt| prompt == "login");
        let is_young = asked.request.max_age.is_none_or(|age| now.0 <= session.auth_time.saturating_add(age));
        self.config.pages.stay_signed_in && !demands_login && is_young
    }

    fn consent_page(&self, asked: &Asked, user: &User, browser: &str, now: UnixTime) -> Result<Response, Refusal> {
        let metadata = &asked.client.metadata;
        let content = json!({
            "client_name": asked.client.name(),
            "client_uri": metadata.client_uri,
            "policy_uri": metadata.policy_uri,
            "client_id": asked.client.id(),
            "request_uri": asked.uri,
            "csrf": csrf_token(browser, &asked.purpose()),
            "user_name": user.shown_name(),
            "scopes": self.shown_scopes(&asked.request.scope),
            "details": self.shown_details(&asked.request.authorization_details),
            "resources": asked.request.resources,
            "until": date(now.0.saturating_add(self.config.lifetimes.grant)),
            "redirect_host": origin_of(&asked.request.redirect_uri),
        });
        self.pages.form(StatusCode::OK, "consent.html", &content, &asked.request.redirect_uri)
    }

    /// What each scope is for.
    fn shown_scopes(&self, scopes: &[String]) -> Vec<String> {
        let said = |scope: &String| match self.config.scopes.get(scope) {
            Some(text) if !text.is_empty() => text.clone(),
            _ if scope == "openid" => "know who you are".to_owned(),
            _ => scope.clone(),
        };
        scopes.iter().map(said).collect()
    }

    /// Each element with its title and its members, as text.
    fn shown_details(&self, details: &Value) -> Vec<Value> {
        let shown = |element: &Value| {
            let kind = element.get("type").and_then(Value::as_str).unwrap_or_default();
            let title = self.config.details_type(kind).and_then(|known| known.title.as_deref()).unwrap_or(kind);
            let members = element.as_object().into_iter().flatten().filter(|(name, _)| *name != "type");
            let members: Vec<Value> = members.map(|(name, value)| json!({ "name": in_words(name), "value": as_text(value) })).collect();
            json!({ "title": title, "members": members })
        };
        details.as_array().into_iter().flatten().map(shown).collect()
    }

    /// What the person grants now; more for an old grant, or in its place, where the request says so.
    async fn new_grant(&self, asked: &Asked, session: Session, now: UnixTime) -> Result<Grant, Refusal> {
        let request = &asked.request;
        let mut grant = Grant {
            id: Secret::new().into_string(),
            client_id: request.client_id.clone(),
            subject: session.subject,
            scope: request.scope.clone(),
            resources: request.resources.clone(),
            authorization_details: request.authorization_details.clone(),
            claims: request.claims.clone(),
            auth_time: session.auth_time,
            acr: session.acr,
            created_at: now.0,
            expires_at: now.0.saturating_add(self.config.lifetimes.grant),
        };
        let Some(managed) = request.grant_management.as_ref().filter(|managed| managed.action != GrantAction::Create) else {
            return Ok(grant);
        };
        let old = self.store.grant(managed.grant_id.clone().unwrap_or_default(), now).await?;
        let old = old.filter(|old| old.client_id == grant.client_id && old.subject == grant.subject);
        let old = old.ok_or(reason::GRANT_ID_NOT_OF_PERSON.refusal())?;
        grant.id = old.id;
        grant.created_at = old.created_at;
        if managed.action == GrantAction::Merge {
            merge(&mut grant.scope, old.scope);
            merge(&mut grant.resources, old.resources);
            let mut details = old.authorization_details.as_array().cloned().unwrap_or_default();
            merge(&mut details, grant.authorization_details.as_array().cloned().unwrap_or_default());
            grant.authorization_details = if details.is_empty() { Value::Null } else { Value::Array(details) };
        }
        Ok(grant)
    }

    /// Ends a request with an error, which its client is told.
    async fn reject(&self, asked: &Asked, reason: Reason, now: UnixTime) -> Result<Response, Refusal> {
        if !self.store.take_request(asked.key, now).await? {
            return Err(unknown_request());
        }
        let error = reason.code.as_str();
        tracing::info!(client = asked.client.id(), error, %reason, clause = reason.clause, "request rejected");
        self.respond(&asked.back(), &[("error", error)], now).await
    }
}

/// How a client is told of an error, where what is wrong may be how it wants to be answered. `is_whole`: nothing of the request is elsewhere, in an
/// object that could not be read.
fn error_mode(parameters: &Form, is_whole: bool, client: &Client) -> ResponseMode {
    let usual = client.profile.authorization_response.modes.first().copied().unwrap_or_default();
    let asked = parameters.get("response_mode");
    match response_type(parameters, client) {
        Ok(ResponseType::CodeIdToken) => ResponseMode::Fragment,
        Ok(ResponseType::Code) if asked == Some("query") => ResponseMode::Query,
        // It had to name a mode and did not: that is as if it had named the response type's own.
        Ok(ResponseType::Code) if asked.is_none() && is_whole && client.profile.authorization_response.mode_required => ResponseMode::Query,
        Ok(ResponseType::Code) => response_mode(parameters, ResponseType::Code, client).unwrap_or(usual),
        // Who may not ask for a code alone does not expect signed answers.
        Err(_) if client.may_ask_for("code") => usual,
        Err(_) => ResponseMode::Query,
    }
}

fn set_cookie(response: &mut Response, value: &str) {
    set(response, SET_COOKIE, &format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax; Secure"));
}

fn unknown_request() -> Refusal {
    reason::REQUEST_UNKNOWN.refusal()
}

fn csrf_token(browser: &str, purpose: &Purpose) -> String {
    Digest::of_parts("csrf", &[browser.as_bytes(), purpose.tie.as_bytes()]).to_base64url()
}

fn merge<T: PartialEq>(into: &mut Vec<T>, more: Vec<T>) {
    for one in more {
        if !into.contains(&one) {
            into.push(one);
        }
    }
}
