//! People who may sign in: how their passwords are kept.

use argon2::{Argon2, PasswordHasher as _};
use serde_json::Value;

use crate::config::ConfigError;
use crate::secret::Secret;
use crate::store::User;

/// A person with a new subject; only the password's hash is kept (argon2id, with the parameters that RFC 9106 section 4 names second).
///
/// # Errors
/// When the password cannot be hashed.
pub fn new_user(name: &str, password: &str, claims: Value) -> Result<User, ConfigError> {
    Ok(User {
        name: name.to_owned(),
        subject: Secret::new().into_string(),
        password: hash_of(password)?,
        locked: false,
        user_code: String::new(),
        claims,
    })
}

/// A password as it is kept.
///
/// # Errors
/// When it cannot be hashed.
pub fn hash_of(password: &str) -> Result<String, ConfigError> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| ConfigError::new("password", error))
}
