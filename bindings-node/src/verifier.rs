//! Gateways for JavaScript.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arc_swap::{ArcSwap, Guard};
use counterfoil::Error;
use counterfoil::oauth::dpop::ProofTarget;
use counterfoil::oauth::split_token::{CounterfoilKey, KeyEncoding};
use counterfoil_gateway::Gateway;
use napi_derive::napi;

use crate::error::{Result, guarded, misconfigured, thrown};
use crate::holder::Proof;
use crate::scratch::{time, whole, with_scratch};
use crate::text::Text;

/// All gateways of the process. What judges tokens is told which one by a number: to unwrap an object of Node-API takes a quarter of a
/// microsecond, as much as to judge a token that is remembered.
static GATEWAYS: LazyLock<ArcSwap<Vec<Option<Arc<Gateway>>>>> = LazyLock::new(ArcSwap::default);

/// All of them, each at its number.
pub(crate) fn gateways() -> Guard<Arc<Vec<Option<Arc<Gateway>>>>> {
    GATEWAYS.load()
}

pub(crate) fn gateway(number: u32) -> core::result::Result<Arc<Gateway>, Error> {
    let place = usize::try_from(number).map_err(|_| Error::Unfilled)?;
    gateways().get(place).and_then(Clone::clone).ok_or(Error::Unfilled)
}

/// Judges tokens and requests for one resource server: what is done seldom. The rest are functions beside it.
#[napi]
pub(crate) struct Verifier {
    gateway: Arc<Gateway>,
    place: usize,
}

impl Drop for Verifier {
    fn drop(&mut self) {
        GATEWAYS.rcu(|gateways| {
            let mut gateways = Vec::clone(gateways);
            gateways[self.place] = None;
            gateways
        });
    }
}

#[napi]
impl Verifier {
    /// From a JSON text: `counterfoil_gateway::settings::Settings`.
    #[napi(constructor)]
    pub fn new(settings: String) -> Result<Self> {
        let gateway = Arc::new(Gateway::from_json(&settings).map_err(|error| misconfigured(&error))?);
        let mut place = 0;
        GATEWAYS.rcu(|gateways| {
            let mut gateways = Vec::clone(gateways);
            place = gateways.iter().position(Option::is_none).unwrap_or(gateways.len());
            gateways.resize(gateways.len().max(place + 1), None);
            gateways[place] = Some(gateway.clone());
            gateways
        });
        Ok(Self { gateway, place })
    }

    /// Its number, which is good as long as it lives.
    #[napi]
    pub fn number(&self) -> Result<u32> {
        u32::try_from(self.place).map_err(|_| thrown(Error::LimitOutOfRange))
    }

    /// Judges a DPoP proof and uses it up. `token` null: for a token endpoint.
    #[napi]
    pub fn accept_proof(&self, proof: Text, method: String, url: String, token: Option<Text>, now: Option<f64>) -> Result<Proof> {
        let target = ProofTarget { method: &method, url: &url, token: token.as_ref().map(Text::bytes) };
        let judge = || with_scratch(|scratch| self.gateway.accept_proof(proof.bytes(), &target, time(now), scratch));
        guarded(judge).map(Proof).map_err(thrown)
    }

    /// The value of `DPoP-Nonce` for every answer, where nonces are demanded.
    #[napi]
    pub fn dpop_nonce(&self, now: Option<f64>) -> Option<String> {
        self.gateway.dpop_nonce(time(now)).map(|nonce| nonce.as_str().to_owned())
    }

    /// Puts another JWK Set in the place of an issuer's current one.
    #[napi]
    pub fn replace_keys(&self, issuer: String, jwks: Text) -> Result<()> {
        guarded(|| self.gateway.replace_keys(&issuer, jwks.bytes())).map_err(thrown)
    }

    /// Whether every issuer has keys.
    #[napi]
    pub fn has_keys(&self) -> bool {
        self.gateway.wait_for_keys(Duration::ZERO)
    }

    /// Refuses, until `until`, the split or phantom token whose SHA-256 is `key`, in base64url.
    #[napi]
    pub fn revoke(&self, key: Text, until: f64) -> Result<()> {
        let key = CounterfoilKey::parse(key.bytes(), KeyEncoding::Base64url).map_err(thrown)?;
        self.gateway.revoke(&key, whole(until));
        Ok(())
    }

    /// How many requests and tokens were accepted, and how many refused, by code.
    #[napi]
    pub fn counters(&self) -> Counters {
        let refused = self.gateway.refused().filter(|(_, count)| *count > 0).map(|(error, count)| (error.slug().to_owned(), exact(count)));
        Counters { accepted: exact(self.gateway.accepted()), refused: refused.collect() }
    }

    /// How the keys of each issuer are kept.
    #[napi]
    pub fn key_status(&self) -> Vec<KeyStatus> {
        let told = |(issuer, status): (&str, counterfoil_gateway::KeyStatus)| KeyStatus {
            issuer: issuer.to_owned(),
            keys: u32::try_from(status.keys).unwrap_or(u32::MAX),
            looks: exact(status.looks),
            failures: exact(status.failures),
            last_failure: status.last_failure.map(|failure| failure.to_string()),
        };
        self.gateway.key_status().map(told).collect()
    }
}

/// What was decided so far.
#[napi(object)]
pub(crate) struct Counters {
    /// How many were accepted.
    pub accepted: f64,
    /// How many were refused, by code.
    pub refused: HashMap<String, f64>,
}

/// The keys of one issuer.
#[napi(object)]
pub(crate) struct KeyStatus {
    /// Which.
    pub issuer: String,
    /// How many keys there are.
    pub keys: u32,
    /// How often their source was asked.
    pub looks: f64,
    /// How often in vain.
    pub failures: f64,
    /// Why, the last time.
    pub last_failure: Option<String>,
}

fn exact(count: u64) -> f64 {
    count as f64
}
