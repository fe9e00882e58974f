//! Mints requests for an authorization server, each with an assertion and perhaps a proof of its own: `requests keys FOLDER` makes the clients,
//! `requests mint FOLDER WORK COUNT FILE HOST` the requests of one work (`par`, `par-dpop`, `token`) as they go over the wire, each behind a line
//! with its length.
//!
//! Proofs are of now and so must be used within a minute.

use core::sync::atomic::{AtomicU64, Ordering};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use counterfoil::wire::base64url;

/// The issuer of both servers: they stand behind a proxy, as far as they know.
const ISSUER: &str = "https://as.example";
/// How many clients there are, each with a key for assertions and one for proofs.
const CLIENTS: usize = 16;

type Failure = Box<dyn core::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["keys", folder] => make_clients(Path::new(folder)),
        ["mint", folder, work, count, file, host] => mint(Path::new(folder), work, count, Path::new(file), host),
        _ => Err("usage: requests keys FOLDER | requests mint FOLDER WORK COUNT FILE HOST".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("requests: {error}");
            ExitCode::FAILURE
        }
    }
}

fn client_id(number: usize) -> String {
    format!("client-{number}")
}

/// Keys, and the clients' metadata in the words of RFC 7591.
fn make_clients(folder: &Path) -> Result<(), Failure> {
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        for kind in ["assertion", "proof"] {
            let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?;
            std::fs::write(folder.join(format!("{kind}-{number}.der")), key.as_ref())?;
        }
        let key = Key::read(folder, "assertion", number)?;
        clients.push(format!(
            r#"{{"client_id":"{id}","redirect_uris":["https://{id}.example/cb"],"response_types":["code"],"#,
            id = client_id(number)
        ) + r#""grant_types":["authorization_code","refresh_token","client_credentials"],"token_endpoint_auth_method":"private_key_jwt","#
            + r#""token_endpoint_auth_signing_alg":"ES256","id_token_signed_response_alg":"ES256","dpop_bound_access_tokens":true,"#
            + &format!(
                r#""jwks":{{"keys":[{{{jwk},"kid":"{id}","alg":"ES256","use":"sig"}}]}}}}"#,
                jwk = key.members(),
                id = client_id(number)
            ));
    }
    std::fs::write(folder.join("clients.json"), format!("[{}]", clients.join(",\n")))?;
    Ok(())
}

struct Key {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Key {
    fn read(folder: &Path, kind: &str, number: usize) -> Result<Self, Failure> {
        let der = std::fs::read(folder.join(format!("{kind}-{number}.der")))?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der)?;
        Ok(Self { pair, random: SystemRandom::new() })
    }

    /// The public key's members of a JWK.
    fn members(&self) -> String {
        let point = self.pair.public_key().as_ref();
        let coordinate = |half: &[u8]| encoded(half);
        let (x, y) = (point.get(1..33).unwrap_or_default(), point.get(33..).unwrap_or_default());
        format!(r#""kty":"EC","crv":"P-256","x":"{}","y":"{}""#, coordinate(x), coordinate(y))
    }

    fn signed(&self, header: &str, claims: &str) -> Result<String, Failure> {
        let input = format!("{}.{}", encoded(header.as_bytes()), encoded(claims.as_bytes()));
        let signature = self.pair.sign(&self.random, input.as_bytes())?;
        Ok(format!("{input}.{}", encoded(signature.as_ref())))
    }
}

fn encoded(bytes: &[u8]) -> String {
    let mut out = vec![0; bytes.len().div_ceil(3) * 4];
    let written = base64url::encode(bytes, &mut out).map(str::to_owned);
    written.unwrap_or_default()
}

/// Different each time, also from one run to the next.
fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |now| now.as_nanos());
    format!("{now:x}-{:x}-{:x}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn mint(folder: &Path, work: &str, count: &str, file: &Path, host: &str) -> Result<(), Failure> {
    let count: usize = count.parse()?;
    let read = |kind| (0..CLIENTS).map(|number| Key::read(folder, kind, number)).collect::<Result<Vec<_>, _>>();
    let (assertions, proofs) = (read("assertion")?, read("proof")?);
    let now = SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
    let mut out = BufWriter::with_capacity(1 << 20, std::fs::File::create(file)?);
    let pairs = assertions.iter().zip(&proofs).enumerate().cycle().take(count);
    for (number, (assertion_key, proof_key)) in pairs {
        let id = client_id(number);
        let claims = format!(r#"{{"iss":"{id}","sub":"{id}","aud":"{ISSUER}","jti":"{}","iat":{now},"exp":{}}}"#, unique(), now + 600);
        let assertion = assertion_key.signed(&format!(r#"{{"alg":"ES256","kid":"{id}"}}"#), &claims)?;
        let path = if work == "token" { "/token" } else { "/par" };
        let parameters = if work == "token" {
            "grant_type=client_credentials&scope=accounts".to_owned()
        } else {
            format!(
                "response_type=code&redirect_uri=https%3A%2F%2F{id}.example%2Fcb&scope=openid+accounts&state={}&nonce={}\
                 &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
                unique(),
                unique()
            )
        };
        let assertion_type = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        let body = format!("client_id={id}&{parameters}&client_assertion_type={assertion_type}&client_assertion={assertion}");
        let proof = if work == "par" {
            String::new()
        } else {
            let header = format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{{{}}}}}"#, proof_key.members());
            let claims = format!(r#"{{"jti":"{}","htm":"POST","htu":"{ISSUER}{path}","iat":{now}}}"#, unique());
            format!("DPoP: {}\r\n", proof_key.signed(&header, &claims)?)
        };
        // What their proxy would say; one of them reads it.
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: as.example\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n{proof}\r\n{body}",
            body.len()
        );
        write!(out, "{}\n{request}", request.len())?;
    }
    out.flush()?;
    Ok(())
}
