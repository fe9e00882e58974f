//! The bodies of the fuzz targets. Each takes any bytes and asserts what must hold for all of them, not only that nothing panics.
//!
//! `core/tests/corpus.rs` includes this file as a module and replays `corpus/<target>/*` in plain `cargo test`.
//!
//! Where a token is wanted, the text may be a compact one, or `header TAB payload`: that is encoded and signed with a fixed key, so
//! that what stands behind the signature is fuzzed too.

mod draw;
mod ecdsa;
mod eddsa;
mod jose;
mod mint;
mod node;
mod oauth;
mod request;
mod roots;
mod rsassa;
mod url;
mod wire;

pub use ecdsa::ecdsa;
pub use eddsa::eddsa;
pub use jose::{compact, header, jwk, jwks};
pub use oauth::{access_token, certificate, dpop, jarm, split_token};
pub use request::request;
pub use rsassa::rsassa;
pub use url::htu;
pub use wire::{base64url, json};

/// A target: its name and its body.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 16] = [
    ("base64url", base64url),
    ("json", json),
    ("header", header),
    ("jwk", jwk),
    ("jwks", jwks),
    ("compact", compact),
    ("access_token", access_token),
    ("dpop", dpop),
    ("htu", htu),
    ("jarm", jarm),
    ("split_token", split_token),
    ("certificate", certificate),
    ("request", request),
    ("ecdsa", ecdsa),
    ("rsassa", rsassa),
    ("eddsa", eddsa),
];
