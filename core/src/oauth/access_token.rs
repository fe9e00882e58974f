//! An access token that was accepted: the only place where its claims can be read.

use crate::error::Error;
use crate::jose::claims::{audiences, string_at};
use crate::oauth::claims::{TokenClaims, claim_of};
use crate::oauth::confirmation::Confirmation;
use crate::time::NumericDate;
use crate::wire::value::{Members, Str, Value};

/// The claims of a token that passed everything: signature, issuer, audience, times, binding and what the resource demands.
///
/// Borrows the scratch memory, or the cache, that holds its payload.
#[derive(Clone, Copy)]
pub struct AccessToken<'s> {
    text: &'s str,
    claims: TokenClaims,
}

impl<'s> AccessToken<'s> {
    /// Only for a payload and claims that were judged.
    pub(crate) const fn new(text: &'s str, claims: TokenClaims) -> Self {
        Self { text, claims }
    }

    /// `iss`.
    #[must_use]
    pub fn issuer(&self) -> Option<Str<'s>> {
        string_at(self.claims.registered.iss, self.text)
    }

    /// `sub`.
    #[must_use]
    pub fn subject(&self) -> Option<Str<'s>> {
        string_at(self.claims.registered.sub, self.text)
    }

    /// `client_id` (RFC 8693 section 4.3).
    #[must_use]
    pub fn client_id(&self) -> Option<Str<'s>> {
        string_at(self.claims.client_id, self.text)
    }

    /// `jti`.
    #[must_use]
    pub fn jwt_id(&self) -> Option<Str<'s>> {
        string_at(self.claims.registered.jti, self.text)
    }

    /// Every audience of `aud`.
    pub fn audiences(&self) -> impl Iterator<Item = Str<'s>> {
        self.claims.registered.aud.in_document(self.text).into_iter().flat_map(audiences)
    }

    /// `scope`, as it stands: words separated by spaces.
    #[must_use]
    pub fn scope(&self) -> Option<Str<'s>> {
        string_at(self.claims.scope, self.text)
    }

    /// Whether `scope` has the word `scope`.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scope().is_some_and(|own| own.has_word(scope))
    }

    /// `exp`.
    #[must_use]
    pub const fn expires_at(&self) -> Option<NumericDate> {
        self.claims.registered.exp
    }

    /// `iat`.
    #[must_use]
    pub const fn issued_at(&self) -> Option<NumericDate> {
        self.claims.registered.iat
    }

    /// `nbf`.
    #[must_use]
    pub const fn not_before(&self) -> Option<NumericDate> {
        self.claims.registered.nbf
    }

    /// `auth_time` (RFC 9470 section 5).
    #[must_use]
    pub const fn auth_time(&self) -> Option<NumericDate> {
        self.claims.auth_time
    }

    /// `acr` (RFC 9470 section 5).
    #[must_use]
    pub fn acr(&self) -> Option<Str<'s>> {
        string_at(self.claims.acr, self.text)
    }

    /// `cnf`: what the token is bound to; `None` only where the policy accepts unbound tokens.
    #[must_use]
    pub const fn confirmation(&self) -> Option<Confirmation> {
        self.claims.bound.confirmation()
    }

    /// `authorization_details`, an array (RFC 9396 section 9.1).
    #[must_use]
    pub fn authorization_details(&self) -> Option<Value<'s>> {
        self.claims.authorization_details.in_document(self.text)
    }

    /// Any claim by its name.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<Value<'s>> {
        claim_of(self.text, name)
    }

    /// Every claim, in the token's order.
    pub fn claims(&self) -> impl Iterator<Item = (Str<'s>, Value<'s>)> {
        self.members().into_iter().flatten()
    }

    /// The payload's JSON text, as it was signed.
    #[must_use]
    pub const fn payload(&self) -> &'s str {
        self.text
    }

    /// Fills the application's own type from the claims, with `serde-json-core` and without a heap. Strings with escapes do not
    /// fit a `&str`; read those with [`AccessToken::claim`].
    ///
    /// # Errors
    /// [`Error::ClaimsShape`] when the claims do not fit the type.
    pub fn deserialize<T: serde::Deserialize<'s>>(&self) -> Result<T, Error> {
        serde_json_core::from_str(self.text).map(|(value, _)| value).map_err(|_| Error::ClaimsShape)
    }

    /// Copies the token into `memory`, borrowed or owned, which keeps it; `None` when the payload does not fit.
    pub fn keep<M: AsMut<[u8]>>(&self, mut memory: M) -> Option<KeptToken<M>> {
        let length = self.text.len();
        memory.as_mut().get_mut(..length)?.copy_from_slice(self.text.as_bytes());
        Some(KeptToken { memory, length, claims: self.claims })
    }

    fn members(&self) -> Option<Members<'s>> {
        Value::new(self.text.trim_ascii()).as_object()
    }

    pub(crate) const fn parts(&self) -> (&'s str, &TokenClaims) {
        (self.text, &self.claims)
    }
}

/// An accepted token in memory of its own, for hosts that pass it on.
pub struct KeptToken<M> {
    memory: M,
    length: usize,
    claims: TokenClaims,
}

impl<M: AsRef<[u8]>> KeptToken<M> {
    /// The token.
    #[must_use]
    pub fn token(&self) -> AccessToken<'_> {
        // Copied from a text, and not to be changed since.
        let text = self.memory.as_ref().get(..self.length).and_then(|payload| core::str::from_utf8(payload).ok());
        text.map_or(AccessToken::new("{}", TokenClaims::NONE), |text| AccessToken::new(text, self.claims))
    }
}

impl<M> core::fmt::Debug for KeptToken<M> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "KeptToken({} bytes of claims)", self.length)
    }
}

/// What a token says is shown only where it is asked for.
impl core::fmt::Debug for AccessToken<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "AccessToken({} bytes of claims)", self.text.len())
    }
}
