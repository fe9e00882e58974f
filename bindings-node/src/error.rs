//! Refusals on their way to the classes of `lib/errors.js`.

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use counterfoil::Error;
use counterfoil_gateway::ConfigError;
use napi_derive::napi;

/// The `code` of an error that is thrown here: the number of the engine's. `lib/errors.js` makes the library's own error of it.
pub(crate) struct Number(String);

impl AsRef<str> for Number {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<napi::Status> for Number {
    fn from(status: napi::Status) -> Self {
        Self(status.as_ref().to_owned())
    }
}

/// What is thrown instead.
pub(crate) type Result<T> = core::result::Result<T, napi::Error<Number>>;

pub(crate) fn thrown(error: Error) -> napi::Error<Number> {
    napi::Error::new(Number(error.code().to_string()), String::new())
}

pub(crate) fn misconfigured(error: &ConfigError) -> napi::Error<Number> {
    napi::Error::new(Number(error.error().code().to_string()), error.about().to_owned())
}

/// A panic becomes a refusal: never a crash, and never an acceptance.
pub(crate) fn guarded<T>(judge: impl FnOnce() -> core::result::Result<T, Error>) -> core::result::Result<T, Error> {
    // What the closure leaves half done is scratch memory, which is written before it is read.
    catch_unwind(AssertUnwindSafe(judge)).unwrap_or(Err(Error::Panicked))
}

/// One row of `lib/codes.js`.
#[napi(object)]
pub(crate) struct ErrorRow {
    /// The stable number.
    pub number: u32,
    /// The stable name.
    pub code: String,
    /// The family.
    pub family: String,
    /// The HTTP status.
    pub status: u32,
}

/// Number, slug, family and HTTP status of every error: what `lib/codes.js` is made of.
#[napi]
pub(crate) fn errors() -> Vec<ErrorRow> {
    let row = |error: &Error| ErrorRow {
        number: error.code().into(),
        code: error.slug().to_owned(),
        family: format!("{:?}", error.family()),
        status: error.http().status.into(),
    };
    Error::ALL.iter().map(row).collect()
}

/// Panics where a token is judged.
#[cfg(feature = "inject-panic")]
#[napi]
pub(crate) fn panic() -> Result<u32> {
    guarded(|| panic!("as the test wants it")).map_err(thrown)
}
