//! Introspection (RFC 7662), signed where that is asked for (RFC 9701), or as the phantom token's JWT.

use counterfoil::UnixTime;
use hyper::StatusCode;
use hyper::header::{ACCEPT, CACHE_CONTROL};
use serde_json::{Map, Value, json};

use crate::Server;
use crate::client::Client;
use crate::error::Refusal;
use crate::http::{Request, Response, answer, empty, json as json_answer, set};
use crate::issue::Algorithm;
use crate::reason;
use crate::secret::Digest;
use crate::store::{Standing, Store};

/// What the caller wants to read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    /// RFC 9701.
    Signed,
    /// The token itself, as its resource server expects it.
    Token,
}

impl<S: Store> Server<S> {
    pub(crate) async fn introspect(&self, request: &Request) -> Result<Response, Refusal> {
        let form = request.form()?;
        let authenticated = self.authenticate(request, &form).await?;
        let client = authenticated.client;
        self.store.spend(authenticated.used.into_iter().collect(), request.now).await?;
        if client.metadata.introspects.is_empty() {
            return Err(reason::NO_RESOURCE_SERVER.refusal().with_status(StatusCode::FORBIDDEN));
        }
        let token = form.get("token").ok_or(reason::TOKEN_MISSING.refusal())?;
        let claims = self.claims_of(token, request).await?.filter(|claims| is_for(claims, &client));
        let algorithm = || {
            let own = client.metadata.introspection_signed_response_alg.as_deref().and_then(Algorithm::named);
            own.or_else(|| Algorithm::named(&self.config.keys.algorithm)).unwrap_or(Algorithm::Es256)
        };
        let believed = self.believed_for(claims.as_ref(), request.now);
        let mut response = match wanted(request) {
            Form::Json => json_answer(StatusCode::OK, &introspection(claims)),
            Form::Signed => {
                let body = json!({
                    "iss": self.config.issuer,
                    "aud": client.id(),
                    "iat": request.now.0,
                    "token_introspection": introspection(claims),
                });
                let signed = self.keys.sign(algorithm(), "token-introspection+jwt", &body)?;
                answer(StatusCode::OK, "application/token-introspection+jwt", signed)
            }
            Form::Token => match claims {
                Some(claims) => answer(StatusCode::OK, "application/jwt", self.keys.sign(algorithm(), "at+jwt", &claims)?),
                None => empty(StatusCode::NO_CONTENT),
            },
        };
        if believed > 0 {
            set(&mut response, CACHE_CONTROL, &format!("private, max-age={believed}"));
        }
        Ok(response)
    }

    /// For how many seconds an answer may be remembered: only that a token is active, and not longer than it is.
    fn believed_for(&self, claims: Option<&Map<String, Value>>, now: UnixTime) -> u64 {
        let ends = claims.and_then(|claims| claims.get("exp")).and_then(Value::as_u64).unwrap_or_default();
        self.config.lifetimes.introspection.min(ends.saturating_sub(now.0))
    }

    /// The claims of a token that is good now, whatever its form.
    async fn claims_of(&self, token: &str, request: &Request) -> Result<Option<Map<String, Value>>, Refusal> {
        let read = |text: &str| serde_json::from_str(text).ok();
        match self.store.standing(Digest::of(token), request.now).await? {
            Standing::Live { claims: Some(claims), .. } => return Ok(read(&claims)),
            Standing::Live { counterfoil: Some(counterfoil), .. } => {
                return Ok(self.own_jwt(&format!("{counterfoil}.{token}"), request.now).ok());
            }
            Standing::Live { .. } | Standing::Revoked => return Ok(None),
            Standing::Unknown => {}
        }
        let Ok(claims) = self.own_jwt(token, request.now) else { return Ok(None) };
        let jwt_id = claims.get("jti").and_then(Value::as_str).unwrap_or_default();
        match self.store.standing(Digest::of(jwt_id), request.now).await? {
            Standing::Revoked => Ok(None),
            Standing::Unknown | Standing::Live { .. } => Ok(Some(claims)),
        }
    }
}

/// Whether the token is for a resource that the client answers for (SRV-15).
fn is_for(claims: &Map<String, Value>, client: &Client) -> bool {
    let is_own = |audience: &Value| audience.as_str().is_some_and(|audience| client.metadata.introspects.iter().any(|own| own == audience));
    match claims.get("aud") {
        Some(Value::Array(audiences)) => audiences.iter().any(is_own),
        Some(audience) => is_own(audience),
        None => false,
    }
}

fn introspection(claims: Option<Map<String, Value>>) -> Value {
    let Some(claims) = claims else { return json!({ "active": false }) };
    let mut members = Map::from_iter([("active".to_owned(), json!(true))]);
    let kind = if claims.get("cnf").is_some_and(|cnf| cnf.get("jkt").is_some()) { "DPoP" } else { "Bearer" };
    members.insert("token_type".to_owned(), json!(kind));
    members.extend(claims);
    Value::Object(members)
}

/// By `Accept`; what a caller does not name, it does not get.
fn wanted(request: &Request) -> Form {
    let accepted = request.fields(ACCEPT);
    let names = |media: &str| {
        accepted
            .iter()
            .filter_map(|line| core::str::from_utf8(line).ok())
            .flat_map(|line| line.split(','))
            .any(|range| range.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media))
    };
    if names("application/token-introspection+jwt") {
        Form::Signed
    } else if names("application/jwt") {
        Form::Token
    } else {
        Form::Json
    }
}
