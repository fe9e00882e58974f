//! Keys behind an https URL.

use core::time::Duration;
use std::time::Instant;

use super::keeper::Keeper;
use super::{KeyFailure, Shared};
use crate::error::ConfigError;
use crate::https::{Answer, FetchFailure, Https, Transport, https_url};

/// A JWK Set behind an https URL, and how often to ask for it.
#[derive(Clone, Debug)]
pub struct RemoteKeys {
    url: String,
    https: Https,
    pause: Duration,
    age: Duration,
    keep: Duration,
}

/// A set of 32 keys with their certificates has less.
const LARGEST: usize = 512 * 1024;

impl RemoteKeys {
    /// Asks `url` when the last answer's `max-age` has passed, or after 5 minutes where it has none; when a token names an unknown key; and
    /// after a failure: but never twice within 30 seconds. What was once good is kept for 24 hours after the last good answer.
    ///
    /// # Errors
    /// [`Error::AddressMalformed`](counterfoil::Error::AddressMalformed), [`Error::MaterialUnusable`](counterfoil::Error::MaterialUnusable).
    pub fn new(url: &str, transport: &Transport) -> Result<Self, ConfigError> {
        Ok(Self {
            url: https_url(url)?,
            https: Https::new(transport, LARGEST)?,
            pause: Duration::from_secs(30),
            age: Duration::from_secs(300),
            keep: Duration::from_secs(24 * 60 * 60),
        })
    }

    /// Another pause between two requests than 30 seconds.
    #[must_use]
    pub const fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// How long a set is current whose answer does not say so itself, instead of 5 minutes.
    #[must_use]
    pub const fn with_age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// How long the last good set is used while the URL gives none, instead of 24 hours. A longer `max-age` is cut to it.
    #[must_use]
    pub const fn kept_for(mut self, keep: Duration) -> Self {
        self.keep = keep;
        self
    }
}

pub(super) struct Fetcher {
    remote: RemoteKeys,
    etag: Option<String>,
    asked: Option<Instant>,
    due: Instant,
    last_good: Option<Instant>,
}

impl Fetcher {
    pub(super) fn new(remote: RemoteKeys) -> Self {
        Self { remote, etag: None, asked: None, due: Instant::now(), last_good: None }
    }

    fn fetch(&self) -> Result<Answer, FetchFailure> {
        let mut headers = vec![("accept", "application/jwk-set+json, application/json")];
        if let Some(etag) = &self.etag {
            headers.push(("if-none-match", etag));
        }
        self.remote.https.get(&self.remote.url, &headers)
    }

    /// Takes a set, or the word that the last one is still current.
    fn take(&mut self, shared: &Shared, answer: &Answer) -> Result<(), KeyFailure> {
        match answer.status {
            200 => {
                shared.replace(&answer.body).map_err(KeyFailure::Set)?;
                self.etag = answer.header("etag").map(str::to_owned);
            }
            304 if self.etag.is_some() => shared.confirm(),
            status => return Err(KeyFailure::Fetch(FetchFailure::Status(status))),
        }
        let age = answer.max_age().map_or(self.remote.age, Duration::from_secs);
        self.due = Instant::now() + age.clamp(self.remote.pause, self.remote.keep.max(self.remote.pause));
        self.last_good = Some(Instant::now());
        Ok(())
    }

    /// Drops what nobody has confirmed for too long.
    fn judge_age(&mut self, shared: &Shared) {
        if self.last_good.is_some_and(|good| good.elapsed() >= self.remote.keep) {
            self.last_good = None;
            self.etag = None;
            shared.forget();
        }
    }
}

impl Keeper for Fetcher {
    fn next_look(&self, wanted: bool) -> Instant {
        let soonest = self.asked.map_or(self.due, |asked| asked + self.remote.pause);
        if wanted { soonest.min(self.due) } else { self.due }
    }

    fn look(&mut self, shared: &Shared) -> Result<(), KeyFailure> {
        self.asked = Some(Instant::now());
        self.due = Instant::now() + self.remote.pause;
        let taken = self.fetch().map_err(KeyFailure::Fetch).and_then(|answer| self.take(shared, &answer));
        if taken.is_err() {
            self.judge_age(shared);
        }
        taken
    }
}
