//! Tokens, proofs and responses to measure with: drawn anew at each run, all different, signed by aws-lc-rs.
//!
//! One repeated token makes a bench 6–15 % too good: branch predictors and caches learn it.

use core::fmt::Write as _;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use counterfoil::wire::base64url;
use sha2::{Digest as _, Sha256};

/// The issuer of every token.
pub const ISSUER: &str = "https://as.bank.example";
/// The resource server that every token is for.
pub const AUDIENCE: &str = "https://api.bank.example/open-banking";
/// The client of every response.
pub const CLIENT: &str = "tpp-7f3c21";
/// When every token is valid, in seconds since 1970.
pub const NOW: u64 = 1_800_000_000;
/// The URL that every proof is for.
pub const URL: &str = "https://api.bank.example/open-banking/v3.1/aisp/accounts";
/// The certificate that tokens are bound to, as far as a thumbprint goes.
pub const CERTIFICATE: [u8; 32] = [0x5a; 32];

/// A private key of one of the engine's algorithms.
pub enum Signer {
    /// ES256.
    P256(EcdsaKeyPair),
    /// PS256 and RS256.
    Rsa(Box<RsaKeyPair>, bool),
    /// EdDSA.
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    /// A new ES256 key.
    ///
    /// # Panics
    /// When the system has no randomness.
    #[must_use]
    pub fn es256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a P-256 key"))
    }

    /// A new RSA key for PS256.
    ///
    /// # Panics
    /// When the system has no randomness.
    #[must_use]
    pub fn ps256(size: KeySize) -> Self {
        Self::Rsa(Box::new(RsaKeyPair::generate(size).expect("an RSA key")), true)
    }

    /// A new RSA key for RS256.
    ///
    /// # Panics
    /// When the system has no randomness.
    #[must_use]
    pub fn rs256(size: KeySize) -> Self {
        Self::Rsa(Box::new(RsaKeyPair::generate(size).expect("an RSA key")), false)
    }

    /// A new EdDSA key.
    ///
    /// # Panics
    /// When the system has no randomness.
    #[must_use]
    pub fn eddsa() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().expect("an Ed25519 key"))
    }

    /// The `alg` of what it signs.
    #[must_use]
    pub const fn alg(&self) -> &'static str {
        match self {
            Self::P256(_) => "ES256",
            Self::Rsa(_, true) => "PS256",
            Self::Rsa(_, false) => "RS256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    /// The members of the public JWK that RFC 7638 hashes, in its order.
    ///
    /// # Panics
    /// When aws-lc-rs exports a key of another shape.
    #[must_use]
    pub fn public_members(&self) -> String {
        match self {
            Self::P256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
                format!(r#""crv":"P-256","kty":"EC","x":"{x}","y":"{y}""#)
            }
            Self::Rsa(pair, _) => {
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                let (n, e) = (encode(n.big_endian_without_leading_zero()), encode(e.big_endian_without_leading_zero()));
                format!(r#""e":"{e}","kty":"RSA","n":"{n}""#)
            }
            Self::Ed25519(pair) => format!(r#""crv":"Ed25519","kty":"OKP","x":"{}""#, encode(pair.public_key().as_ref())),
        }
    }

    /// The public JWK for a set.
    #[must_use]
    pub fn jwk(&self, kid: &str) -> String {
        format!(r#"{{{},"kid":"{kid}","use":"sig","alg":"{}"}}"#, self.public_members(), self.alg())
    }

    /// The key's SubjectPublicKeyInfo or raw form, for peers that take no JWK.
    ///
    /// # Panics
    /// When aws-lc-rs cannot export the key.
    #[must_use]
    pub fn public_der(&self) -> Vec<u8> {
        match self {
            Self::P256(pair) => pair.public_key().as_der().expect("DER").as_ref().to_vec(),
            Self::Rsa(pair, _) => pair.public_key().as_der().expect("DER").as_ref().to_vec(),
            Self::Ed25519(pair) => pair.public_key().as_der().expect("DER").as_ref().to_vec(),
        }
    }

    /// The RFC 7638 thumbprint.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        encode(&Sha256::digest(format!("{{{}}}", self.public_members())))
    }

    /// A compact JWS.
    ///
    /// # Panics
    /// When signing fails.
    #[must_use]
    pub fn sign(&self, header: &str, claims: &str) -> String {
        let mut token = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
        let random = SystemRandom::new();
        let signature = match self {
            Self::P256(pair) => pair.sign(&random, token.as_bytes()).expect("a signature").as_ref().to_vec(),
            Self::Rsa(pair, is_pss) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let padding = if *is_pss { &RSA_PSS_SHA256 as &dyn aws_lc_rs::signature::RsaEncoding } else { &RSA_PKCS1_SHA256 };
                pair.sign(padding, &random, token.as_bytes(), &mut signature).expect("a signature");
                signature
            }
            Self::Ed25519(pair) => pair.sign(token.as_bytes()).as_ref().to_vec(),
        };
        write!(token, ".{}", encode(&signature)).expect("a String takes everything");
        token
    }
}

/// A JWK Set of one key, `as-1`.
#[must_use]
pub fn jwks(signer: &Signer) -> String {
    format!(r#"{{"keys":[{}]}}"#, signer.jwk("as-1"))
}

/// What an access token is bound to, as its `cnf`.
#[must_use]
pub fn certificate_cnf() -> String {
    format!(r#""x5t#S256":"{}""#, encode(&CERTIFICATE))
}

/// Access tokens of RFC 9068 as a bank issues them, about 750 bytes with ES256; `padding` makes them longer.
#[must_use]
pub fn access_tokens(signer: &Signer, count: usize, cnf: &str, padding: usize) -> Vec<String> {
    let header = format!(r#"{{"alg":"{}","kid":"as-1","typ":"at+jwt"}}"#, signer.alg());
    (0..count).map(|number| signer.sign(&header, &claims(number, cnf, NOW + 300, padding))).collect()
}

/// Tokens that were good until two minutes ago.
#[must_use]
pub fn expired_tokens(signer: &Signer, count: usize, cnf: &str) -> Vec<String> {
    let header = format!(r#"{{"alg":"{}","kid":"as-1","typ":"at+jwt"}}"#, signer.alg());
    (0..count).map(|number| signer.sign(&header, &claims(number, cnf, NOW - 120, 0))).collect()
}

fn claims(number: usize, cnf: &str, exp: u64, padding: usize) -> String {
    let unique = encode(&Sha256::digest(number.to_be_bytes())[..18]);
    let more = if padding == 0 { String::new() } else { format!(r#","consent_text":"{}""#, "x".repeat(padding)) };
    format!(
        concat!(
            r#"{{"iss":"{iss}","aud":["{aud}","https://as.bank.example/userinfo"],"sub":"{unique}","client_id":"{client}","#,
            r#""exp":{exp},"nbf":{iat},"iat":{iat},"jti":"{unique}-{number}","scope":"openid accounts payments","#,
            r#""acr":"urn:openbanking:psd2:sca","auth_time":{iat},"consent_id":"urn:bank:consent:{number}","cnf":{{{cnf}}}{more}}}"#
        ),
        iss = ISSUER,
        aud = AUDIENCE,
        client = CLIENT,
        exp = exp,
        iat = exp - 600,
        unique = unique,
        number = number,
        cnf = cnf,
        more = more,
    )
}

/// A proof of `signer` for `token`, GET and [`URL`].
#[must_use]
pub fn proof(signer: &Signer, token: &str, number: usize) -> String {
    let header = format!(r#"{{"typ":"dpop+jwt","alg":"{}","jwk":{{{}}}}}"#, signer.alg(), signer.public_members());
    let ath = encode(&Sha256::digest(token));
    signer.sign(&header, &format!(r#"{{"jti":"proof-{number}","htm":"GET","htu":"{URL}","iat":{NOW},"ath":"{ath}"}}"#))
}

/// JARM responses.
#[must_use]
pub fn responses(signer: &Signer, count: usize) -> Vec<String> {
    let header = format!(r#"{{"alg":"{}","kid":"as-1"}}"#, signer.alg());
    let exp = NOW + 300;
    let claims = |number| format!(r#"{{"iss":"{ISSUER}","aud":"{CLIENT}","exp":{exp},"code":"code-{number}","state":"state-1"}}"#);
    (0..count).map(|number| signer.sign(&header, &claims(number))).collect()
}

/// base64url without padding.
///
/// # Panics
/// Never: the buffer is large enough.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let mut text = vec![0; bytes.len() * 2 + 4];
    base64url::encode(bytes, &mut text).expect("room").to_owned()
}
