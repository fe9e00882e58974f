//! Reads and runs cases of `core/vectors/*.json`; the schema is in `core/vectors/README.md`.

use core::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use counterfoil::crypto::{ED25519, EDDSA, ES256, PS256, RS256};
use counterfoil::error::Family;
use counterfoil::jose::algorithm::{Algorithm, Primitive};
use counterfoil::jose::header::TokenType;
use counterfoil::jose::jwk::PublicKey;
use counterfoil::jose::keys::{Key, KeySet, Keys};
use counterfoil::jose::last_header::LastHeader;
use counterfoil::jose::policy::Limits;
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::access_token::AccessToken;
use counterfoil::oauth::cache::{CacheSlot, TokenCache};
use counterfoil::oauth::certificate::ClientCertificate;
use counterfoil::oauth::confirmation::{Binding, Presenter};
use counterfoil::oauth::dpop::{ProofRules, ProofTarget};
use counterfoil::oauth::jarm::{AuthorizationResponse, ResponseRules, SentState};
use counterfoil::oauth::nonce::NonceKey;
use counterfoil::oauth::replay::{ReplayEntry, ReplayStore, ReplayTable, WithTokens};
use counterfoil::oauth::request::{Request, ResourceServer, TokenForm};
use counterfoil::oauth::split_token::{self, Counterfoil, CounterfoilKey, KeyEncoding, Ticket};
use counterfoil::oauth::verifier::{Demands, Profile, Verifier};
use counterfoil::wire::siphash::HashKey;
use counterfoil::wire::{base64url, json};
use counterfoil::{Error, Seconds, UnixTime};
use serde_json::{Map, Value, json};

pub(crate) const MAX_KEYS: usize = 16;
/// Two keys share it alike: small tables, quickly built.
const PREPARED_WORDS: usize = 2048;
const SCRATCH: usize = 256 * 1024;

/// What a case came to.
pub(crate) struct Outcome {
    pub(crate) verdict: &'static str,
    pub(crate) output: Map<String, Value>,
}

impl From<Result<Map<String, Value>, Error>> for Outcome {
    fn from(result: Result<Map<String, Value>, Error>) -> Self {
        match result {
            Ok(output) => Self { verdict: "ok", output },
            Err(error) => Self { verdict: error.slug(), output: Map::new() },
        }
    }
}

type Judgement = Result<Map<String, Value>, Error>;

/// One file of cases.
pub(crate) struct Vectors {
    document: Value,
}

/// The vector files, in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("core/vectors")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

impl Vectors {
    pub(crate) fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).expect("a readable file");
        Self { document: serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display())) }
    }

    pub(crate) fn cases(&self) -> &[Value] {
        self.document["cases"].as_array().expect("cases")
    }

    /// The policy of a case, with what its base says.
    pub(crate) fn policy(&self, case: &Value) -> Map<String, Value> {
        let named = |name: &str| self.document["policies"][name].as_object().unwrap_or_else(|| panic!("no policy {name}")).clone();
        match &case["policy"] {
            Value::String(name) => named(name),
            Value::Object(own) => {
                let mut policy = own.get("base").map_or_else(Map::new, |base| named(base.as_str().expect("a name")));
                policy.extend(own.clone());
                policy
            }
            _ => Map::new(),
        }
    }

    /// The JWK Set's text that a policy names or holds.
    pub(crate) fn jwks(&self, policy: &Map<String, Value>) -> Vec<u8> {
        match &policy["jwks"] {
            Value::String(name) if self.document["jwks"].get(name).is_some() => match &self.document["jwks"][name] {
                set @ Value::Object(object) if object.contains_key("keys") => set.to_string().into_bytes(),
                text => bytes(text),
            },
            set @ Value::Object(object) if object.contains_key("keys") => set.to_string().into_bytes(),
            text => bytes(text),
        }
    }

    pub(crate) fn run(&self, case: &Value) -> Outcome {
        let policy = self.policy(case);
        let input = &case["input"];
        let now = UnixTime(case["now"].as_u64().unwrap_or(0));
        match case["kind"].as_str().expect("a kind") {
            "access_token" => self.access_token(&policy, input, now).into(),
            "split_token" => self.split_token(&policy, input, now).into(),
            "dpop" => dpop(&policy, input, now).into(),
            "jarm" => self.jarm(&policy, input, now).into(),
            "signature" => signature(&policy, input).into(),
            "jwk" => jwk(&policy, input).into(),
            "jwks" => jwks(&policy, input).into(),
            "json" => json::read_value(&bytes(&input["text"])).map(|_| Map::new()).into(),
            "base64url" => decode(input).into(),
            "htu" => htu(input).into(),
            "certificate" => certificate(input).map(|thumbprint| output([("thumbprint", json!(thumbprint.to_string()))])).into(),
            "ticket" => ticket(input).into(),
            "ticket_hash" => ticket_hash(input).into(),
            "request" => self.request(&policy, input, now),
            other => panic!("unknown kind {other}"),
        }
    }

    /// Judged with bare keys and with prepared ones: the verdict is the same.
    fn access_token(&self, policy: &Map<String, Value>, input: &Value, now: UnixTime) -> Judgement {
        let algorithms = algorithms(policy);
        let keys = KeySet::<MAX_KEYS>::parse(&self.jwks(policy), &algorithms)?;
        let bare = access_token(policy, &algorithms, keys.keys(), input, now);
        let prepared = keys.prepare(&algorithms, vec![0; PREPARED_WORDS]);
        assert_eq!(access_token(policy, &algorithms, prepared.keys(), input, now), bare, "prepared keys disagree");
        bare
    }

    fn split_token(&self, policy: &Map<String, Value>, input: &Value, now: UnixTime) -> Judgement {
        let (head, ticket) = (bytes(&input["counterfoil"]), bytes(&input["ticket"]));
        let algorithms = algorithms(policy);
        let keys = KeySet::<MAX_KEYS>::parse(&self.jwks(policy), &algorithms)?;
        with_verifier(policy, &algorithms, keys.keys(), |verifier| {
            with_presenter(&input["presenter"], &algorithms, &ticket, now, |presenter| {
                let (counterfoil, ticket) = (Counterfoil::parse(&head)?, Ticket::parse(&ticket)?);
                let mut claims = verifier.accept_split(counterfoil, ticket, presenter, now, &mut scratch()).map(|t| claims_of(&t))?;
                let mut joined = scratch();
                claims.insert("joined".to_owned(), json!(split_token::join(counterfoil, ticket, &mut joined)?));
                Ok(claims)
            })
        })
    }

    fn jarm(&self, policy: &Map<String, Value>, input: &Value, now: UnixTime) -> Judgement {
        let algorithms = algorithms(policy);
        let keys = KeySet::<MAX_KEYS>::parse(&self.jwks(policy), &algorithms)?;
        let rules = ResponseRules::new(text(policy, "issuer"), text(policy, "client_id"), &algorithms, keys.keys())?;
        let state = policy.get("state").and_then(Value::as_str).map_or(SentState::None, SentState::Sent);
        let mut scratch = scratch();
        let response = match input.get("query").and_then(Value::as_str) {
            Some(query) => rules.accept_query(query, state, now, &mut scratch)?,
            None => rules.accept(&bytes(&input["response"]), state, now, &mut scratch)?,
        };
        Ok(match response {
            AuthorizationResponse::Code(code) => output([("code", json!(code.to_string()))]),
            AuthorizationResponse::Error { error, .. } => output([("error", json!(error.to_string()))]),
        })
    }

    fn request(&self, policy: &Map<String, Value>, input: &Value, now: UnixTime) -> Outcome {
        let algorithms = algorithms(policy);
        let keys = match KeySet::<MAX_KEYS>::parse(&self.jwks(policy), &algorithms) {
            Ok(keys) => keys,
            Err(error) => return Err(error).into(),
        };
        let mut outcome = None;
        let result = with_verifier(policy, &algorithms, keys.keys(), |verifier| {
            with_proof_rules(policy, &algorithms, |rules| {
                let mut server = ResourceServer::new(verifier, rules);
                if let Some(realm) = policy.get("realm").and_then(Value::as_str) {
                    server = server.with_realm(realm)?;
                }
                let mut memory = vec![ReplayEntry::EMPTY; 64];
                let mut store = ReplayTable::new(&mut memory, HashKey::new([5; 16]))?;
                for earlier in input["before"].as_array().into_iter().flatten() {
                    let earlier_now = UnixTime(earlier["now"].as_u64().expect("now"));
                    let verdict = judge_request(&server, earlier, earlier_now, &mut store);
                    assert_eq!(verdict.verdict, earlier["expect"].as_str().expect("expect"), "an earlier request");
                }
                let fresh = judge_request(&server, input, now, &mut store);
                // With a memory of good tokens the verdict is the same twice: when it judges anew, and from memory.
                let mut slots = vec![CacheSlot::<4096>::empty(); 2];
                let mut tokens = TokenCache::new(&mut slots, HashKey::new([3; 16]))?;
                for _ in 0..2 {
                    let mut memory = vec![ReplayEntry::EMPTY; 64];
                    let mut store = ReplayTable::new(&mut memory, HashKey::new([5; 16]))?;
                    for earlier in input["before"].as_array().into_iter().flatten() {
                        judge_request(&server, earlier, UnixTime(earlier["now"].as_u64().expect("now")), &mut store);
                    }
                    let remembered = judge_request(&server, input, now, &mut WithTokens::new(&mut store, &mut tokens));
                    assert_eq!((remembered.verdict, &remembered.output), (fresh.verdict, &fresh.output), "the memory disagrees");
                }
                outcome = Some(fresh);
                Ok(Map::new())
            })
        });
        outcome.unwrap_or_else(|| result.into())
    }
}

std::thread_local! {
    /// Of the last good token of any vector.
    static LAST_HEADER: RefCell<LastHeader> = const { RefCell::new(LastHeader::none()) };
}

fn access_token(
    policy: &Map<String, Value>,
    algorithms: &[&'static dyn Algorithm],
    keys: Keys<'_>,
    input: &Value,
    now: UnixTime,
) -> Judgement {
    let token = bytes(&input["token"]);
    with_verifier(policy, algorithms, keys, |verifier| {
        let fresh = with_presenter(&input["presenter"], algorithms, &token, now, |presenter| {
            verifier.accept(&token, presenter, now, &mut scratch()).map(|token| claims_of(&token))
        });
        // So it does after another token's header, and after its own.
        for _ in 0..2 {
            let remembering = with_presenter(&input["presenter"], algorithms, &token, now, |presenter| {
                LAST_HEADER.with_borrow_mut(|last| {
                    verifier.accept_remembering(&token, presenter, now, Some(last), &mut scratch()).map(|token| claims_of(&token))
                })
            });
            assert_eq!(remembering, fresh, "what is remembered of a header changes a verdict");
        }
        // The cache gives the same verdict twice: when it judges anew, and from memory.
        let mut slots = vec![CacheSlot::<4096>::empty(); 2];
        let mut cache = TokenCache::new(&mut slots, HashKey::new([3; 16]))?;
        for _ in 0..2 {
            let cached = with_presenter(&input["presenter"], algorithms, &token, now, |presenter| {
                cache.accept(&verifier, &token, presenter, now, &mut scratch()).map(|token| claims_of(&token))
            });
            assert_eq!(cached, fresh, "the cache disagrees");
        }
        // So do tokens that are judged together.
        let together = with_presenter(&input["presenter"], algorithms, &token, now, |presenter| {
            let tokens = [(token.as_slice(), presenter), (b"".as_slice(), presenter), (token.as_slice(), presenter)];
            let mut scratch = scratch();
            let verdicts = verifier.accept_batch(&tokens, now, &mut scratch)?;
            assert!(verdicts[1].is_err(), "nothing is no token");
            assert_eq!(verdicts[0].map(|token| claims_of(&token)), verdicts[2].map(|token| claims_of(&token)));
            verdicts[0].map(|token| claims_of(&token))
        });
        assert_eq!(together, fresh, "the batch disagrees");
        // And what an issuer says of a token is judged as its claims are.
        let is_of_claims = |error: &Error| matches!(error.family(), Family::Claim | Family::Confirmation) && *error != Error::TypeMismatch;
        if let (Some(answer), true) = (active_answer(&token), fresh.as_ref().err().is_none_or(is_of_claims)) {
            let introspected = with_presenter(&input["presenter"], algorithms, &token, now, |presenter| {
                verifier
                    .accept_as(TokenForm::Introspected(&answer), (&token, presenter), now, None, &mut scratch())
                    .map(|token| claims_of(&token))
            });
            let without_active = introspected.map(|mut output| {
                output["claims"].as_object_mut().expect("claims").remove("active");
                output
            });
            assert_eq!(without_active, fresh, "introspection disagrees");
        }
        fresh
    })
}

/// The token's payload with `active`, as an issuer would answer; `None` where there is no room for that.
fn active_answer(token: &[u8]) -> Option<Vec<u8>> {
    let mut buffer = scratch();
    let (payload, _) = base64url::decode(token.split(|byte| *byte == b'.').nth(1)?, &mut buffer).ok()?;
    let members = json::read_value(payload).ok()?.as_object()?;
    if members.clone().any(|(name, _)| name.is("active")) || members.count() == 0 {
        return None;
    }
    let answer = [b"{\"active\":true,", payload.trim_ascii().strip_prefix(b"{")?].concat();
    json::read_value(&answer).is_ok().then_some(answer)
}

fn judge_request(server: &ResourceServer<'_>, input: &Value, now: UnixTime, store: &mut dyn ReplayStore) -> Outcome {
    let values = |name: &str| input[name].as_array().into_iter().flatten().map(bytes).collect::<Vec<_>>();
    let (authorization, dpop) = (values("authorization"), values("dpop"));
    let (authorization, dpop): (Vec<&[u8]>, Vec<&[u8]>) =
        (authorization.iter().map(Vec::as_slice).collect(), dpop.iter().map(Vec::as_slice).collect());
    let certificate = input.get("certificate").filter(|value| !value.is_null());
    let held = certificate.map(|certificate| certificate["values"].as_array().expect("values").iter().map(bytes).collect::<Vec<_>>());
    let certificate = certificate.zip(held.as_ref()).map(|(certificate, values)| form_of(certificate, &values[0]));
    let request = Request {
        method: input["method"].as_str().expect("a method"),
        url: input["url"].as_str().expect("a URL"),
        authorization: &authorization,
        dpop: &dpop,
        certificate,
    };
    let nonce = json!(server.dpop_nonce(now).is_some());
    match server.accept(&request, now, store, &mut scratch()) {
        Ok(token) => {
            let mut claims = claims_of(&token);
            claims.extend(output([("status", json!(200)), ("dpop_nonce", nonce)]));
            Outcome { verdict: "ok", output: claims }
        }
        Err(refusal) => {
            let mut text = [0; 1024];
            let challenge = server.www_authenticate(&refusal, &mut text).expect("a challenge");
            let answer = [("status", json!(refusal.http().status)), ("www_authenticate", json!(challenge)), ("dpop_nonce", nonce)];
            Outcome { verdict: refusal.error().slug(), output: output(answer) }
        }
    }
}

fn dpop(policy: &Map<String, Value>, input: &Value, now: UnixTime) -> Judgement {
    let algorithms = algorithms(policy);
    with_proof_rules(policy, &algorithms, |rules| {
        let capacity = policy.get("store_capacity").and_then(Value::as_u64).unwrap_or(64);
        let mut memory = vec![ReplayEntry::EMPTY; usize::try_from(capacity).expect("a capacity")];
        let mut store = ReplayTable::new(&mut memory, HashKey::new([5; 16]))?;
        let mut judge = |input: &Value, now: UnixTime| {
            let token = (!input["token"].is_null()).then(|| bytes(&input["token"]));
            let target = ProofTarget {
                method: input["method"].as_str().expect("a method"),
                url: input["url"].as_str().expect("a URL"),
                token: token.as_deref(),
            };
            rules.accept(&bytes(&input["proof"]), &target, now, &mut store, &mut scratch())
        };
        for earlier in input["before"].as_array().into_iter().flatten() {
            let verdict = judge(earlier, UnixTime(earlier["now"].as_u64().expect("now"))).map_or_else(Error::slug, |_| "ok");
            assert_eq!(verdict, earlier["expect"].as_str().expect("expect"), "an earlier proof");
        }
        judge(input, now).map(|proof| output([("thumbprint", json!(proof.thumbprint().to_string()))]))
    })
}

fn signature(policy: &Map<String, Value>, input: &Value) -> Judgement {
    let algorithms = algorithms(policy);
    let key = Key::parse(&bytes(&input["jwk"]), &algorithms)?;
    let mut buffer = [0; 1024];
    let (signature, _) = base64url::decode(&bytes(&input["signature"]), &mut buffer)?;
    algorithms[0].verify(key.public(), &bytes(&input["signing_input"]), signature).map(|()| Map::new())
}

fn jwk(policy: &Map<String, Value>, input: &Value) -> Judgement {
    let key = Key::parse(&bytes(&input["jwk"]), &algorithms(policy))?;
    Ok(output([("thumbprint", json!(Thumbprint::of_key(key.public()).to_string()))]))
}

fn jwks(policy: &Map<String, Value>, input: &Value) -> Judgement {
    fn load<const N: usize>(text: &[u8], algorithms: &[&dyn Algorithm]) -> Judgement {
        let set = KeySet::<N>::parse(text, algorithms)?;
        let refused: Vec<_> = set.refused().iter().map(|refused| json!([refused.index, refused.error.slug()])).collect();
        Ok(output([("refused", json!(refused))]))
    }
    let (text, algorithms) = (bytes(&input["jwks"]), algorithms(policy));
    match policy.get("capacity").and_then(Value::as_u64).unwrap_or(8) {
        1 => load::<1>(&text, &algorithms),
        2 => load::<2>(&text, &algorithms),
        4 => load::<4>(&text, &algorithms),
        8 => load::<8>(&text, &algorithms),
        other => panic!("capacity {other} is not built"),
    }
}

fn decode(input: &Value) -> Judgement {
    let mut buffer = scratch();
    let text = bytes(&input["text"]);
    let (decoded, _) = base64url::decode(&text, &mut buffer)?;
    let hex: String = decoded.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(output([("hex", json!(hex))]))
}

/// `htu` has no entry point of its own: it is judged with a proof of a key that the test makes.
fn htu(input: &Value) -> Judgement {
    let (htu, url) = (bytes(&input["htu"]), bytes(&input["url"]));
    let (Ok(htu), Ok(url)) = (str::from_utf8(&htu), str::from_utf8(&url)) else { return Err(Error::ProofUrl) };
    let encode = |text: &str| {
        let mut out = vec![0; text.len() * 2 + 4];
        base64url::encode(text.as_bytes(), &mut out).expect("room").to_owned()
    };
    let header = json!({"typ": "dpop+jwt", "alg": "any", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "A".repeat(43)}});
    let claims = json!({"jti": "1", "htm": "GET", "htu": htu, "iat": 0});
    let proof = format!("{}.{}.AAAA", encode(&header.to_string()), encode(&claims.to_string()));
    let rules = ProofRules::new(&[&AnySignature])?;
    let mut memory = [ReplayEntry::EMPTY; 16];
    let mut store = ReplayTable::new(&mut memory, HashKey::new([5; 16]))?;
    let target = ProofTarget { method: "GET", url, token: None };
    rules.accept(proof.as_bytes(), &target, UnixTime(0), &mut store, &mut scratch()).map(|_| Map::new())
}

/// Lets the URL decide alone.
struct AnySignature;

impl Algorithm for AnySignature {
    fn name(&self) -> &'static str {
        "any"
    }

    fn primitive(&self) -> Primitive {
        Primitive::Ed25519
    }

    fn admit(&self, _: &PublicKey) -> Result<(), Error> {
        Ok(())
    }

    fn verify(&self, _: &PublicKey, _: &[u8], _: &[u8]) -> Result<(), Error> {
        Ok(())
    }
}

fn ticket(input: &Value) -> Judgement {
    let ticket = bytes(&input["ticket"]);
    let key = Ticket::parse(&ticket)?.key();
    let mut map = Map::new();
    for (name, encoding) in [("base64url", KeyEncoding::Base64url), ("base64", KeyEncoding::Base64), ("hex", KeyEncoding::Hex)] {
        let mut buffer = [0; 64];
        let text = key.encode(encoding, &mut buffer)?;
        assert!(CounterfoilKey::parse(text, encoding)? == key, "{name} does not read back");
        map.insert(name.to_owned(), json!(str::from_utf8(text).expect("ASCII")));
    }
    Ok(map)
}

fn ticket_hash(input: &Value) -> Judgement {
    let encoding = match input["encoding"].as_str().expect("an encoding") {
        "base64url" => KeyEncoding::Base64url,
        "base64" => KeyEncoding::Base64,
        "hex" => KeyEncoding::Hex,
        "raw" => KeyEncoding::Raw,
        other => panic!("unknown encoding {other}"),
    };
    let key = CounterfoilKey::parse(&bytes(&input["text"]), encoding)?;
    let hex: String = key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(output([("hex", json!(hex))]))
}

pub(crate) fn certificate(input: &Value) -> Result<Thumbprint, Error> {
    match input["values"].as_array().map(Vec::as_slice) {
        Some([value]) => form_of(input, &bytes(value)).thumbprint(&mut scratch()),
        _ => Err(Error::CertificateRepeated),
    }
}

pub(crate) fn form_of<'a>(certificate: &Value, value: &'a [u8]) -> ClientCertificate<'a> {
    match certificate["form"].as_str().expect("a form") {
        "der" => ClientCertificate::Der(value),
        "pem" => ClientCertificate::Pem(value),
        "escaped_pem" => ClientCertificate::EscapedPem(value),
        "client_cert" => ClientCertificate::ClientCert(value),
        other => panic!("unknown form {other}"),
    }
}

fn with_presenter(
    presenter: &Value,
    algorithms: &[&dyn Algorithm],
    credential: &[u8],
    now: UnixTime,
    judge: impl FnOnce(Presenter<'_>) -> Judgement,
) -> Judgement {
    if presenter == "bearer" {
        return judge(Presenter::Bearer);
    }
    if let Some(certificate_input) = presenter.get("certificate") {
        return judge(Presenter::Certificate(certificate(certificate_input)?));
    }
    if let Some(thumbprint) = presenter.get("thumbprint") {
        return judge(Presenter::Certificate(Thumbprint::parse(&bytes(thumbprint))?));
    }
    let dpop = presenter.get("dpop").expect("a presenter");
    let mut memory = [ReplayEntry::EMPTY; 16];
    let mut store = ReplayTable::new(&mut memory, HashKey::new([5; 16]))?;
    let target = ProofTarget {
        method: dpop["method"].as_str().expect("a method"),
        url: dpop["url"].as_str().expect("a URL"),
        token: Some(credential),
    };
    let proof = ProofRules::new(algorithms)?.accept(&bytes(&dpop["proof"]), &target, now, &mut store, &mut scratch())?;
    judge(Presenter::Dpop(&proof))
}

fn with_proof_rules(
    policy: &Map<String, Value>,
    algorithms: &[&dyn Algorithm],
    judge: impl FnOnce(ProofRules<'_>) -> Judgement,
) -> Judgement {
    let number = |name: &str, default: u64| policy.get(name).and_then(Value::as_u64).unwrap_or(default);
    let rules = ProofRules::new(algorithms)?.with_window(Seconds(number("past", 300)), Seconds(number("ahead", 10)));
    let Some(nonce) = policy.get("nonce").filter(|nonce| !nonce.is_null()) else { return judge(rules) };
    let secret = from_hex(nonce["secret_hex"].as_str().expect("a secret"));
    let key = NonceKey::new(&secret, Seconds(nonce["step"].as_u64().expect("a step")))?;
    judge(rules.with_nonce(&key))
}

fn with_verifier(
    policy: &Map<String, Value>,
    algorithms: &[&dyn Algorithm],
    keys: Keys<'_>,
    judge: impl FnOnce(Verifier<'_>) -> Judgement,
) -> Judgement {
    let texts = |value: Option<&Value>| -> Vec<String> {
        value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (audience, more) = match &policy["audience"] {
        Value::Array(_) => {
            let mut all = texts(policy.get("audience"));
            (all.remove(0), all)
        }
        one => (one.as_str().expect("an audience").to_owned(), Vec::new()),
    };
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let profile = policy.get("profile").filter(|profile| profile.is_object());
    let types: Vec<TokenType<'_>> = profile
        .and_then(|profile| profile["types"].as_array())
        .map_or_else(Vec::new, |types| types.iter().map(|typ| typ.as_str().map_or(TokenType::Absent, TokenType::Named)).collect());
    let required = texts(profile.map(|profile| &profile["required"]));
    let required: Vec<&str> = required.iter().map(String::as_str).collect();
    let (scopes, acr_values) = (texts(policy.get("scopes")), texts(policy.get("acr_values")));
    let (scopes, acr_values): (Vec<&str>, Vec<&str>) =
        (scopes.iter().map(String::as_str).collect(), acr_values.iter().map(String::as_str).collect());
    let number = |name: &str| policy.get(name).and_then(Value::as_u64);
    let binding = match policy.get("binding").and_then(Value::as_str) {
        None | Some("required") => Binding::Required,
        Some("mtls") => Binding::Mtls,
        Some("dpop") => Binding::Dpop,
        Some("optional") => Binding::Optional,
        Some(other) => panic!("unknown binding {other}"),
    };
    let size = |name: &str, default: usize| number(name).map_or(default, |size| usize::try_from(size).expect("a size"));
    let limits = Limits::new(size("max_token_bytes", Limits::DEFAULT.token()), size("max_header_bytes", Limits::DEFAULT.header()))?;
    let verifier = Verifier::new(text(policy, "issuer"), &audience, algorithms, keys)?
        .also_for(&more)?
        .with_profile(if profile.is_some() { Profile::listed(&types, &required) } else { Profile::RFC_9068 })
        .with_binding(binding)
        .with_leeway(Seconds(number("leeway").unwrap_or(10)))
        .with_limits(limits)
        .demanding(Demands { scopes: &scopes, acr_values: &acr_values, max_age: number("max_age").map(Seconds) });
    judge(verifier)
}

pub(crate) fn algorithms(policy: &Map<String, Value>) -> Vec<&'static dyn Algorithm> {
    let named = |name: &Value| -> &'static dyn Algorithm {
        match name.as_str().expect("a name") {
            "ES256" => &ES256,
            "PS256" => &PS256,
            "RS256" => &RS256,
            "EdDSA" => &EDDSA,
            "Ed25519" => &ED25519,
            other => panic!("unknown algorithm {other}"),
        }
    };
    policy["algorithms"].as_array().expect("algorithms").iter().map(named).collect()
}

pub(crate) fn claims_of(token: &AccessToken<'_>) -> Map<String, Value> {
    let claims: BTreeMap<String, Value> =
        token.claims().map(|(name, value)| (name.to_string(), serde_json::from_str(value.raw()).expect("JSON"))).collect();
    output([("claims", json!(claims))])
}

pub(crate) fn output<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(crate) fn text<'p>(policy: &'p Map<String, Value>, name: &str) -> &'p str {
    policy.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A text of the schema: plain, `{"hex": …}`, `{"text": …, "times": n}`, or a list of those.
pub(crate) fn bytes(text: &Value) -> Vec<u8> {
    match text {
        Value::String(text) => text.clone().into_bytes(),
        Value::Array(parts) => parts.iter().flat_map(bytes).collect(),
        Value::Object(part) if part.contains_key("hex") => from_hex(part["hex"].as_str().expect("hex")),
        Value::Object(part) => {
            let times = part["times"].as_u64().expect("times");
            part["text"].as_str().expect("a text").repeat(usize::try_from(times).expect("times")).into_bytes()
        }
        other => panic!("no text: {other}"),
    }
}

pub(crate) fn from_hex(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2), "odd hex");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

fn scratch() -> Vec<u8> {
    vec![0; SCRATCH]
}
