//! Split tokens, looked up over HTTPS: found, unknown, swapped, revoked, and while the store is away.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use counterfoil::oauth::split_token::{CounterfoilKey, KeyEncoding, Ticket, split};
use counterfoil::{Error, Seconds, UnixTime};
use counterfoil_gateway::{Gateway, HttpsCounterfoils, KeySource};
use serde_json::json;

use crate::certificates::Authority;
use crate::server::{Reply, Server};
use crate::setup::{URL, answer, issuer, transport, verdict, verdict_at};
use crate::tokens::{Key, NOW, jwks};

type Stored = Arc<Mutex<HashMap<String, Reply>>>;

pub(crate) fn halves(token: &str) -> (String, String) {
    let (counterfoil, _) = split(token.as_bytes()).expect("a token");
    let (head, ticket) = token.split_at(counterfoil.as_bytes().len());
    (head.to_owned(), ticket[1..].to_owned())
}

pub(crate) fn key_of(ticket: &str, encoding: KeyEncoding) -> String {
    let mut out = [0; 64];
    let key = Ticket::parse(ticket.as_bytes()).expect("a ticket").key();
    String::from_utf8(key.encode(encoding, &mut out).expect("room").to_vec()).expect("text")
}

fn store(authority: &Authority) -> (Server, Stored) {
    let stored = Stored::default();
    let own = stored.clone();
    let server = Server::start(authority, move |request| {
        let path = request.line.split(' ').nth(1).expect("a path").to_owned();
        own.lock().expect("a lock").get(&path).cloned().unwrap_or(Reply::status(404))
    });
    (server, stored)
}

fn gateway(server: &Server, authority: &Authority, fresh: u64) -> Gateway {
    let transport = transport(authority).with_timeout(Duration::from_secs(2));
    let counterfoils = HttpsCounterfoils::new(&server.url("/counterfoils/"), &transport).expect("a store");
    let keys = KeySource::Text(jwks(&[&Key::new(1)]).into_bytes());
    Gateway::builder().issuer(issuer(keys)).counterfoils(Arc::new(counterfoils), Seconds(fresh)).build().expect("a gateway")
}

fn publish(stored: &Stored, ticket: &str, reply: Reply) {
    stored.lock().expect("a lock").insert(format!("/counterfoils/{}", key_of(ticket, KeyEncoding::Base64url)), reply);
}

fn found(counterfoil: &str) -> Reply {
    Reply::new(200, "text/plain", counterfoil)
}

#[test]
fn a_ticket_stands_for_its_token_and_for_nothing_else() {
    let authority = Authority::new();
    let (server, stored) = store(&authority);
    let gateway = gateway(&server, &authority, 0);
    let ((mine, ticket), (other, other_ticket)) =
        (halves(&Key::new(1).token(&json!({}))), halves(&Key::new(1).token(&json!({"sub": "other"}))));
    assert_eq!(verdict(&gateway, &ticket), "ticket_unknown");
    publish(&stored, &ticket, found(&mine));
    assert_eq!(verdict(&gateway, &ticket), "ok");
    // Truncated, extended, and no ticket at all.
    assert_eq!(verdict(&gateway, &ticket[..ticket.len() - 2]), "ticket_malformed");
    assert_eq!(verdict(&gateway, &format!("{ticket}AA")), "ticket_unknown");
    assert_eq!(verdict(&gateway, &format!("{ticket}AAA")), "ticket_malformed");
    assert_eq!(verdict(&gateway, "short"), "ticket_malformed");
    // The store was tampered with: another token's counterfoil, half of one, none, the whole token.
    publish(&stored, &ticket, found(&other));
    assert_eq!(verdict(&gateway, &ticket), "signature_invalid");
    publish(&stored, &ticket, found(mine.split('.').next().expect("a header")));
    assert_eq!(verdict(&gateway, &ticket), "counterfoil_malformed");
    publish(&stored, &ticket, found(""));
    assert_eq!(verdict(&gateway, &ticket), "counterfoil_malformed");
    publish(&stored, &ticket, found(&format!("{mine}.{ticket}")));
    assert_eq!(verdict(&gateway, &ticket), "counterfoil_malformed");
    publish(&stored, &other_ticket, Reply::status(410));
    assert_eq!(verdict(&gateway, &other_ticket), "token_revoked");
}

#[test]
fn a_proof_is_made_for_the_ticket() {
    let authority = Authority::new();
    let (server, stored) = store(&authority);
    let gateway = gateway(&server, &authority, 60);
    let holder = Key::new(7);
    let token = Key::new(1).token(&json!({"cnf": {"jkt": holder.thumbprint()}}));
    let (counterfoil, ticket) = halves(&token);
    publish(&stored, &ticket, found(&counterfoil));
    for jti in ["a", "b"] {
        assert_eq!(answer(&gateway, &format!("DPoP {ticket}"), Some(&holder.proof(URL, &ticket, jti))), (200, "ok"));
    }
    assert_eq!(answer(&gateway, &format!("DPoP {ticket}"), Some(&holder.proof(URL, &ticket, "b"))), (401, "proof_replayed"));
    assert_eq!(answer(&gateway, &format!("DPoP {ticket}"), Some(&holder.proof(URL, &token, "c"))), (401, "proof_token_hash"));
    assert_eq!(answer(&gateway, &format!("Bearer {ticket}"), None), (401, "proof_required"));
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_revoked_ticket_is_refused_within_the_agreed_seconds_or_at_once() {
    let authority = Authority::new();
    let (server, stored) = store(&authority);
    let gateway = gateway(&server, &authority, 10);
    let (counterfoil, ticket) = halves(&Key::new(1).token(&json!({})));
    publish(&stored, &ticket, found(&counterfoil));
    assert_eq!(verdict(&gateway, &ticket), "ok");
    stored.lock().expect("a lock").clear();
    assert_eq!(verdict_at(&gateway, &ticket, UnixTime(NOW.0 + 9)), "ok", "within the agreed seconds");
    assert_eq!(server.requests(), 1);
    assert_eq!(verdict_at(&gateway, &ticket, UnixTime(NOW.0 + 10)), "ticket_unknown");

    publish(&stored, &ticket, found(&counterfoil));
    assert_eq!(verdict(&gateway, &ticket), "ok");
    let key = CounterfoilKey::parse(key_of(&ticket, KeyEncoding::Hex).as_bytes(), KeyEncoding::Hex).expect("a key");
    gateway.revoke(&key, UnixTime(NOW.0 + 300));
    assert_eq!(verdict(&gateway, &ticket), "token_revoked", "at once, though the store still has it");
}

#[test]
fn while_the_store_is_away_what_is_known_counts_until_it_expires() {
    let authority = Authority::new();
    let (server, stored) = store(&authority);
    let gateway = gateway(&server, &authority, 10);
    let ((counterfoil, ticket), (_, unseen)) = (halves(&Key::new(1).token(&json!({}))), halves(&Key::new(1).token(&json!({"sub": "x"}))));
    publish(&stored, &ticket, found(&counterfoil));
    assert_eq!(verdict(&gateway, &ticket), "ok");
    let at = |seconds| UnixTime(NOW.0 + seconds);
    for broken in [Reply::status(500), Reply::status(403), Reply::status(302)] {
        publish(&stored, &ticket, broken.clone());
        publish(&stored, &unseen, broken);
        assert_eq!(verdict_at(&gateway, &ticket, at(200)), "ok");
        assert_eq!(answer(&gateway, &format!("Bearer {unseen}"), None), (503, "lookup_unavailable"));
    }
    server.set_away(true);
    assert_eq!(verdict_at(&gateway, &ticket, at(309)), "ok");
    assert_eq!(answer(&gateway, &format!("Bearer {unseen}"), None), (503, "lookup_unavailable"));
    assert_eq!(verdict_at(&gateway, &ticket, at(310)), "token_expired");
    // Another gateway, that remembers nothing.
    let forgetful = self::gateway(&server, &authority, 0);
    assert_eq!(verdict(&forgetful, &ticket), "lookup_unavailable");
}

#[test]
fn keys_are_spelled_as_the_store_does_and_the_asker_is_known() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let (counterfoil, ticket) = halves(&Key::new(1).token(&json!({})));
    let mut path = format!("/c/{}", key_of(&ticket, KeyEncoding::Base64));
    for (plain, escaped) in [("+", "%2B"), ("=", "%3D")] {
        path = path.replace(plain, escaped);
    }
    let path = format!("/c/{}", path["/c/".len()..].replace('/', "%2F"));
    let server = Server::start_with(&authority, Some(&clients), move |request| {
        assert_eq!(request.line, format!("GET {path}?client_id=gateway HTTP/1.1"));
        assert_eq!(request.header("authorization"), Some("Bearer let-me-in"));
        if request.has_certificate { found(&counterfoil) } else { Reply::status(401) }
    });
    let leaf = clients.leaf("gateway");
    let transport = transport(&authority).with_identity(leaf.certificate_pem.as_bytes(), leaf.key_pem.as_bytes()).expect("an identity");
    let counterfoils = HttpsCounterfoils::new(&server.url("/c/?client_id=gateway"), &transport).expect("a store");
    let counterfoils = counterfoils.with_encoding(KeyEncoding::Base64).with_bearer("let-me-in");
    let keys = KeySource::Text(jwks(&[&Key::new(1)]).into_bytes());
    let gateway = Gateway::builder().issuer(issuer(keys)).counterfoils(Arc::new(counterfoils), Seconds(0)).build().expect("a gateway");
    assert_eq!(verdict(&gateway, &ticket), "ok");
    for base in ["http://localhost/", "https://localhost/?key=", "localhost"] {
        assert_eq!(HttpsCounterfoils::new(base, &transport).map_err(|error| error.error()).err(), Some(Error::AddressMalformed), "{base}");
    }
}
