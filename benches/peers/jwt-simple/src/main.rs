//! Rust `jwt-simple` over the shared corpus, with its pure Rust implementations; its other back end compiles BoringSSL.
//!
//! The library's: signature, `iss`, `aud`, `exp`, `nbf`, `typ`. Ours: choosing the key by `kid`, comparing `cnf`. It makes no use of
//! a key in a header, so DPoP proofs are not judged.

#[path = "../../protocol.rs"]
mod protocol;

use std::collections::{HashMap, HashSet};

use jwt_simple::prelude::*;

use protocol::{Case, Corpus, Work, locked, serve};

#[derive(Serialize, Deserialize)]
struct Confirmation {
    #[serde(rename = "x5t#S256")]
    certificate: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Bound {
    cnf: Confirmation,
}

enum Key {
    Es256(ES256PublicKey),
    Ps256(PS256PublicKey),
    Rs256(RS256PublicKey),
    EdDsa(Ed25519PublicKey),
}

impl Key {
    fn read(alg: &str, pem: &str) -> Result<Self, jwt_simple::Error> {
        Ok(match alg {
            "PS256" => Self::Ps256(PS256PublicKey::from_pem(pem)?),
            "RS256" => Self::Rs256(RS256PublicKey::from_pem(pem)?),
            "EdDSA" => Self::EdDsa(Ed25519PublicKey::from_pem(pem)?),
            _ => Self::Es256(ES256PublicKey::from_pem(pem)?),
        })
    }

    fn verify(&self, token: &str, options: VerificationOptions) -> Result<JWTClaims<Bound>, jwt_simple::Error> {
        match self {
            Self::Es256(key) => key.verify_token(token, Some(options)),
            Self::Ps256(key) => key.verify_token(token, Some(options)),
            Self::Rs256(key) => key.verify_token(token, Some(options)),
            Self::EdDsa(key) => key.verify_token(token, Some(options)),
        }
    }
}

struct Judge {
    keys: HashMap<String, Key>,
    options: VerificationOptions,
    thumbprint: String,
}

impl Judge {
    fn new(corpus: &Corpus, work: &str) -> Result<Self, String> {
        if work == "es256+dpop" {
            return Err("no keys from headers".to_owned());
        }
        let pems = corpus.file(work, "pem")?;
        let mut keys = HashMap::new();
        for entry in pems.split_inclusive("-----END PUBLIC KEY-----\n") {
            let (name, pem) = entry.split_once('\n').ok_or("a name line")?;
            let (kid, alg) = name.split_once(' ').ok_or("kid and alg")?;
            keys.insert(kid.to_owned(), Key::read(alg, pem).map_err(|error| error.to_string())?);
        }
        let only = |name| Some(HashSet::from([corpus.parameter(name).to_owned()]));
        let options = VerificationOptions {
            allowed_issuers: only("issuer"),
            allowed_audiences: only("audience"),
            required_signature_type: Some("at+jwt".to_owned()),
            time_tolerance: Some(Duration::from_secs(10)),
            ..VerificationOptions::default()
        };
        Ok(Self { keys, options, thumbprint: corpus.parameter("thumbprint").to_owned() })
    }

    fn judge(&self, case: &Case) -> Option<()> {
        let header = Token::decode_metadata(&case.token).ok()?;
        let claims = self.keys.get(header.key_id()?)?.verify(&case.token, self.options.clone()).ok()?;
        (claims.custom.cnf.certificate? == self.thumbprint).then_some(())
    }
}

fn main() {
    let lock = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"));
    let version = format!("{} (pure-rust)", locked(lock, "jwt-simple"));
    serve("jwt-simple", &version, |corpus, work| {
        let judge = Judge::new(corpus, work)?;
        Ok(Box::new(move |case: &Case| judge.judge(case).is_some()) as Box<dyn Work>)
    });
}
