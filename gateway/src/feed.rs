//! The feed of an issuer that tells what it publishes and revokes: followed by cursor, with requests that are held until there is something new.

use core::time::Duration;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Instant, SystemTime};

use counterfoil::oauth::split_token::{CounterfoilKey, KeyEncoding};
use counterfoil::wire::json::read_value;
use counterfoil::wire::value::Value;
use counterfoil::{Error, UnixTime};

use crate::error::ConfigError;
use crate::https::{Https, Transport, https_url};
use crate::lookups::Lookups;
use crate::memory::locked;

/// The largest answer: a thousand counterfoils.
const LARGEST: usize = 8 * 1024 * 1024;
/// How long the issuer may hold a request, in seconds.
const WAIT: u64 = 25;
/// How long after a failure, or an answer with nothing new, the issuer is asked again, at least and at most.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Where an issuer tells what it publishes and revokes, as counterfoil-server does at `/split-tokens`: a revocation is known here as soon as it
/// has happened, of split and phantom tokens and of JWTs by the SHA-256 of their `jti`.
///
/// `GET {url}&since=CURSOR&wait=SECONDS` answers `{"entries": [{"cursor", "type": "publish" | "revoke", "key", "counterfoil", "exp"}], "cursor"}`.
#[derive(Clone, Debug)]
pub struct Feed {
    url: String,
    https: Https,
    encoding: KeyEncoding,
}

/// How a feed is followed.
#[derive(Clone, Copy, Debug, Default)]
pub struct FeedStatus {
    /// The last entry that was read.
    pub cursor: u64,
    /// When the issuer last answered; `None` before it has.
    pub answered: Option<Instant>,
    /// How often it did not, or not what it should.
    pub failures: u64,
}

impl Feed {
    /// A feed at an https URL with a query, such as `https://mtls.as.example/split-tokens?client_id=gateway`, which the transport's certificate
    /// opens; its keys are spelled in base64url.
    ///
    /// # Errors
    /// [`Error::AddressMalformed`], [`Error::MaterialUnusable`].
    pub fn new(url: &str, transport: &Transport) -> Result<Self, ConfigError> {
        let url = https_url(url)?;
        let url = if url.contains('?') { url } else { format!("{url}?") };
        let https = Https::new(&transport.clone().with_timeout(Duration::from_secs(WAIT + 10)), LARGEST)?;
        Ok(Self { url, https, encoding: KeyEncoding::Base64url })
    }

    /// Its keys are spelled otherwise.
    #[must_use]
    pub const fn with_encoding(mut self, encoding: KeyEncoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Follows it in a thread until the lookups are gone.
    pub(crate) fn follow(self, lookups: &Arc<Lookups>) -> Result<Arc<Mutex<FeedStatus>>, ConfigError> {
        let status = Arc::new(Mutex::new(FeedStatus::default()));
        let (told, lookups) = (status.clone(), Arc::downgrade(lookups));
        let thread = std::thread::Builder::new().name("counterfoil-feed".into()).spawn(move || self.run(&lookups, &told));
        thread.map_err(|error| ConfigError::new(Error::MaterialUnusable, format!("no thread: {error}")))?;
        Ok(status)
    }

    fn run(&self, lookups: &Weak<Lookups>, status: &Mutex<FeedStatus>) {
        let mut pause = SHORTEST_PAUSE;
        while lookups.strong_count() > 0 {
            let (cursor, begun) = (locked(status).cursor, Instant::now());
            let read = self.read_on(cursor, lookups);
            let mut told = locked(status);
            if let Some(reached) = read {
                (told.cursor, told.answered) = (reached, Some(Instant::now()));
                pause = SHORTEST_PAUSE;
            } else {
                told.failures += 1;
            }
            drop(told);
            // Who has nothing to tell and does not hold the request, as when it is about to stop, is not asked without end.
            if read.is_none_or(|reached| reached == cursor) && begun.elapsed() < LONGEST_PAUSE {
                std::thread::sleep(pause);
                pause = (2 * pause).min(LONGEST_PAUSE);
            }
        }
    }

    /// Reads what is behind the cursor and gives the next one; `None` where that cannot be had.
    fn read_on(&self, cursor: u64, lookups: &Weak<Lookups>) -> Option<u64> {
        let url = format!("{}&since={cursor}&wait={WAIT}", self.url);
        let answer = self.https.get(&url, &[("accept", "application/json")]).ok().filter(|answer| answer.status == 200)?;
        let members = || read_value(&answer.body).ok()?.as_object();
        let lookups = lookups.upgrade()?;
        let mut entries = members()?.get("entries")?.as_array()?;
        entries.try_for_each(|entry| self.apply(entry, &lookups))?;
        number(members()?.get("cursor")?)
    }

    /// One that cannot be read is not passed over: it may be a revocation.
    fn apply(&self, entry: Value<'_>, lookups: &Lookups) -> Option<()> {
        let text = |name: &str| entry.as_object()?.get(name)?.as_str()?.as_str();
        let key = CounterfoilKey::parse(text("key")?.as_bytes(), self.encoding).ok()?;
        match text("type")? {
            "publish" => lookups.publish(&key, text("counterfoil")?.as_bytes(), now()?),
            "revoke" => lookups.revoke(&key, UnixTime(number(entry.as_object()?.get("exp")?)?)),
            _ => return None,
        }
        Some(())
    }
}

fn now() -> Option<UnixTime> {
    SystemTime::UNIX_EPOCH.elapsed().ok().map(|elapsed| UnixTime(elapsed.as_secs()))
}

fn number(value: Value<'_>) -> Option<u64> {
    value.as_numeric_date().map(|number| number.floor().0)
}
