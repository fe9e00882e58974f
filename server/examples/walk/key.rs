//! A P-256 key that signs assertions and DPoP proofs.

use std::path::Path;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_server::clock::{Clock as _, SystemClock};
use counterfoil_server::secret::Secret;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::wire::Fault;

/// A private key, with its public one.
pub(crate) struct Key {
    pair: EcdsaKeyPair,
}

impl Key {
    /// A new key, whose file anybody with the folder may use.
    pub(crate) fn create(file: &Path) -> Result<Self, Fault> {
        std::fs::write(file, rcgen::KeyPair::generate()?.serialize_pem())?;
        Self::read(file)
    }

    pub(crate) fn read(file: &Path) -> Result<Self, Fault> {
        let pem = pem::parse(std::fs::read(file)?)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pem.contents());
        Ok(Self { pair: pair.map_err(|_| format!("{}: not a P-256 key in PKCS#8", file.display()))? })
    }

    pub(crate) fn jwk(&self) -> Value {
        let (x, y) = self.point();
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })
    }

    fn point(&self) -> (String, String) {
        let point = self.pair.public_key().as_ref();
        let half = |from: usize| Base64UrlUnpadded::encode_string(point.get(from..from + 32).unwrap_or_default());
        (half(1), half(33))
    }

    /// RFC 7638.
    pub(crate) fn thumbprint(&self) -> String {
        let (x, y) = self.point();
        hash(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#))
    }

    fn sign(&self, header: &Value, claims: &Value) -> Result<String, Fault> {
        let encode = |part: &Value| Base64UrlUnpadded::encode_string(part.to_string().as_bytes());
        let input = format!("{}.{}", encode(header), encode(claims));
        let signature = self.pair.sign(&SystemRandom::new(), input.as_bytes()).map_err(|_| "nothing was signed")?;
        Ok(format!("{input}.{}", Base64UrlUnpadded::encode_string(signature.as_ref())))
    }

    /// A client assertion (RFC 7523), good for a minute and once.
    pub(crate) fn assertion(&self, client_id: &str, issuer: &str) -> Result<String, Fault> {
        let now = SystemClock.now().0;
        let claims =
            json!({ "iss": client_id, "sub": client_id, "aud": issuer, "jti": Secret::new().as_str(), "iat": now, "exp": now + 60 });
        self.sign(&json!({ "alg": "ES256" }), &claims)
    }

    /// A DPoP proof (RFC 9449) for one request, by which a token may be presented.
    pub(crate) fn proof(&self, method: &str, url: &str, token: Option<&str>) -> Result<String, Fault> {
        let mut claims = json!({ "jti": Secret::new().as_str(), "htm": method, "htu": url, "iat": SystemClock.now().0 });
        if let Some(token) = token {
            claims["ath"] = json!(hash(token));
        }
        self.sign(&json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() }), &claims)
    }
}

/// SHA-256 in base64url.
pub(crate) fn hash(text: &str) -> String {
    Base64UrlUnpadded::encode_string(&Sha256::digest(text))
}
