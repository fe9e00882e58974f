//! Keys of others, which may have changed since they were fetched.

use core::time::Duration;
use std::sync::Arc;

use counterfoil::jose::policy::Limits;
use counterfoil::oauth::issuer::claimed_kid;
use counterfoil::oauth::request::TokenForm;
use counterfoil::wire::value::Str;
use counterfoil_gateway::keys::{KeyRing, PreparedKeys};

/// The keys that a token is to be judged by: asked for again where it names one that the set lacks, and waited for so long.
pub(crate) fn current(ring: &KeyRing, token: &str, limits: Limits, patience: Duration, scratch: &mut [u8]) -> Option<Arc<PreparedKeys>> {
    let ask = |kid: Option<Str<'_>>| is_unknown(ring, kid) && ring.miss(kid.and_then(Str::as_str), patience);
    // What cannot be read is refused when it is judged.
    let _ = claimed_kid(TokenForm::Whole, token.as_bytes(), limits, scratch, ask);
    ring.load().clone()
}

/// Whether a token names a key that is not there, or there are none yet.
pub(crate) fn are_missing(ring: &KeyRing, token: &str, limits: Limits) -> bool {
    let mut scratch = vec![0; limits.scratch()];
    claimed_kid(TokenForm::Whole, token.as_bytes(), limits, &mut scratch, |kid| is_unknown(ring, kid)).unwrap_or(false)
}

fn is_unknown(ring: &KeyRing, kid: Option<Str<'_>>) -> bool {
    match (kid, ring.load().as_ref()) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(kid), Some(keys)) => !keys.keys().iter().any(|key| key.kid().is_some_and(|own| kid.is(own))),
    }
}
