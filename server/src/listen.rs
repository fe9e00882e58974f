//! Sockets, TLS and the bounds on what comes in by them.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use counterfoil_gateway::Certificate;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime as TlsTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{Acceptor, WebPkiClientVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::LazyConfigAcceptor;

use crate::Server;
use crate::config::{CertificateFormat, Ciphers, Config, ConfigError, Listen, Proxy};
use crate::http::{Peer, PeerCertificate, Request, Response, empty};
use crate::store::Store;

/// The longest body.
const BODY: usize = 64 * 1024;
/// The longest header section; hyper answers 431 above it.
const HEADER: usize = 16 * 1024;
/// The longest URL.
const URL: usize = 8 * 1024;
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// How long headers, and then the body, may take.
const READ: Duration = Duration::from_secs(10);
/// How long requests may go on after the server was told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// A bound socket.
pub struct Listener {
    socket: TcpListener,
    mtls: Option<TcpListener>,
    operations: Option<TcpListener>,
    tls: Option<Arc<Tls>>,
    authorities: Arc<Authorities>,
    proxy: Option<Arc<Proxy>>,
    addresses: Addresses,
    places: Arc<Semaphore>,
}

impl core::fmt::Debug for Listener {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Listener").field("socket", &self.socket).finish_non_exhaustive()
    }
}

impl Listener {
    /// Binds the address of the configuration and loads its certificates.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub async fn bind(config: &Config) -> Result<Self, ConfigError> {
        let tls = Tls::open(&config.listen)?.map(Arc::new);
        let authorities = Arc::new(Authorities::open(config.listen.client_authorities.as_deref())?);
        let bind = async |name: &str, address: SocketAddr| {
            TcpListener::bind(address).await.map_err(|error| ConfigError::new(format!("listen.{name} {address}"), error))
        };
        let socket = bind("address", config.listen.address).await?;
        let bind_if = async |name: &str, address: Option<SocketAddr>| match address {
            Some(address) => bind(name, address).await.map(Some),
            None => Ok(None),
        };
        let mtls = bind_if("mtls_address", config.listen.mtls_address).await?;
        let operations = bind_if("operations", config.listen.operations).await?;
        let limits = &config.limits;
        Ok(Self {
            socket,
            mtls,
            operations,
            tls,
            authorities,
            proxy: config.listen.proxy.clone().map(Arc::new),
            addresses: Addresses { most: limits.address_connections, open: Arc::default() },
            places: Arc::new(Semaphore::new(usize::try_from(limits.connections).unwrap_or(Semaphore::MAX_PERMITS))),
        })
    }

    /// Where it listens, which tells the port where the configuration says 0.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Where certificates are always asked for; `None` where that is told by host name.
    #[must_use]
    pub fn mtls_address(&self) -> Option<SocketAddr> {
        self.mtls.as_ref().and_then(|socket| socket.local_addr().ok())
    }

    /// Where operators are served; `None` where they are not.
    #[must_use]
    pub fn operations_address(&self) -> Option<SocketAddr> {
        self.operations.as_ref().and_then(|socket| socket.local_addr().ok())
    }

    /// Serves until `stop` is done, and then lets requests end that have begun.
    pub async fn serve<S: Store>(self, server: Arc<Server<S>>, stop: impl Future<Output = ()>) {
        let graceful = GracefulShutdown::new();
        let mut stop = core::pin::pin!(stop);
        let mut reload = tokio::time::interval(Duration::from_secs(2));
        loop {
            tokio::select! {
                () = &mut stop => break,
                _ = reload.tick() => self.reload(&server),
                accepted = accept(Some(&self.socket)) => self.take(accepted, Door::Everybody, &server, &graceful),
                accepted = accept(self.mtls.as_ref()) => self.take(accepted, Door::Certificates, &server, &graceful),
                accepted = accept(self.operations.as_ref()) => self.take(accepted, Door::Operators, &server, &graceful),
            }
        }
        drop((self.socket, self.mtls, self.operations));
        server.stop_waiting();
        let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
    }

    fn reload<S: Store>(&self, server: &Server<S>) {
        let certificates = self.tls.as_ref().map_or(Ok(false), |tls| tls.reload());
        match certificates.and_then(|changed| self.authorities.reload().map(|also| changed || also)) {
            Ok(true) => tracing::info!("certificates loaded again"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the new certificates cannot be used; the old ones stay"),
        }
        match server.keys().reload() {
            Ok(true) => tracing::info!("keys loaded again"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the new keys cannot be used; the old ones stay"),
        }
    }

    fn take<S: Store>(&self, (socket, address): (TcpStream, SocketAddr), door: Door, server: &Arc<Server<S>>, graceful: &GracefulShutdown) {
        // Without TLS, only a proxy on whose word one may rely is talked to, or somebody on this very machine.
        let is_trusted = || self.proxy.as_ref().is_some_and(|proxy| proxy.peers.contains(&address.ip()));
        if self.tls.is_none() && !address.ip().is_loopback() && !is_trusted() {
            return;
        }
        // Above the bounds a connection is closed at once: who is in already is served.
        let (Some(counted), Ok(place)) = (self.addresses.count(address.ip()), self.places.clone().try_acquire_owned()) else { return };
        let _ = socket.set_nodelay(true);
        let tls = self.tls.clone().filter(|_| door != Door::Operators);
        let (server, watcher, authorities) = (server.clone(), graceful.watcher(), self.authorities.clone());
        tokio::spawn(async move {
            let _held = (counted, place);
            let Some(tls) = tls else {
                let peer = Peer { address: address.ip(), certificate: None, is_mtls_host: false, is_operator: door == Door::Operators };
                return serve_connection(socket, peer, (server, authorities), watcher).await;
            };
            match tokio::time::timeout(HANDSHAKE, tls.accept(socket, address.ip(), door, &authorities)).await {
                Ok(Some((stream, peer))) => serve_connection(stream, peer, (server, authorities), watcher).await,
                Ok(None) => tracing::debug!(peer = %address, "handshake failed"),
                Err(_) => tracing::debug!(peer = %address, "handshake took too long"),
            }
        });
    }
}

/// By which of the addresses a connection came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Everybody,
    Certificates,
    Operators,
}

/// The next connection; never, where there is no socket.
async fn accept(socket: Option<&TcpListener>) -> (TcpStream, SocketAddr) {
    let Some(socket) = socket else { return core::future::pending().await };
    loop {
        match socket.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                // Out of file descriptors, most likely: others will end soon.
                tracing::warn!(%error, "no connection could be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve_connection<S: Store, T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: T,
    peer: Peer,
    (server, authorities): (Arc<Server<S>>, Arc<Authorities>),
    watcher: hyper_util::server::graceful::Watcher,
) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(READ).max_buf_size(HEADER).keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .max_header_list_size(16 * 1024)
        .max_pending_accept_reset_streams(20)
        .keep_alive_interval(Duration::from_secs(30));
    let service = service_fn(move |request| {
        let (server, authorities, peer) = (server.clone(), authorities.clone(), peer.clone());
        async move { Ok::<_, core::convert::Infallible>(answer(&server, &authorities, peer, request).await) }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "connection ended");
    }
}

/// Reads a request as a whole, within its bounds, and answers it.
async fn answer<S: Store>(server: &Server<S>, authorities: &Authorities, mut peer: Peer, request: hyper::Request<Incoming>) -> Response {
    let (parts, body) = request.into_parts();
    if parts.uri.path_and_query().is_some_and(|target| target.as_str().len() > URL) {
        return empty(StatusCode::URI_TOO_LONG);
    }
    if body.size_hint().lower() > u64::try_from(BODY).unwrap_or(u64::MAX) {
        return empty(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let body = match tokio::time::timeout(READ, Limited::new(body, BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => return empty(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => return empty(StatusCode::BAD_REQUEST),
        Err(_) => return empty(StatusCode::REQUEST_TIMEOUT),
    };
    if let Some(proxy) = server.config().listen.proxy.as_ref().filter(|proxy| proxy.peers.contains(&peer.address)) {
        let authority = parts.headers.get(hyper::header::HOST).and_then(|host| host.to_str().ok()).or(parts.uri.host()).unwrap_or_default();
        let host = authority.split(':').next().unwrap_or_default();
        peer.is_mtls_host = server.config().listen.mtls_host.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(host));
        match forwarded(proxy, &parts.headers, authorities) {
            Ok(certificate) => peer.certificate = certificate.map(Arc::new),
            Err(status) => return empty(status),
        }
    }
    server.answer(Request { parts, body, peer, now: server.now() }).await
}

/// The certificate that a trusted proxy passes on: in one header, once.
fn forwarded(proxy: &Proxy, headers: &HeaderMap, authorities: &Authorities) -> Result<Option<PeerCertificate>, StatusCode> {
    let mut lines = headers.get_all(&proxy.certificate_header).iter();
    let Some(line) = lines.next().filter(|line| !line.is_empty()) else { return Ok(None) };
    if lines.next().is_some() {
        return Err(StatusCode::BAD_REQUEST);
    }
    let certificate = match proxy.certificate_format {
        CertificateFormat::ClientCert => Certificate::client_cert(line.as_bytes()),
        CertificateFormat::EscapedPem => Certificate::escaped_pem(line.as_bytes()),
    };
    let der = crate::certificate::der_of(line.as_bytes(), proxy.certificate_format).ok_or(StatusCode::BAD_REQUEST)?;
    let is_vouched_for = authorities.vouch_for(&[CertificateDer::from(der.clone())]);
    Ok(Some(PeerCertificate { certificate, der, is_vouched_for }))
}

/// Open connections by address.
#[derive(Debug)]
struct Addresses {
    most: u32,
    open: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

struct Counted {
    address: IpAddr,
    open: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

impl Addresses {
    fn count(&self, address: IpAddr) -> Option<Counted> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Counted { address, open: self.open.clone() })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// The server's side of TLS, loaded again when its files change.
struct Tls {
    listen: Listen,
    current: ArcSwap<Loaded>,
}

struct Loaded {
    stamps: [Option<SystemTime>; 2],
    plain: Arc<ServerConfig>,
    /// Asks for a certificate, on its own host name.
    mtls: Option<Arc<ServerConfig>>,
}

impl Tls {
    fn open(listen: &Listen) -> Result<Option<Self>, ConfigError> {
        if listen.certificate.is_none() {
            return Ok(None);
        }
        Ok(Some(Self { listen: listen.clone(), current: ArcSwap::from_pointee(Loaded::read(listen)?) }))
    }

    fn reload(&self) -> Result<bool, ConfigError> {
        if stamps(&self.listen) == self.current.load().stamps {
            return Ok(false);
        }
        self.current.store(Arc::new(Loaded::read(&self.listen)?));
        Ok(true)
    }

    /// The handshake. What kind it is, the client says by the host name that it asks for.
    async fn accept(
        &self,
        socket: TcpStream,
        address: IpAddr,
        door: Door,
        authorities: &Authorities,
    ) -> Option<(tokio_rustls::server::TlsStream<TcpStream>, Peer)> {
        let start = LazyConfigAcceptor::new(Acceptor::default(), socket).await.ok()?;
        let loaded = self.current.load_full();
        let is_mtls_host = door == Door::Certificates || self.listen.is_mtls_name(start.client_hello().server_name());
        let config = loaded.mtls.as_ref().filter(|_| is_mtls_host).unwrap_or(&loaded.plain);
        let stream = start.into_stream(config.clone()).await.ok()?;
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let certificate = chain.first().map(|leaf| {
            Arc::new(PeerCertificate {
                certificate: Certificate::der(leaf.as_ref()),
                der: leaf.as_ref().to_vec(),
                is_vouched_for: authorities.vouch_for(chain),
            })
        });
        Some((stream, Peer { address, certificate, is_mtls_host, is_operator: false }))
    }
}

impl Loaded {
    fn read(listen: &Listen) -> Result<Self, ConfigError> {
        let stamps = stamps(listen);
        let (Some(certificate), Some(key)) = (&listen.certificate, &listen.key) else {
            return Err(ConfigError::new("listen", "certificate and key are missing"));
        };
        let chain = certificates(certificate)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error))?;
        let provider = provider_of(listen.ciphers);
        let builder = || {
            let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
            builder.map_err(|error| ConfigError::new("listen", error))
        };
        let finish = |config: Result<ServerConfig, rustls::Error>| {
            let mut config = config.map_err(|error| wrong(certificate, error))?;
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            Ok::<_, ConfigError>(Arc::new(config))
        };
        let plain = finish(builder()?.with_no_client_auth().with_single_cert(chain.clone(), key.clone_key()))?;
        let mtls = match &listen.mtls_host {
            None => None,
            Some(_) => {
                let any = Arc::new(AnyCertificate(provider.signature_verification_algorithms));
                Some(finish(builder()?.with_client_cert_verifier(any).with_single_cert(chain, key))?)
            }
        };
        Ok(Self { stamps, plain, mtls })
    }
}

/// With named parts, so that no process-wide choice of a provider is made or needed.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn provider_of(ciphers: Ciphers) -> Arc<CryptoProvider> {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    if ciphers == Ciphers::Fapi1 {
        use rustls::CipherSuite::{TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384};
        let permitted = [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384];
        provider.cipher_suites.retain(|suite| suite.tls13().is_some() || permitted.contains(&suite.suite()));
    }
    Arc::new(provider)
}

/// Who vouches for clients' certificates; loaded again when the file changes.
struct Authorities {
    file: Option<PathBuf>,
    current: ArcSwap<Vouching>,
}

struct Vouching {
    stamp: Option<SystemTime>,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
}

impl Authorities {
    fn open(file: Option<&Path>) -> Result<Self, ConfigError> {
        Ok(Self { file: file.map(Path::to_owned), current: ArcSwap::from_pointee(Vouching::read(file)?) })
    }

    fn reload(&self) -> Result<bool, ConfigError> {
        if stamp(self.file.as_deref()) == self.current.load().stamp {
            return Ok(false);
        }
        self.current.store(Arc::new(Vouching::read(self.file.as_deref())?));
        Ok(true)
    }

    fn vouch_for(&self, chain: &[CertificateDer<'_>]) -> bool {
        let current = self.current.load();
        let Some((verifier, (leaf, rest))) = current.verifier.as_ref().zip(chain.split_first()) else { return false };
        verifier.verify_client_cert(leaf, rest, TlsTime::now()).is_ok()
    }
}

impl Vouching {
    fn read(file: Option<&Path>) -> Result<Self, ConfigError> {
        let stamp = stamp(file);
        let Some(file) = file else { return Ok(Self { stamp, verifier: None }) };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(file)? {
            roots.add(certificate).map_err(|error| wrong(file, error))?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build();
        Ok(Self { stamp, verifier: Some(verifier.map_err(|error| wrong(file, error))?) })
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let found = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match found {
        Ok(found) if found.is_empty() => Err(wrong(file, "holds no certificate")),
        Ok(found) => Ok(found),
        Err(error) => Err(wrong(file, error)),
    }
}

fn stamps(listen: &Listen) -> [Option<SystemTime>; 2] {
    [stamp(listen.certificate.as_deref()), stamp(listen.key.as_deref())]
}

fn stamp(file: Option<&Path>) -> Option<SystemTime> {
    std::fs::metadata(file?).and_then(|metadata| metadata.modified()).ok()
}

fn wrong(place: &Path, what: impl core::fmt::Display) -> ConfigError {
    ConfigError::new(place.display().to_string(), what)
}

/// Takes any certificate whose key the client proves to hold: whom it names, and who vouches for it, is judged with the request
/// (RFC 8705 section 2.2 needs no authority at all).
#[derive(Debug)]
struct AnyCertificate(WebPkiSupportedAlgorithms);

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _now: TlsTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
