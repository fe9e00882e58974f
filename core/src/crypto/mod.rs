//! The signature algorithms: they answer what [`crate::jose::algorithm`] asks.
//!
//! Verification only, over public data: variable time is fine here and nothing of it may ever sign.

pub mod ed25519;
pub mod eddsa;
pub mod p256;
pub mod rsa;

pub use self::eddsa::{ED25519, EDDSA};
pub use self::p256::ES256;
pub use self::rsa::{PS256, RS256};

use crate::jose::algorithm::Algorithms;

/// What FAPI 2.0 section 5.4.1 permits: PS256, ES256 and EdDSA with Ed25519, under both its names.
pub static FAPI: Algorithms<'static> = &[&ES256, &PS256, &EDDSA, &ED25519];
