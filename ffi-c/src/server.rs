//! One protected API: what it accepts, and what it remembers.

use core::mem::MaybeUninit;

use counterfoil::jose::header::TokenType;
use counterfoil::jose::policy::Limits;
use counterfoil::oauth::confirmation::Binding;
use counterfoil::oauth::issuer::claimed_issuer;
use counterfoil::oauth::request::{ResourceServer, TokenForm};
use counterfoil::oauth::verifier::{Demands, Profile, Verifier};
use counterfoil::{Error, Seconds};

use crate::boundary::{Bytes, Code, Issuers, List, given, guard};
use crate::key_tables::KeyTables;
use crate::keys::{Keys, algorithms_of};
use crate::proof::ProofRules;
use crate::replay::{Replay, Stores};
use crate::tables::TokenCache;

/// A token must be bound to a client certificate or to a DPoP key: what FAPI 2.0 demands.
pub const COUNTERFOIL_BINDING_REQUIRED: u32 = 0;
/// A token must be bound to a client certificate.
pub const COUNTERFOIL_BINDING_MTLS: u32 = 1;
/// A token must be bound to a DPoP key.
pub const COUNTERFOIL_BINDING_DPOP: u32 = 2;
/// Unbound tokens are accepted too; a bound one still needs its holder.
pub const COUNTERFOIL_BINDING_OPTIONAL: u32 = 3;

/// How many entries each list of a server has at most: issuers, audiences, scopes…
#[cfg(feature = "std")]
pub const COUNTERFOIL_MAX_LIST: usize = 64;
/// How many entries each list of a server has at most: issuers, audiences, scopes…
#[cfg(not(feature = "std"))]
pub const COUNTERFOIL_MAX_LIST: usize = 8;

type Few<T> = heapless::Vec<T, COUNTERFOIL_MAX_LIST>;

/// An issuer that is trusted, and its keys.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Issuer<'a> {
    /// Compared octet for octet with `iss`.
    name: Bytes<'a>,
    /// The keys that sign for this issuer and for no other.
    keys: Option<&'a Keys>,
}

/// What one API accepts, and what it remembers. Fill it with `counterfoil_server_init`, then set what differs.
///
/// It is plain data that refers to the caller's memory, which must stay and must not change while a call uses it: any number of
/// threads may use one server at once.
#[repr(C)]
pub struct Server<'a> {
    /// The issuers whose tokens are accepted: at least one.
    issuers: Issuers<'a>,
    /// The names of this API, one of which must be in `aud`: at least one.
    audiences: List<'a>,
    /// The algorithms of tokens: a sum of `COUNTERFOIL_ES256` and others. `COUNTERFOIL_FAPI` by default.
    algorithms: u32,
    /// One of `COUNTERFOIL_BINDING_…`; `COUNTERFOIL_BINDING_REQUIRED` by default.
    binding: u32,
    /// The `typ` that are accepted, without `application/`; a text with `data` NULL stands for tokens without `typ`. RFC 9068's `at+jwt`
    /// by default.
    types: List<'a>,
    /// The claims that must be there beside `iss`, `aud` and `exp`; RFC 9068's `sub`, `client_id`, `iat` and `jti` by default.
    required_claims: List<'a>,
    /// Scopes that must all be in `scope`.
    scopes: List<'a>,
    /// Authentication contexts, one of which must be `acr` (RFC 9470); none: any.
    acr_values: List<'a>,
    /// Seconds since `auth_time` at most (RFC 9470); `UINT64_MAX` by default: any.
    max_age: u64,
    /// Seconds that other clocks may differ; 10 by default.
    leeway: u64,
    /// The longest token in octets, at most 65535; 16384 by default.
    max_token_size: usize,
    /// The longest decoded header in octets, at most 65535; 4096 by default.
    max_header_size: usize,
    /// What DPoP proofs must be.
    proofs: ProofRules<'a>,
    /// Named in every challenge; `data` NULL by default: none.
    realm: Bytes<'a>,
    /// Where used DPoP proofs are remembered; without it no request with a proof is accepted.
    replay: Option<&'a Replay>,
    /// Where good tokens are remembered, so that their signature need not be judged again; NULL by default.
    tokens: Option<&'a TokenCache>,
    /// Where tables for the keys of DPoP proofs are kept; NULL by default, and always with the embedded build.
    proof_keys: Option<&'a KeyTables>,
}

/// As [`Profile::RFC_9068`].
static RFC_9068_TYPES: [Bytes<'static>; 1] = [Bytes::of(b"at+jwt")];
static RFC_9068_CLAIMS: [Bytes<'static>; 4] = [Bytes::of(b"sub"), Bytes::of(b"client_id"), Bytes::of(b"iat"), Bytes::of(b"jti")];

/// Fills a server with the defaults; issuers and audiences are still missing.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_server_init(server_out: Option<&mut MaybeUninit<Server<'_>>>) -> Code {
    guard(|| {
        given(server_out)?.write(Server {
            issuers: Issuers::EMPTY,
            audiences: List::EMPTY,
            algorithms: crate::keys::COUNTERFOIL_FAPI,
            binding: COUNTERFOIL_BINDING_REQUIRED,
            types: List::of(&RFC_9068_TYPES),
            required_claims: List::of(&RFC_9068_CLAIMS),
            scopes: List::EMPTY,
            acr_values: List::EMPTY,
            max_age: u64::MAX,
            leeway: 10,
            max_token_size: Limits::DEFAULT.token(),
            max_header_size: Limits::DEFAULT.header(),
            proofs: ProofRules::DEFAULT,
            realm: Bytes::NULL,
            replay: None,
            tokens: None,
            proof_keys: None,
        });
        Ok(())
    })
}

/// Judges a server itself, as every call with it does: for the moment when a configuration is read.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_server_judge(server: Option<&Server<'_>>) -> Code {
    guard(|| {
        let server = given(server)?;
        // Each issuer: whichever a token names must be good.
        let issuers = server.issuers.read()?;
        if issuers.len() > COUNTERFOIL_MAX_LIST {
            return Err(Error::LimitOutOfRange);
        }
        (0..issuers.len().max(1)).try_for_each(|issuer| server.with(issuer, |_| Ok(())))?;
        server.stores().map(drop)
    })
}

impl Server<'_> {
    /// Lets `work` judge requests by this server, with the keys that the `chosen` issuer has at this moment.
    pub(crate) fn with<R>(&self, chosen: usize, work: impl FnOnce(&ResourceServer<'_>) -> Result<R, Error>) -> Result<R, Error> {
        self.with_verifier(chosen, |verifier| {
            let server = ResourceServer::new(verifier, self.proofs.rules()?);
            work(&match self.realm.optional_text()? {
                Some(realm) => server.with_realm(realm)?,
                None => server,
            })
        })
    }

    /// As [`Server::with`], for tokens.
    pub(crate) fn with_verifier<R>(&self, chosen: usize, work: impl FnOnce(Verifier<'_>) -> Result<R, Error>) -> Result<R, Error> {
        let issuer = self.issuers.read()?.get(chosen).ok_or(Error::IssuerUnset)?;
        let snapshot = given(issuer.keys)?.snapshot()?;
        let audiences = texts(self.audiences)?;
        let [audience, more_audiences @ ..] = audiences.as_slice() else { return Err(Error::AudienceUnset) };
        let (types, required) = (types_of(self.types)?, texts(self.required_claims)?);
        let (scopes, acr_values) = (texts(self.scopes)?, texts(self.acr_values)?);
        let max_age = (self.max_age != u64::MAX).then_some(Seconds(self.max_age));
        let verifier = Verifier::new(issuer.name.text()?, audience, algorithms_of(self.algorithms)?, snapshot.keys())?
            .also_for(more_audiences)?
            .with_profile(Profile::listed(&types, &required))
            .with_binding(binding_of(self.binding)?)
            .with_leeway(Seconds(self.leeway))
            .with_limits(self.limits()?)
            .demanding(Demands { scopes: &scopes, acr_values: &acr_values, max_age });
        work(verifier)
    }

    /// The name of the first issuer.
    #[cfg(feature = "gateway")]
    pub(crate) fn first_issuer(&self) -> Result<&str, Error> {
        self.issuers.read()?.first().ok_or(Error::IssuerUnset)?.name.text()
    }

    /// The policy by which a gateway judges the tokens of the first issuer.
    #[cfg(feature = "gateway")]
    pub(crate) fn owned_policy(&self, keys: counterfoil_gateway::KeySource) -> Result<counterfoil_gateway::Issuer, Error> {
        let owned = |text: &str| text.to_owned();
        let audiences = texts(self.audiences)?;
        let [audience, more_audiences @ ..] = audiences.as_slice() else { return Err(Error::AudienceUnset) };
        let mut issuer = counterfoil_gateway::Issuer::new(self.first_issuer()?, *audience, keys)?;
        for audience in more_audiences {
            issuer = issuer.also_for(*audience)?;
        }
        let max_age = (self.max_age != u64::MAX).then_some(Seconds(self.max_age));
        let types = types_of(self.types)?.into_iter().map(|typ| match typ {
            TokenType::Named(name) => Some(owned(name)),
            TokenType::Absent => None,
        });
        issuer
            .with_algorithms(algorithms_of(self.algorithms)?)?
            .with_profile(types, texts(self.required_claims)?.into_iter().map(owned))?
            .with_binding(binding_of(self.binding)?)
            .with_leeway(Seconds(self.leeway))
            .with_limits(self.limits()?)
            .demanding_scopes(texts(self.scopes)?)?
            .demanding_authentication(texts(self.acr_values)?, max_age)
    }

    fn limits(&self) -> Result<Limits, Error> {
        Limits::new(self.max_token_size, self.max_header_size)
    }

    pub(crate) fn has_one_issuer(&self) -> Result<bool, Error> {
        self.issuers.read().map(|issuers| issuers.len() == 1)
    }

    /// Of several issuers the one that the token names: it chooses among what is trusted anyway, and is judged again.
    pub(crate) fn issuer_of(&self, form: TokenForm<'_>, credential: &[u8], scratch: &mut [u8]) -> Result<usize, Error> {
        if self.has_one_issuer()? {
            return Ok(0);
        }
        let mut names = Few::new();
        for issuer in self.issuers.read()? {
            names.push(issuer.name.text()?).map_err(|_| Error::LimitOutOfRange)?;
        }
        if names.is_empty() {
            return Err(Error::IssuerUnset);
        }
        claimed_issuer(form, credential, names, self.limits()?, scratch)
    }

    pub(crate) const fn proofs(&self) -> &ProofRules<'_> {
        &self.proofs
    }

    pub(crate) fn stores(&self) -> Result<Stores<'_>, Error> {
        Stores::new(self.replay, self.tokens, self.proof_keys)
    }
}

fn texts(list: List<'_>) -> Result<Few<&str>, Error> {
    let mut texts = Few::new();
    for text in list.read()? {
        texts.push(text.text()?).map_err(|_| Error::LimitOutOfRange)?;
    }
    Ok(texts)
}

fn types_of(list: List<'_>) -> Result<Few<TokenType<'_>>, Error> {
    let mut types = Few::new();
    for text in list.read()? {
        let typ = text.optional_text()?.map_or(TokenType::Absent, TokenType::Named);
        types.push(typ).map_err(|_| Error::LimitOutOfRange)?;
    }
    Ok(types)
}

const fn binding_of(binding: u32) -> Result<Binding, Error> {
    match binding {
        COUNTERFOIL_BINDING_REQUIRED => Ok(Binding::Required),
        COUNTERFOIL_BINDING_MTLS => Ok(Binding::Mtls),
        COUNTERFOIL_BINDING_DPOP => Ok(Binding::Dpop),
        COUNTERFOIL_BINDING_OPTIONAL => Ok(Binding::Optional),
        _ => Err(Error::LimitOutOfRange),
    }
}
