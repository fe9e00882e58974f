//! Rust `jsonwebtoken` over the shared corpus; built twice, once for each of its back ends.
//!
//! The library's: signature, `iss`, `aud`, `exp`, `nbf`, required claims, key from JWK, thumbprint of a JWK. Ours: choosing the key by
//! `kid`, comparing `typ` and `cnf`, and the claims of a DPoP proof (`htm`, `htu`, `iat`, `ath`); nothing remembers a proof's `jti`.

#[path = "../../protocol.rs"]
mod protocol;

use std::collections::HashMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{JwkSet, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use protocol::{Case, Corpus, Work, locked, serve};

#[derive(Deserialize)]
struct Confirmation {
    #[serde(rename = "x5t#S256")]
    certificate: Option<String>,
    jkt: Option<String>,
}

#[derive(Deserialize)]
struct AccessToken {
    cnf: Confirmation,
}

#[derive(Deserialize)]
struct Proof {
    jti: String,
    htm: String,
    htu: String,
    iat: u64,
    ath: String,
}

/// What tokens and proofs are compared with.
struct Judge {
    keys: HashMap<String, DecodingKey>,
    tokens: Validation,
    proofs: Validation,
    thumbprint: String,
    method: String,
    url: String,
    now: u64,
}

impl Judge {
    fn new(corpus: &Corpus, work: &str) -> Result<Self, String> {
        let set: JwkSet = serde_json::from_str(&corpus.file(work, "jwks")?).map_err(|error| error.to_string())?;
        let key =
            |jwk: &jsonwebtoken::jwk::Jwk| (jwk.common.key_id.clone().unwrap_or_default(), DecodingKey::from_jwk(jwk).expect("a key"));
        let mut tokens = Validation::new(match work {
            "ps256" => Algorithm::PS256,
            "rs256" => Algorithm::RS256,
            "eddsa" => Algorithm::EdDSA,
            _ => Algorithm::ES256,
        });
        tokens.set_issuer(&[corpus.parameter("issuer")]);
        tokens.set_audience(&[corpus.parameter("audience")]);
        tokens.set_required_spec_claims(&["iss", "aud", "exp", "nbf", "sub"]);
        tokens.validate_nbf = true;
        tokens.leeway = 10;
        let mut proofs = Validation::new(Algorithm::ES256);
        proofs.set_required_spec_claims::<&str>(&[]);
        (proofs.validate_exp, proofs.validate_aud) = (false, false);
        let own = |name| corpus.parameter(name).to_owned();
        Ok(Self {
            keys: set.keys.iter().map(key).collect(),
            tokens,
            proofs,
            thumbprint: own("thumbprint"),
            method: own("method"),
            url: own("url"),
            now: own("now").parse().map_err(|_| "now".to_owned())?,
        })
    }

    fn judge(&self, case: &Case) -> Option<()> {
        let kid = decode_header(&case.token).ok()?.kid?;
        let token = decode::<AccessToken>(&case.token, self.keys.get(&kid)?, &self.tokens).ok()?;
        let cnf = token.claims.cnf;
        let is_held = match &case.proof {
            None => cnf.certificate? == self.thumbprint,
            Some(proof) => self.judge_proof(proof, &case.token)? == cnf.jkt?,
        };
        (token.header.typ? == "at+jwt" && is_held).then_some(())
    }

    /// The thumbprint of the key of a good proof.
    fn judge_proof(&self, proof: &str, token: &str) -> Option<String> {
        let jwk = decode_header(proof).ok()?.jwk?;
        let proof = decode::<Proof>(proof, &DecodingKey::from_jwk(&jwk).ok()?, &self.proofs).ok()?;
        let claims = proof.claims;
        let is_meant = claims.htm == self.method && claims.htu == self.url && !claims.jti.is_empty();
        let is_current = claims.iat.abs_diff(self.now) < 4000;
        let is_for_token = claims.ath == BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(token));
        let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).ok()?;
        (proof.header.typ? == "dpop+jwt" && is_meant && is_current && is_for_token).then_some(thumbprint)
    }
}

fn main() {
    let lock = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"));
    serve(env!("CARGO_PKG_NAME"), &locked(lock, "jsonwebtoken"), |corpus, work| {
        let judge = Judge::new(corpus, work)?;
        Ok(Box::new(move |case: &Case| judge.judge(case).is_some()) as Box<dyn Work>)
    });
}
