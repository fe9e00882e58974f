//! The hot path takes nothing from the heap, and the heap does not grow with what clients send.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use std::alloc::System;
use std::sync::Arc;

use counterfoil::oauth::certificate::ClientCertificate;
use counterfoil::oauth::confirmation::Presenter;
use counterfoil::oauth::request::Request;
use counterfoil::oauth::split_token::CounterfoilKey;
use counterfoil::{Error, Seconds};
use counterfoil_gateway::{CounterfoilStore, Gateway, KeySource, Lookup, Scratch};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::certificates::Authority;
use crate::setup::{URL, answer, issuer, verdict};
use crate::split_tokens::halves;
use crate::tokens::{Key, NOW, base64url, jwks};

struct Counting;

thread_local! {
    /// Of this thread alone: tests run side by side.
    static TAKEN: Cell<u64> = const { Cell::new(0) };
    static HELD: Cell<i64> = const { Cell::new(0) };
}

#[expect(clippy::cast_possible_wrap, reason = "no allocation has 2^63 bytes")]
fn count(size: usize, taken: u64, sign: i64) {
    TAKEN.set(TAKEN.get() + taken);
    HELD.set(HELD.get() + sign * size as i64);
}

// SAFETY: does what the system's allocator does, and counts; counting neither allocates nor panics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1, 1);
        // SAFETY: the caller's promise is the one that is asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout.size(), 0, -1);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn taken_by(run: impl FnOnce()) -> u64 {
    let before = TAKEN.get();
    run();
    TAKEN.get() - before
}

fn gateway() -> Gateway {
    let keys = KeySource::Text(jwks(&[&Key::new(1)]).into_bytes());
    let policy = issuer(keys).demanding_scopes(["accounts"]).expect("a scope").also_for("https://other.example").expect("an audience");
    Gateway::builder().issuer(policy).realm("bank").token_cache(16).build().expect("a gateway")
}

#[test]
fn a_request_takes_nothing_from_the_heap() {
    let (gateway, holder) = (gateway(), Key::new(7));
    let certificate = Authority::new().leaf("client").certificate;
    let x5t = base64url(&Sha256::digest(&certificate));
    // More tokens than the cache has places, so that it is both hit and missed.
    let mtls: Vec<String> = (0..40)
        .map(|number| format!("Bearer {}", Key::new(1).token(&json!({"jti": number.to_string(), "cnf": {"x5t#S256": x5t}}))))
        .collect();
    let token = Key::new(1).token(&json!({"cnf": {"jkt": holder.thumbprint()}}));
    let dpop = format!("DPoP {token}");
    let proofs: Vec<String> = (0..40).map(|number| holder.proof(URL, &token, &number.to_string())).collect();
    let mut scratch = Scratch::new();
    let mut judge = |authorization: &str, proof: Option<&str>, status: u16| {
        let authorization = [authorization.as_bytes()];
        let proofs = [proof.unwrap_or_default().as_bytes()];
        let request = Request {
            method: "GET",
            url: URL,
            authorization: &authorization,
            dpop: if proof.is_some() { &proofs } else { &[] },
            certificate: Some(ClientCertificate::Der(&certificate)),
        };
        let judged = gateway.accept_request(&request, NOW, &mut scratch).map_or_else(|refused| refused.status(), |_| 200);
        assert_eq!(judged, status);
    };
    // The second proof of a key buys its table.
    judge(&dpop, Some(&proofs[0]), 200);
    judge(&dpop, Some(&proofs[1]), 200);
    let taken = taken_by(|| {
        for _ in 0..3 {
            mtls.iter().for_each(|bearer| judge(bearer, None, 200));
        }
        judge(&mtls[0], None, 200);
        judge(&mtls[0], None, 200);
        for proof in &proofs[2..] {
            judge(&dpop, Some(proof), 200);
            judge(&dpop, Some(proof), 401);
        }
        judge(&dpop, None, 401);
        judge("Bearer nothing", None, 401);
    });
    assert_eq!(taken, 0);
}

/// Has a counterfoil for every ticket, always the same one.
struct Endless(Vec<u8>);

impl CounterfoilStore for Endless {
    fn find(&self, _: &CounterfoilKey) -> Result<Lookup, Error> {
        Ok(Lookup::Found(self.0.clone()))
    }
}

#[test]
fn the_heap_does_not_grow_with_what_clients_send() {
    let (counterfoil, ticket) = halves(&Key::new(1).token(&json!({})));
    let keys = KeySource::Text(jwks(&[&Key::new(1)]).into_bytes());
    let store = Arc::new(Endless(counterfoil.into_bytes()));
    let builder = Gateway::builder().issuer(issuer(keys)).token_cache(64).replay_capacity(4096).key_tables(8);
    let gateway = builder.counterfoils(store, Seconds(3600)).build().expect("a gateway");
    assert_eq!(verdict(&gateway, &ticket), "ok");
    // Tickets of 64 bytes that nobody signed: each is looked up and remembered, and its token refused.
    let forged = |number: u64| base64url(&[Sha256::digest(number.to_be_bytes()), Sha256::digest(number.to_le_bytes())].concat());
    let mut scratch = Scratch::new();
    let mut send = |numbers: core::ops::Range<u64>| {
        for number in numbers {
            let refused = gateway.accept(forged(number).as_bytes(), Presenter::Bearer, NOW, &mut scratch);
            assert!(refused.is_err());
        }
    };
    send(0..60_000);
    let before = HELD.get();
    send(60_000..120_000);
    let grown = HELD.get() - before;
    // Places that were still free, of some 700 bytes each.
    assert!(grown < 200_000, "{grown} bytes more after 60,000 more tickets");
    println!("120,000 tickets looked up: the heap grew by {grown} bytes in the second half");

    // Keys of proofs that come twice each, of which 8 are remembered.
    let prove = |numbers: core::ops::Range<u8>| {
        for number in numbers {
            let holder = Key::new(number);
            let token = Key::new(1).token(&json!({"cnf": {"jkt": holder.thumbprint()}}));
            for jti in ["a", "b"] {
                let verdict = answer(&gateway, &format!("DPoP {token}"), Some(&holder.proof(URL, &token, jti)));
                assert_eq!(verdict, (200, "ok"));
            }
        }
    };
    prove(10..60);
    let before = HELD.get();
    prove(60..160);
    let grown = HELD.get() - before;
    assert!(grown < 16_384, "{grown} bytes more after 100 more keys");
}
