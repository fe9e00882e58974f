//! The kinds of vectors that are judged here, after the runner in core/tests/vector.

use counterfoil::crypto::{ED25519, EDDSA, ES256, PS256, RS256};
use counterfoil::jose::algorithm::{Algorithm, Algorithms};
use counterfoil::jose::header::TokenType;
use counterfoil::jose::keys::KeySet;
use counterfoil::jose::policy::Limits;
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::certificate::ClientCertificate;
use counterfoil::oauth::confirmation::{Binding, Presenter};
use counterfoil::oauth::dpop::{ProofRules, ProofTarget};
use counterfoil::oauth::jarm::{ResponseRules, SentState};
use counterfoil::oauth::nonce::NonceKey;
use counterfoil::oauth::replay::{ReplayEntry, ReplayStore, ReplayTable};
use counterfoil::oauth::verifier::{Demands, Profile, Verifier};
use counterfoil::wire::siphash::HashKey;
use counterfoil::{Error, Seconds, UnixTime};

use crate::fields::{Fields, List, MOST};

type Judgement = Result<(), Error>;

const MAX_KEYS: usize = 16;
const REPLAY_KEY: HashKey = HashKey::new([5; 16]);

/// The case's verdict; `None` when it is not spelled as it must be.
pub(crate) fn judge(input: &[u8], room: &mut [u8]) -> Option<Judgement> {
    let mut fields = Fields(input);
    let kind = fields.text()?;
    let now = UnixTime(fields.number()?);
    let named = fields.list()?;
    let mut algorithms: [&dyn Algorithm; MOST] = [&ES256; MOST];
    for (place, name) in algorithms.iter_mut().zip(named.texts()) {
        *place = algorithm(name)?;
    }
    let algorithms = &algorithms[..named.texts().len()];
    match kind {
        "access_token" => access_token(&mut fields, algorithms, now, room),
        "dpop" => dpop(&mut fields, algorithms, now, room),
        "jarm" => jarm(&mut fields, algorithms, now, room),
        _ => None,
    }
}

fn algorithm(name: &str) -> Option<&'static dyn Algorithm> {
    let all: [&dyn Algorithm; 5] = [&ES256, &PS256, &RS256, &EDDSA, &ED25519];
    all.into_iter().find(|algorithm| algorithm.name() == name)
}

fn access_token(fields: &mut Fields<'_>, algorithms: Algorithms<'_>, now: UnixTime, room: &mut [u8]) -> Option<Judgement> {
    let jwks = fields.bytes()?;
    let policy = Policy::read(fields)?;
    let token = fields.bytes()?;
    let presenter = PresenterInput::read(fields)?;
    let keys = match KeySet::<MAX_KEYS>::parse(jwks, algorithms) {
        Ok(keys) => keys,
        Err(error) => return Some(Err(error)),
    };
    let types = policy.types();
    Some(policy.verifier(&types, algorithms, &keys).and_then(|verifier| {
        presenter.with(algorithms, token, now, room, |presenter, room| verifier.accept(token, presenter, now, room).map(drop))
    }))
}

fn jarm(fields: &mut Fields<'_>, algorithms: Algorithms<'_>, now: UnixTime, room: &mut [u8]) -> Option<Judgement> {
    let (jwks, issuer, client, state) = (fields.bytes()?, fields.text()?, fields.text()?, fields.list()?);
    let (form, response) = (fields.text()?, fields.bytes()?);
    let mut judge = || {
        let keys = KeySet::<MAX_KEYS>::parse(jwks, algorithms)?;
        let rules = ResponseRules::new(issuer, client, algorithms, keys.keys())?;
        let state = state.texts().first().map_or(SentState::None, |state| SentState::Sent(state));
        match form {
            "query" => rules.accept_query(str::from_utf8(response).map_err(|_| Error::TextNotUtf8)?, state, now, room).map(drop),
            _ => rules.accept(response, state, now, room).map(drop),
        }
    };
    Some(judge())
}

fn dpop(fields: &mut Fields<'_>, algorithms: Algorithms<'_>, now: UnixTime, room: &mut [u8]) -> Option<Judgement> {
    let (past, ahead, step, secret) = (fields.number()?, fields.number()?, fields.optional_number()?, fields.bytes()?);
    let capacity = usize::try_from(fields.number()?).ok()?;
    let mut entries = [ReplayEntry::EMPTY; 256];
    let entries = entries.get_mut(..capacity)?;
    let mut store = match ReplayTable::new(entries, REPLAY_KEY) {
        Ok(store) => store,
        Err(error) => return Some(Err(error)),
    };
    let nonce = match step.map(|step| NonceKey::new(secret, Seconds(step))).transpose() {
        Ok(nonce) => nonce,
        Err(error) => return Some(Err(error)),
    };
    let rules = ProofRules::new(algorithms).map(|rules| rules.with_window(Seconds(past), Seconds(ahead)));
    let rules = match (rules, &nonce) {
        (Ok(rules), Some(nonce)) => rules.with_nonce(nonce),
        (Ok(rules), None) => rules,
        (Err(error), _) => return Some(Err(error)),
    };
    for _ in 0..fields.number()? {
        let (earlier_now, expected) = (UnixTime(fields.number()?), fields.text()?);
        let verdict = one_proof(fields, rules, &mut store, earlier_now, room)?;
        if verdict.map_or_else(Error::slug, |()| "ok") != expected {
            return None;
        }
    }
    one_proof(fields, rules, &mut store, now, room)
}

fn one_proof(
    fields: &mut Fields<'_>,
    rules: ProofRules<'_>,
    store: &mut dyn ReplayStore,
    now: UnixTime,
    room: &mut [u8],
) -> Option<Judgement> {
    let (proof, method, url, token) = (fields.bytes()?, fields.text()?, fields.text()?, fields.list()?);
    let target = ProofTarget { method, url, token: token.texts().first().map(|token| token.as_bytes()) };
    Some(rules.accept(proof, &target, now, store, room).map(drop))
}

/// A verifier's arguments.
struct Policy<'i> {
    issuer: &'i str,
    audiences: List<'i>,
    /// `None` for RFC 9068; an empty text for "no `typ`".
    profile: Option<(List<'i>, List<'i>)>,
    binding: Binding,
    leeway: u64,
    scopes: List<'i>,
    acr_values: List<'i>,
    max_age: Option<u64>,
    token_limit: Option<u64>,
    header_limit: Option<u64>,
}

impl<'i> Policy<'i> {
    fn read(fields: &mut Fields<'i>) -> Option<Self> {
        Some(Self {
            issuer: fields.text()?,
            audiences: fields.list()?,
            profile: match fields.text()? {
                "rfc9068" => None,
                _ => Some((fields.list()?, fields.list()?)),
            },
            binding: match fields.text()? {
                "required" => Binding::Required,
                "mtls" => Binding::Mtls,
                "dpop" => Binding::Dpop,
                "optional" => Binding::Optional,
                _ => return None,
            },
            leeway: fields.number()?,
            scopes: fields.list()?,
            acr_values: fields.list()?,
            max_age: fields.optional_number()?,
            token_limit: fields.optional_number()?,
            header_limit: fields.optional_number()?,
        })
    }

    fn types(&self) -> [TokenType<'i>; MOST] {
        let mut types = [TokenType::Absent; MOST];
        for (to, typ) in types.iter_mut().zip(self.profile.iter().flat_map(|(types, _)| types.texts())) {
            *to = if typ.is_empty() { TokenType::Absent } else { TokenType::Named(typ) };
        }
        types
    }

    fn verifier<'v>(
        &'v self,
        types: &'v [TokenType<'i>; MOST],
        algorithms: Algorithms<'v>,
        keys: &'v KeySet<MAX_KEYS>,
    ) -> Result<Verifier<'v>, Error> {
        let size = |limit: Option<u64>, default| limit.map_or(default, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let limits = Limits::new(size(self.token_limit, Limits::DEFAULT.token()), size(self.header_limit, Limits::DEFAULT.header()))?;
        let (first, more) = self.audiences.texts().split_first().ok_or(Error::AudienceUnset)?;
        let profile = match &self.profile {
            Some((listed, required)) => Profile::listed(&types[..listed.texts().len()], required.texts()),
            None => Profile::RFC_9068,
        };
        Ok(Verifier::new(self.issuer, first, algorithms, keys.keys())?
            .also_for(more)?
            .with_profile(profile)
            .with_binding(self.binding)
            .with_leeway(Seconds(self.leeway))
            .with_limits(limits)
            .demanding(Demands { scopes: self.scopes.texts(), acr_values: self.acr_values.texts(), max_age: self.max_age.map(Seconds) }))
    }
}

enum PresenterInput<'i> {
    Bearer,
    Certificate(ClientCertificate<'i>),
    Certificates,
    Thumbprint(&'i [u8]),
    Dpop { proof: &'i [u8], method: &'i str, url: &'i str },
}

impl<'i> PresenterInput<'i> {
    fn read(fields: &mut Fields<'i>) -> Option<Self> {
        Some(match fields.text()? {
            "bearer" => Self::Bearer,
            "der" => Self::Certificate(ClientCertificate::Der(fields.bytes()?)),
            "pem" => Self::Certificate(ClientCertificate::Pem(fields.bytes()?)),
            "escaped_pem" => Self::Certificate(ClientCertificate::EscapedPem(fields.bytes()?)),
            "client_cert" => Self::Certificate(ClientCertificate::ClientCert(fields.bytes()?)),
            "certificates" => Self::Certificates,
            "thumbprint" => Self::Thumbprint(fields.bytes()?),
            "dpop" => Self::Dpop { proof: fields.bytes()?, method: fields.text()?, url: fields.text()? },
            _ => return None,
        })
    }

    fn with(
        &self,
        algorithms: Algorithms<'_>,
        token: &[u8],
        now: UnixTime,
        room: &mut [u8],
        judge: impl FnOnce(Presenter<'_>, &mut [u8]) -> Judgement,
    ) -> Judgement {
        match *self {
            Self::Bearer => judge(Presenter::Bearer, room),
            Self::Certificate(form) => judge(Presenter::Certificate(form.thumbprint(room)?), room),
            Self::Certificates => Err(Error::CertificateRepeated),
            Self::Thumbprint(text) => judge(Presenter::Certificate(Thumbprint::parse(text)?), room),
            Self::Dpop { proof, method, url } => {
                let mut entries = [ReplayEntry::EMPTY; 16];
                let mut store = ReplayTable::new(&mut entries, REPLAY_KEY)?;
                let target = ProofTarget { method, url, token: Some(token) };
                let proof = ProofRules::new(algorithms)?.accept(proof, &target, now, &mut store, room)?;
                judge(Presenter::Dpop(&proof), room)
            }
        }
    }
}
