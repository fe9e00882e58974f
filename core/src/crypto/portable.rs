//! The same algorithms without any vector unit: for comparison, and where a host wants one code path on all its machines.

use crate::crypto::es256::Es256;
use crate::crypto::rsassa::Rsa;
use crate::jose::algorithm::{Algorithms, Primitive};

pub use crate::crypto::eddsa::{ED25519, EDDSA};

/// `ES256` in plain Rust.
pub static ES256: Es256 = Es256 { is_portable: true };
/// `PS256` in plain Rust.
pub static PS256: Rsa = Rsa { name: "PS256", primitive: Primitive::RsaPss, is_portable: true };
/// `RS256` in plain Rust.
pub static RS256: Rsa = Rsa { name: "RS256", primitive: Primitive::RsaPkcs1, is_portable: true };

/// As [`crate::crypto::FAPI`].
pub static FAPI: Algorithms<'static> = &[&ES256, &PS256, &EDDSA, &ED25519];
