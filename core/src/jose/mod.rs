//! Keys, signatures and claims (RFC 7515–7519, 7638, 8725), without anything that only OAuth knows.

pub mod algorithm;
pub mod claims;
pub mod header;
pub mod jwk;
pub mod jws;
pub mod keys;
pub mod last_header;
pub mod policy;
pub mod thumbprint;
