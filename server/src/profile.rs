//! Profiles are data: what each demands beyond what this server always does. The tables are in `profiles/`.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use crate::authorization_response::ResponseMode;

/// The tables, by their names.
const TABLES: [(&str, &str); 2] = [
    ("fapi2-security", include_str!("../profiles/fapi2-security.toml")),
    ("fapi2-message-signing", include_str!("../profiles/fapi2-message-signing.toml")),
];

#[expect(clippy::expect_used, reason = "the tables are part of the program, and a test reads them all")]
static PROFILES: LazyLock<[(&str, Profile); 2]> =
    LazyLock::new(|| TABLES.map(|(name, table)| (name, toml::from_str(table).expect("a profile"))));

/// Limits and switches.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    #[expect(dead_code, reason = "for who reads the table")]
    title: String,
    pub(crate) request_object: RequestObjectRules,
    pub(crate) authorization_response: ResponseRules,
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
    pub(crate) modes: Vec<ResponseMode>,
}

impl Profile {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        PROFILES.iter().find(|(own, _)| *own == name).map(|(_, profile)| profile)
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

/// The values of a profile, each with its place.
fn leaves_of(name: &str) -> Result<Vec<(String, String)>, String> {
    let (_, table) = TABLES.iter().find(|(own, _)| *own == name).ok_or_else(|| format!("{name} is no profile: {}", Profile::names()))?;
    let table: serde_json::Map<String, Value> = toml::from_str(table).map_err(|error| error.to_string())?;
    let mut leaves = Vec::new();
    for (name, value) in table {
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

    #[test]
    fn every_table_is_a_profile() {
        assert_eq!(PROFILES.len(), TABLES.len());
        for (name, profile) in PROFILES.iter() {
            assert!(!profile.authorization_response.modes.is_empty(), "{name}");
        }
    }

    #[test]
    fn what_differs_is_told_and_nothing_else() {
        let lines = difference("fapi2-security", "fapi2-message-signing").unwrap();
        assert!(lines.contains(&"request_object.required: false | true".to_owned()), "{lines:?}");
        assert!(!lines.iter().any(|line| line.starts_with("request_object.longest")), "{lines:?}");
        assert!(difference("fapi2-security", "fapi3").unwrap_err().starts_with("fapi3 is no profile"));
    }
}
