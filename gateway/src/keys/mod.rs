//! The keys of one issuer: prepared, and swapped atomically when a better set comes. A bad set never replaces a good one.

mod file;
mod keeper;
mod remote;
mod unknown;

use core::fmt::{Display, Formatter};
use core::time::Duration;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Instant, SystemTime};

use arc_swap::{ArcSwapOption, Guard};
use counterfoil::Error;
use counterfoil::jose::algorithm::Algorithm;
use counterfoil::jose::keys::{KeySet, PreparedKeySet, RefusedKey};

use crate::error::ConfigError;
use crate::https::FetchFailure;
use crate::memory::locked;
use keeper::Keeper;
use unknown::{UnknownKids, Worth};

pub use self::remote::RemoteKeys;

/// How many keys a set may have.
pub const MOST_KEYS: usize = 32;

/// Where an issuer's keys come from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// A JWK Set that stays, unless the host gives another.
    Text(Vec<u8>),
    /// A file with a JWK Set, read again when it changes.
    File(PathBuf),
    /// A JWK Set behind an https URL.
    Url(RemoteKeys),
    /// The host will give them; until then every token is answered with 503.
    Host,
}

/// Judges a JWK Set of at most `most` keys, a power of two up to [`MOST_KEYS`], and says which of its keys are not used.
///
/// # Errors
/// As [`KeySet::parse`]; [`Error::LimitOutOfRange`] for another `most`.
pub fn refused_keys(jwks: &[u8], algorithms: &[&'static dyn Algorithm], most: usize) -> Result<Vec<RefusedKey>, Error> {
    fn refused<const N: usize>(jwks: &[u8], algorithms: &[&'static dyn Algorithm]) -> Result<Vec<RefusedKey>, Error> {
        KeySet::<N>::parse(jwks, algorithms).map(|set| set.refused().to_vec())
    }
    match most {
        1 => refused::<1>(jwks, algorithms),
        2 => refused::<2>(jwks, algorithms),
        4 => refused::<4>(jwks, algorithms),
        8 => refused::<8>(jwks, algorithms),
        16 => refused::<16>(jwks, algorithms),
        MOST_KEYS => refused::<MOST_KEYS>(jwks, algorithms),
        _ => Err(Error::LimitOutOfRange),
    }
}

/// Judged keys, with what was prepared for them.
pub type PreparedKeys = PreparedKeySet<MOST_KEYS, Vec<u64>>;

/// The current keys of one issuer, kept current in the background.
#[derive(Debug)]
pub struct KeyRing {
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    algorithms: Vec<&'static dyn Algorithm>,
    words_per_key: usize,
    current: ArcSwapOption<PreparedKeys>,
    state: Mutex<State>,
    /// The keeper has something to do, or is to stop.
    wake: Condvar,
    /// The keeper has looked.
    looked: Condvar,
}

#[derive(Debug)]
struct State {
    stop: bool,
    /// A token named a key that the set lacks.
    wanted: bool,
    is_looking: bool,
    looks: u64,
    unknown: UnknownKids,
    status: KeyStatus,
}

/// How an issuer's keys are kept.
#[derive(Clone, Debug, Default)]
pub struct KeyStatus {
    /// How many keys are in use; 0 where there is no set.
    pub keys: usize,
    /// The keys of the current set that are not used, and why.
    pub refused: Vec<RefusedKey>,
    /// When the current set was last read, or confirmed by its source.
    pub confirmed: Option<SystemTime>,
    /// How often the source was asked.
    pub looks: u64,
    /// How often that failed, or brought a set that could not be used.
    pub failures: u64,
    /// Why the last look failed; `None` after a good one.
    pub last_failure: Option<KeyFailure>,
}

/// Why a look at a source of keys failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFailure {
    /// The set cannot be used.
    Set(Error),
    /// The file cannot be read.
    File(std::io::ErrorKind),
    /// The URL gave no set.
    Fetch(FetchFailure),
}

impl Display for KeyFailure {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Set(error) => Display::fmt(error, f),
            Self::File(kind) => Display::fmt(kind, f),
            Self::Fetch(failure) => Display::fmt(failure, f),
        }
    }
}

impl core::error::Error for KeyFailure {}

impl KeyRing {
    /// Starts to keep the keys of `source` for these algorithms, each prepared in at most `words_per_key` 64-bit words.
    ///
    /// A text or a file is loaded before this returns; a URL is asked in the background.
    ///
    /// # Errors
    /// What is wrong with the text or the file; [`Error::MaterialUnusable`] when no thread can be started.
    pub fn start(source: &KeySource, algorithms: &[&'static dyn Algorithm], words_per_key: usize) -> Result<Self, ConfigError> {
        let shared = Arc::new(Shared::new(algorithms, words_per_key)?);
        let keeper: Option<Box<dyn Keeper>> = match source {
            KeySource::Host => None,
            KeySource::Text(text) => {
                shared.replace(text)?;
                None
            }
            KeySource::File(path) => Some(Box::new(file::WatchedFile::open(path.clone(), &shared)?)),
            KeySource::Url(remote) => Some(Box::new(remote::Fetcher::new(remote.clone()))),
        };
        let start = |keeper| {
            let shared = shared.clone();
            std::thread::Builder::new().name("counterfoil-keys".into()).spawn(move || keeper::run(&shared, keeper))
        };
        let thread = keeper.map(start).transpose();
        let thread = thread.map_err(|error| ConfigError::new(Error::MaterialUnusable, format!("no thread: {error}")))?;
        Ok(Self { shared, thread })
    }

    /// The current keys; `None` when there are none yet, or none any more.
    pub fn load(&self) -> Guard<Option<Arc<PreparedKeys>>> {
        self.shared.current.load()
    }

    /// Puts another set in the place of the current one, prepared, at once for every thread.
    ///
    /// # Errors
    /// What is wrong with the set, as [`KeySet::parse`] says; the current one stays.
    pub fn replace(&self, jwks: &[u8]) -> Result<(), Error> {
        self.shared.replace(jwks)
    }

    /// How the keys are kept.
    #[must_use]
    pub fn status(&self) -> KeyStatus {
        locked(&self.shared.state).status.clone()
    }

    /// Waits until there are keys, at most for `timeout`.
    #[must_use]
    pub fn wait(&self, timeout: Duration) -> bool {
        let until = Instant::now() + timeout;
        let mut state = locked(&self.shared.state);
        while self.shared.current.load().is_none() {
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else { return false };
            state = self.shared.looked.wait_timeout(state, left).map_or_else(|poison| poison.into_inner().0, |(state, _)| state);
        }
        true
    }

    /// A token names a key that the set lacks: asks the source again, unless it was asked for this `kid` in vain or has been asked a
    /// moment ago. With a `patience`, waits for the answer. Returns whether the set may have changed.
    pub fn miss(&self, kid: Option<&str>, patience: Duration) -> bool {
        if self.thread.is_none() {
            return false;
        }
        let mut state = locked(&self.shared.state);
        match state.unknown.ask(kid.map(str::as_bytes)) {
            Worth::Nothing => return false,
            Worth::Waiting => {}
            Worth::Look => {
                state.wanted = true;
                self.shared.wake.notify_all();
            }
        }
        let (looks, until) = (state.looks, Instant::now() + patience);
        while state.looks == looks {
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else { return false };
            state = self.shared.looked.wait_timeout(state, left).map_or_else(|poison| poison.into_inner().0, |(state, _)| state);
        }
        true
    }
}

impl Drop for KeyRing {
    fn drop(&mut self) {
        let mut state = locked(&self.shared.state);
        state.stop = true;
        let is_looking = state.is_looking;
        drop(state);
        self.shared.wake.notify_all();
        // A keeper that waits for a server ends by itself when that has answered or timed out.
        if let Some(thread) = self.thread.take().filter(|_| !is_looking) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn new(algorithms: &[&'static dyn Algorithm], words_per_key: usize) -> Result<Self, Error> {
        let state =
            State { stop: false, wanted: false, is_looking: false, looks: 0, unknown: UnknownKids::new()?, status: KeyStatus::default() };
        Ok(Self {
            algorithms: algorithms.to_vec(),
            words_per_key,
            current: ArcSwapOption::empty(),
            state: Mutex::new(state),
            wake: Condvar::new(),
            looked: Condvar::new(),
        })
    }

    /// The set is judged and its tables are built before anybody can see it.
    fn replace(&self, jwks: &[u8]) -> Result<(), Error> {
        let set = Box::new(KeySet::<MOST_KEYS>::parse(jwks, &self.algorithms)?);
        if self.current.load().as_ref().is_none_or(|current| current.keys().version() != set.keys().version()) {
            let words = set.keys().iter().count() * self.words_per_key;
            let prepared = set.prepare(&self.algorithms, vec![0; words]);
            self.current.store(Some(Arc::new(prepared)));
        }
        self.confirm();
        Ok(())
    }

    fn confirm(&self) {
        let current = self.current.load();
        let mut state = locked(&self.state);
        state.status.keys = current.as_ref().map_or(0, |keys| keys.keys().iter().count());
        state.status.refused = current.as_ref().map_or_else(Vec::new, |keys| keys.refused().to_vec());
        state.status.confirmed = Some(SystemTime::now());
        state.status.last_failure = None;
    }

    fn forget(&self) {
        self.current.store(None);
        let mut state = locked(&self.state);
        (state.status.keys, state.status.refused) = (0, Vec::new());
    }
}
