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
        self.token == token && self.version == *version
    }

    fn judged(&self) -> Option<Judged<'_>> {
        let text = core::str::from_utf8(&self.payload).ok()?;
        let typ = self.typ.as_ref().map(|(raw, escaped)| Str::new(raw, *escaped));
        Some(Judged { token: AccessToken::new(text, self.claims), typ, algorithm: self.algorithm })
    }

    /// Keeps a judged token, if it fits.
    fn keep(&mut self, token: &[u8], judged: &Judged<'_>, version: &KeyVersion) {
        let (text, claims) = judged.token.parts();
        let typ = judged.typ.map(|typ| heapless::String::try_from(typ.raw()).map(|raw| (raw, typ.as_str().is_none())));
        let kept = (heapless::Vec::from_slice(token), heapless::Vec::from_slice(text.as_bytes()), typ.transpose());
        if let (Ok(token), Ok(payload), Ok(typ)) = kept {
            *self = Self { token, payload, claims: *claims, typ, algorithm: judged.algorithm, version: *version };
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
        let slot = self.slot_of(token)?;
        if slot.holds(token, &version) {
            let known = slot.judged().ok_or(Error::TextNotUtf8)?;
            verifier.judge_again(&known, holder, now)?;
            return Ok(known.token);
        }
        let compact = Compact::parse(token, verifier.limits())?;
        let judged = verifier.judge(&compact, holder, now, scratch)?;
        slot.keep(token, &judged, &version);
        Ok(judged.token)
    }

    fn slot_of(&mut self, token: &[u8]) -> Result<&mut CacheSlot<N>, Error> {
        // The signature is the part of a token that differs most: its last 64 bytes are enough to spread tokens.
        let from = token.len().saturating_sub(64);
        let hash = self.key.hash(token.get(from..).unwrap_or(token));
        let slots = u64::try_from(self.slots.len()).unwrap_or(u64::MAX);
        let index = hash.checked_rem(slots).and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
        self.slots.get_mut(index).ok_or(Error::MemoryTooSmall)
    }
}
