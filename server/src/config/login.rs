//! How people sign in: here, or at another OpenID provider.

use std::path::PathBuf;

use counterfoil::crypto::{ED25519, EDDSA, ES256, PS256, RS256};
use counterfoil::jose::algorithm::Algorithm;
use serde::Deserialize;

use super::ConfigError;

/// How people sign in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Login {
    /// What tokens say as `acr` of somebody who signed in with a password.
    pub acr: String,
    /// Another OpenID provider, at which people sign in instead of here.
    pub provider: Option<IdentityProviderSettings>,
}

/// Another OpenID provider. It knows this server as a client, by the keys of its `jwks_uri` (`private_key_jwt`) or by a certificate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityProviderSettings {
    /// Its issuer identifier.
    pub issuer: String,
    /// What it calls this server. Its `redirect_uri` there is this server's `/login/return`.
    pub client_id: String,
    /// What is asked for.
    #[serde(default = "default_provider_scope")]
    pub scope: String,
    /// What `acr` in its ID tokens may be; passed on when a client demands one of them.
    #[serde(default)]
    pub acr_values: Vec<String>,
    /// What its ID tokens may be signed by: `ES256`, `PS256`, `EdDSA`; `RS256`, which FAPI does not permit, only where it is named here.
    #[serde(default = "default_provider_algorithms")]
    pub algorithms: Vec<String>,
    /// Authorities in PEM that vouch for its certificate, instead of the system's.
    #[serde(default)]
    pub authorities: Option<PathBuf>,
    /// The certificate that this server shows there, in PEM, instead of assertions by its keys.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// The certificate's private key in PEM.
    #[serde(default)]
    pub key: Option<PathBuf>,
}

fn default_provider_scope() -> String {
    "openid profile email".to_owned()
}

fn default_provider_algorithms() -> Vec<String> {
    ["ES256", "PS256", "EdDSA"].map(str::to_owned).to_vec()
}

impl IdentityProviderSettings {
    pub(crate) fn engine_algorithms(&self) -> Result<Vec<&'static dyn Algorithm>, ConfigError> {
        let mut algorithms: Vec<&'static dyn Algorithm> = Vec::new();
        for name in &self.algorithms {
            match name.as_str() {
                "ES256" => algorithms.push(&ES256),
                "PS256" => algorithms.push(&PS256),
                "EdDSA" => algorithms.extend([&EDDSA as &dyn Algorithm, &ED25519]),
                "RS256" => algorithms.push(&RS256),
                _ => return Err(ConfigError::new("login.provider.algorithms", "may be ES256, PS256, EdDSA and RS256")),
            }
        }
        Ok(algorithms)
    }

    pub(super) fn judge(&self) -> Result<(), ConfigError> {
        let wrong = |member: &str, what: &str| Err(ConfigError::new(format!("login.provider.{member}"), what));
        if !self.issuer.starts_with("https://") {
            return wrong("issuer", "must be an https URL");
        }
        if !self.scope.split(' ').any(|scope| scope == "openid") {
            return wrong("scope", "must have openid");
        }
        if self.algorithms.is_empty() {
            return wrong("algorithms", "must not be empty");
        }
        if self.certificate.is_some() != self.key.is_some() {
            return wrong("certificate", "and key belong together");
        }
        self.engine_algorithms().map(drop)
    }
}

impl Login {
    /// What `acr` may be.
    pub(crate) fn acr_values(&self) -> Vec<&str> {
        match &self.provider {
            Some(provider) => provider.acr_values.iter().map(String::as_str).collect(),
            None => vec![&self.acr],
        }
    }
}

impl Default for Login {
    fn default() -> Self {
        Self { acr: "urn:counterfoil:password".to_owned(), provider: None }
    }
}
