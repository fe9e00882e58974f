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
