//! Who asks: client authentication by assertion or by certificate (FAPI 2.0 section 5.3.2.1, numbers 6 and 8).

use std::sync::Arc;

use core::time::Duration;
use counterfoil::jose::header::TokenType;
use counterfoil::jose::policy::Limits;
use counterfoil::oauth::confirmation::{Binding, Presenter};
use counterfoil::oauth::issuer::lend_issuer;
use counterfoil::oauth::request::TokenForm;
use counterfoil::oauth::verifier::{Profile, Verifier};
use counterfoil::{Error, Seconds};

use crate::Server;
use crate::client::{Client, Method};
use crate::error::{Refusal, invalid_client};
use crate::http::{Form, Request};
use crate::others_keys;
use crate::reason;
use crate::secret::Digest;
use crate::store::{Store, Use, UseKind};

/// The value of `client_assertion_type` (RFC 7523 section 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far ahead an assertion may end: so long is its `jti` remembered.
const LONGEST: Seconds = Seconds(3600);
/// The longest assertion. A client's keys sign it, but anybody may send it.
const LIMITS: Limits = Limits::PROOF;

/// A client that has proved who it is, with the assertion that is to be used up.
pub(crate) struct Authenticated {
    pub(crate) client: Arc<Client>,
    pub(crate) used: Option<Use>,
}

impl<S: Store> Server<S> {
    /// Authenticates the client of a request.
    pub(crate) async fn authenticate(&self, request: &Request, form: &Form) -> Result<Authenticated, Refusal> {
        if request.headers().contains_key(hyper::header::AUTHORIZATION) || form.get("client_secret").is_some() {
            return Err(invalid_client("an Authorization header or a client_secret"));
        }
        let authenticated = match (form.get("client_assertion_type"), form.get("client_assertion")) {
            (Some(ASSERTION_TYPE), Some(assertion)) => self.by_assertion(request, form, assertion).await,
            (None, None) => self.by_certificate(request, form).await,
            (_, None) => Err(invalid_client("client_assertion is missing")),
            (_, Some(_)) => Err(invalid_client("client_assertion_type is none that is known")),
        }?;
        // Counted when it is certain who asks: nobody can use up what another may ask.
        if self.client_rates.admits(authenticated.client.id().to_owned(), std::time::Instant::now()) {
            Ok(authenticated)
        } else {
            Err(crate::router::too_often())
        }
    }

    async fn by_assertion(&self, request: &Request, form: &Form, assertion: &str) -> Result<Authenticated, Refusal> {
        let mut scratch = vec![0; assertion.len()];
        let id = lend_issuer(TokenForm::Whole, assertion.as_bytes(), LIMITS, &mut scratch, |issuer| issuer.chars().collect::<String>());
        let id = id.map_err(invalid_client)?;
        if form.get("client_id").is_some_and(|asked| asked != id) {
            return Err(invalid_client("client_id is not that of the assertion"));
        }
        let client = self.clients.find(&self.store, &id).await?.ok_or_else(|| invalid_client("the client is unknown"))?;
        self.clients.await_keys(&client, assertion, LIMITS).await;
        let used = self.judge_assertion(&client, assertion, request).map_err(invalid_client)?;
        Ok(Authenticated { client, used: Some(used) })
    }

    /// The signature, issuer-only `aud`, `sub`, times and `jti` (RFC 7523 section 3 with its update, FAPI 2.0).
    fn judge_assertion(&self, client: &Client, assertion: &str, request: &Request) -> Result<Use, Error> {
        const TYPES: [TokenType<'_>; 3] = [TokenType::Named("client-authentication+jwt"), TokenType::Named("JWT"), TokenType::Absent];
        let ring = client.keys.as_ref().filter(|_| matches!(client.method, Method::PrivateKeyJwt)).ok_or(Error::AlgorithmRefused)?;
        let mut scratch = vec![0; LIMITS.scratch()];
        let keys = others_keys::current(ring, assertion, LIMITS, Duration::ZERO, &mut scratch);
        let keys = keys.ok_or(Error::LookupUnavailable)?;
        let algorithms = client.profile.algorithms();
        let endpoints = self.audiences(client, request);
        let endpoints: Vec<&str> = endpoints.iter().map(String::as_str).collect();
        let verifier = Verifier::new(client.id(), &self.config.issuer, &algorithms, keys.keys())?
            .also_for(&endpoints)?
            .with_profile(Profile::listed(&TYPES, &["sub", "jti"]))
            .with_binding(Binding::Optional)
            .with_limits(LIMITS);
        let accepted = verifier.accept(assertion.as_bytes(), Presenter::Bearer, request.now, &mut scratch)?;
        if !accepted.subject().is_some_and(|subject| subject.is(client.id())) {
            return Err(Error::ClaimMissing);
        }
        // An audience that is a list may name another server too, to which the assertion could then be taken (CVE-2025-27370).
        let is_list = !accepted.claim("aud").is_some_and(counterfoil::wire::value::Value::is_str);
        if is_list && !client.profile.client_assertion.endpoint_audiences {
            return Err(Error::AudienceMismatch);
        }
        let until = accepted.expires_at().map(|expires| expires.ceil().plus(Seconds(10))).ok_or(Error::ExpiryMissing)?;
        if until > request.now.plus(LONGEST).plus(Seconds(10)) {
            return Err(Error::ClaimMalformed);
        }
        let jti: String = accepted.jwt_id().ok_or(Error::ClaimMissing)?.chars().collect();
        let key = Digest::of_parts("client assertion", &[client.id().as_bytes(), jti.as_bytes()]);
        Ok(Use { kind: UseKind::ClientAssertion, key, until })
    }

    /// What an assertion may be for beside the issuer: where the client's profile says so, the token endpoint and the one that is asked (OpenID
    /// Connect Core section 9, RFC 9126 section 2, CIBA Core section 7.1), by either host name.
    fn audiences(&self, client: &Client, request: &Request) -> Vec<String> {
        if !client.profile.client_assertion.endpoint_audiences {
            return Vec::new();
        }
        let path = request.parts.uri.path();
        let asked = path.strip_prefix(self.config.prefix()).unwrap_or(path);
        let urls = |path: &str| [Some(self.config.url(path)), self.config.mtls_url(path)].into_iter().flatten().collect::<Vec<_>>();
        [urls("/token"), urls(asked)].concat()
    }

    async fn by_certificate(&self, request: &Request, form: &Form) -> Result<Authenticated, Refusal> {
        let Some(id) = form.get("client_id") else {
            return Err(invalid_client("neither an assertion nor a client_id"));
        };
        let client = self.clients.find(&self.store, id).await?.ok_or_else(|| invalid_client("the client is unknown"))?;
        let certificate = request.peer.certificate.as_deref();
        let certificate = certificate.ok_or_else(|| invalid_client("no certificate was presented"))?;
        let is_it = match &client.method {
            Method::PrivateKeyJwt => false,
            Method::TlsClientAuth(rule) => certificate.is_vouched_for && rule.admits(&certificate.der),
            Method::SelfSignedTls(registered) => {
                let presented = certificate.certificate.thumbprint().map_err(|_| reason::CERTIFICATE_MALFORMED.refusal())?;
                registered.iter().any(|own| own == presented.as_bytes())
            }
        };
        if is_it { Ok(Authenticated { client, used: None }) } else { Err(invalid_client("the certificate is not the client's")) }
    }
}
