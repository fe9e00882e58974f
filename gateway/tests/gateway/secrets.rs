//! Secrets stay where they belong: not in what is printed, and not in what a logger is given at its most talkative.

use std::sync::{Arc, Mutex};

use counterfoil::Seconds;
use counterfoil_gateway::{ClientAuthentication, Gateway, HttpsCounterfoils, Introspection, IntrospectionFormat, KeySource};
use serde_json::json;

use crate::certificates::Authority;
use crate::server::{Reply, Server};
use crate::setup::{issuer, transport, verdict};
use crate::split_tokens::halves;
use crate::tokens::{ISSUER, Key, jwks};

const SECRET: &str = "correct-horse-battery";
const REFERENCE: &str = "a-reference-that-nobody-may-see";

struct Recorder(Mutex<String>);

impl log::Log for Recorder {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        use core::fmt::Write as _;
        writeln!(self.0.lock().expect("a lock"), "{} {}", record.target(), record.args()).expect("a string");
    }

    fn flush(&self) {}
}

static RECORDER: Recorder = Recorder(Mutex::new(String::new()));

#[test]
fn no_secret_is_printed_or_logged() {
    log::set_logger(&RECORDER).expect("the only logger");
    log::set_max_level(log::LevelFilter::Trace);
    let authority = Authority::new();
    let clients = Authority::new();
    let leaf = clients.leaf("gateway");
    let (_, ticket) = halves(&Key::new(1).token(&json!({})));
    let server = Server::start_with(&authority, Some(&clients), |_| Reply::status(500));
    let transport = transport(&authority).with_identity(leaf.certificate_pem.as_bytes(), leaf.key_pem.as_bytes()).expect("an identity");
    let client = ClientAuthentication::Basic { client_id: "gateway".into(), secret: SECRET.into() };
    let endpoint = Introspection::new(&server.url("/introspect"), IntrospectionFormat::Json, &client, &transport).expect("an endpoint");
    let store = HttpsCounterfoils::new(&server.url("/c"), &transport).expect("a store").with_bearer(SECRET);
    let mut shown = format!("{client:?} {endpoint:?} {store:?} {transport:?}");
    let keys = KeySource::Text(jwks(&[&Key::new(1)]).into_bytes());
    let builder = Gateway::builder().issuer(issuer(keys)).introspection(ISSUER, endpoint);
    let builder = builder.counterfoils(Arc::new(store), Seconds(60)).random_nonce_key(Seconds(60));
    shown.push_str(&format!("{builder:?}"));
    let gateway = builder.build().expect("a gateway");
    assert_eq!((verdict(&gateway, REFERENCE), verdict(&gateway, &ticket)), ("lookup_unavailable", "lookup_unavailable"));
    assert_eq!(server.requests(), 2);
    shown.push_str(&format!("{gateway:?}"));
    log::set_max_level(log::LevelFilter::Off);
    shown.push_str(&RECORDER.0.lock().expect("a lock"));
    assert!(shown.contains("ureq"), "the logger saw nothing");
    let key = leaf.key_pem.lines().nth(1).expect("base64");
    let basic = "Z2F0ZXdheTpjb3JyZWN0LWhvcnNlLWJhdHRlcnk";
    for secret in [SECRET, REFERENCE, &ticket, key, basic] {
        let place = shown.find(secret).map(|place| shown[place.saturating_sub(200)..place].to_owned());
        assert_eq!(place, None, "a secret was shown after this");
    }
}
