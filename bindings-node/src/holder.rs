//! Who presents a token.

use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::confirmation::Presenter;
use counterfoil::oauth::dpop::{self, ProofTarget};
use counterfoil::{Error, UnixTime};
use counterfoil_gateway::Gateway;
use napi_derive::napi;

use crate::scratch::with_scratch;
use crate::text::Text;

/// A DPoP proof that passed every check and is used up.
#[napi]
pub(crate) struct Proof(pub(crate) dpop::Proof);

#[napi]
impl Proof {
    /// The thumbprint of its key (RFC 7638): `jkt`.
    #[napi]
    pub fn thumbprint(&self) -> String {
        self.0.thumbprint().to_string()
    }

    /// `iat`, in whole seconds.
    #[napi]
    pub fn issued_at(&self) -> f64 {
        self.0.issued_at().floor().0 as f64
    }
}

/// In memory of its own, for another thread.
pub(crate) enum Holder {
    Nobody,
    Certificate(Result<Thumbprint, Error>),
    Proof(dpop::Proof),
    Dpop { proof: Vec<u8>, method: String, url: String },
}

impl Holder {
    /// One of a certificate's thumbprint, a proof that was accepted, and one that is to be, for a request; or nobody.
    pub(crate) fn new(
        thumbprint: Option<Text>,
        accepted: Option<&Proof>,
        proof: Option<Text>,
        method: Option<String>,
        url: Option<String>,
    ) -> Self {
        match (thumbprint, accepted, proof, method, url) {
            (Some(thumbprint), ..) => Self::Certificate(Thumbprint::parse(thumbprint.bytes())),
            (None, Some(accepted), ..) => Self::Proof(accepted.0),
            (None, None, Some(proof), Some(method), Some(url)) => Self::Dpop { proof: proof.into_bytes(), method, url },
            _ => Self::Nobody,
        }
    }

    /// Lets `judge` know who it is; a proof is judged and used up first.
    pub(crate) fn presented<R>(
        &self,
        gateway: &Gateway,
        credential: &[u8],
        now: UnixTime,
        judge: impl FnOnce(Presenter<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        match self {
            Self::Nobody => judge(Presenter::Bearer),
            Self::Certificate(thumbprint) => judge(Presenter::Certificate((*thumbprint)?)),
            Self::Proof(proof) => judge(Presenter::Dpop(proof)),
            Self::Dpop { proof, method, url } => {
                let target = ProofTarget { method, url, token: Some(credential) };
                let proof = with_scratch(|scratch| gateway.accept_proof(proof, &target, now, scratch))?;
                judge(Presenter::Dpop(&proof))
            }
        }
    }
}
