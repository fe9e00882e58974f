//! Access tokens without an HTTP request: one, a split one, or several together.

use core::mem::MaybeUninit;

use counterfoil::jose::algorithm::BATCH;
use counterfoil::jose::thumbprint;
use counterfoil::oauth::access_token::AccessToken;
use counterfoil::oauth::confirmation::Presenter as Holder;
use counterfoil::oauth::replay::ReplayStore as _;
use counterfoil::oauth::request::TokenForm;
use counterfoil::oauth::split_token::Counterfoil;
use counterfoil::{Error, UnixTime};

use crate::boundary::{Batch, Buffer, Bytes, Code, Filled, given, guard};
use crate::proof::Proof;
use crate::server::Server;
use crate::token::{Thumbprint, Token};

/// Somebody who has proved nothing.
pub const COUNTERFOIL_PRESENTER_BEARER: u32 = 0;
/// The holder of the client certificate with `thumbprint`, as the TLS handshake proved.
pub const COUNTERFOIL_PRESENTER_CERTIFICATE: u32 = 1;
/// The maker of `proof`, which was accepted for this very token.
pub const COUNTERFOIL_PRESENTER_DPOP: u32 = 2;

/// How many tokens `counterfoil_server_accept_batch` judges together.
pub const COUNTERFOIL_BATCH: usize = 8;
const _: () = assert!(COUNTERFOIL_BATCH == BATCH);

/// Who presents a token.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Presenter<'a> {
    /// One of `COUNTERFOIL_PRESENTER_…`.
    kind: u32,
    /// `x5t#S256` of the certificate; not read otherwise.
    thumbprint: Thumbprint,
    /// The accepted proof; not read otherwise.
    proof: Option<&'a Proof>,
}

impl<'a> Presenter<'a> {
    fn holder(&self) -> Result<Holder<'a>, Error> {
        match self.kind {
            COUNTERFOIL_PRESENTER_BEARER => Ok(Holder::Bearer),
            COUNTERFOIL_PRESENTER_CERTIFICATE => Ok(Holder::Certificate(thumbprint::Thumbprint::from_bytes(self.thumbprint.octets))),
            COUNTERFOIL_PRESENTER_DPOP => Ok(Holder::Dpop(given(self.proof)?.0.get()?)),
            _ => Err(Error::LimitOutOfRange),
        }
    }
}

/// Judges a compact token and who presents it. `scratch` of 16 KiB always suffices within the default limits; `token_out` refers to it.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_server_accept<'s>(
    server: Option<&Server<'_>>,
    token: Bytes<'_>,
    presenter: Option<&Presenter<'_>>,
    now: u64,
    scratch: Buffer<'s>,
    token_out: Option<&mut MaybeUninit<Token<'s>>>,
) -> Code {
    guard(|| {
        let (server, token, out) = (given(server)?, token.read()?, given(token_out)?);
        let (holder, scratch) = (given(presenter)?.holder()?, scratch.open()?);
        out.write(Token(Filled::new(accept(server, TokenForm::Whole, (token, holder), UnixTime(now), scratch)?)));
        Ok(())
    })
}

/// The halves of a split token.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Halves<'a> {
    /// What the gateway keeps: `header.payload`.
    counterfoil: Bytes<'a>,
    /// What the client holds.
    ticket: Bytes<'a>,
}

/// Judges a split token, whose halves are never joined. A DPoP proof must have been made for the ticket.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_server_accept_split<'s>(
    server: Option<&Server<'_>>,
    halves: Option<&Halves<'_>>,
    presenter: Option<&Presenter<'_>>,
    now: u64,
    scratch: Buffer<'s>,
    token_out: Option<&mut MaybeUninit<Token<'s>>>,
) -> Code {
    guard(|| {
        let (server, halves, out) = (given(server)?, given(halves)?, given(token_out)?);
        let (holder, scratch) = (given(presenter)?.holder()?, scratch.open()?);
        let form = TokenForm::Split(Counterfoil::parse(halves.counterfoil.read()?)?);
        out.write(Token(Filled::new(accept(server, form, (halves.ticket.read()?, holder), UnixTime(now), scratch)?)));
        Ok(())
    })
}

/// By the rules of the issuer that the token names, from memory where the server has one.
fn accept<'s>(
    server: &Server<'_>,
    form: TokenForm<'_>,
    presented: (&[u8], Holder<'_>),
    now: UnixTime,
    scratch: &'s mut [u8],
) -> Result<AccessToken<'s>, Error> {
    let mut stores = server.stores()?;
    let issuer = server.issuer_of(form, presented.0, scratch)?;
    server.with_verifier(issuer, |verifier| verifier.accept_as(form, presented, now, stores.tokens(), scratch))
}

/// One token of several.
#[repr(C)]
pub struct BatchItem<'a, 's> {
    /// The compact token.
    token: Bytes<'a>,
    /// Who presents it.
    presenter: Presenter<'a>,
    /// Where the token goes when it is accepted.
    token_out: Option<&'a mut MaybeUninit<Token<'s>>>,
    /// What was found: 0 when it was accepted.
    code: Code,
}

/// Judges up to `COUNTERFOIL_BATCH` tokens, each for itself, with their signatures together: cheaper than one by one, with the same
/// verdicts, which are in `code` of each item. `scratch` is shared: 16 KiB for each token always suffice. Returns a code of its own only
/// where nothing was judged.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_server_accept_batch<'s>(
    server: Option<&Server<'_>>,
    batch: Batch<'_, 's>,
    now: u64,
    scratch: Buffer<'s>,
) -> Code {
    guard(|| {
        let (server, items, scratch) = (given(server)?, batch.open()?, scratch.open()?);
        let mut tokens = heapless::Vec::<_, BATCH>::new();
        for item in items.iter() {
            given(item.token_out.as_ref())?;
            tokens.push((item.token.read()?, item.presenter.holder()?)).map_err(|_| Error::LimitOutOfRange)?;
        }
        let verdicts = if server.has_one_issuer()? {
            server.with_verifier(0, |verifier| verifier.accept_batch(&tokens, UnixTime(now), scratch))?
        } else {
            one_by_one(server, &tokens, UnixTime(now), scratch)
        };
        for (item, verdict) in items.iter_mut().zip(verdicts) {
            item.code = verdict.as_ref().map_or_else(|error| error.code(), |_| 0);
            if let (Ok(token), Some(out)) = (verdict, item.token_out.as_mut()) {
                out.write(Token(Filled::new(token)));
            }
        }
        Ok(())
    })
}

/// Tokens of several issuers are judged by several sets of rules.
fn one_by_one<'s>(
    server: &Server<'_>,
    tokens: &[(&[u8], Holder<'_>)],
    now: UnixTime,
    mut scratch: &'s mut [u8],
) -> heapless::Vec<Result<AccessToken<'s>, Error>, BATCH> {
    let judge = |presented: &(&[u8], Holder<'_>)| {
        // No more than the token's own length is ever decoded.
        let (own, rest) = core::mem::take(&mut scratch).split_at_mut_checked(presented.0.len()).ok_or(Error::BufferTooSmall)?;
        scratch = rest;
        accept(server, TokenForm::Whole, *presented, now, own)
    };
    tokens.iter().map(judge).collect()
}
