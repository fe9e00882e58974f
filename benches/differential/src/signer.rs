//! The published test keys of `core/vectors/mint/keys.json`, in the forms that `jsonwebtoken` signs and verifies with.

use std::path::Path;

use jsonwebtoken::crypto::sign;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde_json::Value;

/// A key pair with its one algorithm.
pub struct Signer {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The public key, with `kid`.
    pub jwk: Value,
    private: EncodingKey,
}

impl Signer {
    /// The key called `name`.
    ///
    /// # Panics
    /// If there is no such key, or it is not of the algorithm's type.
    #[must_use]
    pub fn named(name: &str, algorithm: Algorithm) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../core/vectors/mint/keys.json");
        let file = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let keys: Value = serde_json::from_slice(&file).expect("JSON");
        let mut jwk = keys["keys"][name].clone();
        let member = |name: &str| bytes(jwk[name].as_str().unwrap_or_else(|| panic!("no {name}")));
        let private = match algorithm {
            Algorithm::ES256 => EncodingKey::from_ec_der(&p256_pkcs8(&member("d"), &member("x"), &member("y"))),
            Algorithm::EdDSA => EncodingKey::from_ed_der(&ed25519_pkcs8(&member("d"))),
            _ => EncodingKey::from_rsa_der(&rsa_pkcs1(["n", "e", "d", "p", "q", "dp", "dq", "qi"].map(member))),
        };
        let members = jwk.as_object_mut().expect("a JWK");
        members.retain(|name, _| ["kty", "crv", "x", "y", "n", "e"].contains(&&**name));
        members.insert("kid".to_owned(), Value::from(name));
        Self { algorithm, jwk, private }
    }

    /// The key that verifies.
    ///
    /// # Panics
    /// If the key is none.
    #[must_use]
    pub fn decoding_key(&self) -> DecodingKey {
        let jwk: Jwk = serde_json::from_value(self.jwk.clone()).expect("a JWK");
        DecodingKey::from_jwk(&jwk).expect("a key")
    }

    /// A compact token of these texts, whatever they are.
    ///
    /// # Panics
    /// If the key cannot sign.
    #[must_use]
    pub fn token(&self, header: &[u8], payload: &[u8]) -> String {
        let input = format!("{}.{}", base64url(header), base64url(payload));
        let signature = sign(input.as_bytes(), &self.private, self.algorithm).expect("a signature");
        format!("{input}.{signature}")
    }
}

fn bytes(text: &str) -> Vec<u8> {
    let mut buffer = vec![0; text.len()];
    counterfoil::wire::base64url::decode(text.as_bytes(), &mut buffer).expect("base64url").0.to_vec()
}

fn base64url(bytes: &[u8]) -> String {
    let mut buffer = vec![0; bytes.len() * 2 + 4];
    counterfoil::wire::base64url::encode(bytes, &mut buffer).expect("room").to_owned()
}

/// One DER element (X.690 section 8.1), with a content below 64 KiB.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).expect("below 64 KiB").to_be_bytes();
    let length: &[u8] = match (high, low) {
        (0, 0..=0x7f) => &[low],
        (0, _) => &[0x81, low],
        _ => &[0x82, high, low],
    };
    [&[tag], length, content].concat()
}

fn integer(magnitude: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if magnitude.first().is_some_and(|first| *first >= 0x80) { &[0] } else { &[] };
    der(0x02, &[sign, magnitude].concat())
}

/// `RSAPrivateKey` (RFC 8017 appendix A.1.2).
fn rsa_pkcs1(members: [Vec<u8>; 8]) -> Vec<u8> {
    let members: Vec<u8> = members.iter().flat_map(|member| integer(member)).collect();
    der(0x30, &[integer(&[0]), members].concat())
}

/// `ECPrivateKey` (RFC 5915) in a `PrivateKeyInfo` (RFC 5958).
fn p256_pkcs8(d: &[u8], x: &[u8], y: &[u8]) -> Vec<u8> {
    let algorithm = der(0x30, &[der(0x06, b"\x2a\x86\x48\xce\x3d\x02\x01"), der(0x06, b"\x2a\x86\x48\xce\x3d\x03\x01\x07")].concat());
    let point = der(0xa1, &der(0x03, &[b"\0\x04", x, y].concat()));
    let private = der(0x30, &[integer(&[1]), der(0x04, d), point].concat());
    der(0x30, &[integer(&[0]), algorithm, der(0x04, &private)].concat())
}

/// RFC 8410 section 7.
fn ed25519_pkcs8(seed: &[u8]) -> Vec<u8> {
    let algorithm = der(0x30, &der(0x06, b"\x2b\x65\x70"));
    der(0x30, &[integer(&[0]), algorithm, der(0x04, &der(0x04, seed))].concat())
}
