//! Several issuers, what a route may demand, and mistakes in the configuration.

use counterfoil::oauth::confirmation::{Binding, Presenter};
use counterfoil::oauth::request::Request;
use counterfoil::oauth::verifier::Demands;
use counterfoil::{Error, Seconds};
use counterfoil_gateway::{Gateway, Issuer, KeySource, Scratch};
use serde_json::json;

use crate::setup::{URL, answer, issuer, verdict};
use crate::tokens::{AUDIENCE, Key, NOW, jwks};

const OTHER: &str = "https://other.example";

fn other(keys: KeySource) -> Issuer {
    Issuer::new(OTHER, AUDIENCE, keys).expect("an issuer").with_binding(Binding::Optional)
}

#[test]
fn a_key_of_one_issuer_signs_nothing_for_another() {
    // Both use one `kid`, for different keys.
    let (mine, theirs) = (Key::named(1, "same"), Key::named(2, "same"));
    let text = |key: &Key| KeySource::Text(jwks(&[key]).into_bytes());
    let gateway = Gateway::builder().issuer(issuer(text(&mine))).issuer(other(text(&theirs))).build().expect("a gateway");
    assert_eq!(verdict(&gateway, &mine.token(&json!({}))), "ok");
    assert_eq!(verdict(&gateway, &theirs.token(&json!({"iss": OTHER}))), "ok");
    assert_eq!(verdict(&gateway, &theirs.token(&json!({}))), "signature_invalid");
    assert_eq!(verdict(&gateway, &mine.token(&json!({"iss": OTHER}))), "signature_invalid");
    assert_eq!(verdict(&gateway, &mine.token(&json!({"iss": "https://nobody.example"}))), "issuer_mismatch");
    assert_eq!(verdict(&gateway, &mine.token(&json!({"iss": "https://as.example/"}))), "issuer_mismatch");
    assert_eq!(verdict(&gateway, &mine.token(&json!({"iss": null}))), "claim_malformed");
    // A key that only the other issuer has is unknown, not borrowed.
    let apart = Gateway::builder().issuer(issuer(text(&Key::new(1)))).issuer(other(text(&Key::new(2)))).build().expect("a gateway");
    assert_eq!(verdict(&apart, &Key::new(2).token(&json!({}))), "key_unknown");
    // Twice, because the second time comes from memory.
    for _ in 0..2 {
        assert_eq!(verdict(&apart, &Key::new(2).token(&json!({"iss": OTHER}))), "ok");
    }
}

#[test]
fn a_batch_is_judged_each_by_its_own_issuer() {
    let (mine, theirs) = (Key::new(1), Key::new(2));
    let text = |key: &Key| KeySource::Text(jwks(&[key]).into_bytes());
    let gateway = Gateway::builder().issuer(issuer(text(&mine))).issuer(other(text(&theirs))).build().expect("a gateway");
    let tokens: Vec<String> = (0..40)
        .map(|number| match number % 4 {
            0 => mine.token(&json!({"sub": number.to_string()})),
            1 => theirs.token(&json!({"sub": number.to_string(), "iss": OTHER})),
            2 => theirs.token(&json!({"sub": number.to_string()})),
            _ => mine.token(&json!({"exp": NOW.0 - 100})),
        })
        .collect();
    let presented: Vec<_> = tokens.iter().map(|token| (token.as_bytes(), Presenter::Bearer)).collect();
    let mut scratch = Scratch::new();
    let verdicts = gateway.accept_batch(&presented, NOW, &mut scratch);
    for (number, verdict) in verdicts.iter().enumerate() {
        match number % 4 {
            0 | 1 => assert!(verdict.as_ref().expect("good").subject().expect("sub").is(&number.to_string())),
            2 => assert_eq!(verdict.as_ref().err(), Some(&Error::KeyUnknown)),
            _ => assert_eq!(verdict.as_ref().err(), Some(&Error::TokenExpired)),
        }
    }
    assert_eq!(gateway.accepted(), 20);
    let counted: Vec<_> = gateway.refused().filter(|(_, count)| *count > 0).collect();
    assert_eq!(counted, [(Error::KeyUnknown, 10), (Error::TokenExpired, 10)]);
}

#[test]
fn a_route_demands_its_own_scopes() {
    let key = Key::new(1);
    let policy = issuer(KeySource::Text(jwks(&[&key]).into_bytes())).demanding_scopes(["accounts"]).expect("a scope");
    let gateway = Gateway::builder().issuer(policy).realm("bank").build().expect("a gateway");
    let token = key.token(&json!({}));
    assert_eq!(verdict(&gateway, &token), "ok");
    let scopes = ["transfers"];
    let route = gateway.route_demanding(Demands { scopes: &scopes, acr_values: &[], max_age: None });
    let bearer = format!("Bearer {token}");
    let authorization = [bearer.as_bytes()];
    let request = Request { method: "GET", url: URL, authorization: &authorization, dpop: &[], certificate: None };
    let mut scratch = Scratch::new();
    let refused = route.accept_request(&request, NOW, &mut scratch).expect_err("another scope");
    assert_eq!((refused.status(), refused.error()), (403, Error::ScopeInsufficient));
    assert_eq!(refused.www_authenticate(), Some("Bearer realm=\"bank\", error=\"insufficient_scope\", scope=\"transfers\""));
    assert_eq!(answer(&gateway, "Basic abc", None), (401, "credential_missing"));
}

#[test]
fn a_challenge_is_that_of_the_tokens_own_issuer() {
    let (mine, theirs) = (Key::new(1), Key::new(2));
    let text = |key: &Key| KeySource::Text(jwks(&[key]).into_bytes());
    let first = issuer(text(&mine)).demanding_scopes(["first"]).expect("a scope");
    let second = other(text(&theirs)).demanding_scopes(["second"]).expect("a scope").with_binding(Binding::Dpop);
    let gateway = Gateway::builder().issuer(first).issuer(second).build().expect("a gateway");
    let challenge = |authorization: &[&[u8]], dpop: &[&[u8]]| {
        let request = Request { method: "GET", url: URL, authorization, dpop, certificate: None };
        let mut scratch = Scratch::new();
        let refused = gateway.accept_request(&request, NOW, &mut scratch).expect_err("refused");
        refused.www_authenticate().map(str::to_owned).expect("a challenge")
    };
    let algorithms = "algs=\"ES256 PS256 EdDSA Ed25519\"";
    assert_eq!(challenge(&[], &[]), format!("Bearer, DPoP {algorithms}"), "before the issuer is known");
    let bearer = format!("Bearer {}", mine.token(&json!({})));
    assert_eq!(challenge(&[bearer.as_bytes()], &[]), "Bearer error=\"insufficient_scope\", scope=\"first\"");
    let holder = Key::new(7);
    let token = theirs.token(&json!({"iss": OTHER, "cnf": {"jkt": holder.thumbprint()}}));
    let (dpop, proof) = (format!("DPoP {token}"), holder.proof(URL, &token, "a"));
    let expected = format!("DPoP error=\"insufficient_scope\", scope=\"second\", {algorithms}");
    assert_eq!(challenge(&[dpop.as_bytes()], &[proof.as_bytes()]), expected);
}

#[test]
fn a_kept_token_outlives_its_scratch() {
    let key = Key::new(1);
    let gateway = Gateway::builder().issuer(issuer(KeySource::Text(jwks(&[&key]).into_bytes()))).build().expect("a gateway");
    let kept = {
        let mut scratch = Scratch::new();
        let token = key.token(&json!({"sub": "me"}));
        let token = gateway.accept(token.as_bytes(), Presenter::Bearer, NOW, &mut scratch).expect("good");
        assert!(token.keep(vec![0; token.payload().len() - 1]).is_none());
        token.keep(vec![0; token.payload().len()]).expect("room")
    };
    assert!(kept.token().subject().expect("sub").is("me") && kept.token().has_scope("payments"));
}

#[test]
fn mistakes_are_told_before_any_request() {
    let keys = || KeySource::Text(jwks(&[&Key::new(1)]).into_bytes());
    let fails = |builder: counterfoil_gateway::Builder| builder.build().expect_err("a mistake").error();
    assert_eq!(fails(Gateway::builder()), Error::IssuerUnset);
    assert_eq!(fails(Gateway::builder().issuer(issuer(keys())).issuer(issuer(keys()))), Error::IssuerConflict);
    assert_eq!(fails(Gateway::builder().issuer(issuer(keys())).realm("a\"b")), Error::TextNotToken);
    assert_eq!(fails(Gateway::builder().issuer(issuer(keys()).demanding_scopes(["ä"]).expect("a scope"))), Error::TextNotToken);
    assert_eq!(fails(Gateway::builder().issuer(issuer(keys())).replay_capacity(15)), Error::MemoryTooSmall);
    assert_eq!(fails(Gateway::builder().issuer(issuer(keys())).random_nonce_key(Seconds(0))), Error::LimitOutOfRange);
    assert_eq!(fails(Gateway::builder().issuer(issuer(keys())).proof_algorithms(&[])), Error::AlgorithmsUnset);
    assert_eq!(fails(Gateway::builder().issuer(issuer(keys())).only_references()), Error::IssuerConflict);
    assert_eq!(Issuer::new("", AUDIENCE, keys()).err(), Some(Error::IssuerUnset));
    assert_eq!(Issuer::new(OTHER, "", keys()).err(), Some(Error::AudienceUnset));
    assert_eq!(issuer(keys()).also_for("").err(), Some(Error::AudienceUnset));
    assert_eq!(issuer(keys()).with_algorithms(&[]).err(), Some(Error::AlgorithmsUnset));
    assert_eq!(issuer(keys()).demanding_scopes(vec!["a"; 33]).err(), Some(Error::LimitOutOfRange));
}

#[test]
fn the_host_may_bring_the_keys_itself() {
    let key = Key::new(1);
    let gateway = Gateway::builder().issuer(issuer(KeySource::Host)).build().expect("a gateway");
    let bearer = format!("Bearer {}", key.token(&json!({})));
    assert_eq!(answer(&gateway, &bearer, None), (503, "lookup_unavailable"));
    assert_eq!(gateway.replace_keys(OTHER, b"{}"), Err(Error::IssuerMismatch));
    assert_eq!(gateway.replace_keys(crate::tokens::ISSUER, b"{}"), Err(Error::KeySetMalformed));
    gateway.replace_keys(crate::tokens::ISSUER, jwks(&[&key]).as_bytes()).expect("a set");
    assert_eq!(answer(&gateway, &bearer, None), (200, "ok"));
}
