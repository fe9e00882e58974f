//! The backchannel authentication endpoint (CIBA Core section 7), and how people answer where they are: in a bank's own app, or in tests.

use hyper::StatusCode;
use serde_json::json;

use crate::Server;
use crate::authorization_request::{authorization_details, resources, scope, words};
use crate::backchannel::Decider;
use crate::client::{CIBA, Client};
use crate::client_auth::Authenticated;
use crate::config::BackchannelSettings;
use crate::error::Refusal;
use crate::http::{Form, Request, Response, empty, json as json_answer};
use crate::reason;
use crate::request_object;
use crate::secret::{Digest, Secret};
use crate::store::{BackchannelRequest, Store};

/// What fits on the other device too, and is read by a person who compares.
const LONGEST_BINDING_MESSAGE: usize = 64;

impl<S: Store> Server<S> {
    pub(crate) async fn backchannel_authentication(&self, request: &Request) -> Result<Response, Refusal> {
        let Some(settings) = &self.config.backchannel else { return Ok(empty(StatusCode::NOT_FOUND)) };
        let form = request.form()?;
        let Authenticated { client, used } = self.authenticate(request, &form).await?;
        if !client.may_use(CIBA) {
            return Err(reason::CIBA_NOT_FOR_CLIENT.refusal());
        }
        self.await_keys(&client, &form).await?;
        let (parameters, object) = request_object::backchannel_parameters(form, &client, self.own(), request.now)?;
        let scope = scope(&parameters, &client, &self.config)?;
        if !scope.iter().any(|scope| scope == "openid") {
            return Err(reason::OPENID_MISSING.refusal());
        }
        let lifetime = lifetime(&parameters, settings)?;
        let notification_token = notification_token(&parameters, &client)?;
        let binding_message = binding_message(&parameters)?;
        let resources = resources(&parameters, &client, &self.config)?;
        let authorization_details = authorization_details(parameters.get("authorization_details"), &client, &self.config)?;
        let user = self.hinted(&parameters, &client, request.now).await?;
        self.judge_user_code(&parameters, &client, &user).await?;
        let auth_req_id = Secret::new();
        let sealed = notification_token.map(|token| {
            let sealed = self.notifier.as_ref().and_then(|notifier| notifier.seal(auth_req_id.as_str(), token));
            sealed.ok_or_else(|| reason::FAULT.refusal().because("nothing can be sealed"))
        });
        let asked = BackchannelRequest {
            client_id: client.id().to_owned(),
            subject: user.subject,
            scope,
            resources,
            authorization_details,
            acr_values: words(parameters.get("acr_values")),
            binding_message,
            notification: sealed.transpose()?,
            created_at: request.now.0,
            good_until: request.now.0.saturating_add(lifetime),
        };
        let uses = used.into_iter().chain(object).collect();
        let (key, interval, most) = (auth_req_id.digest(), settings.interval, settings.pending);
        if !self.store.begin_backchannel(key, asked, interval, most, uses, request.now).await? {
            return Err(reason::PERSON_ASKED_TOO_MUCH.refusal().with_status(StatusCode::TOO_MANY_REQUESTS));
        }
        tracing::info!(client = client.id(), "somebody is asked on another device");
        let body = json!({ "auth_req_id": auth_req_id.as_str(), "expires_in": lifetime, "interval": settings.interval });
        Ok(json_answer(StatusCode::OK, &body))
    }

    /// `/backchannel/requests`, for a bank's own app: what waits for a person.
    pub(crate) async fn waiting_requests(&self, request: &Request) -> Result<Response, Refusal> {
        let form = self.of_own_app(request).await?;
        let subject = form.get("subject").ok_or(reason::SUBJECT_MISSING.refusal())?;
        let mut waiting = Vec::new();
        for (key, asked) in self.store.backchannel_requests(subject.to_owned(), request.now).await? {
            let Some(client) = self.clients.find(&self.store, &asked.client_id).await? else { continue };
            waiting.push(json!({
                "id": key.to_base64url(),
                "client_id": client.id(),
                "client_name": client.name(),
                "binding_message": asked.binding_message,
                "scope": asked.scope.join(" "),
                "resources": asked.resources,
                "authorization_details": asked.authorization_details,
                "acr_values": asked.acr_values,
                "created_at": asked.created_at,
                "expires_at": asked.good_until,
            }));
        }
        Ok(json_answer(StatusCode::OK, &json!({ "requests": waiting })))
    }

    /// `/backchannel/decision`, for a bank's own app: what a person has answered there, and how the person was authenticated.
    pub(crate) async fn backchannel_decision(&self, request: &Request) -> Result<Response, Refusal> {
        let form = self.of_own_app(request).await?;
        let needed = |name: &str, refusal| form.get(name).ok_or(refusal);
        let id = needed("id", reason::ID_MISSING.refusal())?;
        let subject = needed("subject", reason::SUBJECT_MISSING.refusal())?;
        let key = key_of(id).ok_or(reason::ID_MALFORMED.refusal())?;
        let approved_by = match form.get("decision") {
            Some("deny") => None,
            Some("approve") => {
                let auth_time = form.get("auth_time").map_or(Ok(request.now.0), str::parse);
                let auth_time = auth_time.ok().filter(|time| *time <= request.now.0.saturating_add(10));
                let auth_time = auth_time.ok_or(reason::AUTH_TIME_MALFORMED.refusal())?;
                Some(Decider { acr: form.get("acr").unwrap_or_default().to_owned(), auth_time })
            }
            _ => return Err(reason::DECISION_UNKNOWN.refusal()),
        };
        let gone = || reason::NOT_WAITING_FOR_PERSON.refusal().with_status(StatusCode::NOT_FOUND);
        let asked = self.store.backchannel_request(key, request.now).await?.filter(|asked| asked.subject == subject).ok_or_else(gone)?;
        if self.decide(key, &asked, approved_by, request.now).await? { Ok(empty(StatusCode::NO_CONTENT)) } else { Err(gone()) }
    }

    /// A form of a client that is a bank's own app.
    async fn of_own_app(&self, request: &Request) -> Result<Form, Refusal> {
        let form = request.form()?;
        let Authenticated { client, used } = self.authenticate(request, &form).await?;
        if self.config.backchannel.is_none() || !client.metadata.decides_backchannel_requests {
            return Err(reason::ANSWERS_NOT_FOR_CLIENT.refusal().with_status(StatusCode::FORBIDDEN));
        }
        self.store.spend(used.into_iter().collect(), request.now).await?;
        Ok(form)
    }

    /// `/dev/ciba`, for tests alone: anybody's answer counts as the person's.
    pub(crate) async fn test_approval(&self, request: &Request) -> Result<Response, Refusal> {
        if !self.config.backchannel.as_ref().is_some_and(|settings| settings.test_approvals) {
            return Ok(empty(StatusCode::NOT_FOUND));
        }
        let form = Form::parse(request.query())?;
        let key = Digest::of(form.get("auth_req_id").ok_or(reason::AUTH_REQ_ID_MISSING.refusal())?);
        let approved_by = match form.get("action") {
            Some("allow") => Some(Decider { acr: self.config.login.acr.clone(), auth_time: request.now.0 }),
            Some("deny") => None,
            _ => return Err(reason::ACTION_UNKNOWN.refusal()),
        };
        let gone = || reason::NOT_WAITING.refusal().with_status(StatusCode::NOT_FOUND);
        let asked = self.store.backchannel_request(key, request.now).await?.ok_or_else(gone)?;
        if self.decide(key, &asked, approved_by, request.now).await? { Ok(empty(StatusCode::NO_CONTENT)) } else { Err(gone()) }
    }
}

/// What pages and the bank's app call a request: the base64url of its key, which is no secret.
pub(crate) fn key_of(id: &str) -> Option<Digest> {
    use base64ct::{Base64UrlUnpadded, Encoding as _};
    let mut bytes = [0; 32];
    let decoded = Base64UrlUnpadded::decode(id, &mut bytes).ok()?;
    (decoded.len() == 32).then_some(())?;
    Some(Digest::from_bytes(bytes))
}

/// In seconds: what the client asks, as far as the server grants it (CIBA Core section 7.1, `requested_expiry`).
fn lifetime(parameters: &Form, settings: &BackchannelSettings) -> Result<u64, Refusal> {
    let refuse = reason::EXPIRY_MALFORMED.refusal();
    match parameters.get("requested_expiry").map(str::parse::<u64>) {
        None => Ok(settings.lifetime),
        Some(Ok(seconds)) if seconds > 0 => Ok(seconds.min(settings.lifetime)),
        Some(_) => Err(refuse),
    }
}

/// What a client that is notified is notified with: a bearer token's text (RFC 6750 section 2.1) of 128 bits at least.
fn notification_token<'f>(parameters: &'f Form, client: &Client) -> Result<Option<&'f str>, Refusal> {
    if client.notification_endpoint().is_none() {
        return Ok(None);
    }
    let token = parameters.get("client_notification_token").ok_or(reason::NOTIFICATION_TOKEN_MISSING.refusal())?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    let is_good = (22..=1024).contains(&token.len()) && token.trim_end_matches('=').bytes().all(is_token);
    if is_good { Ok(Some(token)) } else { Err(reason::NOTIFICATION_TOKEN_MALFORMED.refusal()) }
}

/// Plain text in one line.
fn binding_message(parameters: &Form) -> Result<Option<String>, Refusal> {
    let message = parameters.get("binding_message");
    let is_good = |text: &str| text.chars().count() <= LONGEST_BINDING_MESSAGE && !text.chars().any(char::is_control);
    if message.is_none_or(is_good) {
        return Ok(message.map(str::to_owned));
    }
    Err(reason::BINDING_MESSAGE_MALFORMED.refusal())
}
