//! Notifications of CIBA's ping mode (CIBA Core section 10.2): told once, whatever the client answers; redirects are not followed.

use core::time::Duration;
use std::sync::Arc;

use counterfoil_gateway::https::{Https, Transport};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::config::{BackchannelSettings, ConfigError};
use crate::sealed::Sealer;

/// How many notifications are under way at a time.
const AT_A_TIME: usize = 64;
/// How many wait for that at most; more are dropped: a client may poll too.
const WAITING: usize = 10_000;
/// How long a notification waits for its turn at most.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest answer that is read, to keep the connection. What it says is of no interest.
const LARGEST: usize = 4096;

/// Tells clients that a person has answered.
pub(crate) struct Notifier {
    https: Https,
    sealer: Sealer,
    waiting: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

/// What is remembered, sealed, until the person has answered.
#[derive(Serialize, Deserialize)]
struct Content {
    auth_req_id: String,
    client_notification_token: String,
}

impl Notifier {
    pub(crate) fn new(settings: &BackchannelSettings, secret: &[u8]) -> Result<Self, ConfigError> {
        let wrong = |error: &dyn core::fmt::Display| ConfigError::new("backchannel.authorities", error);
        let mut transport = Transport::new();
        if let Some(file) = &settings.authorities {
            transport = transport.with_authorities_file(file).map_err(|error| wrong(&error))?;
        }
        let https = Https::new(&transport, LARGEST).map_err(|error| wrong(&error))?;
        let sealer = Sealer::new("client notification", secret).ok_or_else(|| wrong(&"no key can be made"))?;
        Ok(Self { https, sealer, waiting: Arc::new(Semaphore::new(WAITING)), turns: Arc::new(Semaphore::new(AT_A_TIME)) })
    }

    /// What a notification will need.
    pub(crate) fn seal(&self, auth_req_id: &str, client_notification_token: &str) -> Option<String> {
        let (auth_req_id, client_notification_token) = (auth_req_id.to_owned(), client_notification_token.to_owned());
        self.sealer.seal(&serde_json::to_string(&Content { auth_req_id, client_notification_token }).ok()?)
    }

    /// Notifies a client, in the background.
    pub(crate) fn notify(&self, client_id: &str, endpoint: &str, sealed: &str) {
        let content = self.sealer.open(sealed).and_then(|text| serde_json::from_str::<Content>(&text).ok());
        let (Some(content), Ok(place)) = (content, self.waiting.clone().try_acquire_owned()) else {
            tracing::error!(client = client_id, "client not notified: too many wait, or what was sealed cannot be opened");
            return;
        };
        let (https, turns, client_id, endpoint) = (self.https.clone(), self.turns.clone(), client_id.to_owned(), endpoint.to_owned());
        tokio::spawn(async move {
            let _place = place;
            let Ok(Ok(_turn)) = tokio::time::timeout(PATIENCE, turns.acquire()).await else { return };
            let told = tokio::task::spawn_blocking(move || {
                let authorization = format!("Bearer {}", content.client_notification_token);
                let body = json!({ "auth_req_id": content.auth_req_id }).to_string();
                https.post_json(&endpoint, &[("Authorization", &authorization)], &body)
            });
            match told.await {
                Ok(Ok(answer)) => tracing::info!(client = client_id, status = answer.status, "client notified"),
                Ok(Err(failure)) => tracing::warn!(client = client_id, cause = %failure, "client not notified"),
                Err(error) => tracing::error!(client = client_id, cause = %error, "client not notified"),
            }
        });
    }
}
