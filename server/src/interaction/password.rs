//! Signing in with a name and a password, at the server's own page.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

use argon2::{Argon2, PasswordHash, PasswordVerifier as _};
use hyper::StatusCode;
use serde_json::json;
use tokio::sync::Semaphore;

use super::{Answered, Asked, SignedIn, csrf_token};
use crate::Server;
use crate::error::Refusal;
use crate::http::{Form, Request, Response};
use crate::reason;
use crate::secret::Digest;
use crate::store::Store;

impl<S: Store> Server<S> {
    /// `/login`: a name and a password, or "cancel".
    pub(crate) async fn login(&self, request: &Request) -> Result<Response, Refusal> {
        let (asked, form, browser) = match self.answered(request).await? {
            Answered::Here { asked, form, browser } => (asked, form, browser),
            Answered::Outdated(asked) => return self.again(&asked),
        };
        if form.get("action") == Some("cancel") {
            return self.reject(&asked, reason::CANCELLED, request.now).await;
        }
        if self.identity_provider.is_some() {
            return Err(reason::SIGN_IN_ELSEWHERE.refusal());
        }
        let name = form.get("username").unwrap_or_default();
        match self.with_password(&form, asked.client.id(), request).await? {
            Ok(person) => self.signed_in(&asked, person, request.now).await,
            Err(failed) => self.login_page(&asked, &browser, failed, Some(name)),
        }
    }

    /// Who has signed in with the name and the password of a form; or how the page is shown again.
    pub(super) async fn with_password(&self, form: &Form, place: &str, request: &Request) -> Result<Result<SignedIn, Failed>, Refusal> {
        let (name, password) = (form.get("username").unwrap_or_default(), form.get("password").unwrap_or_default());
        let attempt = Digest::of_parts("attempt", &[name.as_bytes()]);
        let user = self.store.user(name.to_owned()).await?;
        let hash = user.as_ref().map_or_else(|| self.nobodys_password.clone(), |user| user.password.clone());
        let verdict = self.attempts.judge(attempt, hash, password.to_owned()).await;
        let user = match (verdict, user.filter(|user| !user.locked)) {
            (Verdict::TooOften, _) => return Ok(Err(Failed::TooOften)),
            (Verdict::Right, Some(user)) => user,
            _ => {
                tracing::info!(place, peer = %request.peer.address, "sign-in failed");
                return Ok(Err(Failed::Wrong));
            }
        };
        Ok(Ok(SignedIn { subject: user.subject, acr: self.config.login.acr.clone(), auth_time: request.now.0 }))
    }

    pub(super) fn login_page(&self, asked: &Asked, browser: &str, failed: Failed, typed: Option<&str>) -> Result<Response, Refusal> {
        let content = json!({
            "client_name": asked.client.name(),
            "client_id": asked.client.id(),
            "request_uri": asked.uri,
            "csrf": csrf_token(browser, &asked.purpose()),
            "action": "/login",
            "login_hint": typed.or(asked.request.login_hint.as_deref()).unwrap_or_default(),
            "failed": matches!(failed, Failed::Wrong),
            "waiting": matches!(failed, Failed::TooOften),
        });
        self.pages.form(failed.status(), "login.html", &content, &asked.request.redirect_uri)
    }
}

/// What the page says of the attempt before.
#[derive(Clone, Copy)]
pub(super) enum Failed {
    No,
    Wrong,
    TooOften,
}

impl Failed {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::No | Self::Wrong => StatusCode::OK,
            Self::TooOften => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

fn is_password(hash: &str, password: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Right,
    Wrong,
    /// It was not judged.
    TooOften,
}

/// How often a name was tried in vain: five times, and then once a minute. And how many passwords are judged at a time, each of which
/// takes 19 MiB of memory: one for each core.
#[derive(Debug)]
pub(crate) struct Attempts {
    failed: Mutex<HashMap<[u8; 32], (u32, Instant)>>,
    at_a_time: Semaphore,
}

impl Default for Attempts {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, core::num::NonZero::get);
        Self { failed: Mutex::default(), at_a_time: Semaphore::new(cores) }
    }
}

impl Attempts {
    const MOST: u32 = 5;
    const PAUSE: Duration = Duration::from_secs(60);
    /// Names that are remembered at most; beyond that all are forgotten.
    const NAMES: usize = 100_000;

    /// Judges a password, which takes long: on a thread that has time. Nobody's password takes as long as somebody's. Whether the name may be tried
    /// is asked when it is its turn, so that many at once are not more guesses than one after the other, but for one more on each core.
    pub(crate) async fn judge(&self, name: Digest, hash: String, password: String) -> Verdict {
        let Ok(_turn) = self.at_a_time.acquire().await else { return Verdict::Wrong };
        if !self.may_try(&name) {
            return Verdict::TooOften;
        }
        let is_right = tokio::task::spawn_blocking(move || is_password(&hash, &password)).await.unwrap_or(false);
        self.note(name, is_right);
        if is_right { Verdict::Right } else { Verdict::Wrong }
    }

    fn may_try(&self, name: &Digest) -> bool {
        self.locked().get(name.as_bytes()).is_none_or(|(count, last)| *count < Self::MOST || last.elapsed() >= Self::PAUSE)
    }

    /// Who is right is forgotten.
    fn note(&self, name: Digest, is_right: bool) {
        let mut attempts = self.locked();
        if is_right {
            attempts.remove(name.as_bytes());
            return;
        }
        if attempts.len() >= Self::NAMES {
            attempts.clear();
        }
        let attempt = attempts.entry(*name.as_bytes()).or_insert((0, Instant::now()));
        *attempt = (attempt.0.saturating_add(1), Instant::now());
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], (u32, Instant)>> {
        self.failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn five_wrong_passwords_and_then_a_pause_also_for_many_at_once() {
        let (attempts, name) = (std::sync::Arc::new(Attempts::default()), Digest::of("alice"));
        let hash = crate::users::hash_of("right").unwrap();
        let mut guesses = tokio::task::JoinSet::new();
        for number in 0..50 {
            let (attempts, hash) = (attempts.clone(), hash.clone());
            guesses.spawn(async move { attempts.judge(name, hash, format!("guess {number}")).await });
        }
        let verdicts = guesses.join_all().await;
        let judged = verdicts.iter().filter(|verdict| **verdict == Verdict::Wrong).count();
        let cores = std::thread::available_parallelism().unwrap().get();
        assert!((5..5 + cores).contains(&judged), "{judged} were judged");
        assert_eq!(attempts.judge(name, hash.clone(), "right".to_owned()).await, Verdict::TooOften);
        // Many who are right are all right.
        let mut right = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let (attempts, hash) = (attempts.clone(), hash.clone());
            right.spawn(async move { attempts.judge(Digest::of("bob"), hash, "right".to_owned()).await });
        }
        assert!(right.join_all().await.iter().all(|verdict| *verdict == Verdict::Right));
    }
}
