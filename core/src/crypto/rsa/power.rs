//! The power that an RSA public operation needs, over any Montgomery arithmetic.

/// Multiplication of residues in the Montgomery domain: x·y/R mod n.
pub(super) trait Ring {
    /// A residue.
    type Element: Copy;

    /// x·y/R.
    fn multiply(&self, x: &Self::Element, y: &Self::Element) -> Self::Element;

    /// x²/R.
    fn square(&self, x: &Self::Element) -> Self::Element;
}

/// base^exponent for an odd exponent of 3 or more, where `square` is R².
///
/// The bits are scanned from the top. The lowest is a one, and its multiplication is by the base outside the Montgomery domain, which
/// takes the result out of the domain as well: 65537 costs 16 squarings and two multiplications.
#[inline(always)]
pub(super) fn power<R: Ring>(ring: &R, square: &R::Element, base: &R::Element, exponent: u64) -> R::Element {
    let inside = ring.multiply(base, square);
    let mut result = inside;
    for bit in (0..exponent.checked_ilog2().unwrap_or(0)).rev() {
        result = ring.square(&result);
        if exponent >> bit & 1 == 1 {
            result = ring.multiply(&result, if bit == 0 { base } else { &inside });
        }
    }
    result
}
