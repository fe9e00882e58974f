//! CIBA: asking people on another device.

use std::path::PathBuf;

use serde::Deserialize;

use super::ConfigError;

/// How people are asked on another device. The endpoint is open where the configuration has this.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackchannelSettings {
    /// How long a request waits for the person, in seconds, and at most, whatever the client asks (`requested_expiry`).
    pub lifetime: u64,
    /// How long a client must wait between polls, in seconds.
    pub interval: u64,
    /// How many requests of one client may wait for one person at a time.
    pub pending: u32,
    /// How long a poll is held while the person has not answered, in seconds; 0 to answer at once.
    pub hold: u64,
    /// Authorities in PEM that vouch for clients' notification endpoints, instead of the system's.
    pub authorities: Option<PathBuf>,
    /// For tests: whether anybody may answer in the person's place, at `/dev/ciba`. Refused outside development.
    pub test_approvals: bool,
}

impl Default for BackchannelSettings {
    fn default() -> Self {
        Self { lifetime: 300, interval: 5, pending: 20, hold: 0, authorities: None, test_approvals: false }
    }
}

impl BackchannelSettings {
    pub(super) fn judge(&self, is_development: bool) -> Result<(), ConfigError> {
        let wrong = |member: &str, what: &str| Err(ConfigError::new(format!("backchannel.{member}"), what));
        if !(10..=3600).contains(&self.lifetime) {
            return wrong("lifetime", "must be 10 to 3600 seconds");
        }
        if !(1..=60).contains(&self.interval) {
            return wrong("interval", "must be 1 to 60 seconds");
        }
        if self.pending == 0 {
            return wrong("pending", "must not be 0");
        }
        if self.hold > 30 {
            return wrong("hold", "must be at most 30 seconds (CIBA Core section 7.3)");
        }
        if self.test_approvals && !is_development {
            return wrong("test_approvals", "lets anybody approve anything, and needs development = true");
        }
        Ok(())
    }
}
