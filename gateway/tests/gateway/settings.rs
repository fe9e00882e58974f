//! A gateway from a JSON text: what it may say, and what is said of it when it is wrong.

use counterfoil::Error;
use counterfoil::oauth::confirmation::Presenter;
use counterfoil::oauth::jarm::SentState;
use counterfoil_gateway::{Certificate, Gateway, Response, ResponseVerifier, Returned, Scratch};
use serde_json::{Value, json};

use crate::setup::{URL, verdict};
use crate::tokens::{AUDIENCE, ISSUER, Key, NOW, jwks};

const SECRET: &str = "correct-horse-battery";

fn issuer(more: &Value) -> Value {
    merged(&json!({"issuer": ISSUER, "audience": AUDIENCE, "jwks": jwks(&[&Key::new(1)]), "binding": "optional", "key_memory": 4096}), more)
}

fn merged(base: &Value, more: &Value) -> Value {
    let mut merged = base.clone();
    for (name, value) in more.as_object().expect("an object") {
        merged[name] = value.clone();
    }
    merged.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    merged
}

fn gateway(more: &Value) -> Gateway {
    Gateway::from_json(&merged(&json!({"issuers": [issuer(&json!({}))]}), more).to_string()).expect("a gateway")
}

#[test]
fn the_smallest_gateway_has_the_defaults() {
    let key = Key::new(1);
    let text = json!({"issuers": [{"issuer": ISSUER, "audience": AUDIENCE, "jwks": jwks(&[&key])}]}).to_string();
    let gateway = Gateway::from_json(&text).expect("a gateway");
    assert_eq!(verdict(&gateway, &key.token(&json!({}))), "confirmation_missing");
    let holder = Certificate::der(crate::certificates::Authority::new().der());
    let bound = key.token(&json!({"cnf": {"x5t#S256": holder.thumbprint().expect("a thumbprint").to_string()}}));
    let presenter = Presenter::Certificate(holder.thumbprint().expect("a thumbprint"));
    assert!(gateway.accept(bound.as_bytes(), presenter, NOW, &mut Scratch::new()).is_ok());
}

#[test]
fn every_member_reaches_the_policy() {
    let key = Key::new(1);
    let judged = |issuer_says: Value, claims: Value| {
        let gateway = Gateway::from_json(&json!({"issuers": [issuer(&issuer_says)]}).to_string()).expect("a gateway");
        verdict(&gateway, &key.token(&claims))
    };
    assert_eq!(judged(json!({}), json!({})), "ok");
    assert_eq!(judged(json!({"audience": ["https://other.example", AUDIENCE]}), json!({})), "ok");
    assert_eq!(judged(json!({"types": ["JWT"]}), json!({})), "type_mismatch");
    assert_eq!(judged(json!({"required_claims": ["org"]}), json!({})), "claim_missing");
    assert_eq!(judged(json!({"binding": "dpop"}), json!({})), "confirmation_missing");
    assert_eq!(judged(json!({}), json!({"exp": NOW.0 - 5})), "ok");
    assert_eq!(judged(json!({"leeway": 0}), json!({"exp": NOW.0 - 5})), "token_expired");
    assert_eq!(judged(json!({"scopes": ["admin"]}), json!({})), "scope_insufficient");
    assert_eq!(judged(json!({"acr_values": ["gold"]}), json!({"acr": "silver"})), "authentication_context");
    assert_eq!(judged(json!({"max_age": 10}), json!({"auth_time": NOW.0 - 100})), "authentication_age");
    assert_eq!(judged(json!({"max_token_bytes": 100}), json!({})), "token_too_large");
    assert_eq!(judged(json!({"max_header_bytes": 10}), json!({})), "header_too_large");
}

#[test]
fn proofs_realm_and_stores_are_as_told() {
    let (key, holder) = (Key::new(1), Key::new(2));
    let token = key.token(&json!({"cnf": {"jkt": holder.thumbprint()}}));
    let asked = |gateway: &Gateway, jti: &str| {
        let (authorization, proof) = (format!("DPoP {token}"), holder.proof(URL, &token, jti));
        crate::setup::answer(gateway, &authorization, Some(&proof))
    };
    assert_eq!(asked(&gateway(&json!({})), "1"), (200, "ok"));
    assert_eq!(asked(&gateway(&json!({"dpop": {"algorithms": ["PS256"]}})), "1"), (401, "proof_algorithm"));
    assert_eq!(asked(&gateway(&json!({"dpop": {"nonce_secret": "A".repeat(43)}})), "1"), (401, "nonce_required"));
    assert_eq!(asked(&gateway(&json!({"dpop": {"nonce_random": true, "nonce_step": 30}})), "1"), (401, "nonce_required"));
    assert_eq!(asked(&gateway(&json!({"dpop": {"replay_url": "redis://127.0.0.1:1/"}})), "1"), (503, "lookup_unavailable"));
    let only = gateway(&json!({"only_references": true, "realm": "accounts", "token_cache": 8, "key_tables": 8, "patience": 0.5,
        "split": {"url": "https://127.0.0.1:1/", "encoding": "hex", "fresh": 5, "bearer": SECRET}}));
    assert_eq!(asked(&only, "1").0, 401, "a whole token");
}

/// What is wrong, and that nothing of it is repeated.
fn complaint(text: &str) -> (Error, String) {
    let error = Gateway::from_json(text).expect_err("a mistake");
    assert!(!error.to_string().contains(SECRET), "{error}");
    (error.error(), error.about().to_owned())
}

#[test]
fn what_is_unset_or_wrong_is_named_and_no_value_is_repeated() {
    let of_issuer = |more: Value| complaint(&json!({"issuers": [issuer(&more)]}).to_string());
    let of_gateway = |more: Value| complaint(&merged(&json!({"issuers": [issuer(&json!({}))]}), &more).to_string());
    assert_eq!(of_issuer(json!({"issuer": ""})).0, Error::IssuerUnset);
    assert_eq!(of_issuer(json!({"audience": []})).0, Error::AudienceUnset);
    assert_eq!(of_issuer(json!({"algorithms": []})).0, Error::AlgorithmsUnset);
    assert_eq!(of_issuer(json!({"algorithms": ["PS256"]})), (Error::KeyTypeUnsupported, ISSUER.to_owned()), "for the only key");
    assert_eq!(complaint("{\"issuers\": []}").0, Error::IssuerUnset);
    for (wrong, told) in [
        (of_issuer(json!({"jwks": null})), "exactly one of jwks, jwks_file and jwks_uri"),
        (of_issuer(json!({"jwks_file": "x"})), "exactly one of jwks, jwks_file and jwks_uri"),
        (of_issuer(json!({"binding": SECRET})), "binding"),
        (of_issuer(json!({"algorithms": [SECRET]})), "algorithms"),
        (of_issuer(json!({"leeway": SECRET})), "expected u64"),
        (of_issuer(json!({"leeway": -1})), "expected u64"),
        (of_issuer(json!({"colour": "red"})), "unknown field `colour`"),
        (of_issuer(json!({"tls": {"certificate_file": "x"}, "jwks": null, "jwks_uri": "https://a.example/"})), "belong together"),
        (of_issuer(json!({"tls": {"timeout": -1.0}, "jwks": null, "jwks_uri": "https://a.example/"})), "timeout"),
        (of_gateway(json!({"dpop": {"nonce_secret": "!"}})), "nonce_secret"),
        (of_gateway(json!({"dpop": {"nonce_secret": "A".repeat(43), "nonce_random": true}})), "nonce_random"),
        (of_gateway(json!({"patience": -1})), "patience"),
        (of_gateway(json!({"split": {"url": "https://a.example/", "encoding": "raw"}})), "encoding"),
        (
            of_gateway(json!({"introspection": {"issuer": ISSUER, "url": "https://a.example/", "client_id": "c", "format": SECRET}})),
            "format",
        ),
        (complaint("{\"issuers\": [], \"realm\": \"a\", \"realm\": \"b\"}"), "duplicate field `realm`"),
        (complaint("{"), "line 1"),
    ] {
        assert_eq!(wrong.0, Error::SettingsMalformed, "{told}");
        assert!(wrong.1.contains(told), "{} instead of {told}", wrong.1);
    }
    assert_eq!(of_gateway(json!({"dpop": {"nonce_secret": "AAAA"}})).0, Error::SecretTooShort);
}

#[test]
fn responses_too() {
    let key = Key::new(1);
    let settings = |more: &Value| merged(&json!({"issuer": ISSUER, "client_id": "client", "jwks": jwks(&[&key])}), more).to_string();
    let claims = json!({"iss": ISSUER, "aud": "client", "exp": NOW.0 + 300, "code": "c", "state": "s"});
    let response = key.sign_with(&json!({"alg": "ES256", "kid": key.kid}), &claims);
    let own = ResponseVerifier::from_json(&settings(&json!({"leeway": 5, "patience": 0.1}))).expect("a verifier");
    let judged = |returned: Returned<'_>| own.accept(returned, SentState::Sent("s"), NOW);
    assert_eq!(judged(Returned::Jwt(response.as_bytes())), Ok(Response::Code("c".to_owned())));
    assert_eq!(judged(Returned::Query(&format!("response={response}"))), Ok(Response::Code("c".to_owned())));
    assert_eq!(judged(Returned::Query(&format!("response={response}&code=c"))), Err(Error::ResponseParameters));
    assert_eq!(own.accept(Returned::Jwt(response.as_bytes()), SentState::None, NOW).err(), Some(Error::ResponseState));
    for (wrong, error) in [
        (json!({"issuer": ""}), Error::IssuerUnset),
        (json!({"client_id": null}), Error::ClientIdUnset),
        (json!({"algorithms": []}), Error::AlgorithmsUnset),
        (json!({"jwks": null}), Error::SettingsMalformed),
        (json!({"audience": "x"}), Error::SettingsMalformed),
    ] {
        assert_eq!(ResponseVerifier::from_json(&settings(&wrong)).err().map(|error| error.error()), Some(error), "{wrong}");
    }
}
