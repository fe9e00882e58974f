//! Access tokens without an HTTP request: one, a split one, or several together.

use core::mem::MaybeUninit;

use counterfoil::jose::algorithm::BATCH;
use counterfoil::jose::thumbprint;
use counterfoil::oauth::access_token::AccessToken;
use counterfoil::oauth::confirmation::Presenter as Holder;
use counterfoil::oauth::split_token::{Counterfoil, Ticket};
use counterfoil::oauth::verifier::Verifier;
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
    accept(server, scratch, token_out, |verifier, scratch| {
        verifier.accept(token.read()?, given(presenter)?.holder()?, UnixTime(now), scratch)
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
    accept(server, scratch, token_out, |verifier, scratch| {
        let halves = given(halves)?;
        let (counterfoil, ticket) = (Counterfoil::parse(halves.counterfoil.read()?)?, Ticket::parse(halves.ticket.read()?)?);
        verifier.accept_split(counterfoil, ticket, given(presenter)?.holder()?, UnixTime(now), scratch)
    })
}

fn accept<'s>(
    server: Option<&Server<'_>>,
    scratch: Buffer<'s>,
    token_out: Option<&mut MaybeUninit<Token<'s>>>,
    judge: impl FnOnce(&Verifier<'_>, &'s mut [u8]) -> Result<AccessToken<'s>, Error>,
) -> Code {
    guard(|| {
        let (server, out) = (given(server)?, given(token_out)?);
        let scratch = scratch.open()?;
        out.write(Token(Filled::new(server.with_verifier(|verifier| judge(&verifier, scratch))?)));
        Ok(())
    })
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
        let verdicts = server.with_verifier(|verifier| verifier.accept_batch(&tokens, UnixTime(now), scratch))?;
        for (item, verdict) in items.iter_mut().zip(verdicts) {
            item.code = verdict.as_ref().map_or_else(|error| error.code(), |_| 0);
            if let (Ok(token), Some(out)) = (verdict, item.token_out.as_mut()) {
                out.write(Token(Filled::new(token)));
            }
        }
        Ok(())
    })
}
