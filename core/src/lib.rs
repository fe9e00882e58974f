//! Counterfoil's engine: decides whether an access token is genuine, current, meant for this resource server and held by whoever
//! presents it, as the FAPI profiles demand it. No `std`, no heap, no clock, no I/O, no private key.
//!
//! ```
//! use counterfoil::crypto::FAPI;
//! use counterfoil::jose::keys::KeySet;
//! use counterfoil::oauth::certificate::ClientCertificate;
//! use counterfoil::oauth::confirmation::Presenter;
//! use counterfoil::oauth::verifier::Verifier;
//! use counterfoil::{Error, UnixTime};
//!
//! # let jwks = include_bytes!("../tests/data/paved/jwks.json");
//! # let token = include_bytes!("../tests/data/paved/token.txt");
//! # let der = include_bytes!("../tests/data/paved/client.der");
//! let keys = KeySet::<8>::parse(jwks, FAPI)?;
//! let verifier = Verifier::new("https://as.example", "https://api.example", FAPI, keys.keys())?;
//!
//! let mut scratch = [0; 16 * 1024];
//! let presenter = Presenter::Certificate(ClientCertificate::Der(der).thumbprint(&mut [])?);
//! let token = verifier.accept(token, presenter, UnixTime(1_800_000_000), &mut scratch)?;
//! assert!(token.has_scope("accounts"));
//! # Ok::<(), Error>(())
//! ```
//!
//! # Layers
//! [`wire`] (bytes, base64url, JSON) ← [`jose`] (keys, signatures, claims) ← [`oauth`] (access tokens, DPoP, JARM, split tokens, one
//! request). [`crypto`] answers what [`jose::algorithm`] asks: a policy is given the implementations it may use, and that list is its
//! allow-list.
//!
//! # What an attacker controls
//! Every byte of a token, proof, response, ticket, certificate and URL parameter. They are parsed once, in bounded time and constant
//! stack, and nothing of them can be read before everything passed. What the host controls and must keep right: keys, issuer and
//! audience, the request's own method and URL, whether a certificate header may be trusted, and the time.
#![cfg_attr(not(test), no_std)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]
#![deny(unsafe_code)]
#![cfg_attr(feature = "portable", forbid(unsafe_code))]

pub mod crypto;
pub mod error;
pub mod jose;
pub mod oauth;
pub mod time;
pub mod wire;

pub use error::Error;
pub use time::{NumericDate, Seconds, UnixTime};

/// The README's example, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
