//! What the moves of CIBA carry.

use counterfoil::UnixTime;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answer, Grant, StoreError, Use};

/// For so many seconds after a request has ended a poll is told how it ended.
const REMEMBERED: u64 = 600;

/// A request to authenticate somebody on another device (CIBA Core section 7.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackchannelRequest {
    /// Who asks.
    pub client_id: String,
    /// Who is asked: the person's subject.
    pub subject: String,
    /// What is asked.
    pub scope: Vec<String>,
    /// What the tokens are for (RFC 8707).
    #[serde(default)]
    pub resources: Vec<String>,
    /// What is asked in detail (RFC 9396): an array, or null.
    #[serde(default)]
    pub authorization_details: Value,
    /// How the person should sign in.
    #[serde(default)]
    pub acr_values: Vec<String>,
    /// What both devices show.
    #[serde(default)]
    pub binding_message: Option<String>,
    /// What the client is notified with, sealed; none where it polls.
    #[serde(default)]
    pub notification: Option<String>,
    /// When it was made, in seconds since 1970.
    pub created_at: u64,
    /// Until when the person must have answered and the client must have the tokens.
    pub good_until: u64,
}

impl BackchannelRequest {
    pub(super) const fn remembered_until(&self) -> UnixTime {
        UnixTime(self.good_until.saturating_add(REMEMBERED))
    }
}

/// A client's question at the token endpoint.
#[derive(Clone, Debug)]
pub struct Poll {
    /// Whose request it must be.
    pub client_id: String,
    /// What the question came with.
    pub uses: Vec<Use>,
    /// Whether it must not come too soon; a question that is held, and looked at again, was asked once.
    pub is_paced: bool,
}

/// What a poll finds.
#[derive(Clone, Debug, PartialEq)]
pub enum Polled {
    /// The person has agreed, and this is the first poll since. Whether the grant was revoked since is seen when tokens are saved for it.
    Approved(Box<Grant>),
    /// The person has refused.
    Denied,
    /// The person has not answered yet.
    Pending,
    /// Nor that, and the client asks too often.
    TooSoon,
    /// Its time is over.
    Expired,
    /// There is none of this client, or its tokens were issued before.
    Unknown,
}

impl Polled {
    /// By a row as the poll has left it, with the grant where one was redeemed.
    pub(super) fn of(state: &str, hurried: bool, good_until: u64, grant: Option<Grant>, now: UnixTime) -> Answer<Self> {
        Ok(match state {
            "redeemed" => grant.map_or(Self::Unknown, |grant| Self::Approved(Box::new(grant))),
            "spent" => Self::Unknown,
            "denied" => Self::Denied,
            _ if good_until <= now.0 => Self::Expired,
            "pending" if hurried => Self::TooSoon,
            "pending" => Self::Pending,
            other => return Err(StoreError::Corrupt(format!("a request in state {other}"))),
        })
    }
}
