//! Gateways for the tests, and how they are asked.

use core::time::Duration;
use std::time::Instant;

use counterfoil::Error;
use counterfoil::UnixTime;
use counterfoil::oauth::confirmation::{Binding, Presenter};
use counterfoil::oauth::request::Request;
use counterfoil_gateway::https::Transport;
use counterfoil_gateway::{Gateway, Issuer, KeySource, Scratch};

use crate::certificates::Authority;
use crate::tokens::{AUDIENCE, ISSUER, NOW};

pub(crate) const URL: &str = "https://api.example/accounts";

/// An issuer whose tokens need no holder.
pub(crate) fn issuer(keys: KeySource) -> Issuer {
    Issuer::new(ISSUER, AUDIENCE, keys).expect("an issuer").with_binding(Binding::Optional).with_key_memory(4096)
}

pub(crate) fn transport(authority: &Authority) -> Transport {
    Transport::new().with_authorities(authority.pem().as_bytes()).expect("an authority")
}

/// `ok`, or the code's slug.
pub(crate) fn verdict(gateway: &Gateway, token: &str) -> &'static str {
    verdict_at(gateway, token, NOW)
}

pub(crate) fn verdict_at(gateway: &Gateway, token: &str, now: UnixTime) -> &'static str {
    gateway.accept(token.as_bytes(), Presenter::Bearer, now, &mut Scratch::new()).map_or_else(Error::slug, |_| "ok")
}

/// Status and slug of a request with this `Authorization` and this proof.
pub(crate) fn answer(gateway: &Gateway, authorization: &str, dpop: Option<&str>) -> (u16, &'static str) {
    let dpop: Vec<&[u8]> = dpop.into_iter().map(str::as_bytes).collect();
    let request = Request { method: "GET", url: URL, authorization: &[authorization.as_bytes()], dpop: &dpop, certificate: None };
    match gateway.accept_request(&request, NOW, &mut Scratch::new()) {
        Ok(_) => (200, "ok"),
        Err(refused) => (refused.status(), refused.error().slug()),
    }
}

/// Waits until something holds, as what happens in the background does.
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < until, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
