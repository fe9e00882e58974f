//! Limits that bound the work an attacker can cause before a signature has been judged.

use crate::error::Error;

/// How long a token and its decoded header may be, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    token: u16,
    header: u16,
}

impl Limits {
    /// 16 KiB of token and 4 KiB of decoded header.
    pub const DEFAULT: Self = Self { token: 16 * 1024, header: 4 * 1024 };
    /// 4 KiB of proof and 4 KiB of decoded header: room for an RSA-4096 key and signature.
    pub const PROOF: Self = Self { token: 4 * 1024, header: 4 * 1024 };

    /// Own limits, at most 65,535 bytes each.
    ///
    /// # Errors
    /// [`Error::LimitOutOfRange`] for 0 and above the maximum.
    pub fn new(token: usize, header: usize) -> Result<Self, Error> {
        match (u16::try_from(token), u16::try_from(header)) {
            (Ok(token @ 1..), Ok(header @ 1..)) => Ok(Self { token, header }),
            _ => Err(Error::LimitOutOfRange),
        }
    }

    /// The longest compact token.
    #[must_use]
    pub fn token(self) -> usize {
        usize::from(self.token)
    }

    /// The longest decoded header.
    #[must_use]
    pub fn header(self) -> usize {
        usize::from(self.header)
    }

    /// How much scratch memory a token of at most this size needs: its header, payload and signature, decoded.
    #[must_use]
    pub const fn scratch(self) -> usize {
        #[expect(clippy::as_conversions, reason = "widening in a const fn")]
        let token = self.token as usize;
        (token / 4).saturating_mul(3).saturating_add(3)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
