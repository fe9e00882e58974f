//! Phantom tokens: the issuer is asked what a reference stands for (RFC 7662, RFC 9701, or the token itself as `application/jwt`).

use std::sync::Arc;

use base64ct::{Base64, Encoding as _};
use counterfoil::oauth::introspection::{IntrospectionRules, judge_active};
use counterfoil::oauth::request::TokenForm;
use counterfoil::oauth::split_token::{CounterfoilKey, KeyEncoding};
use counterfoil::{Error, Seconds, UnixTime};
use sha2::{Digest as _, Sha256};

use super::Found;
use super::answers::Answers;
use crate::error::ConfigError;
use crate::gateway::Trusted;
use crate::https::{Answer, Https, Transport, https_url, push_escaped};

/// In which form an issuer answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntrospectionFormat {
    /// `application/json` (RFC 7662).
    Json,
    /// `application/token-introspection+jwt` (RFC 9701), signed by one of the issuer's keys for this audience: the resource server's identifier
    /// at the issuer.
    SignedJson {
        /// The `aud` of the answer.
        audience: String,
    },
    /// `application/jwt`: the access token that the reference stands for; 204 for an inactive one.
    Jwt,
}

/// How a gateway proves to the issuer who asks.
#[derive(Clone)]
pub enum ClientAuthentication {
    /// HTTP Basic (RFC 6749 section 2.3.1).
    Basic {
        /// The client identifier.
        client_id: String,
        /// Its secret.
        secret: String,
    },
    /// The transport's certificate (RFC 8705 section 2).
    Certificate {
        /// The client identifier, sent beside the token.
        client_id: String,
    },
}

impl core::fmt::Debug for ClientAuthentication {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic",
            Self::Certificate { .. } => "Certificate",
        })
    }
}

/// An introspection endpoint, how to ask it and how long to believe it.
pub struct Introspection {
    url: String,
    https: Https,
    format: IntrospectionFormat,
    /// The value of `Authorization`.
    basic: Option<String>,
    /// What stands in the form behind the token.
    form: String,
    fresh: Seconds,
    inactive: Seconds,
}

/// As long as the longest token.
const LARGEST: usize = 64 * 1024;

impl Introspection {
    /// Asks at `url` for every request: nothing is remembered.
    ///
    /// # Errors
    /// [`Error::AddressMalformed`]; [`Error::MaterialUnusable`], also when a certificate is to prove who asks and the transport has none.
    pub fn new(url: &str, format: IntrospectionFormat, client: &ClientAuthentication, transport: &Transport) -> Result<Self, ConfigError> {
        let mut form = "&token_type_hint=access_token".to_owned();
        let basic = match client {
            ClientAuthentication::Basic { client_id, secret } => {
                let mut pair = String::new();
                push_escaped(&mut pair, client_id.as_bytes());
                pair.push(':');
                push_escaped(&mut pair, secret.as_bytes());
                Some(format!("Basic {}", Base64::encode_string(pair.as_bytes())))
            }
            ClientAuthentication::Certificate { client_id } if transport.has_identity() => {
                form.push_str("&client_id=");
                push_escaped(&mut form, client_id.as_bytes());
                None
            }
            ClientAuthentication::Certificate { .. } => {
                return Err(ConfigError::new(Error::MaterialUnusable, "the transport has no certificate to authenticate with"));
            }
        };
        let https = Https::new(transport, LARGEST)?;
        Ok(Self { url: https_url(url)?, https, format, basic, form, fresh: Seconds(0), inactive: Seconds(0) })
    }

    /// Believes that a token is active for so long, or for the answer's `max-age` where that is shorter; and that one is not for `inactive`.
    /// This is how long a revoked token may go on being accepted.
    #[must_use]
    pub const fn remembering(mut self, active: Seconds, inactive: Seconds) -> Self {
        self.fresh = active;
        self.inactive = inactive;
        self
    }
}

impl core::fmt::Debug for Introspection {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Introspection").field("url", &self.url).field("format", &self.format).finish_non_exhaustive()
    }
}

/// What an issuer said of a reference.
#[derive(Clone)]
enum Said {
    Claims(Arc<[u8]>),
    Token(Arc<[u8]>),
}

impl Said {
    fn found(self) -> Found {
        match self {
            Self::Claims(answer) => Found::Introspected(answer),
            Self::Token(token) => Found::Phantom(token),
        }
    }
}

pub(crate) struct PhantomTokens {
    endpoint: Introspection,
    active: Answers<Said>,
    /// Apart, so that invented references cannot drive out real ones.
    inactive: Answers<()>,
}

const MOST_ACTIVE: usize = 16 * 1024;
const MOST_INACTIVE: usize = 4 * 1024;

impl PhantomTokens {
    pub(crate) fn new(endpoint: Introspection) -> Result<Self, Error> {
        Ok(Self { endpoint, active: Answers::new(MOST_ACTIVE)?, inactive: Answers::new(MOST_INACTIVE)? })
    }

    /// Whatever is remembered is judged again by the engine, for its times, its binding and all else.
    pub(super) fn find(&self, reference: &[u8], now: UnixTime, issuer: &Trusted) -> Result<Found, Error> {
        // Before anybody is bothered with it.
        if reference.len() > issuer.policy.limits().token() {
            return Err(Error::TokenTooLarge);
        }
        let key = CounterfoilKey::parse(&Sha256::digest(reference), KeyEncoding::Raw)?;
        if self.inactive.get(&key).is_some_and(|(_, until)| now < until) {
            return Err(Error::TokenInactive);
        }
        if let Some((said, _)) = self.active.get(&key).filter(|(_, until)| now < *until) {
            return Ok(said.found());
        }
        match self.ask(reference, now, issuer) {
            Ok((said, lifetime)) => {
                if lifetime.0 > 0 {
                    self.active.put(&key, said.clone(), now.plus(lifetime));
                }
                Ok(said.found())
            }
            Err(error) => {
                if error == Error::TokenInactive {
                    self.active.remove(&key);
                    self.inactive.put(&key, (), now.plus(self.endpoint.inactive));
                }
                Err(error)
            }
        }
    }

    /// Asks the issuer. An answer that cannot be understood is none: the token is neither active nor inactive.
    fn ask(&self, reference: &[u8], now: UnixTime, issuer: &Trusted) -> Result<(Said, Seconds), Error> {
        let endpoint = &self.endpoint;
        let media_type = match endpoint.format {
            IntrospectionFormat::Json => "application/json",
            IntrospectionFormat::SignedJson { .. } => "application/token-introspection+jwt",
            IntrospectionFormat::Jwt => "application/jwt",
        };
        let mut form = "token=".to_owned();
        push_escaped(&mut form, reference);
        form.push_str(&endpoint.form);
        let headers = [Some(("accept", media_type)), endpoint.basic.as_deref().map(|basic| ("authorization", basic))];
        let headers: Vec<_> = headers.into_iter().flatten().collect();
        let answer = endpoint.https.post_form(&endpoint.url, &headers, &form).map_err(|_| Error::LookupUnavailable)?;
        if answer.status == 204 && endpoint.format == IntrospectionFormat::Jwt {
            return Err(Error::TokenInactive);
        }
        if answer.status != 200 || !answer.is_media_type(media_type) {
            return Err(Error::LookupUnavailable);
        }
        let lifetime = Seconds(answer.max_age().map_or(endpoint.fresh.0, |age| age.min(endpoint.fresh.0)));
        self.read(answer, now, issuer).map(|said| (said, lifetime))
    }

    fn read(&self, answer: Answer, now: UnixTime, issuer: &Trusted) -> Result<Said, Error> {
        let inactive_or_none = |error| if error == Error::TokenInactive { error } else { Error::LookupUnavailable };
        match &self.endpoint.format {
            IntrospectionFormat::Json => {
                judge_active(&answer.body).map_err(inactive_or_none)?;
                Ok(Said::Claims(answer.body.into()))
            }
            IntrospectionFormat::SignedJson { audience } => {
                let mut scratch = vec![0; answer.body.len()];
                let claims = signed_claims(&answer.body, audience, now, issuer, &mut scratch).map_err(|_| Error::LookupUnavailable)?;
                judge_active(claims.as_bytes()).map_err(inactive_or_none)?;
                Ok(Said::Claims(claims.as_bytes().into()))
            }
            IntrospectionFormat::Jwt => Ok(Said::Token(answer.body.trim_ascii().into())),
        }
    }

    pub(super) fn revoke(&self, key: &CounterfoilKey, until: UnixTime) {
        self.active.remove(key);
        self.inactive.put(key, (), until);
    }
}

/// The claims of a signed answer. One that is signed with an unknown key makes the gateway ask for the issuer's keys.
fn signed_claims<'s>(answer: &[u8], audience: &str, now: UnixTime, issuer: &Trusted, scratch: &'s mut [u8]) -> Result<&'s str, Error> {
    let keys = issuer.keys.load();
    let keys = keys.as_deref().ok_or(Error::LookupUnavailable)?.keys();
    let rules = IntrospectionRules::new(issuer.policy.name(), audience, issuer.policy.algorithms(), keys)?
        .with_leeway(issuer.policy.leeway())
        .with_limits(issuer.policy.limits());
    let accepted = rules.accept(answer, now, scratch);
    if accepted == Err(Error::KeyUnknown) {
        let mut scratch = vec![0; answer.len()];
        issuer.miss(TokenForm::Whole, answer, core::time::Duration::ZERO, &mut scratch);
    }
    accepted
}
