//! Counterfoil among its peers: the same protocol and the same corpus as the programs under `benches/peers/`.
//!
//! `engine FOLDER PATH`, where PATH is `portable`, `ifma`, `batch8-portable`, `batch8-ifma` (whole tokens, with 256 KiB of table a
//! key), `cold` (whole tokens without a table; in the work `first`, the signature alone with its key judged anew each time) or
//! `cache-hit`; `cold-portable` too. With the work `es256+dpop` a whole request is judged, by a server that has tables for the keys of proofs.

#[path = "../../peers/protocol.rs"]
mod protocol;

use std::process::ExitCode;

use counterfoil::crypto::p256::{HOST_WORDS, PROOF_WORDS};
use counterfoil::crypto::{ED25519, EDDSA, ES256, PS256, RS256, portable};
use counterfoil::jose::algorithm::{Algorithm, Algorithms, BATCH};
use counterfoil::jose::jwk::PublicKey;
use counterfoil::jose::keys::{KeySet, PreparedKeySet};
use counterfoil::jose::last_header::LastHeader;
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::cache::{CacheSlot, TokenCache};
use counterfoil::oauth::confirmation::Presenter;
use counterfoil::oauth::dpop::ProofRules;
use counterfoil::oauth::key_tables::{KeySlot, KeyTables};
use counterfoil::oauth::replay::{ReplayEntry, ReplayTable, WithKeys};
use counterfoil::oauth::request::{Request, ResourceServer};
use counterfoil::oauth::verifier::Verifier;
use counterfoil::wire::base64url;
use counterfoil::wire::siphash::HashKey;
use counterfoil::{Error, UnixTime};
use counterfoil_benches::CERTIFICATE;

use protocol::{Case, Corpus, Work, locked, serve, settle_and_time};

const HOLDER: Presenter<'static> = Presenter::Certificate(Thumbprint::from_bytes(CERTIFICATE));
const KEYS: usize = 512;
const ROOM: usize = 32 * 1024;

type Prepared = PreparedKeySet<KEYS, Vec<u64>>;

/// How tokens are judged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Path {
    Single,
    Batch,
    Cold,
    CacheHit,
}

/// Which implementations may be used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Portable,
    Best,
}

fn main() -> ExitCode {
    let path = match std::env::args().nth(2).as_deref() {
        Some("portable") => (Path::Single, Unit::Portable),
        Some("ifma") => (Path::Single, Unit::Best),
        Some("batch8-portable") => (Path::Batch, Unit::Portable),
        Some("batch8-ifma") => (Path::Batch, Unit::Best),
        Some("cold") => (Path::Cold, Unit::Best),
        Some("cold-portable") => (Path::Cold, Unit::Portable),
        Some("cache-hit") => (Path::CacheHit, Unit::Best),
        _ => {
            eprintln!("usage: engine FOLDER PATH");
            return ExitCode::from(2);
        }
    };
    let name = std::env::args().nth(2).unwrap_or_default();
    let version = locked(include_str!("../../../Cargo.lock"), "counterfoil");
    serve(&format!("counterfoil/{name}"), &version, |corpus, work| {
        if name.ends_with("ifma") && !has_ifma() {
            return Err("not on this CPU".to_owned());
        }
        prepare(path, corpus, work)
    });
    ExitCode::SUCCESS
}

#[cfg(target_arch = "x86_64")]
fn has_ifma() -> bool {
    std::arch::is_x86_feature_detected!("avx512f") && std::arch::is_x86_feature_detected!("avx512ifma")
}

#[cfg(not(target_arch = "x86_64"))]
const fn has_ifma() -> bool {
    false
}

/// Whatever is fastest on this CPU.
const BEST: Algorithms<'static> = &[&ES256, &PS256, &EDDSA, &ED25519];
const BEST_RS: Algorithms<'static> = &[&RS256];
/// Without vector units.
const PORTABLE: Algorithms<'static> = &[&portable::ES256, &portable::PS256, &EDDSA, &ED25519];
const PORTABLE_RS: Algorithms<'static> = &[&portable::RS256];

const fn algorithms_of(work: &str, unit: Unit) -> Algorithms<'static> {
    match (work.as_bytes(), unit) {
        (b"rs256", Unit::Best) => BEST_RS,
        (b"rs256", Unit::Portable) => PORTABLE_RS,
        (_, Unit::Best) => BEST,
        (_, Unit::Portable) => PORTABLE,
    }
}

fn prepare((path, unit): (Path, Unit), corpus: &Corpus, work: &str) -> Result<Box<dyn Work>, String> {
    let algorithms = algorithms_of(work, unit);
    let set = KeySet::<KEYS>::parse(corpus.file(work, "jwks")?.as_bytes(), algorithms).map_err(|error| error.to_string())?;
    if work == "first" {
        let public = set.keys().iter().next().map(|key| key.public().clone()).ok_or("a key")?;
        return if path == Path::Cold {
            Ok(Box::new(First { public, algorithm: algorithms[0] }))
        } else {
            Err("for the path without tables".to_owned())
        };
    }
    let words = if path == Path::Cold { 0 } else { set.keys().iter().count() * HOST_WORDS };
    let engine = Engine {
        keys: Box::new(set.prepare(algorithms, vec![0; words])),
        algorithms,
        issuer: corpus.parameter("issuer").to_owned(),
        audience: corpus.parameter("audience").to_owned(),
        url: corpus.parameter("url").to_owned(),
        now: UnixTime(corpus.parameter("now").parse().map_err(|_| "now")?),
        refusal: refusal_of(work),
        good: refusal_of(work).map(|_| good_token(corpus)).transpose()?,
    };
    match path {
        Path::Single | Path::Cold if work == "es256+dpop" => Ok(Box::new(Requests(engine))),
        Path::Single | Path::Cold => Ok(Box::new(OneByOne(engine))),
        _ if work == "es256+dpop" => Err("requests are judged one by one".to_owned()),
        Path::Batch => Ok(Box::new(Batches(engine))),
        Path::CacheHit if engine.refusal.is_some() => Err("what is refused is never remembered".to_owned()),
        Path::CacheHit if matches!(work, "es256-2k" | "es256-8k") => Err("longer than a place of this cache".to_owned()),
        Path::CacheHit => Ok(Box::new(Remembered(engine))),
    }
}

/// The one error that a work deserves, where it is always the same.
fn refusal_of(work: &str) -> Option<Refusal> {
    match work {
        "garbage" => Some(None),
        "dots" => Some(Some(Error::TokenNotCompact)),
        "unknown-kid" => Some(Some(Error::KeyUnknown)),
        "expired" => Some(Some(Error::TokenExpired)),
        "forged" => Some(Some(Error::SignatureInvalid)),
        _ => None,
    }
}

/// The first token of the work `es256`, whose key those of the works that are refused share.
fn good_token(corpus: &Corpus) -> Result<String, String> {
    let tokens = corpus.file("es256", "tokens")?;
    tokens.split_whitespace().nth(1).map(str::to_owned).ok_or("a token".to_owned())
}

/// `None` where any error will do.
type Refusal = Option<Error>;

struct Engine {
    keys: Box<Prepared>,
    algorithms: Algorithms<'static>,
    issuer: String,
    audience: String,
    url: String,
    now: UnixTime,
    refusal: Option<Refusal>,
    /// A good token of the same issuer, before those that are refused: its header is the one that a server remembers.
    good: Option<String>,
}

impl Engine {
    fn verifier(&self) -> Verifier<'_> {
        Verifier::new(&self.issuer, &self.audience, self.algorithms, self.keys.keys()).expect("a verifier")
    }

    fn assert(&self, error: Option<Error>, case: &Case) {
        let is_right = match (self.refusal, error) {
            (None, None) => case.accept,
            (Some(None), Some(_)) => !case.accept,
            (Some(Some(expected)), Some(error)) => !case.accept && error == expected,
            _ => false,
        };
        assert!(is_right, "{error:?} for {} {:?}", case.token, case.proof);
    }
}

struct OneByOne(Engine);

impl Work for OneByOne {
    fn run(&self, cases: &[Case], mark: &mut dyn FnMut()) {
        let (verifier, mut scratch) = (self.0.verifier(), vec![0; ROOM]);
        let mut last = LastHeader::none();
        if let Some(good) = &self.0.good {
            let accepted = verifier.accept_remembering(good.as_bytes(), HOLDER, self.0.now, Some(&mut last), &mut scratch);
            assert!(accepted.is_ok(), "{good}");
        }
        settle_and_time(mark, || {
            for case in cases {
                let error = verifier.accept_remembering(case.token.as_bytes(), HOLDER, self.0.now, Some(&mut last), &mut scratch).err();
                self.0.assert(error, case);
            }
        });
    }
}

struct Batches(Engine);

impl Work for Batches {
    fn run(&self, cases: &[Case], mark: &mut dyn FnMut()) {
        let (verifier, mut scratch) = (self.0.verifier(), vec![0; BATCH * ROOM]);
        settle_and_time(mark, || {
            for cases in cases.chunks(BATCH) {
                let mut tokens = [(&b""[..], HOLDER); BATCH];
                for (token, case) in tokens.iter_mut().zip(cases) {
                    token.0 = case.token.as_bytes();
                }
                let judged = verifier.accept_batch(&tokens[..cases.len()], self.0.now, &mut scratch).expect("a batch");
                assert_eq!(judged.len(), cases.len());
                for (judged, case) in judged.iter().zip(cases) {
                    self.0.assert(judged.as_ref().err().copied(), case);
                }
            }
        });
    }
}

struct Remembered(Engine);

impl Work for Remembered {
    /// The first pass fills the cache, which has so many places that hardly ever 5 of 512 tokens fall into one group of 4.
    fn run(&self, cases: &[Case], mark: &mut dyn FnMut()) {
        let mut slots = vec![CacheSlot::<1024>::empty(); 8192];
        let mut cache = TokenCache::new(&mut slots, HashKey::new([7; 16])).expect("a cache");
        let (verifier, mut scratch) = (self.0.verifier(), vec![0; ROOM]);
        settle_and_time(mark, || {
            for case in cases {
                let error = cache.accept(&verifier, case.token.as_bytes(), HOLDER, self.0.now, &mut scratch).err();
                self.0.assert(error, case);
            }
        });
    }
}

struct Requests(Engine);

impl Work for Requests {
    /// The first pass teaches the server its clients' keys; used proofs are forgotten before each pass.
    fn run(&self, cases: &[Case], mark: &mut dyn FnMut()) {
        let rules = ProofRules::new(self.0.algorithms).expect("rules");
        let server = ResourceServer::new(self.0.verifier(), rules);
        let mut slots = vec![KeySlot::<PROOF_WORDS>::EMPTY; 256];
        let mut tables = KeyTables::new(&mut slots, HashKey::new([3; 16])).expect("tables");
        let (mut entries, mut scratch) = (vec![ReplayEntry::EMPTY; 1024], vec![0; ROOM]);
        let headers: Vec<String> = cases.iter().map(|case| format!("DPoP {}", case.token)).collect();
        settle_and_time(mark, || {
            let mut store = ReplayTable::new(&mut entries, HashKey::new([1; 16])).expect("a store");
            let mut memory = WithKeys::new(&mut store, &mut tables);
            for (case, header) in cases.iter().zip(&headers) {
                let request = Request {
                    method: "GET",
                    url: &self.0.url,
                    authorization: &[header.as_bytes()],
                    dpop: &[case.proof.as_deref().unwrap_or_default().as_bytes()],
                    certificate: None,
                };
                let error = server.accept(&request, self.0.now, &mut memory, &mut scratch).err();
                self.0.assert(error.map(|refusal| refusal.error()), case);
            }
        });
    }
}

/// A signature whose key counts as never seen.
struct First {
    public: PublicKey,
    algorithm: &'static dyn Algorithm,
}

impl Work for First {
    fn run(&self, cases: &[Case], mark: &mut dyn FnMut()) {
        let signed: Vec<_> = cases.iter().map(signature_of).collect();
        settle_and_time(mark, || {
            for ((message, signature), case) in signed.iter().zip(cases) {
                let algorithm = self.algorithm;
                let verdict = algorithm.admit(&self.public).and_then(|()| algorithm.verify(&self.public, message, signature));
                assert_eq!(verdict.is_ok(), case.accept);
            }
        });
    }
}

fn signature_of(case: &Case) -> (Vec<u8>, [u8; 64]) {
    let (message, signature) = case.token.rsplit_once('.').expect("a token");
    let mut room = [0; 96];
    let (signature, _) = base64url::decode(signature.as_bytes(), &mut room).expect("base64url");
    (message.into(), *signature.first_chunk().expect("64 octets"))
}
