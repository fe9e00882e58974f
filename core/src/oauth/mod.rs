//! OAuth's rules: access tokens, their binding, DPoP, JARM, split tokens, and the decision about one request.

pub mod access_token;
pub mod cache;
pub mod certificate;
mod challenge;
pub(crate) mod claims;
pub mod confirmation;
pub mod dpop;
mod htu;
pub mod introspection;
pub mod issuer;
pub mod jarm;
pub mod key_tables;
pub mod nonce;
pub mod replay;
pub mod request;
pub mod split_token;
pub mod verifier;
