//! One HTTP request → one decision: accept with the token, or refuse with what to answer (RFC 6750, RFC 9449 section 7).

use crate::error::{Error, HttpAnswer};
use crate::jose::algorithm::verify_all;
use crate::jose::thumbprint::Thumbprint;
use crate::oauth::access_token::AccessToken;
use crate::oauth::cache::{self, TokenText};
use crate::oauth::certificate::ClientCertificate;
use crate::oauth::challenge;
use crate::oauth::confirmation::Holder;
use crate::oauth::dpop::{ProofRules, ProofTarget, ReadProof};
use crate::oauth::nonce::Nonce;
use crate::oauth::replay::ReplayStore;
use crate::oauth::split_token::{Counterfoil, Ticket};
use crate::oauth::verifier::Verifier;
use crate::time::UnixTime;
use crate::wire::form;

/// What a host knows of one request. Header values come without surrounding white space, one slice for each field line.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// The absolute URL as the client sees it: from configuration and the request target, never from a forwarded host.
    pub url: &'a str,
    /// Every `Authorization` header.
    pub authorization: &'a [&'a [u8]],
    /// Every `DPoP` header.
    pub dpop: &'a [&'a [u8]],
    /// The client's certificate, if it presented one.
    pub certificate: Option<ClientCertificate<'a>>,
}

/// The scheme of an `Authorization` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// RFC 6750.
    Bearer,
    /// RFC 9449 section 7.1.
    Dpop,
}

/// The token that a request presents, as the client holds it.
#[derive(Clone, Copy)]
pub struct Credential<'a> {
    scheme: Scheme,
    token: &'a [u8],
}

impl<'a> Credential<'a> {
    /// How it is presented.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The token's text, to look it up by.
    #[must_use]
    pub const fn token(&self) -> &'a [u8] {
        self.token
    }

    /// The one credential among a request's `Authorization` headers; its URL must carry none.
    ///
    /// # Errors
    /// [`Error::CredentialMissing`], [`Error::CredentialRepeated`], [`Error::CredentialMalformed`], [`Error::CredentialInQuery`].
    pub fn find(url: &str, authorization: &[&'a [u8]]) -> Result<Self, Error> {
        let query = url.split('#').next().and_then(|url| url.split_once('?')).map_or("", |(_, query)| query);
        if form::parameters(query).any(|parameter| parameter.is("access_token")) {
            return Err(Error::CredentialInQuery);
        }
        let value = match authorization {
            [] => return Err(Error::CredentialMissing),
            [value] => *value,
            _ => return Err(Error::CredentialRepeated),
        };
        let end = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
        let (scheme, token) = value.split_at_checked(end).ok_or(Error::CredentialMalformed)?;
        let scheme = match scheme {
            _ if scheme.eq_ignore_ascii_case(b"Bearer") => Scheme::Bearer,
            _ if scheme.eq_ignore_ascii_case(b"DPoP") => Scheme::Dpop,
            _ => return Err(Error::CredentialMissing),
        };
        let spaces = token.iter().take_while(|byte| **byte == b' ').count();
        let token = token.get(spaces..).ok_or(Error::CredentialMalformed)?;
        if is_token68(token) { Ok(Self { scheme, token }) } else { Err(Error::CredentialMalformed) }
    }
}

impl core::fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Credential({:?})", self.scheme)
    }
}

/// What the presented credential stands for.
#[derive(Clone, Copy, Debug)]
pub enum TokenForm<'a> {
    /// It is the token.
    Whole,
    /// It is a reference; the issuer says that this compact token is what it refers to.
    Phantom(&'a [u8]),
    /// It is a reference; this is the claims object with which the issuer answered (RFC 7662, or [`crate::oauth::introspection`] for a
    /// signed answer). It is judged as strictly as a token's claims.
    Introspected(&'a [u8]),
    /// It is a ticket; this is its counterfoil.
    Split(Counterfoil<'a>),
}

impl<'a> TokenForm<'a> {
    pub(crate) fn basis(self, credential: &'a [u8]) -> Result<Basis<'a>, Error> {
        Ok(match self {
            Self::Whole => Basis::Token(TokenText::whole(credential)),
            Self::Phantom(token) => Basis::Token(TokenText::whole(token)),
            Self::Introspected(answer) => Basis::Answer(answer),
            Self::Split(counterfoil) => Basis::Token(TokenText::split(counterfoil, Ticket::parse(credential)?)),
        })
    }
}

/// What there is to judge a credential by.
pub(crate) enum Basis<'a> {
    Token(TokenText<'a>),
    Answer(&'a [u8]),
}

/// A request that was refused, with what its answer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    error: Error,
    scheme: Option<Scheme>,
}

impl Refusal {
    /// A refusal of a request whose credential has this scheme, or that has none.
    #[must_use]
    pub const fn new(error: Error, scheme: Option<Scheme>) -> Self {
        Self { error, scheme }
    }

    /// A refusal of the host's own, as when a lookup fails ([`Error::LookupUnavailable`], [`Error::TicketUnknown`]).
    #[must_use]
    pub const fn of(error: Error, credential: &Credential<'_>) -> Self {
        Self::new(error, Some(credential.scheme))
    }

    /// Why.
    #[must_use]
    pub const fn error(&self) -> Error {
        self.error
    }

    /// The status and OAuth error to answer with.
    #[must_use]
    pub const fn http(&self) -> HttpAnswer {
        self.error.http()
    }

    pub(crate) const fn scheme(&self) -> Option<Scheme> {
        self.scheme
    }
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.error.fmt(f)
    }
}

impl core::error::Error for Refusal {}

/// A resource server: judges its requests by one verifier and one set of rules for proofs.
#[derive(Clone, Copy, Debug)]
pub struct ResourceServer<'a> {
    verifier: Verifier<'a>,
    proofs: ProofRules<'a>,
    realm: Option<&'a str>,
}

impl<'a> ResourceServer<'a> {
    /// A resource server without a realm.
    #[must_use]
    pub const fn new(verifier: Verifier<'a>, proofs: ProofRules<'a>) -> Self {
        Self { verifier, proofs, realm: None }
    }

    /// Names a realm in every challenge.
    ///
    /// # Errors
    /// [`Error::TextNotToken`] when it cannot stand between quotes as it is.
    pub fn with_realm(mut self, realm: &'a str) -> Result<Self, Error> {
        if !challenge::is_quotable(realm) {
            return Err(Error::TextNotToken);
        }
        self.realm = Some(realm);
        Ok(self)
    }

    /// Judges a request whose credential is the token itself.
    ///
    /// `scratch` of the verifier's [`Limits::scratch`](crate::jose::policy::Limits::scratch) and as much again for the proof always
    /// suffices, unless a header certificate is longer.
    ///
    /// # Errors
    /// What to answer, and why.
    pub fn accept<'s>(
        &self,
        request: &Request<'_>,
        now: UnixTime,
        store: &mut dyn ReplayStore,
        scratch: &'s mut [u8],
    ) -> Result<AccessToken<'s>, Refusal> {
        let credential = self.credential(request)?;
        self.accept_as(TokenForm::Whole, &credential, request, now, store, scratch)
    }

    /// The one credential of a request, for hosts that must look it up before they judge it.
    ///
    /// # Errors
    /// [`Error::CredentialMissing`], [`Error::CredentialRepeated`], [`Error::CredentialMalformed`], [`Error::CredentialInQuery`].
    pub fn credential<'r>(&self, request: &Request<'r>) -> Result<Credential<'r>, Refusal> {
        credential_of(request).map_err(|error| Refusal::new(error, None))
    }

    /// Judges a request whose credential stands for the token that was looked up. A proof is judged for what the client presents.
    ///
    /// # Errors
    /// What to answer, and why.
    pub fn accept_as<'s>(
        &self,
        form: TokenForm<'_>,
        credential: &Credential<'_>,
        request: &Request<'_>,
        now: UnixTime,
        store: &mut dyn ReplayStore,
        scratch: &'s mut [u8],
    ) -> Result<AccessToken<'s>, Refusal> {
        let refuse = |error| Refusal::of(error, credential);
        match credential.scheme {
            Scheme::Bearer => {
                let holder = holder_of(request, scratch).map_err(refuse)?;
                let basis = form.basis(credential.token).map_err(refuse)?;
                cache::judge(&self.verifier, store.tokens(), basis, holder, now, scratch).map_err(refuse)
            }
            Scheme::Dpop => {
                let proof = only_proof(request).map_err(refuse)?;
                if proof.len() > self.proofs.limits().token() {
                    return Err(refuse(Error::ProofTooLarge));
                }
                let target = ProofTarget { method: request.method, url: request.url, token: Some(credential.token) };
                let (own, scratch) = scratch.split_at_mut_checked(proof.len()).ok_or(refuse(Error::BufferTooSmall))?;
                let proof = self.proofs.read(proof, &target, now, own).map_err(refuse)?;
                self.judge_with_proof(form, credential, &proof, now, store, scratch).map_err(refuse)
            }
        }
    }

    /// The token, then the proof's signature, and the store last: nothing that fails burns a `jti`.
    #[inline(never)]
    fn judge_with_proof<'s>(
        &self,
        form: TokenForm<'_>,
        credential: &Credential<'_>,
        proof: &ReadProof<'_, '_, '_>,
        now: UnixTime,
        store: &mut dyn ReplayStore,
        scratch: &'s mut [u8],
    ) -> Result<AccessToken<'s>, Error> {
        let holder = Holder::Key(proof.thumbprint());
        let token = match form.basis(credential.token)? {
            Basis::Token(token) => token,
            Basis::Answer(answer) => {
                let accepted = self.verifier.judge_introspected(answer, holder, now, scratch)?;
                return proof.accept(store, now).map(|_| accepted);
            }
        };
        let version = self.verifier.keys().version();
        if let Some(recalled) = store.tokens().and_then(|tokens| tokens.recall(token, version, scratch)) {
            let accepted = recalled.judge_again(&self.verifier, holder, now, scratch)?;
            return proof.accept(store, now).map(|_| accepted);
        }
        let compact = token.compact(self.verifier.limits())?;
        let last = store.tokens().and_then(|tokens| tokens.last_header());
        let pending = self.verifier.judge_but_signature(&compact, holder, now, last.as_deref(), scratch)?;
        let mut signatures = [pending.signature(0), proof.signature(store.keys(), 1)];
        verify_all(&mut signatures);
        signatures.sort_unstable_by_key(|signature| signature.number);
        let [of_token, of_proof] = signatures;
        of_token.verdict?;
        let judged = self.verifier.conclude(&pending, now)?;
        of_proof.verdict.map_err(|_| Error::ProofSignature)?;
        proof.redeem(store, now)?;
        if let Some(tokens) = store.tokens() {
            tokens.keep(token, version, &judged);
            tokens.last_header().into_iter().for_each(|last| pending.remember_in(last));
        }
        Ok(judged.token)
    }

    /// Writes the value of `WWW-Authenticate` for a refusal to the start of `out`; `None` where none is sent.
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`]; [`Error::TextNotToken`] when a demanded scope or context cannot stand in a header.
    pub fn www_authenticate<'o>(&self, refusal: &Refusal, out: &'o mut [u8]) -> Result<Option<&'o str>, Error> {
        challenge::write(self, refusal, out)
    }

    /// The value of `DPoP-Nonce`, to be sent with every answer where nonces are demanded (RFC 9449 section 8.2).
    #[must_use]
    pub fn dpop_nonce(&self, now: UnixTime) -> Option<Nonce> {
        self.proofs.nonce().map(|key| key.issue(now))
    }

    pub(crate) const fn verifier(&self) -> &Verifier<'a> {
        &self.verifier
    }

    pub(crate) const fn proofs(&self) -> &ProofRules<'a> {
        &self.proofs
    }

    pub(crate) const fn realm(&self) -> Option<&'a str> {
        self.realm
    }
}

fn credential_of<'r>(request: &Request<'r>) -> Result<Credential<'r>, Error> {
    Credential::find(request.url, request.authorization)
}

/// RFC 9110 section 11.2.
fn is_token68(token: &[u8]) -> bool {
    let padding = token.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = token.get(..token.len().saturating_sub(padding)).unwrap_or(&[]);
    let is_character = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    !body.is_empty() && body.iter().all(is_character)
}

fn only_proof<'r>(request: &Request<'r>) -> Result<&'r [u8], Error> {
    match request.dpop {
        [] => Err(Error::ProofMissing),
        [proof] => Ok(proof),
        _ => Err(Error::ProofRepeated),
    }
}

fn holder_of(request: &Request<'_>, scratch: &mut [u8]) -> Result<Holder, Error> {
    let thumbprint: Option<Thumbprint> = request.certificate.map(|certificate| certificate.thumbprint(scratch)).transpose()?;
    Ok(thumbprint.map_or(Holder::Nothing, Holder::Certificate))
}
