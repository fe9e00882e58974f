//! The configuration: read once, judged once; what is wrong is said with its place.

mod backchannel;
mod listen;
mod login;
mod store;

use core::fmt::{Display, Formatter};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::profile::Profile;
use crate::reason::{self, Reason};

pub use self::backchannel::BackchannelSettings;
pub use self::listen::{CertificateFormat, Ciphers, Listen, Proxy};
pub use self::login::{IdentityProviderSettings, Login};
pub use self::store::{CounterfoilKeyEncoding, DatabaseUrl, SplitTokenSettings, StoreSettings};

/// What a server is told. Every member but `issuer` has a default; `counterfoil-server init` writes them all down.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The issuer identifier (RFC 8414 section 2): an https URL without a slash at its end. Every URL of the server begins with it.
    pub issuer: String,
    /// The profile of clients that name none: a table of `profiles/`.
    #[serde(default = "Profile::usual", deserialize_with = "Profile::by_name")]
    pub(crate) profile: &'static Profile,
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
    /// How people are asked on another device (CIBA); not at all where it is absent.
    #[serde(default)]
    pub backchannel: Option<BackchannelSettings>,
    /// Whether this is no server for anybody but its developers: what lets tests act for people is refused otherwise. Only on a loopback address.
    #[serde(default)]
    pub development: bool,
}

/// What the server signs with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeySettings {
    /// The folder with the private keys and `keys.json`, which says what each is for.
    pub folder: PathBuf,
    /// The algorithm of access tokens, and of ID tokens of clients that name none: `ES256`, `PS256` or `EdDSA`.
    pub algorithm: String,
    /// Files with private keys in PEM to which clients may encrypt requests: RSA or P-256. Each is published, the first one first; one that is to be
    /// given up stays at the end for a while.
    pub encryption: Vec<PathBuf>,
    /// The file with the secret that DPoP nonces are made of, 32 bytes or more: the same for all servers of an issuer.
    pub nonce_secret: PathBuf,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self {
            folder: PathBuf::from("keys"),
            algorithm: "ES256".to_owned(),
            encryption: Vec::new(),
            nonce_secret: PathBuf::from("nonce.secret"),
        }
    }
}

/// How long things live, in seconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lifetimes {
    /// Of a `request_uri`: 5 to 599 (FAPI 2.0 section 5.3.2.2).
    pub request_uri: u64,
    /// Of signing in and consenting, after the `request_uri` has ended.
    pub interaction: u64,
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
            interaction: 600,
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
    pub(crate) fn judge(&self, element: &Value) -> Result<(), Reason> {
        let members = element.as_object().ok_or(reason::DETAILS_WITHOUT_TYPE)?;
        if self.required.iter().any(|name| !members.contains_key(name)) {
            return Err(reason::DETAILS_LACK_MEMBER);
        }
        let is_known = |name: &String| name == "type" || self.required.contains(name) || self.optional.contains(name);
        if !self.optional.is_empty() && !members.keys().all(is_known) {
            return Err(reason::DETAILS_UNKNOWN_MEMBER);
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
        [&mut config.keys.folder, &mut config.keys.nonce_secret].into_iter().chain(&mut config.keys.encryption).for_each(resolve);
        if let Some(backchannel) = &mut config.backchannel {
            backchannel.authorities.iter_mut().for_each(resolve);
        }
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
        if lifetimes.interaction == 0
            || lifetimes.access_token == 0
            || lifetimes.id_token == 0
            || lifetimes.grant == 0
            || lifetimes.session == 0
        {
            return wrong("lifetimes", "must not be 0");
        }
        if crate::issue::Algorithm::named(&self.keys.algorithm).is_none() {
            return wrong("keys.algorithm", "must be ES256, PS256 or EdDSA");
        }
        if self.development && !self.listen.address.ip().is_loopback() {
            return wrong("development", "must not be true of a server that listens to others than its own machine");
        }
        if let Some(backchannel) = &self.backchannel {
            backchannel.judge(self.development)?;
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

    /// The profile that clients are held to which name none.
    #[must_use]
    pub fn profile_name(&self) -> &'static str {
        self.profile.name()
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
        let development = |text: &str| wrong(&format!("issuer = \"https://as.example\"\n{text}"));
        assert!(development("[backchannel]\ntest_approvals = true").starts_with("backchannel.test_approvals: "));
        assert!(development("development = true\n[listen]\naddress = \"192.0.2.1:443\"").starts_with("development: "));
        assert!(development("[backchannel]\nhold = 31").starts_with("backchannel.hold: "));
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
