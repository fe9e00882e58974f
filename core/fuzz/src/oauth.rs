//! Access tokens, proofs, authorization responses, split tokens and certificates.

use counterfoil::crypto::FAPI;
use counterfoil::error::Family;
use counterfoil::jose::policy::Limits;
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::access_token::AccessToken;
use counterfoil::oauth::cache::{CacheSlot, TokenCache};
use counterfoil::oauth::certificate::ClientCertificate;
use counterfoil::oauth::confirmation::{Binding, Confirmation, Presenter};
use counterfoil::oauth::dpop::{Proof, ProofRules, ProofTarget};
use counterfoil::oauth::issuer::claimed_issuer;
use counterfoil::oauth::jarm::{AuthorizationResponse, ResponseRules, SentState};
use counterfoil::oauth::nonce::NonceKey;
use counterfoil::oauth::replay::{ProofId, ReplayEntry, ReplayStore, ReplayTable};
use counterfoil::oauth::request::TokenForm;
use counterfoil::oauth::split_token::{self, Counterfoil, CounterfoilKey, KeyEncoding, Ticket};
use counterfoil::oauth::verifier::Verifier;
use counterfoil::wire::siphash::HashKey;
use counterfoil::{Error, Seconds, UnixTime};

use super::mint::{self, AUDIENCE, AnySignature, CERTIFICATE, CLIENT, ISSUER, NOW};
use super::node::Node;
use super::url;

const LEEWAY: u64 = 10;

/// A token, and on a second line the time if it is another than [`NOW`].
///
/// An accepted token is one that `serde_json` finds good too, is accepted by the cache anew and from memory, from its halves, until
/// its last second, from its holder and from nobody else.
pub fn access_token(data: &[u8]) {
    let (token, now) = split_at_line(data);
    let now = UnixTime(number(now).unwrap_or(NOW));
    let token = &*mint::compact(token, mint::issuer());
    let verifier = verifier();
    let proof = proof_for(token);
    let presenters = [Presenter::Bearer, Presenter::Certificate(certificate_thumbprint()), Presenter::Dpop(&proof)];
    let mut slots = vec![CacheSlot::<4096>::empty(); 1];
    let mut cache = TokenCache::new(&mut slots, HashKey::new([3; 16])).expect("a cache");
    let mut accepted = Vec::new();
    for presenter in presenters {
        let mut memory = scratch();
        let verdict = verifier.accept(token, presenter, now, &mut memory);
        for _ in 0..2 {
            let mut memory = scratch();
            let cached = cache.accept(&verifier, token, presenter, now, &mut memory);
            assert_eq!(cached.map(|token| token.payload().to_owned()), verdict.map(|token| token.payload().to_owned()));
        }
        if let (Ok((counterfoil, ticket)), false) = (split_token::split(token), matches!(presenter, Presenter::Dpop(_))) {
            let mut memory = scratch();
            let from_halves = verifier.accept_split(counterfoil, ticket, presenter, now, &mut memory);
            assert_eq!(from_halves.map(|token| token.payload()), verdict.map(|token| token.payload()));
        }
        assert_same_when_looked_up(&verifier, token, presenter, now, verdict.map(|token| token.payload()));
        match verdict {
            Ok(judged) => {
                assert_access_token(&judged, token, now);
                assert_last_second(&verifier, token, presenter, &judged);
                assert_forgeries_are_refused(&verifier, token, presenter, now);
            }
            Err(error) => assert!(!matches!(error.family(), Family::Boundary | Family::Misuse), "{error} is not the token's fault"),
        }
        accepted.push(verdict.map(|token| token.confirmation()));
    }
    assert_holders(&accepted);
}

/// As what a reference stands for, with a memory and again from it; and its issuer is found before it is judged.
fn assert_same_when_looked_up(
    verifier: &Verifier<'_>,
    token: &[u8],
    presenter: Presenter<'_>,
    now: UnixTime,
    verdict: Result<&str, Error>,
) {
    let mut slots = vec![CacheSlot::<4096>::empty(); 1];
    let mut tokens = TokenCache::new(&mut slots, HashKey::new([3; 16])).expect("a cache");
    for _ in 0..2 {
        let mut memory = scratch();
        let again = verifier.accept_as(TokenForm::Whole, (token, presenter), now, Some(&mut tokens), &mut memory);
        assert_eq!(again.map(|token| token.payload().to_owned()), verdict.map(str::to_owned));
    }
    let claimed = claimed_issuer(TokenForm::Whole, token, [ISSUER], Limits::DEFAULT, &mut scratch());
    assert!(verdict.is_err() || claimed == Ok(0), "{claimed:?}");
}

fn assert_holders(accepted: &[Result<Option<Confirmation>, Error>]) {
    let [bearer, certificate, dpop] = accepted else { panic!("three presenters") };
    match accepted.iter().find_map(|verdict| verdict.ok()) {
        None => {}
        Some(None) => assert_eq!((bearer, certificate, dpop), (&Ok(None), &Ok(None), &Err(Error::ProofUnexpected))),
        Some(Some(Confirmation::Certificate(held))) => {
            assert_eq!(held, certificate_thumbprint());
            assert_eq!((bearer, dpop), (&Err(Error::CertificateMissing), &Err(Error::ProofUnexpected)));
        }
        Some(Some(Confirmation::Key(held))) => {
            assert_eq!(held, mint::client_thumbprint());
            assert_eq!((bearer, certificate), (&Err(Error::ProofRequired), &Err(Error::ProofRequired)));
        }
    }
}

/// What RFC 9068 asks for, found once more by `serde_json`.
pub(super) fn assert_access_token(judged: &AccessToken<'_>, token: &[u8], now: UnixTime) {
    let segments: Vec<_> = token.split(|byte| *byte == b'.').map(mint::from_base64url).collect();
    let [Some(header), Some(payload), Some(_)] = &segments[..] else { panic!("not three segments of base64url") };
    assert_eq!(judged.payload().as_bytes(), payload);
    {
        let header = Node::read(header).expect("JSON");
        assert!(header.text_of("alg").is_some_and(|alg| ["ES256", "PS256", "EdDSA", "Ed25519"].contains(&alg)));
        let typ = header.text_of("typ").expect("typ").to_ascii_lowercase();
        assert!(typ == "at+jwt" || typ == "application/at+jwt");
        assert!(["crit", "b64", "zip", "enc"].iter().all(|name| header.get(name).is_none()));
    }
    let claims = Node::read(payload).expect("JSON");
    assert!(claims.is_strict());
    assert_eq!(claims.text_of("iss"), Some(ISSUER));
    let audience = claims.get("aud").expect("aud");
    assert!(audience.text().into_iter().chain(audience.elements().iter().filter_map(Node::text)).any(|own| own == AUDIENCE));
    assert!(["sub", "client_id", "jti"].iter().all(|name| claims.text_of(name).is_some()));
    let date = |name: &str| claims.get(name).map(|value| value.number().expect("a number"));
    let now = now.0 as f64;
    assert!(date("exp").is_some_and(|exp| exp > now - LEEWAY as f64));
    assert!(date("iat").is_some_and(|iat| iat >= 0.0 && iat <= now + LEEWAY as f64));
    assert!(date("nbf").is_none_or(|nbf| nbf >= 0.0 && nbf <= now + LEEWAY as f64));
    assert_eq!(judged.claims().count(), claims.members().map_or(0, <[_]>::len));
    assert_eq!(judged.confirmation().is_some(), claims.get("cnf").is_some());
    let subject = judged.subject().map(|subject| subject.to_string());
    assert_eq!(subject.as_deref(), claims.text_of("sub"));
    let scope = claims.text_of("scope").unwrap_or_default();
    assert_eq!(judged.has_scope("accounts"), scope.split(' ').any(|word| word == "accounts"));
}

fn assert_last_second(verifier: &Verifier<'_>, token: &[u8], presenter: Presenter<'_>, judged: &AccessToken<'_>) {
    let end = judged.expires_at().expect("exp").ceil().plus(Seconds(LEEWAY));
    let at = |time| verifier.accept(token, presenter, time, &mut scratch()).map(|_| ());
    assert_eq!(at(end.minus(Seconds(1))), Ok(()));
    assert_eq!(at(end), Err(Error::TokenExpired));
}

/// One other bit in the signature, in the payload's last character, or one more character, is another token.
fn assert_forgeries_are_refused(verifier: &Verifier<'_>, token: &[u8], presenter: Presenter<'_>, now: UnixTime) {
    let dot = token.iter().rposition(|byte| *byte == b'.').expect("a dot");
    let other = |byte: u8| if byte == b'A' { b'Q' } else { b'A' };
    for at in [dot - 1, dot + 1] {
        let mut forged = token.to_vec();
        forged[at] = other(forged[at]);
        assert!(verifier.accept(&forged, presenter, now, &mut scratch()).is_err(), "forged at {at}");
    }
    for forged in [[token, b"A"].concat(), [token, b"="].concat(), [token, b"."].concat(), [b" ", token].concat()] {
        assert!(verifier.accept(&forged, presenter, now, &mut scratch()).is_err());
    }
}

/// Of unbound and bound tokens, by the algorithms of FAPI.
pub(super) fn verifier() -> Verifier<'static> {
    Verifier::new(ISSUER, AUDIENCE, FAPI, mint::keys().keys()).expect("a verifier").with_binding(Binding::Optional)
}

pub(super) fn scratch() -> Vec<u8> {
    vec![0; Limits::DEFAULT.scratch()]
}

pub(super) fn certificate_thumbprint() -> Thumbprint {
    ClientCertificate::Der(CERTIFICATE).thumbprint(&mut []).expect("a certificate")
}

/// A proof of the client's for this token, whatever the token is.
fn proof_for(token: &[u8]) -> Proof {
    let text = br#"{"typ":"dpop+jwt","alg":"any","jwk":$jwk}TAB{"jti":"1","htm":"GET","htu":"https://a.example/","iat":0,"ath":"$ath"}"#;
    let at = text.windows(3).position(|window| window == b"TAB").expect("a place");
    let text = [&text[..at], b"\t", &text[at + 3..]].concat();
    let mut memory = [ReplayEntry::EMPTY; 16];
    let mut store = ReplayTable::new(&mut memory, HashKey::new([5; 16])).expect("a store");
    let target = ProofTarget { method: "GET", url: "https://a.example/", token: Some(token) };
    let rules = ProofRules::new(&[&AnySignature]).expect("rules");
    rules.accept(&mint::proof(&text, token, ""), &target, UnixTime(0), &mut store, &mut scratch()).expect("a proof")
}

/// Method, URL, token (or nothing, at a token endpoint), proof, `N` if a nonce is demanded: a line each.
///
/// An accepted proof is one that `serde_json` finds good too, is accepted once, and for nothing but its request and time; a refused
/// one does not touch the store.
pub fn dpop(data: &[u8]) {
    let lines: Vec<&[u8]> = data.splitn(5, |byte| *byte == b'\n').collect();
    let [method, url, token, text, rest @ ..] = &lines[..] else { return };
    let (Ok(method), Ok(url)) = (str::from_utf8(method), str::from_utf8(url)) else { return };
    let token = (!token.is_empty()).then_some(*token);
    let (now, nonces) = (UnixTime(NOW), nonce_key());
    let proof = &*mint::proof(text, token.unwrap_or_default(), nonces.issue(now).as_str());
    let mut rules = ProofRules::new(FAPI).expect("rules");
    if rest.first().is_some_and(|rest| rest.starts_with(b"N")) {
        rules = rules.with_nonce(&nonces);
    }
    let target = ProofTarget { method, url, token };
    let mut store = CountingStore::default();
    let mut judge = |target: &ProofTarget<'_>, now: UnixTime| {
        let before = store.0.len();
        let verdict = rules.accept(proof, target, now, &mut store, &mut scratch());
        match verdict {
            Ok(_) => assert_eq!(store.0.len(), before + 1),
            Err(_) => assert_eq!(store.0.len(), before, "a refused proof is remembered"),
        }
        verdict
    };
    let accepted = match judge(&target, now) {
        Ok(accepted) => accepted,
        Err(error) => {
            assert!(error.family() == Family::Proof || matches!(error, Error::RequestUrl | Error::RequestMethod), "{error}");
            return;
        }
    };
    assert_eq!(judge(&target, now).err(), Some(Error::ProofReplayed));
    assert_eq!(
        judge(&ProofTarget { method: "OTHER", ..target }, now).err(),
        (method != "OTHER").then_some(Error::ProofMethod).or(Some(Error::ProofReplayed))
    );
    let elsewhere = ProofTarget { url: "https://elsewhere.example/x", ..target };
    assert!(matches!(judge(&elsewhere, now), Err(Error::ProofUrl | Error::ProofReplayed)));
    assert_eq!(judge(&ProofTarget { token: Some(b"another token"), ..target }, now).err(), Some(Error::ProofTokenHash));
    let (first, last) = (accepted.issued_at().ceil().minus(Seconds(10)), accepted.issued_at().floor().plus(Seconds(300)));
    assert!(first <= now && now <= last);
    assert_eq!(judge(&target, last.plus(Seconds(1))).err(), Some(Error::ProofIssuedAt));
    assert_eq!(judge(&target, first.minus(Seconds(1))).err(), (first.0 > 0).then_some(Error::ProofIssuedAt));
    assert_proof(&accepted, proof, &target);
}

/// What RFC 9449 section 4.3 asks for, found once more by `serde_json`.
fn assert_proof(accepted: &Proof, proof: &[u8], target: &ProofTarget<'_>) {
    let segments: Vec<_> = proof.split(|byte| *byte == b'.').map(mint::from_base64url).collect();
    let [Some(header), Some(payload), Some(_)] = &segments[..] else { panic!("not three segments of base64url") };
    let [header, claims] = [header, payload].map(|text| Node::read(text).expect("JSON"));
    assert!(header.is_strict() && claims.is_strict());
    let typ = header.text_of("typ").expect("typ").to_ascii_lowercase();
    assert!(typ == "dpop+jwt" || typ == "application/dpop+jwt");
    let jwk = header.get("jwk").expect("jwk");
    assert!(jwk.get("d").is_none());
    let names: &[&str] = match jwk.text_of("kty") {
        Some("EC") => &["crv", "kty", "x", "y"],
        Some("RSA") => &["e", "kty", "n"],
        _ => &["crv", "kty", "x"],
    };
    let canonical: std::collections::BTreeMap<_, _> = names.iter().map(|name| (name, jwk.text_of(name).expect("a member"))).collect();
    let thumbprint = mint::sha256(serde_json::to_string(&canonical).expect("JSON").as_bytes());
    assert_eq!(accepted.thumbprint().as_bytes(), &thumbprint);
    assert_eq!(claims.text_of("htm"), Some(target.method));
    assert_eq!(url::normal(claims.text_of("htu").expect("htu")), url::normal(target.url));
    assert!(claims.text_of("jti").is_some_and(|jti| (1..=256).contains(&jti.len())));
    match target.token {
        Some(token) => {
            assert_eq!(claims.text_of("ath"), Some(&*mint::base64url(&mint::sha256(token))));
            assert_eq!(accepted.token_hash().map(|hash| *hash.as_bytes()), Some(mint::sha256(token)));
        }
        None => assert_eq!(accepted.token_hash(), None),
    }
}

pub(super) fn nonce_key() -> NonceKey {
    NonceKey::new(&[9; 32], Seconds(60)).expect("a key")
}

/// Remembers all, and how often it was asked to.
#[derive(Default)]
pub(super) struct CountingStore(pub(super) Vec<[u8; 32]>);

impl ReplayStore for CountingStore {
    fn first_use(&mut self, id: &ProofId, until: UnixTime, now: UnixTime) -> Result<bool, Error> {
        assert!(until >= now, "kept for less than the proof lives");
        let is_new = !self.0.contains(id.as_bytes());
        if is_new {
            self.0.push(*id.as_bytes());
        }
        Ok(is_new)
    }
}

/// The `state` that was sent, and on a second line the response.
///
/// An accepted response has the right issuer, audience and state, and lives ten minutes at most; it is accepted in a query by itself,
/// and not with a parameter beside it.
pub fn jarm(data: &[u8]) {
    let (state, text) = split_at_line(data);
    let (Ok(state), Some(text)) = (str::from_utf8(state), text) else { return };
    let rules = ResponseRules::new(ISSUER, CLIENT, FAPI, mint::keys().keys()).expect("rules");
    let now = UnixTime(NOW);
    let sent = if state == "-" { SentState::None } else { SentState::Sent(state) };
    if let Ok(query) = str::from_utf8(text) {
        let _ = rules.accept_query(query, sent, now, &mut scratch());
    }
    let response = &*mint::compact(text, mint::issuer());
    let mut memory = scratch();
    let outcome = match rules.accept(response, sent, now, &mut memory) {
        Ok(outcome) => outcome,
        Err(error) => return assert!(error.family() != Family::Boundary && (error != Error::StateUnset || state.is_empty()), "{error}"),
    };
    let query = format!("response={}", str::from_utf8(response).expect("ASCII"));
    let judge = |query: &str, sent| rules.accept_query(query, sent, now, &mut scratch()).map(|_| ());
    assert_eq!(judge(&query, sent), Ok(()));
    assert_eq!(judge(&query, SentState::Sent("another state")).err(), (state != "another state").then_some(Error::ResponseState));
    for beside in [&*query, "code=x", "%73tate=", "iss"] {
        assert_eq!(judge(&format!("{query}&{beside}"), sent), Err(Error::ResponseParameters));
    }
    let payload = response.split(|byte| *byte == b'.').nth(1).and_then(mint::from_base64url).expect("a payload");
    let claims = Node::read(&payload).expect("JSON");
    assert!(claims.is_strict());
    assert_eq!(claims.text_of("iss"), Some(ISSUER));
    let audience = claims.get("aud").expect("aud");
    assert!(audience.text().into_iter().chain(audience.elements().iter().filter_map(Node::text)).any(|own| own == CLIENT));
    let exp = claims.get("exp").and_then(Node::number).expect("exp");
    assert!(exp > (NOW - LEEWAY) as f64 && exp <= (NOW + 600 + LEEWAY) as f64);
    assert_eq!(claims.text_of("state"), (state != "-").then_some(state));
    let (code, error) = match outcome {
        AuthorizationResponse::Code(code) => (Some(code.to_string()), None),
        AuthorizationResponse::Error { error, .. } => (None, Some(error.to_string())),
    };
    assert_eq!((claims.text_of("code"), claims.text_of("error")), (code.as_deref(), error.as_deref()));
}

/// Splitting and joining are inverse; a key of the store has one spelling in each encoding; halves that do not belong are refused.
pub fn split_token(data: &[u8]) {
    let token = &*mint::compact(data, mint::issuer());
    for encoding in [KeyEncoding::Base64url, KeyEncoding::Base64, KeyEncoding::Hex, KeyEncoding::Raw] {
        if let Ok(key) = CounterfoilKey::parse(data, encoding) {
            assert_eq!(key.encode(encoding, &mut [0; 64]), Ok(data), "two spellings of one key");
        }
    }
    if let Ok(ticket) = Ticket::parse(token) {
        assert!(mint::from_base64url(token).is_some_and(|signature| (64..=512).contains(&signature.len())));
        assert_eq!(ticket.key().as_bytes(), &mint::sha256(token));
        for encoding in [KeyEncoding::Base64url, KeyEncoding::Base64, KeyEncoding::Hex, KeyEncoding::Raw] {
            let mut text = [0; 64];
            let text = ticket.key().encode(encoding, &mut text).expect("room");
            assert!(CounterfoilKey::parse(text, encoding) == Ok(ticket.key()));
        }
    }
    let Ok((counterfoil, ticket)) = split_token::split(token) else { return };
    let mut room = vec![0; token.len()];
    // A counterfoil is taken with any bytes in it; one that is no text cannot be joined.
    let joined = str::from_utf8(token).map_err(|_| Error::CounterfoilMalformed);
    assert_eq!(split_token::join(counterfoil, ticket, &mut room), joined);
    assert_eq!(split_token::join(counterfoil, ticket, &mut room[1..]), Err(Error::BufferTooSmall));
    let parsed = Counterfoil::parse(counterfoil.as_bytes()).expect("its own half");
    assert_eq!(parsed.as_bytes().len() + 1, token.iter().rposition(|byte| *byte == b'.').map_or(0, |dot| dot + 1));
    let judge = |ticket| verifier().accept_split(counterfoil, ticket, Presenter::Bearer, UnixTime(NOW), &mut scratch()).map(|_| ());
    let other = mint::compact(b"{}\t{}", mint::issuer());
    let (_, other_ticket) = split_token::split(&other).expect("a token");
    if token != &*other {
        assert!(other_ticket.key() != ticket.key(), "one key for two tickets");
        assert!(judge(other_ticket).is_err(), "a swapped half");
    }
    assert_eq!(judge(ticket), verifier().accept(token, Presenter::Bearer, UnixTime(NOW), &mut scratch()).map(|_| ()));
}

/// The form as the first character, then its text. One certificate has one thumbprint, in whatever form it comes.
pub fn certificate(data: &[u8]) {
    let Some((form, text)) = data.split_first() else { return };
    let mut memory = vec![0; text.len() * 2 + 16];
    let form = match form {
        b'D' => ClientCertificate::Der(text),
        b'P' => ClientCertificate::Pem(text),
        b'E' => ClientCertificate::EscapedPem(text),
        b'C' => ClientCertificate::ClientCert(text),
        _ => return,
    };
    let thumbprint = match form.thumbprint(&mut memory) {
        Ok(thumbprint) => thumbprint,
        Err(error) => return assert!(matches!(error, Error::CertificateMalformed | Error::CertificateRepeated), "{error}"),
    };
    let ClientCertificate::Der(der) = form else { return };
    assert_eq!(thumbprint.as_bytes(), &mint::sha256(der));
    let body = <base64ct::Base64 as base64ct::Encoding>::encode_string(der);
    let lines: Vec<_> = body.as_bytes().chunks(64).map(|line| str::from_utf8(line).expect("ASCII")).collect();
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
    let escaped: String =
        pem.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).into() } else { format!("%{byte:02X}") }).collect();
    let field = format!(":{body}:");
    let forms = [
        ClientCertificate::Pem(pem.as_bytes()),
        ClientCertificate::EscapedPem(escaped.as_bytes()),
        ClientCertificate::ClientCert(field.as_bytes()),
    ];
    for form in forms {
        assert_eq!(form.thumbprint(&mut vec![0; escaped.len() * 2]), Ok(thumbprint));
    }
    assert!(ClientCertificate::Pem([pem.as_bytes(), pem.as_bytes()].concat().as_slice()).thumbprint(&mut vec![0; pem.len() * 4]).is_err());
    assert!(ClientCertificate::Der(&[der, &[0]].concat()).thumbprint(&mut []).is_err());
}

pub(super) fn split_at_line(data: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    (lines.next().unwrap_or_default(), lines.next())
}

fn number(text: Option<&[u8]>) -> Option<u64> {
    str::from_utf8(text?).ok()?.trim().parse().ok()
}
