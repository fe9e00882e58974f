//! An issuer's keys, which may be loaded again while they are in use.

use core::mem::MaybeUninit;

use counterfoil::Error;
use counterfoil::crypto::{ED25519, EDDSA, PS256, RS256};
use counterfoil::jose::algorithm::{Algorithm, Algorithms};
use counterfoil::jose::keys::{KeySet, PreparedKeySet};

#[cfg(not(feature = "small"))]
use counterfoil::crypto::ES256;
#[cfg(feature = "small")]
use counterfoil::crypto::small::ES256;

#[cfg(not(feature = "std"))]
use crate::boundary::Buffer;
use crate::boundary::{Bytes, Code, given, guard};

/// ECDSA with P-256 and SHA-256 (RFC 7518 section 3.4).
pub const COUNTERFOIL_ES256: u32 = 1;
/// RSASSA-PSS with SHA-256 (RFC 7518 section 3.5).
pub const COUNTERFOIL_PS256: u32 = 2;
/// Ed25519 under the name `EdDSA` (RFC 8037 section 3.1).
pub const COUNTERFOIL_EDDSA: u32 = 4;
/// Ed25519 under its own name (RFC 9864 section 2.2).
pub const COUNTERFOIL_ED25519: u32 = 8;
/// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3): none of FAPI's.
pub const COUNTERFOIL_RS256: u32 = 16;
/// What FAPI 2.0 section 5.4.1 permits.
pub const COUNTERFOIL_FAPI: u32 = 15;

/// How many keys a set holds at most.
#[cfg(feature = "std")]
pub const COUNTERFOIL_MAX_KEYS: usize = 32;
/// How many keys a set holds at most.
#[cfg(not(feature = "std"))]
pub const COUNTERFOIL_MAX_KEYS: usize = 4;

const EACH: [&dyn Algorithm; 5] = [&ES256, &PS256, &EDDSA, &ED25519, &RS256];

/// Every subset of the algorithms: its members, and how many they are.
static SUBSETS: [([&dyn Algorithm; 5], usize); 32] = subsets();

const fn subsets() -> [([&'static dyn Algorithm; 5], usize); 32] {
    let mut subsets = [(EACH, 0); 32];
    let mut bits = 0;
    while bits < 32 {
        let mut one = 0;
        while one < 5 {
            if bits & 1 << one != 0 {
                subsets[bits].0[subsets[bits].1] = EACH[one];
                subsets[bits].1 += 1;
            }
            one += 1;
        }
        bits += 1;
    }
    subsets
}

/// The algorithms whose bits are set.
pub(crate) fn algorithms_of(bits: u32) -> Result<Algorithms<'static>, Error> {
    let subset = usize::try_from(bits).ok().and_then(|bits| SUBSETS.get(bits)).ok_or(Error::LimitOutOfRange)?;
    match subset.0.get(..subset.1) {
        Some(algorithms @ [_, ..]) => Ok(algorithms),
        _ => Err(Error::AlgorithmsUnset),
    }
}

/// An issuer's keys. Nothing until they are loaded: tokens are then refused with 503.
///
/// `load` may run beside everything else that uses the same keys, from any thread; with the embedded build, one after the other.
pub struct Keys {
    algorithms: Algorithms<'static>,
    most: usize,
    #[cfg(feature = "std")]
    words: usize,
    current: Current,
}

#[cfg(feature = "std")]
type Memory = Vec<u64>;
#[cfg(not(feature = "std"))]
type Memory = &'static mut [u64];

pub(crate) type Prepared = PreparedKeySet<COUNTERFOIL_MAX_KEYS, Memory>;

#[cfg(feature = "std")]
type Current = arc_swap::ArcSwap<Prepared>;
#[cfg(not(feature = "std"))]
type Current = core::cell::RefCell<Option<Prepared>>;

/// The keys of one moment.
#[cfg(feature = "std")]
pub(crate) type Snapshot<'k> = arc_swap::Guard<std::sync::Arc<Prepared>>;
#[cfg(not(feature = "std"))]
pub(crate) type Snapshot<'k> = core::cell::Ref<'k, Prepared>;

#[cfg(feature = "std")]
impl Keys {
    fn new(algorithms: u32, most: usize, table_size: usize) -> Result<Box<Self>, Error> {
        let algorithms = algorithms_of(algorithms)?;
        let current = Current::from_pointee(KeySet::new().prepare(algorithms, Vec::new()));
        let words = table_size.min(isize::MAX.unsigned_abs() / COUNTERFOIL_MAX_KEYS) / size_of::<u64>();
        Ok(Box::new(Self { algorithms, most: most_of(most)?, words, current }))
    }

    fn load(&self, jwks: &[u8]) -> Result<(), Error> {
        let set = set_of(jwks, self.algorithms, self.most)?;
        let words = set.keys().iter().count() * self.words;
        self.current.store(std::sync::Arc::new(set.prepare(self.algorithms, vec![0; words])));
        Ok(())
    }

    pub(crate) fn snapshot(&self) -> Result<Snapshot<'_>, Error> {
        Ok(self.current.load())
    }
}

#[cfg(not(feature = "std"))]
impl Keys {
    fn new(algorithms: u32, most: usize, tables: Buffer<'static>) -> Result<Self, Error> {
        let algorithms = algorithms_of(algorithms)?;
        let prepared = KeySet::new().prepare(algorithms, tables.words()?);
        Ok(Self { algorithms, most: most_of(most)?, current: Current::new(Some(prepared)) })
    }

    fn load(&self, jwks: &[u8]) -> Result<(), Error> {
        let set = set_of(jwks, self.algorithms, self.most)?;
        let mut current = self.current.try_borrow_mut().map_err(|_| Error::LookupUnavailable)?;
        let memory = current.take().map_or::<Memory, _>(&mut [], PreparedKeySet::into_memory);
        *current = Some(set.prepare(self.algorithms, memory));
        Ok(())
    }

    pub(crate) fn snapshot(&self) -> Result<Snapshot<'_>, Error> {
        let current = self.current.try_borrow().map_err(|_| Error::LookupUnavailable)?;
        core::cell::Ref::filter_map(current, Option::as_ref).map_err(|_| Error::LookupUnavailable)
    }
}

fn most_of(most: usize) -> Result<usize, Error> {
    if (1..=COUNTERFOIL_MAX_KEYS).contains(&most) { Ok(most) } else { Err(Error::LimitOutOfRange) }
}

fn set_of(jwks: &[u8], algorithms: Algorithms<'_>, most: usize) -> Result<KeySet<COUNTERFOIL_MAX_KEYS>, Error> {
    let set = KeySet::parse(jwks, algorithms)?;
    if set.keys().iter().count() > most || set.refused().len() > most { Err(Error::KeySetFull) } else { Ok(set) }
}

/// Makes an empty set of at most `most` keys (`COUNTERFOIL_MAX_KEYS` at most), each for one of `algorithms`, with a table of at most
/// `table_size` octets for each key, which makes its signatures cheaper to judge: 0 for none, 262144 where memory is no concern.
#[cfg(feature = "std")]
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_keys_new(
    algorithms: u32,
    most: usize,
    table_size: usize,
    keys_out: Option<&mut MaybeUninit<Option<Box<Keys>>>>,
) -> Code {
    guard(|| {
        let out = given(keys_out)?;
        out.write(Some(Keys::new(algorithms, most, table_size)?));
        Ok(())
    })
}

/// Frees the keys, which nothing may use any more. NULL is fine.
#[cfg(feature = "std")]
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_keys_free(keys: Option<Box<Keys>>) {
    guard(|| {
        drop(keys);
        Ok(())
    });
}

/// How many octets an object takes for `counterfoil_keys_init`.
#[cfg(not(feature = "std"))]
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_keys_size() -> usize {
    size_of::<Keys>()
}

/// As `counterfoil_keys_new`, in `memory` of `counterfoil_keys_size` octets aligned to 8, with the keys' tables in `tables`, aligned
/// to 8, which all keys share. Both belong to the keys from then on.
#[cfg(not(feature = "std"))]
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_keys_init(
    algorithms: u32,
    most: usize,
    memory: Buffer<'static>,
    tables: Buffer<'static>,
    keys_out: Option<&mut MaybeUninit<Option<&'static mut Keys>>>,
) -> Code {
    guard(|| {
        let out = given(keys_out)?;
        out.write(Some(memory.place(Keys::new(algorithms, most, tables)?)?));
        Ok(())
    })
}

/// Loads a JWK Set (RFC 7517 section 5) in place of what the keys held, all at once: a call that is judging a token goes on with the
/// old ones. After an error the old keys stay.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_keys_load(keys: Option<&Keys>, jwks: Bytes<'_>) -> Code {
    guard(|| given(keys)?.load(jwks.read()?))
}

/// How many keys can verify; 0 before the first load.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_keys_count(keys: Option<&Keys>) -> usize {
    keys.and_then(|keys| keys.snapshot().ok()).map_or(0, |snapshot| snapshot.keys().iter().count())
}

/// The key of the set that was left out as the `number`th, from 0: its place in `keys` of the JWK Set, and the code of its fault.
///
/// Returns `COUNTERFOIL_ERROR_KEY_UNKNOWN` when there are not so many.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_keys_refused(
    keys: Option<&Keys>,
    number: usize,
    index_out: Option<&mut MaybeUninit<usize>>,
    code_out: Option<&mut MaybeUninit<Code>>,
) -> Code {
    guard(|| {
        let (index, code) = (given(index_out)?, given(code_out)?);
        let snapshot = given(keys)?.snapshot()?;
        let refused = snapshot.refused().get(number).ok_or(Error::KeyUnknown)?;
        index.write(refused.index);
        code.write(refused.error.code());
        Ok(())
    })
}
