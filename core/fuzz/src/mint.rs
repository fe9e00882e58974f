//! Fixed keys, and texts signed with them.

use std::borrow::Cow;
use std::sync::OnceLock;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil::Error;
use counterfoil::crypto::FAPI;
use counterfoil::jose::algorithm::{Algorithm, Primitive};
use counterfoil::jose::jwk::PublicKey;
use counterfoil::jose::keys::{Key, KeySet};
use counterfoil::jose::thumbprint::Thumbprint;
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};

pub(super) const ISSUER: &str = "https://as.example";
pub(super) const AUDIENCE: &str = "https://api.example";
pub(super) const CLIENT: &str = "tpp-1";
pub(super) const NOW: u64 = 1_800_000_000;
/// The client's certificate of the paved path, whose tokens are among the seeds.
pub(super) const CERTIFICATE: &[u8] = include_bytes!("../../tests/data/paved/client.der");
const PAVED_KEYS: &[u8] = include_bytes!("../../tests/data/paved/jwks.json");

pub(super) fn issuer() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::from_bytes(&[1; 32]))
}

pub(super) fn client() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::from_bytes(&[2; 32]))
}

pub(super) fn jwk(key: &SigningKey) -> String {
    format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64url(key.verifying_key().as_bytes()))
}

/// The `jkt` of [`client`].
pub(super) fn client_thumbprint() -> Thumbprint {
    static THUMBPRINT: OnceLock<Thumbprint> = OnceLock::new();
    *THUMBPRINT.get_or_init(|| Thumbprint::of_key(Key::parse(jwk(client()).as_bytes(), FAPI).expect("a key").public()))
}

/// The key of [`issuer`], and that of the paved path.
pub(super) fn keys() -> &'static KeySet<4> {
    static KEYS: OnceLock<KeySet<4>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let mut set: serde_json::Value = serde_json::from_slice(PAVED_KEYS).expect("JSON");
        let mut own: serde_json::Value = serde_json::from_str(&jwk(issuer())).expect("JSON");
        own["kid"] = "ed".into();
        set["keys"].as_array_mut().expect("keys").push(own);
        KeySet::parse(set.to_string().as_bytes(), FAPI).expect("a set")
    })
}

pub(super) fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

pub(super) fn from_base64url(text: &[u8]) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(str::from_utf8(text).ok()?).ok()
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// `text` as it is, or, if it is `header TAB payload`, as a token signed by `key`.
pub(super) fn compact<'a>(text: &'a [u8], key: &SigningKey) -> Cow<'a, [u8]> {
    let Some(tab) = text.iter().position(|byte| *byte == b'\t') else { return Cow::Borrowed(text) };
    let signed = format!("{}.{}", base64url(&text[..tab]), base64url(&text[tab + 1..]));
    let signature = base64url(&key.sign(signed.as_bytes()).to_bytes());
    Cow::Owned(format!("{signed}.{signature}").into_bytes())
}

/// As [`compact`], by [`client`]'s key; `$jwk`, `$ath` and `$nonce` stand for what a good proof has there.
pub(super) fn proof<'a>(text: &'a [u8], token: &[u8], nonce: &str) -> Cow<'a, [u8]> {
    if !text.contains(&b'\t') {
        return Cow::Borrowed(text);
    }
    let mut text = text.to_vec();
    for (name, value) in [("$jwk", jwk(client())), ("$ath", base64url(&sha256(token))), ("$nonce", nonce.to_owned())] {
        if let Some(at) = text.windows(name.len()).position(|window| window == name.as_bytes()) {
            text.splice(at..at + name.len(), value.bytes());
        }
    }
    Cow::Owned(compact(&text, client()).into_owned())
}

/// Lets all but the signature decide.
pub(super) struct AnySignature;

impl Algorithm for AnySignature {
    fn name(&self) -> &'static str {
        "any"
    }

    fn primitive(&self) -> Primitive {
        Primitive::Ed25519
    }

    fn admit(&self, _: &PublicKey) -> Result<(), Error> {
        Ok(())
    }

    fn verify(&self, _: &PublicKey, _: &[u8], _: &[u8]) -> Result<(), Error> {
        Ok(())
    }
}
