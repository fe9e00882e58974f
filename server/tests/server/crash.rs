//! kill -9 during traffic (F-01): what the server acknowledged is there when it is up again, and nothing single-use is accepted twice.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

use counterfoil_server::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::world::{Key, VERIFIER, encode, escaped, keys_folder, proof_by, unique};

const ISSUER: &str = "https://as.example";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a client was told.
enum Acknowledged {
    Pushed { assertion: String, request_uri: String },
    Issued { assertion: String, proof: String, token: String, is_to_be_revoked: bool },
    Revoked { token: String },
}

struct Client {
    key: Key,
    proof_key: Key,
}

impl Client {
    fn assertion(&self) -> String {
        let now = SystemClock.now().0;
        let claims = json!({ "iss": "app", "sub": "app", "aud": ISSUER, "jti": unique(), "exp": now + 600 });
        self.key.sign(&json!({ "alg": "ES256", "kid": self.key.kid }), &claims)
    }

    fn proof(&self) -> String {
        let claims = json!({ "jti": unique(), "htm": "POST", "htu": format!("{ISSUER}/token"), "iat": SystemClock.now().0 });
        proof_by(&self.proof_key, &claims)
    }
}

fn start(folder: &Path, address: SocketAddr) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_counterfoil-server"))
        .args(["serve", "--config"])
        .arg(folder.join("counterfoil.toml"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10) && child.try_wait().unwrap().is_none(), "the server does not start");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

/// One request on a connection that stays; `None` when the server is gone.
fn ask(connection: &mut BufReader<TcpStream>, path: &str, proof: Option<&str>, form: &[(&str, &str)]) -> Option<(u16, String)> {
    let body: Vec<String> = form.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    let body = body.join("&");
    let proof = proof.map_or(String::new(), |proof| format!("dpop: {proof}\r\n"));
    let method = if form.is_empty() { "GET" } else { "POST" };
    let head = format!("{method} {path} HTTP/1.1\r\nhost: as.example\r\ncontent-type: application/x-www-form-urlencoded\r\n{proof}");
    let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    connection.get_mut().write_all(request.as_bytes()).ok()?;
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        if connection.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim().to_lowercase();
        if let Some(rest) = line.strip_prefix("http/1.1 ") {
            status = rest.split(' ').next()?.parse().ok()?;
        } else if let Some(rest) = line.strip_prefix("content-length: ") {
            length = rest.parse().ok()?;
        } else if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).ok()?;
    Some((status, String::from_utf8(body).ok()?))
}

fn push(connection: &mut BufReader<TcpStream>, assertion: &str) -> Option<(u16, String)> {
    let challenge = encode(&Sha256::digest(VERIFIER));
    let form = [
        ("response_type", "code"),
        ("redirect_uri", "https://app.example/cb"),
        ("scope", "openid"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion),
    ];
    ask(connection, "/par", None, &form)
}

fn issue(connection: &mut BufReader<TcpStream>, assertion: &str, proof: &str) -> Option<(u16, String)> {
    let form = [("grant_type", "client_credentials"), ("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion)];
    ask(connection, "/token", Some(proof), &form)
}

fn revoke(connection: &mut BufReader<TcpStream>, assertion: &str, token: &str) -> Option<(u16, String)> {
    ask(connection, "/revoke", None, &[("token", token), ("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion)])
}

/// Pushes requests, gets tokens and revokes every other one, until the server is gone.
fn traffic(address: SocketAddr, client: &Client, journal: &Sender<Acknowledged>) -> Option<()> {
    let mut connection = BufReader::new(TcpStream::connect(address).ok()?);
    for number in 0.. {
        let assertion = client.assertion();
        let (status, body) = push(&mut connection, &assertion)?;
        assert_eq!(status, 201, "{body}");
        let body: Value = serde_json::from_str(&body).ok()?;
        journal.send(Acknowledged::Pushed { assertion, request_uri: body["request_uri"].as_str()?.to_owned() }).ok()?;
        let is_to_be_revoked = number % 2 == 0;
        let (assertion, proof) = (client.assertion(), client.proof());
        let (status, body) = issue(&mut connection, &assertion, &proof)?;
        assert_eq!(status, 200, "{body}");
        let body: Value = serde_json::from_str(&body).ok()?;
        let token = body["access_token"].as_str()?.to_owned();
        journal.send(Acknowledged::Issued { assertion, proof, token: token.clone(), is_to_be_revoked }).ok()?;
        if is_to_be_revoked {
            let (status, body) = revoke(&mut connection, &client.assertion(), &token)?;
            assert_eq!(status, 200, "{body}");
            journal.send(Acknowledged::Revoked { token }).ok()?;
        }
    }
    None
}

fn configure() -> (PathBuf, SocketAddr, Client) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("crash-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Client { key: Key::new("app-key"), proof_key: Key::new("proof") };
    let keys = keys_folder().display();
    let jwk = client.key.registered();
    let text = format!(
        "issuer = \"{ISSUER}\"\n[listen]\naddress = \"{address}\"\n[keys]\nfolder = \"{keys}\"\nnonce_secret = \"{keys}/nonce.secret\"\n\
         [lifetimes]\nrequest_uri = 599\naccess_token = 599\n[store]\nsqlite = \"store.db\"\n\
         [[client]]\nclient_id = \"app\"\ntoken_endpoint_auth_method = \"private_key_jwt\"\nredirect_uris = [\"https://app.example/cb\"]\n\
         grant_types = [\"authorization_code\", \"client_credentials\"]\ndpop_bound_access_tokens = true\naccess_token_format = \"split\"\n\
         jwks = {{ keys = [{{ kty = \"EC\", crv = \"P-256\", x = {}, y = {}, kid = \"app-key\", alg = \"ES256\" }}] }}\n",
        jwk["x"], jwk["y"]
    );
    std::fs::write(folder.join("counterfoil.toml"), text).unwrap();
    (folder, address, client)
}

/// `COUNTERFOIL_KILLS=100` for a night's worth.
#[test]
fn f_01_nothing_acknowledged_is_lost_and_nothing_single_use_works_twice_when_the_server_is_killed() {
    let kills: u64 = std::env::var("COUNTERFOIL_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(10);
    let (folder, address, client) = configure();
    let mut acknowledged = 0;
    for kill in 0..kills {
        let mut server = start(&folder, address);
        let (journal, journaled) = channel();
        let told = std::thread::scope(|scope| {
            for _ in 0..4 {
                let journal = journal.clone();
                let client = &client;
                scope.spawn(move || traffic(address, client, &journal));
            }
            drop(journal);
            // Not always at the same point.
            let enough = 50 + usize::try_from(kill * 37 % 100).unwrap();
            let mut told: Vec<Acknowledged> =
                core::iter::from_fn(|| journaled.recv_timeout(Duration::from_secs(20)).ok()).take(enough).collect();
            assert_eq!(told.len(), enough, "the traffic has stopped");
            server.kill().unwrap();
            server.wait().unwrap();
            told.extend(journaled);
            told
        });
        acknowledged += told.len();

        let begun = Instant::now();
        let mut server = start(&folder, address);
        assert!(begun.elapsed() < Duration::from_secs(2), "up again after {:?}", begun.elapsed());
        let mut connection = BufReader::new(TcpStream::connect(address).unwrap());
        for one in told {
            match one {
                Acknowledged::Pushed { assertion, request_uri } => {
                    let (status, body) = push(&mut connection, &assertion).unwrap();
                    assert_eq!(status, 401, "an assertion was accepted twice: {body}");
                    let page = format!("/authorize?client_id=app&request_uri={}", escaped(&request_uri));
                    let (status, body) = ask(&mut connection, &page, None, &[]).unwrap();
                    assert_eq!(status, 200, "a pushed request is lost: {body}");
                }
                Acknowledged::Issued { assertion, proof, token, is_to_be_revoked } => {
                    let (status, _) = issue(&mut connection, &assertion, &client.proof()).unwrap();
                    assert_eq!(status, 401, "an assertion was accepted twice");
                    let (status, _) = issue(&mut connection, &client.assertion(), &proof).unwrap();
                    assert_eq!(status, 400, "a proof was accepted twice");
                    assert!(is_to_be_revoked || resource(address, &client, &token) == 200, "a counterfoil is lost");
                }
                Acknowledged::Revoked { token } => {
                    let status = resource(address, &client, &token);
                    assert_eq!(status, 401, "a revoked token is good again");
                }
            }
        }
        server.kill().unwrap();
        server.wait().unwrap();
    }
    eprintln!("{kills} kills, {acknowledged} acknowledged");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The status of `/resource` for a token and its holder.
fn resource(address: SocketAddr, client: &Client, token: &str) -> u16 {
    let ath = encode(&Sha256::digest(token));
    let claims = json!({ "jti": unique(), "htm": "GET", "htu": format!("{ISSUER}/resource"), "iat": SystemClock.now().0, "ath": ath });
    let proof = proof_by(&client.proof_key, &claims);
    let mut socket = TcpStream::connect(address).unwrap();
    let head =
        format!("GET /resource HTTP/1.1\r\nhost: as.example\r\nconnection: close\r\nauthorization: DPoP {token}\r\ndpop: {proof}\r\n\r\n");
    socket.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}
