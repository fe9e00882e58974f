//! Signed authorization requests (RFC 9101; FAPI 2.0 Message Signing section 5.3): the parameters that a client's signature vouches for.

use core::time::Duration;

use counterfoil::crypto::FAPI;
use counterfoil::jose::algorithm::Algorithm;
use counterfoil::jose::header::TokenType;
use counterfoil::jose::policy::Limits;
use counterfoil::oauth::access_token::AccessToken;
use counterfoil::oauth::confirmation::{Binding, Presenter};
use counterfoil::oauth::verifier::{Profile, Verifier};
use counterfoil::{Seconds, UnixTime};
use serde_json::{Map, Value};

use crate::client::Client;
use crate::config::Config;
use crate::error::{Code, Refusal};
use crate::http::Form;
use crate::others_keys;

/// `typ` (RFC 9101 section 10.8); what has none, or the general one, is taken too (FAPI 2.0 Message Signing section 5.3.1, number 5).
const TYPES: [TokenType<'_>; 3] = [TokenType::Named("oauth-authz-req+jwt"), TokenType::Named("JWT"), TokenType::Absent];
/// The claims that are about the JWT, and no parameters.
const ABOUT_ITSELF: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];
/// How long a client's keys, which have become unknown, may be waited for.
const PATIENCE: Duration = Duration::ZERO;

/// The parameters of a request: those that are signed, and no other, where any are; else those of the form, where the client may do so.
pub(crate) fn parameters(form: Form, client: &Client, config: &Config, now: UnixTime) -> Result<Form, Refusal> {
    match form.get("request") {
        Some(object) => read(object, client, config, now),
        None if client.must_sign_requests() => Err(Refusal::new(Code::InvalidRequest, "this client must send a signed request object")),
        None => Ok(form),
    }
}

fn read(object: &str, client: &Client, config: &Config, now: UnixTime) -> Result<Form, Refusal> {
    let limits = Limits::new(32 * 1024, 4 * 1024).map_err(|error| refuse().because(error))?;
    let ring = client.keys.as_ref().ok_or_else(|| refuse().because("the client has no keys"))?;
    let mut scratch = vec![0; limits.scratch()];
    let keys =
        others_keys::current(ring, object, limits, PATIENCE, &mut scratch).ok_or_else(|| refuse().because("no keys could be had"))?;
    // A client that has registered one algorithm signs with no other (RFC 9101 section 10.1).
    let is_registered = |own: &&dyn Algorithm| client.request_algorithm.is_none_or(|registered| registered.name() == own.name());
    let algorithms: Vec<&dyn Algorithm> = FAPI.iter().copied().filter(is_registered).collect();
    let accepted = Verifier::new(client.id(), &config.issuer, &algorithms, keys.keys())
        .map(|verifier| {
            verifier.with_profile(Profile::listed(&TYPES, &["nbf", "client_id"])).with_binding(Binding::Optional).with_limits(limits)
        })
        .and_then(|verifier| verifier.accept(object.as_bytes(), Presenter::Bearer, now, &mut scratch))
        .map_err(|error| refuse().because(error))?;
    judge_times(&accepted, client, now)?;
    let claims: Map<String, Value> = serde_json::from_str(accepted.payload()).map_err(|error| refuse().because(error))?;
    if claims.get("client_id").and_then(Value::as_str) != Some(client.id()) {
        return Err(refuse().because("client_id is another client's"));
    }
    if ["request", "request_uri"].iter().any(|name| claims.contains_key(*name)) {
        return Err(refuse().because("it holds another request"));
    }
    let is_parameter = |(name, _): &(String, Value)| !ABOUT_ITSELF.contains(&name.as_str());
    Form::of_claims(claims.into_iter().filter(is_parameter)).ok_or_else(|| refuse().because("a parameter is no text"))
}

/// Not older and not longer than the client's profile allows. That it has not ended and has begun, the engine has judged.
fn judge_times(accepted: &AccessToken<'_>, client: &Client, now: UnixTime) -> Result<(), Refusal> {
    let rules = &client.profile.request_object;
    let times = accepted.not_before().zip(accepted.expires_at());
    let (begins, ends) = times.ok_or_else(|| refuse().because("nbf or exp is missing"))?;
    if begins.ceil().plus(Seconds(rules.oldest)) < now {
        return Err(refuse().because("nbf is too long ago"));
    }
    if ends.ceil() > begins.ceil().plus(Seconds(rules.longest)) {
        return Err(refuse().because("exp is too long after nbf"));
    }
    Ok(())
}

fn refuse() -> Refusal {
    Refusal::new(Code::InvalidRequestObject, "the request object is not valid")
}
