//! The API. Behind nginx it takes what comes; alone, it has each request judged by the engine first.

use core::convert::Infallible;
use std::sync::Arc;

use counterfoil::Error;
use counterfoil::oauth::certificate::ClientCertificate;
use counterfoil::oauth::request::{Credential, Request, TokenForm};
use counterfoil::oauth::split_token::{Counterfoil, KeyEncoding, Ticket};
use counterfoil::wire::value::Str;
use counterfoil_gateway::{Gateway, Issuer, KeySource, Scratch};
use counterfoil_server::clock::{Clock as _, SystemClock};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use hyper::service::service_fn;
use hyper::{HeaderMap, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::ground::{Ground, resource};
use crate::party::{Kind, authority};
use crate::report::short;
use crate::wire::{Call, Fault, text_of};

pub(crate) type Response = hyper::Response<Full<Bytes>>;

/// The API in plain HTTP, for nginx alone.
pub(crate) async fn serve_behind(listener: TcpListener) {
    loop {
        let Ok((socket, _)) = listener.accept().await else { continue };
        tokio::spawn(connection(socket, |request| async move { forwarded(request.headers()) }));
    }
}

/// Answers the requests of one connection.
pub(crate) async fn connection<T, A, F>(stream: T, answer: A)
where
    T: AsyncRead + AsyncWrite + Unpin,
    A: Fn(hyper::Request<Incoming>) -> F,
    F: Future<Output = Response>,
{
    let service = service_fn(|request| {
        let answer = answer(request);
        async { Ok::<_, Infallible>(answer.await) }
    });
    // Who goes away in the middle of it has no more interest in it.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// What nginx forwards: the module's claim headers, and the whole JWT whatever the client holds of it.
fn forwarded(headers: &HeaderMap) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("nothing").to_owned();
    let token = match text("authorization").split_once(' ') {
        Some((scheme, token)) => format!("{scheme} {} ({} characters)", short(token), token.len()),
        None => "nothing".to_owned(),
    };
    let seen = [("X-Client", text("x-client")), ("X-Subject", short(&text("x-subject"))), ("X-Scope", text("x-scope"))];
    accounts(&seen, &format!("Authorization: {token}"))
}

/// What the API has to say, and what it was told of the caller.
fn accounts(claims: &[(&str, String)], token: &str) -> Response {
    let seen: Vec<String> = claims.iter().map(|(name, value)| format!("{name}: {value}")).chain([token.to_owned()]).collect();
    let body = json!({ "accounts": [{ "name": "Current account", "balance": "1024.00", "currency": "EUR" }], "seen": seen.join(", ") });
    let mut response = Response::new(Full::from(format!("{body}\n")));
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The API by itself: over TLS, with a gateway of the engine for each kind of token.
pub(crate) struct Guarded {
    ground: Arc<Ground>,
    gateways: Vec<(Kind, Gateway)>,
}

impl Guarded {
    pub(crate) async fn new(ground: Arc<Ground>) -> Result<Arc<Self>, Fault> {
        let issuer = text_of(&ground.metadata, "issuer")?;
        let keys = ground.gateway.send(&Call::get(text_of(&ground.metadata, "jwks_uri")?)).await?;
        keys.expect(200)?;
        let gateway = |kind: Kind| {
            let keys = KeySource::Text(keys.body.clone().into_bytes());
            let issuer = Issuer::new(issuer, resource(ground.ports, kind), keys)?.demanding_scopes(["accounts"])?;
            Ok::<_, Fault>((kind, Gateway::builder().issuer(issuer).build()?))
        };
        let gateways = Kind::ALL.into_iter().map(gateway).collect::<Result<_, _>>()?;
        Ok(Arc::new(Self { ground, gateways }))
    }

    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor, Fault> {
        let folder = self.ground.folder();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(authority(folder))?)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        // A certificate may come: which one it must be, the token says.
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).allow_unauthenticated().build()?;
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?.with_client_cert_verifier(clients);
        let chain = vec![CertificateDer::from_pem_file(folder.join("tls/server.pem"))?];
        let config = config.with_single_cert(chain, PrivateKeyDer::from_pem_file(folder.join("tls/server.key"))?)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener, acceptor: TlsAcceptor) {
        loop {
            let Ok((socket, _)) = listener.accept().await else { continue };
            let (guarded, acceptor) = (self.clone(), acceptor.clone());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(socket).await else { return };
                let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first).map(|leaf| leaf.as_ref().to_vec());
                let (guarded, certificate) = (&guarded, certificate.as_deref());
                connection(stream, |request| async move { guarded.answer(&request, certificate).await }).await;
            });
        }
    }

    async fn answer(&self, request: &hyper::Request<Incoming>, certificate: Option<&[u8]>) -> Response {
        let path = request.uri().path();
        let Some((kind, gateway)) = self.gateways.iter().find(|(kind, _)| path.split('/').nth(1) == Some(kind.path())) else {
            return refusal(404, None, "not_found");
        };
        let fields = |name: HeaderName| request.headers().get_all(name).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>();
        let (authorization, dpop) = (fields(AUTHORIZATION), fields(HeaderName::from_static("dpop")));
        let url = format!("https://localhost:{}{}", self.ground.ports.api, request.uri());
        let judged = Request {
            method: request.method().as_str(),
            url: &url,
            authorization: &authorization,
            dpop: &dpop,
            certificate: certificate.map(ClientCertificate::Der),
        };
        let found = match Credential::find(&url, &authorization) {
            Ok(credential) => self.look_up(*kind, credential.token()).await,
            // The engine says so too.
            Err(_) => Ok(Vec::new()),
        };
        judge(*kind, gateway, &judged, found)
    }

    /// What stands for a credential, or behind it, at the server.
    async fn look_up(&self, kind: Kind, token: &[u8]) -> Result<Vec<u8>, Error> {
        let unavailable = |_: Fault| Error::LookupUnavailable;
        let mtls = format!("https://mtls.localhost:{}", self.ground.ports.server);
        let token = core::str::from_utf8(token).map_err(|_| Error::TokenInactive)?;
        let (call, unknown) = match kind {
            Kind::Jwt => return Ok(Vec::new()),
            Kind::Phantom => {
                let form = [("token", token), ("client_id", "gateway")];
                (Call::post(format!("{mtls}/introspect"), &form).with("accept", "application/jwt"), Error::TokenInactive)
            }
            Kind::Split => {
                let mut key = [0; 64];
                let key = Ticket::parse(token.as_bytes())?.key().encode(KeyEncoding::Base64url, &mut key)?.to_vec();
                let key = String::from_utf8_lossy(&key).into_owned();
                (Call::get(format!("{mtls}/split-tokens/{key}?client_id=gateway")), Error::TicketUnknown)
            }
        };
        let answer = self.ground.gateway.send(&call).await.map_err(unavailable)?;
        match answer.status {
            200 => Ok(answer.body.into_bytes()),
            204 | 404 => Err(unknown),
            _ => Err(Error::LookupUnavailable),
        }
    }
}

/// The engine's decision about one request, as an answer.
fn judge(kind: Kind, gateway: &Gateway, request: &Request<'_>, found: Result<Vec<u8>, Error>) -> Response {
    let (now, mut scratch) = (SystemClock.now(), Scratch::new());
    let route = gateway.route();
    let accepted = match found.as_deref().map_err(|error| *error).and_then(|found| form_of(kind, found)) {
        Ok(form) => route.accept_request_as(form, request, now, &mut scratch),
        Err(error) => Err(route.refuse(error, request, now, &mut scratch)),
    };
    match accepted {
        Ok(token) => {
            let text = |claim: Option<Str<'_>>| claim.map_or_else(String::new, |claim| claim.to_string());
            let claims = [("client_id", text(token.client_id())), ("sub", short(&text(token.subject()))), ("scope", text(token.scope()))];
            accounts(&claims, "judged by the engine in the API")
        }
        Err(refused) => refusal(refused.status(), refused.www_authenticate(), refused.error().slug()),
    }
}

fn form_of(kind: Kind, found: &[u8]) -> Result<TokenForm<'_>, Error> {
    match kind {
        Kind::Jwt => Ok(TokenForm::Whole),
        Kind::Phantom => Ok(TokenForm::Phantom(found)),
        Kind::Split => Counterfoil::parse(found).map(TokenForm::Split),
    }
}

fn refusal(status: u16, challenge: Option<&str>, code: &str) -> Response {
    let mut response = Response::new(Full::from(json!({ "code": code }).to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut set = |name: HeaderName, value: &str| HeaderValue::from_str(value).map(|value| response.headers_mut().insert(name, value));
    let _ = set(HeaderName::from_static("x-code"), code);
    if let Some(challenge) = challenge {
        let _ = set(WWW_AUTHENTICATE, challenge);
    }
    response
}
