//! Verified tokens, remembered: a hit spares base64, JSON and the signature, and judges everything else again.

use crate::error::Error;
use crate::jose::jws::Compact;
use crate::jose::keys::KeyVersion;
use crate::oauth::access_token::AccessToken;
use crate::oauth::claims::TokenClaims;
use crate::oauth::confirmation::Presenter;
use crate::oauth::verifier::{Judged, Verifier, holder_of};
use crate::time::UnixTime;
use crate::wire::siphash::HashKey;
use crate::wire::value::Str;

/// A place for one token of at most `N` bytes; a longer one is judged anew each time.
#[derive(Clone)]
pub struct CacheSlot<const N: usize> {
    token: heapless::Vec<u8, N>,
    payload: heapless::Vec<u8, N>,
    claims: TokenClaims,
    typ: Option<Typ>,
    algorithm: &'static str,
    version: KeyVersion,
}

/// A header's `typ` as it stands in the header. Those in use have at most 18 bytes.
type Typ = (heapless::String<32>, bool);

impl<const N: usize> CacheSlot<N> {
    /// A place that holds nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            token: heapless::Vec::new(),
            payload: heapless::Vec::new(),
            claims: TokenClaims::default(),
            typ: None,
            algorithm: "",
            version: KeyVersion::default(),
        }
    }

    fn holds(&self, token: &[u8], version: &KeyVersion) -> bool {
        !self.token.is_empty() && self.token == token && self.version == *version
    }

    fn judged(&self) -> Option<Judged<'_>> {
        let text = core::str::from_utf8(&self.payload).ok()?;
        let typ = self.typ.as_ref().map(|(raw, escaped)| Str::new(raw, *escaped));
        Some(Judged { token: AccessToken::new(text, self.claims), typ, algorithm: self.algorithm })
    }

    /// Keeps a judged token, in place; a token that does not fit leaves an empty slot.
    fn keep(&mut self, token: &[u8], judged: &Judged<'_>, version: &KeyVersion) {
        let (text, claims) = judged.token.parts();
        self.token.clear();
        self.payload.clear();
        let typ = judged.typ.map(|typ| heapless::String::try_from(typ.raw()).map(|raw| (raw, typ.as_str().is_none())));
        let Ok(typ) = typ.transpose() else { return };
        if self.payload.extend_from_slice(text.as_bytes()).is_err() || self.token.extend_from_slice(token).is_err() {
            return;
        }
        (self.claims, self.typ, self.algorithm, self.version) = (*claims, typ, judged.algorithm, *version);
    }

    /// When the slot may be given to another token: the sooner, the better.
    fn expiry(&self) -> UnixTime {
        match self.claims.registered.exp {
            Some(exp) if !self.token.is_empty() => exp.ceil(),
            _ => UnixTime(0),
        }
    }
}

impl<const N: usize> core::fmt::Debug for CacheSlot<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "CacheSlot({})", if self.token.is_empty() { "empty" } else { "full" })
    }
}

/// Tokens whose signature was good, in memory that the caller provides.
///
/// The place is found by a keyed hash and the whole token compared: no two tokens are ever taken for each other. A hit counts only
/// for the key set under which the signature was judged; issuer, audience, times, binding and demands are judged again, by the same
/// code, for the verifier and presenter of this call. A full cache forgets; that costs time and nothing else.
#[derive(Debug)]
pub struct TokenCache<'m, const N: usize> {
    slots: &'m mut [CacheSlot<N>],
    key: HashKey,
}

impl<'m, const N: usize> TokenCache<'m, N> {
    /// A cache in `slots`, which are emptied.
    ///
    /// # Errors
    /// [`Error::MemoryTooSmall`] without a slot.
    pub fn new(slots: &'m mut [CacheSlot<N>], key: HashKey) -> Result<Self, Error> {
        if slots.is_empty() {
            return Err(Error::MemoryTooSmall);
        }
        slots.fill_with(CacheSlot::empty);
        Ok(Self { slots, key })
    }

    /// As [`Verifier::accept`], from memory where this token was accepted before.
    ///
    /// # Errors
    /// As [`Verifier::accept`].
    pub fn accept<'s>(
        &'s mut self,
        verifier: &Verifier<'_>,
        token: &[u8],
        presenter: Presenter<'_>,
        now: UnixTime,
        scratch: &'s mut [u8],
    ) -> Result<AccessToken<'s>, Error> {
        let holder = holder_of(presenter, token)?;
        let version = *verifier.keys().version();
        let place = self.place_of(token);
        let ways = self.slots.get_mut(place).ok_or(Error::MemoryTooSmall)?;
        if let Some(way) = ways.iter().position(|slot| slot.holds(token, &version)) {
            let known = ways.get(way).and_then(CacheSlot::judged).ok_or(Error::TextNotUtf8)?;
            verifier.judge_again(&known, holder, now)?;
            return Ok(known.token);
        }
        let compact = Compact::parse(token, verifier.limits())?;
        let judged = verifier.judge(&compact, holder, now, scratch)?;
        if let Some(slot) = ways.iter_mut().min_by_key(|slot| slot.expiry()) {
            slot.keep(token, &judged, &version);
        }
        Ok(judged.token)
    }

    /// The slots that `token` may lie in.
    fn place_of(&self, token: &[u8]) -> core::ops::Range<usize> {
        // The signature is the part of a token that differs most: its last 64 characters are enough to spread tokens.
        let from = token.len().saturating_sub(64);
        let hash = self.key.hash(token.get(from..).unwrap_or(token));
        let ways = WAYS.min(self.slots.len());
        let sets = u64::try_from(self.slots.len() / WAYS).unwrap_or(u64::MAX);
        let set = hash.checked_rem(sets).and_then(|set| usize::try_from(set).ok()).unwrap_or(0);
        let start = set.saturating_mul(WAYS);
        start..start.saturating_add(ways)
    }
}

/// How many slots a token may lie in: tokens that fall together do not displace each other at once.
const WAYS: usize = 4;
