//! The RSA public operation, with or without prepared constants, on the unit asked for.

use super::digit::Digit;
use super::montgomery::{self, is_less};
use super::unit::{Native, Unit};
use super::{OCTETS, PublicKey, power, vector};

/// Words of the largest table: 373, not quite 3 KiB. A modulus of 2048 bits takes 189 words at most.
pub const TABLE_WORDS: usize = words::<16, 10>().1;

/// Words of a table without and with the constants of the vector kernel: the number of words in use, n, −1/n mod 2^256, R² mod n;
/// and, for limbs of 52 bits, n, −1/n and R².
#[expect(clippy::arithmetic_side_effects, reason = "at most a few hundred")]
const fn words<const K: usize, const V: usize>() -> (usize, usize) {
    let portable = 1 + 4 * K + 4 + 4 * K;
    (portable, portable + 3 * 8 * V)
}

/// Writes the constants of `key`'s arithmetic to the start of `table` and returns how many words they took; 0, when they do not fit.
///
/// On a CPU with AVX-512 IFMA the table holds the constants of both kernels if they fit. The cost is about that of one verification.
#[must_use = "a verification may be given just the words in use"]
pub fn prepare(key: &PublicKey<'_>, table: &mut [u64]) -> usize {
    prepare_on::<Native>(key, table)
}

/// [`prepare`] for a unit of the caller's choice.
#[must_use]
#[doc(hidden)]
pub fn prepare_on<U: Unit>(key: &PublicKey<'_>, table: &mut [u64]) -> usize {
    match key.modulus.len() {
        ..=256 => write::<U, 8, 5>(key, table),
        257..=384 => write::<U, 12, 8>(key, table),
        _ => write::<U, 16, 10>(key, table),
    }
    .unwrap_or(0)
}

/// `signature`^e mod n, if the signature is as long as the modulus and below it.
pub(super) fn open<'o, U: Unit>(key: &PublicKey<'_>, table: &[u64], signature: &[u8], out: &'o mut [u8; OCTETS]) -> Option<&'o mut [u8]> {
    if signature.len() != key.modulus.len() {
        return None;
    }
    let out = out.get_mut(..signature.len())?;
    match signature.len() {
        ..=256 => raise::<U, 8, 5>(key, table, signature, out),
        257..=384 => raise::<U, 12, 8>(key, table, signature, out),
        _ => raise::<U, 16, 10>(key, table, signature, out),
    }?;
    Some(out)
}

#[inline(never)]
fn write<U: Unit, const K: usize, const V: usize>(key: &PublicKey<'_>, table: &mut [u64]) -> Option<usize> {
    let (portable, both) = words::<K, V>();
    let n: [Digit; K] = from_be(key.modulus);
    let vectors = if table.len() < both { None } else { U::constants::<K, V>(&n) };
    let used = if vectors.is_some() { both } else { portable };
    let (inverse, square) = if table.len() < used { return None } else { montgomery::constants(&n) };
    let header = [u64::try_from(used).ok()?];
    let digits = [header.as_slice(), n.as_flattened(), &inverse, square.as_flattened()];
    let blocks = vectors.as_ref().map(|constants| [&constants.modulus, &constants.inverse, &constants.square]);
    let limbs = blocks.iter().flatten().flat_map(|blocks| blocks.as_flattened());
    for (word, value) in table.iter_mut().zip(digits.into_iter().flatten().chain(limbs)) {
        *word = *value;
    }
    Some(used)
}

/// The parts of a table, if it is one of this modulus.
fn read<'t, const K: usize, const V: usize>(
    table: &'t [u64],
    n: &[Digit; K],
) -> Option<(montgomery::Modulus<'t, K>, Option<vector::Modulus<'t, V>>)> {
    let (used, _) = table.split_first()?;
    let table = table.get(..usize::try_from(*used).ok()?)?;
    let (modulus, rest) = table.get(1..)?.split_at_checked(n.as_flattened().len())?;
    let (inverse, rest) = rest.split_first_chunk::<4>()?;
    let (square, rest) = rest.split_at_checked(modulus.len())?;
    let modulus = modulus.as_chunks().0.first_chunk().filter(|modulus| *modulus == n)?;
    let square = square.as_chunks().0.first_chunk()?;
    let vectors = match rest.as_chunks::<8>().0.as_chunks::<V>().0 {
        [modulus, inverse, square] => Some(vector::Modulus { modulus, inverse, square }),
        _ => None,
    };
    Some((montgomery::Modulus { modulus, inverse, square }, vectors))
}

// not inlined, nor what it calls: a frame is as large as its width and its unit need
#[inline(never)]
fn raise<U: Unit, const K: usize, const V: usize>(key: &PublicKey<'_>, table: &[u64], signature: &[u8], out: &mut [u8]) -> Option<()> {
    let n: [Digit; K] = from_be(key.modulus);
    let base = from_be(signature);
    if !is_less(&base, &n) {
        return None;
    }
    let result = vector_power::<U, K, V>(table, &n, &base, key.exponent);
    let result = result.unwrap_or_else(|| match read::<K, V>(table, &n) {
        Some((modulus, _)) => portable_power(&modulus, &base, key.exponent),
        None => unprepared_power(&n, &base, key.exponent),
    });
    for (octets, limb) in out.rchunks_mut(8).zip(result.as_flattened()) {
        octets.copy_from_slice(limb.to_be_bytes().get(8usize.checked_sub(octets.len())?..)?);
    }
    Some(())
}

#[inline(never)]
fn unprepared_power<const K: usize>(n: &[Digit; K], base: &[Digit; K], exponent: u64) -> [Digit; K] {
    let (inverse, square) = montgomery::constants(n);
    portable_power(&montgomery::Modulus { modulus: n, inverse: &inverse, square: &square }, base, exponent)
}

#[inline(never)]
fn portable_power<const K: usize>(modulus: &montgomery::Modulus<'_, K>, base: &[Digit; K], exponent: u64) -> [Digit; K] {
    let mut result = power::power(modulus, modulus.square, base, exponent);
    if !is_less(&result, modulus.modulus) {
        montgomery::subtract(&mut result, modulus.modulus);
    }
    result
}

/// The power on a vector unit; `None` where the portable arithmetic does it.
#[inline(never)]
fn vector_power<U: Unit, const K: usize, const V: usize>(
    table: &[u64],
    n: &[Digit; K],
    base: &[Digit; K],
    exponent: u64,
) -> Option<[Digit; K]> {
    let constants;
    let modulus = match read::<K, V>(table, n) {
        Some((_, Some(vectors))) => vectors,
        _ => {
            constants = U::constants(n)?;
            constants.as_modulus()
        }
    };
    U::power(&modulus, base, exponent)
}

/// Big-endian octets, at most as many as the digits hold.
fn from_be<const K: usize>(octets: &[u8]) -> [Digit; K] {
    let mut digits = [[0; 4]; K];
    for (limb, chunk) in digits.as_flattened_mut().iter_mut().zip(octets.rchunks(8)) {
        *limb = match chunk.as_array() {
            Some(octets) => u64::from_be_bytes(*octets),
            None => chunk.iter().fold(0, |limb, octet| limb << 8 | u64::from(*octet)),
        };
    }
    digits
}
