//! DPoP proofs and nonces (RFC 9449).

use core::mem::MaybeUninit;

#[cfg(feature = "gateway")]
use counterfoil::jose::algorithm::Algorithms;
use counterfoil::jose::policy::Limits;
use counterfoil::oauth::dpop;
use counterfoil::oauth::nonce;
use counterfoil::{Error, Seconds, UnixTime};

use crate::boundary::{Buffer, Bytes, Code, Filled, given, guard};
use crate::keys::{COUNTERFOIL_FAPI, algorithms_of};
use crate::replay::{Replay, Stores};
use crate::request::or_not_utf8;
use crate::token::Thumbprint;
use crate::value::written;

/// The key of a server's nonces; servers with one secret accept each other's. Plain data: any number of threads may use it.
pub struct NonceKey(Filled<nonce::NonceKey>);

// As include/counterfoil.h declares it.
const _: () = assert!(size_of::<NonceKey>() <= 48 * 8 && align_of::<NonceKey>() <= 8);

/// What DPoP proofs must be.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ProofRules<'a> {
    /// As a server's; `COUNTERFOIL_FAPI` by default.
    algorithms: u32,
    /// Seconds that `iat` may lie back; 300 by default.
    past: u64,
    /// Seconds that `iat` may lie ahead; 10 by default.
    ahead: u64,
    /// The longest proof in octets, at most 65535; 4096 by default.
    max_size: usize,
    /// A nonce of this key is demanded; NULL by default: none.
    nonce: Option<&'a NonceKey>,
}

/// Algorithms, window and nonce of [`ProofRules`].
#[cfg(feature = "gateway")]
type Parts<'a> = (Algorithms<'static>, Seconds, Seconds, Option<&'a nonce::NonceKey>);

impl<'a> ProofRules<'a> {
    #[cfg(feature = "gateway")]
    pub(crate) fn parts(&self) -> Result<Parts<'a>, Error> {
        let nonce = self.nonce.map(|key| key.0.get()).transpose()?;
        Ok((algorithms_of(self.algorithms)?, Seconds(self.past), Seconds(self.ahead), nonce))
    }

    /// The nonce to send, where one is demanded.
    pub(crate) fn nonce_at(&self, now: UnixTime) -> Result<Option<nonce::Nonce>, Error> {
        self.nonce.map(|key| Ok(key.0.get()?.issue(now))).transpose()
    }

    pub(crate) const DEFAULT: Self = Self { algorithms: COUNTERFOIL_FAPI, past: 300, ahead: 10, max_size: 4096, nonce: None };

    pub(crate) fn rules(&self) -> Result<dpop::ProofRules<'a>, Error> {
        let rules = dpop::ProofRules::new(algorithms_of(self.algorithms)?)?
            .with_window(Seconds(self.past), Seconds(self.ahead))
            .with_limits(Limits::new(self.max_size, Limits::PROOF.header())?);
        Ok(match self.nonce {
            Some(key) => rules.with_nonce(key.0.get()?),
            None => rules,
        })
    }
}

/// A proof that was accepted: the holder of its key made it now, for one request and one token, for the first time. Plain data.
pub struct Proof(pub(crate) Filled<dpop::Proof>);

// As include/counterfoil.h declares it.
const _: () = assert!(size_of::<Proof>() <= 16 * 8 && align_of::<Proof>() <= 8);

/// The request that a proof must have been made for.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ProofTarget<'a> {
    /// The HTTP method.
    method: Bytes<'a>,
    /// The URL as the client sees it.
    url: Bytes<'a>,
    /// The token as the client presents it; `data` NULL at a token endpoint, where there is none yet.
    token: Bytes<'a>,
}

/// Fills rules with the defaults.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_proof_rules_init(rules_out: Option<&mut MaybeUninit<ProofRules<'_>>>) -> Code {
    guard(|| {
        given(rules_out)?.write(ProofRules::DEFAULT);
        Ok(())
    })
}

/// Judges a proof by itself, and remembers it in `replay` when all else is good. `scratch` as long as the proof always suffices.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_proof_accept(
    rules: Option<&ProofRules<'_>>,
    proof: Bytes<'_>,
    target: Option<&ProofTarget<'_>>,
    now: u64,
    replay: Option<&Replay>,
    scratch: Buffer<'_>,
    proof_out: Option<&mut MaybeUninit<Proof>>,
) -> Code {
    guard(|| {
        let (rules, target, out) = (given(rules)?.rules()?, given(target)?, given(proof_out)?);
        let own = dpop::ProofTarget {
            method: target.method.text().map_err(|error| or_not_utf8(error, Error::RequestMethod))?,
            url: target.url.text().map_err(|error| or_not_utf8(error, Error::RequestUrl))?,
            token: target.token.optional()?,
        };
        let mut stores = Stores::new(Some(given(replay)?), None, None)?;
        out.write(Proof(Filled::new(rules.accept(proof.read()?, &own, UnixTime(now), &mut stores, scratch.open()?)?)));
        Ok(())
    })
}

/// The `jkt` of the key that made a proof.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_proof_thumbprint(proof: Option<&Proof>, thumbprint_out: Option<&mut MaybeUninit<Thumbprint>>) -> Code {
    guard(|| {
        let out = given(thumbprint_out)?;
        out.write(Thumbprint { octets: *given(proof)?.0.get()?.thumbprint().as_bytes() });
        Ok(())
    })
}

/// Makes a key from at least 32 octets of secret; a nonce is issued for `step` seconds and accepted for two steps more.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_nonce_key_init(secret: Bytes<'_>, step: u64, key_out: Option<&mut MaybeUninit<NonceKey>>) -> Code {
    guard(|| {
        let out = given(key_out)?;
        out.write(NonceKey(Filled::new(nonce::NonceKey::new(secret.read()?, Seconds(step))?)));
        Ok(())
    })
}

/// Writes the nonce to send now, 43 octets, to `buffer`.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_nonce_key_issue<'b>(
    key: Option<&NonceKey>,
    now: u64,
    buffer: Buffer<'b>,
    nonce_out: Option<&mut MaybeUninit<Bytes<'b>>>,
) -> Code {
    guard(|| {
        let (out, nonce) = (given(nonce_out)?, given(key)?.0.get()?.issue(UnixTime(now)));
        out.write(written(nonce.as_str().as_bytes(), buffer)?);
        Ok(())
    })
}

/// Judges a nonce by itself; that of a proof is judged with the proof.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_nonce_key_accept(key: Option<&NonceKey>, nonce: Bytes<'_>, now: u64) -> Code {
    guard(|| {
        let good = given(key)?.0.get()?.accepts(nonce.read()?, UnixTime(now));
        if good { Ok(()) } else { Err(Error::NonceInvalid) }
    })
}
