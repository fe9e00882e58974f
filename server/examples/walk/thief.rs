//! Somebody who has got hold of a token, and with it all that went over the wire; not the keys, which never do.

use std::path::Path;

use crate::key::Key;
use crate::party::{Holder, Kind, Registrar, authority};
use crate::wire::{Answer, Call, Fault, Wire};

/// What was stolen: a token, and the proof by which it was presented.
#[derive(Clone)]
pub(crate) struct Loot {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) proof: Option<String>,
}

pub(crate) struct Thief {
    bare: Wire,
    /// With a certificate that the same authority vouches for.
    certified: Wire,
    key: Key,
}

/// A try: what is done, and the code of the refusal that it must get.
pub(crate) struct Try {
    pub(crate) call: Call,
    pub(crate) answer: Answer,
    pub(crate) what: &'static str,
    pub(crate) code: &'static str,
}

impl Thief {
    pub(crate) fn new(folder: &Path, registrar: &Registrar<'_>) -> Result<Self, Fault> {
        Ok(Self {
            bare: Wire::new(&authority(folder), None)?,
            certified: registrar.certify("thief")?,
            key: Key::create(&folder.join("thief.proof.key"))?,
        })
    }

    /// Presents a token, each kind in another way.
    pub(crate) async fn present(&self, holder: Holder, kind: Kind, loot: &Loot) -> Result<Try, Fault> {
        let Loot { url, token, proof } = loot;
        let call = |scheme: &str| Call::get(url).with("authorization", format!("{scheme} {token}"));
        let (wire, call, what, code) = match (holder, kind) {
            (Holder::Mtls, Kind::Phantom) => {
                (&self.certified, call("Bearer"), "with a certificate of the thief's own", "certificate_mismatch")
            }
            (Holder::Mtls, _) => (&self.bare, call("Bearer"), "without the certificate", "certificate_missing"),
            (Holder::Dpop, Kind::Jwt) => (&self.bare, call("Bearer"), "without a proof", "proof_required"),
            (Holder::Dpop, Kind::Phantom) => {
                let own = self.key.proof("GET", url, Some(token))?;
                (&self.bare, call("DPoP").with("dpop", own), "with a proof by the thief's own key", "proof_key_mismatch")
            }
            (Holder::Dpop, Kind::Split) => {
                let used = proof.clone().unwrap_or_default();
                (&self.bare, call("DPoP").with("dpop", used), "with the proof that the app has used", "proof_replayed")
            }
        };
        Ok(Try { answer: wire.send(&call).await?, call, what, code })
    }
}
