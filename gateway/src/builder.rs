//! Sets a gateway up; what is wrong is said here, before any request.

use core::time::Duration;
use std::sync::{Arc, OnceLock};

use counterfoil::crypto::FAPI;
use counterfoil::jose::algorithm::Algorithm;
use counterfoil::jose::policy::Limits;
use counterfoil::oauth::nonce::NonceKey;
use counterfoil::oauth::request::Refusal;
use counterfoil::{Error, Seconds};

use crate::counters::Counters;
use crate::error::ConfigError;
use crate::feed::Feed;
use crate::gateway::{Gateway, NO_KEYS, ProofPolicy, Trusted};
use crate::issuer::Issuer;
use crate::keys::KeyRing;
use crate::lookups::{CounterfoilStore, Introspection, Lookups, PhantomTokens, SplitTokens};
use crate::memory::{Memory, ProcessReplayStore, SharedKeyTables, SharedReplayStore, SharedTokenCache, random};

/// What a gateway is made of. Start from [`Gateway::builder`].
#[must_use]
pub struct Builder {
    issuers: Vec<Issuer>,
    realm: Option<String>,
    proofs: ProofPolicy,
    nonce_seconds: Option<Seconds>,
    replay: Option<Arc<dyn SharedReplayStore>>,
    replay_capacity: usize,
    tokens: usize,
    key_tables: usize,
    patience: Duration,
    counterfoils: Option<(Arc<dyn CounterfoilStore>, Seconds)>,
    introspection: Option<(String, Introspection)>,
    only_references: bool,
    feed: Option<Feed>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            issuers: Vec::new(),
            realm: None,
            proofs: ProofPolicy { algorithms: FAPI.to_vec(), past: Seconds(300), ahead: Seconds(10), nonce: None, limits: Limits::PROOF },
            nonce_seconds: None,
            replay: None,
            replay_capacity: 256 * 1024,
            tokens: 1024,
            key_tables: 256,
            patience: Duration::ZERO,
            counterfoils: None,
            introspection: None,
            only_references: false,
            feed: None,
        }
    }

    /// Trusts an issuer.
    pub fn issuer(mut self, issuer: Issuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// Names a realm in every challenge.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = Some(realm.into());
        self
    }

    /// Accepts proofs by these algorithms instead of those of FAPI 2.0.
    pub fn proof_algorithms(mut self, algorithms: &[&'static dyn Algorithm]) -> Self {
        self.proofs.algorithms = algorithms.to_vec();
        self
    }

    /// Accepts proofs issued at most so long ago and ahead, instead of 300 and 10 seconds.
    pub const fn proof_window(mut self, past: Seconds, ahead: Seconds) -> Self {
        self.proofs.past = past;
        self.proofs.ahead = ahead;
        self
    }

    /// Demands nonces of this key in proofs: one secret for all processes of a server.
    pub fn nonce_key(mut self, key: NonceKey) -> Self {
        self.proofs.nonce = Some(key);
        self
    }

    /// Demands nonces in proofs, of a secret that is drawn now and known to this process alone; each is issued for so many seconds.
    pub const fn random_nonce_key(mut self, step: Seconds) -> Self {
        self.nonce_seconds = Some(step);
        self
    }

    /// Remembers used proofs in this store, which other processes may share.
    pub fn replay_store(mut self, store: Arc<dyn SharedReplayStore>) -> Self {
        self.replay = Some(store);
        self
    }

    /// Remembers at most so many proofs of 24 bytes in this process, instead of 262,144: enough for 676 a second.
    pub const fn replay_capacity(mut self, proofs: usize) -> Self {
        self.replay_capacity = proofs;
        self
    }

    /// Remembers at most so many good tokens of up to 4 KiB, instead of 1,024; none for 0.
    pub const fn token_cache(mut self, tokens: usize) -> Self {
        self.tokens = tokens;
        self
    }

    /// Remembers the tables of at most so many keys of proofs, 13 KiB each, instead of 256; none for 0.
    pub const fn key_tables(mut self, keys: usize) -> Self {
        self.key_tables = keys;
        self
    }

    /// Waits so long for keys when a token names an unknown one and they can be asked for now, instead of refusing it at once. For hosts with
    /// a thread to spare: tokens with invented key names hold up to that many of them, once in a pause between fetches.
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Accepts split tokens whose counterfoils are in `store`. A counterfoil that was found is asked for again after `fresh` seconds: so long
    /// may a revoked one go on being accepted. With 0 nothing is remembered. While the store is away, what is remembered counts until the
    /// token expires.
    pub fn counterfoils(mut self, store: Arc<dyn CounterfoilStore>, fresh: Seconds) -> Self {
        self.counterfoils = Some((store, fresh));
        self
    }

    /// Follows what an issuer publishes and revokes, in a thread of its own.
    pub fn feed(mut self, feed: Feed) -> Self {
        self.feed = Some(feed);
        self
    }

    /// Accepts references (phantom tokens) that `issuer` knows.
    pub fn introspection(mut self, issuer: impl Into<String>, endpoint: Introspection) -> Self {
        self.introspection = Some((issuer.into(), endpoint));
        self
    }

    /// Accepts split and phantom tokens alone: a whole token, which clients should not have, is refused.
    pub const fn only_references(mut self) -> Self {
        self.only_references = true;
        self
    }

    /// Loads the keys, starts what fetches them, and takes the memory.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn build(mut self) -> Result<Gateway, ConfigError> {
        self.judge_names()?;
        if let Some(step) = self.nonce_seconds {
            self.proofs.nonce = Some(NonceKey::new(&random::<32>()?, step)?);
        }
        let replay = match self.replay {
            Some(store) => store,
            None => Arc::new(ProcessReplayStore::new(self.replay_capacity)?),
        };
        let memory = Memory {
            replay,
            tokens: if self.tokens == 0 { None } else { Some(SharedTokenCache::new(self.tokens)?) },
            key_tables: if self.key_tables == 0 { None } else { Some(SharedKeyTables::new(self.key_tables.max(4))?) },
        };
        let lookups = Lookups {
            split: self.counterfoils.map(|(store, fresh)| SplitTokens::new(store, fresh)).transpose()?,
            phantom: match self.introspection {
                Some((issuer, endpoint)) => {
                    let place = self.issuers.iter().position(|own| own.name() == issuer);
                    let place = place.ok_or_else(|| ConfigError::new(Error::IssuerConflict, format!("{issuer} is not configured")))?;
                    Some((PhantomTokens::new(endpoint)?, place))
                }
                None => None,
            },
            only_references: self.only_references,
            revoked_ids: OnceLock::new(),
        };
        let lookups = Arc::new(lookups);
        let feed = self.feed.map(|feed| feed.follow(&lookups)).transpose()?;
        let issuers = self.issuers.into_iter().map(trusted).collect::<Result<_, _>>()?;
        let gateway = Gateway {
            issuers,
            proofs: self.proofs,
            realm: self.realm,
            memory,
            lookups,
            feed,
            patience: self.patience,
            counters: Counters::new(),
        };
        gateway.judge_challenges()?;
        Ok(gateway)
    }

    fn judge_names(&self) -> Result<(), ConfigError> {
        if self.issuers.is_empty() {
            return Err(Error::IssuerUnset.into());
        }
        for (i, issuer) in self.issuers.iter().enumerate() {
            if self.issuers[..i].iter().any(|earlier| earlier.name() == issuer.name()) {
                return Err(ConfigError::new(Error::IssuerConflict, issuer.name()));
            }
        }
        if self.only_references && self.counterfoils.is_none() && self.introspection.is_none() {
            return Err(ConfigError::new(Error::IssuerConflict, "only references are accepted, and nobody knows any"));
        }
        Ok(())
    }
}

fn trusted(policy: Issuer) -> Result<Trusted, ConfigError> {
    let about = |error: ConfigError| error.of(policy.name());
    let keys = KeyRing::start(&policy.keys, policy.algorithms(), policy.words_per_key).map_err(about)?;
    Ok(Trusted { policy, keys })
}

impl Gateway {
    /// Every challenge that can come must be sendable: realm, scopes and contexts that are not text for a header end here.
    fn judge_challenges(&self) -> Result<(), ConfigError> {
        let mut out = vec![0; crate::scratch::CHALLENGE];
        for trusted in &self.issuers {
            for error in [Error::ScopeInsufficient, Error::AuthenticationContext] {
                let written = trusted.policy.with_verifier(NO_KEYS.keys(), None, |verifier| {
                    let server = self.server(verifier)?;
                    server.www_authenticate(&Refusal::new(error, None), &mut out).map(|_| ())
                });
                written.and_then(|written| written).map_err(|error| ConfigError::new(error, trusted.policy.name()))?;
            }
        }
        Ok(())
    }
}

impl core::fmt::Debug for Builder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Builder").field("issuers", &self.issuers).finish_non_exhaustive()
    }
}
