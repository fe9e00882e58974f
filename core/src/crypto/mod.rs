//! The signature algorithms: they answer what [`crate::jose::algorithm`] asks.
//!
//! Verification only, over public data: variable time is fine here and nothing of it may ever sign.
//!
//! [`p256`], [`rsa`] and [`ed25519`] are the arithmetic, each portable first with its vector unit beside it, and know nothing of
//! tokens; `es256`, `rsassa` and `eddsa` make algorithms of them. Prepared keys (see [`crate::jose::keys::KeySet::prepare`]) are what
//! makes them fast.
//!
//! Multiplications are written out at each use in optimized builds alone (`cfg_attr(not(debug_assertions), inline(always))`): with them,
//! a build for tests takes more than twice as long.

pub mod ed25519;
pub mod eddsa;
pub mod es256;
pub mod p256;
pub mod portable;
pub mod rsa;
pub mod rsassa;
pub mod small;

pub use self::eddsa::{ED25519, EDDSA};
pub use self::es256::ES256;
pub use self::rsassa::{PS256, RS256};

use crate::jose::algorithm::Algorithms;

/// What FAPI 2.0 section 5.4.1 permits: PS256, ES256 and EdDSA with Ed25519, under both its names.
pub static FAPI: Algorithms<'static> = &[&ES256, &PS256, &EDDSA, &ED25519];
