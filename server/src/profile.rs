//! Profiles are data: what each demands beyond what this server always does, with the clause that demands it. The tables are in `profiles/`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use counterfoil::crypto::{ED25519, EDDSA, ES256, PS256};
use counterfoil::jose::algorithm::Algorithm;
use serde::Deserialize;
use serde_json::Value;

use crate::authorization_response::ResponseMode;
use crate::client::Metadata;

/// The tables, by their names.
const TABLES: [(&str, &str); 8] = [
    ("fapi2-security", include_str!("../profiles/fapi2-security.toml")),
    ("fapi2-message-signing", include_str!("../profiles/fapi2-message-signing.toml")),
    ("fapi1-advanced", include_str!("../profiles/fapi1-advanced.toml")),
    ("fapi-ciba", include_str!("../profiles/fapi-ciba.toml")),
    ("uk-open-banking", include_str!("../profiles/uk-open-banking.toml")),
    ("open-banking-brazil", include_str!("../profiles/open-banking-brazil.toml")),
    ("cdr-australia", include_str!("../profiles/cdr-australia.toml")),
    ("connectid-australia", include_str!("../profiles/connectid-australia.toml")),
];

#[expect(clippy::expect_used, reason = "the tables are part of the program, and a test reads them all")]
static PROFILES: LazyLock<[(&str, Profile); 8]> =
    LazyLock::new(|| TABLES.map(|(name, table)| (name, toml::from_str(table).expect("a profile"))));

/// Limits and switches.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    #[expect(dead_code, reason = "for who reads the table")]
    title: String,
    /// What clients sign with, and what is signed for them.
    algorithms: Vec<String>,
    pub(crate) client: ClientRules,
    pub(crate) client_assertion: AssertionRules,
    pub(crate) authorization_request: RequestRules,
    pub(crate) request_object: RequestObjectRules,
    pub(crate) authorization_response: ResponseRules,
    pub(crate) access_token: TokenRules,
    pub(crate) backchannel: BackchannelRules,
    /// What demands each of these: by the place in the table.
    clauses: BTreeMap<String, String>,
}

/// What clients may be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientRules {
    pub(crate) authentication: Vec<String>,
    /// What access tokens are bound to: `mtls`, `dpop`.
    binding: Vec<String>,
}

/// Client assertions (RFC 7523).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssertionRules {
    /// Whether `aud` may also be the token endpoint, or the endpoint that is asked, and a list.
    pub(crate) endpoint_audiences: bool,
}

/// Authorization requests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestRules {
    /// Whether they must be pushed (RFC 9126). Those that are not must be signed.
    pub(crate) pushed: bool,
    /// Whether those that are not pushed need a `code_challenge` (RFC 7636). Those that are pushed always do.
    pub(crate) always_pkce: bool,
    pub(crate) scope_required: bool,
    /// Whether a request for `openid` needs a nonce, and any other a state. One for an ID token by way of the browser always needs a nonce.
    pub(crate) nonce_or_state_required: bool,
    pub(crate) response_types: Vec<String>,
}

/// Signed authorization requests (RFC 9101).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestObjectRules {
    pub(crate) required: bool,
    /// From `nbf` to `exp` at most, in seconds.
    pub(crate) longest: u64,
    /// How long ago `nbf` may be, in seconds.
    pub(crate) oldest: u64,
}

/// Answers by way of the browser.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResponseRules {
    /// For `code`; the first is what a client gets that asks for none.
    pub(crate) modes: Vec<ResponseMode>,
    /// Whether a client must ask for one.
    pub(crate) mode_required: bool,
}

/// Access tokens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenRules {
    /// How long they live at least and at most, in seconds, whatever their resource says.
    pub(crate) shortest: u64,
    pub(crate) longest: u64,
}

/// Requests to authenticate somebody on another device (CIBA).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackchannelRules {
    pub(crate) signed_requests_required: bool,
}

/// Where a client's metadata break a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    /// The member.
    pub(crate) member: &'static str,
    /// What it must be.
    pub(crate) why: String,
    /// What demands it.
    pub(crate) clause: &'static str,
}

impl Profile {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        PROFILES.iter().find(|(own, _)| *own == name).map(|(_, profile)| profile)
    }

    pub(crate) fn name(&self) -> &'static str {
        PROFILES.iter().find(|(_, own)| core::ptr::eq(own, self)).map_or("", |(name, _)| name)
    }

    /// That of a server which names none.
    pub(crate) fn usual() -> &'static Self {
        let [(_, usual), ..] = &*PROFILES;
        usual
    }

    /// For configurations.
    pub(crate) fn by_name<'de, D: serde::Deserializer<'de>>(name: D) -> Result<&'static Self, D::Error> {
        let name = String::deserialize(name)?;
        let unknown = || serde::de::Error::custom(format!("profile {name} is none of {}", Self::names()));
        Self::named(&name).ok_or_else(unknown)
    }

    /// For messages.
    pub(crate) fn names() -> String {
        TABLES.map(|(name, _)| name).join(", ")
    }

    /// What clients may sign with, for the engine.
    pub(crate) fn algorithms(&self) -> Vec<&'static dyn Algorithm> {
        const KNOWN: [(&str, &dyn Algorithm); 4] = [("PS256", &PS256), ("ES256", &ES256), ("EdDSA", &EDDSA), ("EdDSA", &ED25519)];
        KNOWN.iter().filter(|(name, _)| self.has_algorithm(name)).map(|(_, algorithm)| *algorithm).collect()
    }

    pub(crate) fn algorithm_names(&self) -> &[String] {
        &self.algorithms
    }

    pub(crate) fn has_algorithm(&self, name: &str) -> bool {
        self.algorithms.iter().any(|own| own == name)
    }

    fn clause(&'static self, place: &str) -> &'static str {
        self.clauses.get(place).map_or("", String::as_str)
    }

    /// Whether tokens may be bound to DPoP keys.
    pub(crate) fn has_dpop(&self) -> bool {
        self.client.binding.iter().any(|own| own == "dpop")
    }

    /// Where these metadata break it. What breaks every profile is told by [`crate::client::Client::judge`].
    pub(crate) fn broken_by(&'static self, metadata: &Metadata) -> Vec<Breach> {
        let mut breaches = Vec::new();
        let mut tell = |member, why: String, place| breaches.push(Breach { member, why, clause: self.clause(place) });
        let methods = &self.client.authentication;
        if !methods.contains(&metadata.token_endpoint_auth_method) {
            tell("token_endpoint_auth_method", format!("must be {}", methods.join(" or ")), "client.authentication");
        }
        let may_bind = |kind: &str| self.client.binding.iter().any(|own| own == kind);
        let is_only_asking = !metadata.introspects.is_empty() || metadata.decides_backchannel_requests;
        match (metadata.dpop_bound_access_tokens, metadata.tls_client_certificate_bound_access_tokens) {
            (true, _) if !may_bind("dpop") => {
                tell("dpop_bound_access_tokens", "must be false: tokens are bound to certificates".to_owned(), "client.binding");
            }
            (_, true) if !may_bind("mtls") => {
                let why = "must be false: tokens are bound to DPoP keys".to_owned();
                tell("tls_client_certificate_bound_access_tokens", why, "client.binding");
            }
            (false, false) if !is_only_asking => {
                let why = "this, or dpop_bound_access_tokens where the profile has DPoP, must be true".to_owned();
                tell("tls_client_certificate_bound_access_tokens", why, "client.binding");
            }
            _ => {}
        }
        for (member, algorithm) in [
            ("token_endpoint_auth_signing_alg", &metadata.token_endpoint_auth_signing_alg),
            ("id_token_signed_response_alg", &metadata.id_token_signed_response_alg),
            ("request_object_signing_alg", &metadata.request_object_signing_alg),
            ("authorization_signed_response_alg", &metadata.authorization_signed_response_alg),
            ("introspection_signed_response_alg", &metadata.introspection_signed_response_alg),
            ("backchannel_authentication_request_signing_alg", &metadata.backchannel_authentication_request_signing_alg),
        ] {
            if algorithm.as_ref().is_some_and(|name| !self.has_algorithm(name)) {
                tell(member, format!("must be {}", self.algorithms.join(" or ")), "algorithms");
            }
        }
        let types = &self.authorization_request.response_types;
        if !metadata.response_types.iter().all(|kind| types.contains(kind)) {
            tell("response_types", format!("may be {}", types.join(" and ")), "authorization_request.response_types");
        }
        breaches
    }
}

/// What in a client's metadata breaks a profile: a line for each member, with the clause.
///
/// # Errors
/// The name that is no profile's, or what makes the metadata unreadable.
pub fn check(metadata: &Value, profile: Option<&str>, usual: &'static str) -> Result<Vec<String>, String> {
    let read: Metadata = serde_json::from_value(metadata.clone()).map_err(|error| error.to_string())?;
    let name = profile.or(read.profile.as_deref()).unwrap_or(usual).to_owned();
    let profile = Profile::named(&name).ok_or_else(|| format!("{name} is no profile: {}", Profile::names()))?;
    let breaches = profile.broken_by(&read);
    let told = |breach: &Breach| format!("{}: {} ({})", breach.member, breach.why, breach.clause);
    let mut lines: Vec<String> = breaches.iter().map(told).collect();
    if lines.is_empty()
        && let Err(error) = crate::client::Client::judge(Metadata { profile: Some(name), ..read }, profile)
    {
        lines.push(error.to_string());
    }
    Ok(lines)
}

/// How two profiles differ: a line for each value that is not the same in both.
///
/// # Errors
/// The name that is no profile's.
pub fn difference(one: &str, other: &str) -> Result<Vec<String>, String> {
    let (one, other) = (leaves_of(one)?, leaves_of(other)?);
    let value = |leaves: &[(String, String)], name: &str| {
        leaves.iter().find(|(own, _)| own == name).map_or_else(|| "-".to_owned(), |(_, value)| value.clone())
    };
    let mut names: Vec<&String> = one.iter().chain(&other).map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    let differs = |name: &&String| value(&one, name) != value(&other, name);
    Ok(names.into_iter().filter(differs).map(|name| format!("{name}: {} | {}", value(&one, name), value(&other, name))).collect())
}

/// The values of a profile, each with its place. Clauses are not what it demands but who says so.
fn leaves_of(name: &str) -> Result<Vec<(String, String)>, String> {
    let (_, table) = TABLES.iter().find(|(own, _)| *own == name).ok_or_else(|| format!("{name} is no profile: {}", Profile::names()))?;
    let table: serde_json::Map<String, Value> = toml::from_str(table).map_err(|error| error.to_string())?;
    let mut leaves = Vec::new();
    for (name, value) in table.into_iter().filter(|(name, _)| name != "clauses") {
        match value {
            Value::Object(inner) => leaves.extend(inner.iter().map(|(inner, value)| (format!("{name}.{inner}"), value.to_string()))),
            value => leaves.push((name, value.to_string())),
        }
    }
    Ok(leaves)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_table_is_a_profile_and_says_who_demands_what_it_demands() {
        assert_eq!(PROFILES.len(), TABLES.len());
        for (name, profile) in PROFILES.iter() {
            assert!(!profile.authorization_response.modes.is_empty(), "{name}");
            assert!(!profile.algorithms().is_empty(), "{name}");
            assert!(profile.access_token.shortest <= profile.access_token.longest, "{name}");
            let leaves: Vec<String> =
                leaves_of(name).unwrap().into_iter().map(|(place, _)| place).filter(|place| place != "title").collect();
            for place in leaves {
                assert!(!profile.clause(&place).is_empty(), "{name}: nothing says who demands {place}");
            }
        }
    }

    #[test]
    fn what_differs_is_told_and_nothing_else() {
        let lines = difference("fapi2-security", "fapi2-message-signing").unwrap();
        assert!(lines.contains(&"request_object.required: false | true".to_owned()), "{lines:?}");
        assert!(!lines.iter().any(|line| line.starts_with("request_object.longest")), "{lines:?}");
        assert!(difference("fapi2-security", "fapi3").unwrap_err().starts_with("fapi3 is no profile"));
    }

    #[test]
    fn what_breaks_a_profile_is_told_with_its_clause() {
        let client = json!({
            "client_id": "c", "token_endpoint_auth_method": "private_key_jwt", "redirect_uris": ["https://c.example/cb"],
            "dpop_bound_access_tokens": true, "id_token_signed_response_alg": "EdDSA", "response_types": ["code id_token"],
            "jwks": { "keys": [] },
        });
        let fapi1 = check(&client, Some("fapi1-advanced"), "fapi2-security").unwrap();
        assert_eq!(fapi1.len(), 2, "{fapi1:?}");
        assert!(fapi1.iter().any(|line| line.starts_with("dpop_bound_access_tokens: ") && line.contains("section 5.2.2")), "{fapi1:?}");
        assert!(fapi1.iter().any(|line| line.starts_with("id_token_signed_response_alg: ") && line.contains("section 8.6")), "{fapi1:?}");
        let fapi2 = check(&client, None, "fapi2-security").unwrap();
        assert!(fapi2.len() == 1 && fapi2[0].starts_with("response_types: may be code ("), "{fapi2:?}");
    }
}
