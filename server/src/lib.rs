//! An authorization server for FAPI 2.0. It issues what the engine accepts, and judges with the engine whatever it receives.
//!
//! A request's life goes one way: `listen → http → router → endpoint → client_auth → sender → grant → store → issue → http`.
#![forbid(unsafe_code)]

mod authorization_request;
mod authorization_response;
mod backchannel;
mod certificate;
mod client;
mod client_auth;
pub mod clock;
pub mod config;
mod encryption;
mod endpoint;
mod error;
mod grant;
pub mod http;
mod identity_provider;
mod interaction;
pub mod issue;
pub mod listen;
mod metrics;
mod notify;
mod others_keys;
mod pages;
mod presented;
pub mod profile;
mod publish;
mod rates;
mod reason;
mod request_object;
mod router;
mod sealed;
pub mod secret;
mod sender;
pub mod setup;
pub mod store;
pub mod users;

use std::sync::Arc;

use counterfoil::Seconds;
use counterfoil::oauth::nonce::NonceKey;
use counterfoil_gateway::SharedKeyTables;

use crate::client::Clients;
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::issue::SigningKeys;
use crate::pages::Pages;
use crate::store::Store;

pub use crate::authorization_request::{AuthorizationRequest, GrantAction, GrantManagement};
pub use crate::client::MetadataError;
pub use crate::error::Code;

/// How many clients' proof keys are remembered with their tables, of 13 KiB each.
const PROOF_KEYS: usize = 1024;

/// A server: everything but its sockets.
pub struct Server<S> {
    config: Config,
    store: S,
    clock: Arc<dyn Clock>,
    keys: SigningKeys,
    encryption: encryption::Encryption,
    clients: Clients,
    nonces: NonceKey,
    publisher: Option<publish::Publisher>,
    notifier: Option<notify::Notifier>,
    /// Polls that are held until the person has answered.
    held: backchannel::Held,
    /// What makes proofs by keys that come again several times quicker to judge.
    proof_keys: SharedKeyTables,
    pages: Pages,
    attempts: interaction::Attempts,
    identity_provider: Option<Arc<identity_provider::IdentityProvider>>,
    client_rates: rates::Rates<String>,
    address_rates: rates::Rates<core::net::IpAddr>,
    metrics: metrics::Metrics,
    /// What is compared with the password of somebody who is not known.
    nobodys_password: String,
    /// Tells who waits for publications that there are more.
    published: tokio::sync::Notify,
    /// Nobody waits any more.
    is_stopping: core::sync::atomic::AtomicBool,
}

impl<S: Store> Server<S> {
    /// A server by this configuration, with the keys that it names.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn new(config: Config, store: S, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        let keys = SigningKeys::open(&config.keys.folder)?;
        let secret = &config.keys.nonce_secret;
        let wrong = |what: String| ConfigError::new(secret.display().to_string(), what);
        let shared_secret = std::fs::read(secret).map_err(|error| wrong(error.to_string()))?;
        let nonces = NonceKey::new(&shared_secret, Seconds(60)).map_err(|error| wrong(error.to_string()))?;
        let notifier = config.backchannel.as_ref().map(|settings| notify::Notifier::new(settings, &shared_secret)).transpose()?;
        let identity_provider = config.login.provider.as_ref().map(identity_provider::IdentityProvider::new).transpose()?;
        let encryption = encryption::Encryption::open(&config.keys)?;
        Ok(Self {
            clients: Clients::new(&config, &encryption)?,
            encryption,
            pages: Pages::load(&config)?,
            proof_keys: SharedKeyTables::new(PROOF_KEYS).map_err(|error| ConfigError::new("memory", error))?,
            publisher: publish::Publisher::new(&config.split_tokens)?,
            notifier,
            held: backchannel::Held::default(),
            keys,
            nonces,
            store,
            clock,
            attempts: interaction::Attempts::default(),
            identity_provider: identity_provider.map(Arc::new),
            client_rates: rates::Rates::new(config.limits.client_rate),
            address_rates: rates::Rates::new(config.limits.address_rate),
            metrics: metrics::Metrics::new(),
            config,
            nobodys_password: users::hash_of(secret::Secret::new().as_str())?,
            published: tokio::sync::Notify::new(),
            is_stopping: core::sync::atomic::AtomicBool::new(false),
        })
    }

    /// Its configuration.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Where it remembers things.
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// Answers who waits for publications: the server is about to stop.
    pub(crate) fn stop_waiting(&self) {
        self.is_stopping.store(true, core::sync::atomic::Ordering::Release);
        self.published.notify_waiters();
        self.held.release_all();
    }

    /// Waits for the keys that a signed request needs, where there is one.
    pub(crate) async fn await_keys(&self, client: &Arc<client::Client>, form: &http::Form) -> Result<(), error::Refusal> {
        if let Some(object) = form.get("request") {
            self.clients.await_keys(client, object, request_object::limits()?).await;
        }
        Ok(())
    }

    /// Whom signed requests are for.
    pub(crate) fn own(&self) -> request_object::Own<'_> {
        request_object::Own { issuer: &self.config.issuer, encryption: &self.encryption }
    }

    /// Whether it is about to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(core::sync::atomic::Ordering::Acquire)
    }

    /// What it signs with.
    pub const fn keys(&self) -> &SigningKeys {
        &self.keys
    }

    /// The time by its clock.
    pub fn now(&self) -> counterfoil::UnixTime {
        self.clock.now()
    }

    /// Forgets what has expired; returns how much that was.
    ///
    /// # Errors
    /// When the store cannot.
    pub async fn sweep(&self) -> Result<usize, store::StoreError> {
        self.store.sweep(self.now()).await
    }

    /// Adds a client to the store, or replaces one of the same `client_id`; its metadata are in the words of RFC 7591.
    ///
    /// # Errors
    /// What is wrong with the metadata; when the store cannot.
    pub async fn register(&self, metadata: serde_json::Value) -> Result<(), ConfigError> {
        let client_id = metadata.get("client_id").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        self.import(store::StoredClient { client_id, metadata, registration: None }).await
    }

    /// As [`Server::register`], with the registration access token's hash, so that a client may go on managing itself.
    ///
    /// # Errors
    /// As [`Server::register`].
    pub async fn import(&self, client: store::StoredClient) -> Result<(), ConfigError> {
        let judged = client::Client::of_operator(&client.metadata, self.config.profile)?;
        let id = judged.id().to_owned();
        self.encryption.judge(&judged).map_err(|error| ConfigError::new(format!("client {id}"), error))?;
        if client.client_id != id {
            return Err(ConfigError::new(format!("client {}", client.client_id), "has another client_id in its metadata"));
        }
        if self.clients.is_configured(&id) {
            return Err(ConfigError::new(format!("client {id}"), "is in the configuration"));
        }
        self.store.save_client(client).await.map_err(|error| ConfigError::new("store", error))?;
        self.clients.forget(&id);
        Ok(())
    }
}

impl<S> core::fmt::Debug for Server<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Server").field("issuer", &self.config.issuer).finish_non_exhaustive()
    }
}
