//! The engine with memory (`gateway/`) in C: keys that it fetches and watches, lookups that it makes, one decision for one request.

use core::mem::MaybeUninit;
use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;

use counterfoil::oauth::split_token::CounterfoilKey;
use counterfoil::{Error, Seconds, UnixTime};
use counterfoil_gateway::https::Transport;
use counterfoil_gateway::{
    Builder, ClientAuthentication, ConfigError, Gateway as Engine, HttpsCounterfoils, Introspection, IntrospectionFormat, Issuer,
    KeySource, RemoteKeys, Scratch,
};

use crate::boundary::{Bytes, Code, Filled, GatewayIssuers, given, guard};
use crate::proof::ProofRules;
use crate::request::{Answer, Request};
use crate::server::Server;
use crate::split::encoding_of;
use crate::token::{Thumbprint, Token};

/// The host gives the keys, by `counterfoil_gateway_replace_keys`; until then the issuer's tokens are refused with 503.
pub const COUNTERFOIL_KEYS_HOST: u32 = 0;
/// `keys` is a JWK Set.
pub const COUNTERFOIL_KEYS_TEXT: u32 = 1;
/// `keys` is the path of a file with a JWK Set, which is read again when it changes.
pub const COUNTERFOIL_KEYS_FILE: u32 = 2;
/// `keys` is an https URL, which is asked in the background: as its `max-age` says, and when a token names an unknown key.
pub const COUNTERFOIL_KEYS_URL: u32 = 3;

/// `application/json` (RFC 7662).
pub const COUNTERFOIL_INTROSPECTION_JSON: u32 = 0;
/// `application/token-introspection+jwt` (RFC 9701), signed for the client that asks.
pub const COUNTERFOIL_INTROSPECTION_SIGNED: u32 = 1;
/// `application/jwt`: the access token that a reference stands for.
pub const COUNTERFOIL_INTROSPECTION_JWT: u32 = 2;

/// How a gateway reaches an https server; `data` NULL where something is not wanted.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Endpoint<'a> {
    /// The URL.
    url: Bytes<'a>,
    /// The certificates, in PEM, of the only authorities that are trusted; NULL: the system's.
    authorities: Bytes<'a>,
    /// The gateway's own certificate, in PEM.
    certificate: Bytes<'a>,
    /// Its private key, in PEM.
    private_key: Bytes<'a>,
}

/// An issuer that a gateway trusts.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatewayIssuer<'a> {
    /// What is accepted of it. Of the server's issuers the first gives the name, and its keys are not read; neither are proofs, realm and
    /// tables.
    policy: Option<&'a Server<'a>>,
    /// One of `COUNTERFOIL_KEYS_…`.
    key_source: u32,
    /// The set or the path.
    keys: Bytes<'a>,
    /// The URL.
    endpoint: Endpoint<'a>,
}

/// What a gateway is made of: copied, so that nothing of it need stay. Fill it with `counterfoil_gateway_settings_init`.
#[repr(C)]
pub struct GatewaySettings<'a> {
    /// The issuers that are trusted: at least one.
    issuers: GatewayIssuers<'a>,
    /// Named in every challenge; `data` NULL by default: none.
    realm: Bytes<'a>,
    /// What DPoP proofs must be; their greatest size is 4096.
    proofs: ProofRules<'a>,
    /// How many used proofs are remembered; 262144 by default.
    proof_count: usize,
    /// How many good tokens are remembered; 1024 by default.
    token_count: usize,
    /// For how many keys of proofs there are tables; 256 by default.
    proof_key_count: usize,
    /// How many milliseconds a request waits for a key that it lacks; 0 by default.
    patience: u64,
    /// Where the first issuer is asked what a reference stands for (phantom tokens); `url.data` NULL by default: nowhere.
    introspection: Endpoint<'a>,
    /// One of `COUNTERFOIL_INTROSPECTION_…`.
    introspection_format: u32,
    /// The client identifier by which the gateway asks.
    client_id: Bytes<'a>,
    /// Its secret; `data` NULL: it proves itself by its certificate.
    client_secret: Bytes<'a>,
    /// Where counterfoils are looked up, below this URL; `url.data` NULL by default: nowhere.
    counterfoils: Endpoint<'a>,
    /// How their keys are spelled, one of `COUNTERFOIL_ENCODING_…`.
    counterfoil_encoding: u32,
    /// The bearer token by which the gateway asks; `data` NULL by default: none.
    counterfoil_bearer: Bytes<'a>,
    /// Seconds for which a counterfoil that was found is not looked up again; 0 by default.
    counterfoil_fresh: u64,
}

/// Fills settings with the defaults; issuers are still missing.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_gateway_settings_init(settings_out: Option<&mut MaybeUninit<GatewaySettings<'_>>>) -> Code {
    const NOWHERE: Endpoint<'static> =
        Endpoint { url: Bytes::NULL, authorities: Bytes::NULL, certificate: Bytes::NULL, private_key: Bytes::NULL };
    guard(|| {
        given(settings_out)?.write(GatewaySettings {
            issuers: GatewayIssuers::EMPTY,
            realm: Bytes::NULL,
            proofs: ProofRules::DEFAULT,
            proof_count: 256 * 1024,
            token_count: 1024,
            proof_key_count: 256,
            patience: 0,
            introspection: NOWHERE,
            introspection_format: COUNTERFOIL_INTROSPECTION_JSON,
            client_id: Bytes::NULL,
            client_secret: Bytes::NULL,
            counterfoils: NOWHERE,
            counterfoil_encoding: crate::split::COUNTERFOIL_ENCODING_BASE64URL,
            counterfoil_bearer: Bytes::NULL,
            counterfoil_fresh: 0,
        });
        Ok(())
    })
}

/// A gateway. Every function may be called by any number of threads at once.
pub struct Gateway(Engine);

/// Where one request at a time is judged, about 96 KiB: one for each thread, to be used again and again.
pub struct Room {
    scratch: Scratch,
    answer: [u8; 512],
}

/// Makes a gateway. A key set in a text or a file is loaded before this returns; URLs are asked in the background.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_gateway_new(
    settings: Option<&GatewaySettings<'_>>,
    gateway_out: Option<&mut MaybeUninit<Option<Box<Gateway>>>>,
) -> Code {
    guard(|| {
        let (settings, out) = (given(settings)?, given(gateway_out)?);
        out.write(Some(Box::new(Gateway(settings.builder()?.build().map_err(code_of)?))));
        Ok(())
    })
}

/// Makes a gateway from a JSON text with the members of `Settings` in counterfoil-gateway's documentation, which know more than
/// `counterfoil_gateway_settings`: several audiences, other profiles, and Valkey or Redis for used proofs and counterfoils.
///
/// Returns `COUNTERFOIL_ERROR_SETTINGS_MALFORMED` for a member that is missing, unknown, of another type, or contradicts another.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_gateway_from_json(settings: Bytes<'_>, gateway_out: Option<&mut MaybeUninit<Option<Box<Gateway>>>>) -> Code {
    guard(|| {
        let (settings, out) = (settings.text()?, given(gateway_out)?);
        out.write(Some(Box::new(Gateway(Engine::from_json(settings).map_err(code_of)?))));
        Ok(())
    })
}

/// Frees a gateway, which nothing may use any more. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_gateway_free(gateway: Option<Box<Gateway>>) {
    guard(|| {
        drop(gateway);
        Ok(())
    });
}

/// Makes a room.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_room_new(room_out: Option<&mut MaybeUninit<Option<Box<Room>>>>) -> Code {
    guard(|| {
        given(room_out)?.write(Some(Box::new(Room { scratch: Scratch::new(), answer: [0; 512] })));
        Ok(())
    })
}

/// Frees a room, to which no token may refer any more. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_room_free(room: Option<Box<Room>>) {
    guard(|| {
        drop(room);
        Ok(())
    });
}

/// Judges one request. Where split or phantom tokens are configured, this may wait for a lookup.
///
/// Writes `token_out` when the request is accepted and `answer_out` when it is refused; both refer to `room`. A code below 100 says that
/// the call was wrong, and nothing is written.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_gateway_judge<'s>(
    gateway: Option<&Gateway>,
    request: Option<&Request<'_>>,
    room: Option<&'s mut Room>,
    token_out: Option<&mut MaybeUninit<Token<'s>>>,
    answer_out: Option<&mut MaybeUninit<Answer<'s>>>,
) -> Code {
    guard(|| {
        let (gateway, request, Room { scratch, answer }) = (given(gateway)?, given(request)?, given(room)?);
        let (token_out, answer_out) = (given(token_out)?, given(answer_out)?);
        let refused = request.with(|own| {
            Ok(match gateway.0.accept_request(own, UnixTime(request.now()), scratch) {
                Ok(token) => {
                    token_out.write(Token(Filled::new(token)));
                    None
                }
                Err(refused) => Some(refused),
            })
        })?;
        let Some(refused) = refused else { return Ok(()) };
        let nonce = refused.dpop_nonce();
        let nonce = nonce.as_ref().map(|nonce| nonce.as_str());
        let http = (refused.status(), refused.oauth_error());
        answer_out.write(Answer::written(http, nonce, answer, |_| Ok(refused.www_authenticate()))?);
        Err(refused.error())
    })
}

/// Writes the value of `DPoP-Nonce`, to be sent with every answer where nonces are demanded, to `room`.
///
/// Returns `COUNTERFOIL_ERROR_UNFILLED` where the gateway demands none.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_gateway_nonce<'s>(
    gateway: Option<&Gateway>,
    now: u64,
    room: Option<&'s mut Room>,
    nonce_out: Option<&mut MaybeUninit<Bytes<'s>>>,
) -> Code {
    guard(|| {
        let (out, room) = (given(nonce_out)?, given(room)?);
        let nonce = given(gateway)?.0.dpop_nonce(UnixTime(now)).ok_or(Error::Unfilled)?;
        let place = room.answer.get_mut(..nonce.as_str().len()).ok_or(Error::BufferTooSmall)?;
        place.copy_from_slice(nonce.as_str().as_bytes());
        out.write(Bytes::of(place));
        Ok(())
    })
}

/// Puts another key set in the place of an issuer's current one, for all threads at once; after an error the current one stays.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_gateway_replace_keys(gateway: Option<&Gateway>, issuer: Bytes<'_>, jwks: Bytes<'_>) -> Code {
    guard(|| given(gateway)?.0.replace_keys(issuer.text()?, jwks.read()?))
}

/// Waits until every issuer has keys, at most so many milliseconds, or returns `COUNTERFOIL_ERROR_LOOKUP_UNAVAILABLE`.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_gateway_wait(gateway: Option<&Gateway>, milliseconds: u64) -> Code {
    guard(|| {
        let has_keys = given(gateway)?.0.wait_for_keys(Duration::from_millis(milliseconds));
        if has_keys { Ok(()) } else { Err(Error::LookupUnavailable) }
    })
}

/// Refuses the split or phantom token that has this SHA-256 from now on, in this process, until `until`.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_gateway_revoke(gateway: Option<&Gateway>, hash: Option<&Thumbprint>, until: u64) -> Code {
    guard(|| {
        let key = CounterfoilKey::parse(&given(hash)?.octets, encoding_of(crate::split::COUNTERFOIL_ENCODING_RAW)?)?;
        given(gateway)?.0.revoke(&key, UnixTime(until));
        Ok(())
    })
}

/// How many requests had this code since the gateway was made; 0 for those that were accepted.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_gateway_count(gateway: Option<&Gateway>, code: Code, count_out: Option<&mut MaybeUninit<u64>>) -> Code {
    guard(|| {
        let (gateway, out) = (given(gateway)?, given(count_out)?);
        let of_code = || gateway.0.refused().find(|(error, _)| error.code() == code).map_or(0, |(_, count)| count);
        out.write(if code == 0 { gateway.0.accepted() } else { of_code() });
        Ok(())
    })
}

/// What the error is about is for people; C has the code.
fn code_of(error: ConfigError) -> Error {
    error.error()
}

impl GatewaySettings<'_> {
    fn builder(&self) -> Result<Builder, Error> {
        let milliseconds = Duration::from_millis(self.patience);
        let mut builder = Engine::builder().patience(milliseconds);
        for issuer in self.issuers.read()? {
            builder = builder.issuer(issuer.policy()?);
        }
        if let Some(realm) = self.realm.optional_text()? {
            builder = builder.realm(realm);
        }
        let (algorithms, past, ahead, nonce) = self.proofs.parts()?;
        builder = builder.proof_algorithms(algorithms).proof_window(past, ahead);
        if let Some(key) = nonce {
            builder = builder.nonce_key(key.clone());
        }
        builder = builder.replay_capacity(self.proof_count).token_cache(self.token_count).key_tables(self.proof_key_count);
        if self.introspection.url.optional()?.is_some() {
            builder = builder.introspection(self.introspecting_issuer()?, self.introspection()?);
        }
        if let Some(base) = self.counterfoils.url.optional_text()? {
            let store = HttpsCounterfoils::new(base, &self.counterfoils.transport()?).map_err(code_of)?;
            let store = store.with_encoding(encoding_of(self.counterfoil_encoding)?);
            let store = match self.counterfoil_bearer.optional_text()? {
                Some(token) => store.with_bearer(token),
                None => store,
            };
            builder = builder.counterfoils(Arc::new(store), Seconds(self.counterfoil_fresh));
        }
        Ok(builder)
    }

    fn introspecting_issuer(&self) -> Result<&str, Error> {
        let first = self.issuers.read()?.first().ok_or(Error::IssuerUnset)?;
        given(first.policy)?.first_issuer()
    }

    fn introspection(&self) -> Result<Introspection, Error> {
        let client_id = self.client_id.text()?.to_owned();
        let format = match self.introspection_format {
            COUNTERFOIL_INTROSPECTION_JSON => IntrospectionFormat::Json,
            COUNTERFOIL_INTROSPECTION_SIGNED => IntrospectionFormat::SignedJson { audience: client_id.clone() },
            COUNTERFOIL_INTROSPECTION_JWT => IntrospectionFormat::Jwt,
            _ => return Err(Error::LimitOutOfRange),
        };
        let client = match self.client_secret.optional_text()? {
            Some(secret) => ClientAuthentication::Basic { client_id, secret: secret.to_owned() },
            None => ClientAuthentication::Certificate { client_id },
        };
        Introspection::new(self.introspection.url.text()?, format, &client, &self.introspection.transport()?).map_err(code_of)
    }
}

impl GatewayIssuer<'_> {
    fn policy(&self) -> Result<Issuer, Error> {
        let source = match self.key_source {
            COUNTERFOIL_KEYS_HOST => KeySource::Host,
            COUNTERFOIL_KEYS_TEXT => KeySource::Text(self.keys.read()?.to_vec()),
            COUNTERFOIL_KEYS_FILE => KeySource::File(PathBuf::from(self.keys.text()?)),
            COUNTERFOIL_KEYS_URL => {
                KeySource::Url(RemoteKeys::new(self.endpoint.url.text()?, &self.endpoint.transport()?).map_err(code_of)?)
            }
            _ => return Err(Error::LimitOutOfRange),
        };
        given(self.policy)?.owned_policy(source)
    }
}

impl Endpoint<'_> {
    fn transport(&self) -> Result<Transport, Error> {
        let mut transport = Transport::new();
        if let Some(pem) = self.authorities.optional()? {
            transport = transport.with_authorities(pem).map_err(code_of)?;
        }
        if let Some(certificate) = self.certificate.optional()? {
            transport = transport.with_identity(certificate, self.private_key.read()?).map_err(code_of)?;
        }
        Ok(transport)
    }
}
