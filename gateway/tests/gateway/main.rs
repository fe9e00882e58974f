//! The gateway as hosts use it: over real TLS, beside a real Redis, with many threads. One program, so that it is linked once.

#![expect(clippy::print_stdout, reason = "says how much was done")]

mod allocations;
#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
mod certificates;
mod files;
mod introspection;
mod issuers;
#[cfg(feature = "redis")]
mod redis;
mod remote_keys;
mod secrets;
mod server;
#[cfg(feature = "settings")]
mod settings;
mod setup;
mod split_tokens;
mod threads;
mod tokens;
#[path = "../../../core/tests/vector/mod.rs"]
mod vector;
mod vectors;
