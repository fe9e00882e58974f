//! One HTTP request.

use counterfoil::crypto::FAPI;
use counterfoil::error::Family;
use counterfoil::jose::policy::Limits;
use counterfoil::oauth::certificate::ClientCertificate;
use counterfoil::oauth::confirmation::Confirmation;
use counterfoil::oauth::dpop::ProofRules;
use counterfoil::oauth::request::{Refusal, Request, ResourceServer};
use counterfoil::oauth::verifier::Demands;
use counterfoil::{Error, Seconds, UnixTime};

use super::mint::{self, CERTIFICATE, NOW};
use super::oauth::{CountingStore, assert_access_token, nonce_key, verifier};

/// Method and URL, a line each; then lines that begin with what they are: `A` an Authorization header, `T` one whose token is
/// `header TAB payload`, `P` a DPoP header, `C`, `E` a certificate in that form, `X` the known certificate, `N` for nonces, `S` for
/// demands.
///
/// A refused request has an answer that a server can send, and left the store alone; an accepted one is bound to what it proved, and
/// with a proof is accepted once.
pub fn request(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let (Some(method), Some(url)) = (lines.next(), lines.next()) else { return };
    let (Ok(method), Ok(url)) = (str::from_utf8(method), str::from_utf8(url)) else { return };
    let lines: Vec<(u8, &[u8])> = lines.filter_map(|line| line.split_first().map(|(kind, rest)| (*kind, rest))).collect();
    let nonces = nonce_key();
    let now = UnixTime(NOW);
    let of_kind = |wanted: &'static [u8]| lines.iter().filter(move |(kind, _)| wanted.contains(kind));
    let authorization: Vec<Vec<u8>> = of_kind(b"AT").map(|(kind, text)| authorization_of(*kind, text)).collect();
    let token = authorization.last().and_then(|value| value.splitn(2, |byte| *byte == b' ').nth(1)).unwrap_or_default();
    let dpop: Vec<Vec<u8>> = of_kind(b"P").map(|(_, text)| mint::proof(text, token, nonces.issue(now).as_str()).into_owned()).collect();
    let certificate = of_kind(b"CEX").next().map(|(kind, text)| match kind {
        b'C' => ClientCertificate::ClientCert(text),
        b'E' => ClientCertificate::EscapedPem(text),
        _ => ClientCertificate::Der(CERTIFICATE),
    });
    let authorization_values: Vec<&[u8]> = authorization.iter().map(Vec::as_slice).collect();
    let dpop: Vec<&[u8]> = dpop.iter().map(Vec::as_slice).collect();
    let request = Request { method, url, authorization: &authorization_values, dpop: &dpop, certificate };

    let mut rules = ProofRules::new(FAPI).expect("rules");
    if of_kind(b"N").next().is_some() {
        rules = rules.with_nonce(&nonces);
    }
    let mut verifier = verifier();
    if of_kind(b"S").next().is_some() {
        verifier = verifier.demanding(Demands { scopes: &["accounts"], acr_values: &["urn:a", "urn:b"], max_age: Some(Seconds(60)) });
    }
    let server = ResourceServer::new(verifier, rules).with_realm("a realm").expect("a realm");
    let mut store = CountingStore::default();
    judge(&server, &request, token, now, &mut store);
}

fn authorization_of(kind: u8, text: &[u8]) -> Vec<u8> {
    match (kind, text.iter().position(|byte| *byte == b' ')) {
        (b'T', Some(space)) => [&text[..=space], &mint::compact(&text[space + 1..], mint::issuer())].concat(),
        _ => text.to_vec(),
    }
}

fn judge(server: &ResourceServer<'_>, request: &Request<'_>, token: &[u8], now: UnixTime, store: &mut CountingStore) {
    // As much as the documentation says suffices always; a header certificate's text needs twice its length.
    let certificate = match request.certificate {
        Some(ClientCertificate::ClientCert(text) | ClientCertificate::EscapedPem(text)) => text.len() * 2,
        _ => 0,
    };
    let room = Limits::DEFAULT.scratch() * 2 + certificate;
    let mut memory = vec![0; room];
    let uses_proof = match server.accept(request, now, store, &mut memory) {
        Err(refusal) => {
            assert!(store.0.is_empty(), "{refusal} left a trace");
            return assert_answer(server, &refusal);
        }
        Ok(judged) => {
            assert_eq!(request.authorization.len(), 1);
            let token = &token[token.iter().take_while(|byte| **byte == b' ').count()..];
            assert_access_token(&judged, token, now);
            assert!(!request.url.contains("access_token="));
            match judged.confirmation() {
                Some(Confirmation::Key(_)) => assert_eq!((request.dpop.len(), store.0.len()), (1, 1)),
                Some(Confirmation::Certificate(_)) => assert!(request.certificate.is_some() && store.0.is_empty()),
                None => assert!(store.0.is_empty()),
            }
            matches!(judged.confirmation(), Some(Confirmation::Key(_)))
        }
    };
    let again = server.accept(request, now, store, &mut memory).map(|_| ());
    assert_eq!(again.err().map(|refusal| refusal.error()), uses_proof.then_some(Error::ProofReplayed));
    let twice = [request.authorization[0]; 2];
    let refused = server.accept(&Request { authorization: &twice, ..*request }, now, store, &mut memory).map(|_| ());
    assert_eq!(refused.err().map(|refusal| refusal.error()), Some(Error::CredentialRepeated));
}

fn assert_answer(server: &ResourceServer<'_>, refusal: &Refusal) {
    let answer = refusal.http();
    let error = refusal.error();
    let is_hosts_fault = matches!(error, Error::RequestUrl | Error::RequestMethod);
    assert_eq!(answer.status == 500, is_hosts_fault, "{error} is answered with {}", answer.status);
    assert!(matches!(answer.status, 400 | 401 | 403 | 500), "{error}");
    assert!(!matches!(error.family(), Family::Boundary | Family::Response | Family::SplitToken), "{error}");
    let mut room = [0; 1024];
    let challenge = server.www_authenticate(refusal, &mut room).expect("a challenge");
    assert_eq!(challenge.is_some(), matches!(answer.status, 401 | 403));
    let Some(challenge) = challenge else { return };
    assert!(challenge.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
    assert!(challenge.starts_with("Bearer ") || challenge.starts_with("DPoP "));
    assert_eq!(challenge.matches('"').count() % 2, 0);
    assert!(challenge.contains("realm=\"a realm\""));
    let expected = answer.error.map(|error| format!("error=\"{error}\""));
    assert!(expected.is_none_or(|expected| challenge.contains(&expected)));
}
