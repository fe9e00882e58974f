//! Verified tokens, remembered: a hit spares base64, JSON and the signature, and judges everything else again.

use core::sync::atomic::{Ordering, compiler_fence};

use crate::error::Error;
use crate::jose::jws::Compact;
use crate::jose::keys::KeyVersion;
use crate::jose::last_header::LastHeader;
use crate::jose::policy::Limits;
use crate::oauth::access_token::AccessToken;
use crate::oauth::claims::TokenClaims;
use crate::oauth::confirmation::{Holder, Presenter};
use crate::oauth::request::{Basis, TokenForm};
use crate::oauth::split_token::{Counterfoil, Ticket};
use crate::oauth::verifier::{Judged, Verifier, holder_of};
use crate::time::UnixTime;
use crate::wire::siphash::HashKey;
use crate::wire::value::Str;

/// A place for one token of at most `N` bytes; a longer one is judged anew each time.
///
/// Plain data: there is no pointer in it and any bytes are one, so that it may lie in memory that processes share. One that dies while it
/// writes a place leaves it empty.
#[repr(C)]
#[derive(Clone)]
pub struct CacheSlot<const N: usize> {
    /// 0 for a place that holds nothing.
    token_length: u32,
    known: Known,
    /// The token, and behind it the payload at the next multiple of [`STEP`]: few lines of memory are touched, and words are where they belong.
    texts: [[u8; N]; 2],
}

/// What is remembered of a good token beside its text and payload.
#[repr(C)]
#[derive(Clone, Copy)]
struct Known {
    payload_length: u32,
    version: KeyVersion,
    claims: TokenClaims,
    /// Those in use have at most 18 bytes.
    typ: Name<32>,
    algorithm: Name<16>,
}

/// A string of the header, as it stands there, or none.
#[repr(C)]
#[derive(Clone, Copy)]
struct Name<const N: usize> {
    /// More than `N` for none.
    length: u8,
    escaped: u8,
    raw: [u8; N],
}

impl<const N: usize> Name<N> {
    const NONE: Self = Self { length: u8::MAX, escaped: 0, raw: [0; N] };

    fn of(raw: &[u8], escaped: bool) -> Option<Self> {
        let mut name = Self { length: u8::try_from(raw.len()).ok()?, escaped: escaped.into(), raw: [0; N] };
        name.raw.get_mut(..raw.len())?.copy_from_slice(raw);
        Some(name)
    }

    fn bytes(&self) -> Option<&[u8]> {
        self.raw.get(..usize::from(self.length))
    }

    fn get(&self) -> Option<Str<'_>> {
        Some(Str::new(core::str::from_utf8(self.bytes()?).ok()?, self.escaped != 0))
    }
}

impl Known {
    const NOTHING: Self = Self { payload_length: 0, version: [0; 16], claims: TokenClaims::NONE, typ: Name::NONE, algorithm: Name::NONE };

    /// `None` where a name is longer than any in use.
    fn of(judged: &Judged<'_>, version: &KeyVersion) -> Option<Self> {
        let (text, claims) = judged.token.parts();
        let typ = judged.typ.map_or(Some(Name::NONE), |typ| Name::of(typ.raw().as_bytes(), typ.as_str().is_none()))?;
        let algorithm = Name::of(judged.algorithm, false)?;
        Some(Self { payload_length: u32::try_from(text.len()).ok()?, version: *version, claims: *claims, typ, algorithm })
    }

    fn payload<'p>(&self, memory: &'p [u8]) -> Option<&'p [u8]> {
        memory.get(..usize::try_from(self.payload_length).ok()?)
    }

    /// With its payload at the start of `memory`.
    fn judged<'p>(&'p self, memory: &'p [u8]) -> Option<Judged<'p>> {
        self.judged_as(self.text(memory)?)
    }

    fn text<'p>(&self, memory: &'p [u8]) -> Option<&'p str> {
        core::str::from_utf8(self.payload(memory)?).ok()
    }

    fn judged_as<'p>(&'p self, payload: &'p str) -> Option<Judged<'p>> {
        Some(Judged { token: AccessToken::new(payload, self.claims), typ: self.typ.get(), algorithm: self.algorithm.bytes()? })
    }
}

impl<const N: usize> CacheSlot<N> {
    /// A place that holds nothing.
    #[must_use]
    pub const fn empty() -> Self {
        Self { token_length: 0, known: Known::NOTHING, texts: [[0; N]; 2] }
    }

    /// `None` where there is none.
    fn token(&self) -> Option<&[u8]> {
        self.texts.as_flattened().get(..usize::try_from(self.token_length).ok()?).filter(|token| !token.is_empty())
    }

    /// Where the payload begins.
    fn behind(&self) -> Option<&[u8]> {
        self.texts.as_flattened().get(usize::try_from(self.token_length).ok()?.checked_next_multiple_of(STEP)?..)
    }

    fn holds(&self, token: TokenText<'_>, version: &KeyVersion) -> bool {
        self.token().is_some_and(|own| token.is(own)) && self.known.version == *version
    }

    fn judged(&self) -> Option<Judged<'_>> {
        self.known.judged(self.behind()?)
    }

    fn recall(&self, scratch: &mut [u8]) -> Option<Recalled> {
        let payload = self.known.payload(self.behind()?)?;
        scratch.get_mut(..payload.len())?.copy_from_slice(payload);
        Some(Recalled(self.known))
    }

    /// Keeps a judged token, in place; a token that does not fit leaves an empty slot. Empty first and full last, whatever happens between.
    fn keep(&mut self, token: TokenText<'_>, version: &KeyVersion, judged: &Judged<'_>) {
        self.token_length = 0;
        compiler_fence(Ordering::SeqCst);
        let length = self.write(token, version, judged).unwrap_or(0);
        compiler_fence(Ordering::SeqCst);
        self.token_length = length;
    }

    fn write(&mut self, token: TokenText<'_>, version: &KeyVersion, judged: &Judged<'_>) -> Option<u32> {
        self.known = Known::of(judged, version)?;
        let texts = self.texts.as_flattened_mut();
        let mut length = 0usize;
        for part in token.parts() {
            length = put(texts, length, part)?;
        }
        let payload = judged.token.payload().as_bytes();
        if length > N || payload.len() > N {
            return None;
        }
        put(texts, length.checked_next_multiple_of(STEP)?, payload)?;
        u32::try_from(length).ok()
    }

    /// When the slot may be given to another token: the sooner, the better.
    fn expiry(&self) -> UnixTime {
        match self.known.claims.registered.exp {
            Some(exp) if self.token_length > 0 => exp.ceil(),
            _ => UnixTime(0),
        }
    }
}

/// A word of the largest machines.
const STEP: usize = 8;

/// Writes `bytes` to `memory` from `start` on, and returns where they end.
fn put(memory: &mut [u8], start: usize, bytes: &[u8]) -> Option<usize> {
    let end = start.checked_add(bytes.len())?;
    memory.get_mut(start..end)?.copy_from_slice(bytes);
    Some(end)
}

impl<const N: usize> core::fmt::Debug for CacheSlot<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "CacheSlot({})", if self.token_length == 0 { "empty" } else { "full" })
    }
}

/// Tokens whose signature was good, in memory that the caller provides.
///
/// The place is found by a keyed hash and the whole token compared: no two tokens are ever taken for each other. A hit counts only
/// for the key set under which the signature was judged; issuer, audience, times, binding and demands are judged again, by the same
/// code, for the verifier and presenter of this call. A full cache forgets; that costs time and nothing else.
#[derive(Debug)]
pub struct TokenCache<M, const N: usize> {
    slots: M,
    key: HashKey,
    last: LastHeader,
}

impl<M: AsRef<[CacheSlot<N>]> + AsMut<[CacheSlot<N>]>, const N: usize> TokenCache<M, N> {
    /// A cache in `slots`, borrowed or owned, which are emptied.
    ///
    /// # Errors
    /// [`Error::MemoryTooSmall`] without a slot.
    pub fn new(mut slots: M, key: HashKey) -> Result<Self, Error> {
        if slots.as_ref().is_empty() {
            return Err(Error::MemoryTooSmall);
        }
        slots.as_mut().iter_mut().for_each(|slot| slot.token_length = 0);
        Ok(Self { slots, key, last: LastHeader::none() })
    }

    /// Goes on with the slots that a cache with the same key left behind: for memory that several processes share, one of which uses it
    /// at a time.
    ///
    /// # Errors
    /// [`Error::MemoryTooSmall`] without a slot.
    pub fn resume(slots: M, key: HashKey) -> Result<Self, Error> {
        if slots.as_ref().is_empty() { Err(Error::MemoryTooSmall) } else { Ok(Self { slots, key, last: LastHeader::none() }) }
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
        let text = TokenText::whole(token);
        let place = self.place_of(text);
        let ways = self.slots.as_mut().get_mut(place).ok_or(Error::MemoryTooSmall)?;
        if let Some(way) = ways.iter().position(|slot| slot.holds(text, &version)) {
            let known = ways.get(way).and_then(CacheSlot::judged).ok_or(Error::TextNotUtf8)?;
            verifier.judge_again(&known, holder, now)?;
            return Ok(known.token);
        }
        let judged = verifier.judge(&text.compact(verifier.limits())?, holder, now, Some(&mut self.last), scratch)?;
        keep_in(ways, text, &version, &judged);
        Ok(judged.token)
    }

    /// The slots that `token` may lie in.
    fn place_of(&self, token: TokenText<'_>) -> core::ops::Range<usize> {
        let slots = self.slots.as_ref().len();
        let hash = self.key.hash(token.tail());
        let ways = WAYS.min(slots);
        let sets = u64::try_from(slots / WAYS).unwrap_or(u64::MAX);
        let set = hash.checked_rem(sets).and_then(|set| usize::try_from(set).ok()).unwrap_or(0);
        let start = set.saturating_mul(WAYS);
        start..start.saturating_add(ways)
    }
}

fn keep_in<const N: usize>(ways: &mut [CacheSlot<N>], token: TokenText<'_>, version: &KeyVersion, judged: &Judged<'_>) {
    if let Some(slot) = ways.iter_mut().min_by_key(|slot| slot.expiry()) {
        slot.keep(token, version, judged);
    }
}

impl<M: AsRef<[CacheSlot<N>]> + AsMut<[CacheSlot<N>]>, const N: usize> TokenMemory for TokenCache<M, N> {
    fn recall(&mut self, token: TokenText<'_>, version: &KeyVersion, scratch: &mut [u8]) -> Option<Recalled> {
        let ways = self.slots.as_ref().get(self.place_of(token))?;
        ways.iter().find(|slot| slot.holds(token, version))?.recall(scratch)
    }

    fn keep(&mut self, token: TokenText<'_>, version: &KeyVersion, judged: &Judged<'_>) {
        let place = self.place_of(token);
        self.slots.as_mut().get_mut(place).into_iter().for_each(|ways| keep_in(ways, token, version, judged));
    }

    fn last_header(&mut self) -> Option<&mut LastHeader> {
        Some(&mut self.last)
    }
}

/// What a server remembers of good tokens. It makes verdicts cheaper and never changes one: whatever is recalled is judged again, by the
/// same code, for all but its signature.
pub trait TokenMemory {
    /// Copies the payload of this very token, if it was kept under the key set `version`, to the start of `scratch`.
    fn recall(&mut self, token: TokenText<'_>, version: &KeyVersion, scratch: &mut [u8]) -> Option<Recalled>;

    /// The signature of this token was good under the key set `version`.
    fn keep(&mut self, token: TokenText<'_>, version: &KeyVersion, judged: &Judged<'_>);

    /// The header of the last token whose signature was good, where that is remembered.
    fn last_header(&mut self) -> Option<&mut LastHeader> {
        None
    }
}

/// A token by its text, whole or in the halves of a split token.
#[derive(Clone, Copy)]
pub struct TokenText<'a> {
    head: &'a [u8],
    ticket: Option<&'a [u8]>,
}

impl<'a> TokenText<'a> {
    /// A compact token.
    #[must_use]
    pub const fn whole(token: &'a [u8]) -> Self {
        Self { head: token, ticket: None }
    }

    /// A split token, which is not joined.
    #[must_use]
    pub const fn split(counterfoil: Counterfoil<'a>, ticket: Ticket<'a>) -> Self {
        Self { head: counterfoil.as_bytes(), ticket: Some(ticket.as_bytes()) }
    }

    /// Its last 64 characters, all of its signature, the part in which tokens differ most: enough to spread them by.
    #[must_use]
    pub fn tail(self) -> &'a [u8] {
        let end = self.ticket.unwrap_or(self.head);
        end.get(end.len().saturating_sub(64)..).unwrap_or(end)
    }

    /// Finds its segments.
    ///
    /// # Errors
    /// As [`Compact::parse`].
    pub(crate) fn compact(self, limits: Limits) -> Result<Compact<'a>, Error> {
        match self.ticket {
            None => Compact::parse(self.head, limits),
            Some(ticket) => Compact::from_halves(self.head, ticket, limits),
        }
    }

    fn parts(self) -> impl Iterator<Item = &'a [u8]> {
        let dot = self.ticket.map(|_| &b"."[..]);
        core::iter::once(self.head).chain(dot).chain(self.ticket)
    }

    fn is(self, token: &[u8]) -> bool {
        match self.ticket {
            None => self.head == token,
            Some(ticket) => token.strip_suffix(ticket).and_then(|rest| rest.strip_suffix(b".")) == Some(self.head),
        }
    }
}

impl core::fmt::Debug for TokenText<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(if self.ticket.is_some() { "TokenText(split)" } else { "TokenText(whole)" })
    }
}

/// A token that was good before, with its payload at the start of the scratch memory it was recalled into.
pub struct Recalled(Known);

impl Recalled {
    pub(crate) fn judge_again<'s>(
        &self,
        verifier: &Verifier<'_>,
        holder: Holder,
        now: UnixTime,
        scratch: &'s [u8],
    ) -> Result<AccessToken<'s>, Error> {
        let payload = self.0.text(scratch).ok_or(Error::TextNotUtf8)?;
        verifier.judge_again(&self.0.judged_as(payload).ok_or(Error::TextNotUtf8)?, holder, now)?;
        Ok(AccessToken::new(payload, self.0.claims))
    }
}

impl core::fmt::Debug for Recalled {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Recalled({} bytes of claims)", self.0.payload_length)
    }
}

impl Verifier<'_> {
    /// As [`Verifier::accept`], for a credential that stands for what was looked up, and with a memory of good tokens.
    ///
    /// # Errors
    /// As [`Verifier::accept`]; [`Error::TicketMalformed`].
    pub fn accept_as<'s>(
        &self,
        form: TokenForm<'_>,
        (credential, presenter): (&[u8], Presenter<'_>),
        now: UnixTime,
        memory: Option<&mut dyn TokenMemory>,
        scratch: &'s mut [u8],
    ) -> Result<AccessToken<'s>, Error> {
        let basis = form.basis(credential)?;
        judge(self, memory, basis, holder_of(presenter, credential)?, now, scratch)
    }
}

/// Judges a token anew, or again where `memory` knows it; an issuer's answer always anew.
pub(crate) fn judge<'s>(
    verifier: &Verifier<'_>,
    memory: Option<&mut dyn TokenMemory>,
    basis: Basis<'_>,
    holder: Holder,
    now: UnixTime,
    scratch: &'s mut [u8],
) -> Result<AccessToken<'s>, Error> {
    let token = match basis {
        Basis::Token(token) => token,
        Basis::Answer(answer) => return verifier.judge_introspected(answer, holder, now, scratch),
    };
    let version = verifier.keys().version();
    let Some(memory) = memory else {
        return verifier.judge(&token.compact(verifier.limits())?, holder, now, None, scratch).map(|judged| judged.token);
    };
    if let Some(recalled) = memory.recall(token, version, scratch) {
        return recalled.judge_again(verifier, holder, now, scratch);
    }
    let judged = verifier.judge(&token.compact(verifier.limits())?, holder, now, memory.last_header(), scratch)?;
    memory.keep(token, version, &judged);
    Ok(judged.token)
}

/// How many slots a token may lie in: tokens that fall together do not displace each other at once.
const WAYS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::FAPI;
    use crate::jose::keys::KeySet;
    use crate::oauth::certificate::ClientCertificate;

    const TOKEN: &[u8] = include_bytes!("../../tests/data/paved/token.txt");

    /// A cache that knows the token, what is then done to its slots, and whether the token is still recalled.
    fn is_recalled_after(change: impl Fn(&mut CacheSlot<1024>)) -> bool {
        let keys = KeySet::<8>::parse(include_bytes!("../../tests/data/paved/jwks.json"), FAPI).unwrap();
        let verifier = Verifier::new("https://as.example", "https://api.example", FAPI, keys.keys()).unwrap();
        let holder = ClientCertificate::Der(include_bytes!("../../tests/data/paved/client.der")).thumbprint(&mut []).unwrap();
        let mut slots = vec![CacheSlot::<1024>::empty(); 4];
        let mut scratch = [0; 4096];
        let mut cache = TokenCache::new(slots.as_mut_slice(), HashKey::new([7; 16])).unwrap();
        cache.accept(&verifier, TOKEN, Presenter::Certificate(holder), UnixTime(1_800_000_000), &mut scratch).unwrap();
        slots.iter_mut().for_each(change);
        let mut cache = TokenCache::resume(slots.as_mut_slice(), HashKey::new([7; 16])).unwrap();
        cache.recall(TokenText::whole(TOKEN), keys.keys().version(), &mut scratch).is_some()
    }

    #[test]
    fn a_cache_that_resumes_knows_its_tokens() {
        assert!(is_recalled_after(|_| ()));
    }

    #[test]
    fn a_place_that_was_not_written_to_its_end_is_empty() {
        assert!(!is_recalled_after(|slot| slot.token_length = 0));
    }

    #[test]
    fn a_place_with_impossible_lengths_is_no_token() {
        assert!(!is_recalled_after(|slot| slot.known.payload_length = u32::MAX));
        assert!(!is_recalled_after(|slot| slot.token_length = u32::MAX));
    }
}
