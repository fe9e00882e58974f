//! Many threads, rotating keys, full stores.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use counterfoil::oauth::confirmation::Presenter;
use counterfoil_gateway::{Gateway, KeySource, Scratch};
use serde_json::json;

use crate::setup::{URL, answer, issuer, verdict};
use crate::tokens::{ISSUER, Key, NOW, jwks};

#[test]
fn eight_threads_accept_while_keys_rotate() {
    let (stays, comes) = (Key::new(1), Key::new(2));
    let sets = [jwks(&[&stays]), jwks(&[&comes, &stays])];
    let keys = KeySource::Text(sets[0].clone().into_bytes());
    let gateway = Gateway::builder().issuer(issuer(keys)).token_cache(64).build().expect("a gateway");
    let stop = AtomicBool::new(false);
    let tokens: Vec<String> = (0..200).map(|number| stays.token(&json!({"jti": number.to_string()}))).collect();
    let sometimes = comes.token(&json!({}));
    let forged = Key::named(3, &stays.kid).token(&json!({}));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut scratch = Scratch::new();
                for token in tokens.iter().cycle().take(2000) {
                    let accepted = gateway.accept(token.as_bytes(), Presenter::Bearer, NOW, &mut scratch).expect("its key stays");
                    assert!(accepted.has_scope("accounts"));
                    assert!(matches!(verdict(&gateway, &sometimes), "ok" | "key_unknown"));
                    assert_eq!(verdict(&gateway, &forged), "signature_invalid");
                }
            });
        }
        scope.spawn(|| {
            for set in sets.iter().cycle() {
                gateway.replace_keys(ISSUER, set.as_bytes()).expect("a good set");
                assert!(gateway.replace_keys(ISSUER, b"{}").is_err());
                if stop.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        while gateway.accepted() < 16_000 {
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn of_many_threads_with_one_proof_one_is_accepted() {
    let holder = Key::new(7);
    let keys = KeySource::Text(jwks(&[&Key::new(1)]).into_bytes());
    let gateway = Arc::new(Gateway::builder().issuer(issuer(keys)).build().expect("a gateway"));
    let token = Key::new(1).token(&json!({"cnf": {"jkt": holder.thumbprint()}}));
    for round in 0..20 {
        let proof = holder.proof(URL, &token, &round.to_string());
        let accepted: usize = std::thread::scope(|scope| {
            let judge = || usize::from(answer(&gateway, &format!("DPoP {token}"), Some(&proof)) == (200, "ok"));
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(judge)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        assert_eq!(accepted, 1, "round {round}");
    }
}

#[test]
fn a_full_store_is_503_and_gives_nothing_up() {
    let holder = Key::new(7);
    let keys = KeySource::Text(jwks(&[&Key::new(1)]).into_bytes());
    let gateway = Gateway::builder().issuer(issuer(keys)).replay_capacity(16).build().expect("a gateway");
    let token = Key::new(1).token(&json!({"cnf": {"jkt": holder.thumbprint()}}));
    let dpop = format!("DPoP {token}");
    let judge = |jti: u32| answer(&gateway, &dpop, Some(&holder.proof(URL, &token, &jti.to_string())));
    let accepted: Vec<u32> = (0..32).filter(|jti| judge(*jti) == (200, "ok")).collect();
    assert_eq!(accepted.len(), 16);
    assert_eq!(judge(99), (503, "replay_store_full"));
    for jti in accepted {
        assert_eq!(judge(jti), (401, "proof_replayed"));
    }
    assert_eq!(gateway.refused().find(|(error, _)| error.slug() == "replay_store_full").map(|(_, count)| count), Some(17));
}
