//! The configuration: read once, judged once; what is wrong is said with its place.

use core::fmt::{Display, Formatter};
use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// What a server is told. Every member but `issuer` has a default; `counterfoil-server init` writes them all down.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The issuer identifier (RFC 8414 section 2): an https URL without a slash at its end. Every URL of the server begins with it.
    pub issuer: String,
    /// Where the server listens.
    #[serde(default)]
    pub listen: Listen,
    /// Where it remembers things.
    #[serde(default)]
    pub store: StoreSettings,
    /// What it signs with.
    #[serde(default)]
    pub keys: KeySettings,
    /// How long things live, in seconds.
    #[serde(default)]
    pub lifetimes: Lifetimes,
    /// DPoP (RFC 9449).
    #[serde(default)]
    pub dpop: Dpop,
    /// How much one may ask.
    #[serde(default)]
    pub limits: Limits,
    /// Scopes beside `openid`, with what the consent page says of each.
    #[serde(default)]
    pub scopes: BTreeMap<String, String>,
    /// What tokens are for; the first one is the default. With none, tokens are for the issuer itself.
    #[serde(default, rename = "resource")]
    pub resources: Vec<Resource>,
    /// The types of `authorization_details` (RFC 9396), with what each must have.
    #[serde(default, rename = "authorization_details")]
    pub details: BTreeMap<String, DetailsType>,
    /// Clients of the configuration itself, in the words of RFC 7591; they are not in the store.
    #[serde(default, rename = "client")]
    pub clients: Vec<Value>,
    /// A folder with page templates that replace the built-in ones of the same name.
    #[serde(default)]
    pub templates: Option<PathBuf>,
    /// Registration by clients themselves (RFC 7591).
    #[serde(default)]
    pub registration: Registration,
    /// How the people see the server.
    #[serde(default)]
    pub pages: PageSettings,
    /// How people sign in.
    #[serde(default)]
    pub login: Login,
    /// How gateways get counterfoils.
    #[serde(default)]
    pub split_tokens: SplitTokenSettings,
}

/// Where the server listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Address and port.
    pub address: SocketAddr,
    /// Address and port for operators alone, in plain HTTP: `/metrics`, and what else the server has. Absent, there are no metrics.
    pub operations: Option<SocketAddr>,
    /// The certificate chain in PEM, leaf first. Without one the server speaks plain HTTP, and only on loopback addresses or to `proxy`.
    pub certificate: Option<PathBuf>,
    /// The certificate's private key in PEM.
    pub key: Option<PathBuf>,
    /// The host name on which client certificates are asked for: the server tells by SNI. With `mtls_address`, the host and port by which
    /// clients reach that address.
    pub mtls_host: Option<String>,
    /// A second address and port, on which client certificates are always asked for, instead of a host name of their own.
    pub mtls_address: Option<SocketAddr>,
    /// Which cipher suites TLS 1.2 offers; those of TLS 1.3 are always all.
    pub ciphers: Ciphers,
    /// Authorities in PEM that vouch for clients' certificates: for `tls_client_auth`.
    pub client_authorities: Option<PathBuf>,
    /// A proxy in front that ends TLS.
    pub proxy: Option<Proxy>,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8443)),
            operations: None,
            certificate: None,
            key: None,
            mtls_host: None,
            mtls_address: None,
            ciphers: Ciphers::default(),
            client_authorities: None,
            proxy: None,
        }
    }
}

impl Listen {
    /// Whether a client that asks for this host name (SNI) is asked for a certificate on the first address.
    pub(crate) fn is_mtls_name(&self, name: Option<&str>) -> bool {
        self.mtls_address.is_none() && name.is_some_and(|name| self.mtls_host.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name)))
    }

    fn judge(&self) -> Result<(), ConfigError> {
        let wrong = |what: &str| Err(ConfigError::new("listen", what));
        if self.certificate.is_some() != self.key.is_some() {
            return wrong("certificate and key belong together");
        }
        if self.certificate.is_none() && !self.address.ip().is_loopback() && self.proxy.is_none() {
            return wrong("without a certificate the address must be a loopback address, or there must be a proxy");
        }
        if self.mtls_address.is_some() && (self.certificate.is_none() || self.mtls_host.is_none()) {
            return wrong("mtls_address needs a certificate, and mtls_host to say how clients reach it");
        }
        Ok(())
    }
}

/// Cipher suites of TLS 1.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ciphers {
    /// ECDHE with AES-GCM or ChaCha20-Poly1305 (BCP 195, FAPI 2.0 section 5.2.2).
    #[default]
    Fapi2,
    /// ECDHE with RSA and AES-GCM alone (FAPI 1.0 Part 2 section 8.5): the server's certificate must have an RSA key.
    Fapi1,
}

/// A proxy that ends TLS and passes the client's certificate on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// From where its connections come; from elsewhere the header is refused.
    pub peers: Vec<IpAddr>,
    /// The header with the certificate.
    pub certificate_header: String,
    /// How it is written: `client-cert` (RFC 9440) or `escaped-pem` (nginx's `$ssl_client_escaped_cert`).
    #[serde(default)]
    pub certificate_format: CertificateFormat,
}

/// How a proxy writes a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateFormat {
    /// RFC 9440.
    #[default]
    ClientCert,
    /// PEM with percent escapes.
    EscapedPem,
}

/// Where the server remembers things: in one of these, and where none is named in the SQLite file `counterfoil.db`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    /// A SQLite file, made if it is not there.
    pub sqlite: Option<PathBuf>,
    /// A PostgreSQL database.
    pub postgres: Option<DatabaseUrl>,
    /// Authorities in PEM that vouch for the database's certificate. With them the connections are by TLS, without they are not.
    pub postgres_authorities: Option<PathBuf>,
    /// Connections to PostgreSQL at a time.
    pub postgres_connections: usize,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self { sqlite: None, postgres: None, postgres_authorities: None, postgres_connections: 16 }
    }
}

impl StoreSettings {
    /// The SQLite file, where that is the store.
    #[must_use]
    pub fn sqlite(&self) -> &Path {
        self.sqlite.as_deref().unwrap_or_else(|| Path::new("counterfoil.db"))
    }

    fn judge(&self) -> Result<(), ConfigError> {
        let wrong = |member: &str, what: &str| Err(ConfigError::new(format!("store.{member}"), what));
        match &self.postgres {
            Some(_) if self.sqlite.is_some() => wrong("postgres", "there is sqlite too; only one can be the store"),
            Some(_) if self.postgres_connections == 0 => wrong("postgres_connections", "must not be 0"),
            Some(url) => crate::store::postgres_settings(url.as_str(), self.postgres_authorities.is_some())
                .map_or_else(|what| wrong("postgres", what), |_| Ok(())),
            None if self.postgres_authorities.is_some() => wrong("postgres_authorities", "makes no sense without postgres"),
            None => Ok(()),
        }
    }
}

/// A URL that may hold a password, which `Debug` does not show.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The text, for who connects.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        f.write_str("DatabaseUrl")
    }
}

/// What the server signs with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeySettings {
    /// The folder with the private keys and `keys.json`, which says what each is for.
    pub folder: PathBuf,
    /// The algorithm of access tokens, and of ID tokens of clients that name none: `ES256`, `PS256` or `EdDSA`.
    pub algorithm: String,
    /// The file with the secret that DPoP nonces are made of, 32 bytes or more: the same for all servers of an issuer.
    pub nonce_secret: PathBuf,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self { folder: PathBuf::from("keys"), algorithm: "ES256".to_owned(), nonce_secret: PathBuf::from("nonce.secret") }
    }
}

/// How long things live, in seconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lifetimes {
    /// Of a `request_uri`: 5 to 599 (FAPI 2.0 section 5.3.2.2).
    pub request_uri: u64,
    /// Of a code: 1 to 60.
    pub code: u64,
    /// Of an access token, where its resource says nothing else.
    pub access_token: u64,
    /// Of a refresh token.
    pub refresh_token: u64,
    /// Of an ID token.
    pub id_token: u64,
    /// Of what a person consented to.
    pub grant: u64,
    /// Of a signed-in browser.
    pub session: u64,
    /// Of an answer that a token is active, in the memory of who asked; 0 for none, so that each request is asked about.
    pub introspection: u64,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            request_uri: 60,
            code: 60,
            access_token: 300,
            refresh_token: 90 * 86_400,
            id_token: 300,
            grant: 90 * 86_400,
            session: 8 * 3600,
            introspection: 0,
        }
    }
}

/// DPoP.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dpop {
    /// Whether every proof must carry a nonce of the server (RFC 9449 section 8).
    pub nonces: bool,
}

/// How much one may ask.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests a second of one client; 0 for no limit.
    pub client_rate: u32,
    /// Requests a second from one address; 0 for no limit.
    pub address_rate: u32,
    /// Connections from one address at a time.
    pub address_connections: u32,
    /// Connections at a time.
    pub connections: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { client_rate: 0, address_rate: 0, address_connections: 256, connections: 4096 }
    }
}

/// Something that tokens are for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// Its identifier: what clients say as `resource` and tokens as `aud` (RFC 8707).
    pub uri: String,
    /// What form its tokens have.
    #[serde(default)]
    pub format: TokenFormat,
    /// How long its tokens live, in seconds.
    #[serde(default)]
    pub access_token_lifetime: Option<u64>,
    /// The scopes that make sense there; empty for all.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// What `/resource` demands of tokens, if this is the first one: how the person signed in (RFC 9470).
    #[serde(default)]
    pub acr_values: Vec<String>,
    /// What `/resource` demands of tokens, if this is the first one: how long ago the person signed in at most, in seconds.
    #[serde(default)]
    pub max_age: Option<u64>,
}

/// What form an access token has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenFormat {
    /// The client gets the whole token (RFC 9068).
    #[default]
    Jwt,
    /// The client gets a reference; who may introspect learns what it stands for.
    Phantom,
    /// The client gets the signature; gateways get the rest.
    Split,
}

/// A type of `authorization_details`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DetailsType {
    /// What the consent page calls it.
    pub title: Option<String>,
    /// The members that an element must have.
    pub required: Vec<String>,
    /// The members that it may have; with none listed, any.
    pub optional: Vec<String>,
}

impl DetailsType {
    /// Whether an element has what it must and nothing else (RFC 9396 section 5).
    pub(crate) fn judge(&self, element: &Value) -> Result<(), &'static str> {
        let members = element.as_object().ok_or("each of authorization_details must be an object with a type")?;
        if self.required.iter().any(|name| !members.contains_key(name)) {
            return Err("an element of authorization_details lacks a member");
        }
        let is_known = |name: &String| name == "type" || self.required.contains(name) || self.optional.contains(name);
        if !self.optional.is_empty() && !members.keys().all(is_known) {
            return Err("an element of authorization_details has an unknown member");
        }
        Ok(())
    }
}

/// Registration by clients themselves.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Registration {
    /// The SHA-256, in base64url, of each initial access token (RFC 7591 section 3) that opens the endpoint; with none it is closed.
    pub initial_access_tokens: Vec<String>,
}

/// How people see the server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PageSettings {
    /// The name at the top of each page; the issuer's host name where it is absent.
    pub title: Option<String>,
    /// Whether somebody who has signed in for one request need not do so for the next.
    pub stay_signed_in: bool,
}

/// How gateways get counterfoils.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplitTokenSettings {
    /// How keys are spelled in the feed and in Valkey or Redis: a request for one counterfoil may spell it either way.
    pub key_encoding: CounterfoilKeyEncoding,
    /// A Valkey or Redis server to which counterfoils are published too: `redis://[user:password@]host[:port][/database]`, or
    /// `redis+unix:///path`. While it does not answer, no split tokens are issued.
    pub redis: Option<DatabaseUrl>,
    /// What keys there begin with.
    pub prefix: String,
}

impl Default for SplitTokenSettings {
    fn default() -> Self {
        Self { key_encoding: CounterfoilKeyEncoding::default(), redis: None, prefix: "counterfoil:".to_owned() }
    }
}

/// How the key of a counterfoil is spelled: it is the SHA-256 of its ticket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CounterfoilKeyEncoding {
    /// Without padding.
    #[default]
    Base64url,
    /// With padding, as Curity's publishers write it.
    Base64,
}

impl CounterfoilKeyEncoding {
    pub(crate) const fn encoding(self) -> counterfoil::oauth::split_token::KeyEncoding {
        use counterfoil::oauth::split_token::KeyEncoding;
        match self {
            Self::Base64url => KeyEncoding::Base64url,
            Self::Base64 => KeyEncoding::Base64,
        }
    }
}

/// How people sign in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Login {
    /// What tokens say as `acr` of somebody who signed in with a password.
    pub acr: String,
    /// Another OpenID provider, at which people sign in instead of here.
    pub provider: Option<IdentityProviderSettings>,
}

/// Another OpenID provider. It knows this server as a client, by the keys of its `jwks_uri` (`private_key_jwt`) or by a certificate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityProviderSettings {
    /// Its issuer identifier.
    pub issuer: String,
    /// What it calls this server. Its `redirect_uri` there is this server's `/login/return`.
    pub client_id: String,
    /// What is asked for.
    #[serde(default = "default_provider_scope")]
    pub scope: String,
    /// What `acr` in its ID tokens may be; passed on when a client demands one of them.
    #[serde(default)]
    pub acr_values: Vec<String>,
    /// What its ID tokens may be signed by: `ES256`, `PS256`, `EdDSA`; `RS256`, which FAPI does not permit, only where it is named here.
    #[serde(default = "default_provider_algorithms")]
    pub algorithms: Vec<String>,
    /// Authorities in PEM that vouch for its certificate, instead of the system's.
    #[serde(default)]
    pub authorities: Option<PathBuf>,
    /// The certificate that this server shows there, in PEM, instead of assertions by its keys.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// The certificate's private key in PEM.
    #[serde(default)]
    pub key: Option<PathBuf>,
}

fn default_provider_scope() -> String {
    "openid profile email".to_owned()
}

fn default_provider_algorithms() -> Vec<String> {
    ["ES256", "PS256", "EdDSA"].map(str::to_owned).to_vec()
}

impl IdentityProviderSettings {
    pub(crate) fn engine_algorithms(&self) -> Result<Vec<&'static dyn counterfoil::jose::algorithm::Algorithm>, ConfigError> {
        use counterfoil::crypto::{ED25519, EDDSA, ES256, PS256, RS256};
        let mut algorithms: Vec<&'static dyn counterfoil::jose::algorithm::Algorithm> = Vec::new();
        for name in &self.algorithms {
            match name.as_str() {
                "ES256" => algorithms.push(&ES256),
                "PS256" => algorithms.push(&PS256),
                "EdDSA" => algorithms.extend([&EDDSA as &dyn counterfoil::jose::algorithm::Algorithm, &ED25519]),
                "RS256" => algorithms.push(&RS256),
                _ => return Err(ConfigError::new("login.provider.algorithms", "may be ES256, PS256, EdDSA and RS256")),
            }
        }
        Ok(algorithms)
    }

    fn judge(&self) -> Result<(), ConfigError> {
        let wrong = |member: &str, what: &str| Err(ConfigError::new(format!("login.provider.{member}"), what));
        if !self.issuer.starts_with("https://") {
            return wrong("issuer", "must be an https URL");
        }
        if !self.scope.split(' ').any(|scope| scope == "openid") {
            return wrong("scope", "must have openid");
        }
        if self.algorithms.is_empty() {
            return wrong("algorithms", "must not be empty");
        }
        if self.certificate.is_some() != self.key.is_some() {
            return wrong("certificate", "and key belong together");
        }
        self.engine_algorithms().map(drop)
    }
}

impl Login {
    /// What `acr` may be.
    pub(crate) fn acr_values(&self) -> Vec<&str> {
        match &self.provider {
            Some(provider) => provider.acr_values.iter().map(String::as_str).collect(),
            None => vec![&self.acr],
        }
    }
}

impl Default for Login {
    fn default() -> Self {
        Self { acr: "urn:counterfoil:password".to_owned(), provider: None }
    }
}

/// What is wrong with a configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    place: String,
    what: String,
}

impl ConfigError {
    /// Something wrong at a place.
    pub fn new(place: impl Into<String>, what: impl Display) -> Self {
        Self { place: place.into(), what: what.to_string() }
    }
}

impl Display for ConfigError {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

impl core::error::Error for ConfigError {}

impl Config {
    /// Reads a file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// The file, and what is wrong in it.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let about = |error: &dyn Display| ConfigError::new(file.display().to_string(), error);
        let text = std::fs::read_to_string(file).map_err(|error| about(&error))?;
        let mut config = Self::parse(&text).map_err(|error| about(&error))?;
        let folder = file.parent().unwrap_or_else(|| Path::new("."));
        let resolve = |path: &mut PathBuf| *path = folder.join(&*path);
        let listen = &mut config.listen;
        let store = &mut config.store;
        store.sqlite = Some(store.sqlite().to_owned()).filter(|_| store.postgres.is_none());
        [&mut listen.certificate, &mut listen.key, &mut listen.client_authorities, &mut config.templates]
            .into_iter()
            .chain([&mut store.sqlite, &mut store.postgres_authorities])
            .flatten()
            .for_each(resolve);
        [&mut config.keys.folder, &mut config.keys.nonce_secret].into_iter().for_each(resolve);
        if let Some(provider) = &mut config.login.provider {
            [&mut provider.authorities, &mut provider.certificate, &mut provider.key].into_iter().flatten().for_each(resolve);
        }
        Ok(config)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// The member, and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().lines().count().max(1));
            ConfigError::new(format!("line {line}"), error.message())
        })?;
        config.judge()?;
        Ok(config)
    }

    fn judge(&self) -> Result<(), ConfigError> {
        let wrong = |place: &str, what: &str| Err(ConfigError::new(place, what));
        let host = self.issuer.strip_prefix("https://");
        if host.is_none_or(str::is_empty) || self.issuer.ends_with('/') || self.issuer.contains(['?', '#']) {
            return wrong("issuer", "must be an https URL without query and fragment, and without a slash at its end");
        }
        self.store.judge()?;
        if let Some(provider) = &self.login.provider {
            provider.judge()?;
        }
        let lifetimes = &self.lifetimes;
        if !(5..600).contains(&lifetimes.request_uri) {
            return wrong("lifetimes.request_uri", "must be 5 to 599 seconds (FAPI 2.0 section 5.3.2.2, number 12)");
        }
        if !(1..=60).contains(&lifetimes.code) {
            return wrong("lifetimes.code", "must be 1 to 60 seconds (FAPI 2.0 section 5.3.2.1, number 11)");
        }
        if lifetimes.access_token == 0 || lifetimes.id_token == 0 || lifetimes.grant == 0 || lifetimes.session == 0 {
            return wrong("lifetimes", "must not be 0");
        }
        if crate::issue::Algorithm::named(&self.keys.algorithm).is_none() {
            return wrong("keys.algorithm", "must be ES256, PS256 or EdDSA");
        }
        for (number, resource) in self.resources.iter().enumerate() {
            if !resource.uri.contains(':') || resource.uri.contains('#') {
                return wrong(&format!("resource {number}"), "uri must be absolute and without a fragment (RFC 8707 section 2)");
            }
            if self.resources.iter().take(number).any(|earlier| earlier.uri == resource.uri) {
                return wrong(&format!("resource {number}"), "another one has the same uri");
            }
        }
        for scope in self.scopes.keys() {
            if scope.is_empty() || !scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
                return wrong("scopes", "a name is no scope (RFC 6749 section 3.3)");
            }
        }
        self.listen.judge()
    }

    /// The URL of one of the server's paths.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// The URL of a path on the host that asks for certificates.
    pub(crate) fn mtls_url(&self, path: &str) -> Option<String> {
        let host = self.listen.mtls_host.as_deref()?;
        let after = self.issuer.strip_prefix("https://")?;
        let (authority, prefix) = after.find('/').map_or((after, ""), |slash| after.split_at(slash));
        let is_whole = self.listen.mtls_address.is_some();
        let port = authority.rsplit_once(':').filter(|_| !is_whole).map_or(String::new(), |(_, port)| format!(":{port}"));
        Some(format!("https://{host}{port}{prefix}{path}"))
    }

    /// What pages are headed with.
    pub(crate) fn title(&self) -> &str {
        let host = || self.issuer.trim_start_matches("https://").split(['/', ':']).next().unwrap_or_default();
        self.pages.title.as_deref().unwrap_or_else(host)
    }

    /// The path that every URL of the server begins with: empty, or a slash and more.
    pub(crate) fn prefix(&self) -> &str {
        let after = self.issuer.split_once("://").map_or("", |(_, after)| after);
        after.find('/').map_or("", |slash| after.get(slash..).unwrap_or_default())
    }

    pub(crate) fn knows_scope(&self, scope: &str) -> bool {
        scope == "openid" || self.scopes.contains_key(scope)
    }

    pub(crate) fn resource(&self, uri: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.uri == uri)
    }

    pub(crate) fn details_type(&self, name: &str) -> Option<&DetailsType> {
        self.details.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        Config::parse(text).expect_err("a configuration that is wrong").to_string()
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        assert_eq!(
            wrong("issuer = \"https://as.example/\""),
            "issuer: must be an https URL without query and fragment, and without a slash at its end"
        );
        assert!(wrong("issuer = \"https://as.example\"\n[lifetimes]\ncode = 61").starts_with("lifetimes.code: "));
        assert!(wrong("issuer = \"https://as.example\"\n[lifetimes]\nrequest_uri = 600").starts_with("lifetimes.request_uri: "));
        assert!(wrong("issuer = \"https://as.example\"\n\n[limits]\nclient_rat = 1").starts_with("line "));
        assert!(wrong("").contains("issuer"));
        let store = |text: &str| wrong(&format!("issuer = \"https://as.example\"\n[store]\n{text}"));
        assert!(store("sqlite = \"a.db\"\npostgres = \"postgresql://localhost/a\"").starts_with("store.postgres: "));
        assert!(store("postgres = \"postgresql://localhost/a?sslmode=require\"").contains("needs postgres_authorities"));
        let unreadable = store("postgres = \"postgresql://app:hunter2@localhost:port/a\"");
        assert!(unreadable.starts_with("store.postgres: ") && !unreadable.contains("hunter2"));
        assert!(wrong("issuer = \"https://as.example\"\n[listen]\naddress = \"0.0.0.0:80\"").starts_with("listen: "));
    }

    #[test]
    fn urls_begin_with_the_issuer() {
        let text = "issuer = \"https://as.example:8443/tenant\"\n[listen]\nmtls_host = \"mtls.as.example\"";
        let config = Config::parse(text).unwrap();
        assert_eq!(config.url("/par"), "https://as.example:8443/tenant/par");
        assert_eq!(config.mtls_url("/par").unwrap(), "https://mtls.as.example:8443/tenant/par");
        assert_eq!(config.prefix(), "/tenant");
        let listen = "mtls_address = \"127.0.0.1:9443\"\nmtls_host = \"as.example:9443\"\ncertificate = \"a\"\nkey = \"b\"";
        let config = Config::parse(&format!("issuer = \"https://as.example:8443/tenant\"\n[listen]\n{listen}")).unwrap();
        assert_eq!(config.mtls_url("/par").unwrap(), "https://as.example:9443/tenant/par");
    }
}
