//! CIBA between the client's request and its tokens: who is asked, what the person answers, and who is told.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use counterfoil::UnixTime;
use counterfoil::jose::header::TokenType;
use counterfoil::jose::policy::Limits;
use counterfoil::oauth::confirmation::{Binding, Presenter};
use counterfoil::oauth::verifier::{Profile, Verifier};
use serde_json::Value;
use tokio::sync::Notify;

use crate::Server;
use crate::client::Client;
use crate::error::Refusal;
use crate::http::Form;
use crate::interaction::Verdict;
use crate::others_keys;
use crate::reason;
use crate::secret::{Digest, Secret};
use crate::store::{BackchannelRequest, Grant, Store, User};

/// The most that a hint may have.
const LONGEST_HINT: usize = 8 * 1024;

/// Who answers a request, and how that person was authenticated.
pub(crate) struct Decider {
    pub(crate) acr: String,
    /// In seconds since 1970.
    pub(crate) auth_time: u64,
}

/// Polls that wait for an answer, by the request's key. What another server of the same store decides is looked for now and then.
#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<HashMap<[u8; 32], Arc<Notify>>>);

impl Held {
    /// How long before the store is asked again.
    const PAUSE: Duration = Duration::from_secs(2);

    /// Until the request was decided here, or it is time to look.
    pub(crate) async fn wait(&self, key: &Digest, most: Duration) {
        /// Leaves when it is dropped: whoever polls may have gone away.
        struct Waiting<'h>(&'h Held, [u8; 32], Arc<Notify>);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                let mut held = self.0.locked();
                // The map's own and this one: nobody else waits.
                if Arc::strong_count(&self.2) <= 2 {
                    held.remove(&self.1);
                }
            }
        }
        let notify = self.locked().entry(*key.as_bytes()).or_default().clone();
        let waiting = Waiting(self, *key.as_bytes(), notify);
        let _ = tokio::time::timeout(most.min(Self::PAUSE), waiting.2.notified()).await;
    }

    fn release(&self, key: &Digest) {
        if let Some(notify) = self.locked().get(key.as_bytes()) {
            notify.notify_waiters();
        }
    }

    pub(crate) fn release_all(&self) {
        self.locked().values().for_each(|notify| notify.notify_waiters());
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Store> Server<S> {
    /// The person's answer to a request that waits for it. `false` when it does not any more.
    pub(crate) async fn decide(
        &self,
        key: Digest,
        request: &BackchannelRequest,
        approved_by: Option<Decider>,
        now: UnixTime,
    ) -> Result<bool, Refusal> {
        let is_approved = approved_by.is_some();
        let grant = approved_by.map(|person| Grant {
            id: Secret::new().into_string(),
            client_id: request.client_id.clone(),
            subject: request.subject.clone(),
            scope: request.scope.clone(),
            resources: request.resources.clone(),
            authorization_details: request.authorization_details.clone(),
            claims: Value::Null,
            auth_time: person.auth_time,
            acr: person.acr,
            created_at: now.0,
            expires_at: now.0.saturating_add(self.config.lifetimes.grant),
        });
        // Before the answer counts: after it nothing may fail that somebody would not be told for.
        let client = self.clients.find(&self.store, &request.client_id).await?;
        if !self.store.decide_backchannel(key, grant, now).await? {
            return Ok(false);
        }
        tracing::info!(client = request.client_id, is_approved, "answered on another device");
        self.held.release(&key);
        if let (Some(notifier), Some(sealed)) = (&self.notifier, &request.notification)
            && let Some((client, endpoint)) = client.as_ref().and_then(|client| Some((client, client.notification_endpoint()?)))
        {
            notifier.notify(client.id(), endpoint, sealed);
        }
        Ok(true)
    }

    /// Who is meant: by exactly one hint (CIBA Core section 7.1).
    pub(crate) async fn hinted(&self, parameters: &Form, client: &Client, now: UnixTime) -> Result<User, Refusal> {
        let hints = ["login_hint", "id_token_hint", "login_hint_token"].map(|name| parameters.get(name));
        if hints.iter().flatten().any(|hint| hint.len() > LONGEST_HINT) {
            return Err(reason::HINT_TOO_LONG.refusal());
        }
        let user = match hints {
            [Some(name), None, None] => match self.store.user(name.to_owned()).await? {
                Some(user) => Some(user),
                None => self.store.user_of_subject(name.to_owned()).await?,
            },
            [None, Some(token), None] => self.store.user_of_subject(self.hinted_by_id_token(token, client)?).await?,
            [None, None, Some(token)] => self.store.user_of_subject(self.hinted_by_token(token, client, now)?).await?,
            _ => return Err(reason::HINTS_NOT_ONE.refusal()),
        };
        let user = user.ok_or(reason::PERSON_UNKNOWN.refusal())?;
        if user.locked {
            // As for a person who says no at once (CIBA Core section 13).
            let refusal = reason::PERSON_NOT_TO_BE_ASKED.refusal().with_status(hyper::StatusCode::FORBIDDEN);
            return Err(refusal.because("the person is locked"));
        }
        Ok(user)
    }

    /// The subject of an ID token that this server has issued to this client. It may have ended since: it was good when it was issued.
    fn hinted_by_id_token(&self, token: &str, client: &Client) -> Result<String, Refusal> {
        let refuse = |cause: &dyn core::fmt::Display| reason::ID_TOKEN_HINT_INVALID.refusal().because(cause);
        let issued_at = claim_of(token, "iat").and_then(|issued_at| issued_at.as_u64()).ok_or_else(|| refuse(&"it has no iat"))?;
        let limits = Limits::DEFAULT;
        let mut scratch = vec![0; limits.scratch()];
        let keys = self.keys.ring().load().clone().ok_or_else(|| refuse(&"there are no keys"))?;
        const TYPES: [TokenType<'_>; 2] = [TokenType::Named("JWT"), TokenType::Absent];
        let accepted = Verifier::new(&self.config.issuer, client.id(), counterfoil::crypto::FAPI, keys.keys())
            .map(|verifier| verifier.with_profile(Profile::listed(&TYPES, &["sub", "iat"])).with_binding(Binding::Optional))
            .and_then(|verifier| verifier.accept(token.as_bytes(), Presenter::Bearer, UnixTime(issued_at), &mut scratch))
            .map_err(|error| refuse(&error))?;
        let subject = accepted.subject().ok_or_else(|| refuse(&"it has no sub"))?;
        Ok(subject.chars().collect())
    }

    /// The subject that a token of the client's own names: a JWT by one of its keys for this server, whose `sub_id` (RFC 9493) is of the format
    /// `iss_sub`, with this issuer, or `opaque`, with the subject of this server's tokens.
    fn hinted_by_token(&self, token: &str, client: &Client, now: UnixTime) -> Result<String, Refusal> {
        let refuse = |cause: &dyn core::fmt::Display| reason::HINT_TOKEN_INVALID.refusal().because(cause);
        let ring = client.keys.as_ref().ok_or_else(|| refuse(&"the client has no keys"))?;
        let limits = Limits::DEFAULT;
        let mut scratch = vec![0; limits.scratch()];
        let keys = others_keys::current(ring, token, limits, Duration::ZERO, &mut scratch);
        let keys = keys.ok_or_else(|| refuse(&"no keys could be had"))?;
        const TYPES: [TokenType<'_>; 3] = [TokenType::Named("login-hint+jwt"), TokenType::Named("JWT"), TokenType::Absent];
        let algorithms = client.profile.algorithms();
        let accepted = Verifier::new(client.id(), &self.config.issuer, &algorithms, keys.keys())
            .map(|verifier| verifier.with_profile(Profile::listed(&TYPES, &["sub_id"])).with_binding(Binding::Optional))
            .and_then(|verifier| verifier.accept(token.as_bytes(), Presenter::Bearer, now, &mut scratch))
            .map_err(|error| match error {
                counterfoil::Error::TokenExpired => reason::HINT_TOKEN_EXPIRED.refusal(),
                error => refuse(&error),
            })?;
        let claims: Value = serde_json::from_str(accepted.payload()).map_err(|error| refuse(&error))?;
        let member = |name: &str| claims.pointer(&format!("/sub_id/{name}")).and_then(Value::as_str);
        let subject = match member("format") {
            Some("iss_sub") if member("iss") == Some(&self.config.issuer) => member("sub"),
            Some("opaque") => member("id"),
            _ => return Err(refuse(&"the format of sub_id is none that is known here")),
        };
        subject.map(str::to_owned).ok_or_else(|| refuse(&"sub_id names nobody"))
    }

    /// The code that somebody may demand who is asked on another device (CIBA Core section 7.1): wrong ones are counted as wrong passwords are.
    pub(crate) async fn judge_user_code(&self, parameters: &Form, client: &Client, user: &User) -> Result<(), Refusal> {
        if user.user_code.is_empty() {
            return Ok(());
        }
        let code = parameters.get("user_code").filter(|_| client.metadata.backchannel_user_code_parameter);
        let code = code.ok_or(reason::USER_CODE_MISSING.refusal())?;
        let wrong = || reason::USER_CODE_WRONG.refusal();
        let attempt = Digest::of_parts("user code", &[user.subject.as_bytes()]);
        match self.attempts.judge(attempt, user.user_code.clone(), code.to_owned()).await {
            Verdict::Right => Ok(()),
            Verdict::Wrong => Err(wrong()),
            Verdict::TooOften => Err(wrong().because("there were too many attempts")),
        }
    }
}

/// A claim of a token that was not judged yet.
fn claim_of(token: &str, name: &str) -> Option<Value> {
    use base64ct::{Base64UrlUnpadded, Encoding as _};
    let payload = Base64UrlUnpadded::decode_vec(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Value>(&payload).ok()?.get(name).cloned()
}
