//! `fapi2-security-profile-final-dpop-negative-tests`: at the resource, in its order (conformance.md 3.3).

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::world::{Call, ISSUER, Key, NOW, World, encode, proof_by};

const URL: &str = "https://as.example/resource";

struct Resource<'w> {
    world: &'w World,
    token: String,
}

impl Resource<'_> {
    fn claims(&self) -> Value {
        let mut claims = self.world.one().proof_claims("GET", URL, NOW);
        claims["ath"] = json!(encode(&Sha256::digest(&self.token)));
        claims
    }

    fn header(&self) -> Value {
        json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.world.one().proof_key.jwk() })
    }

    async fn status(&self, proofs: &[String]) -> u16 {
        let call = Call::get("/resource").header("authorization", &format!("DPoP {}", self.token));
        let call = proofs.iter().fold(call, |call, proof| call.header("dpop", proof));
        self.world.make(call).await.status.as_u16()
    }

    async fn with_claims(&self, change: impl FnOnce(&mut Value)) -> u16 {
        let mut claims = self.claims();
        change(&mut claims);
        self.status(&[self.world.one().proof(&claims)]).await
    }

    async fn with_header(&self, change: impl FnOnce(&mut Value)) -> u16 {
        let mut header = self.header();
        change(&mut header);
        self.status(&[self.world.one().proof_key.sign(&header, &self.claims())]).await
    }
}

fn remove(value: &mut Value, member: &str) {
    value.as_object_mut().unwrap().remove(member);
}

#[tokio::test]
async fn dpop_negative_tests() {
    let world = World::new().await;
    let party = world.one();
    let tokens = world.tokens_of(party).await;
    let resource = Resource { world: &world, token: tokens["access_token"].as_str().unwrap().to_owned() };
    let good = || party.proof(&resource.claims());

    assert_eq!(resource.status(&[good()]).await, 200, "the positive twin");
    assert!([400, 401].contains(&resource.status(&[good(), good()]).await), "two DPoP headers");
    assert_eq!(resource.status(&["not-a-jwt".to_owned()]).await, 401);
    for member in ["typ", "alg", "jwk"] {
        assert_eq!(resource.with_header(|header| remove(header, member)).await, 401, "no {member}");
    }
    for member in ["jti", "htm", "htu", "iat", "ath"] {
        assert_eq!(resource.with_claims(|claims| remove(claims, member)).await, 401, "no {member}");
    }
    assert_eq!(resource.with_header(|header| header["typ"] = json!("JWT")).await, 401);
    for alg in ["RS256", "none", "HS256", "ES384"] {
        assert_eq!(resource.with_header(|header| header["alg"] = json!(alg)).await, 401, "{alg}");
    }
    let mut tampered = good();
    let last = tampered.pop().unwrap();
    tampered.push(if last == 'A' { 'Q' } else { 'A' });
    assert_eq!(resource.status(&[tampered]).await, 401, "a bad signature");
    assert_eq!(resource.with_header(|header| header["jwk"]["d"] = json!("AAAA")).await, 401, "a private key");
    for (name, value) in [
        ("htm", json!("PUT")),
        ("htu", json!("https://as.example/other")),
        ("htu", json!("https://evil.example/resource")),
        ("iat", json!(NOW + 3600)),
        ("iat", json!(NOW - 3600)),
        ("ath", json!(encode(&Sha256::digest("another token")))),
    ] {
        assert_eq!(resource.with_claims(|claims| claims[name] = value.clone()).await, 401, "{name} {value}");
    }
    assert_eq!(resource.status(&[proof_by(&Key::new("other"), &resource.claims())]).await, 401, "another key");
    assert_eq!(resource.status(&[]).await, 401, "no proof");
    let as_bearer = Call::get("/resource").header("authorization", &format!("Bearer {}", resource.token));
    assert_eq!(world.make(as_bearer).await.status, 401, "no proof with the Bearer scheme");

    for htu in [
        format!("{URL}?query=1#fragment"),
        URL.to_owned(),
        "HTTPS://AS.EXAMPLE/resource".to_owned(),
        "https://as.example:443/resource".to_owned(),
    ] {
        assert_eq!(resource.with_claims(|claims| claims["htu"] = json!(htu)).await, 200, "{htu}");
    }
    let unknown = resource.with_claims(|claims| claims["unknown"] = json!({ "a": 1 }));
    assert_eq!(unknown.await, 200);
    assert_eq!(resource.with_header(|header| header["unknown"] = json!(1)).await, 200);
    let once = good();
    assert_eq!(resource.status(core::slice::from_ref(&once)).await, 200);
    assert_eq!(resource.status(&[once]).await, 401, "a replay");
    assert_eq!(resource.status(&[good()]).await, 200);
    assert!(ISSUER.starts_with("https"));
}
