//! What the server signs. Every signature is made in `keys`, which is the only signer.

pub(crate) mod access_token;
pub(crate) mod id_token;
mod keys;

pub(crate) use self::keys::write_private;
pub use self::keys::{Algorithm, KeyRecord, KeyState, SigningKeys};
