//! The main job on real input: tokens and proofs that `jose` (npm) and `joserfc` (PyPI) made go in, decisions with stable codes come out.
//!
//! `cargo xtask demo`. The input is `core/vectors/jose.json` and `joserfc.json`; what is wrong in a row was made wrong here, in one thing.

#![expect(clippy::print_stdout, reason = "a command line program")]

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use counterfoil::crypto::FAPI;
use counterfoil::jose::keys::KeySet;
use counterfoil::oauth::certificate::ClientCertificate;
use counterfoil::oauth::dpop::ProofRules;
use counterfoil::oauth::replay::{ReplayEntry, ReplayTable};
use counterfoil::oauth::request::{Request, ResourceServer, TokenForm};
use counterfoil::oauth::split_token;
use counterfoil::oauth::verifier::{Demands, Verifier};
use counterfoil::wire::siphash::HashKey;
use counterfoil::{Error, UnixTime};
use serde_json::Value;

/// A token with what its holder shows, as another implementation made them.
#[derive(Clone)]
struct Real {
    maker: String,
    issuer: String,
    audience: String,
    jwks: String,
    now: u64,
    token: String,
    /// The PEM of the client's certificate.
    certificate: Option<String>,
    /// The proof, its method and its URL.
    proof: Option<(String, String, String)>,
}

/// One row of the table: a request in one line, and the verdict that it must get.
struct Row {
    what: &'static str,
    real: Real,
    scheme: &'static str,
    /// Whether only the signature segment is presented, and the rest looked up.
    is_split: bool,
    scopes: &'static [&'static str],
    times: usize,
    expect: Result<(), Error>,
}

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let all: Vec<Real> = ["jose", "joserfc"].iter().flat_map(|maker| read(&folder, maker)).collect();
    let find = |maker: &str, alg: &str, is_dpop: bool| {
        let fits = |real: &&Real| real.maker == maker && alg_of(&real.token) == alg && real.proof.is_some() == is_dpop;
        all.iter().find(fits).unwrap_or_else(|| panic!("no {alg} token of {maker}")).clone()
    };
    let (mtls, dpop) = (find("jose", "ES256", false), find("jose", "ES256", true));
    let others = [find("joserfc", "PS256", false), find("joserfc", "EdDSA", false), find("joserfc", "ES256", true)];
    println!("{:<46} {:<8} {:<6} {:<24} {:>5}  {:>9}  answer", "request", "maker", "alg", "decision", "code", "time");
    let mut good = true;
    for row in rows(&mtls, &dpop, others) {
        good &= judge(&row);
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn rows(mtls: &Real, dpop: &Real, [ps256, eddsa, other_dpop]: [Real; 3]) -> Vec<Row> {
    let row =
        |what, real: &Real, expect| Row { what, real: real.clone(), scheme: "Bearer", is_split: false, scopes: &[], times: 1, expect };
    let with_proof = |what, real: &Real, expect| Row { scheme: "DPoP", ..row(what, real, expect) };
    let changed = |real: &Real, change: &dyn Fn(&mut Real)| {
        let mut real = real.clone();
        change(&mut real);
        real
    };
    vec![
        row("mTLS-bound, by its holder", mtls, Ok(())),
        row("mTLS-bound, by its holder", &ps256, Ok(())),
        row("mTLS-bound, by its holder", &eddsa, Ok(())),
        row(
            "stolen: presented with another certificate",
            &changed(mtls, &|real| real.certificate = ps256.certificate.clone()),
            Err(Error::CertificateMismatch),
        ),
        row("stolen: presented without a certificate", &changed(mtls, &|real| real.certificate = None), Err(Error::CertificateMissing)),
        row("expired", &changed(mtls, &|real| real.now += 10_000_000), Err(Error::TokenExpired)),
        row("forged: one character of the signature", &changed(mtls, &|real| forge(&mut real.token)), Err(Error::SignatureInvalid)),
        row(
            "meant for another API",
            &changed(mtls, &|real| real.audience = "https://other.example".to_owned()),
            Err(Error::AudienceMismatch),
        ),
        row("alg none, signature cut off", &changed(mtls, &|real| unsign(&mut real.token)), Err(Error::AlgorithmRefused)),
        Row { scopes: &["payments:admin"], ..row("a scope that was not granted", mtls, Err(Error::ScopeInsufficient)) },
        Row { is_split: true, ..row("split token: ticket with its counterfoil", mtls, Ok(())) },
        row("a ticket without its counterfoil", &changed(mtls, &|real| real.token = ticket_of(&real.token)), Err(Error::TokenNotCompact)),
        with_proof("DPoP-bound, with its proof", dpop, Ok(())),
        with_proof("DPoP-bound, with its proof", &other_dpop, Ok(())),
        Row { times: 2, ..with_proof("the same proof again", dpop, Err(Error::ProofReplayed)) },
        row("DPoP-bound, presented as Bearer", dpop, Err(Error::ProofRequired)),
        with_proof(
            "a proof for another URL",
            &changed(dpop, &|real| real.proof.iter_mut().for_each(|(_, _, url)| url.push_str("/transactions"))),
            Err(Error::ProofUrl),
        ),
        with_proof("DPoP-bound, without a proof", &changed(dpop, &|real| real.proof = None), Err(Error::ProofMissing)),
        Row { scheme: "", ..row("no credential at all", mtls, Err(Error::CredentialMissing)) },
    ]
}

/// Judges one row, prints it, and says whether the verdict was the one that it must get.
fn judge(row: &Row) -> bool {
    let real = &row.real;
    let keys = KeySet::<16>::parse(real.jwks.as_bytes(), FAPI).expect("keys");
    let demands = Demands { scopes: row.scopes, ..Demands::default() };
    let verifier = Verifier::new(&real.issuer, &real.audience, FAPI, keys.keys()).expect("a verifier").demanding(demands);
    let server = ResourceServer::new(verifier, ProofRules::new(FAPI).expect("rules"));
    let mut memory = [ReplayEntry::EMPTY; 16];
    let mut store = ReplayTable::new(&mut memory, HashKey::new([1; 16])).expect("a store");
    let mut scratch = vec![0; 64 * 1024];

    let counterfoil = split_token::split(real.token.as_bytes()).ok().map(|(counterfoil, _)| counterfoil);
    let presented = if row.is_split { ticket_of(&real.token) } else { real.token.clone() };
    let authorization = format!("{} {presented}", row.scheme);
    let values = [authorization.as_bytes()];
    let (proof, method, url) =
        real.proof.clone().unwrap_or_else(|| (String::new(), "GET".to_owned(), "https://api.example/accounts".to_owned()));
    let proofs = [proof.as_bytes()];
    let request = Request {
        method: &method,
        url: &url,
        authorization: if row.scheme.is_empty() { &[] } else { &values },
        dpop: if proof.is_empty() { &[] } else { &proofs },
        certificate: real.certificate.as_ref().map(|pem| ClientCertificate::Pem(pem.as_bytes())),
    };
    let form = counterfoil.filter(|_| row.is_split).map_or(TokenForm::Whole, TokenForm::Split);
    let mut verdict = Ok(());
    let mut answer = String::new();
    let mut micros = 0.0;
    for _ in 0..row.times {
        let start = Instant::now();
        let decision = server
            .credential(&request)
            .and_then(|credential| server.accept_as(form, &credential, &request, UnixTime(real.now), &mut store, &mut scratch));
        micros = start.elapsed().as_secs_f64() * 1e6;
        (verdict, answer) = match decision {
            Ok(token) => (Ok(()), format!("200, for {}", token.subject().map_or_else(String::new, |subject| subject.to_string()))),
            Err(refusal) => {
                let mut text = [0; 512];
                let challenge = server.www_authenticate(&refusal, &mut text).expect("room").unwrap_or_default();
                (Err(refusal.error()), format!("{} {challenge}", refusal.http().status))
            }
        };
    }
    let (decision, code) = verdict.map_or_else(|error| (error.slug(), error.code().to_string()), |()| ("accepted", String::new()));
    let alg = alg_of(&real.token);
    println!("{:<46} {:<8} {:<6} {:<24} {:>5}  {:>6.1} µs  {answer}", row.what, real.maker, alg, decision, code, micros);
    let as_expected = verdict == row.expect;
    if !as_expected {
        println!("   UNEXPECTED: should be {:?}", row.expect);
    }
    as_expected
}

/// The bound tokens of a vector file that must be accepted.
fn read(folder: &Path, maker: &str) -> Vec<Real> {
    let file = folder.join(maker).with_extension("json");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let real = |case: &Value| {
        let policy = &case["policy"];
        let policy = &document["policies"][policy.as_str().or(policy["base"].as_str())?];
        let input = &case["input"];
        let presenter = &input["presenter"];
        let certificate = &presenter["certificate"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let dpop = &presenter["dpop"];
        let bound = case["kind"] == "access_token" && case["expect"] == "ok" && policy["profile"].is_null();
        let certificate = if certificate["form"] == "pem" { text(&certificate["values"][0]) } else { None };
        let proof = text(&dpop["proof"]).and_then(|proof| Some((proof, text(&dpop["method"])?, text(&dpop["url"])?)));
        (bound && (certificate.is_some() || proof.is_some())).then_some(())?;
        Some(Real {
            maker: maker.to_owned(),
            issuer: text(&policy["issuer"])?,
            audience: text(&policy["audience"])?,
            jwks: document["jwks"][policy["jwks"].as_str()?].to_string(),
            now: case["now"].as_u64()?,
            token: text(&input["token"])?,
            certificate,
            proof,
        })
    };
    document["cases"].as_array().expect("cases").iter().filter_map(real).collect()
}

fn ticket_of(token: &str) -> String {
    token.rsplit('.').next().unwrap_or_default().to_owned()
}

fn forge(token: &mut String) {
    let at = token.len() - 40;
    let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
    token.replace_range(at..=at, other);
}

fn unsign(token: &mut String) {
    let payload = token.split('.').nth(1).unwrap_or_default().to_owned();
    // {"alg":"none","typ":"at+jwt"}
    *token = format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{payload}.");
}

/// The `alg` of a token's header, read loosely, for the table only.
fn alg_of(token: &str) -> String {
    let mut out = vec![0; token.len()];
    let header = token.split('.').next().unwrap_or_default();
    let Ok((header, _)) = counterfoil::wire::base64url::decode(header.as_bytes(), &mut out) else { return String::new() };
    serde_json::from_slice::<Value>(header).ok().and_then(|header| header["alg"].as_str().map(str::to_owned)).unwrap_or_default()
}
