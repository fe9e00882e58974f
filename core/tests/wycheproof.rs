//! Wycheproof's signature vectors, through the algorithms that the engine offers and keys that it has loaded from a JWK.
//!
//! Two-sided: `valid` must verify and `invalid` must not. What differs is listed by its id, with the reason; an exception that
//! no longer applies fails too.

#![expect(clippy::print_stdout, reason = "says how many cases ran")]

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil::Error;
use counterfoil::crypto::{EDDSA, ES256, PS256, RS256};
use counterfoil::jose::algorithm::Algorithm;
use counterfoil::jose::keys::Key;
use serde_json::{Value, json};
use wycheproof::TestResult;

/// A case in which the engine knowingly differs from what Wycheproof calls it, or that Wycheproof leaves open.
struct Exception {
    id: usize,
    /// What the engine must answer.
    verdict: Result<(), Error>,
    reason: &'static str,
}

#[derive(Default)]
struct Tally {
    valid: usize,
    invalid: usize,
    excepted: Vec<usize>,
    failures: Vec<String>,
}

impl Tally {
    fn judge(&mut self, key: &Key, algorithm: &dyn Algorithm, case: &Case<'_>, exceptions: &[Exception]) {
        let verdict = algorithm.admit(key.public()).and_then(|()| algorithm.verify(key.public(), case.message, case.signature));
        let Case { id, result, .. } = *case;
        let as_called = match result {
            TestResult::Valid => Some(verdict.is_ok()),
            TestResult::Invalid => Some(verdict.is_err()),
            TestResult::Acceptable => None,
        };
        match (exceptions.iter().find(|exception| exception.id == id), as_called) {
            (Some(exception), _) if exception.verdict != verdict => {
                self.failures.push(format!("{id}: excepted as {:?} ({}), got {verdict:?}", exception.verdict, exception.reason));
            }
            (Some(exception), Some(true)) => self.failures.push(format!("{id}: no exception is needed ({})", exception.reason)),
            (Some(_), _) => self.excepted.push(id),
            (None, None) => self.failures.push(format!("{id}: acceptable, {verdict:?}, and not listed: {}", case.comment)),
            (None, Some(false)) => self.failures.push(format!("{id}: {result:?}, but {verdict:?}: {}", case.comment)),
            (None, Some(true)) => match result {
                TestResult::Valid => self.valid += 1,
                _ => self.invalid += 1,
            },
        }
    }

    fn finish(mut self, name: &str, expected: (usize, usize), exceptions: &[Exception]) {
        for unused in exceptions.iter().filter(|exception| !self.excepted.contains(&exception.id)) {
            self.failures.push(format!("{}: an exception for a case that was not met ({})", unused.id, unused.reason));
        }
        println!("{name}: {} valid, {} invalid, {} excepted", self.valid, self.invalid, self.excepted.len());
        assert!(self.failures.is_empty(), "{name}:\n{}", self.failures.join("\n"));
        assert_eq!((self.valid, self.invalid), expected, "{name}: another number of cases ran");
    }
}

struct Case<'a> {
    id: usize,
    comment: &'a str,
    message: &'a [u8],
    signature: &'a [u8],
    result: TestResult,
}

/// The sets have one shape and as many types.
macro_rules! run {
    ($module:ident :: $set:ident, $algorithm:expr, $expected:expr, $exceptions:expr, |$group:ident| $jwk:expr) => {{
        let set = wycheproof::$module::TestSet::load(wycheproof::$module::TestName::$set).expect("the set");
        let exceptions: &[Exception] = $exceptions;
        let mut tally = Tally::default();
        for $group in &set.test_groups {
            let key = key_of(&$jwk, $algorithm);
            for test in &$group.tests {
                let (message, signature) = (test.msg.as_ref(), test.sig.as_ref());
                let case = Case { id: test.tc_id, comment: &test.comment, message, signature, result: test.result };
                tally.judge(&key, $algorithm, &case, exceptions);
            }
        }
        tally.finish(stringify!($set), $expected, exceptions);
    }};
}

#[test]
fn ecdsa_p256_sha256_in_the_form_of_jose() {
    run!(ecdsa::EcdsaSecp256r1Sha256P1363, &ES256, (173, 89), &[], |group| {
        let point: &[u8] = group.key.key.as_ref();
        assert_eq!((point.len(), point[0]), (65, 4), "an uncompressed point");
        json!({"kty": "EC", "crv": "P-256", "x": base64url(&point[1..33]), "y": base64url(&point[33..])})
    });
}

#[test]
fn ed25519() {
    run!(eddsa::Ed25519, &EDDSA, (88, 63), &[], |group| json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(group.key.pk.as_ref())}));
}

macro_rules! rsa {
    ($test:ident, $module:ident :: $set:ident, $algorithm:expr, $expected:expr, $exceptions:expr) => {
        #[test]
        fn $test() {
            run!($module::$set, $algorithm, $expected, $exceptions, |group| {
                json!({"kty": "RSA", "n": base64url(trimmed(group.key.n.as_ref())), "e": base64url(trimmed(group.key.e.as_ref()))})
            });
        }
    };
}

rsa!(rsa_pkcs1_2048_sha256, rsa_pkcs1_verify::Rsa2048Sha256, &RS256, (9, 249), &[MISSING_NULL]);
rsa!(rsa_pkcs1_3072_sha256, rsa_pkcs1_verify::Rsa3072Sha256, &RS256, (8, 250), &[MISSING_NULL]);
rsa!(rsa_pkcs1_4096_sha256, rsa_pkcs1_verify::Rsa4096Sha256, &RS256, (7, 250), &[MISSING_NULL]);
rsa!(rsa_pss_2048_sha256_salt_32, rsa_pss_verify::RsaPss2048Sha256Mgf1SaltLen32, &PS256, (63, 45), &[]);
rsa!(rsa_pss_3072_sha256_salt_32, rsa_pss_verify::RsaPss3072Sha256Mgf1SaltLen32, &PS256, (63, 45), &[]);
rsa!(rsa_pss_4096_sha256_salt_32, rsa_pss_verify::RsaPss4096Sha256Mgf1SaltLen32, &PS256, (63, 45), &[]);

/// Open in Wycheproof, because old signers did it; RFC 8017 section 9.2 has one encoding, and the engine compares the whole of it.
const MISSING_NULL: Exception =
    Exception { id: 8, verdict: Err(Error::SignatureInvalid), reason: "DigestInfo without the NULL parameters of SHA-256" };

fn key_of(jwk: &Value, algorithm: &dyn Algorithm) -> Key {
    Key::parse(jwk.to_string().as_bytes(), &[algorithm]).unwrap_or_else(|error| panic!("{error}: {jwk}"))
}

fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// Wycheproof writes integers as DER does, with a zero ahead of a high bit.
fn trimmed(integer: &[u8]) -> &[u8] {
    integer.strip_prefix(&[0]).unwrap_or(integer)
}
