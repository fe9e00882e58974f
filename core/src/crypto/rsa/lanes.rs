//! Eight 64-bit lanes, with the 52-bit multiply-add of AVX-512 IFMA; here in plain Rust, lane by lane.

/// 2^52 − 1.
pub(super) const MASK: u64 = (1 << 52) - 1;

/// Eight limbs, least significant first, aligned as the vector unit likes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub(super) struct Block(pub(super) [u64; 8]);

/// What the vector kernel needs of a vector unit. No operation may overflow a lane, and a factor has at most 52 bits: `intervals.rs` proves it.
pub(super) trait Lanes: Copy {
    /// The same limb in every lane.
    fn splat(limb: u64) -> Self;

    /// Limbs from memory.
    fn load(limbs: &[u64; 8]) -> Self;

    /// Limbs to memory.
    fn store(self) -> Block;

    /// Lane by lane, self + other.
    fn add(self, other: Self) -> Self;

    /// Lane by lane, self + (x·y mod 2^52).
    fn add_low(self, x: Self, y: Self) -> Self;

    /// Lane by lane, self + ⌊x·y / 2^52⌋.
    fn add_high(self, x: Self, y: Self) -> Self;

    /// One lane up; the lowest lane takes the highest of `below`.
    fn shift_in(self, below: Self) -> Self;

    /// The low 52 bits of each lane.
    fn low_bits(self) -> Self;

    /// The bits above the low 52 of each lane.
    fn high_bits(self) -> Self;

    /// A bit for each lane above 2^52 − 1.
    fn are_above(self) -> u8;

    /// A bit for each lane equal to 2^52 − 1.
    fn are_full(self) -> u8;

    /// Adds one to the lanes whose bit is set, and keeps the low 52 bits of all.
    fn increment(self, lanes: u8) -> Self;
}

/// The lanes one after another, for tests where the vector unit is absent.
#[derive(Clone, Copy)]
pub(super) struct Plain([u64; 8]);

impl Plain {
    fn each(self, x: Self, y: Self, operation: impl Fn(u64, u64, u64) -> u64) -> Self {
        let mut result = self.0;
        for (sum, (x, y)) in result.iter_mut().zip(x.0.iter().zip(&y.0)) {
            *sum = operation(*sum, *x, *y);
        }
        Self(result)
    }

    fn bits(self, test: impl Fn(u64) -> bool) -> u8 {
        self.0.iter().rev().fold(0, |bits, lane| bits << 1 | u8::from(test(*lane)))
    }
}

fn product(x: u64, y: u64) -> u128 {
    u128::from(x & MASK).wrapping_mul(u128::from(y & MASK))
}

// never inlined: the kernel is thousands of these operations, too much to compile for a path that only tests take
#[expect(clippy::as_conversions, reason = "the low bits of a product, or a product of 104 bits less 52 of them")]
impl Lanes for Plain {
    #[inline(never)]
    fn splat(limb: u64) -> Self {
        Self([limb; 8])
    }

    #[inline(never)]
    fn load(limbs: &[u64; 8]) -> Self {
        Self(*limbs)
    }

    #[inline(never)]
    fn store(self) -> Block {
        Block(self.0)
    }

    #[inline(never)]
    fn add(self, other: Self) -> Self {
        self.each(other, other, |sum, x, _| sum.wrapping_add(x))
    }

    #[inline(never)]
    fn add_low(self, x: Self, y: Self) -> Self {
        self.each(x, y, |sum, x, y| sum.wrapping_add(product(x, y) as u64 & MASK))
    }

    #[inline(never)]
    fn add_high(self, x: Self, y: Self) -> Self {
        self.each(x, y, |sum, x, y| sum.wrapping_add((product(x, y) >> 52) as u64))
    }

    #[inline(never)]
    fn shift_in(self, below: Self) -> Self {
        let [a, b, c, d, e, f, g, _] = self.0;
        Self([below.0[7], a, b, c, d, e, f, g])
    }

    #[inline(never)]
    fn low_bits(self) -> Self {
        self.each(self, self, |lane, _, _| lane & MASK)
    }

    #[inline(never)]
    fn high_bits(self) -> Self {
        self.each(self, self, |lane, _, _| lane >> 52)
    }

    #[inline(never)]
    fn are_above(self) -> u8 {
        self.bits(|lane| lane > MASK)
    }

    #[inline(never)]
    fn are_full(self) -> u8 {
        self.bits(|lane| lane == MASK)
    }

    #[inline(never)]
    fn increment(self, lanes: u8) -> Self {
        let mut result = self.0;
        for (lane, limb) in result.iter_mut().enumerate() {
            *limb = limb.wrapping_add(u64::from(lanes >> lane & 1)) & MASK;
        }
        Self(result)
    }
}
