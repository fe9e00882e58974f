//! Signed requests: the parameters that a client's signature vouches for. At PAR and at the authorization endpoint as RFC 9101 has them (FAPI
//! 2.0 Message Signing section 5.3), at the backchannel authentication endpoint as CIBA Core section 7.1.1 has them.

use core::time::Duration;

use counterfoil::jose::algorithm::Algorithm;
use counterfoil::jose::header::TokenType;
use counterfoil::jose::policy::Limits;
use counterfoil::oauth::access_token::AccessToken;
use counterfoil::oauth::confirmation::{Binding, Presenter};
use counterfoil::oauth::verifier::{Profile, Verifier};
use counterfoil::{Seconds, UnixTime};
use serde_json::{Map, Value};

use crate::client::Client;
use crate::encryption::Encryption;
use crate::error::Refusal;
use crate::http::Form;
use crate::others_keys;
use crate::reason::{self, Reason};
use crate::secret::Digest;
use crate::store::{Use, UseKind};

/// `typ` (RFC 9101 section 10.8); what has none, or the general one, is taken too (FAPI 2.0 Message Signing section 5.3.1, number 5).
const TYPES: [TokenType<'_>; 3] = [TokenType::Named("oauth-authz-req+jwt"), TokenType::Named("JWT"), TokenType::Absent];
/// The claims that are about the JWT, and no parameters.
const ABOUT_ITSELF: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];
/// What goes beside a signed backchannel request.
const BESIDE: [&str; 4] = ["request", "client_id", "client_assertion", "client_assertion_type"];
/// How long a client's keys, which have become unknown, may be waited for.
const PATIENCE: Duration = Duration::ZERO;

/// Whom a request is for: this server.
#[derive(Clone, Copy)]
pub(crate) struct Own<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) encryption: &'a Encryption,
}

/// What is demanded of a signed request, beside a good signature for this server.
struct Rules<'a> {
    claims: &'a [&'a str],
    /// The one that the client has registered; any of its profile's where it has none.
    algorithm: Option<crate::issue::Algorithm>,
    /// Why it is refused.
    reason: Reason,
}

impl Rules<'_> {
    fn refuse(&self) -> Refusal {
        self.reason.refusal()
    }
}

/// The parameters of an authorization request: those that are signed, and no other, where any are; else those of the form, where the client
/// may do so.
pub(crate) fn parameters(form: Form, client: &Client, own: Own<'_>, now: UnixTime) -> Result<Form, Refusal> {
    let Some(object) = form.get("request") else {
        return if client.must_sign_requests() { Err(reason::REQUEST_NOT_SIGNED.refusal()) } else { Ok(form) };
    };
    let rules = Rules { claims: &["nbf", "client_id"], algorithm: client.request_algorithm, reason: reason::REQUEST_OBJECT_INVALID };
    let (claims, _) = read(object, client, own, &rules, now)?;
    if claims.get("client_id").and_then(Value::as_str) != Some(client.id()) {
        return Err(rules.refuse().because("client_id is another client's"));
    }
    if ["request", "request_uri"].iter().any(|name| claims.contains_key(*name)) {
        return Err(rules.refuse().because("it holds another request"));
    }
    as_form(claims, &rules)
}

/// As [`parameters`], of a backchannel authentication request; with what is to be used up where it is signed.
pub(crate) fn backchannel_parameters(form: Form, client: &Client, own: Own<'_>, now: UnixTime) -> Result<(Form, Option<Use>), Refusal> {
    let Some(object) = form.get("request") else {
        return if client.profile.backchannel.signed_requests_required {
            Err(reason::BACKCHANNEL_NOT_SIGNED.refusal())
        } else {
            Ok((form, None))
        };
    };
    if form.names().any(|name| !BESIDE.contains(&name)) {
        return Err(reason::BACKCHANNEL_BESIDE_OBJECT.refusal());
    }
    // One code for all that may be wrong with it (CIBA Core section 13).
    let rules =
        Rules { claims: &["iat", "nbf", "jti"], algorithm: client.backchannel_algorithm, reason: reason::BACKCHANNEL_OBJECT_INVALID };
    let (claims, used) = read(object, client, own, &rules, now)?;
    Ok((as_form(claims, &rules)?, used))
}

fn as_form(claims: Map<String, Value>, rules: &Rules<'_>) -> Result<Form, Refusal> {
    let is_parameter = |(name, _): &(String, Value)| !ABOUT_ITSELF.contains(&name.as_str());
    Form::of_claims(claims.into_iter().filter(is_parameter)).ok_or_else(|| rules.refuse().because("a parameter is no text"))
}

/// The claims of a request that the client has signed, and what is to be used up where it has a `jti`.
fn read(
    object: &str,
    client: &Client,
    own: Own<'_>,
    rules: &Rules<'_>,
    now: UnixTime,
) -> Result<(Map<String, Value>, Option<Use>), Refusal> {
    let refuse = |cause: &dyn core::fmt::Display| rules.refuse().because(cause);
    // Five parts are encrypted, and have those of a signed one in them (RFC 9101 section 6.1).
    let is_encrypted = object.bytes().filter(|byte| *byte == b'.').count() == 4;
    let decrypted;
    let object = match client.request_encryption {
        registered if is_encrypted => {
            decrypted = own.encryption.decrypted(object, registered).map_err(|cause| refuse(&cause))?;
            &decrypted
        }
        Some(_) => return Err(refuse(&"it is not encrypted")),
        None => object,
    };
    let limits = limits()?;
    let ring = client.keys.as_ref().ok_or_else(|| refuse(&"the client has no keys"))?;
    let mut scratch = vec![0; limits.scratch()];
    let keys = others_keys::current(ring, object, limits, PATIENCE, &mut scratch).ok_or_else(|| refuse(&"no keys could be had"))?;
    // A client that has registered one algorithm signs with no other (RFC 9101 section 10.1).
    let is_registered = |own: &&dyn Algorithm| rules.algorithm.is_none_or(|registered| registered.name() == own.name());
    let algorithms: Vec<&dyn Algorithm> = client.profile.algorithms().iter().copied().filter(is_registered).collect();
    let accepted = Verifier::new(client.id(), own.issuer, &algorithms, keys.keys())
        .map(|verifier| verifier.with_profile(Profile::listed(&TYPES, rules.claims)).with_binding(Binding::Optional).with_limits(limits))
        .and_then(|verifier| verifier.accept(object.as_bytes(), Presenter::Bearer, now, &mut scratch))
        .map_err(|error| refuse(&error))?;
    judge_times(&accepted, client, now).map_err(|cause| refuse(&cause))?;
    let used = accepted.jwt_id().zip(accepted.expires_at()).map(|(jti, expires)| {
        let jti: String = jti.chars().collect();
        let key = Digest::of_parts("signed request", &[client.id().as_bytes(), jti.as_bytes()]);
        Use { kind: UseKind::SignedRequest, key, until: expires.ceil().plus(Seconds(10)) }
    });
    Ok((serde_json::from_str(accepted.payload()).map_err(|error| refuse(&error))?, used))
}

/// The longest request. A client's keys sign it, but anybody may send it.
pub(crate) fn limits() -> Result<Limits, Refusal> {
    Limits::new(32 * 1024, 4 * 1024).map_err(|error| reason::FAULT.refusal().because(error))
}

/// Not older and not longer than the client's profile allows. That it has not ended and has begun, the engine has judged.
fn judge_times(accepted: &AccessToken<'_>, client: &Client, now: UnixTime) -> Result<(), &'static str> {
    let rules = &client.profile.request_object;
    let times = accepted.not_before().zip(accepted.expires_at());
    let (begins, ends) = times.ok_or("nbf or exp is missing")?;
    if begins.ceil().plus(Seconds(rules.oldest)) < now {
        return Err("nbf is too long ago");
    }
    if ends.ceil() > begins.ceil().plus(Seconds(rules.longest)) {
        return Err("exp is too long after nbf");
    }
    Ok(())
}
