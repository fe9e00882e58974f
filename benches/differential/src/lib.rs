//! What two implementations say of one token: the engine, and `jsonwebtoken` with aws-lc-rs.
//!
//! Both are asked what both can judge: signature by a known key, `alg`, `iss`, `aud`, `exp`, `nbf`, the same leeway and clock. The
//! engine is stricter by design; what only the engine accepts must have one of the listed [`Reason`]s.

pub mod judge;
pub mod mutation;
pub mod random;
pub mod signer;

pub use judge::{Judges, Reason, Verdict};
pub use signer::Signer;
