//! HTTPS as a client: bounded in time and size, no redirects, no proxies, and never without a judged certificate.

use core::fmt::{Debug, Display, Formatter};
use core::time::Duration;
use std::path::Path;
use std::sync::Arc;

use counterfoil::Error;
use ureq::http::{HeaderMap, Response, Uri};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use crate::error::ConfigError;

/// How to reach a server: whom to trust, and who to be.
#[derive(Clone, Debug, Default)]
pub struct Transport {
    authorities: Option<Vec<Certificate<'static>>>,
    identity: Option<ClientCert>,
    timeout: Option<Duration>,
}

impl Transport {
    /// Trusts the system's certificate authorities, presents no certificate, and gives up after 5 seconds.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the authorities in this PEM text instead of the system's.
    ///
    /// # Errors
    /// [`Error::MaterialUnusable`] when there is none in it, or something that is none.
    pub fn with_authorities(mut self, pem: &[u8]) -> Result<Self, ConfigError> {
        self.authorities = Some(certificates(pem)?);
        Ok(self)
    }

    /// As [`Transport::with_authorities`], from a file.
    ///
    /// # Errors
    /// [`Error::MaterialUnusable`].
    pub fn with_authorities_file(self, path: &Path) -> Result<Self, ConfigError> {
        self.with_authorities(&read(path)?)
    }

    /// Presents a certificate, leaf first, with its private key (PKCS#8, SEC1 or PKCS#1), all in PEM.
    ///
    /// # Errors
    /// [`Error::MaterialUnusable`].
    pub fn with_identity(mut self, certificate: &[u8], key: &[u8]) -> Result<Self, ConfigError> {
        let key = PrivateKey::from_pem(key).map_err(|_| unusable("the private key is not PEM"))?;
        self.identity = Some(ClientCert::new_with_certs(&certificates(certificate)?, key));
        Ok(self)
    }

    /// As [`Transport::with_identity`], from files.
    ///
    /// # Errors
    /// [`Error::MaterialUnusable`].
    pub fn with_identity_files(self, certificate: &Path, key: &Path) -> Result<Self, ConfigError> {
        self.with_identity(&read(certificate)?, &read(key)?)
    }

    /// Gives up after another time than 5 seconds, all told.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    pub(crate) const fn has_identity(&self) -> bool {
        self.identity.is_some()
    }

    fn agent(&self) -> Result<Agent, ConfigError> {
        let roots = match &self.authorities {
            Some(authorities) => authorities.clone(),
            None => system_authorities()?,
        };
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&roots))
            .client_cert(self.identity.clone())
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .https_only(true)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .max_response_header_size(16 * 1024)
            .timeout_global(Some(self.timeout.unwrap_or(Duration::from_secs(5))))
            .user_agent(concat!("counterfoil-gateway/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(config.into())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|error| unusable(format!("{}: {error}", path.display())))
}

fn unusable(about: impl Into<String>) -> ConfigError {
    ConfigError::new(Error::MaterialUnusable, about)
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, ConfigError> {
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Ok(certificate),
        _ => Err(unusable("a PEM block that is no certificate")),
    };
    let certificates: Vec<_> = parse_pem(pem).map(certificate).collect::<Result<_, _>>()?;
    if certificates.is_empty() { Err(unusable("no certificate in PEM")) } else { Ok(certificates) }
}

fn system_authorities() -> Result<Vec<Certificate<'static>>, ConfigError> {
    let loaded = rustls_native_certs::load_native_certs();
    if loaded.certs.is_empty() {
        return Err(unusable("the system has no certificate authorities"));
    }
    Ok(loaded.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect())
}

/// A client for one kind of request, which keeps its connections.
#[derive(Clone)]
pub struct Https {
    agent: Agent,
    largest: u64,
}

impl Debug for Https {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        f.write_str("Https")
    }
}

/// What a server answered.
pub struct Answer {
    /// The status code.
    pub status: u16,
    headers: HeaderMap,
    /// The body, whole.
    pub body: Vec<u8>,
}

/// Why there is no answer. Says nothing of what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchFailure {
    /// No connection, or it broke.
    Unreachable,
    /// The server's certificate is not trusted, or the handshake failed otherwise.
    Untrusted,
    /// It took too long.
    TimedOut,
    /// The answer is longer than allowed.
    TooLarge,
    /// The answer is not HTTP.
    Malformed,
    /// The answer has this status, which says nothing.
    Status(u16),
    /// The answer is of another media type than was asked for.
    MediaType,
}

impl Display for FetchFailure {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unreachable => f.write_str("unreachable"),
            Self::Untrusted => f.write_str("TLS failed"),
            Self::TimedOut => f.write_str("timed out"),
            Self::TooLarge => f.write_str("answer too large"),
            Self::Malformed => f.write_str("answer malformed"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::MediaType => f.write_str("another media type"),
        }
    }
}

impl core::error::Error for FetchFailure {}

impl Https {
    /// A client whose answers have at most `largest` bytes.
    ///
    /// # Errors
    /// [`Error::MaterialUnusable`].
    pub fn new(transport: &Transport, largest: usize) -> Result<Self, ConfigError> {
        Ok(Self { agent: transport.agent()?, largest: largest as u64 })
    }

    /// `GET` with these headers, once.
    ///
    /// # Errors
    /// Why there is no answer. An answer may have any status; redirects are not followed.
    pub fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, FetchFailure> {
        let request = headers.iter().fold(self.agent.get(url), |request, (name, value)| request.header(*name, *value));
        self.read(request.call())
    }

    /// `POST` of a form with these headers, once.
    ///
    /// # Errors
    /// As [`Https::get`].
    pub fn post_form(&self, url: &str, headers: &[(&str, &str)], form: &str) -> Result<Answer, FetchFailure> {
        let request = headers.iter().fold(self.agent.post(url), |request, (name, value)| request.header(*name, *value));
        self.read(request.content_type("application/x-www-form-urlencoded").send(form))
    }

    /// `POST` of JSON with these headers, once.
    ///
    /// # Errors
    /// As [`Https::get`].
    pub fn post_json(&self, url: &str, headers: &[(&str, &str)], json: &str) -> Result<Answer, FetchFailure> {
        let request = headers.iter().fold(self.agent.post(url), |request, (name, value)| request.header(*name, *value));
        self.read(request.content_type("application/json").send(json))
    }

    fn read(&self, response: Result<Response<Body>, ureq::Error>) -> Result<Answer, FetchFailure> {
        let (head, mut body) = response.map_err(failure)?.into_parts();
        let body = body.with_config().limit(self.largest).read_to_vec().map_err(failure)?;
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }
}

fn failure(error: ureq::Error) -> FetchFailure {
    match error {
        ureq::Error::Timeout(_) => FetchFailure::TimedOut,
        ureq::Error::BodyExceedsLimit(_) => FetchFailure::TooLarge,
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) => FetchFailure::Untrusted,
        ureq::Error::Io(error) if error.get_ref().is_some_and(|cause| cause.is::<rustls::Error>()) => FetchFailure::Untrusted,
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => FetchFailure::TimedOut,
        ureq::Error::Io(_) | ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => FetchFailure::Unreachable,
        _ => FetchFailure::Malformed,
    }
}

impl Answer {
    /// A header's value, if there is exactly one and it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let only = values.next()?;
        if values.next().is_some() { None } else { only.to_str().ok() }
    }

    /// Whether the media type is this one, whatever its parameters.
    #[must_use]
    pub fn is_media_type(&self, name: &str) -> bool {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().is_some_and(|own| own.trim().eq_ignore_ascii_case(name))
    }

    /// For how many more seconds the answer may be used (RFC 9111 section 4.2.1): `max-age` less `Age`; 0 where it may not be kept; `None` where
    /// it does not say.
    #[must_use]
    pub fn max_age(&self) -> Option<u64> {
        let directives =
            || self.headers.get_all("cache-control").iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        let is = |directive: &str, name: &str| directive.trim().eq_ignore_ascii_case(name);
        if directives().any(|directive| is(directive, "no-store") || is(directive, "no-cache")) {
            return Some(0);
        }
        let (_, seconds) = directives().filter_map(|directive| directive.split_once('=')).find(|(name, _)| is(name, "max-age"))?;
        let age = self.header("age").and_then(|age| age.trim().parse().ok()).unwrap_or(0);
        seconds.trim().trim_matches('"').parse::<u64>().ok().map(|seconds| seconds.saturating_sub(age))
    }
}

impl Debug for Answer {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        write!(f, "Answer({}, {} bytes)", self.status, self.body.len())
    }
}

/// Takes an address from the configuration.
///
/// # Errors
/// [`Error::AddressMalformed`] for anything but an absolute https URL without user information and fragment.
pub(crate) fn https_url(url: &str) -> Result<String, ConfigError> {
    let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic()) && !url.contains('#');
    let parsed = url.parse::<Uri>().ok().filter(|uri| uri.scheme_str() == Some("https") && is_plain);
    match parsed.as_ref().and_then(Uri::authority) {
        Some(authority) if !authority.host().is_empty() && !authority.as_str().contains('@') => Ok(url.to_owned()),
        _ => Err(ConfigError::new(Error::AddressMalformed, "not an absolute https URL")),
    }
}

/// Appends `text` as the value of a form field or the segment of a path: everything but unreserved characters is escaped (RFC 3986 section 2.3).
pub(crate) fn push_escaped(out: &mut String, text: &[u8]) {
    use core::fmt::Write as _;
    for byte in text {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(*byte));
        } else {
            write!(out, "%{byte:02X}").unwrap_or_default();
        }
    }
}
