//! The engine's parts, each by itself.

use counterfoil::Error;
use counterfoil::jose::algorithm::Algorithm;
use counterfoil::jose::keys::Key;
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::wire::{base64url, json};
use counterfoil_gateway::keys::refused_keys;
use counterfoil_gateway::settings;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::error::{Result, guarded, misconfigured, thrown};
use crate::text::Text;

/// The implementations of these algorithms; those of FAPI 2.0 where none are named.
fn algorithms(names: Option<Vec<String>>) -> Result<Vec<&'static dyn Algorithm>> {
    match names {
        Some(names) => settings::algorithms(&names).map_err(|error| misconfigured(&error)),
        None => Ok(counterfoil::crypto::FAPI.to_vec()),
    }
}

/// The RFC 7638 thumbprint of a public JWK that serves one of these algorithms.
#[napi]
pub(crate) fn jwk_thumbprint(jwk: Text, algorithms: Option<Vec<String>>) -> Result<String> {
    let algorithms = self::algorithms(algorithms)?;
    guarded(|| Key::parse(jwk.bytes(), &algorithms).map(|key| Thumbprint::of_key(key.public()).to_string())).map_err(thrown)
}

/// A key of a set that is not used.
#[napi(object)]
pub(crate) struct RefusedKey {
    /// Its place in the set.
    pub index: u32,
    /// The code of the reason.
    pub code: String,
}

/// Loads a JWK Set of at most `most` keys; returns those that are not used.
#[napi]
pub(crate) fn load_jwks(jwks: Text, algorithms: Option<Vec<String>>, most: u32) -> Result<Vec<RefusedKey>> {
    let algorithms = self::algorithms(algorithms)?;
    let refused = guarded(|| refused_keys(jwks.bytes(), &algorithms, usize::try_from(most).unwrap_or(0))).map_err(thrown)?;
    let row = |key: &counterfoil::jose::keys::RefusedKey| RefusedKey {
        index: u32::try_from(key.index).unwrap_or(u32::MAX),
        code: key.error.slug().to_owned(),
    };
    Ok(refused.iter().map(row).collect())
}

/// Judges a signature by one JWK and one algorithm.
#[napi]
pub(crate) fn verify_signature(jwk: Text, algorithm: String, signing_input: Text, signature: Text) -> Result<()> {
    let algorithms = algorithms(Some(vec![algorithm]))?;
    let (message, signature) = (signing_input.bytes(), signature.bytes());
    let verify = || {
        let key = Key::parse(jwk.bytes(), &algorithms)?;
        let mut out = vec![0; signature.len()];
        let (signature, _) = base64url::decode(signature, &mut out)?;
        algorithms.first().ok_or(Error::AlgorithmsUnset)?.verify(key.public(), message, signature)
    };
    guarded(verify).map_err(thrown)
}

/// Reads JSON as strictly as the engine does (no repeated member, no lone surrogate, bounded depth), and returns the text of the value.
#[napi]
pub(crate) fn check_json(text: Text) -> Result<String> {
    guarded(|| json::read_value(text.bytes()).map(|value| value.raw().to_owned())).map_err(thrown)
}

/// Decodes base64url without padding, of which there is one text for one value.
#[napi(js_name = "decodeBase64url")]
pub(crate) fn decode_base64url(text: Text) -> Result<Buffer> {
    let text = text.bytes();
    let mut out = vec![0; text.len()];
    guarded(|| base64url::decode(text, &mut out).map(|(decoded, _)| decoded.to_vec())).map(Buffer::from).map_err(thrown)
}
