//! What the tests share: numbers that look random, keys, tables of every size.

use counterfoil::crypto::ed25519::{PublicKey, prepare, table_words};

/// Words that make a table of each shape, and none.
pub(crate) const SIZES: [usize; 10] = [0, 150, 420, 800, 1_600, 3_200, 6_200, 12_400, 21_600, 43_100];

/// G. Marsaglia, "Xorshift RNGs" (2003).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        core::array::from_fn(|_| (self.next() >> 40) as u8)
    }

    pub(crate) fn message(&mut self) -> Vec<u8> {
        let length = self.next() % 200;
        (0..length).map(|_| (self.next() >> 40) as u8).collect()
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() >> 20) as usize % end
    }
}

pub(crate) fn table(key: &PublicKey, words: usize) -> Vec<u64> {
    let mut table = vec![0x5555; words];
    let used = prepare(key, &mut table);
    assert_eq!(used, table_words(words));
    table.truncate(used);
    table
}

pub(crate) fn tables(key: &PublicKey) -> Vec<Vec<u64>> {
    SIZES.iter().map(|words| table(key, *words)).collect()
}
