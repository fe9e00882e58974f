//! What the moves carry.

use counterfoil::UnixTime;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::authorization_request::AuthorizationRequest;
use crate::secret::Digest;

/// What may be used once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseKind {
    /// The `jti` of a client assertion (RFC 7523 section 3).
    ClientAssertion,
    /// The `jti` of a DPoP proof (RFC 9449 section 11.1).
    Proof,
    /// The `jti` of a signed backchannel authentication request (CIBA Core section 7.1.1).
    SignedRequest,
}

impl UseKind {
    /// For messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientAssertion => "the client assertion",
            Self::Proof => "the DPoP proof",
            Self::SignedRequest => "the signed request",
        }
    }
}

/// Something to be used up with a move.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    /// What it is.
    pub kind: UseKind,
    /// What it is known by.
    pub key: Digest,
    /// Until when it must be remembered.
    pub until: UnixTime,
}

/// A request that a client pushed (RFC 9126).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PushedRequest {
    /// What is asked.
    pub request: AuthorizationRequest,
    /// Until when its page must be opened: the end of its `request_uri`, in seconds since 1970.
    pub opens_until: u64,
    /// Until when the person must have answered.
    pub expires_at: u64,
}

/// What a person granted a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// Its identifier.
    pub id: String,
    /// The client that has it.
    pub client_id: String,
    /// The person's subject.
    pub subject: String,
    /// The scopes that were granted.
    pub scope: Vec<String>,
    /// The resources that tokens may be for.
    pub resources: Vec<String>,
    /// What was granted in detail (RFC 9396): an array, or null.
    #[serde(default)]
    pub authorization_details: Value,
    /// The `claims` parameter (OpenID Connect Core section 5.5): an object, or null.
    #[serde(default)]
    pub claims: Value,
    /// When the person signed in, in seconds since 1970.
    pub auth_time: u64,
    /// How the person signed in; empty where nobody says.
    pub acr: String,
    /// When it was granted, in seconds since 1970.
    pub created_at: u64,
    /// When it ends.
    pub expires_at: u64,
}

/// What a code stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuthorizationCode {
    /// The request that was granted.
    pub request: AuthorizationRequest,
    /// What was granted.
    pub grant: Grant,
}

/// A code that is to be issued, with its grant.
#[derive(Clone, Debug)]
pub struct NewCode {
    /// What the code is known by.
    pub key: Digest,
    /// What it stands for.
    pub code: AuthorizationCode,
    /// When it ends.
    pub expires_at: UnixTime,
    /// Until when its second use must be recognised.
    pub remembered_until: UnixTime,
}

/// What became of a code.
#[derive(Clone, Debug, PartialEq)]
pub enum Redeemed {
    /// It was redeemed now, for the first time.
    First(Box<AuthorizationCode>),
    /// It was redeemed before; its grant, which is named, is revoked.
    Replayed(String),
    /// There is no such code, or it has expired.
    Unknown,
}

/// What is remembered of an access token.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    /// SHA-256 of the `jti` for a JWT, of the reference for a phantom token, of the ticket for a split one.
    pub key: Digest,
    /// Whose it is.
    pub client_id: String,
    /// Its grant; none for client credentials.
    pub grant_id: Option<String>,
    /// The claims of a phantom token.
    pub claims: Option<String>,
    /// When it ends.
    pub expires_at: UnixTime,
}

/// What is to be remembered before a token response leaves.
#[derive(Clone, Debug, Default)]
pub struct Move {
    /// What the request came with, unless it is used up already.
    pub uses: Vec<Use>,
    /// The access token, where it has to be remembered.
    pub token: Option<IssuedToken>,
    /// The counterfoil of a split token: header and payload with the dot between them.
    pub counterfoil: Option<String>,
    /// A refresh token, by its key, and when it ends.
    pub refresh: Option<(Digest, UnixTime)>,
}

/// What is known of an access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing: good for a JWT without a grant, for no other.
    Unknown,
    /// It is good.
    Live {
        /// The claims of a phantom token.
        claims: Option<String>,
        /// The counterfoil of a split one.
        counterfoil: Option<String>,
        /// Its grant.
        grant_id: Option<String>,
    },
    /// It, or its grant, was revoked.
    Revoked,
}

/// What gateways are told, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Grows from one to the next; the last one seen is the cursor.
    pub cursor: u64,
    /// What it is.
    pub kind: PublicationKind,
    /// The token's key.
    pub key: Digest,
    /// The counterfoil, where one is published.
    pub counterfoil: Option<String>,
    /// When the token ends, in seconds since 1970.
    pub expires_at: u64,
}

/// What gateways are told of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PublicationKind {
    /// A counterfoil.
    Publish,
    /// The token is revoked.
    Revoke,
}

/// Who is signed in with a browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The person's subject.
    pub subject: String,
    /// When the person signed in, in seconds since 1970.
    pub auth_time: u64,
    /// How the person signed in; empty where nobody says.
    pub acr: String,
    /// The request that the person signed in for: the SHA-256 of its `request_uri`, in base64url.
    pub signed_in_for: String,
    /// When it ends.
    pub expires_at: u64,
}

/// A person who may sign in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// What the person types.
    pub name: String,
    /// What tokens say.
    pub subject: String,
    /// The password's hash, as argon2 writes it; empty for who signs in at another provider, which no password matches.
    pub password: String,
    /// Whether the person may not sign in.
    #[serde(default)]
    pub locked: bool,
    /// The hash of the code that clients must bring to ask this person on another device (CIBA Core section 7.1, `user_code`); empty for none.
    #[serde(default)]
    pub user_code: String,
    /// What ID tokens and userinfo may say (OpenID Connect Core section 5.1): an object.
    #[serde(default)]
    pub claims: Value,
}

impl User {
    /// What pages call the person: a claim that is a name, or what the person types.
    pub(crate) fn shown_name(&self) -> &str {
        let claim = |name| self.claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        // Who signs in here is called by what was typed, as the person knows it.
        let is_from_elsewhere = self.password.is_empty();
        ["preferred_username", "email", "name"].into_iter().filter(|_| is_from_elsewhere).find_map(claim).unwrap_or(&self.name)
    }
}

/// A client, as it was registered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredClient {
    /// Its identifier.
    pub client_id: String,
    /// Its metadata, in the words of RFC 7591.
    pub metadata: Value,
    /// The SHA-256 of its registration access token, in base64url, where it registered itself.
    #[serde(default)]
    pub registration: Option<String>,
}
