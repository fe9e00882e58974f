//! The engine with memory, for hosts with `std`: what every gateway needs, written once.
//!
//! Keys of several issuers that rotate, stores that threads and processes share, lookups of phantom and split tokens, and one decision per
//! request, which is the engine's ([`counterfoil::oauth::request::ResourceServer`]).
#![forbid(unsafe_code)]

#[cfg(feature = "aws-lc-rs")]
pub mod aws_lc;
mod batch;
mod builder;
mod certificate;
mod counters;
mod error;
mod feed;
mod gateway;
pub mod https;
mod issuer;
pub mod keys;
mod lookups;
mod memory;
#[cfg(feature = "redis")]
pub mod redis;
mod response;
mod scratch;
#[cfg(feature = "settings")]
pub mod settings;

pub use batch::Presented;
pub use builder::Builder;
pub use certificate::Certificate;
pub use error::ConfigError;
pub use feed::{Feed, FeedStatus};
pub use gateway::{Gateway, Refused, Route};
pub use issuer::Issuer;
pub use keys::{KeySource, KeyStatus, RemoteKeys};
pub use lookups::{ClientAuthentication, CounterfoilStore, HttpsCounterfoils, Introspection, IntrospectionFormat, Lookup};
pub use memory::{ProcessReplayStore, RequestKeyTables, SharedKeyTables, SharedReplayStore};
pub use response::{Response, ResponseVerifier, Returned};
pub use scratch::Scratch;

/// The README's examples, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
