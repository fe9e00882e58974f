//! JSON numbers as exact dates: no floating point, so no rounding and no infinity.

use super::search;
use crate::time::NumericDate;

/// Reads a number of RFC 8259 section 6 whose grammar has been checked; `None` when it is negative (also `-0`) or above 2^53.
///
/// The number is `digits × 10^exponent`; its whole part is the first `point` digits, with zeros behind them where there are fewer.
pub(crate) fn numeric_date(text: &str) -> Option<NumericDate> {
    if let Some(whole) = plain_digits(text.as_bytes()) {
        return NumericDate::new(whole, false);
    }
    if text.starts_with('-') {
        return None;
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent_of(exponent)),
        None => (text, 0),
    };
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let point = i64::try_from(integer.len()).ok()?.saturating_add(exponent);

    let mut whole: u64 = 0;
    let mut has_fraction = false;
    let mut place: i64 = 0;
    for digit in integer.bytes().chain(fraction.bytes()).map(|byte| byte.wrapping_sub(b'0')) {
        if place < point {
            whole = whole.checked_mul(10)?.checked_add(u64::from(digit))?;
        } else if digit != 0 {
            has_fraction = true;
        }
        place = place.saturating_add(1);
    }
    // Zeros up to the decimal point: at most 17 steps before a whole number that is not 0 leaves the range.
    while place < point && whole != 0 {
        whole = whole.checked_mul(10)?;
        place = place.saturating_add(1);
    }
    NumericDate::new(whole, has_fraction)
}

/// A whole number of at most 19 digits, which 64 bits always hold: every date that real issuers write.
#[inline(always)]
fn plain_digits(text: &[u8]) -> Option<u64> {
    // the dates from 2001 to 2286
    if let Some((eight, [tens @ b'0'..=b'9', ones @ b'0'..=b'9'])) = text.split_first_chunk::<8>() {
        let tail = u64::from(tens.wrapping_sub(b'0')).wrapping_mul(10).wrapping_add(u64::from(ones.wrapping_sub(b'0')));
        return search::eight_digits(*eight).map(|eight| eight.wrapping_mul(100).wrapping_add(tail));
    }
    if text.len() > 19 {
        return None;
    }
    let (eights, tail) = text.as_chunks::<8>();
    let mut whole = 0u64;
    for eight in eights {
        whole = whole.wrapping_mul(100_000_000).wrapping_add(search::eight_digits(*eight)?);
    }
    tail.iter().try_fold(whole, |whole, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| whole.wrapping_mul(10).wrapping_add(u64::from(digit)))
    })
}

/// An exponent of any length, held at ±2^40: far beyond what any token's digits can make up for.
fn exponent_of(text: &str) -> i64 {
    const BOUND: i64 = 1 << 40;
    let (digits, sign) = match text.as_bytes() {
        [b'-', digits @ ..] => (digits, -1),
        [b'+', digits @ ..] => (digits, 1),
        digits => (digits, 1),
    };
    let size = digits.iter().fold(0i64, |size, byte| size.saturating_mul(10).saturating_add(i64::from(byte.wrapping_sub(b'0'))).min(BOUND));
    size.saturating_mul(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(u64, u64)> {
        numeric_date(text).map(|date| (date.floor().0, date.ceil().0))
    }

    #[test]
    fn fractions_and_exponents_are_exact() {
        for (text, expected) in [
            ("0", (0, 0)),
            ("1700000000", (1_700_000_000, 1_700_000_000)),
            ("1700000000.0", (1_700_000_000, 1_700_000_000)),
            ("1700000000.5", (1_700_000_000, 1_700_000_001)),
            ("17000003e2", (1_700_000_300, 1_700_000_300)),
            ("1.7000003E+9", (1_700_000_300, 1_700_000_300)),
            ("17000000005e-1", (1_700_000_000, 1_700_000_001)),
            ("0.0000000017e18", (1_700_000_000, 1_700_000_000)),
            ("9007199254740992", (1 << 53, 1 << 53)),
            ("9007199254740992.000", (1 << 53, 1 << 53)),
            ("9007199254740991.00000000000000000000000001", ((1 << 53) - 1, 1 << 53)),
            ("0e999999999999999999999999", (0, 0)),
            ("1e-999999999999999999999999", (0, 1)),
        ] {
            assert_eq!(read(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_negative_or_too_large_is_no_date() {
        for text in
            ["-0", "-1", "9007199254740993", "9007199254740992.1", "1e400", "1e19", "18446744073709551616", "1e99999999999999999999"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
