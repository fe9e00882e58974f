//! Every vector once more: its input is read and its JSON parsed before anything is counted.

use std::collections::BTreeMap;
use std::path::Path;

use counterfoil::jose::algorithm::Algorithm;
use counterfoil::jose::header::TokenType;
use counterfoil::jose::keys::{Key, KeySet};
use counterfoil::jose::policy::Limits;
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::cache::{CacheSlot, TokenCache};
use counterfoil::oauth::certificate::ClientCertificate;
use counterfoil::oauth::confirmation::{Binding, Presenter};
use counterfoil::oauth::dpop::{ProofRules, ProofTarget};
use counterfoil::oauth::jarm::{ResponseRules, SentState};
use counterfoil::oauth::nonce::NonceKey;
use counterfoil::oauth::replay::{ReplayEntry, ReplayTable};
use counterfoil::oauth::request::{Request, ResourceServer};
use counterfoil::oauth::split_token::{self, Counterfoil, CounterfoilKey, KeyEncoding, Ticket};
use counterfoil::oauth::verifier::{Demands, Profile, Verifier};
use counterfoil::wire::siphash::HashKey;
use counterfoil::wire::{base64url, json};
use counterfoil::{Error, Seconds, UnixTime};
use serde_json::{Map, Value};

use crate::counted;
use crate::vector::{self, MAX_KEYS, Vectors, algorithms, bytes};

type Judgement = Result<(), Error>;
type Policy = Map<String, Value>;

const HASH_KEY: HashKey = HashKey::new([5; 16]);

#[test]
fn no_vector_needs_a_heap() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let mut room = Room::new();
    let mut failures = Vec::new();
    let mut judged: BTreeMap<(String, bool), usize> = BTreeMap::new();
    for file in vector::files(&folder) {
        let vectors = Vectors::read(&file);
        for case in vectors.cases() {
            let kind = case["kind"].as_str().expect("a kind");
            let Some((allocations, verdict)) = judge(&vectors, case, kind, &mut room) else { continue };
            let (verdict, expected) = (verdict.map_or_else(Error::slug, |()| "ok"), case["expect"].as_str().expect("a verdict"));
            if allocations > 0 || verdict != expected {
                failures.push(format!("{}: {allocations} allocations, {verdict} (expected {expected})", case["id"]));
            }
            *judged.entry((kind.to_owned(), expected == "ok")).or_default() += 1;
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    let kinds = ["access_token", "split_token", "dpop", "jarm", "signature", "jwk", "jwks", "json", "base64url", "certificate", "request"];
    for (kind, accepted) in kinds.iter().flat_map(|kind| [(*kind, true), (*kind, false)]) {
        assert!(judged.contains_key(&(kind.to_owned(), accepted)), "no {kind} that is {}", if accepted { "accepted" } else { "refused" });
    }
}

/// All memory, taken before anything is counted.
struct Room {
    keys: Box<KeySet<MAX_KEYS>>,
    scratch: Vec<u8>,
    other: Vec<u8>,
    slots: Vec<CacheSlot<4096>>,
}

impl Room {
    fn new() -> Self {
        let scratch = vec![0; 256 * 1024];
        Self { keys: Box::new(KeySet::new()), other: scratch.clone(), scratch, slots: vec![CacheSlot::empty(); 8] }
    }
}

/// The allocations and the verdict; `None` for `htu`, which has no entry point of its own (`dpop` and `request` pass it).
fn judge(vectors: &Vectors, case: &Value, kind: &str, room: &mut Room) -> Option<(u64, Judgement)> {
    let policy = vectors.policy(case);
    let input = &case["input"];
    let now = UnixTime(case["now"].as_u64().unwrap_or(0));
    Some(match kind {
        "access_token" | "split_token" => token(&Judge::new(vectors, &policy), input, now, room),
        "dpop" => proofs(&policy, input, now, room),
        "jarm" => response(&vectors.jwks(&policy), &policy, input, now, room),
        "request" => requests(&Judge::new(vectors, &policy), &policy, input, now, room),
        "htu" => return None,
        _ => part(&policy, input, kind, room),
    })
}

/// The kinds that judge one part alone.
fn part(policy: &Policy, input: &Value, kind: &str, room: &mut Room) -> (u64, Judgement) {
    let algorithms = if policy.contains_key("algorithms") { algorithms(policy) } else { Vec::new() };
    let text = |name: &str| bytes(&input[name]);
    match kind {
        "signature" => {
            let (jwk, message, signature) = (text("jwk"), text("signing_input"), text("signature"));
            counted(|| {
                let key = Key::parse(&jwk, &algorithms)?;
                let (signature, _) = base64url::decode(&signature, &mut room.scratch)?;
                algorithms[0].verify(key.public(), &message, signature)
            })
        }
        "jwk" => {
            let jwk = text("jwk");
            counted(|| Key::parse(&jwk, &algorithms).map(|key| _ = Thumbprint::of_key(key.public()).encode()))
        }
        "jwks" => {
            let jwks = text("jwks");
            match policy.get("capacity").and_then(Value::as_u64).unwrap_or(8) {
                1 => counted(|| KeySet::<1>::parse(&jwks, &algorithms).map(drop)),
                2 => counted(|| KeySet::<2>::parse(&jwks, &algorithms).map(drop)),
                4 => counted(|| KeySet::<4>::parse(&jwks, &algorithms).map(drop)),
                _ => counted(|| KeySet::<8>::parse(&jwks, &algorithms).map(drop)),
            }
        }
        "json" => {
            let text = text("text");
            counted(|| json::read_value(&text).map(drop))
        }
        "base64url" => {
            let text = text("text");
            counted(|| base64url::decode(&text, &mut room.scratch).map(drop))
        }
        "certificate" => {
            let certificate = Certificate::of(input);
            counted(|| certificate.thumbprint(&mut room.scratch).map(drop))
        }
        "ticket" => {
            let ticket = text("ticket");
            counted(|| Ticket::parse(&ticket).map(|ticket| _ = ticket.key()))
        }
        "ticket_hash" => {
            let (text, encoding) = (text("text"), encoding_of(input));
            counted(|| CounterfoilKey::parse(&text, encoding).map(drop))
        }
        other => panic!("unknown kind {other}"),
    }
}

fn encoding_of(input: &Value) -> KeyEncoding {
    match input["encoding"].as_str().expect("an encoding") {
        "base64url" => KeyEncoding::Base64url,
        "base64" => KeyEncoding::Base64,
        "hex" => KeyEncoding::Hex,
        "raw" => KeyEncoding::Raw,
        other => panic!("unknown encoding {other}"),
    }
}

struct Certificate {
    form: String,
    values: Vec<Vec<u8>>,
}

impl Certificate {
    fn of(certificate: &Value) -> Self {
        let values = certificate["values"].as_array().expect("values").iter().map(bytes).collect();
        Self { form: certificate["form"].as_str().expect("a form").to_owned(), values }
    }

    fn form<'a>(&self, value: &'a [u8]) -> ClientCertificate<'a> {
        match self.form.as_str() {
            "der" => ClientCertificate::Der(value),
            "pem" => ClientCertificate::Pem(value),
            "escaped_pem" => ClientCertificate::EscapedPem(value),
            "client_cert" => ClientCertificate::ClientCert(value),
            other => panic!("unknown form {other}"),
        }
    }

    fn thumbprint(&self, scratch: &mut [u8]) -> Result<Thumbprint, Error> {
        match self.values.as_slice() {
            [value] => self.form(value).thumbprint(scratch),
            _ => Err(Error::CertificateRepeated),
        }
    }
}

enum Holder {
    Bearer,
    Certificate(Certificate),
    Thumbprint(Vec<u8>),
    Dpop(OneProof),
}

impl Holder {
    fn of(presenter: &Value, credential: &[u8]) -> Self {
        if let Some(certificate) = presenter.get("certificate") {
            return Self::Certificate(Certificate::of(certificate));
        }
        if let Some(thumbprint) = presenter.get("thumbprint") {
            return Self::Thumbprint(bytes(thumbprint));
        }
        match presenter.get("dpop") {
            Some(dpop) => Self::Dpop(OneProof { token: Some(credential.to_owned()), ..OneProof::of(dpop) }),
            None => Self::Bearer,
        }
    }

    fn present<T>(
        &self,
        algorithms: &[&dyn Algorithm],
        now: UnixTime,
        scratch: &mut [u8],
        judge: impl FnOnce(Presenter<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match self {
            Self::Bearer => judge(Presenter::Bearer),
            Self::Certificate(certificate) => judge(Presenter::Certificate(certificate.thumbprint(scratch)?)),
            Self::Thumbprint(text) => judge(Presenter::Certificate(Thumbprint::parse(text)?)),
            Self::Dpop(proof) => {
                let mut memory = [ReplayEntry::EMPTY; 16];
                let mut store = ReplayTable::new(&mut memory, HASH_KEY)?;
                let proof = ProofRules::new(algorithms)?.accept(&proof.proof, &proof.target(), now, &mut store, scratch)?;
                judge(Presenter::Dpop(&proof))
            }
        }
    }
}

struct OneProof {
    proof: Vec<u8>,
    method: String,
    url: String,
    token: Option<Vec<u8>>,
}

impl OneProof {
    fn of(input: &Value) -> Self {
        let text = |name: &str| input[name].as_str().expect("a text").to_owned();
        let token = input.get("token").filter(|token| !token.is_null()).map(bytes);
        Self { proof: bytes(&input["proof"]), method: text("method"), url: text("url"), token }
    }

    fn target(&self) -> ProofTarget<'_> {
        ProofTarget { method: &self.method, url: &self.url, token: self.token.as_deref() }
    }
}

/// A policy's texts, and a verifier's arguments that borrow them.
struct Judge {
    policy: Policy,
    jwks: Vec<u8>,
    algorithms: Vec<&'static dyn Algorithm>,
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

impl Judge {
    fn new(vectors: &Vectors, policy: &Policy) -> Self {
        Self { policy: policy.clone(), jwks: vectors.jwks(policy), algorithms: algorithms(policy) }
    }

    fn limits(&self) -> Result<Limits, Error> {
        let size = |name: &str, default: usize| {
            self.policy.get(name).and_then(Value::as_u64).map_or(default, |size| usize::try_from(size).expect("a size"))
        };
        Limits::new(size("max_token_bytes", Limits::DEFAULT.token()), size("max_header_bytes", Limits::DEFAULT.header()))
    }

    /// Counts what `judge` does with the keys and the verifier, and their making.
    fn judge(&self, keys: &mut KeySet<MAX_KEYS>, judge: impl FnOnce(Verifier<'_>) -> Judgement) -> (u64, Judgement) {
        let policy = &self.policy;
        let list = |name: &str| policy.get(name).map(texts).unwrap_or_default();
        let (audiences, scopes, acr_values) = (list("audience"), list("scopes"), list("acr_values"));
        let profile = policy.get("profile").filter(|profile| profile.is_object());
        let types: Vec<_> = profile
            .and_then(|profile| profile["types"].as_array())
            .map_or_else(Vec::new, |types| types.iter().map(|typ| typ.as_str().map_or(TokenType::Absent, TokenType::Named)).collect());
        let required = profile.map(|profile| texts(&profile["required"])).unwrap_or_default();
        let binding = match policy.get("binding").and_then(Value::as_str) {
            Some("mtls") => Binding::Mtls,
            Some("dpop") => Binding::Dpop,
            Some("optional") => Binding::Optional,
            _ => Binding::Required,
        };
        let number = |name: &str| policy.get(name).and_then(Value::as_u64).map(Seconds);
        let demands = Demands { scopes: &scopes, acr_values: &acr_values, max_age: number("max_age") };
        counted(|| {
            keys.load(&self.jwks, &self.algorithms)?;
            let issuer = policy.get("issuer").and_then(Value::as_str).unwrap_or_default();
            let (audience, more) = audiences.split_first().ok_or(Error::AudienceUnset)?;
            let verifier = Verifier::new(issuer, audience, &self.algorithms, keys.keys())?
                .also_for(more)?
                .with_profile(if profile.is_some() { Profile::listed(&types, &required) } else { Profile::RFC_9068 })
                .with_binding(binding)
                .with_leeway(number("leeway").unwrap_or(Seconds(10)))
                .with_limits(self.limits()?)
                .demanding(demands);
            judge(verifier)
        })
    }
}

/// A token, whole or split, judged anew, by the cache, and by the cache from memory.
fn token(policy: &Judge, input: &Value, now: UnixTime, room: &mut Room) -> (u64, Judgement) {
    let split = input.get("ticket").map(|ticket| (bytes(&input["counterfoil"]), bytes(ticket)));
    let credential = split.as_ref().map_or_else(|| bytes(&input["token"]), |(_, ticket)| ticket.clone());
    let holder = Holder::of(&input["presenter"], &credential);
    let Room { keys, scratch, other, slots } = room;
    policy.judge(keys, |verifier| {
        if let Some((counterfoil, ticket)) = &split {
            return holder.present(&policy.algorithms, now, other, |presenter| {
                let (counterfoil, ticket) = (Counterfoil::parse(counterfoil)?, Ticket::parse(ticket)?);
                verifier.accept_split(counterfoil, ticket, presenter, now, scratch)?;
                split_token::join(counterfoil, ticket, scratch).map(drop)
            });
        }
        let fresh = holder.present(&policy.algorithms, now, other, |presenter| {
            verifier.accept(&credential, presenter, now, scratch).map(|token| _ = token.claims().count())
        });
        let mut cache = TokenCache::new(slots, HASH_KEY)?;
        for _ in 0..2 {
            let cached = holder.present(&policy.algorithms, now, other, |presenter| {
                cache.accept(&verifier, &credential, presenter, now, scratch).map(drop)
            });
            assert_eq!(cached, fresh, "the cache disagrees");
        }
        fresh
    })
}

/// What a policy says of proofs.
struct ProofPolicy {
    algorithms: Vec<&'static dyn Algorithm>,
    window: (Seconds, Seconds),
    nonce: Option<(Vec<u8>, Seconds)>,
}

impl ProofPolicy {
    fn of(policy: &Policy) -> Self {
        let number = |name: &str, default: u64| Seconds(policy.get(name).and_then(Value::as_u64).unwrap_or(default));
        let nonce = policy.get("nonce").filter(|nonce| !nonce.is_null());
        let nonce = nonce.map(|nonce| {
            let secret = Value::Object(Map::from_iter([("hex".to_owned(), nonce["secret_hex"].clone())]));
            (bytes(&secret), Seconds(nonce["step"].as_u64().expect("a step")))
        });
        Self { algorithms: algorithms(policy), window: (number("past", 300), number("ahead", 10)), nonce }
    }

    fn key(&self) -> Result<Option<NonceKey>, Error> {
        self.nonce.as_ref().map(|(secret, step)| NonceKey::new(secret, *step)).transpose()
    }

    fn rules<'a>(&'a self, key: Option<&'a NonceKey>) -> Result<ProofRules<'a>, Error> {
        let rules = ProofRules::new(&self.algorithms)?.with_window(self.window.0, self.window.1);
        Ok(key.map_or(rules, |key| rules.with_nonce(key)))
    }
}

/// The inputs before the one that counts, each with its time, and that one last.
fn sequence<T>(input: &Value, now: UnixTime, read: impl Fn(&Value) -> T) -> Vec<(UnixTime, T)> {
    let before = input["before"].as_array().into_iter().flatten();
    let mut all: Vec<_> = before.map(|earlier| (UnixTime(earlier["now"].as_u64().expect("now")), read(earlier))).collect();
    all.push((now, read(input)));
    all
}

fn proofs(policy: &Policy, input: &Value, now: UnixTime, room: &mut Room) -> (u64, Judgement) {
    let proofs = sequence(input, now, OneProof::of);
    let capacity = policy.get("store_capacity").and_then(Value::as_u64).unwrap_or(64);
    let mut memory = vec![ReplayEntry::EMPTY; usize::try_from(capacity).expect("a capacity")];
    let policy = ProofPolicy::of(policy);
    counted(|| {
        let key = policy.key()?;
        let rules = policy.rules(key.as_ref())?;
        let mut store = ReplayTable::new(&mut memory, HASH_KEY)?;
        let mut verdict = Ok(());
        for (now, proof) in &proofs {
            verdict = rules.accept(&proof.proof, &proof.target(), *now, &mut store, &mut room.scratch).map(drop);
        }
        verdict
    })
}

fn response(jwks: &[u8], policy: &Policy, input: &Value, now: UnixTime, room: &mut Room) -> (u64, Judgement) {
    let text = |name: &str| policy.get(name).and_then(Value::as_str).unwrap_or_default();
    let (issuer, client, algorithms) = (text("issuer"), text("client_id"), algorithms(policy));
    let state = policy.get("state").and_then(Value::as_str).map_or(SentState::None, SentState::Sent);
    let query = input.get("query").and_then(Value::as_str);
    let response = if query.is_none() { bytes(&input["response"]) } else { Vec::new() };
    counted(|| {
        room.keys.load(jwks, &algorithms)?;
        let rules = ResponseRules::new(issuer, client, &algorithms, room.keys.keys())?;
        match query {
            Some(query) => rules.accept_query(query, state, now, &mut room.scratch).map(drop),
            None => rules.accept(&response, state, now, &mut room.scratch).map(drop),
        }
    })
}

struct OneRequest {
    method: String,
    url: String,
    authorization: Vec<Vec<u8>>,
    dpop: Vec<Vec<u8>>,
    certificate: Option<Certificate>,
}

impl OneRequest {
    fn of(input: &Value) -> Self {
        let text = |name: &str| input[name].as_str().expect("a text").to_owned();
        let values = |name: &str| input[name].as_array().into_iter().flatten().map(bytes).collect();
        let certificate = input.get("certificate").filter(|certificate| !certificate.is_null()).map(Certificate::of);
        Self { method: text("method"), url: text("url"), authorization: values("authorization"), dpop: values("dpop"), certificate }
    }
}

fn slices_of(values: &[Vec<u8>]) -> Vec<&[u8]> {
    values.iter().map(Vec::as_slice).collect()
}

fn requests(verifier: &Judge, policy: &Policy, input: &Value, now: UnixTime, room: &mut Room) -> (u64, Judgement) {
    let requests = sequence(input, now, OneRequest::of);
    let views: Vec<_> =
        requests.iter().map(|(now, request)| (*now, request, slices_of(&request.authorization), slices_of(&request.dpop))).collect();
    let proofs = ProofPolicy::of(policy);
    let realm = policy.get("realm").and_then(Value::as_str);
    let mut memory = vec![ReplayEntry::EMPTY; 64];
    let Room { keys, scratch, .. } = room;
    verifier.judge(keys, |verifier| {
        let key = proofs.key()?;
        let mut server = ResourceServer::new(verifier, proofs.rules(key.as_ref())?);
        if let Some(realm) = realm {
            server = server.with_realm(realm)?;
        }
        let mut store = ReplayTable::new(&mut memory, HASH_KEY)?;
        let mut verdict = Ok(());
        for (now, request, authorization, dpop) in &views {
            let certificate = request.certificate.as_ref().map(|certificate| certificate.form(&certificate.values[0]));
            let request = Request { method: &request.method, url: &request.url, authorization, dpop, certificate };
            _ = server.dpop_nonce(*now);
            verdict = server
                .accept(&request, *now, &mut store, scratch)
                .map(drop)
                .map_err(|refusal| server.www_authenticate(&refusal, &mut [0; 1024]).map_or_else(|error| error, |_| refusal.error()));
        }
        verdict
    })
}
