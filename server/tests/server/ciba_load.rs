//! CIBA under load, on sockets: many requests wait at once, each polled at its interval, while people answer. No answer is missed, nothing is issued
//! twice. `COUNTERFOIL_PENDING=10000` for the figures of the README; fewer in an ordinary run.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use counterfoil_server::Server;
use counterfoil_server::clock::{Clock as _, SystemClock};
use counterfoil_server::config::Config;
use counterfoil_server::listen::Listener;
use counterfoil_server::secret::Digest;
use counterfoil_server::store::{Sqlite, Store};
use counterfoil_server::users;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::party::{Auth, Hold, Party};
use crate::world::{ISSUER, escaped, keys_folder};

const GRANT_TYPE: &str = "urn:openid:params:grant-type:ciba";
/// Connections that all requests share.
const CONNECTIONS: usize = 64;

type Asked = (String, oneshot::Sender<(u16, Value)>);

/// Connections that are kept, as a client's pool has them.
#[derive(Clone)]
struct Pool(mpsc::UnboundedSender<Asked>);

impl Pool {
    fn new(address: SocketAddr) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel::<Asked>();
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..CONNECTIONS {
            let receiver = receiver.clone();
            tokio::spawn(async move {
                let mut socket = TcpStream::connect(address).await.unwrap();
                socket.set_nodelay(true).unwrap();
                loop {
                    let Some((request, tell)) = receiver.lock().await.recv().await else { return };
                    socket.write_all(request.as_bytes()).await.unwrap();
                    let _ = tell.send(answer(&mut socket).await);
                }
            });
        }
        Self(sender)
    }

    async fn post(&self, path: &str, headers: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let body: Vec<String> = form.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let body = body.join("&");
        let head = format!("POST {path} HTTP/1.1\r\nhost: as.example\r\ncontent-type: application/x-www-form-urlencoded\r\n");
        let (tell, told) = oneshot::channel();
        self.0.send((format!("{head}{headers}content-length: {}\r\n\r\n{body}", body.len()), tell)).unwrap();
        told.await.unwrap()
    }
}

async fn answer(socket: &mut TcpStream) -> (u16, Value) {
    let mut read = Vec::new();
    let end = loop {
        assert!(socket.read_buf(&mut read).await.unwrap() > 0, "the connection was closed");
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8(read[..end].to_vec()).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |length| length.parse().unwrap());
    while read.len() < end + length {
        assert!(socket.read_buf(&mut read).await.unwrap() > 0, "the connection was closed");
    }
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_slice(&read[end..end + length]).unwrap_or_default())
}

/// What all tasks share.
struct Load {
    pool: Pool,
    shop: Party,
    app: Party,
    subject: String,
    interval: u64,
    approved: AtomicUsize,
    denied: AtomicUsize,
    hurried: AtomicUsize,
    latencies: std::sync::Mutex<Vec<Duration>>,
}

impl Load {
    async fn authenticated(&self, party: &Party, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let now = SystemClock.now().0;
        let assertion = party.assertion(&party.assertion_claims(now));
        let authentication =
            [("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"), ("client_assertion", assertion.as_str())];
        let proof = party.proof(&party.proof_claims("POST", &format!("{ISSUER}{path}"), now));
        let headers = if path == "/token" { format!("dpop: {proof}\r\n") } else { String::new() };
        self.pool.post(path, &headers, &[form, &authentication].concat()).await
    }

    async fn begin(&self, number: usize) -> String {
        let message = format!("Order {number}");
        let form = [("scope", "openid"), ("login_hint", "alice"), ("binding_message", message.as_str())];
        let (status, body) = self.authenticated(&self.shop, "/bc-authorize", &form).await;
        assert_eq!(status, 200, "{body}");
        body["auth_req_id"].as_str().unwrap().to_owned()
    }

    /// Polls at the interval until there is an answer.
    async fn poll(&self, id: &str) {
        loop {
            let begun = Instant::now();
            let (status, body) = self.authenticated(&self.shop, "/token", &[("grant_type", GRANT_TYPE), ("auth_req_id", id)]).await;
            self.latencies.lock().unwrap().push(begun.elapsed());
            match (status, body["error"].as_str()) {
                (200, None) => {
                    assert!(body["access_token"].is_string() && body["id_token"].is_string(), "{body}");
                    self.approved.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                (400, Some("access_denied")) => {
                    self.denied.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                (400, Some("authorization_pending")) => {}
                (400, Some("slow_down")) => drop(self.hurried.fetch_add(1, Ordering::Relaxed)),
                _ => panic!("{status} {body}"),
            }
            tokio::time::sleep(Duration::from_secs(self.interval).saturating_sub(begun.elapsed())).await;
        }
    }

    /// The person's answer, by the bank's own app: one in ten is no.
    async fn decide(&self, number: usize, id: &str) {
        let id = Digest::of(id).to_base64url();
        let decision = if number.is_multiple_of(10) { "deny" } else { "approve" };
        let form = [("id", id.as_str()), ("subject", &self.subject), ("decision", decision)];
        let (status, body) = self.authenticated(&self.app, "/backchannel/decision", &form).await;
        assert_eq!(status, 204, "{body}");
    }
}

/// `pending` requests, polled every `interval` seconds, are answered within `answered_in`.
pub(crate) async fn nothing_is_missed<S: Store>(store: S, pending: usize, interval: u64, answered_in: Duration) {
    let folder = keys_folder().display();
    let text = format!(
        "issuer = \"{ISSUER}\"\n[listen]\naddress = \"127.0.0.1:0\"\n[keys]\nfolder = \"{folder}\"\nnonce_secret = \"{folder}/nonce.secret\"\n\
         [backchannel]\ninterval = {interval}\npending = {pending}"
    );
    let config = Config::parse(&text).unwrap();
    let listener = Listener::bind(&config).await.unwrap();
    let address = listener.address().unwrap();
    let server = Arc::new(Server::new(config, store, Arc::new(SystemClock)).unwrap());
    let (shop, app) = (Party::new("shop", Auth::PrivateKeyJwt, Hold::Dpop), Party::new("app", Auth::PrivateKeyJwt, Hold::Dpop));
    let (mut of_shop, mut of_app) = (shop.metadata(), app.metadata());
    of_shop["grant_types"] = json!([GRANT_TYPE]);
    of_shop["backchannel_token_delivery_mode"] = json!("poll");
    of_app["decides_backchannel_requests"] = json!(true);
    for mut metadata in [of_shop, of_app] {
        metadata.as_object_mut().unwrap().remove("authorization_details_types");
        server.register(metadata).await.unwrap();
    }
    let alice = users::new_user("alice", "correct horse battery", json!({})).unwrap();
    let subject = alice.subject.clone();
    server.store().save_user(alice).await.unwrap();
    let serving = tokio::spawn(listener.serve(server, core::future::pending()));

    let load = Arc::new(Load {
        pool: Pool::new(address),
        shop,
        app,
        subject,
        interval,
        approved: AtomicUsize::new(0),
        denied: AtomicUsize::new(0),
        hurried: AtomicUsize::new(0),
        latencies: std::sync::Mutex::default(),
    });
    let mut begun = tokio::task::JoinSet::new();
    for number in 0..pending {
        let load = load.clone();
        begun.spawn(async move { load.begin(number).await });
    }
    let ids = begun.join_all().await;
    let mut polling = tokio::task::JoinSet::new();
    for (number, id) in ids.iter().cloned().enumerate() {
        let load = load.clone();
        // Spread over the interval, as clients are that have begun at different times; and each is answered at some moment.
        let share = |whole: Duration, of: usize| whole.mul_f64(of as f64 / pending as f64);
        let (first, answered) = (share(Duration::from_secs(interval), number), share(answered_in, (number * 7919) % pending));
        polling.spawn({
            let (load, id) = (load.clone(), id.clone());
            async move {
                tokio::time::sleep(first).await;
                load.poll(&id).await;
            }
        });
        polling.spawn(async move {
            tokio::time::sleep(answered).await;
            load.decide(number, &id).await;
        });
    }
    polling.join_all().await;
    let refused = pending.div_ceil(10);
    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    assert_eq!((count(&load.approved), count(&load.denied)), (pending - refused, refused));
    // Each of them is used up.
    for id in ids.iter().take(100) {
        let (_, body) = load.authenticated(&load.shop, "/token", &[("grant_type", GRANT_TYPE), ("auth_req_id", id)]).await;
        assert!(["invalid_grant", "access_denied"].contains(&body["error"].as_str().unwrap()), "{body}");
    }
    let mut latencies = load.latencies.lock().unwrap().clone();
    latencies.sort_unstable();
    let at = |share: usize| latencies[(latencies.len() * share / 100).min(latencies.len() - 1)].as_secs_f64() * 1e3;
    eprintln!(
        "{pending} requests, {} polls, {} told to slow down; p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        latencies.len(),
        count(&load.hurried),
        at(50),
        at(99),
        at(100)
    );
    serving.abort();
}

/// As many as the environment says; by the usual interval then.
pub(crate) fn size() -> (usize, u64, Duration) {
    match std::env::var("COUNTERFOIL_PENDING") {
        Ok(pending) => (pending.parse().expect("COUNTERFOIL_PENDING is a number"), 5, Duration::from_secs(30)),
        Err(_) => (300, 1, Duration::from_secs(3)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_missed_while_many_requests_wait() {
    let folder = std::env::temp_dir().join(format!("counterfoil-ciba-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (pending, interval, answered_in) = size();
    nothing_is_missed(Sqlite::open(&folder.join("store.db")).unwrap(), pending, interval, answered_in).await;
    std::fs::remove_dir_all(&folder).unwrap();
}
