//! The store in a real PostgreSQL: the contract, several servers on one database, and the database away.

use core::time::Duration;
use std::collections::HashMap;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use counterfoil_server::secret::Digest;
use counterfoil_server::store::{Postgres, Publication, PublicationKind, Redeemed, Standing, Store, StoreError, Use, UseKind};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::task::JoinSet;
use tokio_postgres::NoTls;

use crate::store::{NOW, approved, later, passes, token, used};

const CONNECTIONS: usize = 16;
/// One at a time: tests of other things measure times beside these.
static ALONE: Mutex<()> = Mutex::new(());

/// A PostgreSQL with a folder of its own, which ends with the test.
struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    running: Option<Child>,
    _alone: MutexGuard<'static, ()>,
}

impl Cluster {
    /// Starts one, where PostgreSQL is installed.
    fn start(name: &str) -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "PostgreSQL is not installed");
            eprintln!("skipped: PostgreSQL is not installed");
            return None;
        };
        let folder = std::env::temp_dir().join(format!("counterfoil-postgres-{name}-{}", std::process::id()));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut cluster = Self { programs, folder, port, running: None, _alone: alone };
        std::fs::create_dir_all(&cluster.folder).unwrap();
        if is_root() {
            assert!(Command::new("chown").arg("postgres").arg(&cluster.folder).status().unwrap().success());
        }
        let data = cluster.folder.join("data");
        let made = cluster.command("initdb").arg("-D").arg(data).args(["-A", "trust", "-U", "postgres", "-E", "UTF8"]).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        cluster.run();
        Some(cluster)
    }

    /// A program of PostgreSQL's, which refuses to be root's. It ends with this process.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = Command::new("setpriv");
        command.current_dir(&self.folder).args(["--pdeathsig", "INT"]);
        if is_root() {
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
        }
        command.arg(program);
        command
    }

    fn run(&mut self) {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.folder.join("data")).arg("-k").arg(&self.folder).args(["-p", &self.port.to_string()]);
        command.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=on", "-c", "max_connections=120"]);
        let log = std::fs::File::create(self.folder.join("log")).unwrap();
        self.running = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let begun = Instant::now();
        let port = self.port.to_string();
        while !self.command("pg_isready").args(["-q", "-h", "127.0.0.1", "-p", &port]).status().unwrap().success() {
            assert!(begun.elapsed() < Duration::from_secs(30), "PostgreSQL does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, signal: &str) {
        let process = self.running.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &process]).status().unwrap().success());
    }

    /// At once, as if the machine had lost its power.
    fn stop(&mut self) {
        self.signal("-QUIT");
        self.running.take().unwrap().wait().unwrap();
    }

    fn url(&self, database: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{database}", self.port)
    }

    async fn store(&self) -> Postgres {
        Postgres::open(&self.url("postgres"), None, CONNECTIONS).await.unwrap()
    }

    /// A connection beside the store.
    async fn client(&self) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(&self.url("postgres"), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.running.is_some() {
            self.stop();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The folder of the newest PostgreSQL that Debian has here.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.flatten().map(|entry| entry.path()).max_by_key(|path| version(path))?;
    Some(newest.join("bin")).filter(|programs| programs.join("postgres").exists())
}

fn is_root() -> bool {
    std::env::var("USER").is_ok_and(|user| user == "root") || Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

fn split(key: &str, grant: Option<&str>) -> counterfoil_server::store::Move {
    let mut split = token(key, grant);
    split.counterfoil = Some("head.payload".to_owned());
    split
}

/// 1,000 codes, 32 at once each, durable.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_passes_with_a_thousand_codes() {
    let Some(cluster) = Cluster::start("contract") else { return };
    passes(cluster.store().await, 1000, 32).await;
    let store = cluster.store().await;
    assert_eq!(store.user("a\0b".to_owned()).await.unwrap(), None);
    assert_eq!(store.grant("a\0b".to_owned(), NOW).await.unwrap(), None);
    assert_eq!(store.spend([used("twice"), used("twice")].concat(), NOW).await, Err(StoreError::Replayed(UseKind::ClientAssertion)));
    store.spend(used("twice"), NOW).await.unwrap();
    cluster.client().await.batch_execute("INSERT INTO client (client_id, body) VALUES ('broken', '{')").await.unwrap();
    assert!(matches!(store.client("broken".to_owned()).await, Err(StoreError::Corrupt(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_missed_while_many_requests_wait() {
    let Some(cluster) = Cluster::start("ciba") else { return };
    let (pending, interval, answered_in) = crate::ciba_load::size();
    crate::ciba_load::nothing_is_missed(cluster.store().await, pending, interval, answered_in).await;
}

/// As databases do it that know no other isolation: who was raced tries again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_passes_with_serializable_transactions() {
    let Some(cluster) = Cluster::start("serializable") else { return };
    let url = cluster.url("postgres?options=-c%20default_transaction_isolation%3Dserializable");
    passes(Postgres::open(&url, None, CONNECTIONS).await.unwrap(), 50, 32).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_start_at_once_make_the_tables_once() {
    let Some(cluster) = Cluster::start("starts") else { return };
    let client = cluster.client().await;
    for round in 0..10 {
        client.batch_execute(&format!("CREATE DATABASE round_{round}")).await.unwrap();
        let mut starts = JoinSet::new();
        for _ in 0..8 {
            let url = cluster.url(&format!("round_{round}"));
            starts.spawn(async move { Postgres::open(&url, None, 1).await.map(drop) });
        }
        let outcomes = starts.join_all().await;
        assert!(outcomes.iter().all(Result::is_ok), "round {round}: {outcomes:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_on_one_database_agree() {
    let Some(cluster) = Cluster::start("two") else { return };
    let stores = [Arc::new(cluster.store().await), Arc::new(cluster.store().await)];
    for number in 0..200 {
        let code = approved(&*stores[0], &format!("grant {number}")).await;
        let mut tries = JoinSet::new();
        for (place, store) in stores.iter().cycle().take(8).cloned().enumerate() {
            let key = code.digest();
            // A client sends the same request to both: half of them share an assertion with the other half's.
            let uses = used(&format!("code {number} {}", place / 2));
            tries.spawn(async move { store.redeem_code(key, uses, NOW).await });
        }
        let outcomes = tries.join_all().await;
        let count = |wanted: fn(&Result<Redeemed, StoreError>) -> bool| outcomes.iter().filter(|outcome| wanted(outcome)).count();
        assert_eq!(count(|outcome| matches!(outcome, Ok(Redeemed::First(_)))), 1, "{outcomes:?}");
        assert_eq!(count(|outcome| matches!(outcome, Ok(Redeemed::Replayed(_)))), 3, "{outcomes:?}");
        assert_eq!(count(|outcome| matches!(outcome, Err(StoreError::Replayed(_)))), 4, "{outcomes:?}");
        let late = token(&format!("late {number}"), Some(&format!("grant {number}")));
        assert!(!stores[number % 2].save_issued(late, NOW).await.unwrap(), "a token of a grant that was revoked");
    }
}

/// Two moves want one use both, and each one that only it wants: one of them is made, and the other leaves nothing behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uses_that_overlap_are_all_used_up_or_none() {
    let Some(cluster) = Cluster::start("overlap") else { return };
    let stores = [Arc::new(cluster.store().await), Arc::new(cluster.store().await)];
    for number in 0..300 {
        let (own, both) = ([format!("a {number}"), format!("b {number}")], format!("both {number}"));
        let uses = |place: usize| -> Vec<Use> { [used(&both), used(&own[place])].concat() };
        let (one, other) = tokio::join!(stores[0].spend(uses(0), NOW), stores[1].spend(uses(1), NOW));
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        let loser = usize::from(one.is_ok());
        stores[0].spend(used(&own[loser]), NOW).await.unwrap();
        assert!(stores[1].spend(used(&own[1 - loser]), NOW).await.is_err());
    }
}

/// Whatever was issued while its grant was revoked is revoked too, and gateways are told so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_issued_escapes_a_revocation() {
    let Some(cluster) = Cluster::start("revocation") else { return };
    let (one, other) = (cluster.store().await, cluster.store().await);
    let mut issued = [0, 0];
    for number in 0..300 {
        let (grant, key) = (format!("grant {number}"), format!("token {number}"));
        approved(&one, &grant).await;
        // Now the one and now the other is a little later, so that both outcomes are seen.
        let pause = |is_later: bool| tokio::time::sleep(Duration::from_micros(if is_later { number % 30 * 100 } else { 0 }));
        let save = async {
            pause(number % 2 == 0).await;
            one.save_issued(split(&key, Some(&grant)), NOW).await
        };
        let revoke = async {
            pause(number % 2 == 1).await;
            other.revoke_grant(grant.clone(), NOW).await
        };
        let (saved, revoked) = tokio::join!(save, revoke);
        revoked.unwrap();
        let (saved, key) = (saved.unwrap(), Digest::of(&key));
        issued[usize::from(saved)] += 1;
        assert_eq!(one.standing(key, NOW).await.unwrap(), if saved { Standing::Revoked } else { Standing::Unknown });
        let told = one.publications(0, u32::MAX, NOW).await.unwrap();
        let told: Vec<_> = told.iter().filter(|entry| entry.key == key).map(|entry| entry.kind).collect();
        assert_eq!(told, if saved { vec![PublicationKind::Publish, PublicationKind::Revoke] } else { Vec::new() });
    }
    assert!(issued.iter().all(|times| *times > 10), "not both happened: {issued:?}");
}

/// Reads on from a cursor until there are `all`.
async fn follow(store: Arc<Postgres>, all: usize) -> Vec<Publication> {
    let (mut seen, mut cursor) = (Vec::new(), 0);
    let begun = Instant::now();
    while seen.len() < all && begun.elapsed() < Duration::from_secs(60) {
        let more = store.publications(cursor, 7, NOW).await.unwrap();
        cursor = more.last().map_or(cursor, |last| last.cursor);
        seen.extend(more);
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_by_cursor_misses_nothing() {
    let Some(cluster) = Cluster::start("feed") else { return };
    let stores = [Arc::new(cluster.store().await), Arc::new(cluster.store().await)];

    // Numbered first, committed last.
    let mut client = cluster.client().await;
    let slow = client.transaction().await.unwrap();
    let insert = "INSERT INTO publication (kind, key, expires_at) VALUES ('revoke', sha256('slow'), $1)";
    slow.execute(insert, &[&i64::try_from(later(300).0).unwrap()]).await.unwrap();
    stores[0].save_issued(split("fast", None), NOW).await.unwrap();
    let first = stores[1].publications(0, 10, NOW).await.unwrap();
    assert_eq!(first.len(), 1, "what is not committed is waited for by nobody");
    slow.commit().await.unwrap();
    let second = stores[1].publications(first[0].cursor, 10, NOW).await.unwrap();
    assert_eq!(second.iter().map(|entry| entry.key).collect::<Vec<_>>(), [Digest::of("slow")]);

    let (writers, each) = (8, 100);
    let all = 2 + writers * each;
    let readers: Vec<_> = stores.iter().map(|store| tokio::spawn(follow(store.clone(), all))).collect();
    let mut writing = JoinSet::new();
    for writer in 0..writers {
        let store = stores[writer % 2].clone();
        writing.spawn(async move {
            for number in 0..each {
                assert!(store.save_issued(split(&format!("{writer} {number}"), None), NOW).await.unwrap());
            }
        });
    }
    writing.join_all().await;
    let mut told = Vec::new();
    for reader in readers {
        told.push(reader.await.unwrap());
    }
    let keys: HashMap<_, _> = told[0].iter().map(|entry| (*entry.key.as_bytes(), entry.cursor)).collect();
    assert_eq!((told[0].len(), keys.len()), (all, all));
    assert!(told[0].is_sorted_by(|one, next| one.cursor < next.cursor));
    assert_eq!(told[0], told[1], "both see the same in the same order");
}

/// Makes a move that cannot be made, and sees to it that nobody waits long for that.
async fn is_unavailable(store: &Postgres) {
    let begun = Instant::now();
    let answer = store.spend(used("away"), NOW).await;
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_is_known_within_a_second_and_found_again() {
    let Some(mut cluster) = Cluster::start("away") else { return };
    let store = cluster.store().await;
    store.spend(used("before"), NOW).await.unwrap();
    cluster.stop();
    for _ in 0..3 {
        is_unavailable(&store).await;
    }
    let begun = Instant::now();
    assert!(matches!(Postgres::open(&cluster.url("postgres"), None, 1).await, Err(StoreError::Unavailable(_))));
    assert!(begun.elapsed() < Duration::from_secs(1));
    cluster.run();
    store.spend(used("away"), NOW).await.unwrap();
    assert_eq!(store.spend(used("before"), NOW).await, Err(StoreError::Replayed(UseKind::ClientAssertion)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_gets_no_connection_is_told_within_a_second() {
    let Some(cluster) = Cluster::start("pool") else { return };
    let store = Arc::new(Postgres::open(&cluster.url("postgres"), None, 1).await.unwrap());
    let mut client = cluster.client().await;
    let blocking = client.transaction().await.unwrap();
    blocking.batch_execute("LOCK TABLE used").await.unwrap();
    let first = tokio::spawn({
        let store = store.clone();
        async move { store.spend(used("first"), NOW).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    is_unavailable(&store).await;
    blocking.rollback().await.unwrap();
    first.await.unwrap().unwrap();
    store.spend(used("away"), NOW).await.unwrap();
}

/// A certificate for `localhost` by an authority of its own, in PEM: the authority, the certificate and its key.
fn certificate() -> [String; 3] {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    [authority.pem(), leaf.pem(), key.serialize_pem()]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_authorities_the_database_must_be_whom_the_url_names() {
    let Some(cluster) = Cluster::start("tls") else { return };
    let [authority, leaf, key] = certificate();
    let file = |name: &str| cluster.folder.join("data").join(name);
    for (name, text) in [("server.crt", &leaf), ("server.key", &key), ("authority.pem", &authority), ("other.pem", &certificate()[0])] {
        std::fs::write(file(name), text).unwrap();
        std::fs::set_permissions(file(name), std::fs::Permissions::from_mode(0o600)).unwrap();
        if is_root() {
            assert!(Command::new("chown").arg("postgres").arg(file(name)).status().unwrap().success());
        }
    }
    let url = cluster.url("postgres").replace("127.0.0.1", "localhost");
    let authorities = file("authority.pem");
    let without_tls = Postgres::open(&url, Some(&authorities), 1).await;
    assert!(matches!(without_tls, Err(StoreError::Unavailable(_))), "what has no TLS is not spoken to");

    let client = cluster.client().await;
    client.batch_execute("ALTER SYSTEM SET ssl = on").await.unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let begun = Instant::now();
    let store = loop {
        match Postgres::open(&url, Some(&authorities), 1).await {
            Ok(store) => break store,
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(10), "{error}"),
        }
    };
    store.spend(used("secretly"), NOW).await.unwrap();
    let statement = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'counterfoil' AND ssl";
    assert_eq!(client.query_one(statement, &[]).await.unwrap().get::<_, i64>(0), 1);
    let by_address = cluster.url("postgres");
    for (url, authorities) in [(&url, file("other.pem")), (&by_address, authorities)] {
        assert!(matches!(Postgres::open(url, Some(&authorities), 1).await, Err(StoreError::Unavailable(_))));
    }
}
