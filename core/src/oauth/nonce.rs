//! DPoP nonces that the server need not remember: a MAC over the time step (RFC 9449 sections 8 and 9).

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::error::Error;
use crate::time::{Seconds, UnixTime};
use crate::wire::base64url;

/// What is MACed ahead of the step, so that the secret may serve other uses.
const PURPOSE: &[u8] = b"counterfoil dpop-nonce v1";

/// Issues and accepts nonces. All servers with one secret accept each other's.
///
/// A nonce is `base64url(HMAC-SHA-256(secret, "counterfoil dpop-nonce v1" || step number as 8 octets, big-endian))`.
#[derive(Clone)]
pub struct NonceKey {
    mac: Hmac<Sha256>,
    step: Seconds,
}

impl NonceKey {
    /// How many steps before the current one are still accepted.
    const EARLIER: u64 = 2;

    /// A key from at least 32 bytes of secret; a nonce is issued for `step` seconds and accepted for two steps more.
    ///
    /// # Errors
    /// [`Error::SecretTooShort`], [`Error::LimitOutOfRange`] for a step of 0.
    pub fn new(secret: &[u8], step: Seconds) -> Result<Self, Error> {
        if secret.len() < 32 {
            return Err(Error::SecretTooShort);
        }
        if step.0 == 0 {
            return Err(Error::LimitOutOfRange);
        }
        let mac = Hmac::new_from_slice(secret).map_err(|_| Error::SecretTooShort)?;
        Ok(Self { mac, step })
    }

    /// The nonce to send now, in `DPoP-Nonce`.
    #[must_use]
    pub fn issue(&self, now: UnixTime) -> Nonce {
        self.nonce_of(self.step_of(now))
    }

    /// Whether `nonce` is the current one or one of the two before it. A proof's nonce is judged with the proof.
    #[must_use]
    pub fn accepts(&self, nonce: &[u8], now: UnixTime) -> bool {
        let current = self.step_of(now);
        // All are compared, so that the time taken does not tell which one matched.
        let matches = (0..=Self::EARLIER).filter_map(|back| current.checked_sub(back)).map(|step| self.nonce_of(step).0.ct_eq(nonce));
        matches.fold(subtle::Choice::from(0), |any, this| any | this).into()
    }

    const fn step_of(&self, now: UnixTime) -> u64 {
        match now.0.checked_div(self.step.0) {
            Some(step) => step,
            None => 0,
        }
    }

    fn nonce_of(&self, step: u64) -> Nonce {
        let mut mac = self.mac.clone();
        mac.update(PURPOSE);
        mac.update(&step.to_be_bytes());
        Nonce(base64url::encode_32(&mac.finalize().into_bytes().into()))
    }
}

impl core::fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("NonceKey").field("step", &self.step).finish_non_exhaustive()
    }
}

/// The value of a `DPoP-Nonce` header: 43 characters of base64url.
#[derive(Clone, Copy, Debug)]
pub struct Nonce([u8; 43]);

impl Nonce {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}
