//! Every entry point, once to accept and once to refuse.

use counterfoil::jose::algorithm::Algorithms;
use counterfoil::jose::keys::{Key, KeySet, Keys};
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::cache::{CacheSlot, TokenCache};
use counterfoil::oauth::certificate::ClientCertificate;
use counterfoil::oauth::confirmation::Presenter;
use counterfoil::oauth::dpop::{ProofRules, ProofTarget};
use counterfoil::oauth::jarm::{ResponseRules, SentState};
use counterfoil::oauth::nonce::NonceKey;
use counterfoil::oauth::replay::{ReplayEntry, ReplayTable};
use counterfoil::oauth::request::{Request, ResourceServer};
use counterfoil::oauth::split_token::{self, CounterfoilKey, KeyEncoding};
use counterfoil::oauth::verifier::Verifier;
use counterfoil::wire::siphash::HashKey;
use counterfoil::{Error, Seconds, UnixTime};

use crate::material::{self, AUDIENCE, CERTIFICATE, CERTIFICATE_PEM, CLIENT, ISSUER, NONCE_SECRET, NONCE_STEP, STATE, Subject, URL};
use crate::room::{CACHED, KEYS, Room, forge};
use crate::stack::Stack;

/// Where lines are written.
pub trait Console {
    /// Writes a text.
    fn write(&mut self, text: &str);
}

type Judgement = Result<(), Error>;

const NOW: UnixTime = UnixTime(material::NOW);

/// Makes every judgement with these algorithms about these subjects, writes a line `subject judgement: verdict stack` for each, and
/// says whether all were as they must be.
pub fn run(algorithms: Algorithms<'_>, subjects: &[&Subject], room: &mut Room, stack: Stack, console: &mut dyn Console) -> bool {
    let mut bench = Bench { stack, console, good: true };
    let Room { keys, key, scratch, replay, cache, forged } = room;
    bench.judge("all", "KeySet::parse", Ok(()), &mut || parsed(algorithms));
    bench.judge("all", "KeySet::load", Ok(()), &mut || keys.load(material::JWKS, algorithms));
    let cache = cache.write([CacheSlot::empty()]);
    bench.judge("all", "Key::parse, unusable", Err(Error::KeyMalformed), &mut || Key::parse(b"{}", algorithms).map(drop));
    bench.judge("all", "certificate forms", Ok(()), &mut || certificates(scratch));
    bench.judge("all", "NonceKey", Ok(()), &mut nonces);
    for subject in subjects {
        let name = subject.algorithm;
        let Ok(forged_token) = forge(subject.token, forged) else { return false };
        let host = Host { algorithms, keys: keys.keys(), subject };
        bench.judge(name, "Key::parse and thumbprint", Ok(()), &mut || {
            let key = key.write(Key::parse(subject.key, algorithms)?);
            if Thumbprint::of_key(key.public()).encode() == [0; 43] { Err(Error::KeyMalformed) } else { Ok(()) }
        });
        bench.judge(name, "accept", Ok(()), &mut || host.accept(subject.token, scratch));
        bench.judge(name, "accept, forged", Err(Error::SignatureInvalid), &mut || host.accept(forged_token, scratch));
        let batch = [subject.token, forged_token, subject.token];
        bench.judge(name, "accept_batch of three", Err(Error::SignatureInvalid), &mut || host.accept_batch(batch, scratch));
        bench.judge(name, "accept_split", Ok(()), &mut || host.accept_split(subject.token, scratch));
        bench.judge(name, "accept_split, forged", Err(Error::SignatureInvalid), &mut || host.accept_split(forged_token, scratch));
        bench.judge(name, "split, join and keys", Ok(()), &mut || halves(subject.token, scratch));
        bench.judge(name, "deserialize", Ok(()), &mut || host.deserialize(scratch));
        bench.judge(name, "cache, new and again", Ok(()), &mut || host.cached(subject.token, cache, scratch));
        bench.judge(name, "cache, forged", Err(Error::SignatureInvalid), &mut || host.cached(forged_token, cache, scratch));
        bench.judge(name, "response", Ok(()), &mut || host.response(STATE, scratch));
        bench.judge(name, "response, other state", Err(Error::ResponseState), &mut || host.response("other", scratch));
        bench.judge(name, "request", Ok(()), &mut || host.request(subject.proof, replay, scratch));
        bench.judge(name, "proof", Ok(()), &mut || host.proof(subject.proof, replay, scratch));
        let Ok(forged_proof) = forge(subject.proof, forged) else { return false };
        bench.judge(name, "proof, forged", Err(Error::ProofSignature), &mut || host.proof(forged_proof, replay, scratch));
        bench.judge(name, "request, forged", Err(Error::ProofSignature), &mut || host.request(forged_proof, replay, scratch));
    }
    bench.good
}

/// The token of the engine's first example, accepted, and refused when it is forged.
pub fn paved(algorithms: Algorithms<'_>, room: &mut Room, stack: Stack, console: &mut dyn Console) -> bool {
    let mut bench = Bench { stack, console, good: true };
    let Room { keys, scratch, forged, .. } = room;
    bench.judge("paved", "KeySet::load", Ok(()), &mut || keys.load(material::PAVED_JWKS, algorithms));
    let host = Host { algorithms, keys: keys.keys(), subject: &material::ES256 };
    bench.judge("paved", "accept", Ok(()), &mut || host.accept(material::PAVED_TOKEN, scratch));
    let Ok(forged) = forge(material::PAVED_TOKEN, forged) else { return false };
    bench.judge("paved", "accept, forged", Err(Error::SignatureInvalid), &mut || host.accept(forged, scratch));
    bench.good
}

struct Bench<'a> {
    stack: Stack,
    console: &'a mut dyn Console,
    good: bool,
}

impl Bench<'_> {
    fn judge(&mut self, subject: &str, name: &str, expected: Judgement, work: &mut dyn FnMut() -> Judgement) {
        let mut verdict = Err(Error::Panicked);
        let peak = self.stack.peak(&mut || verdict = work());
        let right = verdict == expected;
        self.good &= right;
        let verdict = verdict.map_or_else(Error::slug, |()| "ok");
        for text in [subject, " ", name, ": ", verdict, " ", decimal(peak, &mut [0; 20]), "\n"] {
            self.console.write(text);
        }
        if !right {
            self.console.write("WRONG\n");
        }
    }
}

/// A resource server, or the client of an authorization server, and its keys.
struct Host<'a> {
    algorithms: Algorithms<'a>,
    keys: Keys<'a>,
    subject: &'a Subject,
}

impl Host<'_> {
    fn verifier(&self) -> Result<Verifier<'_>, Error> {
        Verifier::new(ISSUER, AUDIENCE, self.algorithms, self.keys)
    }

    #[inline(never)]
    fn accept(&self, token: &[u8], scratch: &mut [u8]) -> Judgement {
        self.verifier()?.accept(token, holder()?, NOW, scratch).map(drop)
    }

    /// Of three tokens, the first and the last must be accepted; the verdict is that on the second.
    #[inline(never)]
    fn accept_batch(&self, tokens: [&[u8]; 3], scratch: &mut [u8]) -> Judgement {
        let presenter = holder()?;
        let verdicts = self.verifier()?.accept_batch(&tokens.map(|token| (token, presenter)), NOW, scratch)?;
        match verdicts.as_slice() {
            [Ok(_), second, Ok(_)] => second.as_ref().map(|_| ()).map_err(|error| *error),
            _ => Err(Error::Panicked),
        }
    }

    #[inline(never)]
    fn accept_split(&self, token: &[u8], scratch: &mut [u8]) -> Judgement {
        let (counterfoil, ticket) = split_token::split(token)?;
        self.verifier()?.accept_split(counterfoil, ticket, holder()?, NOW, scratch).map(drop)
    }

    #[inline(never)]
    fn deserialize(&self, scratch: &mut [u8]) -> Judgement {
        #[derive(serde::Deserialize)]
        struct Claims<'c> {
            iss: &'c str,
            iat: u64,
        }
        let token = self.verifier()?.accept(self.subject.token, holder()?, NOW, scratch)?;
        let claims: Claims<'_> = token.deserialize()?;
        if claims.iss == ISSUER && claims.iat == NOW.0 - 100 { Ok(()) } else { Err(Error::ClaimsShape) }
    }

    #[inline(never)]
    fn cached(&self, token: &[u8], slots: &mut [CacheSlot<CACHED>], scratch: &mut [u8]) -> Judgement {
        let verifier = self.verifier()?;
        let mut cache = TokenCache::new(slots, HashKey::new([3; 16]))?;
        cache.accept(&verifier, token, holder()?, NOW, scratch)?;
        cache.accept(&verifier, token, holder()?, NOW, &mut []).map(drop)
    }

    #[inline(never)]
    fn response(&self, state: &str, scratch: &mut [u8]) -> Judgement {
        let rules = ResponseRules::new(ISSUER, CLIENT, self.algorithms, self.keys)?;
        rules.accept(self.subject.response, SentState::Sent(state), NOW, scratch).map(drop)
    }

    #[inline(never)]
    fn proof(&self, proof: &[u8], entries: &mut [ReplayEntry], scratch: &mut [u8]) -> Judgement {
        let mut store = ReplayTable::new(entries, HashKey::new([5; 16]))?;
        let target = ProofTarget { method: "GET", url: URL, token: Some(self.subject.bound) };
        ProofRules::new(self.algorithms)?.accept(proof, &target, NOW, &mut store, scratch).map(drop)
    }

    /// A refusal is answered too.
    #[inline(never)]
    fn request(&self, proof: &[u8], entries: &mut [ReplayEntry], scratch: &mut [u8]) -> Judgement {
        let nonce = NonceKey::new(NONCE_SECRET, Seconds(NONCE_STEP))?;
        let server = ResourceServer::new(self.verifier()?, ProofRules::new(self.algorithms)?.with_nonce(&nonce));
        let mut store = ReplayTable::new(entries, HashKey::new([5; 16]))?;
        let (authorization, scratch) = scratch.split_at_mut(5 + self.subject.bound.len());
        let (scheme, token) = authorization.split_at_mut(5);
        scheme.copy_from_slice(b"DPoP ");
        token.copy_from_slice(self.subject.bound);
        let request = Request { method: "GET", url: URL, authorization: &[authorization], dpop: &[proof], certificate: None };
        match server.accept(&request, NOW, &mut store, scratch) {
            Ok(_) => Ok(()),
            Err(refusal) => {
                let challenge = server.www_authenticate(&refusal, &mut [0; 256])?.is_some();
                let nonce = server.dpop_nonce(NOW).is_some();
                if challenge && nonce { Err(refusal.error()) } else { Err(Error::TextNotToken) }
            }
        }
    }
}

fn holder() -> Result<Presenter<'static>, Error> {
    ClientCertificate::Der(CERTIFICATE).thumbprint(&mut []).map(Presenter::Certificate)
}

#[inline(never)]
fn certificates(scratch: &mut [u8]) -> Judgement {
    let expected = ClientCertificate::Der(CERTIFICATE).thumbprint(&mut [])?;
    let (field, rest) = scratch.split_at_mut(2048);
    let base64 = CERTIFICATE_PEM.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"-")).flatten();
    let length = field.iter_mut().zip(b":".iter().chain(base64).chain(b":")).map(|(to, from)| *to = *from).count();
    let forms = [
        ClientCertificate::Pem(CERTIFICATE_PEM),
        ClientCertificate::EscapedPem(CERTIFICATE_PEM),
        ClientCertificate::ClientCert(&field[..length]),
    ];
    for form in forms {
        if form.thumbprint(rest)? != expected {
            return Err(Error::CertificateMismatch);
        }
    }
    match ClientCertificate::Pem(CERTIFICATE).thumbprint(rest) {
        Err(Error::CertificateMalformed) => Ok(()),
        _ => Err(Error::CertificateMismatch),
    }
}

/// A set on the stack of its user, as in the engine's first example.
#[inline(never)]
fn parsed(algorithms: Algorithms<'_>) -> Judgement {
    let keys = KeySet::<KEYS>::parse(material::JWKS, algorithms)?;
    if keys.keys().iter().count() > 0 { Ok(()) } else { Err(Error::KeySetEmpty) }
}

#[inline(never)]
fn nonces() -> Judgement {
    let key = NonceKey::new(NONCE_SECRET, Seconds(NONCE_STEP))?;
    if key.issue(NOW).as_str().len() == 43 { Ok(()) } else { Err(Error::NonceInvalid) }
}

#[inline(never)]
fn halves(token: &[u8], scratch: &mut [u8]) -> Judgement {
    let (counterfoil, ticket) = split_token::split(token)?;
    for encoding in [KeyEncoding::Base64url, KeyEncoding::Base64, KeyEncoding::Hex, KeyEncoding::Raw] {
        let mut text = [0; 64];
        if CounterfoilKey::parse(ticket.key().encode(encoding, &mut text)?, encoding)? != ticket.key() {
            return Err(Error::TicketHashMalformed);
        }
    }
    if split_token::join(counterfoil, ticket, scratch)?.as_bytes() == token { Ok(()) } else { Err(Error::TokenNotCompact) }
}

/// Writes a line `name: number`.
pub fn figure(name: &str, number: usize, console: &mut dyn Console) {
    for text in [name, ": ", decimal(number, &mut [0; 20]), "\n"] {
        console.write(text);
    }
}

/// Without `core::fmt`, whose size would be counted as the engine's.
fn decimal(mut number: usize, out: &mut [u8; 20]) -> &str {
    let mut start = out.len();
    loop {
        start -= 1;
        out[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return str::from_utf8(&out[start..]).unwrap_or("?");
        }
    }
}
