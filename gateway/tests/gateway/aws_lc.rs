//! RSA by aws-lc-rs gives the engine's verdicts over Wycheproof, also over its sets with other hashes and salts, and refuses the same keys.
//! What is good and bad there is held by the engine's own test.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil::crypto;
use counterfoil::jose::algorithm::Algorithm;
use counterfoil::jose::keys::Key;
use counterfoil_gateway::aws_lc;
use serde_json::json;
use wycheproof::{rsa_pkcs1_verify, rsa_pss_verify};

fn unsigned(integer: &[u8]) -> &[u8] {
    integer.strip_prefix(&[0]).unwrap_or(integer)
}

/// The verdicts of both on every signature of these sets, which must be the same; how many were good.
macro_rules! compare {
    ($module:ident, [$($set:ident),*], $engine:expr, $aws:expr) => {{
        let (mut judged, mut good) = (0, 0);
        for name in [$($module::TestName::$set),*] {
            for group in &$module::TestSet::load(name).expect("the set").test_groups {
                let encode = |integer: &[u8]| Base64UrlUnpadded::encode_string(unsigned(integer));
                let jwk = json!({"kty": "RSA", "n": encode(group.key.n.as_ref()), "e": encode(group.key.e.as_ref())}).to_string();
                let engine: &dyn Algorithm = $engine;
                let aws: &dyn Algorithm = $aws;
                let key = Key::parse(jwk.as_bytes(), &[engine]);
                assert_eq!(key.as_ref().err(), Key::parse(jwk.as_bytes(), &[aws]).as_ref().err());
                let Ok(key) = key else { continue };
                for test in &group.tests {
                    let verdict = engine.verify(key.public(), &test.msg, &test.sig);
                    assert_eq!(aws.verify(key.public(), &test.msg, &test.sig), verdict, "{name:?} {} {}", test.tc_id, test.comment);
                    judged += 1;
                    good += u32::from(verdict.is_ok());
                }
            }
        }
        (judged, good)
    }};
}

#[test]
fn pkcs1_signatures_are_judged_alike() {
    let (judged, good) = compare!(
        rsa_pkcs1_verify,
        [Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa2048Sha512, Rsa8192Sha256],
        &crypto::RS256,
        &aws_lc::RS256
    );
    println!("RS256: {judged} judged alike, {good} good");
    assert!(judged > 1000 && good >= 24, "{judged} {good}");
}

#[test]
fn pss_signatures_are_judged_alike() {
    let (judged, good) = compare!(
        rsa_pss_verify,
        [
            RsaPss2048Sha256Mgf1SaltLen32,
            RsaPss3072Sha256Mgf1SaltLen32,
            RsaPss4096Sha256Mgf1SaltLen32,
            RsaPss2048Sha256Mgf1SaltLen0,
            RsaPss2048Sha256Mgf1Sha1_20,
            RsaPssmisc
        ],
        &crypto::PS256,
        &aws_lc::PS256
    );
    println!("PS256: {judged} judged alike, {good} good");
    assert!(judged > 500 && good >= 189, "{judged} {good}");
}
