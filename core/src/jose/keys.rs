//! Trusted keys: a JWK Set loaded into a fixed capacity, each key judged once, before any token (RFC 7517 section 5).

use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::jose::algorithm::{self, Algorithm, Algorithms, Primitive};
use crate::jose::jwk::{Jwk, MAX_KID, PublicKey};
use crate::wire::json;
use crate::wire::value::{Str, Value};

/// A judged key with the one operation that it may be used for (RFC 8725 section 3.1).
#[derive(Clone, Debug)]
pub struct Key {
    kid: Option<heapless::String<MAX_KID>>,
    primitive: Primitive,
    /// The one name that the JWK's `alg` ties the key to, of the names that its operation has.
    name: Option<&'static str>,
    public: PublicKey,
}

impl Key {
    /// Judges one JWK by itself.
    ///
    /// # Errors
    /// The `Key…` error that names the fault, or a shape error of its JSON.
    pub fn parse(jwk: &[u8], algorithms: Algorithms<'_>) -> Result<Self, Error> {
        Self::admit(Jwk::read(document_of(jwk)?)?, algorithms)
    }

    fn admit(jwk: Jwk<'_>, algorithms: Algorithms<'_>) -> Result<Self, Error> {
        let kid = jwk.kid.map(owned_kid).transpose()?;
        let algorithm = match jwk.alg {
            Some(alg) => algorithm::named(algorithms, alg)
                .filter(|algorithm| algorithm.primitive().fits(&jwk.public))
                .ok_or(Error::KeyAlgorithmConflict)?,
            None => only_fitting(&jwk.public, algorithms)?,
        };
        algorithm.admit(&jwk.public)?;
        let name = jwk.alg.map(|_| algorithm.name());
        Ok(Self { kid, primitive: algorithm.primitive(), name, public: jwk.public })
    }

    /// The key's identifier.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The key itself.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    fn serves(&self, algorithm: &dyn Algorithm) -> bool {
        self.primitive == algorithm.primitive() && self.name.is_none_or(|name| name == algorithm.name())
    }
}

fn owned_kid(kid: Str<'_>) -> Result<heapless::String<MAX_KID>, Error> {
    let mut owned = heapless::String::new();
    kid.chars().try_for_each(|character| owned.push(character)).map_err(|_| Error::KeyIdTooLong)?;
    Ok(owned)
}

/// The listed algorithm for a key without `alg`: all that fit it must be names of one operation.
fn only_fitting<'a>(public: &PublicKey, algorithms: Algorithms<'a>) -> Result<&'a dyn Algorithm, Error> {
    let mut fitting = algorithms.iter().copied().filter(|algorithm| algorithm.primitive().fits(public));
    let first = fitting.next().ok_or(Error::KeyTypeUnsupported)?;
    if fitting.any(|other| other.primitive() != first.primitive()) {
        return Err(Error::KeyAlgorithmAmbiguous);
    }
    Ok(first)
}

/// A key of a set that was not taken, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedKey {
    /// Its place in `keys`, from 0.
    pub index: usize,
    /// Why it will never verify anything.
    pub error: Error,
}

/// At most `N` keys of one issuer.
///
/// A key that cannot be used (for encryption, of an algorithm that is not listed, weak, private…) is left out and listed in
/// [`KeySet::refused`], as RFC 7517 section 5 advises: a token that names it finds no key. What makes the whole set doubtful
/// (bad JSON, a repeated `kid`, more keys than fit, no usable key) refuses the whole set.
#[derive(Clone, Debug)]
pub struct KeySet<const N: usize> {
    keys: heapless::Vec<Key, N>,
    refused: heapless::Vec<RefusedKey, N>,
    version: KeyVersion,
}

/// A short hash of the set's text: tells a verified token of an older set from one of this set.
pub type KeyVersion = [u8; 16];

impl<const N: usize> Default for KeySet<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> KeySet<N> {
    /// A set without keys, to be loaded in place where the stack is small: a key takes up to 900 bytes. A token that is judged by it is
    /// refused with [`Error::LookupUnavailable`].
    #[must_use]
    pub const fn new() -> Self {
        Self { keys: heapless::Vec::new(), refused: heapless::Vec::new(), version: [0; 16] }
    }

    /// Loads a JWK Set, judging each key by the algorithms that the policy lists.
    ///
    /// # Errors
    /// A shape error of the JSON, [`Error::KeySetMalformed`], [`Error::KeyIdRepeated`], [`Error::KeySetFull`],
    /// [`Error::KeySetEmpty`]; where no key was usable, the error of the first one.
    pub fn parse(jwks: &[u8], algorithms: Algorithms<'_>) -> Result<Self, Error> {
        let mut set = Self::new();
        set.load(jwks, algorithms)?;
        Ok(set)
    }

    /// As [`KeySet::parse`], in place of what the set held; after an error it holds nothing.
    ///
    /// # Errors
    /// As [`KeySet::parse`].
    pub fn load(&mut self, jwks: &[u8], algorithms: Algorithms<'_>) -> Result<(), Error> {
        self.clear();
        let loaded = self.fill(jwks, algorithms);
        if loaded.is_err() {
            self.clear();
        }
        loaded
    }

    fn clear(&mut self) {
        self.keys.clear();
        self.refused.clear();
    }

    fn fill(&mut self, jwks: &[u8], algorithms: Algorithms<'_>) -> Result<(), Error> {
        let document = document_of(jwks)?;
        let members = document.as_object().ok_or(Error::JsonNotObject)?;
        let elements = members.get("keys").and_then(Value::as_array).ok_or(Error::KeySetMalformed)?;
        refuse_repeated_kids(document)?;
        self.version = version_of(jwks);
        for (index, element) in elements.enumerate() {
            if element.as_object().is_none() {
                return Err(Error::KeySetMalformed);
            }
            match Jwk::read(element).and_then(|jwk| Key::admit(jwk, algorithms)) {
                Ok(key) => self.keys.push(key).map_err(|_| Error::KeySetFull)?,
                Err(error) => self.refused.push(RefusedKey { index, error }).map_err(|_| Error::KeySetFull)?,
            }
        }
        if self.keys.is_empty() {
            return Err(self.refused.first().map_or(Error::KeySetEmpty, |refused| refused.error));
        }
        Ok(())
    }

    /// The keys, for a policy, without anything prepared.
    #[must_use]
    pub fn keys(&self) -> Keys<'_> {
        Keys { keys: &self.keys, version: &self.version, memory: &[], places: &[] }
    }

    /// Prepares the keys in `memory`, which all share alike, for the implementations that will judge with them.
    ///
    /// How much memory gains how much is each implementation's to say; what does not suffice stays unused. For ES256 keys see
    /// [`HOST_WORDS`](crate::crypto::p256::HOST_WORDS), which suffices for keys of every kind, and its neighbours.
    pub fn prepare<M: AsRef<[u64]> + AsMut<[u64]>>(self, algorithms: Algorithms<'_>, mut memory: M) -> PreparedKeySet<N, M> {
        let mut places = heapless::Vec::new();
        let mut rest = memory.as_mut();
        let mut start = 0usize;
        for (i, key) in self.keys.iter().enumerate() {
            let share = rest.len().checked_div(self.keys.len().saturating_sub(i)).unwrap_or(0);
            let own = rest.get_mut(..share).unwrap_or_default();
            let algorithm = algorithms.iter().find(|algorithm| key.serves(**algorithm));
            let length = algorithm.map_or(0, |algorithm| algorithm.prepare(&key.public, own)).min(share);
            // One place a key: there is room.
            let _ = places.push(Place { start, length });
            start = start.saturating_add(length);
            rest = rest.get_mut(length..).unwrap_or_default();
        }
        PreparedKeySet { set: self, memory, places }
    }

    /// The keys that were left out.
    #[must_use]
    pub fn refused(&self) -> &[RefusedKey] {
        &self.refused
    }
}

/// Kept out of its caller, so that the scanner's stack is free again when the keys are judged.
#[inline(never)]
fn document_of(jwks: &[u8]) -> Result<Value<'_>, Error> {
    json::read_value(jwks)
}

/// Compared over all keys, also those that are left out: who repeats an identifier has lost track of the set.
fn refuse_repeated_kids(document: Value<'_>) -> Result<(), Error> {
    let kids = || {
        let keys = document.as_object().and_then(|members| members.get("keys")).and_then(Value::as_array);
        keys.into_iter().flatten().filter_map(|key| key.as_object()?.get("kid")?.as_str())
    };
    for (i, kid) in kids().enumerate() {
        if kids().take(i).any(|earlier| earlier.same(kid)) {
            return Err(Error::KeyIdRepeated);
        }
    }
    Ok(())
}

fn version_of(jwks: &[u8]) -> KeyVersion {
    let hash: [u8; 32] = Sha256::digest(jwks).into();
    hash.first_chunk().copied().unwrap_or_default()
}

/// A [`KeySet`] with what was prepared for its keys, in memory that the caller provided: together, so that no key is ever judged with
/// another's.
#[derive(Debug)]
pub struct PreparedKeySet<const N: usize, M> {
    set: KeySet<N>,
    memory: M,
    places: heapless::Vec<Place, N>,
}

/// Where a key's words stand in the memory of its set.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    length: usize,
}

impl<const N: usize, M: AsRef<[u64]>> PreparedKeySet<N, M> {
    /// The keys, for a policy.
    #[must_use]
    pub fn keys(&self) -> Keys<'_> {
        Keys { memory: self.memory.as_ref(), places: &self.places, ..self.set.keys() }
    }

    /// The keys that were left out.
    #[must_use]
    pub fn refused(&self) -> &[RefusedKey] {
        self.set.refused()
    }

    /// Gives the memory back, to prepare other keys in it.
    #[must_use]
    pub fn into_memory(self) -> M {
        self.memory
    }
}

/// A view of a [`KeySet`] or [`PreparedKeySet`], whatever its capacity.
#[derive(Clone, Copy)]
pub struct Keys<'a> {
    keys: &'a [Key],
    version: &'a KeyVersion,
    memory: &'a [u64],
    places: &'a [Place],
}

impl core::fmt::Debug for Keys<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.keys.iter().map(Key::kid)).finish()
    }
}

/// A key that a token names, with what was prepared for it.
#[derive(Clone, Copy)]
pub(crate) struct FoundKey<'a> {
    pub(crate) public: &'a PublicKey,
    pub(crate) prepared: &'a [u64],
}

impl<'a> Keys<'a> {
    /// Which set this is.
    #[must_use]
    pub const fn version(&self) -> &'a KeyVersion {
        self.version
    }

    /// Every key.
    pub fn iter(&self) -> impl Iterator<Item = &'a Key> + use<'a> {
        self.keys.iter()
    }

    /// The key that `kid` names exactly; without `kid`, the only key that serves the algorithm. A set that was never loaded is an outage.
    pub(crate) fn find(&self, kid: Option<Str<'_>>, algorithm: &dyn Algorithm) -> Result<FoundKey<'a>, Error> {
        if self.keys.is_empty() {
            return Err(Error::LookupUnavailable);
        }
        let Some(kid) = kid else {
            let mut serving = self.iter().enumerate().filter(|(_, key)| key.serves(algorithm));
            let (index, only) = serving.next().ok_or(Error::KeyUnknown)?;
            return if serving.next().is_some() { Err(Error::KeyAmbiguous) } else { Ok(self.found(index, only)) };
        };
        let mut named = self.iter().enumerate().filter(|(_, key)| key.kid().is_some_and(|own| kid.is(own)));
        let (index, key) = named.next().ok_or(Error::KeyUnknown)?;
        if key.serves(algorithm) { Ok(self.found(index, key)) } else { Err(Error::KeyAlgorithmMismatch) }
    }

    fn found(&self, index: usize, key: &'a Key) -> FoundKey<'a> {
        let place = self.places.get(index);
        let prepared = place.and_then(|place| self.memory.get(place.start..place.start.checked_add(place.length)?));
        FoundKey { public: key.public(), prepared: prepared.unwrap_or(&[]) }
    }
}
