//! One hot path, run a given number of times over fixed input: for instruction counts, which no clock disturbs.
//!
//! `hot PATH COUNT`, with the paths that `hot` alone lists. The input is `benches/hot/*.txt`; `hot mint` draws it anew.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use aws_lc_rs::rsa::KeySize;
use counterfoil::crypto::{FAPI, RS256};
use counterfoil::jose::algorithm::Algorithms;
use counterfoil::jose::keys::KeySet;
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::cache::{CacheSlot, TokenCache};
use counterfoil::oauth::confirmation::Presenter;
use counterfoil::oauth::dpop::{ProofRules, ProofTarget};
use counterfoil::oauth::replay::{ReplayEntry, ReplayTable};
use counterfoil::oauth::verifier::Verifier;
use counterfoil::wire::siphash::HashKey;
use counterfoil::wire::{base64url, json};
use counterfoil::{Error, UnixTime};
use counterfoil_benches::{AUDIENCE, CERTIFICATE, ISSUER, NOW, Signer, URL, access_tokens, certificate_cnf, expired_tokens, jwks, proof};

const PATHS: [&str; 10] = ["es256", "ps256", "rs256", "eddsa", "expired", "split", "dpop", "cache", "base64url", "json"];
const AT: UnixTime = UnixTime(NOW);
const HOLDER: Presenter<'static> = Presenter::Certificate(Thumbprint::from_bytes(CERTIFICATE));

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [mint] if mint == "mint" => write_input(),
        [path, count] if PATHS.contains(&path.as_str()) => match count.parse() {
            Ok(count) => run(path, count),
            Err(_) => return usage(),
        },
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: hot PATH COUNT, where PATH is one of {PATHS:?}; or: hot mint");
    ExitCode::from(2)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("hot")
}

/// The lines of a file of input: a JWK Set, then tokens; proofs follow their tokens in `dpop`.
fn lines(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder().join(name).with_extension("txt")).expect("input");
    text.lines().map(str::to_owned).collect()
}

fn write_input() {
    let write = |name: &str, set: String, lines: &[String]| {
        let text = format!("{set}\n{}\n", lines.join("\n"));
        std::fs::write(folder().join(name).with_extension("txt"), text).expect("a writable folder");
    };
    std::fs::create_dir_all(folder()).expect("a folder");
    let (es256, holder, cnf) = (Signer::es256(), Signer::es256(), certificate_cnf());
    write("es256", jwks(&es256), &access_tokens(&es256, 8, &cnf, 0));
    write("expired", jwks(&es256), &expired_tokens(&es256, 8, &cnf));
    let (ps256, rs256, eddsa) = (Signer::ps256(KeySize::Rsa2048), Signer::rs256(KeySize::Rsa2048), Signer::eddsa());
    write("ps256", jwks(&ps256), &access_tokens(&ps256, 8, &cnf, 0));
    write("rs256", jwks(&rs256), &access_tokens(&rs256, 8, &cnf, 0));
    write("eddsa", jwks(&eddsa), &access_tokens(&eddsa, 8, &cnf, 0));
    let bound = access_tokens(&es256, 8, &format!(r#""jkt":"{}""#, holder.thumbprint()), 0);
    let pairs: Vec<_> = bound.iter().enumerate().flat_map(|(i, token)| [token.clone(), proof(&holder, token, i)]).collect();
    write("dpop", jwks(&es256), &pairs);
}

fn run(path: &str, count: usize) {
    let mut scratch = vec![0; 64 * 1024];
    match path {
        "base64url" | "json" => return run_wire(path, count, &mut scratch),
        "dpop" => return run_proofs(count, &mut scratch),
        _ => {}
    }
    let lines = lines(if matches!(path, "split" | "cache") { "es256" } else { path });
    let algorithms: Algorithms<'_> = if path == "rs256" { &[&RS256] } else { FAPI };
    let keys = KeySet::<1>::parse(lines[0].as_bytes(), algorithms).expect("keys");
    let verifier = Verifier::new(ISSUER, AUDIENCE, algorithms, keys.keys()).expect("a verifier");
    let mut slots = vec![CacheSlot::<1024>::empty(); 64];
    let mut cache = TokenCache::new(&mut slots, HashKey::new([7; 16])).expect("a cache");
    for token in lines[1..].iter().cycle().take(count).map(String::as_bytes) {
        match path {
            "expired" => assert_eq!(verifier.accept(token, HOLDER, AT, &mut scratch).err(), Some(Error::TokenExpired)),
            "cache" => assert!(cache.accept(&verifier, token, HOLDER, AT, &mut scratch).is_ok()),
            "split" => {
                let (counterfoil, ticket) = counterfoil::oauth::split_token::split(token).expect("two halves");
                assert!(verifier.accept_split(counterfoil, ticket, HOLDER, AT, &mut scratch).is_ok());
            }
            _ => assert!(verifier.accept(token, HOLDER, AT, &mut scratch).is_ok()),
        }
    }
}

fn run_proofs(count: usize, scratch: &mut [u8]) {
    let lines = lines("dpop");
    let rules = ProofRules::new(FAPI).expect("rules");
    let mut memory = [ReplayEntry::EMPTY; 16];
    let (pairs, _) = lines[1..].as_chunks::<2>();
    for [token, proof] in pairs.iter().cycle().take(count) {
        let mut store = ReplayTable::new(&mut memory, HashKey::new([1; 16])).expect("a store");
        let target = ProofTarget { method: "GET", url: URL, token: Some(token.as_bytes()) };
        assert!(rules.accept(proof.as_bytes(), &target, AT, &mut store, scratch).is_ok());
    }
}

fn run_wire(path: &str, count: usize, scratch: &mut [u8]) {
    let lines = lines("es256");
    for token in lines[1..].iter().cycle().take(count) {
        let segment = token.split('.').nth(1).expect("a payload");
        let (payload, _) = base64url::decode(segment.as_bytes(), scratch).expect("base64url");
        if path == "json" {
            assert!(json::read_value(payload).is_ok());
        }
    }
}
