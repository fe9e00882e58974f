//! Access tokens (RFC 9068) in the three forms that clients may get.

use counterfoil::UnixTime;
use counterfoil::oauth::confirmation::Confirmation;
use counterfoil::oauth::split_token;
use serde_json::{Map, Value, json};

use super::{Algorithm, SigningKeys};
use crate::client::Client;
use crate::config::{Config, Resource, TokenFormat};
use crate::error::Refusal;
use crate::reason;
use crate::secret::{Digest, Secret};
use crate::store::{IssuedToken, Move};

/// What a token is to say.
pub(crate) struct AccessTokenContent<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) scope: &'a [String],
    /// What it is for; the server's default where it names none.
    pub(crate) resources: &'a [String],
    pub(crate) authorization_details: &'a Value,
    pub(crate) confirmation: Confirmation,
    /// The grant, and when and how the person signed in; none for client credentials.
    pub(crate) grant: Option<(&'a str, u64, &'a str)>,
}

/// A token for the client, with what must be remembered before the client gets it.
pub(crate) struct IssuedAccessToken {
    /// What the client gets.
    pub(crate) text: String,
    /// In seconds.
    pub(crate) expires_in: u64,
    /// What to remember.
    pub(crate) to_remember: Move,
}

/// Signs a token; what the client gets of it depends on the client and on the resource.
pub(crate) fn issue(
    config: &Config,
    keys: &SigningKeys,
    client: &Client,
    content: &AccessTokenContent<'_>,
    now: UnixTime,
) -> Result<IssuedAccessToken, Refusal> {
    let audiences = audiences(config, content.resources);
    let resources = || audiences.iter().filter_map(|uri| config.resource(uri));
    let lifetime = resources().filter_map(|resource| resource.access_token_lifetime).min().unwrap_or(config.lifetimes.access_token);
    let limits = &client.profile.access_token;
    let lifetime = lifetime.clamp(limits.shortest, limits.longest);
    let format = client.format.or_else(|| resources().next().map(|resource| resource.format)).unwrap_or_default();
    let jwt_id = Secret::new();
    let expires_at = UnixTime(now.0.saturating_add(lifetime));
    let claims = claims(config, content, &audiences, jwt_id.as_str(), now, expires_at);
    let algorithm = Algorithm::named(&config.keys.algorithm).unwrap_or(Algorithm::Es256);
    let remembered = |key: Digest, claims: Option<String>| IssuedToken {
        key,
        client_id: content.client_id.to_owned(),
        grant_id: content.grant.map(|(id, ..)| id.to_owned()),
        claims,
        expires_at,
    };
    let (text, token, counterfoil) = match format {
        TokenFormat::Jwt => {
            let text = keys.sign(algorithm, "at+jwt", &claims)?;
            // Without a grant there is nothing that could be revoked with it: only a revocation is remembered.
            let token = content.grant.map(|_| remembered(jwt_id.digest(), None));
            (text, token, None)
        }
        TokenFormat::Phantom => {
            let reference = Secret::new();
            let token = remembered(reference.digest(), Some(claims.to_string()));
            (reference.into_string(), Some(token), None)
        }
        TokenFormat::Split => {
            let whole = keys.sign(algorithm, "at+jwt", &claims)?;
            let (counterfoil, ticket) = split_token::split(whole.as_bytes()).map_err(fault)?;
            let key = Digest::from_bytes(*ticket.key().as_bytes());
            let counterfoil = String::from_utf8(counterfoil.as_bytes().to_vec()).map_err(fault)?;
            let ticket = whole.get(counterfoil.len() + 1..).unwrap_or_default().to_owned();
            (ticket, Some(remembered(key, None)), Some(counterfoil))
        }
    };
    Ok(IssuedAccessToken { text, expires_in: lifetime, to_remember: Move { token, counterfoil, ..Move::default() } })
}

/// What the token is for: the first resource of the configuration, or the server itself, where nothing is asked for.
pub(crate) fn audiences(config: &Config, resources: &[String]) -> Vec<String> {
    if resources.is_empty() {
        return vec![config.resources.first().map_or(&config.issuer, |Resource { uri, .. }| uri).clone()];
    }
    resources.to_vec()
}

/// What of the scopes makes sense at one of the resources; `openid` does at the server's own userinfo.
pub(crate) fn scope_at(config: &Config, resources: &[String], mut scope: Vec<String>) -> Vec<String> {
    let audiences = audiences(config, resources);
    let makes_sense = |scope: &String, at: &Resource| at.scopes.is_empty() || at.scopes.contains(scope);
    let is_known = |scope: &String| audiences.iter().any(|uri| config.resource(uri).is_none_or(|resource| makes_sense(scope, resource)));
    scope.retain(|scope| scope == "openid" || is_known(scope));
    scope
}

fn claims(
    config: &Config,
    content: &AccessTokenContent<'_>,
    audiences: &[String],
    jwt_id: &str,
    now: UnixTime,
    expires_at: UnixTime,
) -> Value {
    let mut claims = Map::new();
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    set("iss", json!(config.issuer));
    set("sub", json!(content.subject));
    set("aud", if let [one] = audiences { json!(one) } else { json!(audiences) });
    set("exp", json!(expires_at.0));
    set("iat", json!(now.0));
    set("jti", json!(jwt_id));
    set("client_id", json!(content.client_id));
    if !content.scope.is_empty() {
        set("scope", json!(content.scope.join(" ")));
    }
    set("cnf", confirmation(content.confirmation));
    if !content.authorization_details.is_null() {
        set("authorization_details", content.authorization_details.clone());
    }
    if let Some((_, auth_time, acr)) = content.grant {
        set("auth_time", json!(auth_time));
        if !acr.is_empty() {
            set("acr", json!(acr));
        }
    }
    Value::Object(claims)
}

/// As `cnf` (RFC 7800 section 3.1).
pub(crate) fn confirmation(confirmation: Confirmation) -> Value {
    let text = |thumbprint: counterfoil::jose::thumbprint::Thumbprint| String::from_utf8_lossy(&thumbprint.encode()).into_owned();
    match confirmation {
        Confirmation::Certificate(thumbprint) => json!({ "x5t#S256": text(thumbprint) }),
        Confirmation::Key(thumbprint) => json!({ "jkt": text(thumbprint) }),
    }
}

fn fault(cause: impl core::fmt::Display) -> Refusal {
    reason::FAULT.refusal().because(cause)
}
