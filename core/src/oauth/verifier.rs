//! The policy of one resource server for one issuer, and its judgement of access tokens.

use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::jose::algorithm::{Algorithm, Algorithms, BATCH, Signature, verify_all};
use crate::jose::header::TokenType;
use crate::jose::jws::{Compact, Unverified};
use crate::jose::keys::{FoundKey, Keys};
use crate::jose::last_header::LastHeader;
use crate::jose::policy::Limits;
use crate::jose::thumbprint::Thumbprint;
use crate::oauth::access_token::AccessToken;
use crate::oauth::claims::TokenClaims;
use crate::oauth::confirmation::{Binding, Holder, Presenter};
use crate::oauth::introspection;
use crate::oauth::split_token::{Counterfoil, Ticket};
use crate::time::{Seconds, UnixTime};
use crate::wire::value::Str;

pub use crate::oauth::claims::Demands;

/// Which `typ` and which claims an issuer's access tokens have. `iss`, `aud` and `exp` are always required.
#[derive(Clone, Copy, Debug)]
pub struct Profile<'a> {
    types: &'a [TokenType<'a>],
    required: &'a [&'a str],
}

impl<'a> Profile<'a> {
    /// RFC 9068 sections 2.1, 2.2 and 4.
    pub const RFC_9068: Self = Self { types: &[TokenType::Named("at+jwt")], required: &["sub", "client_id", "iat", "jti"] };

    /// For issuers that predate RFC 9068: says which `typ` are accepted, and which claims are required beside `iss`, `aud` and `exp`.
    #[must_use]
    pub const fn listed(types: &'a [TokenType<'a>], required: &'a [&'a str]) -> Self {
        Self { types, required }
    }
}

/// Judges the access tokens of one issuer for one resource server. A handful of references: cheap to copy and to vary per route.
#[derive(Clone, Copy)]
pub struct Verifier<'a> {
    issuer: &'a str,
    audience: &'a str,
    more_audiences: &'a [&'a str],
    algorithms: Algorithms<'a>,
    keys: Keys<'a>,
    profile: Profile<'a>,
    binding: Binding,
    leeway: Seconds,
    limits: Limits,
    demands: Demands<'a>,
}

impl<'a> Verifier<'a> {
    /// A verifier of RFC 9068 tokens that must be bound to their holder, with 10 seconds of leeway and 16 KiB at most.
    ///
    /// `issuer` and `audience` are compared byte for byte with `iss` and the elements of `aud`. `algorithms` is the allow-list.
    ///
    /// # Errors
    /// [`Error::IssuerUnset`], [`Error::AudienceUnset`], [`Error::AlgorithmsUnset`].
    pub const fn new(issuer: &'a str, audience: &'a str, algorithms: Algorithms<'a>, keys: Keys<'a>) -> Result<Self, Error> {
        if issuer.is_empty() {
            return Err(Error::IssuerUnset);
        }
        if audience.is_empty() {
            return Err(Error::AudienceUnset);
        }
        if algorithms.is_empty() {
            return Err(Error::AlgorithmsUnset);
        }
        Ok(Self {
            issuer,
            audience,
            more_audiences: &[],
            algorithms,
            keys,
            profile: Profile::RFC_9068,
            binding: Binding::Required,
            leeway: Seconds(10),
            limits: Limits::DEFAULT,
            demands: Demands { scopes: &[], acr_values: &[], max_age: None },
        })
    }

    /// Accepts tokens for these audiences too.
    ///
    /// # Errors
    /// [`Error::AudienceUnset`] when one of them is empty.
    pub fn also_for(mut self, audiences: &'a [&'a str]) -> Result<Self, Error> {
        if audiences.iter().any(|audience| audience.is_empty()) {
            return Err(Error::AudienceUnset);
        }
        self.more_audiences = audiences;
        Ok(self)
    }

    /// Judges tokens by another profile.
    #[must_use]
    pub const fn with_profile(mut self, profile: Profile<'a>) -> Self {
        self.profile = profile;
        self
    }

    /// Accepts other bindings than "either, but one".
    #[must_use]
    pub const fn with_binding(mut self, binding: Binding) -> Self {
        self.binding = binding;
        self
    }

    /// Grants other clocks another difference than 10 seconds.
    #[must_use]
    pub const fn with_leeway(mut self, leeway: Seconds) -> Self {
        self.leeway = leeway;
        self
    }

    /// Bounds tokens otherwise.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Demands scopes or an authentication context, for one route.
    #[must_use]
    pub const fn demanding(mut self, demands: Demands<'a>) -> Self {
        self.demands = demands;
        self
    }

    /// Judges a compact token and who presents it. `scratch` holds what is decoded: [`Limits::scratch`] bytes always suffice.
    ///
    /// Cheap checks come first and the signature after them, so that a refusal says nothing about what a forger got right; no claim
    /// can be read unless all passed.
    ///
    /// # Errors
    /// The first check that failed, in the order that `core/vectors/README.md` gives; [`Error::BufferTooSmall`].
    pub fn accept<'s>(
        &self,
        token: &[u8],
        presenter: Presenter<'_>,
        now: UnixTime,
        scratch: &'s mut [u8],
    ) -> Result<AccessToken<'s>, Error> {
        self.accept_remembering(token, presenter, now, None, scratch)
    }

    /// As [`Verifier::accept`], without parsing a header that is the same as that of the last good token.
    ///
    /// # Errors
    /// As [`Verifier::accept`].
    pub fn accept_remembering<'s>(
        &self,
        token: &[u8],
        presenter: Presenter<'_>,
        now: UnixTime,
        last: Option<&mut LastHeader>,
        scratch: &'s mut [u8],
    ) -> Result<AccessToken<'s>, Error> {
        let compact = Compact::parse(token, self.limits)?;
        let holder = holder_of(presenter, token)?;
        self.judge(&compact, holder, now, last, scratch).map(|judged| judged.token)
    }

    /// Judges a split token from its halves, which are never joined: what was signed is exactly the counterfoil.
    ///
    /// A DPoP proof must have been made for the ticket, which is what the client holds.
    ///
    /// # Errors
    /// As [`Verifier::accept`].
    pub fn accept_split<'s>(
        &self,
        counterfoil: Counterfoil<'_>,
        ticket: Ticket<'_>,
        presenter: Presenter<'_>,
        now: UnixTime,
        scratch: &'s mut [u8],
    ) -> Result<AccessToken<'s>, Error> {
        let compact = Compact::from_halves(counterfoil.as_bytes(), ticket.as_bytes(), self.limits)?;
        let holder = holder_of(presenter, ticket.as_bytes())?;
        self.judge(&compact, holder, now, None, scratch).map(|judged| judged.token)
    }

    /// Judges up to [`BATCH`] tokens, each for itself, with their signatures together: cheaper than one by one, with the same verdicts.
    ///
    /// `scratch` is shared: [`Limits::scratch`] bytes for each token always suffice. On 64-bit machines eight ES256 signatures together take
    /// about 70 KiB of stack.
    ///
    /// # Errors
    /// [`Error::LimitOutOfRange`] for more than [`BATCH`] tokens; the verdict on each token is in its place of the result.
    pub fn accept_batch<'s>(
        &self,
        tokens: &[(&[u8], Presenter<'_>)],
        now: UnixTime,
        mut scratch: &'s mut [u8],
    ) -> Result<heapless::Vec<Result<AccessToken<'s>, Error>, BATCH>, Error> {
        let mut pending = heapless::Vec::<_, BATCH>::new();
        let mut last = LastHeader::none();
        for (token, presenter) in tokens {
            // No more than the token's own length is ever decoded.
            let (own, rest) = scratch.split_at_mut(token.len().min(scratch.len()));
            scratch = rest;
            let judged = Compact::parse(token, self.limits)
                .and_then(|compact| self.judge_but_signature(&compact, holder_of(*presenter, token)?, now, Some(&last), own));
            if let Ok(pending) = &judged {
                pending.remember_in(&mut last);
            }
            pending.push(judged).map_err(|_| Error::LimitOutOfRange)?;
        }
        let mut signatures = heapless::Vec::<Signature<'_>, BATCH>::new();
        for (number, pending) in pending.iter().enumerate().filter_map(|(i, pending)| Some((i, pending.as_ref().ok()?))) {
            signatures.push(pending.signature(number)).map_err(|_| Error::LimitOutOfRange)?;
        }
        verify_all(&mut signatures);
        let mut verdicts = [Err(Error::SignatureInvalid); BATCH];
        for signature in &signatures {
            verdicts.get_mut(signature.number).into_iter().for_each(|verdict| *verdict = signature.verdict);
        }
        let conclude = |(pending, verdict): (&Result<Pending<'_, 's, '_>, Error>, Result<(), Error>)| {
            let pending = pending.as_ref().map_err(|error| *error)?;
            verdict?;
            self.conclude(pending, now).map(|judged| judged.token)
        };
        Ok(pending.iter().zip(verdicts).map(conclude).collect())
    }

    pub(crate) fn judge<'s>(
        &self,
        compact: &Compact<'_>,
        holder: Holder,
        now: UnixTime,
        last: Option<&mut LastHeader>,
        scratch: &'s mut [u8],
    ) -> Result<Judged<'s>, Error> {
        let pending = self.judge_but_signature(compact, holder, now, last.as_deref(), scratch)?;
        pending.unverified.judge_signature(pending.algorithm, pending.key)?;
        if let Some(last) = last {
            pending.remember_in(last);
        }
        self.conclude(&pending, now)
    }

    /// Everything that may only refuse, because the signature is still to be judged.
    pub(crate) fn judge_but_signature<'t, 's>(
        &self,
        compact: &Compact<'t>,
        holder: Holder,
        now: UnixTime,
        last: Option<&LastHeader>,
        scratch: &'s mut [u8],
    ) -> Result<Pending<'t, 's, 'a>, Error> {
        let unverified = compact.decode_after(self.limits, scratch, last)?;
        self.judge_type(unverified.header().typ())?;
        let (algorithm, key) = unverified.select(self.keys, self.algorithms)?;
        let mut claims = TokenClaims::NONE;
        let text = claims.read(unverified.payload())?;
        self.judge_claims(text, &claims, holder, now)?;
        Ok(Pending { unverified, text, claims, algorithm, key })
    }

    /// What follows on a good signature.
    pub(crate) fn conclude<'s>(&self, pending: &Pending<'_, 's, '_>, now: UnixTime) -> Result<Judged<'s>, Error> {
        pending.claims.judge_demands(pending.text, &self.demands, now, self.leeway)?;
        Ok(Judged {
            token: AccessToken::new(pending.text, pending.claims),
            typ: pending.unverified.header().typ(),
            algorithm: pending.algorithm.name().as_bytes(),
        })
    }

    /// Judges again, at another time and for another presenter, a token whose signature was good under the same key set.
    pub(crate) fn judge_again(&self, known: &Judged<'_>, holder: Holder, now: UnixTime) -> Result<(), Error> {
        self.judge_type(known.typ)?;
        if !self.algorithms.iter().any(|algorithm| algorithm.name().as_bytes() == known.algorithm) {
            return Err(Error::AlgorithmRefused);
        }
        let (text, claims) = known.token.parts();
        self.judge_claims(text, claims, holder, now)?;
        claims.judge_demands(text, &self.demands, now, self.leeway)
    }

    /// Judges what an issuer says of a token it was asked about, as a token's claims.
    pub(crate) fn judge_introspected<'s>(
        &self,
        answer: &[u8],
        holder: Holder,
        now: UnixTime,
        scratch: &'s mut [u8],
    ) -> Result<AccessToken<'s>, Error> {
        introspection::judge_active(answer)?;
        let own = scratch.get_mut(..answer.len()).ok_or(Error::BufferTooSmall)?;
        own.copy_from_slice(answer);
        let mut claims = TokenClaims::NONE;
        let text = claims.read(own)?;
        self.judge_claims(text, &claims, holder, now)?;
        claims.judge_demands(text, &self.demands, now, self.leeway)?;
        Ok(AccessToken::new(text, claims))
    }

    fn judge_type(&self, typ: Option<Str<'_>>) -> Result<(), Error> {
        if self.profile.types.iter().any(|accepted| accepted.admits(typ)) { Ok(()) } else { Err(Error::TypeMismatch) }
    }

    fn judge_claims(&self, text: &str, claims: &TokenClaims, holder: Holder, now: UnixTime) -> Result<(), Error> {
        let registered = &claims.registered;
        registered.judge_issuer(text, self.issuer)?;
        registered.judge_audience(text, core::iter::once(&self.audience).chain(self.more_audiences).copied())?;
        registered.judge_times(now, self.leeway)?;
        claims.judge_presence(text, self.profile.required)?;
        self.binding.judge(claims.bound.confirmation(), holder)
    }

    pub(crate) const fn keys(&self) -> Keys<'a> {
        self.keys
    }

    pub(crate) const fn limits(&self) -> Limits {
        self.limits
    }

    pub(crate) const fn binding(&self) -> Binding {
        self.binding
    }

    pub(crate) const fn demands(&self) -> &Demands<'a> {
        &self.demands
    }
}

impl core::fmt::Debug for Verifier<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Verifier").field("issuer", &self.issuer).field("audience", &self.audience).finish_non_exhaustive()
    }
}

/// A token that is good but for its signature. Nothing of it can be seen outside.
pub(crate) struct Pending<'t, 's, 'a> {
    unverified: Unverified<'t, 's>,
    text: &'s str,
    claims: TokenClaims,
    algorithm: &'a dyn Algorithm,
    key: FoundKey<'a>,
}

impl<'s> Pending<'_, 's, '_> {
    /// Remembers the header, when the signature is good.
    pub(crate) fn remember_in(&self, last: &mut LastHeader) {
        self.unverified.remember_in(last);
    }

    /// The signature, to be judged with others.
    pub(crate) fn signature(&self, number: usize) -> Signature<'_> {
        self.unverified.signature(self.algorithm, self.key, number)
    }
}

/// A token that was accepted, with what of its header a later judgement needs.
pub struct Judged<'s> {
    pub(crate) token: AccessToken<'s>,
    pub(crate) typ: Option<Str<'s>>,
    /// The name's bytes.
    pub(crate) algorithm: &'s [u8],
}

impl core::fmt::Debug for Judged<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Judged").field(&self.token).finish()
    }
}

/// What the presenter holds. A proof serves only the credential that it was made for (`ath`, RFC 9449 section 4.3).
pub(crate) fn holder_of(presenter: Presenter<'_>, credential: &[u8]) -> Result<Holder, Error> {
    match presenter {
        Presenter::Bearer => Ok(Holder::Nothing),
        Presenter::Certificate(thumbprint) => Ok(Holder::Certificate(thumbprint)),
        Presenter::Dpop(proof) if proof.token_hash() == Some(Thumbprint::from_bytes(Sha256::digest(credential).into())) => {
            Ok(Holder::Key(proof.thumbprint()))
        }
        Presenter::Dpop(_) => Err(Error::ProofTokenHash),
    }
}
