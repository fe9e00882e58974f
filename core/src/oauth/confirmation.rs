//! Who may present a token: its `cnf` against what the presenter has proved (RFC 7800, RFC 8705, RFC 9449).

use crate::error::Error;
use crate::jose::thumbprint::Thumbprint;
use crate::oauth::dpop::Proof;
use crate::wire::value::Value;

/// What a token's `cnf` binds it to: one thing, known to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// `x5t#S256`: a client certificate (RFC 8705 section 3.1).
    Certificate(Thumbprint),
    /// `jkt`: a DPoP key (RFC 9449 section 6.1).
    Key(Thumbprint),
}

impl Confirmation {
    /// Reads `cnf`, which must be an object with exactly one member that is known here.
    pub(crate) fn read(cnf: Value<'_>) -> Result<Self, Error> {
        if let Some(thumbprint) = usual_certificate(cnf.raw()) {
            return Ok(Self::Certificate(thumbprint));
        }
        let mut members = cnf.as_object().ok_or(Error::ConfirmationMalformed)?;
        let (name, value) = members.next().ok_or(Error::ConfirmationMalformed)?;
        if members.next().is_some() {
            return Err(Error::ConfirmationUnknown);
        }
        let bind = if name.is("x5t#S256") {
            Self::Certificate
        } else if name.is("jkt") {
            Self::Key
        } else {
            return Err(Error::ConfirmationUnknown);
        };
        let text = value.as_str().and_then(|text| text.as_str()).ok_or(Error::ConfirmationMalformed)?;
        Thumbprint::parse(text.as_bytes()).map(bind).map_err(|_| Error::ConfirmationMalformed)
    }
}

/// A [`Confirmation`], or none, as plain data.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Bound {
    kind: u8,
    thumbprint: [u8; 32],
}

impl Bound {
    pub(crate) const NONE: Self = Self { kind: 0, thumbprint: [0; 32] };
    const CERTIFICATE: u8 = 1;
    const KEY: u8 = 2;

    pub(crate) const fn to(confirmation: Confirmation) -> Self {
        match confirmation {
            Confirmation::Certificate(thumbprint) => Self { kind: Self::CERTIFICATE, thumbprint: *thumbprint.as_bytes() },
            Confirmation::Key(thumbprint) => Self { kind: Self::KEY, thumbprint: *thumbprint.as_bytes() },
        }
    }

    pub(crate) const fn confirmation(&self) -> Option<Confirmation> {
        match self.kind {
            Self::CERTIFICATE => Some(Confirmation::Certificate(Thumbprint::from_bytes(self.thumbprint))),
            Self::KEY => Some(Confirmation::Key(Thumbprint::from_bytes(self.thumbprint))),
            _ => None,
        }
    }
}

/// The thumbprint in a `cnf` as issuers write it: what is base64url ends no string, so nothing else can be in there.
fn usual_certificate(cnf: &str) -> Option<Thumbprint> {
    let text = cnf.strip_prefix(r#"{"x5t#S256":""#)?.strip_suffix(r#""}"#)?;
    Thumbprint::parse(text.as_bytes()).ok()
}

/// Which bindings a policy accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// A token must be bound, either way: what FAPI 2.0 demands.
    Required,
    /// A token must be bound to a client certificate.
    Mtls,
    /// A token must be bound to a DPoP key.
    Dpop,
    /// Unbound tokens are accepted too; a bound token still needs its holder.
    Optional,
}

/// Who presents a token. There is no default: absence of proof is said as [`Presenter::Bearer`].
#[derive(Clone, Copy, Debug)]
pub enum Presenter<'a> {
    /// Somebody who has proved nothing.
    Bearer,
    /// The holder of the client certificate with this thumbprint, as the TLS handshake proved.
    Certificate(Thumbprint),
    /// The maker of an accepted DPoP proof for this very token.
    Dpop(&'a Proof),
}

/// What the presenter has proved to hold.
#[derive(Clone, Copy)]
pub(crate) enum Holder {
    Nothing,
    Certificate(Thumbprint),
    Key(Thumbprint),
}

impl Binding {
    /// Whether `holder` may present a token with this `cnf`.
    pub(crate) fn judge(self, confirmation: Option<Confirmation>, holder: Holder) -> Result<(), Error> {
        match (confirmation, holder) {
            (Some(Confirmation::Certificate(_)), _) if self == Self::Dpop => Err(Error::BindingRefused),
            (Some(Confirmation::Key(_)), _) if self == Self::Mtls => Err(Error::BindingRefused),
            (Some(Confirmation::Certificate(bound)), Holder::Certificate(held)) if bound == held => Ok(()),
            (Some(Confirmation::Certificate(_)), Holder::Certificate(_)) => Err(Error::CertificateMismatch),
            (Some(Confirmation::Certificate(_)), Holder::Nothing) => Err(Error::CertificateMissing),
            (Some(Confirmation::Key(bound)), Holder::Key(held)) if bound == held => Ok(()),
            (Some(Confirmation::Key(_)), Holder::Key(_)) => Err(Error::ProofKeyMismatch),
            (Some(Confirmation::Key(_)), Holder::Nothing | Holder::Certificate(_)) => Err(Error::ProofRequired),
            (None | Some(Confirmation::Certificate(_)), Holder::Key(_)) => Err(Error::ProofUnexpected),
            (None, Holder::Nothing | Holder::Certificate(_)) if self == Self::Optional => Ok(()),
            (None, Holder::Nothing | Holder::Certificate(_)) => Err(Error::ConfirmationMissing),
        }
    }
}
