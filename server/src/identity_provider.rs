//! Another OpenID provider, at which people sign in instead of at the server's own page: the server is its client (OpenID Connect Core
//! section 3.1), by code with PKCE, by `private_key_jwt` with the server's own keys or by a certificate.

use core::fmt::{Display, Formatter};
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use counterfoil::UnixTime;
use counterfoil::jose::algorithm::Algorithm;
use counterfoil::jose::header::TokenType;
use counterfoil::jose::policy::Limits;
use counterfoil::oauth::confirmation::{Binding, Presenter};
use counterfoil::oauth::verifier::{Profile, Verifier};
use counterfoil_gateway::RemoteKeys;
use counterfoil_gateway::https::{Answer, Https, Transport};
use counterfoil_gateway::keys::{KeyRing, KeySource};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::config::{ConfigError, IdentityProviderSettings};
use crate::http::{Form, with_parameters};
use crate::others_keys;

/// How long what the provider says of itself is believed.
const FRESH: Duration = Duration::from_secs(3600);
/// How long a sign-in waits for keys of the provider.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer.
const LARGEST: usize = 256 * 1024;
/// What ID tokens say about themselves and not about the person.
const OF_THE_TOKEN: [&str; 18] = [
    "iss",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "acr",
    "amr",
    "azp",
    "auth_time",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "sub",
    "cnf",
    "typ",
];

/// The provider, and what is known of it.
pub(crate) struct IdentityProvider {
    settings: IdentityProviderSettings,
    algorithms: Vec<&'static dyn Algorithm>,
    transport: Transport,
    https: Https,
    known: Mutex<Option<(Arc<Discovered>, Instant)>>,
}

/// Its metadata (OpenID Connect Discovery section 3), as far as they are of use here.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    pushed_authorization_request_endpoint: Option<String>,
    #[serde(default)]
    mtls_endpoint_aliases: Map<String, Value>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

struct Discovered {
    metadata: Metadata,
    keys: KeyRing,
}

/// What one sign-in is known by: all of it is made of the browser's secret and of the request, and nothing of it is stored.
#[derive(Clone)]
pub(crate) struct SignIn {
    pub(crate) state: String,
    pub(crate) nonce: String,
    pub(crate) verifier: String,
    pub(crate) redirect_uri: String,
}

/// Who signed in, as the provider says.
pub(crate) struct SignedIn {
    /// Its name for the person, the same each time.
    pub(crate) subject: String,
    /// How the person signed in; empty where the provider does not say.
    pub(crate) acr: String,
    /// When, in seconds since 1970.
    pub(crate) auth_time: u64,
    /// What else it says of the person.
    pub(crate) claims: Map<String, Value>,
}

/// Why nobody could be signed in: for the log.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

fn failed(step: &str) -> impl Fn(&dyn Display) -> Failure {
    move |cause| Failure(format!("{step}: {cause}"))
}

impl IdentityProvider {
    /// A provider by these settings; it is not asked anything yet.
    pub(crate) fn new(settings: &IdentityProviderSettings) -> Result<Self, ConfigError> {
        let wrong = |member: &str, why: &dyn Display| ConfigError::new(format!("login.provider.{member}"), why);
        let mut transport = Transport::new();
        if let Some(file) = &settings.authorities {
            transport = transport.with_authorities_file(file).map_err(|error| wrong("authorities", &error))?;
        }
        if let (Some(certificate), Some(key)) = (&settings.certificate, &settings.key) {
            transport = transport.with_identity_files(certificate, key).map_err(|error| wrong("certificate", &error))?;
        }
        let https = Https::new(&transport, LARGEST).map_err(|error| wrong("issuer", &error))?;
        let settings = settings.clone();
        Ok(Self { algorithms: settings.engine_algorithms()?, settings, transport, https, known: Mutex::default() })
    }

    /// Its issuer identifier.
    pub(crate) fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// The claims of an assertion by which the server says who it is (RFC 7523 section 3).
    pub(crate) fn assertion_claims(&self, now: UnixTime) -> Value {
        let (issuer, client_id) = (&self.settings.issuer, &self.settings.client_id);
        let jti = crate::secret::Secret::new();
        json!({ "iss": client_id, "sub": client_id, "aud": issuer, "jti": jti.as_str(), "iat": now.0, "exp": now.0.saturating_add(60) })
    }

    /// Where the person's browser goes to sign in. `more` are the demands of this request; `assertion` says who the server is, once. Waits
    /// for the network.
    pub(crate) fn begin(&self, sign_in: &SignIn, more: &[(&str, String)], assertion: &str) -> Result<String, Failure> {
        let known = self.discovered()?;
        let challenge = crate::secret::Digest::of(&sign_in.verifier).to_base64url();
        let mut parameters: Vec<(&str, &str)> = vec![
            ("response_type", "code"),
            ("client_id", &self.settings.client_id),
            ("redirect_uri", &sign_in.redirect_uri),
            ("scope", &self.settings.scope),
            ("state", &sign_in.state),
            ("nonce", &sign_in.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        parameters.extend(more.iter().map(|(name, value)| (*name, value.as_str())));
        let metadata = &known.metadata;
        let Some(par) = metadata.pushed_authorization_request_endpoint.as_deref() else {
            return Ok(with_parameters(&metadata.authorization_endpoint, &parameters));
        };
        let par = self.endpoint(metadata, "pushed_authorization_request_endpoint", par);
        let pushed = self.post(&par, &parameters, assertion, "the pushed request")?;
        let request_uri = pushed.get("request_uri").and_then(Value::as_str).ok_or_else(|| Failure("no request_uri came".to_owned()))?;
        Ok(with_parameters(&metadata.authorization_endpoint, &[("client_id", &self.settings.client_id), ("request_uri", request_uri)]))
    }

    /// Who came back with these parameters. Waits for the network.
    pub(crate) fn finish(&self, returned: &Form, sign_in: &SignIn, assertion: &str, now: UnixTime) -> Result<SignedIn, Failure> {
        let known = self.discovered()?;
        let metadata = &known.metadata;
        match returned.get("iss") {
            Some(issuer) if issuer != metadata.issuer => return Err(Failure("another provider answered".to_owned())),
            None if metadata.authorization_response_iss_parameter_supported => return Err(Failure("iss is missing".to_owned())),
            _ => {}
        }
        let code = returned.get("code").ok_or_else(|| Failure("no code came".to_owned()))?;
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &sign_in.redirect_uri),
            ("code_verifier", &sign_in.verifier),
            ("client_id", &self.settings.client_id),
        ];
        let endpoint = self.endpoint(metadata, "token_endpoint", &metadata.token_endpoint);
        let tokens = self.post(&endpoint, &parameters, assertion, "the token request")?;
        let id_token = tokens.get("id_token").and_then(Value::as_str).ok_or_else(|| Failure("no ID token came".to_owned()))?;
        let mut claims = self.judge(&known, id_token, &sign_in.nonce, now)?;
        let text = |claims: &Map<String, Value>, name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let subject = text(&claims, "sub");
        let number = |name: &str| claims.get(name).and_then(Value::as_u64);
        let auth_time = number("auth_time").or_else(|| number("iat")).ok_or_else(|| Failure("the ID token has no time".to_owned()))?;
        let acr = text(&claims, "acr");
        claims.extend(self.userinfo(metadata, &tokens, &subject)?);
        claims.retain(|name, _| !OF_THE_TOKEN.contains(&name.as_str()));
        Ok(SignedIn { subject, acr, auth_time, claims })
    }

    /// The engine's judgement of an ID token (OpenID Connect Core section 3.1.3.7).
    fn judge(&self, known: &Discovered, token: &str, nonce: &str, now: UnixTime) -> Result<Map<String, Value>, Failure> {
        const TYPES: [TokenType<'_>; 2] = [TokenType::Named("JWT"), TokenType::Absent];
        let refused = failed("the ID token");
        let limits = Limits::DEFAULT;
        let mut scratch = vec![0; limits.scratch()];
        if !known.keys.wait(PATIENCE) {
            return Err(Failure("the provider's keys cannot be had".to_owned()));
        }
        let keys = others_keys::current(&known.keys, token, limits, PATIENCE, &mut scratch);
        let keys = keys.ok_or_else(|| Failure("the provider's keys cannot be had".to_owned()))?;
        let verifier = Verifier::new(&self.settings.issuer, &self.settings.client_id, &self.algorithms, keys.keys());
        let verifier = verifier.map_err(|error| refused(&error))?;
        let verifier = verifier.with_profile(Profile::listed(&TYPES, &["sub", "iat", "nonce"])).with_binding(Binding::Optional);
        let accepted = verifier.accept(token.as_bytes(), Presenter::Bearer, now, &mut scratch).map_err(|error| refused(&error))?;
        let claims: Map<String, Value> = serde_json::from_str(accepted.payload()).map_err(|error| refused(&error))?;
        let is = |name: &str, value: &str| claims.get(name).and_then(Value::as_str) == Some(value);
        if !is("nonce", nonce) {
            return Err(Failure("the ID token is of another sign-in".to_owned()));
        }
        if claims.contains_key("azp") && !is("azp", &self.settings.client_id) {
            return Err(Failure("the ID token is another client's".to_owned()));
        }
        Ok(claims)
    }

    /// What userinfo says beside the ID token, where there is such an endpoint and a token that anybody may carry there.
    fn userinfo(&self, metadata: &Metadata, tokens: &Map<String, Value>, subject: &str) -> Result<Map<String, Value>, Failure> {
        let is_bearer = tokens.get("token_type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
        let token = tokens.get("access_token").and_then(Value::as_str).filter(|_| is_bearer);
        let (Some(endpoint), Some(token)) = (metadata.userinfo_endpoint.as_deref(), token) else { return Ok(Map::new()) };
        let endpoint = self.endpoint(metadata, "userinfo_endpoint", endpoint);
        let answer = self.https.get(&endpoint, &[("authorization", &format!("Bearer {token}")), ("accept", "application/json")]);
        let claims = object(&answer.map_err(|error| failed("userinfo")(&error))?, "userinfo")?;
        // OpenID Connect Core section 5.3.2: what is said of somebody else is not used.
        if claims.get("sub").and_then(Value::as_str) == Some(subject) {
            Ok(claims)
        } else {
            Err(Failure("userinfo is about somebody else".to_owned()))
        }
    }

    /// By certificate, the endpoint that asks for it (RFC 8705 section 5).
    fn endpoint(&self, metadata: &Metadata, name: &str, otherwise: &str) -> String {
        let alias = metadata.mtls_endpoint_aliases.get(name).and_then(Value::as_str).filter(|_| self.settings.certificate.is_some());
        alias.unwrap_or(otherwise).to_owned()
    }

    /// A form with the server's authentication, and the JSON object that answers it.
    fn post(&self, url: &str, parameters: &[(&str, &str)], assertion: &str, step: &str) -> Result<Map<String, Value>, Failure> {
        let mut parameters = parameters.to_vec();
        if self.settings.certificate.is_none() {
            parameters.push(("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
            parameters.push(("client_assertion", assertion));
        }
        let form = with_parameters("", &parameters);
        let answer = self.https.post_form(url, &[("accept", "application/json")], form.trim_start_matches('?'));
        object(&answer.map_err(|error| failed(step)(&error))?, step)
    }

    /// What the provider says of itself: asked when it is first needed and again after a while; while it does not answer, what it said last.
    fn discovered(&self) -> Result<Arc<Discovered>, Failure> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((discovered, _)) = known.as_ref().filter(|(_, asked)| asked.elapsed() < FRESH) {
            return Ok(discovered.clone());
        }
        match (self.discover(), known.take()) {
            (Ok(fresh), _) => {
                let fresh = Arc::new(fresh);
                *known = Some((fresh.clone(), Instant::now()));
                Ok(fresh)
            }
            (Err(failure), Some(old)) => {
                tracing::warn!(%failure, "the identity provider does not say what it is");
                let discovered = old.0.clone();
                *known = Some(old);
                Ok(discovered)
            }
            (Err(failure), None) => Err(failure),
        }
    }

    fn discover(&self) -> Result<Discovered, Failure> {
        let wrong = failed("its metadata");
        let url = format!("{}/.well-known/openid-configuration", self.settings.issuer.trim_end_matches('/'));
        let answer = self.https.get(&url, &[("accept", "application/json")]).map_err(|error| wrong(&error))?;
        let metadata: Metadata = serde_json::from_value(Value::Object(object(&answer, "its metadata")?)).map_err(|error| wrong(&error))?;
        if metadata.issuer != self.settings.issuer {
            return Err(Failure("its metadata are of another issuer".to_owned()));
        }
        if !metadata.authorization_endpoint.starts_with("https://") {
            return Err(Failure("its authorization endpoint is no https URL".to_owned()));
        }
        let remote = RemoteKeys::new(&metadata.jwks_uri, &self.transport).map_err(|error| wrong(&error))?;
        let keys = KeyRing::start(&KeySource::Url(remote), &self.algorithms, 0).map_err(|error| wrong(&error))?;
        Ok(Discovered { metadata, keys })
    }
}

fn object(answer: &Answer, step: &str) -> Result<Map<String, Value>, Failure> {
    let read = || {
        counterfoil::wire::json::read_object(&answer.body, |_| Ok(())).ok()?;
        serde_json::from_slice::<Map<String, Value>>(&answer.body).ok()
    };
    match (answer.status, read()) {
        (200 | 201, Some(members)) => Ok(members),
        (200 | 201, None) => Err(Failure(format!("{step}: the answer is no JSON object"))),
        (status, members) => {
            let error = members.as_ref().and_then(|members| members.get("error")).and_then(Value::as_str);
            let known = error.filter(|error| error.len() <= 64 && error.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
            Err(Failure(format!("{step}: status {status} {}", known.unwrap_or_default())))
        }
    }
}
