//! Criterion benches of every entry point. Each asserts the verdict of what it times, over 512 different inputs.

use core::hint::black_box;

use aws_lc_rs::rsa::KeySize;
use counterfoil::crypto::{FAPI, RS256};
use counterfoil::jose::algorithm::Algorithms;
use counterfoil::jose::keys::{Key, KeySet};
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::cache::{CacheSlot, TokenCache};
use counterfoil::oauth::certificate::ClientCertificate;
use counterfoil::oauth::confirmation::Presenter;
use counterfoil::oauth::dpop::{ProofRules, ProofTarget};
use counterfoil::oauth::jarm::{ResponseRules, SentState};
use counterfoil::oauth::nonce::NonceKey;
use counterfoil::oauth::replay::{ReplayEntry, ReplayTable};
use counterfoil::oauth::request::{Request, ResourceServer};
use counterfoil::oauth::split_token::{self, KeyEncoding};
use counterfoil::oauth::verifier::Verifier;
use counterfoil::wire::siphash::HashKey;
use counterfoil::wire::{base64url, json};
use counterfoil::{Error, Seconds, UnixTime};
use counterfoil_benches::{
    AUDIENCE, CERTIFICATE, CLIENT, ISSUER, NOW, Signer, URL, access_tokens, certificate_cnf, expired_tokens, jwks, proof, responses,
};
use criterion::{Criterion, criterion_group, criterion_main};

const MANY: usize = 512;
const AT: UnixTime = UnixTime(NOW);
const HOLDER: Presenter<'static> = Presenter::Certificate(Thumbprint::from_bytes(CERTIFICATE));

/// The next of `items`, round and round.
fn next<'i, T>(items: &'i [T], turn: &mut usize) -> &'i T {
    *turn += 1;
    &items[*turn % items.len()]
}

fn access_token(c: &mut Criterion) {
    const RS_ONLY: Algorithms<'static> = &[&RS256];
    let signers = [
        ("es256", Signer::es256(), FAPI),
        ("ps256-2048", Signer::ps256(KeySize::Rsa2048), FAPI),
        ("rs256-2048", Signer::rs256(KeySize::Rsa2048), RS_ONLY),
        ("eddsa", Signer::eddsa(), FAPI),
    ];
    for (name, signer, algorithms) in &signers {
        let keys = KeySet::<1>::parse(jwks(signer).as_bytes(), algorithms).expect("keys");
        let verifier = Verifier::new(ISSUER, AUDIENCE, algorithms, keys.keys()).expect("a verifier");
        let (mut scratch, mut turn) = (vec![0; 16 * 1024], 0);
        let tokens = access_tokens(signer, MANY, &certificate_cnf(), 0);
        c.bench_function(&format!("accept/{name}"), |b| {
            b.iter(|| {
                let token = next(&tokens, &mut turn);
                assert!(verifier.accept(token.as_bytes(), HOLDER, AT, &mut scratch).is_ok());
            });
        });
        let expired = expired_tokens(signer, MANY, &certificate_cnf());
        c.bench_function(&format!("refuse expired/{name}"), |b| {
            b.iter(|| {
                let token = next(&expired, &mut turn);
                assert_eq!(verifier.accept(token.as_bytes(), HOLDER, AT, &mut scratch).err(), Some(Error::TokenExpired));
            });
        });
    }
}

fn cache(c: &mut Criterion) {
    let signer = Signer::es256();
    let keys = KeySet::<1>::parse(jwks(&signer).as_bytes(), FAPI).expect("keys");
    let verifier = Verifier::new(ISSUER, AUDIENCE, FAPI, keys.keys()).expect("a verifier");
    let tokens = access_tokens(&signer, 64, &certificate_cnf(), 0);
    let mut slots = vec![CacheSlot::<1024>::empty(); 4096];
    let mut cache = TokenCache::new(&mut slots, HashKey::new([7; 16])).expect("a cache");
    let (mut scratch, mut turn) = (vec![0; 16 * 1024], 0);
    c.bench_function("accept from cache/es256", |b| {
        b.iter(|| {
            let token = next(&tokens, &mut turn);
            assert!(cache.accept(&verifier, token.as_bytes(), HOLDER, AT, &mut scratch).is_ok());
        });
    });
}

fn split(c: &mut Criterion) {
    let signer = Signer::es256();
    let keys = KeySet::<1>::parse(jwks(&signer).as_bytes(), FAPI).expect("keys");
    let verifier = Verifier::new(ISSUER, AUDIENCE, FAPI, keys.keys()).expect("a verifier");
    let tokens = access_tokens(&signer, MANY, &certificate_cnf(), 0);
    let (mut scratch, mut turn) = (vec![0; 16 * 1024], 0);
    c.bench_function("split token/accept", |b| {
        b.iter(|| {
            let (counterfoil, ticket) = split_token::split(next(&tokens, &mut turn).as_bytes()).expect("two halves");
            assert!(verifier.accept_split(counterfoil, ticket, HOLDER, AT, &mut scratch).is_ok());
        });
    });
    c.bench_function("split token/split, key and join", |b| {
        b.iter(|| {
            let token = next(&tokens, &mut turn);
            let (counterfoil, ticket) = split_token::split(token.as_bytes()).expect("two halves");
            let mut key = [0; 44];
            assert_eq!(ticket.key().encode(KeyEncoding::Base64, &mut key).map(<[u8]>::len), Ok(44));
            assert_eq!(split_token::join(counterfoil, ticket, &mut scratch), Ok(token.as_str()));
        });
    });
}

fn dpop(c: &mut Criterion) {
    let (signer, holder) = (Signer::es256(), Signer::es256());
    let keys = KeySet::<1>::parse(jwks(&signer).as_bytes(), FAPI).expect("keys");
    let verifier = Verifier::new(ISSUER, AUDIENCE, FAPI, keys.keys()).expect("a verifier");
    let tokens = access_tokens(&signer, MANY, &format!(r#""jkt":"{}""#, holder.thumbprint()), 0);
    let pairs: Vec<_> = tokens.iter().enumerate().map(|(number, token)| (token, proof(&holder, token, number))).collect();
    let rules = ProofRules::new(FAPI).expect("rules");
    let mut memory = vec![ReplayEntry::EMPTY; 16 * 1024];
    let (mut scratch, mut turn) = (vec![0; 32 * 1024], 0);
    c.bench_function("dpop/proof", |b| {
        b.iter(|| {
            let (token, proof) = next(&pairs, &mut turn);
            let mut store = ReplayTable::new(&mut memory[..16], HashKey::new([1; 16])).expect("a store");
            let target = ProofTarget { method: "GET", url: URL, token: Some(token.as_bytes()) };
            assert!(rules.accept(proof.as_bytes(), &target, AT, &mut store, &mut scratch).is_ok());
        });
    });
    let server = ResourceServer::new(verifier, rules);
    c.bench_function("request/dpop", |b| {
        b.iter(|| {
            let (token, proof) = next(&pairs, &mut turn);
            let mut store = ReplayTable::new(&mut memory[..16], HashKey::new([1; 16])).expect("a store");
            let authorization = format!("DPoP {token}");
            let request = Request {
                method: "GET",
                url: URL,
                authorization: &[authorization.as_bytes()],
                dpop: &[proof.as_bytes()],
                certificate: None,
            };
            assert!(server.accept(&request, AT, &mut store, &mut scratch).is_ok());
        });
    });
    let mut store = ReplayTable::new(&mut memory, HashKey::new([1; 16])).expect("a store");
    let anonymous = Request { method: "GET", url: URL, authorization: &[], dpop: &[], certificate: None };
    c.bench_function("request/refuse and challenge", |b| {
        b.iter(|| {
            let refusal = server.accept(&anonymous, AT, &mut store, &mut scratch).expect_err("no credential");
            let mut text = [0; 256];
            let challenge = server.www_authenticate(&refusal, &mut text).expect("room").expect("a challenge");
            assert!(challenge.starts_with("Bearer"));
        });
    });
    let key = NonceKey::new(&[9; 32], Seconds(60)).expect("a key");
    c.bench_function("nonce/issue", |b| b.iter(|| assert_eq!(key.issue(black_box(AT)).as_str().len(), 43)));
}

fn jarm(c: &mut Criterion) {
    let signer = Signer::es256();
    let keys = KeySet::<1>::parse(jwks(&signer).as_bytes(), FAPI).expect("keys");
    let rules = ResponseRules::new(ISSUER, CLIENT, FAPI, keys.keys()).expect("rules");
    let responses = responses(&signer, MANY);
    let (mut scratch, mut turn) = (vec![0; 16 * 1024], 0);
    c.bench_function("jarm/accept", |b| {
        b.iter(|| {
            let response = next(&responses, &mut turn);
            assert!(rules.accept(response.as_bytes(), SentState::Sent("state-1"), AT, &mut scratch).is_ok());
        });
    });
}

fn keys(c: &mut Criterion) {
    let es256 = Signer::es256().jwk("k");
    let rsa = Signer::ps256(KeySize::Rsa2048).jwk("k");
    for (name, jwk) in [("es256", &es256), ("rsa-2048", &rsa)] {
        c.bench_function(&format!("key/load {name}"), |b| b.iter(|| assert!(Key::parse(jwk.as_bytes(), FAPI).is_ok())));
        let key = Key::parse(jwk.as_bytes(), FAPI).expect("a key");
        let expected = Thumbprint::of_key(key.public());
        c.bench_function(&format!("key/thumbprint {name}"), |b| {
            b.iter(|| assert!(Thumbprint::of_key(black_box(key.public())) == expected));
        });
    }
    let pem = include_bytes!("../../core/tests/data/paved/client.pem");
    let mut scratch = vec![0; 4096];
    c.bench_function("certificate/pem", |b| b.iter(|| assert!(ClientCertificate::Pem(pem).thumbprint(&mut scratch).is_ok())));
}

fn wire(c: &mut Criterion) {
    let signer = Signer::es256();
    let tokens = access_tokens(&signer, MANY, &certificate_cnf(), 0);
    let segments: Vec<&str> = tokens.iter().map(|token| token.split('.').nth(1).expect("a payload")).collect();
    let (mut scratch, mut turn) = (vec![0; 4096], 0);
    c.bench_function("wire/base64url of a payload", |b| {
        b.iter(|| assert!(base64url::decode(next(&segments, &mut turn).as_bytes(), &mut scratch).is_ok()));
    });
    let payloads: Vec<Vec<u8>> =
        segments.iter().map(|segment| base64url::decode(segment.as_bytes(), &mut scratch).expect("base64url").0.to_vec()).collect();
    c.bench_function("wire/json of a payload", |b| b.iter(|| assert!(json::read_value(next::<Vec<u8>>(&payloads, &mut turn)).is_ok())));
}

criterion_group!(entry_points, access_token, cache, split, dpop, jarm, keys, wire);
criterion_main!(entry_points);
