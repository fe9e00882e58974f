//! One HTTP request → one decision, and the answer to a refused one.

use core::mem::MaybeUninit;

use counterfoil::oauth::certificate::ClientCertificate;
use counterfoil::oauth::nonce::Nonce;
use counterfoil::oauth::request::{self, Refusal, ResourceServer, Scheme, TokenForm};
use counterfoil::oauth::split_token::Counterfoil;
use counterfoil::{Error, UnixTime};

use crate::boundary::{Buffer, Bytes, Code, Filled, List, given, guard};
use crate::error::error_of;
use crate::server::Server;
use crate::token::Token;
use crate::value::written;

/// The client presented no certificate.
pub const COUNTERFOIL_CERTIFICATE_NONE: u32 = 0;
/// DER, from the TLS session.
pub const COUNTERFOIL_CERTIFICATE_DER: u32 = 1;
/// PEM with one certificate and nothing around it. This and the forms below have travelled in a header: trust it only from a
/// configured peer.
pub const COUNTERFOIL_CERTIFICATE_PEM: u32 = 2;
/// PEM with percent escapes, as in nginx's `$ssl_client_escaped_cert`.
pub const COUNTERFOIL_CERTIFICATE_ESCAPED_PEM: u32 = 3;
/// The value of a `Client-Cert` field (RFC 9440 section 2.1).
pub const COUNTERFOIL_CERTIFICATE_FIELD: u32 = 4;

/// No credential.
pub const COUNTERFOIL_SCHEME_NONE: u32 = 0;
/// RFC 6750.
pub const COUNTERFOIL_SCHEME_BEARER: u32 = 1;
/// RFC 9449 section 7.1.
pub const COUNTERFOIL_SCHEME_DPOP: u32 = 2;

/// The credential is the token.
pub const COUNTERFOIL_FORM_WHOLE: u32 = 0;
/// The credential is a reference; what was looked up is the compact token that it refers to.
pub const COUNTERFOIL_FORM_PHANTOM: u32 = 1;
/// The credential is a reference; what was looked up is the claims object with which the issuer answered (RFC 7662), or that
/// `counterfoil_introspection_accept` found in a signed answer. Judged as strictly as a token's claims.
pub const COUNTERFOIL_FORM_INTROSPECTED: u32 = 3;
/// The credential is the ticket of a split token; what was looked up is its counterfoil, `header.payload`.
pub const COUNTERFOIL_FORM_SPLIT: u32 = 2;

/// What a host knows of one request. Header values come without surrounding white space, one text for each field line.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    method: Bytes<'a>,
    /// The absolute URL as the client sees it: from configuration and the request target, never from a forwarded host.
    url: Bytes<'a>,
    /// Every `Authorization` header.
    authorization: List<'a>,
    /// Every `DPoP` header.
    dpop: List<'a>,
    /// One of `COUNTERFOIL_CERTIFICATE_…`.
    certificate_form: u32,
    /// The client's certificate, in that form: the leaf alone.
    certificate: Bytes<'a>,
    /// Seconds since 1970.
    now: u64,
}

/// How many headers of one name a request is judged with: more than one is refused anyway.
type Headers<'a> = heapless::Vec<&'a [u8], 2>;

impl<'a> Request<'a> {
    fn url(&self) -> Result<&'a str, Error> {
        self.url.text().map_err(|error| or_not_utf8(error, Error::RequestUrl))
    }

    #[cfg(feature = "gateway")]
    pub(crate) const fn now(&self) -> u64 {
        self.now
    }

    pub(crate) fn with<R>(&self, work: impl FnOnce(&request::Request<'_>) -> Result<R, Error>) -> Result<R, Error> {
        let (authorization, dpop) = (headers(self.authorization)?, headers(self.dpop)?);
        work(&request::Request {
            method: self.method.text().map_err(|error| or_not_utf8(error, Error::RequestMethod))?,
            url: self.url()?,
            authorization: &authorization,
            dpop: &dpop,
            certificate: certificate_of(self.certificate_form, self.certificate)?,
        })
    }
}

/// What is no UTF-8 is neither a method nor a URL.
pub(crate) const fn or_not_utf8(error: Error, fault: Error) -> Error {
    if matches!(error, Error::TextNotUtf8) { fault } else { error }
}

fn headers(list: List<'_>) -> Result<Headers<'_>, Error> {
    list.read()?.iter().take(2).map(|value| value.read()).collect()
}

/// A certificate in one of the forms, or none.
pub(crate) fn certificate_of(form: u32, certificate: Bytes<'_>) -> Result<Option<ClientCertificate<'_>>, Error> {
    let form = match form {
        COUNTERFOIL_CERTIFICATE_NONE => return Ok(None),
        COUNTERFOIL_CERTIFICATE_DER => ClientCertificate::Der,
        COUNTERFOIL_CERTIFICATE_PEM => ClientCertificate::Pem,
        COUNTERFOIL_CERTIFICATE_ESCAPED_PEM => ClientCertificate::EscapedPem,
        COUNTERFOIL_CERTIFICATE_FIELD => ClientCertificate::ClientCert,
        _ => return Err(Error::LimitOutOfRange),
    };
    certificate.read().map(|certificate| Some(form(certificate)))
}

/// The one credential of a request, as the client holds it. Refers to the request's memory.
pub struct Credential<'a>(Filled<request::Credential<'a>>);

// As include/counterfoil.h declares it.
const _: () = assert!(size_of::<Credential<'_>>() <= 4 * 8 && align_of::<Credential<'_>>() <= 8);

/// Finds the one credential of a request: the first of two steps for hosts that look something up by it.
///
/// Returns `COUNTERFOIL_ERROR_CREDENTIAL_MISSING` and its family; `counterfoil_request_answer` says what to send then.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_request_credential<'a>(
    request: Option<&Request<'a>>,
    credential_out: Option<&mut MaybeUninit<Credential<'a>>>,
) -> Code {
    guard(|| {
        let (request, out) = (given(request)?, given(credential_out)?);
        let credential = request::Credential::find(request.url()?, &headers(request.authorization)?)?;
        out.write(Credential(Filled::new(credential)));
        Ok(())
    })
}

/// How a credential is presented, one of `COUNTERFOIL_SCHEME_…`: `COUNTERFOIL_SCHEME_NONE` for NULL or one that was zeroed.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_credential_scheme(credential: Option<&Credential<'_>>) -> u32 {
    match credential.and_then(|credential| credential.0.get().ok()).map(request::Credential::scheme) {
        None => COUNTERFOIL_SCHEME_NONE,
        Some(Scheme::Bearer) => COUNTERFOIL_SCHEME_BEARER,
        Some(Scheme::Dpop) => COUNTERFOIL_SCHEME_DPOP,
    }
}

/// The text that the client presents, to look it up by: a secret that belongs into no log.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_credential_text<'a>(
    credential: Option<&Credential<'a>>,
    text_out: Option<&mut MaybeUninit<Bytes<'a>>>,
) -> Code {
    guard(|| {
        let out = given(text_out)?;
        out.write(Bytes::of(given(credential)?.0.get()?.token()));
        Ok(())
    })
}

/// What was looked up by a credential.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Lookup<'a> {
    /// One of `COUNTERFOIL_FORM_…`.
    form: u32,
    /// What was found; not read for `COUNTERFOIL_FORM_WHOLE`.
    found: Bytes<'a>,
}

impl<'a> Lookup<'a> {
    fn form(&self) -> Result<TokenForm<'a>, Error> {
        match self.form {
            COUNTERFOIL_FORM_WHOLE => Ok(TokenForm::Whole),
            COUNTERFOIL_FORM_PHANTOM => self.found.read().map(TokenForm::Phantom),
            COUNTERFOIL_FORM_INTROSPECTED => self.found.read().map(TokenForm::Introspected),
            COUNTERFOIL_FORM_SPLIT => Counterfoil::parse(self.found.read()?).map(TokenForm::Split),
            _ => Err(Error::LimitOutOfRange),
        }
    }
}

/// Judges a request: the second step. `lookup` NULL: the credential is the token itself.
///
/// For Bearer the token, bound to the certificate; for DPoP the token and the one proof, which is judged for the text that the
/// client presents, and remembered last, when all else is good. `scratch` of 32 KiB always suffices for tokens and proofs within the
/// default limits, and for a certificate in a header of up to 16 KiB. `token_out` refers to `scratch`.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_request_judge<'s>(
    server: Option<&Server<'_>>,
    request: Option<&Request<'_>>,
    credential: Option<&Credential<'_>>,
    lookup: Option<&Lookup<'_>>,
    scratch: Buffer<'s>,
    token_out: Option<&mut MaybeUninit<Token<'s>>>,
) -> Code {
    guard(|| {
        let (server, request, out) = (given(server)?, given(request)?, given(token_out)?);
        let credential = given(credential)?.0.get()?;
        let form = lookup.map_or(Ok(TokenForm::Whole), Lookup::form)?;
        let scratch = scratch.open()?;
        let mut stores = server.stores()?;
        let issuer = server.issuer_of(form, credential.token(), scratch)?;
        let token = server.with(issuer, |rules| {
            request.with(|own| {
                let judged = rules.accept_as(form, credential, own, UnixTime(request.now), &mut stores, scratch);
                judged.map_err(|refusal| refusal.error())
            })
        })?;
        out.write(Token(Filled::new(token)));
        Ok(())
    })
}

/// What to answer to a request that was refused.
#[repr(C)]
pub struct Answer<'b> {
    /// The status.
    status: u16,
    /// The value of `WWW-Authenticate`; `data` NULL where none is sent.
    www_authenticate: Bytes<'b>,
    /// The value of `DPoP-Nonce`; `data` NULL where none is sent.
    dpop_nonce: Bytes<'b>,
    /// A JSON body; `data` NULL where none is sent.
    body: Bytes<'b>,
}

/// Writes what to answer to a request that was refused with `code`, or that the host refuses itself, as with
/// `COUNTERFOIL_ERROR_LOOKUP_UNAVAILABLE` (503) or `COUNTERFOIL_ERROR_TICKET_UNKNOWN` (401). `credential` is the request's, NULL or
/// zeroed where it has none. `buffer` of 1024 octets suffices unless realm, scopes and `acr` values are long.
///
/// The answer tells the client no more than RFC 6750 and RFC 9449 say; which check failed is in `code`, for the log.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_request_answer<'b>(
    server: Option<&Server<'_>>,
    code: Code,
    credential: Option<&Credential<'_>>,
    now: u64,
    buffer: Buffer<'b>,
    answer_out: Option<&mut MaybeUninit<Answer<'b>>>,
) -> Code {
    guard(|| {
        let (server, out) = (given(server)?, given(answer_out)?);
        let scheme = credential.and_then(|credential| credential.0.get().ok()).map(request::Credential::scheme);
        let refusal = Refusal::new(error_of(code).ok_or(Error::LimitOutOfRange)?, scheme);
        let buffer = buffer.open()?;
        out.write(server.with(0, |rules| Answer::new(rules, &refusal, UnixTime(now), buffer))?);
        Ok(())
    })
}

/// Writes the value of `DPoP-Nonce`, 43 octets, to be sent with every answer where nonces are demanded (RFC 9449 section 8.2).
///
/// Returns `COUNTERFOIL_ERROR_UNFILLED` where the server demands none.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_request_nonce<'b>(
    server: Option<&Server<'_>>,
    now: u64,
    buffer: Buffer<'b>,
    nonce_out: Option<&mut MaybeUninit<Bytes<'b>>>,
) -> Code {
    guard(|| {
        let (server, out) = (given(server)?, given(nonce_out)?);
        let nonce = server.proofs().nonce_at(UnixTime(now))?.ok_or(Error::Unfilled)?;
        out.write(written(nonce.as_str().as_bytes(), buffer)?);
        Ok(())
    })
}

impl<'b> Answer<'b> {
    fn new(rules: &ResourceServer<'_>, refusal: &Refusal, now: UnixTime, buffer: &'b mut [u8]) -> Result<Self, Error> {
        let (nonce, http) = (rules.dpop_nonce(now), refusal.http());
        let nonce = nonce.as_ref().map(Nonce::as_str);
        Self::written((http.status, http.error), nonce, buffer, |rest| rules.www_authenticate(refusal, rest))
    }

    /// Nonce and body at the start of `buffer`, and the challenge in what is left of it or elsewhere.
    pub(crate) fn written(
        (status, error): (u16, Option<&str>),
        nonce: Option<&str>,
        buffer: &'b mut [u8],
        challenge: impl FnOnce(&'b mut [u8]) -> Result<Option<&'b str>, Error>,
    ) -> Result<Self, Error> {
        let mut rest = Rest(buffer);
        let dpop_nonce = nonce.map_or(Ok(Bytes::NULL), |nonce| rest.push(&[nonce]))?;
        let body = match error.or(of_server(status)) {
            Some(error) => rest.push(&["{\"error\":\"", error, "\"}"])?,
            None => Bytes::NULL,
        };
        let www_authenticate = challenge(rest.0)?.map_or(Bytes::NULL, |text| Bytes::of(text.as_bytes()));
        Ok(Self { status, www_authenticate, dpop_nonce, body })
    }
}

/// The words of RFC 6749 section 4.1.2.1 for what is not the client's fault.
const fn of_server(status: u16) -> Option<&'static str> {
    match status {
        503 => Some("temporarily_unavailable"),
        500 => Some("server_error"),
        _ => None,
    }
}

/// What is left of a buffer.
struct Rest<'b>(&'b mut [u8]);

impl<'b> Rest<'b> {
    fn push(&mut self, parts: &[&str]) -> Result<Bytes<'b>, Error> {
        let size = parts.iter().map(|part| part.len()).sum();
        let (own, rest) = core::mem::take(&mut self.0).split_at_mut_checked(size).ok_or(Error::BufferTooSmall)?;
        own.iter_mut().zip(parts.iter().flat_map(|part| part.bytes())).for_each(|(to, from)| *to = from);
        self.0 = rest;
        Ok(Bytes::of(own))
    }
}
