//! Why a gateway could not be set up.

use core::fmt::{Debug, Display, Formatter};

use counterfoil::Error;

/// A mistake in the configuration: a code of the engine's, and for the operator what it is about. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    error: Error,
    about: String,
}

impl ConfigError {
    pub(crate) fn new(error: Error, about: impl Into<String>) -> Self {
        Self { error, about: about.into() }
    }

    /// The same of one of several issuers.
    pub(crate) fn of(self, issuer: &str) -> Self {
        let about = if self.about.is_empty() { issuer.to_owned() } else { format!("{issuer}: {}", self.about) };
        Self { about, ..self }
    }

    /// The code: mostly of the 900 range.
    #[must_use]
    pub const fn error(&self) -> Error {
        self.error
    }

    /// Which file, address or issuer, and what the system said of it.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }
}

impl From<Error> for ConfigError {
    fn from(error: Error) -> Self {
        Self::new(error, "")
    }
}

impl Display for ConfigError {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        if self.about.is_empty() { write!(f, "{}", self.error) } else { write!(f, "{}: {}", self.error, self.about) }
    }
}

impl core::error::Error for ConfigError {}
