//! One hot path, run a given number of times over fixed input: for instruction counts, which no clock disturbs.
//!
//! `hot PATH COUNT`; `hot` alone lists the paths. Between two counts lie only judgements: keys are prepared, and what remembers has
//! remembered, before the ninth. The input is `input/*.txt`, which `cargo run --package counterfoil-benches --bin mint` draws anew.

use std::process::ExitCode;

use counterfoil::crypto::p256::{HOST_WORDS, PROOF_WORDS};
use counterfoil::crypto::{ES256, FAPI, RS256};
use counterfoil::jose::algorithm::{Algorithm as _, Algorithms, BATCH};
use counterfoil::jose::keys::{KeySet, PreparedKeySet};
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::cache::{CacheSlot, TokenCache};
use counterfoil::oauth::confirmation::Presenter;
use counterfoil::oauth::dpop::ProofRules;
use counterfoil::oauth::key_tables::{KeySlot, KeyTables};
use counterfoil::oauth::replay::{ReplayEntry, ReplayTable, WithKeys};
use counterfoil::oauth::request::{Request, ResourceServer};
use counterfoil::oauth::split_token;
use counterfoil::oauth::verifier::Verifier;
use counterfoil::wire::siphash::HashKey;
use counterfoil::wire::{base64url, json};
use counterfoil::{Error, UnixTime};

/// A name, its input, and what is done with it.
type Path = (&'static str, &'static str, fn(&Material, usize));

const PATHS: [Path; 12] = [
    ("es256", ES256_INPUT, accept),
    ("es256-batch", ES256_INPUT, accept_batch),
    ("es256-first", ES256_INPUT, verify_with_an_unseen_key),
    ("es256+dpop", include_str!("../input/dpop.txt"), accept_request),
    ("ps256", include_str!("../input/ps256.txt"), accept),
    ("rs256", include_str!("../input/rs256.txt"), accept),
    ("eddsa", include_str!("../input/eddsa.txt"), accept),
    ("split", ES256_INPUT, accept_split),
    ("cache", ES256_INPUT, accept_from_cache),
    ("expired", include_str!("../input/expired.txt"), refuse_expired),
    ("base64url", ES256_INPUT, decode),
    ("json", ES256_INPUT, read),
];
const ES256_INPUT: &str = include_str!("../input/es256.txt");
const ONLY_RS256: Algorithms<'static> = &[&RS256];
const ISSUER: &str = "https://as.bank.example";
const AUDIENCE: &str = "https://api.bank.example/open-banking";
const URL: &str = "https://api.bank.example/open-banking/v3.1/aisp/accounts";
const NOW: UnixTime = UnixTime(1_800_000_000);
const HOLDER: Presenter<'static> = Presenter::Certificate(Thumbprint::from_bytes([0x5a; 32]));
const ROOM: usize = 32 * 1024;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let found = match arguments.as_slice() {
        [path, count] => PATHS.iter().find(|(name, ..)| name == path).zip(count.parse().ok()),
        _ => None,
    };
    let Some(((name, input, run), count)) = found else {
        eprintln!("usage: hot PATH COUNT, where PATH is one of");
        PATHS.iter().for_each(|(name, ..)| eprintln!("{name}"));
        return ExitCode::from(2);
    };
    run(&Material::read(name, input), count);
    ExitCode::SUCCESS
}

/// A JWK Set, prepared, and what follows it in a file of input: tokens; in `dpop` each before its proof.
struct Material {
    algorithms: Algorithms<'static>,
    keys: PreparedKeySet<1, Vec<u64>>,
    lines: Vec<&'static str>,
}

impl Material {
    fn read(name: &str, input: &'static str) -> Self {
        let (set, lines) = input.split_once('\n').expect("a set and lines");
        let algorithms: Algorithms<'static> = if name == "rs256" { ONLY_RS256 } else { FAPI };
        let set = KeySet::<1>::parse(set.as_bytes(), algorithms).expect("keys");
        Self { algorithms, keys: set.prepare(algorithms, vec![0; HOST_WORDS]), lines: lines.lines().collect() }
    }

    fn verifier(&self) -> Verifier<'_> {
        Verifier::new(ISSUER, AUDIENCE, self.algorithms, self.keys.keys()).expect("a verifier")
    }

    fn tokens(&self, count: usize) -> impl Iterator<Item = &'static [u8]> {
        self.lines.iter().cycle().take(count).map(|line| line.as_bytes())
    }
}

fn accept(material: &Material, count: usize) {
    let (verifier, mut scratch) = (material.verifier(), vec![0; ROOM]);
    for token in material.tokens(count) {
        assert!(verifier.accept(token, HOLDER, NOW, &mut scratch).is_ok());
    }
}

fn accept_batch(material: &Material, count: usize) {
    let (verifier, mut scratch) = (material.verifier(), vec![0; BATCH * ROOM]);
    let tokens: Vec<_> = material.tokens(BATCH).map(|token| (token, HOLDER)).collect();
    for _ in 0..count / BATCH {
        let judged = verifier.accept_batch(&tokens, NOW, &mut scratch).expect("a batch");
        assert!(judged.len() == BATCH && judged.iter().all(Result::is_ok));
    }
}

/// The signature alone, with its key judged each time.
fn verify_with_an_unseen_key(material: &Material, count: usize) {
    let key = material.keys.keys().iter().next().expect("a key").public();
    let mut room = [0; 96];
    for token in material.tokens(count) {
        let at = token.iter().rposition(|byte| *byte == b'.').expect("a signature");
        let (signature, _) = base64url::decode(&token[at + 1..], &mut room).expect("base64url");
        assert!(ES256.admit(key).and_then(|()| ES256.verify(key, &token[..at], signature)).is_ok());
    }
}

/// A request with a token and a proof whose key was seen before.
fn accept_request(material: &Material, count: usize) {
    let server = ResourceServer::new(material.verifier(), ProofRules::new(FAPI).expect("rules"));
    let mut slots = vec![KeySlot::<PROOF_WORDS>::EMPTY; 4];
    let mut tables = KeyTables::new(&mut slots, HashKey::new([3; 16])).expect("tables");
    let (mut entries, mut scratch) = ([ReplayEntry::EMPTY; 16], vec![0; ROOM]);
    let (pairs, _) = material.lines.as_chunks::<2>();
    let pairs: Vec<_> = pairs.iter().map(|[token, proof]| (format!("DPoP {token}"), *proof)).collect();
    for (authorization, proof) in pairs.iter().cycle().take(count) {
        // used proofs are forgotten, so that they may come again
        let mut store = ReplayTable::new(&mut entries, HashKey::new([1; 16])).expect("a store");
        let mut memory = WithKeys::new(&mut store, &mut tables);
        let (authorization, dpop) = ([authorization.as_bytes()], [proof.as_bytes()]);
        let request = Request { method: "GET", url: URL, authorization: &authorization, dpop: &dpop, certificate: None };
        assert!(server.accept(&request, NOW, &mut memory, &mut scratch).is_ok());
    }
}

fn accept_split(material: &Material, count: usize) {
    let (verifier, mut scratch) = (material.verifier(), vec![0; ROOM]);
    for token in material.tokens(count) {
        let (counterfoil, ticket) = split_token::split(token).expect("two halves");
        assert!(verifier.accept_split(counterfoil, ticket, HOLDER, NOW, &mut scratch).is_ok());
    }
}

fn accept_from_cache(material: &Material, count: usize) {
    let (verifier, mut scratch) = (material.verifier(), vec![0; ROOM]);
    let mut slots = vec![CacheSlot::<1024>::empty(); 64];
    let mut cache = TokenCache::new(&mut slots, HashKey::new([7; 16])).expect("a cache");
    for token in material.tokens(count) {
        assert!(cache.accept(&verifier, token, HOLDER, NOW, &mut scratch).is_ok());
    }
}

fn refuse_expired(material: &Material, count: usize) {
    let (verifier, mut scratch) = (material.verifier(), vec![0; ROOM]);
    for token in material.tokens(count) {
        assert_eq!(verifier.accept(token, HOLDER, NOW, &mut scratch).err(), Some(Error::TokenExpired));
    }
}

fn decode(material: &Material, count: usize) {
    let mut room = vec![0; ROOM];
    for token in material.tokens(count) {
        assert!(base64url::decode(payload_of(token), &mut room).is_ok());
    }
}

fn read(material: &Material, count: usize) {
    let mut rooms = vec![vec![0; ROOM]; material.lines.len()];
    let payloads = material.tokens(rooms.len()).zip(&mut rooms);
    let payloads: Vec<&[u8]> = payloads.map(|(token, room)| base64url::decode(payload_of(token), room).expect("base64url").0).collect();
    for payload in payloads.iter().cycle().take(count) {
        assert!(json::read_value(payload).is_ok());
    }
}

fn payload_of(token: &[u8]) -> &[u8] {
    token.split(|byte| *byte == b'.').nth(1).expect("a payload")
}
