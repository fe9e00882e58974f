//! One HTTP request: here, or on another thread.

#![expect(clippy::too_many_arguments, reason = "Node-API has no names for them; what users call takes an object")]

use counterfoil::oauth::request::Request;
use counterfoil::oauth::verifier::Demands;
use counterfoil::{Error, Seconds, UnixTime};
use counterfoil_gateway::{Gateway, Route};
use napi_derive::napi;

use crate::certificate::certificate;
use crate::error::guarded;
use crate::pool::{Job, Verdicts, elsewhere};
use crate::scratch::{time, with_scratch};
use crate::text::{Text, slices};
use crate::verdict::{Verdict, accepted, answered, refused};
use crate::verifier::gateway;

/// What a route demands beside the policy: scopes, `acr` values, the age of the authentication.
#[napi(object)]
pub(crate) struct RouteDemands {
    /// Scopes that the token must have.
    pub scopes: Option<Vec<String>>,
    /// Contexts of which the authentication must have one (RFC 9470).
    pub acr_values: Option<Vec<String>>,
    /// Seconds that the authentication may be old (RFC 9470).
    pub max_age: Option<f64>,
}

impl RouteDemands {
    fn with_route<R>(&self, gateway: &Gateway, judge: impl FnOnce(Route<'_>) -> R) -> R {
        let (scopes, acr_values) = (words(self.scopes.as_deref()), words(self.acr_values.as_deref()));
        // What is no number is no age at all: the strictest.
        let max_age = self.max_age.map(|seconds| Seconds(seconds as u64));
        judge(gateway.route_demanding(Demands { scopes: &scopes, acr_values: &acr_values, max_age }))
    }
}

fn words(words: Option<&[String]>) -> Vec<&str> {
    words.into_iter().flatten().map(String::as_str).collect()
}

fn judge(gateway: &Gateway, request: &Request<'_>, demands: Option<&RouteDemands>, now: UnixTime) -> Verdict {
    let on_route = |route: Route<'_>| {
        with_scratch(|scratch| match route.accept_request(request, now, scratch) {
            Ok(token) => accepted(&token),
            Err(refused) => answered(&refused),
        })
    };
    match demands {
        None => on_route(gateway.route()),
        Some(demands) => demands.with_route(gateway, on_route),
    }
}

/// Judges one HTTP request; `form` is that of the certificate.
#[napi]
pub(crate) fn accept_request(
    verifier: u32,
    method: String,
    url: String,
    authorization: Vec<Text>,
    dpop: Vec<Text>,
    form: u32,
    certificate: Option<Text>,
    demands: Option<RouteDemands>,
    now: Option<f64>,
) -> Verdict {
    let judge = || {
        let certificate = certificate.as_ref().map(|text| self::certificate(form, text.bytes())).transpose()?;
        let (authorization, dpop) = (slices(&authorization), slices(&dpop));
        let request = Request { method: &method, url: &url, authorization: &authorization, dpop: &dpop, certificate };
        Ok(judge(&*gateway(verifier)?, &request, demands.as_ref(), time(now)))
    };
    guarded(judge).unwrap_or_else(refused)
}

/// As `acceptRequest`, on another thread.
#[napi]
pub(crate) fn accept_request_elsewhere(
    verdicts: &Verdicts,
    number: u32,
    waits: bool,
    verifier: u32,
    method: String,
    url: String,
    authorization: Vec<Text>,
    dpop: Vec<Text>,
    form: u32,
    certificate: Option<Text>,
    demands: Option<RouteDemands>,
    now: Option<f64>,
) {
    let copies = |texts: Vec<Text>| texts.into_iter().map(Text::into_bytes).collect::<Vec<_>>();
    let (authorization, dpop, certificate) = (copies(authorization), copies(dpop), certificate.map(Text::into_bytes));
    let gateway = gateway(verifier);
    let judge = move || -> Result<Verdict, Error> {
        let certificate = certificate.as_ref().map(|text| self::certificate(form, text)).transpose()?;
        let (authorization, dpop): (Vec<&[u8]>, Vec<&[u8]>) = (borrowed(&authorization), borrowed(&dpop));
        let request = Request { method: &method, url: &url, authorization: &authorization, dpop: &dpop, certificate };
        Ok(judge(&*gateway?, &request, demands.as_ref(), time(now)))
    };
    elsewhere(waits, [Job::new(verdicts, number, 1, move || vec![guarded(judge).unwrap_or_else(refused)])]);
}

fn borrowed(texts: &[Vec<u8>]) -> Vec<&[u8]> {
    texts.iter().map(Vec::as_slice).collect()
}
