//! A small HTTPS server on loopback, whose answers a test decides.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::certificates::Authority;

pub(crate) struct Received {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) has_certificate: bool,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn new(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("content-type", media_type.to_owned())], body: body.into() }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

type Handler = Box<dyn Fn(&Received) -> Reply + Send + Sync>;

struct Shared {
    handler: Mutex<Arc<Handler>>,
    requests: AtomicUsize,
    /// Connections are closed before anything is said.
    away: AtomicBool,
    stop: AtomicBool,
}

pub(crate) struct Server {
    port: u16,
    shared: Arc<Shared>,
}

impl Server {
    pub(crate) fn start(authority: &Authority, handler: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(authority, None, handler)
    }

    /// With clients' certificates of `clients`, if they have any.
    pub(crate) fn start_with(
        authority: &Authority,
        clients: Option<&Authority>,
        handler: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let config = Arc::new(tls(authority, clients));
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            handler: Mutex::new(Arc::new(Box::new(handler))),
            requests: AtomicUsize::new(0),
            away: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        });
        let own = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if own.stop.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), false) = (stream, own.away.load(Ordering::Relaxed)) else { continue };
                let (own, config) = (own.clone(), config.clone());
                std::thread::spawn(move || serve(&own, config, stream));
            }
        });
        Self { port, shared }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// How many requests were read.
    pub(crate) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn answer(&self, handler: impl Fn(&Received) -> Reply + Send + Sync + 'static) {
        *self.shared.handler.lock().expect("a lock") = Arc::new(Box::new(handler));
    }

    pub(crate) fn set_away(&self, away: bool) {
        self.shared.away.store(away, Ordering::Relaxed);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn tls(authority: &Authority, clients: Option<&Authority>) -> ServerConfig {
    let leaf = authority.leaf("localhost");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from(clients.der())).expect("a root");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).allow_unauthenticated();
            builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
        }
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf.key));
    builder.with_single_cert(vec![CertificateDer::from(leaf.certificate)], key).expect("a certificate")
}

/// Requests one after the other, until the client goes or the server is away. What breaks a connection is what some tests are about.
fn serve(shared: &Shared, config: Arc<ServerConfig>, stream: TcpStream) {
    let _ = stream.set_read_timeout(Some(Duration::from_millis(50)));
    let Ok(connection) = ServerConnection::new(config) else { return };
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    while let Some(received) = receive(shared, &mut stream) {
        shared.requests.fetch_add(1, Ordering::SeqCst);
        let handler = shared.handler.lock().expect("a lock").clone();
        let Reply { status, headers, body } = handler(&received);
        let mut head = format!("HTTP/1.1 {status} X\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !matches!(status, 204 | 304) {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        let answer = [head.as_bytes(), b"\r\n", &body].concat();
        if stream.get_mut().write_all(&answer).and_then(|()| stream.get_mut().flush()).is_err() {
            return;
        }
    }
}

type Stream = BufReader<StreamOwned<ServerConnection, TcpStream>>;

fn receive(shared: &Shared, stream: &mut Stream) -> Option<Received> {
    let line = line(shared, stream)?;
    let mut headers = Vec::new();
    loop {
        let header = self::line(shared, stream)?;
        let Some((name, value)) = header.split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let has_certificate = stream.get_ref().conn.peer_certificates().is_some_and(|chain| !chain.is_empty());
    let mut received = Received { line, headers, body: String::new(), has_certificate };
    let length = received.header("content-length").and_then(|length| length.parse::<u64>().ok()).unwrap_or(0);
    stream.by_ref().take(length).read_to_string(&mut received.body).ok()?;
    Some(received)
}

/// A line without its end; `None` when the connection ends, or the server does.
fn line(shared: &Shared, stream: &mut Stream) -> Option<String> {
    let mut line = Vec::new();
    loop {
        match stream.read_until(b'\n', &mut line) {
            Ok(0) => return None,
            Ok(_) => return Some(String::from_utf8(line).ok()?.trim_end().to_owned()),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                if shared.stop.load(Ordering::Relaxed) || shared.away.load(Ordering::Relaxed) {
                    return None;
                }
            }
            Err(_) => return None,
        }
    }
}
