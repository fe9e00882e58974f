//! What is said of a token: its claims, or the number of the reason.

use counterfoil::Error;
use counterfoil::oauth::access_token::AccessToken;
use counterfoil_gateway::Refused;
use napi::bindgen_prelude::Either3;
use napi_derive::napi;

use crate::text::Json;

/// The claims of an accepted token as the JSON text that was signed; the number of a refusal; or a refused request with its answer.
pub(crate) type Verdict = Either3<Json, u32, RefusedRequest>;

/// What is answered to a refused request.
#[napi(object)]
pub(crate) struct RefusedRequest {
    /// The number of the reason.
    pub number: u32,
    /// The value of `WWW-Authenticate`.
    pub www_authenticate: Option<String>,
    /// The value of `DPoP-Nonce`.
    pub dpop_nonce: Option<String>,
}

pub(crate) fn accepted(token: &AccessToken<'_>) -> Verdict {
    Verdict::A(Json(token.payload().to_owned()))
}

pub(crate) fn refused(error: Error) -> Verdict {
    Verdict::B(error.code().into())
}

/// The same for each of so many.
pub(crate) fn all_refused(count: usize, error: Error) -> Vec<Verdict> {
    (0..count).map(|_| refused(error)).collect()
}

pub(crate) fn answered(refused: &Refused<'_>) -> Verdict {
    Verdict::C(RefusedRequest {
        number: refused.error().code().into(),
        www_authenticate: refused.www_authenticate().map(str::to_owned),
        dpop_nonce: refused.dpop_nonce().map(|nonce| nonce.as_str().to_owned()),
    })
}
