//! Counterfoil for Python. Everything is decided by the engine and the gateway; here Python's objects become their arguments, and their
//! verdicts Python's objects.

mod certificate;
mod error;
mod lock;
mod primitives;
mod response;
mod split;
mod text;
mod token;
mod verifier;

use pyo3::prelude::*;

/// The extension module.
#[pymodule]
mod _counterfoil {
    #[pymodule_export]
    use crate::certificate::Certificate;
    #[pymodule_export]
    use crate::error::errors;
    #[cfg(feature = "inject-panic")]
    #[pymodule_export]
    use crate::error::panic;
    #[pymodule_export]
    use crate::primitives::{
        certificate_thumbprint, decode_base64url, jwk_thumbprint, load_jwks, parse_json, read_counterfoil_key, verify_signature,
    };
    #[pymodule_export]
    use crate::response::ResponseVerifier;
    #[pymodule_export]
    use crate::split::{counterfoil_key, join, split};
    #[pymodule_export]
    use crate::token::{AccessToken, Confirmation, Proof};
    #[pymodule_export]
    use crate::verifier::{Verifier, after_fork};
}
