//! Counterfoil for Node. Everything is decided by the engine and the gateway; here JavaScript's values become their arguments, and their
//! verdicts JavaScript's values. What users see is written in `lib/`.

#![expect(unreachable_pub, reason = "napi-rs takes methods and members of objects only where they are called public")]

mod accept;
mod certificate;
mod error;
mod holder;
mod pool;
mod primitives;
mod raw;
mod request;
mod response;
mod scratch;
mod split;
mod text;
mod verdict;
mod verifier;
