//! Who talks to the server: clients with their keys and certificates.

use core::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::world::ISSUER;

/// Every combination of FAPI 2.0: how a client proves who it is, and what it holds.
pub(crate) const COMBINATIONS: [(Auth, Hold); 4] =
    [(Auth::PrivateKeyJwt, Hold::Dpop), (Auth::PrivateKeyJwt, Hold::Mtls), (Auth::Mtls, Hold::Dpop), (Auth::Mtls, Hold::Mtls)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Auth {
    PrivateKeyJwt,
    Mtls,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    Dpop,
    Mtls,
}

/// A key that signs what a test says, right or wrong.
pub(crate) struct Key {
    pair: EcdsaKeyPair,
    pub(crate) kid: String,
}

impl Key {
    pub(crate) fn new(kid: &str) -> Self {
        Self { pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(), kid: kid.to_owned() }
    }

    pub(crate) fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]) })
    }

    pub(crate) fn registered(&self) -> Value {
        let mut jwk = self.jwk();
        jwk["kid"] = json!(self.kid);
        jwk["alg"] = json!("ES256");
        jwk
    }

    pub(crate) fn thumbprint(&self) -> String {
        let jwk = self.jwk();
        let text = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
        encode(&Sha256::digest(text))
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let input = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        let signature = self.pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", encode(signature.as_ref()))
    }
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// Different each time.
pub(crate) fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("unique-{}", NEXT.fetch_add(1, Ordering::SeqCst))
}

/// A client, with all that it may need.
pub(crate) struct Party {
    pub(crate) id: String,
    pub(crate) auth: Auth,
    pub(crate) hold: Hold,
    pub(crate) key: Key,
    pub(crate) proof_key: Key,
    pub(crate) certificate: Vec<u8>,
    pub(crate) redirect_uri: String,
}

impl Party {
    pub(crate) fn new(name: &str, auth: Auth, hold: Hold) -> Self {
        let id = format!("{name}-{}-{}", if auth == Auth::Mtls { "mtls" } else { "jwt" }, if hold == Hold::Mtls { "mtls" } else { "dpop" });
        let key = rcgen::KeyPair::generate().unwrap();
        let mut certificate = rcgen::CertificateParams::new(vec![format!("{id}.example")]).unwrap();
        certificate.distinguished_name.push(rcgen::DnType::CommonName, id.clone());
        Self {
            key: Key::new(&format!("{id}-key")),
            proof_key: Key::new("proof"),
            certificate: certificate.self_signed(&key).unwrap().der().to_vec(),
            redirect_uri: format!("https://{id}.example/callback?dummy1=lorem&dummy2=ipsum"),
            id,
            auth,
            hold,
        }
    }

    pub(crate) fn metadata(&self) -> Value {
        let mut metadata = json!({
            "client_id": self.id,
            "client_name": format!("Client {}", self.id),
            "redirect_uris": [self.redirect_uri, "https://second.example/cb"],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "dpop_bound_access_tokens": self.hold == Hold::Dpop,
            "tls_client_certificate_bound_access_tokens": self.hold == Hold::Mtls,
            "authorization_details_types": ["payment_initiation"],
        });
        match self.auth {
            Auth::PrivateKeyJwt => {
                metadata["token_endpoint_auth_method"] = json!("private_key_jwt");
                metadata["jwks"] = json!({ "keys": [self.key.registered()] });
            }
            Auth::Mtls => {
                metadata["token_endpoint_auth_method"] = json!("self_signed_tls_client_auth");
                let mut jwk = Key::new("certificate").registered();
                jwk["x5c"] = json!([Base64::encode_string(&self.certificate)]);
                metadata["jwks"] = json!({ "keys": [self.key.registered(), jwk] });
            }
        }
        metadata
    }

    /// The claims of a good client assertion.
    pub(crate) fn assertion_claims(&self, now: u64) -> Value {
        json!({ "iss": self.id, "sub": self.id, "aud": ISSUER, "jti": unique(), "iat": now, "exp": now + 60 })
    }

    pub(crate) fn assertion(&self, claims: &Value) -> String {
        self.key.sign(&json!({ "alg": "ES256", "kid": self.key.kid }), claims)
    }

    /// The claims of a good proof.
    pub(crate) fn proof_claims(&self, method: &str, url: &str, now: u64) -> Value {
        json!({ "jti": unique(), "htm": method, "htu": url, "iat": now })
    }

    pub(crate) fn proof(&self, claims: &Value) -> String {
        proof_by(&self.proof_key, claims)
    }
}

pub(crate) fn proof_by(key: &Key, claims: &Value) -> String {
    key.sign(&json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk() }), claims)
}
