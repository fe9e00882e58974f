//! A real Redis or Valkey of this test's own: replay across gateways, counterfoils, revocation, and its end.

use core::time::Duration;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use counterfoil::Seconds;
use counterfoil::oauth::split_token::KeyEncoding;
use counterfoil_gateway::redis::RedisStore;
use counterfoil_gateway::{Gateway, KeySource};
use serde_json::json;

use crate::files::Folder;
use crate::setup::{URL, answer, eventually, issuer, verdict};
use crate::split_tokens::{halves, key_of};
use crate::tokens::{Key, jwks};

struct RedisServer {
    process: Option<Child>,
    folder: Folder,
}

impl RedisServer {
    /// `None` where no such program is installed.
    fn start(name: &str) -> Option<Self> {
        let program = ["valkey-server", "redis-server"]
            .into_iter()
            .find(|program| Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok());
        let Some(program) = program else {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "neither valkey-server nor redis-server is installed");
            println!("SKIP {name}: neither valkey-server nor redis-server is installed");
            return None;
        };
        let mut server = Self { process: None, folder: Folder::new(name) };
        server.run(program);
        Some(server)
    }

    fn run(&mut self, program: &str) {
        let socket = self.socket();
        let process = Command::new(program)
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket", &socket])
            .current_dir(&self.folder.0)
            .stdout(Stdio::null())
            .spawn();
        self.process = Some(process.expect("a process"));
        eventually("the server listens", || std::os::unix::net::UnixStream::connect(&socket).is_ok());
    }

    fn socket(&self) -> String {
        self.folder.0.join("redis.sock").to_str().expect("UTF-8").to_owned()
    }

    fn store(&self) -> Arc<RedisStore> {
        let store = RedisStore::new(&format!("redis+unix://{}", self.socket())).expect("a URL");
        Arc::new(store.with_timeout(Duration::from_secs(2)))
    }

    fn query<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let client = redis::Client::open(format!("redis+unix://{}", self.socket())).expect("a URL");
        let mut command = redis::cmd(words[0]);
        words[1..].iter().for_each(|word| {
            command.arg(word);
        });
        command.query(&mut client.get_connection().expect("a connection")).expect("an answer")
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("its own process");
            process.wait().expect("its own process");
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn gateway(store: Arc<RedisStore>, fresh: u64) -> Gateway {
    let keys = KeySource::Text(jwks(&[&Key::new(1)]).into_bytes());
    Gateway::builder().issuer(issuer(keys)).replay_store(store.clone()).counterfoils(store, Seconds(fresh)).build().expect("a gateway")
}

#[test]
fn of_64_requests_with_one_proof_at_two_gateways_one_is_accepted() {
    let Some(mut server) = RedisServer::start("redis-replay") else { return };
    let gateways = [gateway(server.store(), 0), gateway(server.store(), 0)];
    let holder = Key::new(7);
    let token = Key::new(1).token(&json!({"cnf": {"jkt": holder.thumbprint()}}));
    let dpop = format!("DPoP {token}");
    for round in 0..10 {
        let proof = holder.proof(URL, &token, &round.to_string());
        let answers: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..64)
                .map(|number| {
                    scope.spawn({
                        let (gateway, dpop, proof) = (&gateways[number % 2], &dpop, &proof);
                        move || answer(gateway, dpop, Some(proof))
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        assert_eq!(answers.iter().filter(|answer| **answer == (200, "ok")).count(), 1, "round {round}: {answers:?}");
        assert_eq!(answers.iter().filter(|answer| **answer == (401, "proof_replayed")).count(), 63, "round {round}: {answers:?}");
    }
    let keys: Vec<String> = server.query(&["KEYS", "counterfoil:dpop:*"]);
    assert_eq!(keys.len(), 10);
    let left: u64 = server.query(&["TTL", &keys[0]]);
    assert!((295..=302).contains(&left), "{left} seconds left of 300 and 2");

    server.stop();
    assert_eq!(answer(&gateways[0], &dpop, Some(&holder.proof(URL, &token, "after"))), (503, "lookup_unavailable"));
    server.run("redis-server");
    assert_eq!(answer(&gateways[0], &dpop, Some(&holder.proof(URL, &token, "after"))), (200, "ok"), "nothing was burnt by the outage");
    assert_eq!(answer(&gateways[1], &dpop, Some(&holder.proof(URL, &token, "after"))), (401, "proof_replayed"));
}

#[test]
fn counterfoils_are_found_revoked_and_missed_in_redis() {
    let Some(mut server) = RedisServer::start("redis-counterfoils") else { return };
    let (direct, remembering) = (gateway(server.store(), 0), gateway(server.store(), 10));
    let (counterfoil, ticket) = halves(&Key::new(1).token(&json!({})));
    let key = format!("counterfoil:counterfoil:{}", key_of(&ticket, KeyEncoding::Base64url));
    assert_eq!(verdict(&direct, &ticket), "ticket_unknown");
    let _: () = server.query(&["SET", &key, &counterfoil, "EX", "300"]);
    assert_eq!((verdict(&direct, &ticket), verdict(&remembering, &ticket)), ("ok", "ok"));
    // What the issuer deletes is refused at once where nothing is remembered, and within the agreed seconds elsewhere.
    let _: () = server.query(&["DEL", &key]);
    assert_eq!((verdict(&direct, &ticket), verdict(&remembering, &ticket)), ("ticket_unknown", "ok"));
    let late = counterfoil::UnixTime(crate::tokens::NOW.0 + 10);
    assert_eq!(crate::setup::verdict_at(&remembering, &ticket, late), "ticket_unknown");

    let _: () = server.query(&["SET", &key, &counterfoil]);
    assert_eq!(verdict(&remembering, &ticket), "ok");
    server.stop();
    assert_eq!(answer(&direct, &format!("Bearer {ticket}"), None), (503, "lookup_unavailable"));
    assert_eq!(crate::setup::verdict_at(&remembering, &ticket, late), "ok", "what is known counts while the store is away");
}

#[test]
fn a_server_that_is_silent_is_away() {
    // Listens, and never says a word.
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let url = format!("redis://:hidden-word@{}", listener.local_addr().expect("an address"));
    let store = RedisStore::new(&url).expect("a URL").with_timeout(Duration::from_millis(200));
    assert!(!format!("{store:?}").contains("hidden-word"));
    let (gateway, holder) = (gateway(Arc::new(store), 0), Key::new(7));
    let token = Key::new(1).token(&json!({"cnf": {"jkt": holder.thumbprint()}}));
    let start = std::time::Instant::now();
    assert_eq!(answer(&gateway, &format!("DPoP {token}"), Some(&holder.proof(URL, &token, "a"))), (503, "lookup_unavailable"));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert!(RedisStore::new("http://localhost").is_err());
}
