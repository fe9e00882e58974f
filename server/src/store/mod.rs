//! What is remembered: moves of the protocol, each one transaction, and "was this the first time?" is in what they return.
//!
//! Every secret is known by its SHA-256 alone. Nothing is found first and used up later: a move does both.

mod backchannel;
mod database;
mod postgres;
mod records;
mod sqlite;
mod together;

use core::fmt::{Display, Formatter};
use core::future::Future;

use counterfoil::UnixTime;

use crate::secret::Digest;

pub use self::backchannel::{BackchannelRequest, Poll, Polled};
pub(crate) use self::database::settings as postgres_settings;
pub use self::postgres::Postgres;
pub use self::records::{
    AuthorizationCode, Grant, IssuedToken, Move, NewCode, Publication, PublicationKind, PushedRequest, Redeemed, Session, Standing,
    StoredClient, Use, UseKind, User,
};
pub use self::sqlite::Sqlite;

/// Why a move was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// Something single-use was used before; nothing has changed.
    Replayed(UseKind),
    /// The store cannot answer now; nothing was acknowledged.
    Unavailable(String),
    /// The store holds what cannot be.
    Corrupt(String),
}

impl Display for StoreError {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Replayed(kind) => write!(f, "{} was used before", kind.name()),
            Self::Unavailable(cause) => write!(f, "the store is not available: {cause}"),
            Self::Corrupt(cause) => write!(f, "the store is corrupt: {cause}"),
        }
    }
}

impl core::error::Error for StoreError {}

type Answer<T> = Result<T, StoreError>;

/// A store. All that it acknowledges is durable.
pub trait Store: Send + Sync + 'static {
    /// Uses up what may be used once: all of it or, where one was used before, nothing.
    fn spend(&self, uses: Vec<Use>, now: UnixTime) -> impl Future<Output = Answer<()>> + Send;

    /// Remembers a pushed request, and uses up what it came with.
    fn push_request(&self, key: Digest, request: PushedRequest, uses: Vec<Use>, now: UnixTime) -> impl Future<Output = Answer<()>> + Send;

    /// A pushed request that is neither expired nor completed. Looking does not use it up: a page may be loaded again.
    fn request(&self, key: Digest, now: UnixTime) -> impl Future<Output = Answer<Option<PushedRequest>>> + Send;

    /// Completes a request with a refusal; `false` when it was completed before, or is expired.
    fn take_request(&self, key: Digest, now: UnixTime) -> impl Future<Output = Answer<bool>> + Send;

    /// Completes a request with a grant and a code for it; `false` when it was completed before, or is expired.
    fn approve_request(&self, key: Digest, code: NewCode, now: UnixTime) -> impl Future<Output = Answer<bool>> + Send;

    /// Remembers a request to authenticate somebody on another device, polled for every so many seconds, and uses up what it came with. `false`, and
    /// it is not remembered, when so many of the client's wait for this person already.
    fn begin_backchannel(
        &self,
        key: Digest,
        request: BackchannelRequest,
        interval: u64,
        most: u32,
        uses: Vec<Use>,
        now: UnixTime,
    ) -> impl Future<Output = Answer<bool>> + Send;

    /// A request to authenticate somebody that waits for the person.
    fn backchannel_request(&self, key: Digest, now: UnixTime) -> impl Future<Output = Answer<Option<BackchannelRequest>>> + Send;

    /// The requests that wait for a person, the first that will expire first; at most fifty.
    fn backchannel_requests(
        &self,
        subject: String,
        now: UnixTime,
    ) -> impl Future<Output = Answer<Vec<(Digest, BackchannelRequest)>>> + Send;

    /// The person's answer: a grant, or none for no. `false` when the request does not wait for it any more.
    fn decide_backchannel(&self, key: Digest, grant: Option<Grant>, now: UnixTime) -> impl Future<Output = Answer<bool>> + Send;

    /// What has become of a request; one that was approved is redeemed by it. Uses up what the poll came with, whatever it finds.
    fn poll_backchannel(&self, key: Digest, poll: Poll, now: UnixTime) -> impl Future<Output = Answer<Polled>> + Send;

    /// Redeems a code. One that was redeemed before revokes its grant with all its tokens.
    fn redeem_code(&self, key: Digest, uses: Vec<Use>, now: UnixTime) -> impl Future<Output = Answer<Redeemed>> + Send;

    /// The grant of a refresh token, if both are good; and uses up what the request came with.
    fn refresh(&self, key: Digest, uses: Vec<Use>, now: UnixTime) -> impl Future<Output = Answer<Option<Grant>>> + Send;

    /// Remembers what was issued; `false`, and nothing is, when its grant is gone by now.
    fn save_issued(&self, issued: Move, now: UnixTime) -> impl Future<Output = Answer<bool>> + Send;

    /// What is known of an access token, by the key that [`IssuedToken`] says.
    fn standing(&self, key: Digest, now: UnixTime) -> impl Future<Output = Answer<Standing>> + Send;

    /// Whose a phantom or split token is, and when it ends.
    fn owner(&self, key: Digest, now: UnixTime) -> impl Future<Output = Answer<Option<(String, UnixTime)>>> + Send;

    /// Revokes an access token, whether or not it is known, and tells the gateways.
    fn revoke_access_token(&self, token: IssuedToken, uses: Vec<Use>, now: UnixTime) -> impl Future<Output = Answer<()>> + Send;

    /// Revokes a refresh token of this client, with its grant and all its tokens; `false` when there is none.
    fn revoke_refresh_token(
        &self,
        key: Digest,
        client_id: String,
        uses: Vec<Use>,
        now: UnixTime,
    ) -> impl Future<Output = Answer<bool>> + Send;

    /// A grant that was not revoked.
    fn grant(&self, id: String, now: UnixTime) -> impl Future<Output = Answer<Option<Grant>>> + Send;

    /// Revokes a grant with all its tokens.
    fn revoke_grant(&self, id: String, now: UnixTime) -> impl Future<Output = Answer<()>> + Send;

    /// What was published after `cursor`, oldest first, at most `most`.
    fn publications(&self, cursor: u64, most: u32, now: UnixTime) -> impl Future<Output = Answer<Vec<Publication>>> + Send;

    /// Remembers who is signed in with a browser.
    fn save_session(&self, key: Digest, session: Session, now: UnixTime) -> impl Future<Output = Answer<()>> + Send;

    /// Who is signed in with a browser.
    fn session(&self, key: Digest, now: UnixTime) -> impl Future<Output = Answer<Option<Session>>> + Send;

    /// A person who may sign in.
    fn user(&self, name: String) -> impl Future<Output = Answer<Option<User>>> + Send;

    /// A person, by the subject that tokens carry.
    fn user_of_subject(&self, subject: String) -> impl Future<Output = Answer<Option<User>>> + Send;

    /// Adds a person, or replaces one of the same name.
    fn save_user(&self, user: User) -> impl Future<Output = Answer<()>> + Send;

    /// A registered client.
    fn client(&self, id: String) -> impl Future<Output = Answer<Option<StoredClient>>> + Send;

    /// All registered clients.
    fn clients(&self) -> impl Future<Output = Answer<Vec<StoredClient>>> + Send;

    /// Adds a client, or replaces one of the same identifier.
    fn save_client(&self, client: StoredClient) -> impl Future<Output = Answer<()>> + Send;

    /// Removes a client and revokes its grants; `false` when there is none.
    fn remove_client(&self, id: String, now: UnixTime) -> impl Future<Output = Answer<bool>> + Send;

    /// Forgets what has expired; returns how much that was.
    fn sweep(&self, now: UnixTime) -> impl Future<Output = Answer<usize>> + Send;
}
