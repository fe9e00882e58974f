//! What a person sees between a client's request and its answer: signing in, and consent.
//!
//! Pages may be loaded again: the request is used up when the person has answered, in the same transaction that makes the code. What ties the
//! steps together is the browser's cookie; forms carry a token made of it, which nobody else can know.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

use argon2::{Argon2, PasswordHash, PasswordVerifier as _};
use counterfoil::UnixTime;
use hyper::StatusCode;
use hyper::header::SET_COOKIE;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::Server;
use crate::authorization_request::{AuthorizationRequest, GrantAction};
use crate::client::Client;
use crate::endpoint::REQUEST_URI;
use crate::error::{Code, Refusal, invalid_request};
use crate::http::{Form, Request, Response, see_other, set, with_parameters};
use crate::secret::{Digest, Secret};
use crate::store::{AuthorizationCode, Grant, NewCode, Session, Store};

/// The authentication context of a password.
pub(crate) const ACR_PASSWORD: &str = "urn:counterfoil:password";

/// Ties the steps to one browser. `__Host-`: sent to this very host alone, by https, for all its paths.
const COOKIE: &str = "__Host-counterfoil";

/// A pushed request, found again.
struct Asked {
    client: Arc<Client>,
    request: AuthorizationRequest,
    /// Its `request_uri`, as it came.
    uri: String,
    key: Digest,
}

/// What the person did with a form.
struct Answered {
    asked: Asked,
    form: Form,
    /// The browser's cookie.
    browser: String,
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
        if parameters.get("request_uri").is_none() {
            return self.refuse_without_par(&parameters).await;
        }
        let asked = self.asked(&parameters, request.now).await?;
        let browser = request.cookie(COOKIE).map(str::to_owned);
        let session = match &browser {
            Some(browser) => self.store.session(Digest::of(browser), request.now).await?,
            None => None,
        };
        let session = session.filter(|session| self.is_signed_in(session, &asked, request.now));
        if asked.request.prompt.iter().any(|prompt| prompt == "none") {
            let code = if session.is_some() { Code::ConsentRequired } else { Code::LoginRequired };
            return self.reject(&asked, code, request.now).await;
        }
        match (session, browser) {
            (Some(session), Some(browser)) => self.consent_page(&asked, &session, &browser, request.now).await,
            (_, browser) => {
                let (browser, is_new) = browser.map_or_else(|| (Secret::new().into_string(), true), |browser| (browser, false));
                let mut response = self.login_page(&asked, &browser, (StatusCode::OK, Failed::No), None)?;
                if is_new {
                    set_cookie(&mut response, &browser);
                }
                Ok(response)
            }
        }
    }

    /// `/login`: a name and a password, or "cancel".
    pub(crate) async fn login(&self, request: &Request) -> Result<Response, Refusal> {
        let Answered { asked, form, browser } = self.answered(request).await?;
        if form.get("action") == Some("cancel") {
            return self.reject(&asked, Code::AccessDenied, request.now).await;
        }
        let (name, password) = (form.get("username").unwrap_or_default(), form.get("password").unwrap_or_default());
        let attempt = Digest::of_parts("attempt", &[name.as_bytes()]);
        if !self.attempts.may_try(&attempt) {
            return self.login_page(&asked, &browser, (StatusCode::TOO_MANY_REQUESTS, Failed::TooOften), Some(name));
        }
        let user = self.store.user(name.to_owned()).await?;
        let hash = user.as_ref().map_or_else(|| self.nobodys_password.clone(), |user| user.password.clone());
        let password = password.to_owned();
        // Memory-hard, and long: on a thread that has time. Nobody's password takes as long as somebody's.
        let is_right = tokio::task::spawn_blocking(move || is_password(&hash, &password)).await.unwrap_or(false);
        let Some(user) = user.filter(|user| is_right && !user.locked) else {
            self.attempts.failed(attempt);
            tracing::info!(client = asked.client.id(), peer = %request.peer.address, "sign-in failed");
            return self.login_page(&asked, &browser, (StatusCode::OK, Failed::Wrong), Some(name));
        };
        self.attempts.forget(&attempt);
        // A new cookie: whoever knew the old one is not signed in with it.
        let browser = Secret::new();
        let session = Session {
            subject: user.subject,
            auth_time: request.now.0,
            acr: ACR_PASSWORD.to_owned(),
            signed_in_for: asked.key.to_base64url(),
            expires_at: request.now.0.saturating_add(self.config.lifetimes.session),
        };
        self.store.save_session(browser.digest(), session, request.now).await?;
        let back = with_parameters(&self.config.url("/authorize"), &[("client_id", asked.client.id()), ("request_uri", &asked.uri)]);
        let mut response = see_other(&back)?;
        set_cookie(&mut response, browser.as_str());
        Ok(response)
    }

    /// `/consent`: "allow" or "cancel".
    pub(crate) async fn consent(&self, request: &Request) -> Result<Response, Refusal> {
        let Answered { asked, form, browser } = self.answered(request).await?;
        match form.get("action") {
            Some("approve") => {}
            Some("cancel") => return self.reject(&asked, Code::AccessDenied, request.now).await,
            _ => return Err(invalid_request("the form was not filled in")),
        }
        let session = self.store.session(Digest::of(&browser), request.now).await?;
        let session = session.filter(|session| self.is_signed_in(session, &asked, request.now));
        let session = session.ok_or(invalid_request("nobody is signed in"))?;
        let grant = self.new_grant(&asked, session, request.now).await?;
        let code = Secret::new();
        let lifetimes = &self.config.lifetimes;
        let expires_at = UnixTime(request.now.0.saturating_add(lifetimes.code));
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
        self.redirect(&asked.request, &[("code", code.as_str())])
    }

    /// Everything in a request goes by PAR (FAPI 2.0 section 5.3.2.2, number 3). Only one that names a client and a redirect URI of that
    /// client is told so by redirection.
    async fn refuse_without_par(&self, parameters: &Form) -> Result<Response, Refusal> {
        let refusal = invalid_request("the request was not pushed");
        let client = match parameters.get("client_id") {
            Some(id) => self.clients.find(&self.store, id).await?,
            None => None,
        };
        let (Some(client), Some(uri)) = (client, parameters.get("redirect_uri")) else { return Err(refusal) };
        if !client.has_redirect_uri(uri) {
            return Err(refusal);
        }
        let mut answer = vec![("error", refusal.code.as_str()), ("iss", self.config.issuer.as_str())];
        answer.extend(parameters.get("state").map(|state| ("state", state)));
        see_other(&with_parameters(uri, &answer))
    }

    /// The pushed request that a page is about.
    async fn asked(&self, parameters: &Form, now: UnixTime) -> Result<Asked, Refusal> {
        let client_id = parameters.get("client_id").ok_or(invalid_request("client_id is missing"))?;
        let uri = parameters.get("request_uri").ok_or(invalid_request("request_uri is missing"))?;
        let reference = uri.strip_prefix(REQUEST_URI).ok_or_else(unknown_request)?;
        let key = Digest::of(reference);
        let pushed = self.store.request(key, now).await?.filter(|pushed| pushed.request.client_id == client_id);
        let pushed = pushed.ok_or_else(unknown_request)?;
        let client = self.clients.find(&self.store, client_id).await?.ok_or_else(unknown_request)?;
        Ok(Asked { client, request: pushed.request, uri: uri.to_owned(), key })
    }

    /// A form of one of the pages, from the browser that the page was made for.
    async fn answered(&self, request: &Request) -> Result<Answered, Refusal> {
        let form = request.form()?;
        let browser = request.cookie(COOKIE).ok_or(invalid_request("the browser sent no cookie"))?.to_owned();
        let asked = self.asked(&form, request.now).await?;
        let token = form.get("csrf").unwrap_or_default();
        if Digest::of(token) != Digest::of(csrf_token(&browser, &asked)) {
            return Err(invalid_request("the form is not of this browser"));
        }
        Ok(Answered { asked, form, browser })
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

    fn login_page(
        &self,
        asked: &Asked,
        browser: &str,
        (status, failed): (StatusCode, Failed),
        typed: Option<&str>,
    ) -> Result<Response, Refusal> {
        let content = json!({
            "client_name": asked.client.name(),
            "client_id": asked.client.id(),
            "request_uri": asked.uri,
            "csrf": csrf_token(browser, asked),
            "login_hint": typed.or(asked.request.login_hint.as_deref()).unwrap_or_default(),
            "failed": matches!(failed, Failed::Wrong),
            "waiting": matches!(failed, Failed::TooOften),
        });
        self.pages.form(status, "login.html", &content, &asked.request.redirect_uri)
    }

    async fn consent_page(&self, asked: &Asked, session: &Session, browser: &str, now: UnixTime) -> Result<Response, Refusal> {
        let user = self.store.user_of_subject(session.subject.clone()).await?;
        let said = |scope: &String| match self.config.scopes.get(scope) {
            Some(text) if !text.is_empty() => text.clone(),
            _ if scope == "openid" => "know who you are".to_owned(),
            _ => scope.clone(),
        };
        let metadata = &asked.client.metadata;
        let content = json!({
            "client_name": asked.client.name(),
            "client_uri": metadata.client_uri,
            "policy_uri": metadata.policy_uri,
            "client_id": asked.client.id(),
            "request_uri": asked.uri,
            "csrf": csrf_token(browser, asked),
            "user_name": user.map_or_else(|| session.subject.clone(), |user| user.name),
            "scopes": asked.request.scope.iter().map(said).collect::<Vec<_>>(),
            "details": self.shown_details(&asked.request.authorization_details),
            "resources": asked.request.resources,
            "until": date(now.0.saturating_add(self.config.lifetimes.grant)),
            "redirect_host": origin_of(&asked.request.redirect_uri),
        });
        self.pages.form(StatusCode::OK, "consent.html", &content, &asked.request.redirect_uri)
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
        let old = old.ok_or(Refusal::new(Code::InvalidGrantId, "the grant is not this person's"))?;
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
    async fn reject(&self, asked: &Asked, code: Code, now: UnixTime) -> Result<Response, Refusal> {
        if !self.store.take_request(asked.key, now).await? {
            return Err(unknown_request());
        }
        tracing::info!(client = asked.client.id(), error = code.as_str(), "request rejected");
        self.redirect(&asked.request, &[("error", code.as_str())])
    }

    /// Back to the client, with its state and our issuer (RFC 9207).
    fn redirect(&self, request: &AuthorizationRequest, answer: &[(&str, &str)]) -> Result<Response, Refusal> {
        let mut answer = answer.to_vec();
        answer.extend(request.state.as_deref().map(|state| ("state", state)));
        answer.push(("iss", &self.config.issuer));
        see_other(&with_parameters(&request.redirect_uri, &answer))
    }
}

fn set_cookie(response: &mut Response, value: &str) {
    set(response, SET_COOKIE, &format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax; Secure"));
}

#[derive(Clone, Copy)]
enum Failed {
    No,
    Wrong,
    TooOften,
}

/// A member's name as people read it: `creditorAccount` and `creditor_account` are "creditor account".
fn in_words(name: &str) -> String {
    let mut words = String::new();
    let mut was_lower = false;
    for character in name.chars() {
        if character == '_' || (was_lower && character.is_uppercase()) {
            words.push(' ');
        }
        was_lower = character.is_lowercase();
        if character != '_' {
            words.extend(character.to_lowercase());
        }
    }
    words
}

/// A value as people read it: an object as its members, an array as its elements.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(elements) => elements.iter().map(as_text).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            // Each part isolated (Unicode UAX 9), so that no text of one can turn the order of others.
            let isolated = |text: &str| format!("\u{2068}{text}\u{2069}");
            let member = |(name, value): (&String, &Value)| format!("{} {}", isolated(&in_words(name)), isolated(&as_text(value)));
            members.iter().map(member).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

fn unknown_request() -> Refusal {
    Refusal::new(Code::InvalidRequestUri, "the request is unknown, expired or answered")
}

fn csrf_token(browser: &str, asked: &Asked) -> String {
    Digest::of_parts("csrf", &[browser.as_bytes(), asked.key.as_bytes()]).to_base64url()
}

/// Scheme, host and port of a URL that was judged at registration.
fn origin_of(uri: &str) -> &str {
    let start = uri.find("://").map_or(0, |colon| colon + 3);
    let end = uri.get(start..).and_then(|rest| rest.find(['/', '?'])).map_or(uri.len(), |end| start + end);
    uri.get(..end).unwrap_or_default()
}

fn merge<T: PartialEq>(into: &mut Vec<T>, more: Vec<T>) {
    for one in more {
        if !into.contains(&one) {
            into.push(one);
        }
    }
}

/// A day as ISO 8601 writes it. Algorithm: days since 1970 to a civil date, as Howard Hinnant has published it.
fn date(seconds: u64) -> String {
    let days = i64::try_from(seconds / 86_400).unwrap_or(0) + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

fn is_password(hash: &str, password: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// How often a name was tried in vain: five times, and then once a minute.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<HashMap<[u8; 32], (u32, Instant)>>);

impl Attempts {
    const MOST: u32 = 5;
    const PAUSE: Duration = Duration::from_secs(60);
    /// Names that are remembered at most; beyond that all are forgotten.
    const NAMES: usize = 100_000;

    fn may_try(&self, name: &Digest) -> bool {
        self.locked().get(name.as_bytes()).is_none_or(|(count, last)| *count < Self::MOST || last.elapsed() >= Self::PAUSE)
    }

    fn failed(&self, name: Digest) {
        let mut attempts = self.locked();
        if attempts.len() >= Self::NAMES {
            attempts.clear();
        }
        let attempt = attempts.entry(*name.as_bytes()).or_insert((0, Instant::now()));
        *attempt = (attempt.0.saturating_add(1), Instant::now());
    }

    fn forget(&self, name: &Digest) {
        self.locked().remove(name.as_bytes());
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], (u32, Instant)>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_400), "2000-02-29");
        assert_eq!(date(1_798_761_599), "2026-12-31");
    }

    #[test]
    fn details_are_shown_in_words() {
        assert_eq!(
            (in_words("creditorAccount"), in_words("creditor_account")),
            ("creditor account".to_owned(), "creditor account".to_owned())
        );
        let amount = json!({ "currency": "EUR", "amount": "1.50", "of": [1, { "isoCode": true }] });
        let plain = as_text(&amount).replace(['\u{2068}', '\u{2069}'], "");
        assert_eq!(plain, "currency EUR, amount 1.50, of 1, iso code true");
    }

    #[test]
    fn origins_end_where_paths_begin() {
        assert_eq!(origin_of("https://c.example/cb?x=1"), "https://c.example");
        assert_eq!(origin_of("http://127.0.0.1:99?x"), "http://127.0.0.1:99");
    }

    #[test]
    fn five_wrong_passwords_and_then_a_pause() {
        let (attempts, name) = (Attempts::default(), Digest::of("alice"));
        for _ in 0..5 {
            assert!(attempts.may_try(&name));
            attempts.failed(name);
        }
        assert!(!attempts.may_try(&name));
        attempts.forget(&name);
        assert!(attempts.may_try(&name));
    }
}
