//! Tokens and proofs, minted here.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil::UnixTime;
use counterfoil::jose::thumbprint::Thumbprint;
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);
pub(crate) const ISSUER: &str = "https://as.example";
pub(crate) const AUDIENCE: &str = "https://api.example";

/// An ES256 key of the tests: who knows its number knows it.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) kid: String,
    signing: SigningKey,
}

impl Key {
    pub(crate) fn new(number: u8) -> Self {
        Self { kid: format!("key-{number}"), signing: SigningKey::from_slice(&[number; 32]).expect("a key") }
    }

    pub(crate) fn named(number: u8, kid: &str) -> Self {
        Self { kid: kid.to_owned(), ..Self::new(number) }
    }

    pub(crate) fn jwk(&self) -> Value {
        let point = self.signing.verifying_key().to_sec1_point(false);
        let coordinate = |octets: &[u8]| json!(base64url(octets));
        let (x, y) = (&point.as_bytes()[1..33], &point.as_bytes()[33..]);
        json!({"kty": "EC", "crv": "P-256", "x": coordinate(x), "y": coordinate(y)})
    }

    pub(crate) fn thumbprint(&self) -> String {
        let key = counterfoil::jose::keys::Key::parse(self.jwk().to_string().as_bytes(), &[&counterfoil::crypto::ES256]);
        Thumbprint::of_key(key.expect("a key").public()).to_string()
    }

    /// A compact JWS.
    pub(crate) fn sign(&self, typ: &str, payload: &Value) -> String {
        self.sign_with(&json!({"alg": "ES256", "typ": typ, "kid": self.kid}), payload)
    }

    pub(crate) fn sign_with(&self, header: &Value, payload: &Value) -> String {
        let input = format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(payload.to_string().as_bytes()));
        let signature: p256::ecdsa::Signature = self.signing.sign(input.as_bytes());
        format!("{input}.{}", base64url(&signature.to_bytes()))
    }

    /// An access token with the claims of RFC 9068, and these.
    pub(crate) fn token(&self, more: &Value) -> String {
        self.sign("at+jwt", &claims(more))
    }

    /// A proof for `GET url` with this token.
    pub(crate) fn proof(&self, url: &str, token: &str, jti: &str) -> String {
        let claims = json!({"jti": jti, "htm": "GET", "htu": url, "iat": NOW.0, "ath": base64url(&Sha256::digest(token.as_bytes()))});
        self.sign_with(&json!({"alg": "ES256", "typ": "dpop+jwt", "jwk": self.jwk()}), &claims)
    }
}

pub(crate) fn claims(more: &Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "user", "client_id": "client", "jti": "1", "iat": NOW.0, "exp": NOW.0 + 300,
        "scope": "accounts payments",
    });
    for (name, value) in more.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    claims
}

pub(crate) fn jwks(keys: &[&Key]) -> String {
    let jwk = |key: &&Key| {
        let mut jwk = key.jwk();
        jwk["kid"] = json!(key.kid);
        jwk
    };
    json!({"keys": keys.iter().map(jwk).collect::<Vec<_>>()}).to_string()
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}
