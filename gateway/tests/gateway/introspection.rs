//! Phantom tokens, in the three forms in which issuers answer.

use core::time::Duration;
use std::sync::Arc;

use counterfoil::oauth::split_token::{CounterfoilKey, KeyEncoding};
use counterfoil::{Error, Seconds, UnixTime};
use counterfoil_gateway::{ClientAuthentication, Gateway, Introspection, IntrospectionFormat, KeySource};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::certificates::Authority;
use crate::server::{Reply, Server};
use crate::setup::{URL, answer, issuer, transport, verdict, verdict_at};
use crate::tokens::{ISSUER, Key, NOW, claims, jwks};

const REFERENCE: &str = "zD1L9bXo-reference_~+/";
const RESOURCE: &str = "https://api.example/introspector";

fn basic() -> ClientAuthentication {
    ClientAuthentication::Basic { client_id: "gate way".into(), secret: "s:cret%".into() }
}

fn gateway(server: &Server, authority: &Authority, format: IntrospectionFormat, remembering: Option<(u64, u64)>) -> Gateway {
    let transport = transport(authority).with_timeout(Duration::from_secs(2));
    let mut endpoint = Introspection::new(&server.url("/introspect"), format, &basic(), &transport).expect("an endpoint");
    if let Some((active, inactive)) = remembering {
        endpoint = endpoint.remembering(Seconds(active), Seconds(inactive));
    }
    let keys = KeySource::Text(jwks(&[&Key::new(1)]).into_bytes());
    Gateway::builder().issuer(issuer(keys)).introspection(ISSUER, endpoint).build().expect("a gateway")
}

fn signed() -> IntrospectionFormat {
    IntrospectionFormat::SignedJson { audience: RESOURCE.into() }
}

fn active(more: &Value) -> Value {
    let mut claims = claims(more);
    if claims.get("active").is_none() {
        claims["active"] = json!(true);
    }
    claims
}

/// An answer in this form that says this.
fn reply(format: &IntrospectionFormat, claims: &Value) -> Reply {
    match format {
        IntrospectionFormat::Json => Reply::new(200, "application/json; charset=utf-8", claims.to_string()),
        IntrospectionFormat::SignedJson { .. } => signed_reply(&json!({"token_introspection": claims})),
        IntrospectionFormat::Jwt if claims["active"] == true => {
            let mut claims = claims.clone();
            claims.as_object_mut().expect("an object").remove("active");
            Reply::new(200, "application/jwt", Key::new(1).sign("at+jwt", &claims))
        }
        IntrospectionFormat::Jwt => Reply::status(204),
    }
}

fn signed_reply(more: &Value) -> Reply {
    let mut claims = json!({"iss": ISSUER, "aud": RESOURCE, "iat": NOW.0});
    for (name, value) in more.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    Reply::new(200, "application/token-introspection+jwt", Key::new(1).sign("token-introspection+jwt", &claims))
}

#[test]
fn every_form_is_judged_as_a_token_is() {
    let authority = Authority::new();
    let server = Server::start(&authority, |_| Reply::status(500));
    for format in [IntrospectionFormat::Json, signed(), IntrospectionFormat::Jwt] {
        let gateway = gateway(&server, &authority, format.clone(), None);
        for (claims, expected) in [
            (active(&json!({})), "ok"),
            (active(&json!({"iss": "https://other.example"})), "issuer_mismatch"),
            (active(&json!({"aud": ["https://other.example"]})), "audience_mismatch"),
            (active(&json!({"exp": NOW.0 - 10})), "token_expired"),
            (active(&json!({"exp": "1800000300"})), "claim_malformed"),
            (active(&json!({"nbf": NOW.0 + 11})), "token_not_yet_valid"),
            (active(&json!({"iat": NOW.0 + 11})), "token_issued_ahead"),
            (active(&json!({"cnf": {"jkt": Key::new(7).thumbprint()}})), "proof_required"),
            (active(&json!({"cnf": {}})), "confirmation_malformed"),
            (active(&json!({"scope": ["accounts"]})), "claim_malformed"),
            (json!({"active": false}), "token_inactive"),
        ] {
            let reply = reply(&format, &claims);
            server.answer(move |_| reply.clone());
            assert_eq!(verdict(&gateway, REFERENCE), expected, "{format:?} {claims}");
        }
        for absent in ["iss", "aud", "exp", "sub", "client_id"] {
            let mut claims = active(&json!({}));
            claims.as_object_mut().expect("an object").remove(absent);
            let reply = reply(&format, &claims);
            server.answer(move |_| reply.clone());
            let expected = ["issuer_missing", "audience_missing", "expiry_missing", "subject_missing", "client_id_missing"];
            assert!(expected.contains(&verdict(&gateway, REFERENCE)), "{format:?} without {absent}");
        }
    }
}

#[test]
fn what_is_no_answer_is_503_and_never_401() {
    let authority = Authority::new();
    let server = Server::start(&authority, |_| Reply::status(500));
    let json = |text: &str| Reply::new(200, "application/json", text);
    let text = |claims: Value| active(&claims).to_string();
    let mut large = text(json!({}));
    large.push_str(&" ".repeat(70 * 1024));
    let other_key =
        |claims: &Value| Reply::new(200, "application/token-introspection+jwt", Key::new(2).sign("token-introspection+jwt", claims));
    let whole = json!({"iss": ISSUER, "aud": RESOURCE, "iat": NOW.0, "token_introspection": active(&json!({}))});
    let forged = Key::named(2, "key-1").sign("token-introspection+jwt", &whole);
    let inner = json!({"token_introspection": active(&json!({}))});
    let but = |more: Value| {
        let mut claims = inner.clone();
        claims.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        signed_reply(&claims)
    };
    let media = |media_type: &str, reply: Reply| Reply { headers: vec![("content-type", media_type.to_owned())], ..reply };
    for (format, reply) in [
        (IntrospectionFormat::Json, json("<html>")),
        (IntrospectionFormat::Json, json("[]")),
        (IntrospectionFormat::Json, json("{}")),
        (IntrospectionFormat::Json, json(&text(json!({"active": "true"})))),
        (IntrospectionFormat::Json, json(&text(json!({"active": 1})))),
        (IntrospectionFormat::Json, json(&text(json!({"active": null})))),
        (IntrospectionFormat::Json, json(&format!("{{\"active\":true,{}", &text(json!({}))[1..]))),
        (IntrospectionFormat::Json, json(&large)),
        (IntrospectionFormat::Json, media("text/html", json(&text(json!({}))))),
        (IntrospectionFormat::Json, Reply::status(204)),
        (IntrospectionFormat::Json, Reply::status(401)),
        (IntrospectionFormat::Json, Reply::status(404)),
        (IntrospectionFormat::Json, Reply::status(302).with("location", "https://localhost:1/")),
        (IntrospectionFormat::Jwt, json(&text(json!({})))),
        (IntrospectionFormat::Jwt, Reply::status(503)),
        (signed(), json(&text(json!({})))),
        (signed(), other_key(&whole)),
        (signed(), Reply::new(200, "application/token-introspection+jwt", forged)),
        (signed(), Reply::new(200, "application/token-introspection+jwt", Key::new(1).sign("at+jwt", &whole))),
        (signed(), Reply::new(200, "application/token-introspection+jwt", Key::new(1).token(&json!({})))),
        (signed(), but(json!({"iss": "https://other.example"}))),
        (signed(), but(json!({"aud": "https://other.example"}))),
        (signed(), but(json!({"iat": NOW.0 - 311}))),
        (signed(), but(json!({"iat": NOW.0 + 11}))),
        (signed(), but(json!({"iat": null}))),
        (signed(), but(json!({"token_introspection": null}))),
        (signed(), but(json!({"token_introspection": {}}))),
        (signed(), Reply::status(204)),
    ] {
        let gateway = gateway(&server, &authority, format.clone(), Some((60, 60)));
        let what = format!("{format:?} {} {:?}", reply.status, String::from_utf8_lossy(&reply.body).chars().take(80).collect::<String>());
        server.answer(move |_| reply.clone());
        assert_eq!(answer(&gateway, &format!("Bearer {REFERENCE}"), None), (503, "lookup_unavailable"), "{what}");
        // Nothing was remembered of it.
        let good = self::reply(&format, &active(&json!({})));
        server.answer(move |_| good.clone());
        assert_eq!(answer(&gateway, &format!("Bearer {REFERENCE}"), None), (200, "ok"), "{what}");
    }
    let gateway = gateway(&server, &authority, IntrospectionFormat::Json, Some((60, 60)));
    server.set_away(true);
    assert_eq!(answer(&gateway, &format!("Bearer {REFERENCE}"), None), (503, "lookup_unavailable"));
}

#[test]
fn the_request_says_what_is_asked_and_who_asks() {
    let authority = Authority::new();
    let server = Server::start(&authority, |request| {
        assert_eq!(request.line, "POST /introspect HTTP/1.1");
        assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(request.header("accept"), Some("application/jwt"));
        // "gate%20way:s%3Acret%25"
        assert_eq!(request.header("authorization"), Some("Basic Z2F0ZSUyMHdheTpzJTNBY3JldCUyNQ=="));
        assert_eq!(request.body, "token=zD1L9bXo-reference_~%2B%2F&token_type_hint=access_token");
        reply(&IntrospectionFormat::Jwt, &active(&json!({})))
    });
    let gateway = gateway(&server, &authority, IntrospectionFormat::Jwt, None);
    assert_eq!(verdict(&gateway, REFERENCE), "ok");
}

#[test]
fn a_client_certificate_proves_who_asks() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let server = Server::start_with(&authority, Some(&clients), |request| {
        assert_eq!(request.header("authorization"), None);
        assert!(request.body.ends_with("&client_id=gateway"), "{}", request.body);
        if request.has_certificate { reply(&IntrospectionFormat::Json, &active(&json!({}))) } else { Reply::status(401) }
    });
    let client = ClientAuthentication::Certificate { client_id: "gateway".into() };
    let leaf = clients.leaf("gateway");
    let with = transport(&authority).with_identity(leaf.certificate_pem.as_bytes(), leaf.key_pem.as_bytes()).expect("an identity");
    let endpoint = Introspection::new(&server.url("/introspect"), IntrospectionFormat::Json, &client, &with).expect("an endpoint");
    // Plain JSON needs no keys.
    let gateway = Gateway::builder().issuer(issuer(KeySource::Host)).introspection(ISSUER, endpoint).build().expect("a gateway");
    assert_eq!(verdict(&gateway, REFERENCE), "ok");
    let without = Introspection::new(&server.url("/"), IntrospectionFormat::Json, &client, &transport(&authority));
    assert_eq!(without.map_err(|error| error.error()).err(), Some(Error::MaterialUnusable));
}

#[test]
fn an_answer_is_believed_no_longer_than_agreed_nor_than_it_says() {
    let authority = Authority::new();
    let server = Server::start(&authority, |_| reply(&IntrospectionFormat::Json, &active(&json!({}))));
    let at = |seconds: u64| UnixTime(NOW.0 + seconds);
    let inactive = |_: &_| Reply::new(200, "application/json", "{\"active\":false}");
    for format in [IntrospectionFormat::Json, signed(), IntrospectionFormat::Jwt] {
        for (max_age, until) in
            [(None, 60), (Some("max-age=20"), 20), (Some("max-age=3600"), 60), (Some("no-store"), 0), (Some("max-age=0"), 0)]
        {
            let gateway = gateway(&server, &authority, format.clone(), Some((60, 5)));
            let mut good = reply(&format, &active(&json!({})));
            if let Some(max_age) = max_age {
                good = good.with("cache-control", max_age);
            }
            server.answer(move |_| good.clone());
            assert_eq!(verdict(&gateway, REFERENCE), "ok");
            // Revoked at the issuer: accepted through the last agreed second, and not in the next.
            if format == IntrospectionFormat::Jwt {
                server.answer(|_| Reply::status(204))
            } else {
                server.answer(inactive)
            }
            if format != signed() {
                let last = until.max(1) - 1;
                let expected = if until == 0 { "token_inactive" } else { "ok" };
                assert_eq!(verdict_at(&gateway, REFERENCE, at(last)), expected, "{format:?} {max_age:?}");
                assert_eq!(verdict_at(&gateway, REFERENCE, at(until)), "token_inactive", "{format:?} {max_age:?}");
            }
        }
        // Default: nothing is remembered.
        let gateway = gateway(&server, &authority, format.clone(), None);
        let good = reply(&format, &active(&json!({})));
        server.answer(move |_| good.clone());
        let before = server.requests();
        assert_eq!((verdict(&gateway, REFERENCE), verdict(&gateway, REFERENCE)), ("ok", "ok"));
        assert_eq!(server.requests(), before + 2);
    }
}

#[test]
fn what_is_remembered_is_judged_again() {
    let authority = Authority::new();
    let holder = Key::new(7);
    let bound = active(&json!({"cnf": {"jkt": holder.thumbprint()}, "exp": NOW.0 + 30}));
    let server = Server::start(&authority, move |_| reply(&IntrospectionFormat::Json, &bound));
    let gateway = gateway(&server, &authority, IntrospectionFormat::Json, Some((3600, 60)));
    let dpop = format!("DPoP {REFERENCE}");
    // `ath` is the hash of what the client holds.
    assert_eq!(answer(&gateway, &dpop, Some(&holder.proof(URL, REFERENCE, "a"))), (200, "ok"));
    assert_eq!(answer(&gateway, &dpop, Some(&holder.proof(URL, REFERENCE, "a"))), (401, "proof_replayed"));
    assert_eq!(answer(&gateway, &dpop, Some(&holder.proof(URL, "another", "b"))), (401, "proof_token_hash"));
    assert_eq!(answer(&gateway, &dpop, Some(&Key::new(8).proof(URL, REFERENCE, "c"))), (401, "proof_key_mismatch"));
    assert_eq!(answer(&gateway, &format!("Bearer {REFERENCE}"), None), (401, "proof_required"));
    assert_eq!(server.requests(), 1);
    server.set_away(true);
    let late = verdict_at(&gateway, REFERENCE, UnixTime(NOW.0 + 41));
    assert_eq!(late, "token_expired", "never beyond exp and its leeway");
}

#[test]
fn an_inactive_token_is_remembered_for_a_moment_and_a_revoked_one_at_once() {
    let authority = Authority::new();
    let server = Server::start(&authority, |_| Reply::new(200, "application/json", "{\"active\":false}"));
    let gateway = gateway(&server, &authority, IntrospectionFormat::Json, Some((60, 5)));
    for _ in 0..3 {
        assert_eq!(verdict(&gateway, REFERENCE), "token_inactive");
    }
    assert_eq!(server.requests(), 1);
    server.answer(|_| reply(&IntrospectionFormat::Json, &active(&json!({}))));
    assert_eq!(verdict_at(&gateway, REFERENCE, UnixTime(NOW.0 + 5)), "ok");
    let key = CounterfoilKey::parse(&Sha256::digest(REFERENCE), KeyEncoding::Raw).expect("a key");
    gateway.revoke(&key, UnixTime(NOW.0 + 300));
    assert_eq!(verdict_at(&gateway, REFERENCE, UnixTime(NOW.0 + 6)), "token_inactive");
}

#[test]
fn a_whole_token_needs_no_introspection_unless_references_are_demanded() {
    let authority = Authority::new();
    let server = Server::start(&authority, |_| Reply::new(200, "application/json", "{\"active\":false}"));
    let whole = Key::new(1).token(&json!({}));
    assert_eq!(verdict(&gateway(&server, &authority, IntrospectionFormat::Json, None), &whole), "ok");
    assert_eq!(server.requests(), 0);
    let endpoint = Introspection::new(&server.url("/"), IntrospectionFormat::Json, &basic(), &transport(&authority)).expect("an endpoint");
    let keys = KeySource::Text(jwks(&[&Key::new(1)]).into_bytes());
    let strict = Gateway::builder().issuer(issuer(keys)).introspection(ISSUER, endpoint).only_references().build().expect("a gateway");
    assert_eq!(verdict(&strict, &whole), "token_inactive");
    assert_eq!(verdict(&strict, &"a".repeat(16 * 1024 + 1)), "token_too_large");
    assert_eq!(server.requests(), 1, "what is too large bothers nobody");
    let shared = Arc::new(strict);
    assert_eq!(shared.refused().find(|(error, _)| *error == Error::TokenInactive).map(|(_, count)| count), Some(1));
}
