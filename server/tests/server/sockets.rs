//! On real sockets: what comes in malformed, too long or too slowly (SRV-20, SRV-22, SRV-23), over TLS (mTLS by host name), and stopping.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use counterfoil_server::Server;
use counterfoil_server::clock::SystemClock;
use counterfoil_server::config::Config;
use counterfoil_server::listen::Listener;
use counterfoil_server::setup;
use counterfoil_server::store::Sqlite;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use crate::world::{NOW, keys_folder};

/// A server on sockets of its own, which stops when this is dropped.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    operations: SocketAddr,
    /// Where certificates are always asked for, if that is an address of its own.
    pub(crate) mtls: Option<SocketAddr>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Serving {
    pub(crate) fn start(config: Config) -> Self {
        let (tell, told) = std::sync::mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let mut config = config;
                config.listen.operations = Some("127.0.0.1:0".parse().unwrap());
                let listener = Listener::bind(&config).await.unwrap();
                tell.send((listener.address().unwrap(), listener.operations_address().unwrap(), listener.mtls_address())).unwrap();
                let server = Arc::new(Server::new(config, Sqlite::in_memory().unwrap(), Arc::new(SystemClock)).unwrap());
                listener.serve(server, async { drop(stopped.await) }).await;
            });
        });
        let (address, operations, mtls) = told.recv_timeout(Duration::from_secs(10)).unwrap();
        Self { address, operations, mtls, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn plain() -> Self {
        let folder = keys_folder().display();
        let text = format!(
            "issuer = \"https://as.example\"\n[listen]\naddress = \"127.0.0.1:0\"\n[keys]\nfolder = \"{folder}\"\nnonce_secret = \"{folder}/nonce.secret\""
        );
        Self::start(Config::parse(&text).unwrap())
    }

    /// Sends bytes, and reads until the server closes or is silent for a while.
    fn exchange(&self, request: &[u8]) -> String {
        Self::exchange_at(self.address, request)
    }

    fn exchange_at(address: SocketAddr, request: &[u8]) -> String {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        // The server may answer and close before it has read everything.
        let _ = socket.write_all(request);
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn stop(mut self) -> Duration {
        let begun = Instant::now();
        self.stop.take().unwrap().send(()).unwrap();
        self.thread.take().unwrap().join().unwrap();
        begun.elapsed()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

const HOST: &str = "host: 127.0.0.1\r\nconnection: close\r\n";

#[test]
fn srv_20_and_srv_23_what_is_malformed_or_too_long_is_refused_and_the_connection_closed() {
    let serving = Serving::plain();
    let good = format!("GET /jwks HTTP/1.1\r\n{HOST}\r\n");
    assert!(serving.exchange(good.as_bytes()).starts_with("HTTP/1.1 200"));
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let status = |request: String| {
        let answer = serving.exchange(request.as_bytes());
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    let post = |headers: &str, body: &str| format!("POST /par HTTP/1.1\r\n{HOST}{form}{headers}\r\n{body}");
    assert_eq!(status(post("content-length: 3\r\n", "a=b")), "401");
    for (what, headers) in [
        ("two lengths", "content-length: 3\r\ncontent-length: 4\r\n"),
        ("a space before the colon", "content-length : 3\r\n"),
        ("a folded line", "x: a\r\n b: c\r\ncontent-length: 3\r\n"),
        ("a broken length", "content-length: 3x\r\n"),
        ("a chunked encoding that is none", "transfer-encoding: chunked, x\r\n"),
        ("a bare carriage return", "x: a\rb\r\ncontent-length: 3\r\n"),
    ] {
        assert_eq!(status(post(headers, "a=b")), "400", "{what}");
    }
    assert_eq!(status(format!("GET /jwks?{} HTTP/1.1\r\n{HOST}\r\n", "a".repeat(8 * 1024))), "414");
    assert_eq!(status(format!("GET /jwks HTTP/1.1\r\n{HOST}x: {}\r\n\r\n", "a".repeat(17 * 1024))), "431");
    let many: String = (0..101).map(|number| format!("x-{number}: a\r\n")).collect();
    assert_eq!(status(format!("GET /jwks HTTP/1.1\r\n{HOST}{many}\r\n")), "431");
    assert_eq!(status(post("content-length: 65537\r\n", &"a".repeat(65_537))), "413");
    let chunk = format!("10001\r\n{}\r\n0\r\n\r\n", "a".repeat(65_537));
    assert_eq!(status(post("transfer-encoding: chunked\r\n", &chunk)), "413");
    assert_eq!(status(post("content-length: 65536\r\n", &format!("a={}", "a".repeat(65_534)))), "401");
}

#[test]
fn srv_22_who_sends_slowly_is_cut_off() {
    let serving = Serving::plain();
    for request in ["GET /jwks HTTP/1.1\r\n".to_owned(), format!("POST /par HTTP/1.1\r\n{HOST}content-length: 3\r\n\r\na")] {
        let mut socket = TcpStream::connect(serving.address).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        let begun = Instant::now();
        let _ = socket.read_to_end(&mut Vec::new()).unwrap();
        assert!((9..13).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    }
}

#[test]
fn metrics_have_an_address_of_their_own() {
    let serving = Serving::plain();
    let request = format!("GET /metrics HTTP/1.1\r\n{HOST}\r\n");
    assert!(serving.exchange(request.as_bytes()).starts_with("HTTP/1.1 404"));
    let metrics = Serving::exchange_at(serving.operations, request.as_bytes());
    assert!(metrics.starts_with("HTTP/1.1 200") && metrics.contains("# EOF"), "{metrics}");
}

#[test]
fn stopping_closes_the_door_and_lets_who_is_in_finish() {
    let serving = Serving::plain();
    let address = serving.address;
    let mut begun = TcpStream::connect(address).unwrap();
    begun
        .write_all(
            format!("POST /par HTTP/1.1\r\n{HOST}content-type: application/x-www-form-urlencoded\r\ncontent-length: 3\r\n\r\na").as_bytes(),
        )
        .unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let finish = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        assert!(TcpStream::connect(address).is_err(), "the door is closed");
        begun.write_all(b"=b").unwrap();
        let mut answer = String::new();
        begun.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    });
    assert!(serving.stop() < Duration::from_secs(5));
    finish.join().unwrap();
}

/// One request over TLS to a host name, with or without a certificate.
pub(crate) fn over_tls(folder: &Path, address: SocketAddr, host: &str, path: &str, identity: Option<(&Path, &Path)>) -> String {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("tls/authority.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap()).unwrap()
        }
    };
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let mut connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut stream = rustls::Stream::new(&mut connection, &mut socket);
    let body = "grant_type=client_credentials&client_id=gateway";
    let head = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\n");
    stream.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn certificates_are_asked_for_by_host_name_and_vouched_for_by_the_authority() {
    let folder = std::env::temp_dir().join(format!("counterfoil-tls-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let told = setup::Init {
        issuer: "https://localhost:8443".to_owned(),
        address: "127.0.0.1:0".parse().unwrap(),
        mtls_host: "mtls.localhost".to_owned(),
    };
    setup::init(&folder, &told, counterfoil::UnixTime(NOW)).unwrap();
    let authority_key = rcgen::KeyPair::from_pem(&std::fs::read_to_string(folder.join("tls/authority.key")).unwrap()).unwrap();
    let mut named = rcgen::CertificateParams::default();
    named.distinguished_name.push(rcgen::DnType::CommonName, "Counterfoil's own authority");
    let authority = rcgen::Issuer::new(named, authority_key);
    let mut params = rcgen::CertificateParams::new(vec!["gateway.example".to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::OrganizationName, "Bank, Ltd.");
    params.distinguished_name.push(rcgen::DnType::CommonName, "Gateway");
    let key = rcgen::KeyPair::generate().unwrap();
    let files = |name: &str| (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    for (name, certificate) in [("vouched", params.signed_by(&key, &authority).unwrap()), ("self", params.self_signed(&key).unwrap())] {
        std::fs::write(files(name).0, certificate.pem()).unwrap();
        std::fs::write(files(name).1, key.serialize_pem()).unwrap();
    }
    let mut text = std::fs::read_to_string(folder.join("counterfoil.toml")).unwrap();
    text.push_str(
        "\n[[client]]\nclient_id = \"gateway\"\ntoken_endpoint_auth_method = \"tls_client_auth\"\ngrant_types = [\"client_credentials\"]\n\
         tls_client_auth_subject_dn = \"CN=gateway,O=Bank\\\\, Ltd.\"\ntls_client_certificate_bound_access_tokens = true\n",
    );
    std::fs::write(folder.join("counterfoil.toml"), text).unwrap();
    let serving = Serving::start(Config::load(&folder.join("counterfoil.toml")).unwrap());
    let ask = |host: &str, name: Option<&str>| {
        let files = name.map(files);
        over_tls(&folder, serving.address, host, "/token", files.as_ref().map(|(certificate, key)| (certificate.as_path(), key.as_path())))
    };
    let granted = ask("mtls.localhost", Some("vouched"));
    assert!(granted.starts_with("HTTP/1.1 200") && granted.contains("\"token_type\":\"Bearer\""), "{granted}");
    for (host, name) in [("mtls.localhost", Some("self")), ("mtls.localhost", None), ("localhost", Some("vouched")), ("localhost", None)] {
        let refused = ask(host, name);
        assert!(refused.starts_with("HTTP/1.1 401") && refused.contains("invalid_client"), "{host} {name:?}: {refused}");
    }
    drop(serving);
    std::fs::remove_dir_all(&folder).unwrap();
}
