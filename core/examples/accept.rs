//! Judges one access token from the command line.
//!
//! ```text
//! cargo run --example accept -- --jwks FILE --issuer URL --audience URL
//!     [--certificate FILE] [--dpop PROOF --method METHOD --url URL]
//!     [--algorithms ES256,PS256,EdDSA,Ed25519] [--type at+jwt] [--require sub,client_id,iat,jti]
//!     [--binding required|mtls|dpop|optional] [--scope "a b"] [--leeway SECONDS] [--now SECONDS] [TOKEN | -]
//! ```
//!
//! Prints the claims and exits with 0 when the token is accepted; prints the refusal to standard error and exits with 1 when it is
//! refused, and with 2 when the call is wrong. `-`, or no token, reads it from standard input.

#![expect(clippy::print_stdout, reason = "a command line program")]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use counterfoil::crypto::{ED25519, EDDSA, ES256, PS256, RS256};
use counterfoil::jose::algorithm::Algorithm;
use counterfoil::jose::header::TokenType;
use counterfoil::jose::keys::KeySet;
use counterfoil::oauth::certificate::ClientCertificate;
use counterfoil::oauth::confirmation::{Binding, Presenter};
use counterfoil::oauth::dpop::{ProofRules, ProofTarget};
use counterfoil::oauth::replay::{ReplayEntry, ReplayTable};
use counterfoil::oauth::verifier::{Demands, Profile, Verifier};
use counterfoil::wire::siphash::HashKey;
use counterfoil::{Error, Seconds, UnixTime};

/// Why the program could not say yes.
enum No {
    /// The token, proof or certificate was judged and refused.
    Refused(Error),
    /// The call is wrong.
    Usage(String),
}

const OPTIONS: [&str; 15] = [
    "jwks",
    "issuer",
    "audience",
    "certificate",
    "dpop",
    "method",
    "url",
    "algorithms",
    "type",
    "require",
    "binding",
    "scope",
    "leeway",
    "now",
    "token",
];

fn main() -> ExitCode {
    match options(std::env::args().skip(1)).and_then(|options| accept(&options)) {
        Ok(claims) => {
            println!("{claims}");
            ExitCode::SUCCESS
        }
        Err(No::Refused(error)) => {
            eprintln!("refused: {error}");
            ExitCode::from(1)
        }
        Err(No::Usage(text)) => {
            eprintln!("accept: {text}\nusage: accept --jwks FILE --issuer URL --audience URL [--certificate FILE]");
            eprintln!("              [--dpop PROOF --method METHOD --url URL] [TOKEN | -]");
            eprintln!("options: {}", OPTIONS.map(|name| format!("--{name}")).join(" "));
            ExitCode::from(2)
        }
    }
}

type Options = BTreeMap<String, String>;

/// `--name value` or `--name=value`, each at most once, and at most one token.
fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, No> {
    let mut options = Options::new();
    while let Some(argument) = arguments.next() {
        let (name, value) = match argument.strip_prefix("--") {
            None => ("token".to_owned(), argument),
            Some(option) => match option.split_once('=') {
                Some((name, value)) => (name.to_owned(), value.to_owned()),
                None => {
                    let value = arguments.next().ok_or_else(|| No::Usage(format!("--{option} needs a value")))?;
                    (option.to_owned(), value)
                }
            },
        };
        if !OPTIONS.contains(&name.as_str()) {
            return Err(No::Usage(format!("there is no option --{name}")));
        }
        if options.insert(name.clone(), value).is_some() {
            return Err(No::Usage(format!("{name} is given twice")));
        }
    }
    Ok(options)
}

fn accept(options: &Options) -> Result<String, No> {
    let algorithms = algorithms(options)?;
    let jwks = read(required(options, "jwks")?)?;
    let keys = KeySet::<64>::parse(&jwks, &algorithms).map_err(|error| No::Usage(format!("--jwks: {error}")))?;
    for refused in keys.refused() {
        eprintln!("note: key {} of the set is not used: {}", refused.index, refused.error);
    }
    let words = |name: &str, separator: char| -> Vec<&str> {
        options.get(name).map_or_else(Vec::new, |text| text.split(separator).filter(|word| !word.is_empty()).collect())
    };
    let scopes = words("scope", ' ');
    let required_claims = words("require", ',');
    let types = [options.get("type").map_or(TokenType::Named("at+jwt"), |typ| TokenType::Named(typ))];
    let profile = if options.contains_key("type") || options.contains_key("require") {
        Profile::listed(&types, &required_claims)
    } else {
        Profile::RFC_9068
    };
    let verifier = Verifier::new(required(options, "issuer")?, required(options, "audience")?, &algorithms, keys.keys())
        .map_err(|error| No::Usage(error.to_string()))?
        .with_profile(profile)
        .with_binding(binding(options)?)
        .with_leeway(Seconds(number(options, "leeway")?.unwrap_or(10)))
        .demanding(Demands { scopes: &scopes, ..Demands::default() });
    let now = match number(options, "now")? {
        Some(now) => UnixTime(now),
        None => UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())),
    };
    let token = token(options)?;
    let mut scratch = vec![0; 64 * 1024];
    let mut proof_scratch = vec![0; 64 * 1024];
    let proof = match options.get("dpop") {
        Some(proof) => {
            let target =
                ProofTarget { method: required(options, "method")?, url: required(options, "url")?, token: Some(token.as_bytes()) };
            let mut memory = [ReplayEntry::EMPTY; 16];
            let mut store = ReplayTable::new(&mut memory, HashKey::new([0; 16])).map_err(No::Refused)?;
            let rules = ProofRules::new(&algorithms).map_err(No::Refused)?;
            Some(rules.accept(proof.as_bytes(), &target, now, &mut store, &mut proof_scratch).map_err(No::Refused)?)
        }
        None => None,
    };
    let presenter = match (&proof, options.get("certificate")) {
        (Some(_), Some(_)) => return Err(No::Usage("--certificate and --dpop exclude each other".to_owned())),
        (Some(proof), None) => Presenter::Dpop(proof),
        (None, Some(file)) => Presenter::Certificate(thumbprint(&read(file)?).map_err(No::Refused)?),
        (None, None) => Presenter::Bearer,
    };
    let token = verifier.accept(token.as_bytes(), presenter, now, &mut scratch).map_err(No::Refused)?;
    Ok(token.payload().to_owned())
}

fn required<'o>(options: &'o Options, name: &str) -> Result<&'o str, No> {
    options.get(name).map(String::as_str).ok_or_else(|| No::Usage(format!("--{name} is missing")))
}

fn number(options: &Options, name: &str) -> Result<Option<u64>, No> {
    let parse = |text: &String| text.parse().map_err(|_| No::Usage(format!("--{name}: {text:?} is no number of seconds")));
    options.get(name).map(parse).transpose()
}

fn read(file: &str) -> Result<Vec<u8>, No> {
    std::fs::read(file).map_err(|error| No::Usage(format!("{file}: {error}")))
}

fn token(options: &Options) -> Result<String, No> {
    match options.get("token").map(String::as_str) {
        Some("-") | None => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(|error| No::Usage(format!("standard input: {error}")))?;
            Ok(text.trim_end().to_owned())
        }
        Some(token) => Ok(token.to_owned()),
    }
}

fn algorithms(options: &Options) -> Result<Vec<&'static dyn Algorithm>, No> {
    let names = options.get("algorithms").map_or("ES256,PS256,EdDSA,Ed25519", String::as_str);
    let named = |name: &str| -> Result<&'static dyn Algorithm, No> {
        Ok(match name {
            "ES256" => &ES256,
            "PS256" => &PS256,
            "RS256" => &RS256,
            "EdDSA" => &EDDSA,
            "Ed25519" => &ED25519,
            other => return Err(No::Usage(format!("--algorithms: {other:?} is none of ES256, PS256, RS256, EdDSA, Ed25519"))),
        })
    };
    names.split(',').map(named).collect()
}

fn binding(options: &Options) -> Result<Binding, No> {
    match options.get("binding").map(String::as_str) {
        None | Some("required") => Ok(Binding::Required),
        Some("mtls") => Ok(Binding::Mtls),
        Some("dpop") => Ok(Binding::Dpop),
        Some("optional") => Ok(Binding::Optional),
        Some(other) => Err(No::Usage(format!("--binding: {other:?} is none of required, mtls, dpop, optional"))),
    }
}

/// The file may be PEM or DER.
fn thumbprint(certificate: &[u8]) -> Result<counterfoil::jose::thumbprint::Thumbprint, Error> {
    let mut scratch = vec![0; certificate.len()];
    if certificate.starts_with(b"-----BEGIN") {
        ClientCertificate::Pem(certificate).thumbprint(&mut scratch)
    } else {
        ClientCertificate::Der(certificate).thumbprint(&mut [])
    }
}
