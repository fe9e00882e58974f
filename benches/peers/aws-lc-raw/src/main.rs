//! `aws-lc-rs` alone over the shared corpus: the hash and the signature of each token, and of its proof, and nothing else. Signatures
//! are decoded, and keys parsed, before the clock starts; in the work `first`, whose keys count as seen for the first time, a key is
//! parsed from its 65 bytes each time.

#[path = "../../protocol.rs"]
mod protocol;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

use protocol::{Case, Corpus, Work, locked, serve, settle_and_time};

/// A signature ready to be verified.
struct Signed {
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl Signed {
    fn read(token: &str) -> Option<Self> {
        let (message, signature) = token.rsplit_once('.')?;
        Some(Self { message: message.into(), signature: BASE64_URL_SAFE_NO_PAD.decode(signature).ok()? })
    }
}

struct Raw {
    point: Vec<u8>,
    parsed: ParsedPublicKey,
    is_first: bool,
}

/// The point of the `jwk` in a proof's header.
fn point_of_proof(proof: &str) -> Option<Vec<u8>> {
    let header = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(proof.split('.').next()?).ok()?).ok()?;
    let coordinate = |name: &str| {
        let (_, rest) = header.split_once(&format!(r#""{name}":""#))?;
        BASE64_URL_SAFE_NO_PAD.decode(rest.split('"').next()?).ok()
    };
    Some([vec![4], coordinate("x")?, coordinate("y")?].concat())
}

impl Work for Raw {
    fn run(&self, cases: &[Case], mark: &mut dyn FnMut()) {
        let prepared: Vec<_> = cases.iter().map(prepare).collect();
        settle_and_time(mark, || {
            for ((token, proof), case) in prepared.iter().zip(cases) {
                assert_eq!(self.judge(token, proof.as_ref()), case.accept);
            }
        });
    }
}

type Prepared = (Signed, Option<(Signed, ParsedPublicKey)>);

fn prepare(case: &Case) -> Prepared {
    let proof = case.proof.as_ref().map(|proof| {
        let point = point_of_proof(proof).expect("a key");
        (Signed::read(proof).expect("a proof"), ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).expect("a key"))
    });
    (Signed::read(&case.token).expect("a token"), proof)
}

impl Raw {
    fn judge(&self, token: &Signed, proof: Option<&(Signed, ParsedPublicKey)>) -> bool {
        let verdict = if self.is_first {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.point).verify(&token.message, &token.signature)
        } else {
            self.parsed.verify_sig(&token.message, &token.signature)
        };
        verdict.is_ok() && proof.is_none_or(|(proof, key)| key.verify_sig(&proof.message, &proof.signature).is_ok())
    }
}

fn prepare_work(corpus: &Corpus, work: &str) -> Result<Box<dyn Work>, String> {
    if !matches!(work, "es256" | "es256+dpop" | "first") {
        return Err("bare verifications of ES256 only".to_owned());
    }
    let pem: String = corpus.file(work, "pem")?.lines().filter(|line| !line.contains([' ', '-'])).collect();
    let der = BASE64_STANDARD.decode(pem).map_err(|error| error.to_string())?;
    let point = der.get(der.len().saturating_sub(65)..).unwrap_or_default().to_vec();
    let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).map_err(|error| error.to_string())?;
    Ok(Box::new(Raw { point, parsed, is_first: work == "first" }))
}

fn main() {
    let lock = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"));
    serve("aws-lc-raw", &locked(lock, "aws-lc-rs"), prepare_work);
}
