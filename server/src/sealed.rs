//! What the server itself must read again and nobody else, a reader of its database among them: sealed by AES-256-GCM.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64ct::{Base64UrlUnpadded, Encoding as _};

use crate::secret::Digest;

/// Seals and opens, by a key that is made of the secret that all servers of an issuer share.
pub(crate) struct Sealer(RandomizedNonceKey);

impl core::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// For one purpose: what is sealed for another one is not opened.
    pub(crate) fn new(purpose: &str, secret: &[u8]) -> Option<Self> {
        RandomizedNonceKey::new(&AES_256_GCM, Digest::of_parts(purpose, &[secret]).as_bytes()).ok().map(Self)
    }

    /// The nonce, and what is sealed with it, in base64url.
    pub(crate) fn seal(&self, text: &str) -> Option<String> {
        let mut sealed = text.as_bytes().to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::empty(), &mut sealed).ok()?;
        Some(Base64UrlUnpadded::encode_string(&[nonce.as_ref().as_slice(), &sealed].concat()))
    }

    pub(crate) fn open(&self, sealed: &str) -> Option<String> {
        let mut bytes = Base64UrlUnpadded::decode_vec(sealed).ok()?;
        let (nonce, text) = bytes.split_first_chunk_mut::<NONCE_LEN>()?;
        let text = self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), text).ok()?;
        String::from_utf8(text.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_for_the_same_purpose_opens() {
        let sealer = Sealer::new("one", b"secret").unwrap();
        let sealed = sealer.seal("text").unwrap();
        assert_ne!(sealed, sealer.seal("text").unwrap());
        assert_eq!(sealer.open(&sealed).as_deref(), Some("text"));
        for other in [Sealer::new("two", b"secret").unwrap(), Sealer::new("one", b"secre").unwrap()] {
            assert_eq!(other.open(&sealed), None);
        }
        let mut changed = Base64UrlUnpadded::decode_vec(&sealed).unwrap();
        for at in 0..changed.len() {
            changed[at] ^= 1;
            assert_eq!(sealer.open(&Base64UrlUnpadded::encode_string(&changed)), None);
            changed[at] ^= 1;
        }
    }
}
