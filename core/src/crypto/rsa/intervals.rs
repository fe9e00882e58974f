//! Lanes that carry the largest value they can hold: one run of the vector kernel over them proves, for every modulus and base, that no
//! lane overflows and that no multiply drops a bit of a factor. They panic where a bound fails.
#![expect(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic, reason = "a proof that runs as a test")]

use super::lanes::{Block, Lanes, MASK};
use super::power::Ring as _;
use super::vector::{Vectors, carried, columns};

/// Each lane is anything from zero to this.
#[derive(Clone, Copy)]
struct UpTo([u64; 8]);

impl UpTo {
    fn map(self, operation: impl Fn(u64) -> u64) -> Self {
        Self(self.0.map(operation))
    }

    fn sum(self, other: [u64; 8]) -> Self {
        Self(core::array::from_fn(|lane| {
            let Some(sum) = self.0[lane].checked_add(other[lane]) else { panic!("a lane overflows") };
            sum
        }))
    }

    fn products(self, other: Self) -> [u128; 8] {
        core::array::from_fn(|lane| {
            assert!(self.0[lane] <= MASK && other.0[lane] <= MASK, "a factor of more than 52 bits");
            u128::from(self.0[lane]).saturating_mul(u128::from(other.0[lane]))
        })
    }
}

impl Lanes for UpTo {
    fn splat(limb: u64) -> Self {
        Self([limb; 8])
    }

    fn load(limbs: &[u64; 8]) -> Self {
        Self(*limbs)
    }

    fn store(self) -> Block {
        Block(self.0)
    }

    fn add(self, other: Self) -> Self {
        self.sum(other.0)
    }

    fn add_low(self, x: Self, y: Self) -> Self {
        self.sum(x.products(y).map(|product| u64::try_from(product).map_or(MASK, |product| product.min(MASK))))
    }

    fn add_high(self, x: Self, y: Self) -> Self {
        self.sum(x.products(y).map(|product| u64::try_from(product >> 52).unwrap_or(u64::MAX)))
    }

    fn shift_in(self, below: Self) -> Self {
        let [a, b, c, d, e, f, g, _] = self.0;
        Self([below.0[7], a, b, c, d, e, f, g])
    }

    fn low_bits(self) -> Self {
        self.map(|lane| lane.min(MASK))
    }

    fn high_bits(self) -> Self {
        self.map(|lane| lane >> 52)
    }

    // every lane may carry, which with no full lanes sets every bit of the kernel's mask of carries
    fn are_above(self) -> u8 {
        assert!(self.0.iter().all(|lane| *lane <= 2 * MASK), "a second carry");
        0xff
    }

    fn are_full(self) -> u8 {
        0
    }

    fn increment(self, lanes: u8) -> Self {
        let mut result = self.0;
        for (lane, limb) in result.iter_mut().enumerate() {
            *limb = limb.saturating_add(u64::from(lanes >> lane & 1)).min(MASK);
        }
        Self(result)
    }
}

/// The kernel with every limb of the modulus, of its constants and of both factors as large as can be.
fn prove<const V: usize>() {
    let limbs = [UpTo::splat(MASK); V];
    let ring = Vectors { modulus: limbs, inverse: limbs };
    let blocks = limbs.map(Lanes::store);
    for result in [ring.multiply(&blocks, &blocks), ring.square(&blocks)] {
        assert!(result.iter().flat_map(|block| block.0).all(|limb| limb <= MASK));
    }
    // what `reduce` takes for granted of the columns under the two that it reads
    let sums = columns(&blocks, &limbs, 0..2 * V);
    assert!(sums.as_flattened().iter().flat_map(|sum| sum.0).all(|column| column < 1 << 61));
    // Newton's iteration adds 2 to a column
    let (limbs, _) = carried(&sums[0].map(|sum| sum.add(UpTo::splat(2))));
    assert!(limbs.iter().flat_map(|limbs| limbs.0).all(|limb| limb <= MASK));
}

#[test]
fn no_lane_overflows_and_no_factor_is_cut_off() {
    prove::<5>();
    prove::<8>();
    prove::<10>();
}

#[test]
#[should_panic(expected = "a factor of more than 52 bits")]
fn a_factor_of_53_bits_is_seen() {
    let wide = UpTo::splat(MASK).add(UpTo::splat(1));
    let _ = UpTo::splat(0).add_low(wide, wide);
}

#[test]
#[should_panic(expected = "a lane overflows")]
fn an_overflow_is_seen() {
    let _ = UpTo::splat(u64::MAX).add(UpTo::splat(1));
}
