//! The public operation on every unit and with every kind of table, against `crypto-bigint`.

use crate::common::{Random, UNITS, Unit, open_on, oracle_power, prepare_on, tables};
use counterfoil::crypto::rsa::{KeyError, PublicKey, TABLE_WORDS, prepare, verify_pkcs1, verify_pss};

const LENGTHS: [usize; 18] = [2048, 2049, 2050, 2055, 2056, 2057, 2111, 2112, 2113, 2559, 3071, 3072, 3073, 3080, 3329, 4031, 4095, 4096];
const EXPONENTS: [u64; 9] = [3, 5, 7, 17, 65537, 65539, 0xffff_ffff, 0x1_0000_0001, 0x1_ffff_ffff];

/// Big-endian, odd, of exactly that many bits.
fn with_length(mut octets: Vec<u8>, bits: usize) -> Vec<u8> {
    let top = (bits - 1) % 8;
    octets[0] &= (1u16 << (top + 1)).wrapping_sub(1) as u8;
    octets[0] |= 1 << top;
    *octets.last_mut().unwrap() |= 1;
    octets
}

/// Random moduli and those that strain carries: all ones, a lone top bit, long runs, limbs of zero and of 2^52 − 1.
fn moduli(bits: usize, random: &mut Random) -> Vec<Vec<u8>> {
    let length = bits.div_ceil(8);
    let mut moduli: Vec<Vec<u8>> = (0..3).map(|_| random.octets(length)).collect();
    moduli.push(vec![0xff; length]);
    moduli.push(vec![0; length]);
    let mut half = vec![0; length];
    half[length / 2..].fill(0xff);
    moduli.push(half.clone());
    half.reverse();
    moduli.push(half);
    let mut low_limb = vec![0xff; length];
    low_limb[length - 8..].fill(0);
    moduli.push(low_limb);
    moduli.push((0..length).map(|at| if at / 13 % 2 == 0 { 0xff } else { 0 }).collect());
    moduli.into_iter().map(|octets| with_length(octets, bits)).collect()
}

fn less_one(modulus: &[u8]) -> Vec<u8> {
    let mut octets = modulus.to_vec();
    *octets.last_mut().unwrap() -= 1;
    octets
}

/// Bases below the modulus, at the edges and random.
fn bases(modulus: &[u8], random: &mut Random) -> Vec<Vec<u8>> {
    let length = modulus.len();
    let small = |value| {
        let mut octets = vec![0; length];
        octets[length - 1] = value;
        octets
    };
    let mut ones = vec![0xff; length];
    ones[0] = 0;
    let mut bit = vec![0; length];
    bit[1] = 0x80;
    let mut bases = vec![small(0), small(1), small(2), less_one(modulus), ones, bit];
    for _ in 0..4 {
        let mut octets = random.octets(length);
        octets[0] = 0;
        bases.push(octets);
    }
    // random over the whole range
    bases.extend((0..4).map(|_| oracle_power(modulus, &random.octets(length), &[1])));
    bases
}

#[test]
fn the_power_is_that_of_crypto_bigint() {
    let mut random = Random(1);
    let mut out = [0; 512];
    for bits in LENGTHS {
        for (number, modulus) in moduli(bits, &mut random).iter().enumerate() {
            let exponent = EXPONENTS[(number + bits) % EXPONENTS.len()];
            for exponent in [exponent, 65537] {
                let key = PublicKey::new(modulus, exponent).unwrap();
                assert_eq!(key.bits(), bits);
                let tables = tables(&key);
                for (number, base) in bases(modulus, &mut random).iter().enumerate() {
                    let expected = oracle_power(modulus, base, &exponent.to_be_bytes());
                    // the lanes in plain Rust are slow
                    let units = if exponent == 65537 && number % 4 != 0 { [Unit::Portable, Unit::Ifma].as_slice() } else { &UNITS };
                    for unit in units.iter().copied() {
                        let table = &tables[number % tables.len()];
                        let opened = open_on(unit, &key, table, base, &mut out).unwrap();
                        assert_eq!(opened, expected, "{bits} bits, {unit:?}, exponent {exponent}, base {number}");
                    }
                }
            }
        }
    }
}

#[test]
fn many_random_powers_agree() {
    let mut random = Random(2);
    let (mut first, mut second) = ([0; 512], [0; 512]);
    for round in 0..60 {
        let bits = 2048 + (random.word() % 2049) as usize;
        let modulus = with_length(random.octets(bits.div_ceil(8)), bits);
        let key = PublicKey::new(&modulus, EXPONENTS[round % EXPONENTS.len()]).unwrap();
        let tables = tables(&key);
        for table in &tables {
            let base = oracle_power(&modulus, &random.octets(modulus.len()), &[1]);
            let expected = open_on(Unit::Portable, &key, table, &base, &mut first).unwrap();
            for unit in UNITS {
                assert_eq!(open_on(unit, &key, table, &base, &mut second).unwrap(), expected, "{unit:?}");
            }
        }
    }
}

#[test]
fn a_signature_not_below_the_modulus_or_of_another_length_does_not_open() {
    let mut random = Random(3);
    for bits in LENGTHS {
        // the top octet leaves room for s + n
        let mut modulus = with_length(random.octets(bits.div_ceil(8)), bits);
        modulus[1] &= 0x0f;
        let key = PublicKey::new(&modulus, 65537).unwrap();
        let mut above = modulus.clone();
        *above.last_mut().unwrap() = above.last().unwrap().saturating_add(2) | 1;
        let mut bad = vec![modulus.clone(), above, vec![0xff; modulus.len()], Vec::new(), vec![1; modulus.len() - 1]];
        bad.push([[0].as_slice(), &less_one(&modulus)].concat());
        for unit in UNITS {
            for table in tables(&key) {
                for signature in &bad {
                    assert!(open_on(unit, &key, &table, signature, &mut [0; 512]).is_none());
                }
                assert!(open_on(unit, &key, &table, &less_one(&modulus), &mut [0; 512]).is_some());
            }
        }
    }
}

#[test]
fn a_table_of_another_key_or_of_another_length_changes_nothing() {
    let mut random = Random(4);
    let moduli: Vec<Vec<u8>> = [2048, 2048, 3072, 4096].map(|bits| with_length(random.octets(bits / 8), bits)).to_vec();
    for modulus in &moduli {
        let key = PublicKey::new(modulus, 65537).unwrap();
        let base = less_one(modulus);
        for other in &moduli {
            for table in tables(&PublicKey::new(other, 65537).unwrap()) {
                for unit in UNITS {
                    // (−1)^e = −1
                    assert_eq!(open_on(unit, &key, &table, &base, &mut [0; 512]).unwrap(), base);
                }
            }
        }
    }
}

#[test]
fn a_corrupt_table_never_panics() {
    let mut random = Random(5);
    for bits in [2048, 3072, 4096] {
        let modulus = with_length(random.octets(bits / 8), bits);
        let key = PublicKey::new(&modulus, 0x1_ffff_ffff).unwrap();
        let mut good = vec![0; TABLE_WORDS];
        let used = prepare_on(Unit::Plain, &key, &mut good);
        let base = less_one(&modulus);
        let run = |table: &[u64]| {
            for unit in UNITS {
                assert!(open_on(unit, &key, table, &base, &mut [0; 512]).is_some());
            }
        };
        for start in [0, 1, 1 + bits / 64, 5 + bits / 64, 5 + bits / 32] {
            for fill in [0, u64::MAX, random.word()] {
                let mut table = good.clone();
                table[start..].fill(fill);
                run(&table);
            }
        }
        for _ in 0..100 {
            let mut table = good.clone();
            table[(random.word() as usize) % used] = random.word();
            run(&table);
        }
        for header in 0..=TABLE_WORDS as u64 + 1 {
            good[0] = header;
            run(&good[..used]);
        }
    }
}

#[test]
fn a_table_is_written_whole_or_not_at_all() {
    let mut random = Random(6);
    for (bits, portable, both) in [(2048, 69, 189), (3072, 101, 293), (4096, 133, 373)] {
        let modulus = with_length(random.octets(bits / 8), bits);
        let key = PublicKey::new(&modulus, 3).unwrap();
        for (words, expected) in [(0, 0), (portable - 1, 0), (portable, portable), (both - 1, portable), (both, both), (both + 1, both)] {
            let mut table = vec![7; words];
            assert_eq!(prepare_on(Unit::Plain, &key, &mut table), expected);
            assert!(table[expected..].iter().all(|word| *word == 7));
            assert_eq!(prepare_on(Unit::Portable, &key, &mut table), portable.min(expected));
        }
        let mut table = vec![0; TABLE_WORDS];
        let used = prepare(&key, &mut table);
        assert!(used == portable || used == both);
        assert!(
            !verify_pss(&key, &table[..used], b"", &less_one(&modulus)) && !verify_pkcs1(&key, &table[..used], b"", &less_one(&modulus))
        );
    }
}

#[test]
fn a_key_is_judged_before_it_is_used() {
    let odd = |bits: usize| with_length(vec![0x55; bits.div_ceil(8)], bits);
    for bits in [2048, 2049, 4095, 4096] {
        assert!(PublicKey::new(&odd(bits), 3).is_ok());
        let mut even = odd(bits);
        *even.last_mut().unwrap() ^= 1;
        assert_eq!(PublicKey::new(&even, 3).err(), Some(KeyError::ModulusEven));
        for exponent in [0, 1, 2, 4, 65536, 1 << 33, (1 << 33) + 1, u64::MAX] {
            assert_eq!(PublicKey::new(&odd(bits), exponent).err(), Some(KeyError::Exponent));
        }
        let padded = [[0].as_slice(), &odd(bits)].concat();
        assert_eq!(PublicKey::new(&padded, 3).err(), Some(KeyError::ModulusEncoding));
    }
    assert_eq!(PublicKey::new(&[], 3).err(), Some(KeyError::ModulusEncoding));
    assert_eq!(PublicKey::new(&odd(2047), 3).err(), Some(KeyError::ModulusTooSmall));
    assert_eq!(PublicKey::new(&[1], 3).err(), Some(KeyError::ModulusTooSmall));
    assert_eq!(PublicKey::new(&odd(4097), 3).err(), Some(KeyError::ModulusTooLarge));
    assert_eq!(PublicKey::new(&odd(8192), 3).err(), Some(KeyError::ModulusTooLarge));
}
