//! Every case of `core/vectors/*.json` that a gateway has an entry point for, beside the engine's own run of it: one verdict, one code, one
//! challenge.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use counterfoil::jose::algorithm::Algorithm;
use counterfoil::jose::policy::Limits;
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::access_token::AccessToken;
use counterfoil::oauth::confirmation::{Binding, Presenter};
use counterfoil::oauth::dpop::ProofTarget;
use counterfoil::oauth::nonce::NonceKey;
use counterfoil::oauth::request::Request;
use counterfoil::oauth::split_token::CounterfoilKey;
use counterfoil::{Error, Seconds, UnixTime};
use counterfoil_gateway::{ConfigError, CounterfoilStore, Gateway, Issuer, KeySource, Lookup, Scratch};
use serde_json::{Map, Value, json};

use crate::vector::{self, Outcome, Vectors, algorithms, bytes, claims_of, form_of, from_hex, output, text};

type Policy = Map<String, Value>;

#[test]
fn every_vector_has_its_verdict_through_the_gateway() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/vectors");
    let mut ran: BTreeMap<&str, usize> = BTreeMap::new();
    let mut earlier = 0;
    let mut failures = Vec::new();
    for file in vector::files(&folder) {
        let vectors = Vectors::read(&file);
        for case in vectors.cases() {
            let own = vectors.run(case);
            let kind = ["access_token", "split_token", "dpop", "request"].into_iter().find(|kind| case["kind"] == **kind);
            let Some(kind) = kind else { continue };
            *ran.entry(kind).or_default() += 1;
            for (issuers, rsa) in VARIANTS {
                let outcome = run(&vectors, case, kind, (issuers, rsa));
                let is_same = outcome.verdict == own.verdict && outcome.output == own.output;
                // Among several issuers the token's own is found before its type, algorithm and key are judged.
                if issuers == 2
                    && !is_same
                    && matches!(outcome.verdict, "issuer_mismatch" | "issuer_missing" | "claim_malformed" | "json_malformed")
                {
                    earlier += 1;
                } else if !is_same {
                    let (got, wanted) = ((outcome.verdict, &outcome.output), (own.verdict, &own.output));
                    failures.push(format!("{} among {issuers}, {rsa:?}: {got:?} instead of {wanted:?}", case["id"]));
                }
            }
        }
    }
    println!("{ran:?}, {earlier} refused for their issuer first");
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    assert!(ran["access_token"] > 500 && ran["request"] > 80 && ran["dpop"] > 150 && ran["split_token"] > 20, "{ran:?}");
    assert!(earlier < 30, "{earlier} refused for their issuer first");
}

/// Whose RSA judges.
#[derive(Clone, Copy, Debug)]
enum RsaOf {
    Engine,
    #[cfg(feature = "aws-lc-rs")]
    AwsLc,
}

#[cfg(not(feature = "aws-lc-rs"))]
const VARIANTS: [(usize, RsaOf); 2] = [(1, RsaOf::Engine), (2, RsaOf::Engine)];
#[cfg(feature = "aws-lc-rs")]
const VARIANTS: [(usize, RsaOf); 3] = [(1, RsaOf::Engine), (2, RsaOf::Engine), (1, RsaOf::AwsLc)];

fn algorithms_of(policy: &Policy, rsa: RsaOf) -> Vec<&'static dyn Algorithm> {
    let own = algorithms(policy);
    match rsa {
        RsaOf::Engine => own,
        #[cfg(feature = "aws-lc-rs")]
        RsaOf::AwsLc => {
            let replaced = |algorithm: &'static dyn Algorithm| -> &'static dyn Algorithm {
                match algorithm.name() {
                    "PS256" => &counterfoil_gateway::aws_lc::PS256,
                    "RS256" => &counterfoil_gateway::aws_lc::RS256,
                    _ => algorithm,
                }
            };
            own.into_iter().map(replaced).collect()
        }
    }
}

fn run(vectors: &Vectors, case: &Value, kind: &str, variant: (usize, RsaOf)) -> Outcome {
    let policy = vectors.policy(case);
    let input = &case["input"];
    let now = UnixTime(case["now"].as_u64().expect("now"));
    let (gateway, store) = match gateway(vectors, &policy, kind, variant) {
        Ok(gateway) => gateway,
        Err(error) => return Err(error.error()).into(),
    };
    let mut scratch = Scratch::new();
    match kind {
        "request" => {
            for earlier in input["before"].as_array().into_iter().flatten() {
                let verdict = judge_request(&gateway, earlier, UnixTime(earlier["now"].as_u64().expect("now")), &mut scratch);
                assert_eq!(verdict.verdict, earlier["expect"].as_str().expect("expect"), "an earlier request");
            }
            judge_request(&gateway, input, now, &mut scratch)
        }
        "dpop" => {
            let mut judge = |input: &Value, now: UnixTime| {
                let token = (!input["token"].is_null()).then(|| bytes(&input["token"]));
                let target = ProofTarget { method: word(input, "method"), url: word(input, "url"), token: token.as_deref() };
                gateway.accept_proof(&bytes(&input["proof"]), &target, now, &mut scratch)
            };
            for earlier in input["before"].as_array().into_iter().flatten() {
                let verdict = judge(earlier, UnixTime(earlier["now"].as_u64().expect("now"))).map_or_else(Error::slug, |_| "ok");
                assert_eq!(verdict, earlier["expect"].as_str().expect("expect"), "an earlier proof");
            }
            judge(input, now).map(|proof| output([("thumbprint", json!(proof.thumbprint().to_string()))])).into()
        }
        "split_token" => {
            let ticket = bytes(&input["ticket"]);
            *store.0.lock().expect("a lock") = Some(bytes(&input["counterfoil"]));
            let judged = accept(&gateway, &input["presenter"], &ticket, now, &mut scratch);
            judged
                .map(|mut claims| {
                    let joined = [bytes(&input["counterfoil"]), ticket].join(&b'.');
                    claims.extend(output([("joined", json!(String::from_utf8(joined).expect("text")))]));
                    claims
                })
                .into()
        }
        _ => {
            let token = bytes(&input["token"]);
            let fresh = accept(&gateway, &input["presenter"], &token, now, &mut scratch);
            let other = self::gateway(vectors, &policy, kind, variant).expect("once more").0;
            let batched = accept_batch(&other, &input["presenter"], &token, now, &mut scratch);
            assert_eq!(batched, fresh, "the batch disagrees on {}", case["id"]);
            if !matches!(&input["presenter"], Value::Object(presenter) if presenter.contains_key("dpop")) {
                let again = accept(&gateway, &input["presenter"], &token, now, &mut scratch);
                assert_eq!(again, fresh, "the memory disagrees on {}", case["id"]);
            }
            fresh.into()
        }
    }
}

fn word<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}"))
}

/// A store that has one answer for every ticket.
struct OneCounterfoil(std::sync::Mutex<Option<Vec<u8>>>);

impl CounterfoilStore for OneCounterfoil {
    fn find(&self, _: &CounterfoilKey) -> Result<Lookup, Error> {
        Ok(self.0.lock().expect("a lock").clone().map_or(Lookup::Unknown, Lookup::Found))
    }
}

fn gateway(
    vectors: &Vectors,
    policy: &Policy,
    kind: &str,
    (issuers, rsa): (usize, RsaOf),
) -> Result<(Gateway, Arc<OneCounterfoil>), ConfigError> {
    let number = |name: &str| policy.get(name).and_then(Value::as_u64);
    let algorithms = algorithms_of(policy, rsa);
    let issuer = match kind {
        // Proofs are judged without any token.
        "dpop" => Issuer::new("https://as.example", "https://api.example", KeySource::Host)?,
        _ => issuer(vectors, policy, &algorithms)?,
    };
    let store = Arc::new(OneCounterfoil(std::sync::Mutex::default()));
    let mut builder = Gateway::builder()
        .issuer(issuer)
        .proof_algorithms(&algorithms)
        .proof_window(Seconds(number("past").unwrap_or(300)), Seconds(number("ahead").unwrap_or(10)))
        .replay_capacity(usize::try_from(number("store_capacity").unwrap_or(64)).expect("a size"))
        .token_cache(8)
        .key_tables(8);
    if kind == "split_token" {
        builder = builder.counterfoils(store.clone(), Seconds(0)).only_references();
    }
    if issuers == 2 {
        let other = Issuer::new("https://other.example", "https://other.example", KeySource::Host)?;
        builder = builder.issuer(other.with_binding(binding(policy)));
    }
    if let Some(realm) = policy.get("realm").and_then(Value::as_str) {
        builder = builder.realm(realm);
    }
    if let Some(nonce) = policy.get("nonce").filter(|nonce| !nonce.is_null()) {
        let step = Seconds(nonce["step"].as_u64().expect("a step"));
        builder = builder.nonce_key(NonceKey::new(&from_hex(word(nonce, "secret_hex")), step)?);
    }
    Ok((builder.build()?, store))
}

fn issuer(vectors: &Vectors, policy: &Policy, algorithms: &[&'static dyn Algorithm]) -> Result<Issuer, Error> {
    let number = |name: &str| policy.get(name).and_then(Value::as_u64);
    let texts =
        |value: &Value| -> Vec<String> { value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect() };
    let audiences = if policy["audience"].is_array() { texts(&policy["audience"]) } else { vec![text(policy, "audience").to_owned()] };
    let keys = KeySource::Text(vectors.jwks(policy));
    let size = |name: &str, default: usize| number(name).map_or(default, |size| usize::try_from(size).expect("a size"));
    let limits = Limits::new(size("max_token_bytes", Limits::DEFAULT.token()), size("max_header_bytes", Limits::DEFAULT.header()))?;
    let mut issuer = Issuer::new(text(policy, "issuer"), &*audiences[0], keys)?
        .with_algorithms(algorithms)?
        .with_binding(binding(policy))
        .with_leeway(Seconds(number("leeway").unwrap_or(10)))
        .with_limits(limits)
        .with_key_memory(8192)
        .demanding_scopes(policy.get("scopes").map_or_else(Vec::new, texts))?
        .demanding_authentication(policy.get("acr_values").map_or_else(Vec::new, texts), number("max_age").map(Seconds))?;
    for audience in &audiences[1..] {
        issuer = issuer.also_for(&**audience)?;
    }
    if let Some(profile) = policy.get("profile").filter(|profile| profile.is_object()) {
        let types = profile["types"].as_array().into_iter().flatten().map(|typ| typ.as_str().map(str::to_owned));
        issuer = issuer.with_profile(types, texts(&profile["required"]))?;
    }
    Ok(issuer)
}

fn binding(policy: &Policy) -> Binding {
    match policy.get("binding").and_then(Value::as_str) {
        None | Some("required") => Binding::Required,
        Some("mtls") => Binding::Mtls,
        Some("dpop") => Binding::Dpop,
        Some("optional") => Binding::Optional,
        Some(other) => panic!("unknown binding {other}"),
    }
}

type Judgement = Result<Policy, Error>;

fn accept(gateway: &Gateway, presenter: &Value, token: &[u8], now: UnixTime, scratch: &mut Scratch) -> Judgement {
    with_presenter(gateway, presenter, token, now, |presenter| {
        gateway.accept(token, presenter, now, scratch).map(|token| claims_of(&token))
    })
}

/// Among others, and more than are judged together.
fn accept_batch(gateway: &Gateway, presenter: &Value, token: &[u8], now: UnixTime, scratch: &mut Scratch) -> Judgement {
    with_presenter(gateway, presenter, token, now, |presenter| {
        let mut tokens = vec![(b"".as_slice(), Presenter::Bearer); 12];
        tokens[1] = (token, presenter);
        tokens[11] = (token, presenter);
        let verdicts = gateway.accept_batch(&tokens, now, scratch);
        assert!(verdicts[0].is_err() && verdicts[10].is_err(), "nothing is no token");
        let claims = |verdict: &Result<AccessToken<'_>, Error>| verdict.as_ref().map(claims_of).map_err(|error| *error);
        assert_eq!(claims(&verdicts[1]), claims(&verdicts[11]));
        claims(&verdicts[1])
    })
}

fn with_presenter(
    gateway: &Gateway,
    presenter: &Value,
    token: &[u8],
    now: UnixTime,
    judge: impl FnOnce(Presenter<'_>) -> Judgement,
) -> Judgement {
    if presenter == "bearer" {
        return judge(Presenter::Bearer);
    }
    if let Some(certificate) = presenter.get("certificate") {
        return judge(Presenter::Certificate(vector::certificate(certificate)?));
    }
    if let Some(thumbprint) = presenter.get("thumbprint") {
        return judge(Presenter::Certificate(Thumbprint::parse(&bytes(thumbprint))?));
    }
    let dpop = presenter.get("dpop").expect("a presenter");
    let target = ProofTarget { method: word(dpop, "method"), url: word(dpop, "url"), token: Some(token) };
    let proof = gateway.accept_proof(&bytes(&dpop["proof"]), &target, now, &mut Scratch::new())?;
    judge(Presenter::Dpop(&proof))
}

fn judge_request(gateway: &Gateway, input: &Value, now: UnixTime, scratch: &mut Scratch) -> Outcome {
    let values = |name: &str| input[name].as_array().into_iter().flatten().map(bytes).collect::<Vec<_>>();
    let (authorization, dpop) = (values("authorization"), values("dpop"));
    let (authorization, dpop): (Vec<&[u8]>, Vec<&[u8]>) =
        (authorization.iter().map(Vec::as_slice).collect(), dpop.iter().map(Vec::as_slice).collect());
    let certificate = input.get("certificate").filter(|value| !value.is_null());
    let held = certificate.map(|certificate| certificate["values"].as_array().expect("values").iter().map(bytes).collect::<Vec<_>>());
    let certificate = certificate.zip(held.as_ref()).map(|(certificate, values)| form_of(certificate, &values[0]));
    let request =
        Request { method: word(input, "method"), url: word(input, "url"), authorization: &authorization, dpop: &dpop, certificate };
    let nonce = json!(gateway.dpop_nonce(now).is_some());
    match gateway.accept_request(&request, now, scratch) {
        Ok(token) => {
            let mut claims = claims_of(&token);
            claims.extend(output([("status", json!(200)), ("dpop_nonce", nonce)]));
            Outcome { verdict: "ok", output: claims }
        }
        Err(refused) => {
            let challenge = json!(refused.www_authenticate());
            assert_eq!(nonce, json!(refused.dpop_nonce().is_some()));
            let answer = [("status", json!(refused.status())), ("www_authenticate", challenge), ("dpop_nonce", nonce)];
            Outcome { verdict: refused.error().slug(), output: output(answer) }
        }
    }
}
