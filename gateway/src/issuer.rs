//! One trusted issuer: its policy in memory of our own, and where its keys come from.

use counterfoil::crypto::FAPI;
use counterfoil::jose::algorithm::Algorithm;
use counterfoil::jose::header::TokenType;
use counterfoil::jose::keys::Keys;
use counterfoil::jose::policy::Limits;
use counterfoil::oauth::confirmation::Binding;
use counterfoil::oauth::verifier::{Demands, Profile, Verifier};
use counterfoil::{Error, Seconds};

use crate::keys::KeySource;

/// How many audiences, types, claims, scopes or contexts a policy may list.
const MOST_WORDS: usize = 32;

type Words<T> = heapless::Vec<T, MOST_WORDS>;

/// An issuer whose access tokens are accepted, and by which policy.
#[derive(Clone, Debug)]
pub struct Issuer {
    name: String,
    audience: String,
    more_audiences: Vec<String>,
    algorithms: Vec<&'static dyn Algorithm>,
    profile: Option<ListedProfile>,
    binding: Binding,
    leeway: Seconds,
    limits: Limits,
    scopes: Vec<String>,
    acr_values: Vec<String>,
    max_age: Option<Seconds>,
    pub(crate) keys: KeySource,
    pub(crate) words_per_key: usize,
}

#[derive(Clone, Debug)]
struct ListedProfile {
    types: Vec<Option<String>>,
    required: Vec<String>,
}

impl Issuer {
    /// The RFC 9068 tokens of `issuer` for `audience`, bound to their holder, by the algorithms of FAPI 2.0, with 10 seconds of leeway.
    ///
    /// # Errors
    /// [`Error::IssuerUnset`], [`Error::AudienceUnset`].
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>, keys: KeySource) -> Result<Self, Error> {
        let (name, audience) = (issuer.into(), audience.into());
        if name.is_empty() {
            return Err(Error::IssuerUnset);
        }
        if audience.is_empty() {
            return Err(Error::AudienceUnset);
        }
        Ok(Self {
            name,
            audience,
            more_audiences: Vec::new(),
            algorithms: FAPI.to_vec(),
            profile: None,
            binding: Binding::Required,
            leeway: Seconds(10),
            limits: Limits::DEFAULT,
            scopes: Vec::new(),
            acr_values: Vec::new(),
            max_age: None,
            keys,
            words_per_key: 32 * 1024 + 64,
        })
    }

    /// Accepts tokens for this audience too.
    ///
    /// # Errors
    /// [`Error::AudienceUnset`], [`Error::LimitOutOfRange`] above 32.
    pub fn also_for(mut self, audience: impl Into<String>) -> Result<Self, Error> {
        let audience = audience.into();
        if audience.is_empty() {
            return Err(Error::AudienceUnset);
        }
        self.more_audiences.push(audience);
        bounded(&self.more_audiences)?;
        Ok(self)
    }

    /// Accepts these algorithms instead of those of FAPI 2.0.
    ///
    /// # Errors
    /// [`Error::AlgorithmsUnset`].
    pub fn with_algorithms(mut self, algorithms: &[&'static dyn Algorithm]) -> Result<Self, Error> {
        if algorithms.is_empty() {
            return Err(Error::AlgorithmsUnset);
        }
        self.algorithms = algorithms.to_vec();
        Ok(self)
    }

    /// For issuers that predate RFC 9068: the accepted `typ` (`None` for none at all), and the claims required beside `iss`, `aud` and `exp`.
    ///
    /// # Errors
    /// [`Error::LimitOutOfRange`] above 32 of either.
    pub fn with_profile<T, R>(mut self, types: T, required: R) -> Result<Self, Error>
    where
        T: IntoIterator<Item = Option<String>>,
        R: IntoIterator<Item = String>,
    {
        let profile = ListedProfile { types: types.into_iter().collect(), required: required.into_iter().collect() };
        bounded(&profile.types)?;
        bounded(&profile.required)?;
        self.profile = Some(profile);
        Ok(self)
    }

    /// Accepts other bindings than "either, but one".
    #[must_use]
    pub const fn with_binding(mut self, binding: Binding) -> Self {
        self.binding = binding;
        self
    }

    /// Grants the issuer's clock another difference than 10 seconds.
    #[must_use]
    pub const fn with_leeway(mut self, leeway: Seconds) -> Self {
        self.leeway = leeway;
        self
    }

    /// Bounds tokens otherwise than by 16 KiB.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Demands scopes of every token, unless the route demands others.
    ///
    /// # Errors
    /// [`Error::LimitOutOfRange`] above 32.
    pub fn demanding_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        bounded(&self.scopes)?;
        Ok(self)
    }

    /// Demands one of these authentication contexts, and that the authentication be no older than `max_age` (RFC 9470).
    ///
    /// # Errors
    /// [`Error::LimitOutOfRange`] above 32.
    pub fn demanding_authentication<S: Into<String>>(
        mut self,
        acr_values: impl IntoIterator<Item = S>,
        max_age: Option<Seconds>,
    ) -> Result<Self, Error> {
        self.acr_values = acr_values.into_iter().map(Into::into).collect();
        self.max_age = max_age;
        bounded(&self.acr_values)?;
        Ok(self)
    }

    /// Prepares each key in so many bytes instead of 256 KiB: 13 KiB are enough for most of the gain, 832 KiB for all of it.
    #[must_use]
    pub const fn with_key_memory(mut self, bytes: usize) -> Self {
        self.words_per_key = bytes / 8;
        self
    }

    /// The issuer's identifier.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn algorithms(&self) -> &[&'static dyn Algorithm] {
        &self.algorithms
    }

    pub(crate) const fn binding(&self) -> Binding {
        self.binding
    }

    pub(crate) const fn limits(&self) -> Limits {
        self.limits
    }

    pub(crate) const fn leeway(&self) -> Seconds {
        self.leeway
    }

    /// Lends a verifier with `keys`, and with the route's demands where it has any: the engine's policy borrows every word.
    pub(crate) fn with_verifier<R>(
        &self,
        keys: Keys<'_>,
        demands: Option<&Demands<'_>>,
        judge: impl FnOnce(Verifier<'_>) -> R,
    ) -> Result<R, Error> {
        // Filled in place: a list as it is returned would be copied, half a KiB each.
        let [mut audiences, mut scopes, mut acr_values, mut required] = [const { Words::<&str>::new() }; 4];
        audiences.extend(self.more_audiences.iter().map(String::as_str));
        scopes.extend(self.scopes.iter().map(String::as_str));
        acr_values.extend(self.acr_values.iter().map(String::as_str));
        let own = Demands { scopes: &scopes, acr_values: &acr_values, max_age: self.max_age };
        let mut types = Words::new();
        if let Some(profile) = &self.profile {
            types.extend(profile.types.iter().map(|typ| typ.as_deref().map_or(TokenType::Absent, TokenType::Named)));
            required.extend(profile.required.iter().map(String::as_str));
        }
        let profile = if self.profile.is_some() { Profile::listed(&types, &required) } else { Profile::RFC_9068 };
        let verifier = Verifier::new(&self.name, &self.audience, &self.algorithms, keys)?
            .also_for(&audiences)?
            .with_profile(profile)
            .with_binding(self.binding)
            .with_leeway(self.leeway)
            .with_limits(self.limits)
            .demanding(*demands.unwrap_or(&own));
        Ok(judge(verifier))
    }
}

fn bounded<T>(words: &[T]) -> Result<(), Error> {
    if words.len() > MOST_WORDS { Err(Error::LimitOutOfRange) } else { Ok(()) }
}
