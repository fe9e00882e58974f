//! Keys behind a URL: rotation, caching, storms, outages, and whatever a server may answer instead of a set.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use counterfoil::Error;
use counterfoil::crypto::FAPI;
use counterfoil::oauth::jarm::SentState;
use counterfoil_gateway::https::FetchFailure;
use counterfoil_gateway::keys::KeyFailure;
use counterfoil_gateway::{Gateway, KeySource, KeyStatus, RemoteKeys, Response, ResponseVerifier, Returned};
use serde_json::json;

use crate::certificates::Authority;
use crate::server::{Reply, Server};
use crate::setup::{eventually, issuer, transport, verdict};
use crate::tokens::{ISSUER, Key, NOW, jwks};

const PAUSE: Duration = Duration::from_millis(50);

fn remote(server: &Server, authority: &Authority) -> RemoteKeys {
    RemoteKeys::new(&server.url("/jwks"), &transport(authority)).expect("a URL").with_pause(PAUSE).with_age(PAUSE)
}

fn gateway(remote: RemoteKeys, patience: Duration) -> Gateway {
    Gateway::builder().issuer(issuer(KeySource::Url(remote))).patience(patience).build().expect("a gateway")
}

fn status(gateway: &Gateway) -> KeyStatus {
    gateway.key_status().next().expect("an issuer").1
}

fn set(keys: &[&Key]) -> Reply {
    Reply::new(200, "application/jwk-set+json", jwks(keys))
}

#[test]
fn a_rotated_key_is_found_by_its_first_token_and_the_old_one_is_gone() {
    let (authority, old, new) = (Authority::new(), Key::new(1), Key::new(2));
    let first = set(&[&old]);
    let server = Server::start(&authority, move |_| first.clone());
    let patient = gateway(remote(&server, &authority).with_age(Duration::from_secs(600)), Duration::from_secs(5));
    assert!(patient.wait_for_keys(Duration::from_secs(5)));
    assert_eq!(verdict(&patient, &old.token(&json!({}))), "ok");
    let second = set(&[&new]);
    server.answer(move |_| second.clone());
    assert_eq!(verdict(&patient, &new.token(&json!({}))), "ok");
    assert_eq!(verdict(&patient, &old.token(&json!({}))), "key_unknown");
    assert_eq!(status(&patient).keys, 1);
}

#[test]
fn a_response_by_a_rotated_key_waits_for_it() {
    let (authority, old, new) = (Authority::new(), Key::new(1), Key::new(2));
    let first = set(&[&old]);
    let server = Server::start(&authority, move |_| first.clone());
    let keys = KeySource::Url(remote(&server, &authority).with_age(Duration::from_secs(600)));
    let patience = Duration::from_secs(5);
    let own = ResponseVerifier::new(ISSUER, "client", FAPI, &keys).expect("a verifier").with_patience(patience);
    let claims = json!({"iss": ISSUER, "aud": "client", "exp": NOW.0 + 300, "code": "c"});
    let judged = |key: &Key| {
        let response = key.sign_with(&json!({"alg": "ES256", "kid": key.kid}), &claims);
        own.accept(Returned::Jwt(response.as_bytes()), SentState::None, NOW)
    };
    let accepted = Ok(Response::Code("c".to_owned()));
    eventually("the first set", || judged(&old) == accepted);
    let second = set(&[&new]);
    server.answer(move |_| second.clone());
    assert_eq!(judged(&new), accepted);
    assert_eq!(judged(&old), Err(Error::KeyUnknown));
}

#[test]
fn without_patience_an_unknown_key_is_refused_and_fetched() {
    let (authority, old, new) = (Authority::new(), Key::new(1), Key::new(2));
    let first = set(&[&old]);
    let server = Server::start(&authority, move |_| first.clone());
    let gateway = gateway(remote(&server, &authority).with_age(Duration::from_secs(600)), Duration::ZERO);
    assert_eq!(verdict(&gateway, &old.token(&json!({}))), "lookup_unavailable", "before the first set");
    assert!(gateway.wait_for_keys(Duration::from_secs(5)));
    let second = set(&[&old, &new]);
    server.answer(move |_| second.clone());
    let token = new.token(&json!({}));
    assert_eq!(verdict(&gateway, &token), "key_unknown");
    eventually("the new key", || verdict(&gateway, &token) == "ok");
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let (authority, key) = (Authority::new(), Key::new(1));
    let whole = set(&[&key]).with("etag", "\"1\"").with("cache-control", "public, max-age=0");
    let counted = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let counts = counted.clone();
    let server = Server::start(&authority, move |request| {
        if request.header("if-none-match") == Some("\"1\"") {
            counts.1.fetch_add(1, Ordering::SeqCst);
            return Reply::status(304).with("cache-control", "max-age=0");
        }
        counts.0.fetch_add(1, Ordering::SeqCst);
        whole.clone()
    });
    let gateway = gateway(remote(&server, &authority), Duration::ZERO);
    eventually("three confirmations", || counted.1.load(Ordering::SeqCst) >= 3);
    assert_eq!(counted.0.load(Ordering::SeqCst), 1, "the set was sent once");
    assert_eq!(verdict(&gateway, &key.token(&json!({}))), "ok");
    let status = status(&gateway);
    assert_eq!((status.failures, status.last_failure, status.keys), (0, None, 1));
}

#[test]
fn a_set_is_not_asked_for_while_its_answer_says_it_is_current() {
    let (authority, key) = (Authority::new(), Key::new(1));
    let long = set(&[&key]).with("cache-control", "max-age=3600");
    let server = Server::start(&authority, move |_| long.clone());
    let gateway = gateway(remote(&server, &authority), Duration::ZERO);
    assert!(gateway.wait_for_keys(Duration::from_secs(5)));
    std::thread::sleep(PAUSE * 8);
    assert_eq!(server.requests(), 1, "max-age is an hour, PAUSE without it");
}

#[test]
fn a_storm_of_unknown_keys_is_one_fetch_in_a_pause() {
    let (authority, key) = (Authority::new(), Key::new(1));
    let only = set(&[&key]).with("cache-control", "max-age=3600");
    let server = Server::start(&authority, move |_| only.clone());
    let pause = Duration::from_millis(400);
    let gateway = gateway(remote(&server, &authority).with_pause(pause), Duration::ZERO);
    assert!(gateway.wait_for_keys(Duration::from_secs(5)));
    let forged: Vec<String> = (0..2000).map(|number| Key::named(2, &format!("invented-{number}")).token(&json!({}))).collect();
    let start = Instant::now();
    let mut refused = 0;
    while start.elapsed() < pause * 4 {
        for token in forged.chunks(500).flatten() {
            assert_eq!(verdict(&gateway, token), "key_unknown");
            refused += 1;
        }
        assert_eq!(verdict(&gateway, &key.token(&json!({}))), "ok");
    }
    let pauses = usize::try_from(start.elapsed().as_millis() / pause.as_millis()).expect("few");
    assert!(server.requests() >= 2, "the storm asked for nothing");
    assert!(server.requests() <= pauses + 2, "{} requests in {pauses} pauses", server.requests());
    println!("{refused} tokens with unknown keys: {} requests in {pauses} pauses", server.requests());
}

#[test]
fn a_key_that_was_asked_for_in_vain_is_not_asked_for_again() {
    let (authority, key) = (Authority::new(), Key::new(1));
    let only = set(&[&key]).with("cache-control", "max-age=3600");
    let server = Server::start(&authority, move |_| only.clone());
    let gateway = gateway(remote(&server, &authority), Duration::ZERO);
    assert!(gateway.wait_for_keys(Duration::from_secs(5)));
    let token = Key::named(2, "forgotten").token(&json!({}));
    for _ in 0..20 {
        assert_eq!(verdict(&gateway, &token), "key_unknown");
        std::thread::sleep(PAUSE / 2);
    }
    assert_eq!(server.requests(), 2, "once at the start, once for the key");
}

#[test]
fn an_outage_leaves_the_last_good_set_until_it_is_too_old() {
    let (authority, key) = (Authority::new(), Key::new(1));
    let only = set(&[&key]);
    let server = Server::start(&authority, move |_| only.clone());
    let keep = Duration::from_millis(1500);
    let gateway = gateway(remote(&server, &authority).kept_for(keep), Duration::ZERO);
    assert!(gateway.wait_for_keys(Duration::from_secs(5)));
    server.set_away(true);
    eventually("failures", || status(&gateway).failures >= 3);
    let token = key.token(&json!({}));
    assert_eq!(verdict(&gateway, &token), "ok", "the last good set");
    assert_eq!(verdict(&gateway, &Key::new(2).token(&json!({}))), "key_unknown");
    assert!(matches!(status(&gateway).last_failure, Some(KeyFailure::Fetch(_))), "{:?}", status(&gateway));
    eventually("too old", || verdict(&gateway, &token) == "lookup_unavailable");
    assert_eq!(status(&gateway).keys, 0);
    server.set_away(false);
    eventually("back", || verdict(&gateway, &token) == "ok");
}

#[test]
fn what_is_no_set_never_replaces_a_good_one() {
    let (authority, key) = (Authority::new(), Key::new(1));
    let good = set(&[&key]);
    let first = good.clone();
    let server = Server::start(&authority, move |_| first.clone());
    let stranger = {
        let keys = set(&[&Key::new(2)]);
        Server::start(&authority, move |_| keys.clone())
    };
    let gateway = gateway(remote(&server, &authority), Duration::ZERO);
    assert!(gateway.wait_for_keys(Duration::from_secs(5)));
    let mut padded = jwks(&[&key]);
    padded.push_str(&" ".repeat(600 * 1024));
    let json = |text: &str| Reply::new(200, "application/json", text);
    let twice = jwks(&[&Key::named(1, "a"), &Key::named(2, "a")]);
    let redirect = |status| Reply::status(status).with("location", stranger.url("/jwks"));
    for (reply, failure) in [
        (json("<html>"), KeyFailure::Set(Error::JsonMalformed)),
        (json("{\"keys\":[]}"), KeyFailure::Set(Error::KeySetEmpty)),
        (json("{}"), KeyFailure::Set(Error::KeySetMalformed)),
        (json(&twice), KeyFailure::Set(Error::KeyIdRepeated)),
        (json(&padded), KeyFailure::Fetch(FetchFailure::TooLarge)),
        (redirect(302), KeyFailure::Fetch(FetchFailure::Status(302))),
        (redirect(307).with("location", "http://localhost/jwks"), KeyFailure::Fetch(FetchFailure::Status(307))),
        (Reply::status(304), KeyFailure::Fetch(FetchFailure::Status(304))),
        (Reply::status(500), KeyFailure::Fetch(FetchFailure::Status(500))),
    ] {
        server.answer(move |_| reply.clone());
        eventually("the failure", || status(&gateway).last_failure == Some(failure));
        assert_eq!(verdict(&gateway, &key.token(&json!({}))), "ok", "{failure}");
        assert_eq!(verdict(&gateway, &Key::new(2).token(&json!({}))), "key_unknown", "{failure}");
    }
    assert_eq!(stranger.requests(), 0, "a redirect was followed");
    server.answer(move |_| good.clone());
    eventually("good again", || status(&gateway).last_failure.is_none());
}

#[test]
fn a_server_of_another_authority_is_not_believed() {
    let (authority, key) = (Authority::new(), Key::new(1));
    let only = set(&[&key]);
    let server = Server::start(&authority, move |_| only.clone());
    let trusting_another = remote(&server, &Authority::new());
    let gateway = gateway(trusting_another, Duration::ZERO);
    eventually("the failure", || status(&gateway).last_failure == Some(KeyFailure::Fetch(FetchFailure::Untrusted)));
    assert_eq!(verdict(&gateway, &key.token(&json!({}))), "lookup_unavailable");
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_slow_server_is_given_up() {
    let authority = Authority::new();
    let server = Server::start(&authority, |_| {
        std::thread::sleep(Duration::from_secs(2));
        Reply::status(200)
    });
    let transport = transport(&authority).with_timeout(Duration::from_millis(200));
    let gateway = gateway(RemoteKeys::new(&server.url("/jwks"), &transport).expect("a URL").with_pause(PAUSE), Duration::ZERO);
    eventually("the failure", || status(&gateway).last_failure == Some(KeyFailure::Fetch(FetchFailure::TimedOut)));
}

#[test]
fn only_https_addresses_are_taken() {
    let transport = transport(&Authority::new());
    for url in
        ["", "http://as.example/jwks", "as.example/jwks", "https://", "https://user@as.example/", "https://as.example/#a", "ftp://a/"]
    {
        assert_eq!(RemoteKeys::new(url, &transport).map_err(|error| error.error()).err(), Some(Error::AddressMalformed), "{url}");
    }
}
