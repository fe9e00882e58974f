//! Clients: their metadata in the words of RFC 7591, judged once, and the registry that finds them.

mod metadata;

use core::time::Duration;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use counterfoil::crypto::FAPI;
use counterfoil::jose::policy::Limits;
use counterfoil_gateway::RemoteKeys;
use counterfoil_gateway::https::Transport;
use counterfoil_gateway::keys::{KeyRing, KeySource};
use serde_json::Value;
use tokio::sync::Semaphore;

use self::metadata::NAMES;
use crate::certificate::{Names, SubjectRule};
use crate::config::{Config, ConfigError, TokenFormat};
use crate::encryption::{self, Encryption, KeyManagement};
use crate::issue::Algorithm;
use crate::others_keys;
use crate::profile::{Breach, Profile};
use crate::store::{Store, StoreError};

pub(crate) use self::metadata::Metadata;
pub use self::metadata::MetadataError;

/// The grant type of CIBA (CIBA Core section 4).
pub(crate) const CIBA: &str = "urn:openid:params:grant-type:ciba";
/// The grant types that there are.
pub(crate) const GRANT_TYPES: [&str; 4] = ["authorization_code", "refresh_token", "client_credentials", CIBA];

/// How a client proves who it is.
#[derive(Debug)]
pub(crate) enum Method {
    /// RFC 7523, by a key of the client's set.
    PrivateKeyJwt,
    /// RFC 8705 section 2.1.
    TlsClientAuth(SubjectRule),
    /// RFC 8705 section 2.2: SHA-256 of each registered certificate.
    SelfSignedTls(Vec<[u8; 32]>),
}

/// A client whose metadata is good.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) metadata: Metadata,
    pub(crate) method: Method,
    /// What it signs with: assertions, and requests.
    pub(crate) keys: Option<KeyRing>,
    pub(crate) profile: &'static Profile,
    pub(crate) format: Option<TokenFormat>,
    pub(crate) id_token_algorithm: Option<Algorithm>,
    pub(crate) response_algorithm: Option<Algorithm>,
    pub(crate) request_algorithm: Option<Algorithm>,
    pub(crate) backchannel_algorithm: Option<Algorithm>,
    pub(crate) id_token_encryption: Option<KeyManagement>,
    pub(crate) response_encryption: Option<KeyManagement>,
    /// How it must encrypt its signed requests, if it must.
    pub(crate) request_encryption: Option<KeyManagement>,
    scopes: Option<Vec<String>>,
}

impl Client {
    /// Judges metadata. The profile is the server's, where the client has none of its own.
    pub(crate) fn judge(metadata: Metadata, profile: &'static Profile) -> Result<Self, MetadataError> {
        let wrong = |member, why| Err(MetadataError::new(member, why));
        if metadata.client_id.is_empty() {
            return wrong("client_id", "is missing");
        }
        let profile = match metadata.profile.as_deref() {
            None => profile,
            Some(name) => Profile::named(name).ok_or(MetadataError::new("profile", "is none that the server knows"))?,
        };
        if let Some(Breach { member, why, clause }) = profile.broken_by(&metadata).into_iter().next() {
            return Err(MetadataError { member, why: Cow::Owned(format!("{why} ({clause})")) });
        }
        if metadata.grant_types.iter().any(|grant| !GRANT_TYPES.contains(&grant.as_str())) {
            return wrong(
                "grant_types",
                "may be authorization_code, refresh_token, client_credentials and urn:openid:params:grant-type:ciba",
            );
        }
        if metadata.redirect_uris.iter().any(|uri| !is_redirect_uri(uri, metadata.application_type.as_deref())) {
            return wrong("redirect_uris", "must be https URLs without a fragment, or for native applications http on a loopback address");
        }
        for (member, uri) in [
            ("client_uri", &metadata.client_uri),
            ("logo_uri", &metadata.logo_uri),
            ("policy_uri", &metadata.policy_uri),
            ("tos_uri", &metadata.tos_uri),
        ] {
            // People are shown them as links.
            if uri.as_ref().is_some_and(|uri| !is_https(uri)) {
                return wrong(member, "must be an https URL");
            }
        }
        let asks_people = metadata.grant_types.iter().any(|grant| grant == "authorization_code") || metadata.grant_types.is_empty();
        if asks_people && metadata.redirect_uris.is_empty() && metadata.introspects.is_empty() {
            return wrong("redirect_uris", "must not be empty");
        }
        match (metadata.backchannel_token_delivery_mode.as_deref(), &metadata.backchannel_client_notification_endpoint) {
            (Some("ping"), Some(endpoint)) if is_https(endpoint) && !endpoint.contains('#') => {}
            (Some("ping"), _) => return wrong("backchannel_client_notification_endpoint", "must be an https URL (CIBA Core section 4)"),
            (Some("poll"), _) => {}
            (None, _) if !metadata.grant_types.iter().any(|grant| grant == CIBA) => {}
            _ => return wrong("backchannel_token_delivery_mode", "must be poll or ping (FAPI CIBA section 5.2.2, numbers 3 to 5)"),
        }
        let format = match metadata.access_token_format.as_deref() {
            None => None,
            Some("jwt") => Some(TokenFormat::Jwt),
            Some("phantom") => Some(TokenFormat::Phantom),
            Some("split") => Some(TokenFormat::Split),
            Some(_) => return wrong("access_token_format", "must be jwt, phantom or split"),
        };
        let algorithm = |member, name: &Option<String>| match name.as_deref().map(|name| Algorithm::named(name).ok_or(name)) {
            None => Ok(None),
            Some(Ok(algorithm)) => Ok(Some(algorithm)),
            Some(Err(_)) => Err(MetadataError::new(member, "must be ES256, PS256 or EdDSA")),
        };
        let id_token_algorithm = algorithm("id_token_signed_response_alg", &metadata.id_token_signed_response_alg)?;
        let response_algorithm = algorithm("authorization_signed_response_alg", &metadata.authorization_signed_response_alg)?;
        let request_algorithm = algorithm("request_object_signing_alg", &metadata.request_object_signing_alg)?;
        let backchannel_algorithm =
            algorithm("backchannel_authentication_request_signing_alg", &metadata.backchannel_authentication_request_signing_alg)?;
        algorithm("introspection_signed_response_alg", &metadata.introspection_signed_response_alg)?;
        algorithm("token_endpoint_auth_signing_alg", &metadata.token_endpoint_auth_signing_alg)?;
        let method = method(&metadata)?;
        let keys = keys(&metadata, &method)?;
        if keys.is_none() && asks_people && (profile.request_object.required || metadata.require_signed_request_object) {
            return wrong("jwks", "or jwks_uri is needed for signed requests (RFC 9101)");
        }
        let is_ciba_signed = profile.backchannel.signed_requests_required && metadata.grant_types.iter().any(|grant| grant == CIBA);
        if keys.is_none() && is_ciba_signed {
            return wrong("jwks", "or jwks_uri is needed for signed requests (CIBA Core section 7.1.1)");
        }
        let [id_token_encryption, response_encryption, request_encryption] = encryptions(&metadata)?;
        let scopes = metadata.scope.as_deref().map(|scope| scope.split(' ').map(str::to_owned).collect());
        Ok(Self {
            metadata,
            method,
            keys,
            profile,
            format,
            id_token_algorithm,
            response_algorithm,
            request_algorithm,
            backchannel_algorithm,
            id_token_encryption,
            response_encryption,
            request_encryption,
            scopes,
        })
    }

    /// Judges what an operator wrote: an unknown member is a mistake.
    pub(crate) fn of_operator(metadata: &Value, profile: &'static Profile) -> Result<Self, ConfigError> {
        let id = metadata.get("client_id").and_then(Value::as_str).unwrap_or("without client_id");
        let place = format!("client {id}");
        let members = metadata.as_object().ok_or_else(|| ConfigError::new(&place, "must be an object"))?;
        if let Some(unknown) = members.keys().find(|name| !NAMES.contains(&name.as_str())) {
            return Err(ConfigError::new(place, format!("{unknown} is no member of a client's metadata")));
        }
        let read: Metadata = serde_json::from_value(metadata.clone()).map_err(|error| ConfigError::new(&place, error))?;
        Self::judge(read, profile).map_err(|error| ConfigError::new(place, error))
    }

    pub(crate) fn id(&self) -> &str {
        &self.metadata.client_id
    }

    /// What the consent page calls it.
    pub(crate) fn name(&self) -> &str {
        self.metadata.client_name.as_deref().unwrap_or(&self.metadata.client_id)
    }

    pub(crate) fn may_use(&self, grant: &str) -> bool {
        let grants = &self.metadata.grant_types;
        // RFC 7591 section 2: where none are named.
        if grants.is_empty() { grant == "authorization_code" } else { grants.iter().any(|own| own == grant) }
    }

    /// What it is sent is signed by the algorithm that it has registered, else by the server's usual one, if its profile has that.
    pub(crate) fn signed_by(&self, registered: Option<Algorithm>, config: &Config) -> Algorithm {
        let usual = || Algorithm::named(&config.keys.algorithm).filter(|usual| self.profile.has_algorithm(usual.name()));
        registered.or_else(usual).unwrap_or(Algorithm::Ps256)
    }

    /// Whether plain parameters are refused (RFC 9101 section 10.5).
    pub(crate) const fn must_sign_requests(&self) -> bool {
        self.metadata.require_signed_request_object || self.profile.request_object.required
    }

    pub(crate) fn may_ask(&self, scope: &str) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.iter().any(|own| own == scope))
    }

    /// Whether it is registered for a response type: for `code` where it says nothing (RFC 7591 section 2).
    pub(crate) fn may_ask_for(&self, response_type: &str) -> bool {
        let registered = &self.metadata.response_types;
        if registered.is_empty() { response_type == "code" } else { registered.iter().any(|own| own == response_type) }
    }

    /// Where it is notified that a person has answered, if it is.
    pub(crate) fn notification_endpoint(&self) -> Option<&str> {
        let is_ping = self.metadata.backchannel_token_delivery_mode.as_deref() == Some("ping");
        self.metadata.backchannel_client_notification_endpoint.as_deref().filter(|_| is_ping)
    }

    pub(crate) fn may_reach(&self, resource: &str) -> bool {
        self.metadata.resources.is_empty() || self.metadata.resources.iter().any(|own| own == resource)
    }

    pub(crate) fn may_detail(&self, kind: &str) -> bool {
        self.metadata.authorization_details_types.iter().any(|own| own == kind)
    }

    /// Byte for byte; on a loopback address the port is free (RFC 8252 section 7.3).
    pub(crate) fn has_redirect_uri(&self, asked: &str) -> bool {
        self.metadata
            .redirect_uris
            .iter()
            .any(|own| own == asked || without_loopback_port(own).is_some_and(|own| without_loopback_port(asked) == Some(own)))
    }
}

fn is_redirect_uri(uri: &str, application_type: Option<&str>) -> bool {
    let is_native_loopback = application_type == Some("native") && without_loopback_port(uri).is_some();
    (is_https(uri) || is_native_loopback) && !uri.contains('#') && uri.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_https(uri: &str) -> bool {
    let has_authority = uri.strip_prefix("https://").and_then(|after| after.split(['/', '?', '#']).next()).is_some_and(is_authority);
    has_authority && uri.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A host name or address, and perhaps a port; no user, and none of what browsers repair.
fn is_authority(authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, port),
        _ => (authority, "443"),
    };
    let is_name = || host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    let is_address =
        || host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).is_some_and(|host| host.parse::<core::net::Ipv6Addr>().is_ok());
    !host.is_empty() && (is_name() || is_address()) && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// A loopback URL without its port, to be compared.
fn without_loopback_port(uri: &str) -> Option<(&str, &str)> {
    let after = uri.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]"].into_iter().find(|host| after.starts_with(host))?;
    let rest = after.strip_prefix(host)?;
    let rest = match rest.strip_prefix(':') {
        Some(port) => port.trim_start_matches(|character: char| character.is_ascii_digit()),
        None => rest,
    };
    if rest.is_empty() || rest.starts_with(['/', '?']) { Some((host, rest)) } else { None }
}

fn method(metadata: &Metadata) -> Result<Method, MetadataError> {
    let wrong = |member, why| Err(MetadataError::new(member, why));
    if metadata.jwks.is_some() && metadata.jwks_uri.is_some() {
        return wrong("jwks", "and jwks_uri must not both be there (RFC 7591 section 2)");
    }
    match metadata.token_endpoint_auth_method.as_str() {
        "private_key_jwt" => Ok(Method::PrivateKeyJwt),
        "tls_client_auth" => SubjectRule::of(&Names {
            subject_dn: metadata.tls_client_auth_subject_dn.as_deref(),
            dns: metadata.tls_client_auth_san_dns.as_deref(),
            uri: metadata.tls_client_auth_san_uri.as_deref(),
            ip: metadata.tls_client_auth_san_ip.as_deref(),
            email: metadata.tls_client_auth_san_email.as_deref(),
        })
        .map(Method::TlsClientAuth),
        "self_signed_tls_client_auth" => match crate::certificate::registered(metadata.jwks.as_ref()) {
            Some(certificates) => Ok(Method::SelfSignedTls(certificates)),
            None => wrong("jwks", "must have keys with the certificate in x5c"),
        },
        _ => wrong(
            "token_endpoint_auth_method",
            "must be private_key_jwt, tls_client_auth or self_signed_tls_client_auth (FAPI 2.0 section 5.3.2.1, number 6)",
        ),
    }
}

/// How ID tokens and authorization responses are encrypted for the client, and how it must encrypt its requests.
fn encryptions(metadata: &Metadata) -> Result<[Option<KeyManagement>; 3], MetadataError> {
    let wrong = MetadataError::new;
    let of = |members: [&'static str; 2], alg: &Option<String>, enc: &Option<String>| {
        let [alg_member, enc_member] = members;
        let Some(alg) = alg else { return if enc.is_some() { Err(wrong(alg_member, "is missing")) } else { Ok(None) } };
        let management = KeyManagement::named(alg).ok_or(MetadataError::new(alg_member, "must be RSA-OAEP, RSA-OAEP-256 or ECDH-ES"))?;
        if enc.as_deref() == Some(encryption::CONTENT) { Ok(Some(management)) } else { Err(wrong(enc_member, "must be A256GCM")) }
    };
    let id_token = of(
        ["id_token_encrypted_response_alg", "id_token_encrypted_response_enc"],
        &metadata.id_token_encrypted_response_alg,
        &metadata.id_token_encrypted_response_enc,
    )?;
    let response = of(
        ["authorization_encrypted_response_alg", "authorization_encrypted_response_enc"],
        &metadata.authorization_encrypted_response_alg,
        &metadata.authorization_encrypted_response_enc,
    )?;
    let request = of(
        ["request_object_encryption_alg", "request_object_encryption_enc"],
        &metadata.request_object_encryption_alg,
        &metadata.request_object_encryption_enc,
    )?;
    for management in [id_token, response].into_iter().flatten() {
        let has_keys = metadata.jwks.is_some() || metadata.jwks_uri.is_some();
        if !has_keys || !encryption::can_be_had(metadata.jwks.as_ref(), management) {
            return Err(wrong("jwks", "or jwks_uri must have a key for what is to be encrypted, with use enc"));
        }
    }
    Ok([id_token, response, request])
}

/// The keys that a client signs with. Who signs assertions must have some; certificates alone are no keys to sign requests with.
fn keys(metadata: &Metadata, method: &Method) -> Result<Option<KeyRing>, MetadataError> {
    /// What makes ES256 several times faster, and is little beside a connection; RSA and Ed25519 need less.
    const WORDS_PER_KEY: usize = 4 * 1024;
    let source = match (&metadata.jwks, &metadata.jwks_uri) {
        (Some(jwks), _) => KeySource::Text(jwks.to_string().into_bytes()),
        (None, Some(uri)) => {
            KeySource::Url(RemoteKeys::new(uri, &Transport::new()).map_err(|_| MetadataError::new("jwks_uri", "must be an https URL"))?)
        }
        (None, None) if matches!(method, Method::PrivateKeyJwt) => {
            return Err(MetadataError::new("jwks", "or jwks_uri is needed for private_key_jwt"));
        }
        (None, None) => return Ok(None),
    };
    match KeyRing::start(&source, FAPI, WORDS_PER_KEY) {
        Ok(ring) => Ok(Some(ring)),
        Err(_) if matches!(method, Method::SelfSignedTls(_)) => Ok(None),
        Err(_) => Err(MetadataError::new("jwks", "must have a key for PS256, ES256 or EdDSA")),
    }
}

/// Finds clients: those of the configuration, and those of the store, which are looked at again after a while.
#[derive(Debug)]
pub(crate) struct Clients {
    configured: HashMap<String, Arc<Client>>,
    profile: &'static Profile,
    known: Mutex<Known>,
    /// Who waits for keys: each holds a thread.
    waiting: Semaphore,
}

/// By `client_id`: the client, when it was looked at, and the metadata that it was judged by.
type Known = HashMap<String, (Arc<Client>, Instant, Value)>;

impl Clients {
    /// How long another server, or the command line, may have changed a client before this one sees it.
    const FRESH: Duration = Duration::from_secs(5);
    /// How many requests wait for keys at a time, and how long: more are refused, and may come again.
    const WAITING: usize = 16;
    const PATIENCE: Duration = Duration::from_secs(5);
    /// How many of the store's clients are kept ready.
    const MOST: usize = 10_000;

    pub(crate) fn new(config: &Config, encryption: &Encryption) -> Result<Self, ConfigError> {
        let mut configured = HashMap::new();
        for metadata in &config.clients {
            let client = Client::of_operator(metadata, config.profile)?;
            let id = client.id().to_owned();
            encryption.judge(&client).map_err(|error| ConfigError::new(format!("client {id}"), error))?;
            if configured.insert(id.clone(), Arc::new(client)).is_some() {
                return Err(ConfigError::new(format!("client {id}"), "another one has the same client_id"));
            }
        }
        Ok(Self { configured, profile: config.profile, known: Mutex::default(), waiting: Semaphore::new(Self::WAITING) })
    }

    pub(crate) async fn find(&self, store: &impl Store, id: &str) -> Result<Option<Arc<Client>>, StoreError> {
        if let Some(client) = self.configured.get(id) {
            return Ok(Some(client.clone()));
        }
        if let Some((client, looked, _)) = self.locked().get(id)
            && looked.elapsed() < Self::FRESH
        {
            return Ok(Some(client.clone()));
        }
        let Some(stored) = store.client(id.to_owned()).await? else {
            self.locked().remove(id);
            return Ok(None);
        };
        let unchanged = self.locked().get(id).filter(|(_, _, metadata)| *metadata == stored.metadata).map(|(client, ..)| client.clone());
        let client = match unchanged {
            Some(client) => client,
            None => {
                let metadata = serde_json::from_value(stored.metadata.clone()).map_err(|error| StoreError::Corrupt(error.to_string()))?;
                Arc::new(Client::judge(metadata, self.profile).map_err(|error| StoreError::Corrupt(error.to_string()))?)
            }
        };
        let mut known = self.locked();
        if known.len() >= Self::MOST {
            known.clear();
        }
        known.insert(id.to_owned(), (client.clone(), Instant::now(), stored.metadata));
        Ok(Some(client))
    }

    /// Waits for the keys of a client that has them at a URL, where a token of its names one that is not there: the first time, and when the
    /// client has a new one.
    pub(crate) async fn await_keys(&self, client: &Arc<Client>, token: &str, limits: Limits) {
        let is_missing = |ring: &KeyRing| client.metadata.jwks_uri.is_some() && others_keys::are_missing(ring, token, limits);
        if !client.keys.as_ref().is_some_and(is_missing) {
            return;
        }
        let Ok(_place) = self.waiting.try_acquire() else { return };
        let (client, token) = (client.clone(), token.to_owned());
        // What has come of it is seen when the token is judged.
        let _ = tokio::task::spawn_blocking(move || {
            let mut scratch = vec![0; limits.scratch()];
            client.keys.as_ref().map(|ring| others_keys::current(ring, &token, limits, Self::PATIENCE, &mut scratch))
        })
        .await;
    }

    /// A client has changed here.
    pub(crate) fn forget(&self, id: &str) {
        self.locked().remove(id);
    }

    pub(crate) fn is_configured(&self, id: &str) -> bool {
        self.configured.contains_key(id)
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris_are_https_or_loopback_for_native_applications() {
        for good in ["https://c.example/cb?x=1", "https://c.example:8443", "https://[2001:db8::1]:8443/cb"] {
            assert!(is_redirect_uri(good, None), "{good}");
        }
        for wrong in ["https://*/cb", "https://a;sandbox/cb", "https://a,b/cb", "https://a\\evil/cb", "https://::::/cb", "https://a:/cb"] {
            assert!(!is_redirect_uri(wrong, None), "{wrong}");
        }
        for wrong in
            ["http://c.example/cb", "https://c.example/cb#f", "https://u@c.example/", "https://", "c.example:/cb", "http://127.0.0.1/cb"]
        {
            assert!(!is_redirect_uri(wrong, None), "{wrong}");
        }
        assert!(is_redirect_uri("http://127.0.0.1:1234/cb", Some("native")));
        assert!(!is_redirect_uri("http://127.0.0.1.evil.example/cb", Some("native")));
    }

    #[test]
    fn the_port_of_a_loopback_address_is_free() {
        let same = |a, b| without_loopback_port(a).is_some() && without_loopback_port(a) == without_loopback_port(b);
        assert!(same("http://127.0.0.1/cb", "http://127.0.0.1:52100/cb"));
        assert!(!same("http://127.0.0.1/cb", "http://127.0.0.1:52100/other"));
        assert!(!same("http://[::1]/cb", "http://127.0.0.1/cb"));
        assert!(!same("https://c.example/cb", "https://c.example:1/cb"));
    }
}
