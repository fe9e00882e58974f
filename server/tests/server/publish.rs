//! Counterfoils in a real Valkey or Redis, read there by the gateway's own store.

use core::time::Duration;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use base64ct::{Base64, Encoding as _};
use counterfoil::oauth::split_token::{CounterfoilKey, KeyEncoding, Ticket};
use counterfoil_gateway::redis::RedisStore;
use counterfoil_gateway::{CounterfoilStore as _, Lookup};

use crate::world::{COMBINATIONS, World, claims_of};

const SPLIT: &str = "https://split.example.com";

struct Redis {
    program: &'static str,
    process: Option<Child>,
    folder: PathBuf,
}

impl Redis {
    /// `None` where no such program is installed.
    fn start(name: &str) -> Option<Self> {
        let is_there = |program: &&str| Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
        let Some(program) = ["valkey-server", "redis-server"].into_iter().find(is_there) else {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "neither valkey-server nor redis-server is installed");
            eprintln!("SKIP {name}: neither valkey-server nor redis-server is installed");
            return None;
        };
        // A socket's path is short: not below the target folder.
        let folder = std::env::temp_dir().join(format!("counterfoil-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let mut redis = Self { program, process: None, folder };
        redis.run();
        Some(redis)
    }

    fn run(&mut self) {
        let socket = self.socket();
        let process = Command::new(self.program)
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket", &socket])
            .current_dir(&self.folder)
            .stdout(Stdio::null())
            .spawn();
        self.process = Some(process.unwrap());
        let begun = Instant::now();
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "it does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    fn socket(&self) -> String {
        self.folder.join("redis.sock").to_str().unwrap().to_owned()
    }

    fn url(&self) -> String {
        format!("redis+unix://{}", self.socket())
    }

    fn gateway(&self) -> RedisStore {
        RedisStore::new(&self.url()).unwrap()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn ticket(world: &World) -> crate::world::Answer {
    let form = [("grant_type", "client_credentials"), ("scope", "accounts"), ("resource", SPLIT)];
    world.make(world.token_call(world.one(), &form)).await
}

fn key_of(ticket: &str) -> CounterfoilKey {
    Ticket::parse(ticket.as_bytes()).unwrap().key()
}

fn text(answer: &crate::world::Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// Follows publications while `work` is done, as a server does while it serves.
async fn following(world: &World, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        () = world.server.follow_publications() => unreachable!("it follows forever"),
    }
}

/// Asks until the store says so, at most for two seconds.
async fn is_told(store: &RedisStore, key: &CounterfoilKey, expected: impl Fn(&Lookup) -> bool) {
    let begun = Instant::now();
    loop {
        let told = store.find(key).unwrap();
        if expected(&told) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(3), "{told:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counterfoil_is_there_when_its_ticket_comes_and_gone_when_it_is_revoked() {
    let Some(redis) = Redis::start("publish") else { return };
    let world = World::with(&format!("[split_tokens]\nredis = \"{}\"", redis.url())).await;
    let store = redis.gateway();
    following(&world, async {
        let ticket = text(&ticket(&world).await);
        let Lookup::Found(counterfoil) = store.find(&key_of(&ticket)).unwrap() else { panic!("it is not there") };
        assert_eq!(claims_of(&format!("{}.{ticket}", String::from_utf8(counterfoil).unwrap()))["aud"], SPLIT);
        world.make(world.authenticated(world.one(), "/revoke", &[("token", &ticket)])).await;
        is_told(&store, &key_of(&ticket), |told| *told == Lookup::Revoked).await;
        // Of a grant, every token.
        let party = world.party(0, COMBINATIONS[1]);
        let code = world.code_for(party, world.par_call(party).with("resource", SPLIT)).await;
        let tokens = world.tokens(world.redeem_call(party, &code)).await;
        let key = key_of(tokens["access_token"].as_str().unwrap());
        assert!(matches!(store.find(&key), Ok(Lookup::Found(_))));
        world.make(world.redeem_call(party, &code)).await.is_error(400, "invalid_grant");
        is_told(&store, &key, |told| *told == Lookup::Revoked).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_place_for_counterfoils_no_ticket_is_issued_and_what_was_lost_is_written_again() {
    let Some(mut redis) = Redis::start("publish-lost") else { return };
    let world = World::with(&format!("[split_tokens]\nredis = \"{}\"", redis.url())).await;
    following(&world, async {
        let (lost, revoked) = (text(&ticket(&world).await), text(&ticket(&world).await));
        redis.stop();
        let begun = Instant::now();
        ticket(&world).await.is_error(503, "temporarily_unavailable");
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
        world.make(world.authenticated(world.one(), "/revoke", &[("token", &revoked)])).await;
        redis.run();
        let store = redis.gateway();
        is_told(&store, &key_of(&lost), |told| matches!(told, Lookup::Found(_))).await;
        is_told(&store, &key_of(&revoked), |told| *told == Lookup::Revoked).await;
        text(&ticket(&world).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_spelled_as_curitys_readers_expect_them() {
    let Some(redis) = Redis::start("publish-base64") else { return };
    let more = format!("[split_tokens]\nredis = \"{}\"\nkey_encoding = \"base64\"\nprefix = \"\"", redis.url());
    let world = World::with(&more).await;
    let ticket = text(&ticket(&world).await);
    let store = redis.gateway().with_prefix("").with_encoding(KeyEncoding::Base64);
    assert!(matches!(store.find(&key_of(&ticket)), Ok(Lookup::Found(_))));
    let rs = &world.resource_server;
    let feed = crate::world::Call::get(&format!("/split-tokens?client_id={}&since=0", rs.id)).certificate(Some(&rs.certificate));
    let key = Base64::encode_string(key_of(&ticket).as_bytes());
    assert_eq!(world.make(feed).await.json()["entries"][0]["key"], key.as_str());
    let by_key = format!("/split-tokens/{}?client_id={}", crate::world::escaped(&key), rs.id);
    assert_eq!(world.make(crate::world::Call::get(&by_key).certificate(Some(&rs.certificate))).await.status, 200);
}
