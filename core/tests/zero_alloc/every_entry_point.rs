//! Every entry point with every algorithm, to accept and to refuse, on what `core/tests/data/embedded/mint.py` minted.

use std::path::{Path, PathBuf};

use base64ct::Encoding as _;
use counterfoil::crypto::{ED25519, EDDSA, ES256, PS256, RS256};
use counterfoil::jose::algorithm::Algorithms;
use counterfoil::jose::keys::{Key, KeySet, Keys};
use counterfoil::jose::policy::Limits;
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::access_token::AccessToken;
use counterfoil::oauth::cache::{CacheSlot, TokenCache};
use counterfoil::oauth::certificate::ClientCertificate;
use counterfoil::oauth::confirmation::Presenter;
use counterfoil::oauth::dpop::{ProofRules, ProofTarget};
use counterfoil::oauth::issuer::{claimed_issuer, claimed_kid};
use counterfoil::oauth::jarm::{ResponseRules, SentState};
use counterfoil::oauth::key_tables::{KeySlot, KeyTables};
use counterfoil::oauth::nonce::NonceKey;
use counterfoil::oauth::replay::{ReplayEntry, ReplayTable, WithKeys};
use counterfoil::oauth::request::{Request, ResourceServer, TokenForm};
use counterfoil::oauth::split_token::{self, Counterfoil, CounterfoilKey, KeyEncoding, Ticket};
use counterfoil::oauth::verifier::{Demands, Verifier};
use counterfoil::wire::siphash::HashKey;
use counterfoil::{Error, Seconds, UnixTime};

use crate::counted;

static ALL: Algorithms<'static> = &[&ES256, &PS256, &RS256, &EDDSA, &ED25519];
const NOW: UnixTime = UnixTime(1_800_000_000);
const ISSUER: &str = "https://as.example";
const AUDIENCE: &str = "https://api.example";
const URL: &str = "https://api.example/accounts";
const HASH_KEY: HashKey = HashKey::new([7; 16]);

type Judgement = Result<(), Error>;

#[track_caller]
fn judge(what: &str, expected: Judgement, work: impl FnOnce() -> Judgement) {
    assert_eq!(counted(work), (0, expected), "{what}: allocations and verdict");
}

/// What was minted for one algorithm, each also with another character in the middle of its signature.
struct Subject {
    name: &'static str,
    key: Vec<u8>,
    token: [Vec<u8>; 2],
    bound: Vec<u8>,
    proof: [Vec<u8>; 2],
    response: [Vec<u8>; 2],
}

fn data(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let file: PathBuf = folder.join(name);
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

impl Subject {
    fn of(name: &'static str) -> Self {
        let read = |what: &str| data(&format!("embedded/{what}.{name}.txt"));
        let twins = |what: &str| {
            let good = read(what);
            let mut forged = good.clone();
            let at = good.iter().rposition(|byte| *byte == b'.').expect("a dot") + 51;
            forged[at] = if good[at] == b'A' { b'B' } else { b'A' };
            [good, forged]
        };
        Self { name, key: read("key"), token: twins("token"), bound: read("bound"), proof: twins("proof"), response: twins("response") }
    }

    fn all() -> impl Iterator<Item = Self> {
        ALL.iter().map(|algorithm| Self::of(algorithm.name()))
    }
}

/// What a host prepares once.
struct Host {
    keys: Box<KeySet<8>>,
    scratch: Vec<u8>,
    certificate: Vec<u8>,
}

impl Host {
    fn new() -> Self {
        let mut keys = Box::new(KeySet::new());
        keys.load(&data("embedded/jwks.json"), ALL).expect("good keys");
        Self { keys, scratch: vec![0; 16 * 1024], certificate: data("paved/client.der") }
    }

    /// The memory, a verifier, and who presents its tokens.
    fn parts(&mut self) -> (&mut [u8], Keys<'_>, Presenter<'static>) {
        let holder = ClientCertificate::Der(&self.certificate).thumbprint(&mut []).expect("a certificate");
        (&mut self.scratch, self.keys.keys(), Presenter::Certificate(holder))
    }
}

fn verifier(keys: Keys<'_>) -> Verifier<'_> {
    Verifier::new(ISSUER, AUDIENCE, ALL, keys).expect("a policy")
}

/// Reads whatever can be read of a token.
fn read(token: &AccessToken<'_>) -> Judgement {
    #[derive(serde::Deserialize)]
    struct Claims<'c> {
        sub: &'c str,
        exp: u64,
    }
    let claims: Claims<'_> = token.deserialize()?;
    let good = claims.sub == "4711"
        && token.subject().is_some_and(|subject| subject.is("4711"))
        && token.expires_at().is_some_and(|exp| exp.floor() == UnixTime(claims.exp))
        && token.audiences().count() == 1
        && token.has_scope("payments")
        && token.claims().count() >= 10
        && token.claim("acr").is_some()
        && token.authorization_details().is_none()
        && token.deserialize::<u8>() == Err(Error::ClaimsShape);
    if good { Ok(()) } else { Err(Error::ClaimsShape) }
}

#[test]
fn keys_need_no_heap() {
    let jwks = data("embedded/jwks.json");
    judge("KeySet::parse", Ok(()), || KeySet::<8>::parse(&jwks, ALL).map(drop));
    judge("KeySet::parse, too many", Err(Error::KeySetFull), || KeySet::<4>::parse(&jwks, ALL).map(drop));
    judge("KeySet::parse, cut", Err(Error::JsonMalformed), || KeySet::<8>::parse(&jwks[..jwks.len() - 1], ALL).map(drop));
    let mut set = Box::new(KeySet::<8>::new());
    judge("KeySet::load", Ok(()), || set.load(&jwks, ALL));
    for subject in Subject::all() {
        judge(subject.name, Ok(()), || {
            let key = Key::parse(&subject.key, ALL)?;
            let thumbprint = Thumbprint::of_key(key.public());
            if Thumbprint::parse(&thumbprint.encode())? == thumbprint { Ok(()) } else { Err(Error::KeyMalformed) }
        });
        judge(subject.name, Err(Error::KeyMalformed), || Key::parse(b"{}", ALL).map(drop));
    }
}

#[test]
fn access_tokens_need_no_heap() {
    let mut host = Host::new();
    for Subject { name, token: [good, forged], .. } in Subject::all() {
        let (scratch, keys, presenter) = host.parts();
        let verifier = verifier(keys);
        judge(name, Ok(()), || read(&verifier.accept(&good, presenter, NOW, scratch)?));
        judge(name, Err(Error::SignatureInvalid), || verifier.accept(&forged, presenter, NOW, scratch).map(drop));
        judge(name, Err(Error::TokenExpired), || verifier.accept(&good, presenter, UnixTime(NOW.0 + 511), scratch).map(drop));
        judge(name, Err(Error::CertificateMissing), || verifier.accept(&good, Presenter::Bearer, NOW, scratch).map(drop));
        judge(name, Err(Error::ScopeInsufficient), || {
            let demands = Demands { scopes: &["other"], ..Demands::default() };
            verifier.demanding(demands).accept(&good, presenter, NOW, scratch).map(drop)
        });
    }
}

#[test]
fn batches_and_prepared_keys_need_no_heap() {
    let mut host = Host::new();
    let mut memory = vec![0u64; 16 * 1024];
    let prepared = counted(|| host.keys.as_ref().clone().prepare(ALL, &mut memory[..]));
    assert_eq!(prepared.0, 0, "prepare");
    for Subject { name, token: [good, forged], .. } in Subject::all() {
        let (scratch, keys, presenter) = host.parts();
        let tokens: [(&[u8], _); 4] = [(&good, presenter), (&forged, presenter), (&good, Presenter::Bearer), (b"", presenter)];
        let expected = [None, Some(Error::SignatureInvalid), Some(Error::CertificateMissing), Some(Error::TokenNotCompact)];
        for keys in [keys, prepared.1.keys()] {
            let verifier = verifier(keys);
            judge(name, Ok(()), || {
                let verdicts = verifier.accept_batch(&tokens, NOW, scratch)?;
                assert!(verdicts.iter().map(|verdict| verdict.as_ref().err().copied()).eq(expected));
                verdicts[0].as_ref().map_err(|error| *error).and_then(read)
            });
            judge(name, Ok(()), || read(&verifier.accept(&good, presenter, NOW, scratch)?));
            judge(name, Err(Error::SignatureInvalid), || verifier.accept(&forged, presenter, NOW, scratch).map(drop));
        }
    }
}

#[test]
fn the_cache_needs_no_heap() {
    let mut host = Host::new();
    let mut slots = vec![CacheSlot::<1024>::empty(); 16];
    for Subject { name, token: [good, forged], .. } in Subject::all() {
        let (scratch, keys, presenter) = host.parts();
        let verifier = verifier(keys);
        judge(name, Ok(()), || {
            let mut cache = TokenCache::new(&mut slots, HASH_KEY)?;
            read(&cache.accept(&verifier, &good, presenter, NOW, scratch)?)?;
            // From memory: there is none to decode in.
            read(&cache.accept(&verifier, &good, presenter, NOW, &mut [])?)?;
            cache.accept(&verifier, &good, presenter, UnixTime(NOW.0 + 511), &mut []).map(drop).expect_err("expired");
            match cache.accept(&verifier, &forged, presenter, NOW, scratch) {
                Err(Error::SignatureInvalid) => Ok(()),
                other => other.map(drop).and(Err(Error::Panicked)),
            }
        });
    }
}

#[test]
fn looked_up_tokens_need_no_heap() {
    let mut host = Host::new();
    let mut slots = vec![CacheSlot::<1024>::empty(); 16];
    for Subject { name, token: [good, forged], .. } in Subject::all() {
        let payload = good.split(|byte| *byte == b'.').nth(1).expect("a payload");
        let payload = base64ct::Base64UrlUnpadded::decode_vec(str::from_utf8(payload).expect("ASCII")).expect("base64url");
        let answer = |active: &str| [b"{\"active\":", active.as_bytes(), b",", &payload[1..]].concat();
        let (active, inactive, unclear) = (answer("true"), answer("false"), answer("\"true\""));
        let (scratch, keys, presenter) = host.parts();
        let (verifier, presented) = (verifier(keys), (b"reference".as_slice(), presenter));
        judge(name, Ok(()), || {
            let token = verifier.accept_as(TokenForm::Introspected(&active), presented, NOW, None, scratch)?;
            let mut memory = [0; 1024];
            read(&token.keep(&mut memory[..]).ok_or(Error::BufferTooSmall)?.token())
        });
        for (answer, error) in
            [(&inactive, Error::TokenInactive), (&unclear, Error::LookupUnavailable), (&payload, Error::LookupUnavailable)]
        {
            judge(name, Err(error), || verifier.accept_as(TokenForm::Introspected(answer), presented, NOW, None, scratch).map(drop));
        }
        judge(name, Ok(()), || {
            let mut cache = TokenCache::new(&mut slots, HASH_KEY)?;
            let (counterfoil, _) = split_token::split(&good)?;
            let held = &good[counterfoil.as_bytes().len() + 1..];
            for form in [TokenForm::Split(counterfoil), TokenForm::Split(counterfoil), TokenForm::Phantom(&good)] {
                read(&verifier.accept_as(form, (held, presenter), NOW, Some(&mut cache), scratch)?)?;
            }
            verifier.accept_as(TokenForm::Phantom(&forged), presented, NOW, Some(&mut cache), scratch).map(drop).expect_err("forged");
            assert_eq!(claimed_issuer(TokenForm::Phantom(&good), b"", ["other", ISSUER], Limits::DEFAULT, scratch), Ok(1));
            assert_eq!(
                claimed_issuer(TokenForm::Introspected(&active), b"", ["other"], Limits::DEFAULT, &mut []),
                Err(Error::IssuerMismatch)
            );
            claimed_kid(TokenForm::Split(counterfoil), held, Limits::DEFAULT, scratch, |kid| assert!(kid.is_some()))
        });
    }
}

#[test]
fn split_tokens_need_no_heap() {
    let mut host = Host::new();
    let mut joined = vec![0; 2048];
    for Subject { name, token: [good, forged], .. } in Subject::all() {
        let (scratch, keys, presenter) = host.parts();
        let verifier = verifier(keys);
        judge(name, Ok(()), || {
            let (counterfoil, ticket) = split_token::split(&good)?;
            read(&verifier.accept_split(counterfoil, ticket, presenter, NOW, scratch)?)?;
            for encoding in [KeyEncoding::Base64url, KeyEncoding::Base64, KeyEncoding::Hex, KeyEncoding::Raw] {
                let mut text = [0; 64];
                if CounterfoilKey::parse(ticket.key().encode(encoding, &mut text)?, encoding)? != ticket.key() {
                    return Err(Error::TicketHashMalformed);
                }
            }
            let joined = split_token::join(counterfoil, ticket, &mut joined)?;
            if joined.as_bytes() == good { Ok(()) } else { Err(Error::TokenNotCompact) }
        });
        judge(name, Err(Error::SignatureInvalid), || {
            let (counterfoil, ticket) = split_token::split(&forged)?;
            verifier.accept_split(counterfoil, ticket, presenter, NOW, scratch).map(drop)
        });
        judge(name, Err(Error::TicketMalformed), || Ticket::parse(&good).map(drop));
        judge(name, Err(Error::CounterfoilMalformed), || Counterfoil::parse(&good).map(drop));
        judge(name, Err(Error::TicketHashMalformed), || CounterfoilKey::parse(&good, KeyEncoding::Hex).map(drop));
    }
}

#[test]
fn proofs_need_no_heap() {
    let mut scratch = vec![0; 4096];
    let mut entries = vec![ReplayEntry::EMPTY; 64];
    let mut slots = vec![KeySlot::<1024>::EMPTY; 4];
    for Subject { name, bound, proof: [good, forged], .. } in Subject::all() {
        judge(name, Ok(()), || {
            let nonce = NonceKey::new(&[b'n'; 32], Seconds(60))?;
            let rules = ProofRules::new(ALL)?.with_nonce(&nonce);
            let mut table = ReplayTable::new(&mut entries, HASH_KEY)?;
            let mut tables = KeyTables::new(&mut slots, HASH_KEY)?;
            let mut store = WithKeys::new(&mut table, &mut tables);
            let mut accept = |proof: &[u8], method| {
                rules.accept(proof, &ProofTarget { method, url: URL, token: Some(&bound) }, NOW, &mut store, &mut scratch).map(drop)
            };
            assert_eq!(accept(&forged, "GET"), Err(Error::ProofSignature));
            assert_eq!(accept(&good, "POST"), Err(Error::ProofMethod));
            accept(&good, "GET")?;
            assert_eq!(accept(&good, "GET"), Err(Error::ProofReplayed));
            if nonce.issue(NOW).as_str().len() == 43 { Ok(()) } else { Err(Error::NonceInvalid) }
        });
    }
    judge("NonceKey, short", Err(Error::SecretTooShort), || NonceKey::new(b"short", Seconds(60)).map(drop));
}

#[test]
fn requests_need_no_heap() {
    let mut host = Host::new();
    let mut entries = vec![ReplayEntry::EMPTY; 64];
    for Subject { name, bound, proof: [good, forged], .. } in Subject::all() {
        let (scratch, keys, _) = host.parts();
        let with_scheme = |scheme: &[u8]| [scheme, b" ", &bound].concat();
        let (dpop, bearer) = (with_scheme(b"DPoP"), with_scheme(b"Bearer"));
        let demands = [
            (Demands::default(), Ok(())),
            (Demands { scopes: &["other"], ..Demands::default() }, Err(Error::ScopeInsufficient)),
            (Demands { max_age: Some(Seconds(60)), ..Demands::default() }, Err(Error::AuthenticationAge)),
        ];
        judge(name, Ok(()), || {
            let nonce = NonceKey::new(&[b'n'; 32], Seconds(60))?;
            let proofs = ProofRules::new(ALL)?.with_nonce(&nonce);
            let mut judge_one = |demands, authorization: &[&[u8]], proof: &[u8]| {
                let server = ResourceServer::new(verifier(keys).demanding(demands), proofs).with_realm("api")?;
                let mut store = ReplayTable::new(&mut entries, HASH_KEY)?;
                let request = Request { method: "GET", url: URL, authorization, dpop: &[proof], certificate: None };
                server.accept(&request, NOW, &mut store, scratch).map(drop).map_err(|refusal| {
                    let mut text = [0; 512];
                    let challenge = server.www_authenticate(&refusal, &mut text).expect("room for a challenge");
                    assert!(challenge.is_some() && server.dpop_nonce(NOW).is_some());
                    refusal.error()
                })
            };
            for (demands, expected) in demands {
                assert_eq!(judge_one(demands, &[&dpop], &good), expected);
            }
            let none = Demands::default();
            assert_eq!(judge_one(none, &[&dpop], &forged), Err(Error::ProofSignature));
            assert_eq!(judge_one(none, &[&bearer], &good), Err(Error::ProofRequired));
            assert_eq!(judge_one(none, &[], &good), Err(Error::CredentialMissing));
            Ok(())
        });
    }
}

#[test]
fn responses_need_no_heap() {
    let mut host = Host::new();
    for Subject { name, response: [good, forged], .. } in Subject::all() {
        let (scratch, keys, _) = host.parts();
        let rules = ResponseRules::new(ISSUER, "tpp-1", ALL, keys).expect("rules");
        let state = SentState::Sent("af0ifjsldkj");
        let query = format!("response={}", str::from_utf8(&good).expect("ASCII"));
        let twice = format!("{query}&code=x");
        judge(name, Ok(()), || rules.accept(&good, state, NOW, scratch).map(drop));
        judge(name, Ok(()), || rules.accept_query(&query, state, NOW, scratch).map(drop));
        judge(name, Err(Error::SignatureInvalid), || rules.accept(&forged, state, NOW, scratch).map(drop));
        judge(name, Err(Error::ResponseState), || rules.accept(&good, SentState::None, NOW, scratch).map(drop));
        judge(name, Err(Error::ResponseParameters), || rules.accept_query(&twice, state, NOW, scratch).map(drop));
    }
}

#[test]
fn certificates_need_no_heap() {
    let (der, pem) = (data("paved/client.der"), data("paved/client.pem"));
    let escaped: String = pem.iter().map(|byte| format!("%{byte:02X}")).collect();
    let field = format!(":{}:", base64ct::Base64::encode_string(&der));
    let forms = [
        ClientCertificate::Der(&der),
        ClientCertificate::Pem(&pem),
        ClientCertificate::EscapedPem(escaped.as_bytes()),
        ClientCertificate::ClientCert(field.as_bytes()),
    ];
    let mut scratch = vec![0; 4096];
    let own = forms[0].thumbprint(&mut []).expect("a certificate");
    for form in forms {
        judge("certificate", Ok(()), || match form.thumbprint(&mut scratch)? {
            thumbprint if thumbprint == own => Ok(()),
            _ => Err(Error::CertificateMismatch),
        });
    }
    for form in [
        ClientCertificate::Der(&pem),
        ClientCertificate::Pem(&der),
        ClientCertificate::EscapedPem(b"%"),
        ClientCertificate::ClientCert(b"::"),
    ] {
        judge("no certificate", Err(Error::CertificateMalformed), || form.thumbprint(&mut scratch).map(drop));
    }
}
