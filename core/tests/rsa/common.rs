//! What the tests share: every path, repeatable random numbers, and `crypto-bigint` as the oracle.

use counterfoil::crypto::rsa::{self, Ifma, PlainLanes, Portable, PublicKey, TABLE_WORDS};
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd, Resize as _};
use rand_core::{TryCryptoRng, TryRng};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Portable,
    Plain,
    Ifma,
}

pub(crate) const UNITS: [Unit; 3] = [Unit::Portable, Unit::Plain, Unit::Ifma];

macro_rules! on {
    ($unit:expr, $function:ident($($argument:expr),*)) => {
        match $unit {
            Unit::Portable => rsa::$function::<Portable>($($argument),*),
            Unit::Plain => rsa::$function::<PlainLanes>($($argument),*),
            Unit::Ifma => rsa::$function::<Ifma>($($argument),*),
        }
    };
}

pub(crate) fn prepare_on(unit: Unit, key: &PublicKey<'_>, table: &mut [u64]) -> usize {
    on!(unit, prepare_on(key, table))
}

pub(crate) fn open_on<'o>(
    unit: Unit,
    key: &PublicKey<'_>,
    table: &[u64],
    signature: &[u8],
    out: &'o mut [u8; 512],
) -> Option<&'o mut [u8]> {
    on!(unit, open_on(key, table, signature, out))
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(crate) fn octets(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.word().to_le_bytes()[0]).collect()
    }
}

impl TryRng for Random {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok((self.word() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(self.word())
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), Self::Error> {
        octets.fill_with(|| self.word().to_le_bytes()[0]);
        Ok(())
    }
}

impl TryCryptoRng for Random {}

/// base^exponent mod modulus, big-endian, as long as the modulus.
pub(crate) fn oracle_power(modulus: &[u8], base: &[u8], exponent: &[u8]) -> Vec<u8> {
    let integer = |octets: &[u8]| BoxedUint::from_be_slice(octets, 8 * octets.len() as u32).unwrap();
    let n = integer(modulus);
    let precision = n.bits_precision();
    let parameters = BoxedMontyParams::new_vartime(Odd::new(n).unwrap());
    let power = BoxedMontyForm::new(integer(base).resize(precision), &parameters).pow(&integer(exponent)).retrieve();
    let octets = power.to_be_bytes();
    octets[octets.len() - modulus.len()..].to_vec()
}

/// Every table worth trying for a key: none, one for each unit, one that was cut off, and one with room to spare full of garbage.
pub(crate) fn tables(key: &PublicKey<'_>) -> Vec<Vec<u64>> {
    let mut tables = vec![Vec::new()];
    for unit in UNITS {
        let mut table = vec![u64::MAX; TABLE_WORDS];
        let used = prepare_on(unit, key, &mut table);
        assert!(used > 0);
        tables.push(table.clone());
        table.truncate(used);
        tables.push(table.clone());
        table.pop();
        tables.push(table);
    }
    tables
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Pss,
    Pkcs1,
}

/// The verdict, which every unit must give with and without tables.
pub(crate) fn verdict(scheme: Scheme, key: &PublicKey<'_>, message: &[u8], signature: &[u8]) -> bool {
    verdict_on(&UNITS, scheme, key, message, signature)
}

/// [`verdict`] where there are many: the slow lanes in plain Rust take one in eight.
pub(crate) fn verdict_sampled(scheme: Scheme, key: &PublicKey<'_>, message: &[u8], signature: &[u8]) -> bool {
    let units = if signature.last().is_some_and(|octet| octet % 8 == 0) { UNITS.as_slice() } else { &[Unit::Ifma] };
    verdict_on(units, scheme, key, message, signature)
}

fn verdict_on(units: &[Unit], scheme: Scheme, key: &PublicKey<'_>, message: &[u8], signature: &[u8]) -> bool {
    let verify = |unit, table: &[u64]| match scheme {
        Scheme::Pss => on!(unit, verify_pss_on(key, table, message, signature)),
        Scheme::Pkcs1 => on!(unit, verify_pkcs1_on(key, table, message, signature)),
    };
    let first = verify(Unit::Portable, &[]);
    for unit in units {
        let mut table = vec![0; TABLE_WORDS];
        // one table serves every unit
        let used = prepare_on(Unit::Ifma, key, &mut table);
        assert_eq!(verify(*unit, &table[..used]), first, "{unit:?} with a table");
    }
    assert_eq!(verify(Unit::Ifma, &[]), first, "vectors without a table");
    first
}
