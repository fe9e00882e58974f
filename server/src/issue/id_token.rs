//! ID tokens (OpenID Connect Core section 2), and the claims about a person that they and userinfo carry.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil::UnixTime;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256, Sha512};

use super::Algorithm;
use crate::Server;
use crate::client::Client;
use crate::error::Refusal;
use crate::store::{Grant, Store, User};

/// The claims that each scope asks for (OpenID Connect Core section 5.4).
const OF_SCOPES: [(&str, &[&str]); 4] = [
    (
        "profile",
        &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
    ("email", &["email", "email_verified"]),
    ("address", &["address"]),
    ("phone", &["phone_number", "phone_number_verified"]),
];

/// The claims that an ID token or userinfo may have (OpenID Connect Discovery section 3, `claims_supported`).
pub(crate) fn supported() -> impl Iterator<Item = &'static str> {
    ["sub", "iss", "auth_time", "acr"].into_iter().chain(OF_SCOPES.iter().flat_map(|(_, names)| names.iter().copied()))
}

/// Who a token is about, and by which grant.
pub(crate) struct Person<'a> {
    pub(crate) grant: &'a Grant,
    /// What is known of the person.
    pub(crate) user: &'a User,
}

/// What an ID token goes with.
#[derive(Default)]
pub(crate) struct Beside<'a> {
    pub(crate) nonce: Option<&'a str>,
    pub(crate) access_token: Option<&'a str>,
    pub(crate) code: Option<&'a str>,
    pub(crate) state: Option<&'a str>,
}

/// Signs an ID token for the client of a grant.
pub(crate) fn issue<S: Store>(
    server: &Server<S>,
    client: &Client,
    person: &Person<'_>,
    beside: &Beside<'_>,
    now: UnixTime,
) -> Result<String, Refusal> {
    let grant = person.grant;
    let algorithm = client.signed_by(client.id_token_algorithm, &server.config);
    // What goes through the browser tells nothing about the person, unless nobody there can read it (FAPI 1.0 Part 2 section 5.2.2.1).
    let is_hidden = beside.access_token.is_some() || client.id_token_encryption.is_some();
    let mut claims = if is_hidden { asked_claims(grant, "id_token", person.user) } else { Map::new() };
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    set("iss", json!(server.config.issuer));
    set("sub", json!(grant.subject));
    set("aud", json!(grant.client_id));
    set("exp", json!(now.0.saturating_add(server.config.lifetimes.id_token)));
    set("iat", json!(now.0));
    set("auth_time", json!(grant.auth_time));
    if !grant.acr.is_empty() {
        set("acr", json!(grant.acr));
    }
    // FAPI 1.0 Part 2 section 5.2.2.1 has s_hash.
    for (name, text) in [("at_hash", beside.access_token), ("c_hash", beside.code), ("s_hash", beside.state)] {
        if let Some(text) = text {
            set(name, json!(half_hash(algorithm, text)));
        }
    }
    if let Some(nonce) = beside.nonce {
        set("nonce", json!(nonce));
    }
    Ok(server.keys.sign(algorithm, "JWT", &claims)?)
}

/// What userinfo says of a person (OpenID Connect Core section 5.3.2).
pub(crate) fn userinfo(grant: &Grant, scope: &[String], user: &User) -> Map<String, Value> {
    let mut claims = asked_claims(grant, "userinfo", user);
    for (_, names) in OF_SCOPES.iter().filter(|(name, _)| scope.iter().any(|own| own == name)) {
        for name in *names {
            if let Some(value) = user.claims.get(*name) {
                claims.insert((*name).to_owned(), value.clone());
            }
        }
    }
    claims.insert("sub".to_owned(), json!(user.subject));
    claims
}

/// The claims that the `claims` parameter names for a place, as far as they are known of the person.
fn asked_claims(grant: &Grant, place: &str, user: &User) -> Map<String, Value> {
    let names = grant.claims.get(place).and_then(Value::as_object).into_iter().flat_map(Map::keys);
    let known = |name: &String| user.claims.get(name).map(|value| (name.clone(), value.clone()));
    names.filter_map(known).collect()
}

/// The left half of the hash that goes with the algorithm (OpenID Connect Core section 3.1.3.6): Ed25519's own is SHA-512 (RFC 8032).
fn half_hash(algorithm: Algorithm, text: &str) -> String {
    let half = |hash: &[u8]| Base64UrlUnpadded::encode_string(hash.get(..hash.len() / 2).unwrap_or_default());
    match algorithm {
        Algorithm::Es256 | Algorithm::Ps256 => half(&Sha256::digest(text.as_bytes())),
        Algorithm::EdDsa => half(&Sha512::digest(text.as_bytes())),
    }
}
