//! One request, one decision, by the policy of the issuer that the token comes from.

use core::time::Duration;
use std::sync::{Arc, Mutex};

use counterfoil::jose::algorithm::Algorithm;
use counterfoil::jose::keys::{KeySet, Keys};
use counterfoil::jose::policy::Limits;
use counterfoil::oauth::access_token::AccessToken;
use counterfoil::oauth::cache::TokenMemory;
use counterfoil::oauth::confirmation::{Binding, Presenter};
use counterfoil::oauth::dpop::{Proof, ProofRules, ProofTarget};
use counterfoil::oauth::issuer::{claimed_issuer, claimed_kid};
use counterfoil::oauth::nonce::{Nonce, NonceKey};
use counterfoil::oauth::request::{Credential, Refusal, Request, ResourceServer, TokenForm};
use counterfoil::oauth::split_token::CounterfoilKey;
use counterfoil::oauth::verifier::{Demands, Verifier};
use counterfoil::wire::value::Str;
use counterfoil::{Error, Seconds, UnixTime};

use crate::builder::Builder;
use crate::counters::Counters;
use crate::feed::FeedStatus;
use crate::issuer::Issuer;
use crate::keys::{KeyRing, KeyStatus, PreparedKeys};
use crate::lookups::Lookups;
use crate::memory::{Memory, RequestMemory, locked};
use crate::scratch::Scratch;

/// Judges requests and tokens for one resource server, from any number of threads.
///
/// Build it after `fork`: its threads do not live in a child process.
pub struct Gateway {
    pub(crate) issuers: Box<[Trusted]>,
    pub(crate) proofs: ProofPolicy,
    pub(crate) realm: Option<String>,
    pub(crate) memory: Memory,
    pub(crate) lookups: Arc<Lookups>,
    pub(crate) feed: Option<Arc<Mutex<FeedStatus>>>,
    pub(crate) patience: Duration,
    pub(crate) counters: Counters,
}

/// An issuer with its keys.
pub(crate) struct Trusted {
    pub(crate) policy: Issuer,
    pub(crate) keys: KeyRing,
}

/// What is accepted as a proof, in memory of our own.
pub(crate) struct ProofPolicy {
    pub(crate) algorithms: Vec<&'static dyn Algorithm>,
    pub(crate) past: Seconds,
    pub(crate) ahead: Seconds,
    pub(crate) nonce: Option<NonceKey>,
    pub(crate) limits: Limits,
}

impl ProofPolicy {
    fn rules(&self) -> Result<ProofRules<'_>, Error> {
        let rules = ProofRules::new(&self.algorithms)?.with_window(self.past, self.ahead).with_limits(self.limits);
        Ok(match &self.nonce {
            Some(key) => rules.with_nonce(key),
            None => rules,
        })
    }
}

/// A request that was refused, and what to answer.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'s> {
    refusal: Refusal,
    challenge: Option<&'s str>,
    nonce: Option<Nonce>,
}

impl<'s> Refused<'s> {
    /// Why: for the log and for metrics, not for the answer.
    #[must_use]
    pub const fn error(&self) -> Error {
        self.refusal.error()
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.refusal.http().status
    }

    /// The OAuth error code of the challenge, for a JSON body.
    #[must_use]
    pub const fn oauth_error(&self) -> Option<&'static str> {
        self.refusal.http().error
    }

    /// The value of `WWW-Authenticate`, where one belongs.
    #[must_use]
    pub const fn www_authenticate(&self) -> Option<&'s str> {
        self.challenge
    }

    /// The value of `DPoP-Nonce`, where nonces are demanded. An accepted request's answer carries one too: [`Gateway::dpop_nonce`].
    #[must_use]
    pub const fn dpop_nonce(&self) -> Option<Nonce> {
        self.nonce
    }
}

/// One route of a gateway, which may demand other scopes or another authentication than its issuers' policies do.
#[derive(Clone, Copy)]
pub struct Route<'g> {
    pub(crate) gateway: &'g Gateway,
    pub(crate) demands: Option<Demands<'g>>,
}

/// What was looked up, and the place of the issuer that was asked, if any was.
type Looked<'a> = (TokenForm<'a>, Option<usize>);

/// A refusal by the policy of this issuer, or before any was found.
type Refusing<'g> = (Refusal, Option<&'g Trusted>);

/// Where a request is judged, and judged again.
type Rooms<'s> = (&'s mut [u8], &'s mut Vec<u8>);

impl core::fmt::Debug for Route<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Route").field("demands", &self.demands).finish_non_exhaustive()
    }
}

impl Gateway {
    /// Nothing configured yet.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The route that demands what each issuer's policy does.
    #[must_use]
    pub const fn route(&self) -> Route<'_> {
        Route { gateway: self, demands: None }
    }

    /// A route that demands this instead of what the issuers' policies do.
    #[must_use]
    pub const fn route_demanding<'g>(&'g self, demands: Demands<'g>) -> Route<'g> {
        Route { gateway: self, demands: Some(demands) }
    }

    /// As [`Route::accept_request`], on the plain route.
    ///
    /// # Errors
    /// What to answer, and why.
    pub fn accept_request<'s>(
        &self,
        request: &Request<'_>,
        now: UnixTime,
        scratch: &'s mut Scratch,
    ) -> Result<AccessToken<'s>, Refused<'s>> {
        self.route().accept_request(request, now, scratch)
    }

    /// As [`Route::accept`], on the plain route.
    ///
    /// # Errors
    /// The engine's verdict.
    pub fn accept<'s>(
        &self,
        token: &[u8],
        presenter: Presenter<'_>,
        now: UnixTime,
        scratch: &'s mut Scratch,
    ) -> Result<AccessToken<'s>, Error> {
        self.route().accept(token, presenter, now, scratch)
    }

    /// Judges a DPoP proof, and remembers it in the shared store when it is good.
    ///
    /// # Errors
    /// As [`ProofRules::accept`].
    pub fn accept_proof(&self, proof: &[u8], target: &ProofTarget<'_>, now: UnixTime, scratch: &mut Scratch) -> Result<Proof, Error> {
        let accepted = self
            .proofs
            .rules()
            .and_then(|rules| rules.accept(proof, target, now, &mut RequestMemory::new(&self.memory), &mut scratch.token));
        // A good proof is not yet an accepted request.
        if let Err(error) = accepted {
            self.counters.count::<()>(Err(error));
        }
        accepted
    }

    /// The value of `DPoP-Nonce`, to be sent with every answer where nonces are demanded (RFC 9449 section 8.2).
    #[must_use]
    pub fn dpop_nonce(&self, now: UnixTime) -> Option<Nonce> {
        self.proofs.nonce.as_ref().map(|key| key.issue(now))
    }

    /// Puts another key set in the place of an issuer's current one, at once for every thread: for hosts that fetch by themselves.
    ///
    /// # Errors
    /// [`Error::IssuerMismatch`] for an issuer that is not configured; what is wrong with the set, and the current one stays.
    pub fn replace_keys(&self, issuer: &str, jwks: &[u8]) -> Result<(), Error> {
        self.trusted(issuer).ok_or(Error::IssuerMismatch)?.keys.replace(jwks)
    }

    /// The issuer has revoked the split or phantom token that has this SHA-256, or the whole token whose `jti` has it: it is refused from now
    /// on, by this process, until `until`, which need be no later than its expiry. The store of counterfoils or the issuer must know too: of
    /// very many revocations, the oldest are forgotten here.
    pub fn revoke(&self, key: &CounterfoilKey, until: UnixTime) {
        self.lookups.revoke(key, until);
    }

    /// How the issuer's feed is followed; `None` where none is.
    #[must_use]
    pub fn feed_status(&self) -> Option<FeedStatus> {
        self.feed.as_ref().map(|status| *locked(status))
    }

    /// How each issuer's keys are kept.
    pub fn key_status(&self) -> impl Iterator<Item = (&str, KeyStatus)> {
        self.issuers.iter().map(|trusted| (trusted.policy.name(), trusted.keys.status()))
    }

    /// Waits until every issuer has keys, at most for `timeout`: for a host that would rather not begin with 503.
    #[must_use]
    pub fn wait_for_keys(&self, timeout: Duration) -> bool {
        let until = std::time::Instant::now() + timeout;
        self.issuers.iter().all(|trusted| trusted.keys.wait(until.saturating_duration_since(std::time::Instant::now())))
    }

    /// How many requests and tokens were accepted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.counters.accepted()
    }

    /// How many were refused, by code, in the order of [`Error::ALL`].
    pub fn refused(&self) -> impl Iterator<Item = (Error, u64)> {
        self.counters.refused()
    }

    pub(crate) fn trusted(&self, issuer: &str) -> Option<&Trusted> {
        self.issuers.iter().find(|trusted| trusted.policy.name() == issuer)
    }

    /// The issuer of a token: the one that was asked about it, the only one, or the one that it names.
    fn issuer_of(&self, (form, issuer): Looked<'_>, credential: &[u8], scratch: &mut [u8]) -> Result<&Trusted, Error> {
        let place = issuer.map_or_else(|| self.place_of_issuer(form, credential, scratch), Ok)?;
        self.issuers.get(place).ok_or(Error::IssuerMismatch)
    }

    pub(crate) fn place_of_issuer(&self, form: TokenForm<'_>, credential: &[u8], scratch: &mut [u8]) -> Result<usize, Error> {
        if self.issuers.len() == 1 {
            return Ok(0);
        }
        let largest = self.issuers.iter().map(|trusted| trusted.policy.limits()).max_by_key(|limits| limits.token());
        let names = self.issuers.iter().map(|trusted| trusted.policy.name());
        claimed_issuer(form, credential, names, largest.unwrap_or_default(), scratch)
    }

    fn refused_with<'s>(&self, (refusal, issuer): Refusing<'_>, route: &Route<'_>, now: UnixTime, out: &'s mut [u8]) -> Refused<'s> {
        self.counters.count::<()>(Err(refusal.error()));
        let challenge = self.challenge(&refusal, issuer, route, out).unwrap_or_default();
        Refused { refusal, challenge, nonce: self.dpop_nonce(now) }
    }

    /// Before the issuer is known, and where several accept different bindings, every scheme is offered.
    fn challenge<'s>(
        &self,
        refusal: &Refusal,
        issuer: Option<&Trusted>,
        route: &Route<'_>,
        out: &'s mut [u8],
    ) -> Result<Option<&'s str>, Error> {
        let policy = &issuer.or(self.issuers.first()).ok_or(Error::IssuerUnset)?.policy;
        let alike = issuer.is_some() || self.issuers.iter().all(|other| other.policy.binding() == policy.binding());
        policy.with_verifier(NO_KEYS.keys(), route.demands.as_ref(), |verifier| {
            let verifier = if alike { verifier } else { verifier.with_binding(Binding::Required) };
            self.server(verifier)?.www_authenticate(refusal, out)
        })?
    }

    pub(crate) fn server<'a>(&'a self, verifier: Verifier<'a>) -> Result<ResourceServer<'a>, Error> {
        let server = ResourceServer::new(verifier, self.proofs.rules()?);
        match &self.realm {
            Some(realm) => server.with_realm(realm),
            None => Ok(server),
        }
    }
}

impl<'g> Route<'g> {
    /// Judges one HTTP request. Where split or phantom tokens are configured, this may wait for a lookup.
    ///
    /// # Errors
    /// What to answer, and why. An outage of what has to be asked is 503, never 401 and never acceptance.
    pub fn accept_request<'s>(
        &self,
        request: &Request<'_>,
        now: UnixTime,
        scratch: &'s mut Scratch,
    ) -> Result<AccessToken<'s>, Refused<'s>> {
        let gateway = self.gateway;
        self.conclude(now, scratch, |rooms| {
            let credential = credential_of(request)?;
            let refuse = |error| (Refusal::of(error, &credential), None);
            let found = gateway.lookups.find(credential.token(), now, &gateway.issuers).map_err(refuse)?;
            let form = (found.form().map_err(refuse)?, found.issuer(&gateway.lookups));
            self.judge_request(form, &credential, request, now, rooms)
        })
    }

    /// Judges a request whose credential the host has looked up by itself.
    ///
    /// # Errors
    /// What to answer, and why.
    pub fn accept_request_as<'s>(
        &self,
        form: TokenForm<'_>,
        request: &Request<'_>,
        now: UnixTime,
        scratch: &'s mut Scratch,
    ) -> Result<AccessToken<'s>, Refused<'s>> {
        self.conclude(now, scratch, |rooms| self.judge_request((form, None), &credential_of(request)?, request, now, rooms))
    }

    fn conclude<'s>(
        &self,
        now: UnixTime,
        scratch: &'s mut Scratch,
        judge: impl FnOnce(Rooms<'s>) -> Result<AccessToken<'s>, Refusing<'g>>,
    ) -> Result<AccessToken<'s>, Refused<'s>> {
        let Scratch { token, again, challenge } = scratch;
        match judge((token, again)) {
            Ok(token) => {
                self.gateway.counters.count(Ok(&token));
                Ok(token)
            }
            Err(refusal) => Err(self.gateway.refused_with(refusal, self, now, challenge)),
        }
    }

    /// Refuses a request for a reason of the host's own, as when its lookup failed ([`Error::LookupUnavailable`], [`Error::TicketUnknown`],
    /// [`Error::TokenInactive`]).
    pub fn refuse<'s>(&self, error: Error, request: &Request<'_>, now: UnixTime, scratch: &'s mut Scratch) -> Refused<'s> {
        let refusing = credential_of(request).map_or_else(|refusing| refusing, |credential| (Refusal::of(error, &credential), None));
        self.gateway.refused_with(refusing, self, now, &mut scratch.challenge)
    }

    fn judge_request<'s>(
        &self,
        (form, issuer): Looked<'_>,
        credential: &Credential<'_>,
        request: &Request<'_>,
        now: UnixTime,
        (scratch, again): Rooms<'s>,
    ) -> Result<AccessToken<'s>, Refusing<'g>> {
        let refuse = |error| Refusal::of(error, credential);
        let gateway = self.gateway;
        let trusted = gateway.issuer_of((form, issuer), credential.token(), scratch).map_err(|error| (refuse(error), None))?;
        let judge = |scratch: &'s mut [u8]| {
            let keys = trusted.keys.load();
            let judged = trusted.policy.with_verifier(keys_of(keys.as_deref()), self.demands.as_ref(), move |verifier| {
                let mut memory = RequestMemory::new(&gateway.memory);
                gateway.server(verifier).map_err(refuse)?.accept_as(form, credential, request, now, &mut memory, scratch)
            });
            judged.map_err(refuse)?
        };
        let has_missed = |refusal: &Refusal, again: &mut Vec<u8>| {
            refusal.error() == Error::KeyUnknown && trusted.miss(form, credential.token(), gateway.patience, Scratch::second(again))
        };
        let judged = match judge(scratch) {
            Err(refusal) if has_missed(&refusal, again) => judge(Scratch::second(again)),
            judged => judged,
        };
        let judged = judged.and_then(|token| gateway.lookups.judge(token, now).map_err(refuse));
        judged.map_err(|refusal| (refusal, Some(trusted)))
    }

    /// Judges a token and who presents it. For a split or phantom token, a proof must have been made for what the client presents.
    ///
    /// # Errors
    /// The engine's verdict; [`Error::LookupUnavailable`] while there are no keys.
    pub fn accept<'s>(
        &self,
        token: &[u8],
        presenter: Presenter<'_>,
        now: UnixTime,
        scratch: &'s mut Scratch,
    ) -> Result<AccessToken<'s>, Error> {
        let gateway = self.gateway;
        let accepted = gateway.lookups.find(token, now, &gateway.issuers).and_then(|found| {
            let form = (found.form()?, found.issuer(&gateway.lookups));
            self.judge(form, (token, presenter), now, scratch)
        });
        gateway.counters.count(accepted.as_ref().map_err(|error| *error));
        accepted
    }

    /// As [`Route::accept`], for a token that the host has looked up by itself.
    ///
    /// # Errors
    /// As [`Route::accept`].
    pub fn accept_as<'s>(
        &self,
        form: TokenForm<'_>,
        token: &[u8],
        presenter: Presenter<'_>,
        now: UnixTime,
        scratch: &'s mut Scratch,
    ) -> Result<AccessToken<'s>, Error> {
        let accepted = self.judge((form, None), (token, presenter), now, scratch);
        self.gateway.counters.count(accepted.as_ref().map_err(|error| *error));
        accepted
    }

    fn judge<'s>(
        &self,
        (form, issuer): Looked<'_>,
        presented: (&[u8], Presenter<'_>),
        now: UnixTime,
        scratch: &'s mut Scratch,
    ) -> Result<AccessToken<'s>, Error> {
        let gateway = self.gateway;
        let trusted = gateway.issuer_of((form, issuer), presented.0, &mut scratch.token)?;
        let judge = |scratch: &'s mut [u8]| {
            let keys = trusted.keys.load();
            let mut memory = RequestMemory::new(&gateway.memory);
            let memory: Option<&mut dyn TokenMemory> = if gateway.memory.tokens.is_some() { Some(&mut memory) } else { None };
            trusted.policy.with_verifier(keys_of(keys.as_deref()), self.demands.as_ref(), move |verifier| {
                verifier.accept_as(form, presented, now, memory, scratch)
            })?
        };
        let judged = match judge(&mut scratch.token) {
            Err(Error::KeyUnknown) if trusted.miss(form, presented.0, gateway.patience, Scratch::second(&mut scratch.again)) => {
                judge(Scratch::second(&mut scratch.again))
            }
            judged => judged,
        };
        judged.and_then(|token| gateway.lookups.judge(token, now))
    }
}

impl Trusted {
    /// A token names a key that the set lacks: asks the source for it, and says whether the set may have changed since.
    pub(crate) fn miss(&self, form: TokenForm<'_>, credential: &[u8], patience: Duration, scratch: &mut [u8]) -> bool {
        let miss = |kid: Option<Str<'_>>| self.keys.miss(kid.map(Str::raw), patience);
        claimed_kid(form, credential, self.policy.limits(), scratch, miss).unwrap_or(false)
    }
}

fn credential_of<'r>(request: &Request<'r>) -> Result<Credential<'r>, Refusing<'static>> {
    Credential::find(request.url, request.authorization).map_err(|error| (Refusal::new(error, None), None))
}

/// An empty set is an outage to the engine, and no hindrance where an issuer's answer needs no key.
pub(crate) static NO_KEYS: KeySet<1> = KeySet::new();

pub(crate) fn keys_of(keys: Option<&PreparedKeys>) -> Keys<'_> {
    keys.map_or_else(|| NO_KEYS.keys(), PreparedKeys::keys)
}

impl core::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.issuers.iter().map(|trusted| trusted.policy.name())).finish()
    }
}
