//! TLS: a port of its own for certificates, cipher suites by profile, and handshakes that lead nowhere (SRV-24).

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use counterfoil_server::config::Config;
use counterfoil_server::setup;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CipherSuite, ClientConfig, ClientConnection, RootCertStore};

use crate::sockets::{Serving, over_tls};
use crate::world::NOW;

/// A folder as `init` makes it, gone when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("counterfoil-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let told = setup::Init {
            issuer: "https://localhost:8443".to_owned(),
            address: "127.0.0.1:0".parse().unwrap(),
            mtls_host: "mtls.localhost".to_owned(),
        };
        setup::init(&folder, &told, counterfoil::UnixTime(NOW)).unwrap();
        Self(folder)
    }

    /// The configuration, with lines of it replaced.
    fn serving(&self, changes: &[(&str, &str)]) -> Serving {
        let file = self.0.join("counterfoil.toml");
        let mut text = std::fs::read_to_string(&file).unwrap();
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        let changed = self.0.join("changed.toml");
        std::fs::write(&changed, text).unwrap();
        Serving::start(Config::load(&changed).unwrap())
    }

    /// A certificate of a client that vouches for itself.
    fn client(&self) -> (PathBuf, PathBuf) {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["client.example".to_owned()]).unwrap().self_signed(&key).unwrap();
        let files = (self.0.join("client.pem"), self.0.join("client.key"));
        std::fs::write(&files.0, certificate.pem()).unwrap();
        std::fs::write(&files.1, key.serialize_pem()).unwrap();
        files
    }

    /// In place of the server's certificate one with an RSA key, by the same authority.
    fn with_rsa_key(&self) {
        let authority_key = rcgen::KeyPair::from_pem(&std::fs::read_to_string(self.0.join("tls/authority.key")).unwrap()).unwrap();
        let mut named = rcgen::CertificateParams::default();
        named.distinguished_name.push(rcgen::DnType::CommonName, "Counterfoil's own authority");
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let leaf = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = leaf.signed_by(&key, &rcgen::Issuer::new(named, authority_key)).unwrap();
        std::fs::write(self.0.join("tls/server.pem"), certificate.pem()).unwrap();
        std::fs::write(self.0.join("tls/server.key"), key.serialize_pem()).unwrap();
    }

    /// What a client with these suites of TLS 1.2 and no other version agrees on with the server.
    fn agreed(&self, address: SocketAddr, suites: &[CipherSuite]) -> Option<CipherSuite> {
        let mut provider: CryptoProvider = rustls::crypto::aws_lc_rs::default_provider();
        provider.cipher_suites.retain(|suite| suites.contains(&suite.suite()));
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.0.join("tls/authority.pem")).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(&[&rustls::version::TLS12]).unwrap();
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        let mut connection = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        while connection.is_handshaking() {
            connection.complete_io(&mut socket).ok()?;
        }
        connection.negotiated_cipher_suite().map(|suite| suite.suite())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn paths(files: &(PathBuf, PathBuf)) -> (&Path, &Path) {
    (&files.0, &files.1)
}

#[test]
fn certificates_are_asked_for_on_a_port_of_their_own_where_that_is_set() {
    let folder = Folder::new("mtls-port");
    let client = folder.client();
    let x5c = {
        let der = CertificateDer::from_pem_file(&client.0).unwrap();
        <base64ct::Base64 as base64ct::Encoding>::encode_string(&der)
    };
    let jwk = crate::world::Key::new("unused").jwk();
    let registered = format!(
        "[[client]]\nclient_id = \"gateway\"\ntoken_endpoint_auth_method = \"self_signed_tls_client_auth\"\ngrant_types = [\"client_credentials\"]\n\
         tls_client_certificate_bound_access_tokens = true\njwks = {{ keys = [{{ kty = \"EC\", crv = \"P-256\", x = {}, y = {}, x5c = [\"{x5c}\"] }}] }}\n\n\
         # Clients may stand here too",
        jwk["x"], jwk["y"]
    );
    let serving = folder.serving(&[
        ("mtls_host = \"mtls.localhost\"", "mtls_host = \"localhost:8444\"\nmtls_address = \"127.0.0.1:0\""),
        ("# Clients may stand here too", &registered),
    ]);
    let ask = |address, identity| over_tls(&folder.0, address, "localhost", "/token", identity);
    let granted = ask(serving.mtls.unwrap(), Some(paths(&client)));
    assert!(granted.starts_with("HTTP/1.1 200") && granted.contains("\"token_type\":\"Bearer\""), "{granted}");
    for (address, identity) in [(serving.mtls.unwrap(), None), (serving.address, Some(paths(&client)))] {
        let refused = ask(address, identity);
        assert!(refused.starts_with("HTTP/1.1 401") && refused.contains("invalid_client"), "{refused}");
    }
}

#[test]
fn ciphers_are_those_of_the_profile() {
    use CipherSuite::{
        TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 as ECDSA, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 as RSA_128,
        TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 as RSA_256, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 as CHACHA,
    };
    let folder = Folder::new("ciphers");
    let serving = folder.serving(&[]);
    assert_eq!(folder.agreed(serving.address, &[ECDSA]), Some(ECDSA));
    drop(serving);
    folder.with_rsa_key();
    let serving = folder.serving(&[]);
    assert_eq!(folder.agreed(serving.address, &[CHACHA]), Some(CHACHA));
    drop(serving);
    let serving = folder.serving(&[("ciphers = \"fapi2\"", "ciphers = \"fapi1\"")]);
    assert_eq!(folder.agreed(serving.address, &[CHACHA]), None);
    for suite in [RSA_128, RSA_256] {
        assert_eq!(folder.agreed(serving.address, &[CHACHA, suite]), Some(suite));
    }
    // TLS 1.3 is there all the same.
    assert!(over_tls(&folder.0, serving.address, "localhost", "/token", None).starts_with("HTTP/1.1 401"));
}

#[test]
fn srv_24_handshakes_that_lead_nowhere_cost_little() {
    let folder = Folder::new("handshakes");
    let serving = folder.serving(&[]);
    // A chain of sixty certificates, of which none vouches for another.
    let client = folder.client();
    let leaf = CertificateDer::from_pem_file(&client.0).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.0.join("tls/authority.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let config = builder.with_client_auth_cert(vec![leaf; 60], PrivateKeyDer::from_pem_file(&client.1).unwrap()).unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), ServerName::try_from("mtls.localhost").unwrap()).unwrap();
    let mut socket = TcpStream::connect(serving.address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let begun = Instant::now();
    let mut stream = rustls::Stream::new(&mut connection, &mut socket);
    let request =
        b"POST /token HTTP/1.1\r\nhost: mtls.localhost\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\n\
        content-length: 17\r\n\r\nclient_id=gateway";
    let mut answer = Vec::new();
    let _ = stream.write_all(request).and_then(|()| stream.read_to_end(&mut answer));
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());

    // Half a ClientHello, and then nothing: cut off after five seconds. Goodbyes before anything was said: at once.
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let goodbyes = b"\x15\x03\x03\x00\x02\x01\x00".repeat(1000);
    let patience = [(hello.to_vec(), 4..8), (goodbyes, 0..8)].map(|(bytes, expected)| {
        let address = serving.address;
        std::thread::spawn(move || {
            let mut socket = TcpStream::connect(address).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let begun = Instant::now();
            let _ = socket.write_all(&bytes);
            let _ = socket.read_to_end(&mut Vec::new());
            assert!(expected.contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
        })
    });
    let begun = Instant::now();
    assert!(over_tls(&folder.0, serving.address, "localhost", "/token", None).starts_with("HTTP/1.1 401"), "others are served meanwhile");
    assert!(begun.elapsed() < Duration::from_secs(2));
    for waiting in patience {
        waiting.join().unwrap();
    }
}
