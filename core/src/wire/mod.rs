//! Bytes, base64url and JSON: strict parsers that know nothing of JOSE.

pub mod base64url;
pub(crate) mod form;
pub mod json;
mod name;
mod number;
mod reader;
pub(crate) mod search;
pub mod siphash;
pub mod value;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(feature = "portable")))]
#[expect(unsafe_code, reason = "vector intrinsics, each block with its reason")]
mod x86;
