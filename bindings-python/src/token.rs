//! What was accepted.

use counterfoil::NumericDate;
use counterfoil::oauth::access_token::{AccessToken as Accepted, KeptToken};
use counterfoil::oauth::confirmation::Confirmation as Binding;
use counterfoil::oauth::dpop::Proof as AcceptedProof;
use counterfoil::wire::value::Str;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::verifier::loads;

/// An access token that passed every check. There is no other way to one.
#[pyclass(frozen, module = "counterfoil")]
pub(crate) struct AccessToken {
    kept: KeptToken<Box<[u8]>>,
    claims: PyOnceLock<Py<PyAny>>,
}

/// A token as it leaves the engine's scratch memory.
pub(crate) type Kept = KeptToken<Box<[u8]>>;

/// A copy that outlives the scratch memory.
pub(crate) fn kept(token: &Accepted<'_>) -> Result<Kept, counterfoil::Error> {
    token.keep(vec![0; token.payload().len()].into_boxed_slice()).ok_or(counterfoil::Error::BufferTooSmall)
}

impl From<Kept> for AccessToken {
    fn from(kept: Kept) -> Self {
        Self { kept, claims: PyOnceLock::new() }
    }
}

fn text(string: Option<Str<'_>>) -> Option<String> {
    string.map(|string| string.to_string())
}

/// Whole seconds; the whole part where there is a fraction.
fn seconds(date: Option<NumericDate>) -> Option<u64> {
    date.map(|date| date.floor().0)
}

#[pymethods]
impl AccessToken {
    /// All claims, as a dict. Made when first asked for, and then always the same.
    #[getter]
    fn claims(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let made = self.claims.get_or_try_init(py, || loads(py)?.call1(py, (self.kept.token().payload(),)));
        made.map(|claims| claims.clone_ref(py))
    }

    /// The claims as the JSON text that was signed.
    #[getter]
    fn payload(&self) -> &str {
        self.kept.token().payload()
    }

    /// `iss`.
    #[getter]
    fn issuer(&self) -> Option<String> {
        text(self.kept.token().issuer())
    }

    /// `sub`.
    #[getter]
    fn subject(&self) -> Option<String> {
        text(self.kept.token().subject())
    }

    /// `client_id`.
    #[getter]
    fn client_id(&self) -> Option<String> {
        text(self.kept.token().client_id())
    }

    /// `jti`.
    #[getter]
    fn jwt_id(&self) -> Option<String> {
        text(self.kept.token().jwt_id())
    }

    /// `aud`, always as a list.
    #[getter]
    fn audiences(&self) -> Vec<String> {
        self.kept.token().audiences().map(|audience| audience.to_string()).collect()
    }

    /// `scope`, as it is: words between spaces.
    #[getter]
    fn scope(&self) -> Option<String> {
        text(self.kept.token().scope())
    }

    /// Whether `scope` is one of the words of the claim.
    fn has_scope(&self, scope: &str) -> bool {
        self.kept.token().has_scope(scope)
    }

    /// `exp`, in whole seconds.
    #[getter]
    fn expires_at(&self) -> Option<u64> {
        seconds(self.kept.token().expires_at())
    }

    /// `iat`, in whole seconds.
    #[getter]
    fn issued_at(&self) -> Option<u64> {
        seconds(self.kept.token().issued_at())
    }

    /// `nbf`, in whole seconds.
    #[getter]
    fn not_before(&self) -> Option<u64> {
        seconds(self.kept.token().not_before())
    }

    /// `auth_time`, in whole seconds.
    #[getter]
    fn auth_time(&self) -> Option<u64> {
        seconds(self.kept.token().auth_time())
    }

    /// `acr`.
    #[getter]
    fn acr(&self) -> Option<String> {
        text(self.kept.token().acr())
    }

    /// What the token is bound to, and its holder has proved; None for an unbound one.
    #[getter]
    fn confirmation(&self) -> Option<Confirmation> {
        self.kept.token().confirmation().map(Confirmation)
    }

    /// `authorization_details` (RFC 9396), parsed.
    #[getter]
    fn authorization_details(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.kept.token().authorization_details().map(|details| loads(py)?.call1(py, (details.raw(),))).transpose()
    }

    fn __repr__(&self) -> String {
        format!("<AccessToken, {} bytes of claims>", self.kept.token().payload().len())
    }
}

/// What a token is bound to.
#[pyclass(frozen, module = "counterfoil")]
pub(crate) struct Confirmation(Binding);

#[pymethods]
impl Confirmation {
    /// `x5t#S256`, of a token that is bound to a certificate.
    #[getter]
    fn x5t_s256(&self) -> Option<String> {
        match self.0 {
            Binding::Certificate(thumbprint) => Some(thumbprint.to_string()),
            Binding::Key(_) => None,
        }
    }

    /// `jkt`, of a token that is bound to a DPoP key.
    #[getter]
    fn jkt(&self) -> Option<String> {
        match self.0 {
            Binding::Key(thumbprint) => Some(thumbprint.to_string()),
            Binding::Certificate(_) => None,
        }
    }
}

/// A DPoP proof that passed every check and is used up.
#[pyclass(frozen, module = "counterfoil")]
pub(crate) struct Proof(pub(crate) AcceptedProof);

#[pymethods]
impl Proof {
    /// The thumbprint of its key (RFC 7638): `jkt`.
    #[getter]
    fn thumbprint(&self) -> String {
        self.0.thumbprint().to_string()
    }

    /// `iat`, in whole seconds.
    #[getter]
    fn issued_at(&self) -> u64 {
        self.0.issued_at().floor().0
    }
}
