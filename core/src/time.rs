//! Points in time and spans of it, in whole seconds. There is no clock here: `now` is always an argument.

use core::num::NonZeroU64;

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted (the *NumericDate* epoch of RFC 7519 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixTime(pub u64);

/// A span of whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seconds(pub u64);

impl UnixTime {
    /// `self + span`, held at the largest representable time instead of wrapping.
    #[must_use]
    pub const fn plus(self, span: Seconds) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// `self - span`, held at the epoch instead of wrapping.
    #[must_use]
    pub const fn minus(self, span: Seconds) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

/// A *NumericDate* (RFC 7519 section 2): an exact decimal number of seconds in 0…2^53, which may have a fraction.
///
/// Comparisons with whole seconds are exact: only the whole part and "is there a fraction" decide them.
///
/// Plain data, an absent one too: twice the whole seconds, one more for a fraction, and one more, so that 0 is none.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NumericDate(NonZeroU64);

impl NumericDate {
    /// The largest value that every JSON implementation represents exactly: 2^53.
    pub const MAX: u64 = 1 << 53;

    /// A date from its whole seconds and whether anything follows the decimal point; `None` above 2^53.
    #[must_use]
    pub const fn new(whole: u64, fraction: bool) -> Option<Self> {
        if whole > Self::MAX || (whole == Self::MAX && fraction) {
            return None;
        }
        match NonZeroU64::new(whole.saturating_mul(2).saturating_add(if fraction { 2 } else { 1 })) {
            Some(halves) => Some(Self(halves)),
            None => None,
        }
    }

    /// The last whole second at or before this date.
    #[must_use]
    pub const fn floor(self) -> UnixTime {
        UnixTime((self.0.get().saturating_sub(1)) / 2)
    }

    /// The first whole second at or after this date.
    #[must_use]
    pub const fn ceil(self) -> UnixTime {
        UnixTime(self.0.get() / 2)
    }

    /// Whether `now` is strictly before this date: `now < self`.
    #[must_use]
    pub const fn is_after(self, now: UnixTime) -> bool {
        now.0 < self.ceil().0
    }

    /// Whether this date is at or before `now`: `self <= now`.
    #[must_use]
    pub const fn is_reached(self, now: UnixTime) -> bool {
        self.ceil().0 <= now.0
    }
}

impl core::fmt::Debug for NumericDate {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "NumericDate({}{})", self.floor().0, if self.floor() == self.ceil() { "" } else { "+" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_belongs_to_the_second_it_is_in() {
        let date = NumericDate::new(10, true).unwrap();
        assert!(date.is_after(UnixTime(10)) && !date.is_after(UnixTime(11)));
        assert!(!date.is_reached(UnixTime(10)) && date.is_reached(UnixTime(11)));
        assert_eq!((date.floor(), date.ceil()), (UnixTime(10), UnixTime(11)));
    }

    #[test]
    fn a_date_takes_eight_bytes_and_an_absent_one_is_zero() {
        assert_eq!(size_of::<Option<NumericDate>>(), 8);
        for (whole, fraction) in [(0, false), (0, true), (1, false), (NumericDate::MAX - 1, true), (NumericDate::MAX, false)] {
            let date = NumericDate::new(whole, fraction).unwrap();
            assert_eq!((date.floor(), date.ceil()), (UnixTime(whole), UnixTime(whole + u64::from(fraction))));
        }
    }

    #[test]
    fn nothing_above_two_to_the_53_is_a_date() {
        assert!(NumericDate::new(NumericDate::MAX, false).is_some());
        assert!(NumericDate::new(NumericDate::MAX, true).is_none());
        assert!(NumericDate::new(NumericDate::MAX + 1, false).is_none());
    }

    #[test]
    fn times_saturate() {
        assert_eq!(UnixTime(u64::MAX).plus(Seconds(1)), UnixTime(u64::MAX));
        assert_eq!(UnixTime(1).minus(Seconds(2)), UnixTime(0));
    }
}
