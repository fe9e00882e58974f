//! Who holds what is issued: a certificate (RFC 8705 section 3) or a DPoP key (RFC 9449 section 5).

use counterfoil::oauth::confirmation::Confirmation;
use counterfoil::oauth::dpop::{ProofRules, ProofTarget};
use counterfoil::oauth::key_tables::KeyMemory;
use counterfoil::oauth::replay::{ProofId, ReplayStore};
use counterfoil::{Error, UnixTime};

use counterfoil_gateway::{RequestKeyTables, SharedKeyTables};

use crate::Server;
use crate::client::Client;
use crate::error::Refusal;
use crate::http::Request;
use crate::reason;
use crate::secret::Digest;
use crate::store::{Store, Use, UseKind};

/// What a client has proved to hold, with the proof that is to be used up.
pub(crate) struct Sender {
    pub(crate) confirmation: Confirmation,
    pub(crate) used: Option<Use>,
}

/// Takes down what is to be used up later, in the same transaction as what it allows.
pub(crate) struct Noted<'k> {
    pub(crate) used: Option<Use>,
    keys: RequestKeyTables<'k>,
}

impl<'k> Noted<'k> {
    /// Nothing yet; with the tables of keys whose proofs were good before.
    pub(crate) const fn new(keys: &'k SharedKeyTables) -> Self {
        Self { used: None, keys: keys.for_request() }
    }
}

impl ReplayStore for Noted<'_> {
    fn first_use(&mut self, id: &ProofId, until: UnixTime, _now: UnixTime) -> Result<bool, Error> {
        self.used = Some(Use { kind: UseKind::Proof, key: Digest::from_bytes(*id.as_bytes()), until });
        Ok(true)
    }

    fn keys(&mut self) -> Option<&mut dyn KeyMemory> {
        Some(&mut self.keys)
    }
}

impl<S: Store> Server<S> {
    /// What the client of a request at one of the server's own endpoints holds.
    pub(crate) fn sender(&self, request: &Request, client: &Client, path: &str) -> Result<Sender, Refusal> {
        // A profile that binds tokens to certificates alone has no use for a proof.
        if client.profile.has_dpop()
            && let Some(proved) = self.proof(request, path)?
        {
            return Ok(proved);
        }
        if client.metadata.dpop_bound_access_tokens {
            return Err(reason::PROOF_MISSING.refusal());
        }
        let certificate = request.peer.certificate.as_deref().filter(|_| client.metadata.tls_client_certificate_bound_access_tokens);
        let certificate = certificate.ok_or(reason::CERTIFICATE_MISSING.refusal())?;
        let thumbprint = certificate.certificate.thumbprint().map_err(|_| reason::CERTIFICATE_MALFORMED.refusal())?;
        Ok(Sender { confirmation: Confirmation::Certificate(thumbprint), used: None })
    }

    /// The one DPoP proof of a request, where it has any.
    pub(crate) fn proof(&self, request: &Request, path: &str) -> Result<Option<Sender>, Refusal> {
        let proof = match request.fields("dpop").as_slice() {
            [] => return Ok(None),
            [proof] => *proof,
            _ => return Err(reason::PROOF_TWICE.refusal()),
        };
        let url = self.url_of(request, path);
        let target = ProofTarget { method: request.method().as_str(), url: &url, token: None };
        let mut noted = Noted::new(&self.proof_keys);
        let mut scratch = vec![0; proof.len()];
        let accepted = self.proof_rules()?.accept(proof, &target, request.now, &mut noted, &mut scratch);
        let proof = accepted.map_err(|error| match error {
            Error::NonceRequired | Error::NonceInvalid => nonce_refusal(),
            error => reason::PROOF_INVALID.refusal().because(error),
        })?;
        Ok(Some(Sender { confirmation: Confirmation::Key(proof.thumbprint()), used: noted.used }))
    }

    pub(crate) fn proof_rules(&self) -> Result<ProofRules<'_>, Refusal> {
        let rules = ProofRules::new(counterfoil::crypto::FAPI);
        let rules = rules.map_err(|error| reason::FAULT.refusal().because(error))?;
        Ok(if self.config.dpop.nonces { rules.with_nonce(&self.nonces) } else { rules })
    }

    /// The URL of one of the server's paths as the client sees it: from the configuration, by the host name that it came to.
    pub(crate) fn url_of(&self, request: &Request, path: &str) -> String {
        let mtls = if request.peer.is_mtls_host { self.config.mtls_url(path) } else { None };
        mtls.unwrap_or_else(|| self.config.url(path))
    }
}

/// The nonce itself goes with every answer where nonces are demanded.
fn nonce_refusal() -> Refusal {
    reason::PROOF_WITHOUT_NONCE.refusal()
}
