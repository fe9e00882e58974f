//! A gateway for Python.

use core::cell::RefCell;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::{ArcSwap, Guard};
use counterfoil::oauth::confirmation::Presenter;
use counterfoil::oauth::dpop::ProofTarget;
use counterfoil::oauth::request::{Request, TokenForm};
use counterfoil::oauth::split_token::{Counterfoil, CounterfoilKey, KeyEncoding};
use counterfoil::oauth::verifier::Demands;
use counterfoil::{Error, Seconds, UnixTime};
use counterfoil_gateway::{Gateway, Route, Scratch};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList};

use crate::certificate::Held;
use crate::error::{Extra, exception, judged, misconfigured, raised, raised_with};
use crate::text::Text;
use crate::token::{AccessToken, Kept, Proof, kept};

/// How often this process is the child of a fork.
static FORKS: AtomicU64 = AtomicU64::new(0);

/// To be called in a child process: threads and locks of a gateway do not survive a fork.
#[pyfunction]
pub(crate) fn after_fork() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

std::thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

/// Lends this thread's scratch memory. No Python code runs meanwhile, so nobody asks for it twice.
fn with_scratch<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
    SCRATCH.with_borrow_mut(work)
}

static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// `json.loads`.
pub(crate) fn loads(py: Python<'_>) -> PyResult<&Py<PyAny>> {
    LOADS.get_or_try_init(py, || Ok(py.import("json")?.getattr("loads")?.unbind()))
}

pub(crate) fn time(now: Option<u64>) -> UnixTime {
    now.map_or_else(|| UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())), UnixTime)
}

/// Judges tokens and requests for one resource server, from any number of threads.
#[pyclass(frozen, subclass, module = "counterfoil")]
pub(crate) struct Verifier {
    settings: String,
    current: ArcSwap<Made>,
}

struct Made {
    forks: u64,
    gateway: Gateway,
}

impl Made {
    fn new(py: Python<'_>, settings: &str) -> PyResult<Self> {
        let forks = FORKS.load(Ordering::Relaxed);
        py.detach(|| Gateway::from_json(settings)).map(|gateway| Self { forks, gateway }).map_err(|error| misconfigured(py, &error))
    }
}

/// Who presents a token.
#[derive(FromPyObject)]
enum Holder<'py> {
    Certificate(Held<'py>),
    Proof(Bound<'py, Proof>),
}

/// A proof that was accepted, or one that is to be.
#[derive(FromPyObject)]
enum Dpop<'py> {
    Proof(Bound<'py, Proof>),
    Text(Text<'py>),
}

/// What the caller says of the presenter, read into arguments of the engine.
enum Shown<'a> {
    Bearer,
    Certificate(Result<counterfoil::jose::thumbprint::Thumbprint, Error>),
    Proof(counterfoil::oauth::dpop::Proof),
    Dpop { proof: &'a [u8], method: &'a str, url: &'a str },
}

impl Verifier {
    /// The gateway; made anew in a child process, where the parent's cannot be dropped either: its threads are not there to be joined.
    fn gateway(&self, py: Python<'_>) -> PyResult<Guard<Arc<Made>>> {
        let made = self.current.load();
        if made.forks == FORKS.load(Ordering::Relaxed) {
            return Ok(made);
        }
        core::mem::forget(self.current.swap(Arc::new(Made::new(py, &self.settings)?)));
        Ok(self.current.load())
    }

    fn judge_token(
        &self,
        py: Python<'_>,
        form: Option<TokenForm<'_>>,
        token: &[u8],
        shown: &Shown<'_>,
        now: UnixTime,
    ) -> PyResult<AccessToken> {
        let made = self.gateway(py)?;
        let gateway = &made.gateway;
        let judge = |presenter: Presenter<'_>| {
            with_scratch(|scratch| match form {
                None => gateway.accept(token, presenter, now, scratch).and_then(|token| kept(&token)),
                Some(form) => gateway.route().accept_as(form, token, presenter, now, scratch).and_then(|token| kept(&token)),
            })
        };
        let accepted = judged(py, || match *shown {
            Shown::Bearer => judge(Presenter::Bearer),
            Shown::Certificate(thumbprint) => judge(Presenter::Certificate(thumbprint?)),
            Shown::Proof(ref proof) => judge(Presenter::Dpop(proof)),
            Shown::Dpop { proof, method, url } => {
                let target = ProofTarget { method, url, token: Some(token) };
                let proof = with_scratch(|scratch| gateway.accept_proof(proof, &target, now, scratch))?;
                judge(Presenter::Dpop(&proof))
            }
        });
        accepted.map(AccessToken::from).map_err(|error| raised(py, error))
    }
}

fn shown<'a>(
    certificate: Option<&Held<'_>>,
    dpop: Option<&'a Dpop<'_>>,
    method: Option<&'a str>,
    url: Option<&'a str>,
) -> PyResult<Shown<'a>> {
    match (certificate, dpop, method, url) {
        (None, None, None, None) => Ok(Shown::Bearer),
        (Some(certificate), None, None, None) => Ok(Shown::Certificate(certificate.thumbprint())),
        (None, Some(Dpop::Proof(proof)), None, None) => Ok(Shown::Proof(proof.get().0)),
        (None, Some(Dpop::Text(proof)), Some(method), Some(url)) => Ok(Shown::Dpop { proof: proof.bytes()?, method, url }),
        (Some(_), Some(_), ..) => Err(PyTypeError::new_err("certificate and dpop exclude each other")),
        _ => Err(PyTypeError::new_err("a proof needs method and url, and nothing else does")),
    }
}

/// The values of two headers.
type Values<'py> = [Vec<Text<'py>>; 2];

/// All values of `Authorization` and of `DPoP`, from a mapping or from pairs.
fn headers<'py>(headers: &Bound<'py, PyAny>) -> PyResult<Values<'py>> {
    const NAMES: [&[u8]; 2] = [b"authorization", b"dpop"];
    let mut found: Values<'py> = [Vec::new(), Vec::new()];
    let pairs = match headers.cast::<PyDict>() {
        Ok(mapping) => mapping.items().into_any(),
        Err(_) if headers.hasattr("items")? => headers.call_method0("items")?,
        Err(_) => headers.clone(),
    };
    for pair in pairs.try_iter()? {
        let (name, value): (Text<'_>, Bound<'_, PyAny>) = pair?.extract()?;
        let name = name.bytes()?;
        let place = NAMES.iter().zip(&mut found).find(|(own, _)| name.eq_ignore_ascii_case(own));
        let Some((_, values)) = place else { continue };
        match value.cast::<PyList>() {
            Ok(several) => several.iter().try_for_each(|value| value.extract().map(|value| values.push(value)))?,
            Err(_) => values.push(value.extract()?),
        }
    }
    Ok(found)
}

fn slices<'a>(texts: &'a [Text<'_>]) -> PyResult<Vec<&'a [u8]>> {
    texts.iter().map(Text::bytes).collect()
}

#[pymethods]
impl Verifier {
    #[new]
    fn new(py: Python<'_>, settings: String) -> PyResult<Self> {
        let current = ArcSwap::from_pointee(Made::new(py, &settings)?);
        Ok(Self { settings, current })
    }

    /// Judges a token and who presents it.
    #[pyo3(signature = (token, *, certificate = None, dpop = None, method = None, url = None, now = None))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn accept(
        &self,
        py: Python<'_>,
        token: Text<'_>,
        certificate: Option<Held<'_>>,
        dpop: Option<Dpop<'_>>,
        method: Option<&str>,
        url: Option<&str>,
        now: Option<u64>,
    ) -> PyResult<AccessToken> {
        let shown = shown(certificate.as_ref(), dpop.as_ref(), method, url)?;
        self.judge_token(py, None, token.bytes()?, &shown, time(now))
    }

    /// Judges a split token whose counterfoil the caller has looked up.
    #[pyo3(signature = (counterfoil, ticket, *, certificate = None, dpop = None, method = None, url = None, now = None))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn accept_split(
        &self,
        py: Python<'_>,
        counterfoil: Text<'_>,
        ticket: Text<'_>,
        certificate: Option<Held<'_>>,
        dpop: Option<Dpop<'_>>,
        method: Option<&str>,
        url: Option<&str>,
        now: Option<u64>,
    ) -> PyResult<AccessToken> {
        let shown = shown(certificate.as_ref(), dpop.as_ref(), method, url)?;
        let form = Counterfoil::parse(counterfoil.bytes()?).map(TokenForm::Split).map_err(|error| raised(py, error))?;
        self.judge_token(py, Some(form), ticket.bytes()?, &shown, time(now))
    }

    /// Judges one HTTP request.
    #[pyo3(signature = (method, url, headers, certificate = None, *, scopes = None, acr_values = None, max_age = None, now = None))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn accept_request(
        &self,
        py: Python<'_>,
        method: &str,
        url: &str,
        headers: &Bound<'_, PyAny>,
        certificate: Option<Held<'_>>,
        scopes: Option<Vec<String>>,
        acr_values: Option<Vec<String>>,
        max_age: Option<u64>,
        now: Option<u64>,
    ) -> PyResult<AccessToken> {
        let [authorization, dpop] = self::headers(headers)?;
        let (authorization, dpop) = (slices(&authorization)?, slices(&dpop)?);
        let certificate = certificate.as_ref().map(Held::presented).transpose().map_err(|error| raised(py, error))?;
        let request = Request { method, url, authorization: &authorization, dpop: &dpop, certificate };
        let demands = (scopes.is_some() || acr_values.is_some() || max_age.is_some()).then_some((scopes, acr_values, max_age));
        let (made, now) = (self.gateway(py)?, time(now));
        let gateway = &made.gateway;
        let mut answer = Answer::default();
        let accepted = judged(py, || {
            with_demands(gateway, demands.as_ref(), |route| {
                with_scratch(|scratch| {
                    let refused = match route.accept_request(&request, now, scratch) {
                        Ok(token) => return kept(&token),
                        Err(refused) => refused,
                    };
                    answer.www_authenticate = refused.www_authenticate().map(str::to_owned);
                    answer.dpop_nonce = refused.dpop_nonce().map(|nonce| nonce.as_str().to_owned());
                    Err(refused.error())
                })
            })
        });
        accepted.map(AccessToken::from).map_err(|error| raised_with(py, error, &answer.extra()))
    }

    /// Judges many whole tokens at once: pairs of a token and a certificate, an accepted proof, or None.
    #[pyo3(signature = (tokens, *, now = None))]
    fn accept_batch(&self, py: Python<'_>, tokens: Vec<(Text<'_>, Option<Holder<'_>>)>, now: Option<u64>) -> PyResult<Vec<Py<PyAny>>> {
        let (made, now) = (self.gateway(py)?, time(now));
        let gateway = &made.gateway;
        let proofs: Vec<_> = tokens.iter().map(|(_, holder)| proof_of(holder.as_ref())).collect();
        let mut refused = vec![None; tokens.len()];
        let mut presented = Vec::with_capacity(tokens.len());
        for (((token, holder), proof), refused) in tokens.iter().zip(&proofs).zip(&mut refused) {
            let presenter = match (holder, proof) {
                (_, Some(proof)) => Presenter::Dpop(proof),
                (Some(Holder::Certificate(certificate)), _) => match certificate.thumbprint() {
                    Ok(thumbprint) => Presenter::Certificate(thumbprint),
                    Err(error) => {
                        *refused = Some(error);
                        Presenter::Bearer
                    }
                },
                _ => Presenter::Bearer,
            };
            // What has a bad certificate is not judged at all.
            presented.push((if refused.is_some() { b"".as_slice() } else { token.bytes()? }, presenter));
        }
        let judge = || Ok(with_scratch(|scratch| kept_all(gateway.accept_batch(&presented, now, scratch))));
        let verdicts = judged(py, judge).map_err(|error| raised(py, error))?;
        let verdicts = verdicts.into_iter().zip(refused).map(|(verdict, refused)| refused.map_or(verdict, Err));
        let object = |verdict: Result<Kept, Error>| match verdict {
            Ok(token) => Ok(Py::new(py, AccessToken::from(token))?.into_any()),
            Err(error) => Ok(exception(py, error, &Extra::default())),
        };
        verdicts.map(object).collect()
    }

    /// Judges a DPoP proof and uses it up. `token` None: for a token endpoint.
    #[pyo3(signature = (proof, method, url, token = None, *, now = None))]
    fn accept_proof(
        &self,
        py: Python<'_>,
        proof: Text<'_>,
        method: &str,
        url: &str,
        token: Option<Text<'_>>,
        now: Option<u64>,
    ) -> PyResult<Proof> {
        let (made, now) = (self.gateway(py)?, time(now));
        let gateway = &made.gateway;
        let target = ProofTarget { method, url, token: token.as_ref().map(Text::bytes).transpose()? };
        let proof = proof.bytes()?;
        let accepted = judged(py, || with_scratch(|scratch| gateway.accept_proof(proof, &target, now, scratch)));
        accepted.map(Proof).map_err(|error| raised(py, error))
    }

    /// The value of `DPoP-Nonce` for every answer, where nonces are demanded.
    #[pyo3(signature = (*, now = None))]
    fn dpop_nonce(&self, py: Python<'_>, now: Option<u64>) -> PyResult<Option<String>> {
        Ok(self.gateway(py)?.gateway.dpop_nonce(time(now)).map(|nonce| nonce.as_str().to_owned()))
    }

    /// Puts another JWK Set in the place of an issuer's current one.
    fn replace_keys(&self, py: Python<'_>, issuer: &str, jwks: Text<'_>) -> PyResult<()> {
        let made = self.gateway(py)?;
        let (gateway, jwks) = (&made.gateway, jwks.bytes()?);
        judged(py, || gateway.replace_keys(issuer, jwks)).map_err(|error| raised(py, error))
    }

    /// Waits until every issuer has keys, at most for so many seconds; says whether they have.
    fn wait_for_keys(&self, py: Python<'_>, timeout: f64) -> PyResult<bool> {
        let timeout = Duration::try_from_secs_f64(timeout).map_err(|_| PyValueError::new_err("timeout is not a number of seconds"))?;
        let made = self.gateway(py)?;
        let gateway = &made.gateway;
        Ok(py.detach(|| gateway.wait_for_keys(timeout)))
    }

    /// Refuses from now on, in this process and until `until`, the split or phantom token whose SHA-256 is `key`, in base64url.
    fn revoke(&self, py: Python<'_>, key: Text<'_>, until: u64) -> PyResult<()> {
        let key = CounterfoilKey::parse(key.bytes()?, KeyEncoding::Base64url).map_err(|error| raised(py, error))?;
        self.gateway(py)?.gateway.revoke(&key, UnixTime(until));
        Ok(())
    }

    /// How many requests and tokens were accepted, and how many refused, by code.
    fn counters(&self, py: Python<'_>) -> PyResult<(u64, Vec<(&'static str, u64)>)> {
        let made = self.gateway(py)?;
        let refused = made.gateway.refused().filter(|(_, count)| *count > 0).map(|(error, count)| (error.slug(), count));
        Ok((made.gateway.accepted(), refused.collect()))
    }

    /// For each issuer: its name, how many keys it has, how often its source was asked, how often in vain, and why the last time.
    #[expect(clippy::type_complexity, reason = "a tuple for Python")]
    fn key_status(&self, py: Python<'_>) -> PyResult<Vec<(String, usize, u64, u64, Option<String>)>> {
        let made = self.gateway(py)?;
        let told = |(name, status): (&str, counterfoil_gateway::KeyStatus)| {
            let failure = status.last_failure.map(|failure| failure.to_string());
            (name.to_owned(), status.keys, status.looks, status.failures, failure)
        };
        Ok(made.gateway.key_status().map(told).collect())
    }
}

fn proof_of(holder: Option<&Holder<'_>>) -> Option<counterfoil::oauth::dpop::Proof> {
    match holder {
        Some(Holder::Proof(proof)) => Some(proof.get().0),
        _ => None,
    }
}

fn kept_all(verdicts: Vec<Result<counterfoil::oauth::access_token::AccessToken<'_>, Error>>) -> Vec<Result<Kept, Error>> {
    verdicts.into_iter().map(|verdict| verdict.and_then(|token| kept(&token))).collect()
}

/// What is answered to a refused request.
#[derive(Default)]
struct Answer {
    www_authenticate: Option<String>,
    dpop_nonce: Option<String>,
}

impl Answer {
    fn extra(&self) -> Extra<'_> {
        Extra { www_authenticate: self.www_authenticate.as_deref(), dpop_nonce: self.dpop_nonce.as_deref(), about: None }
    }
}

type Own = (Option<Vec<String>>, Option<Vec<String>>, Option<u64>);

/// The plain route, or one with demands of this call.
fn with_demands<R>(gateway: &Gateway, own: Option<&Own>, judge: impl FnOnce(Route<'_>) -> R) -> R {
    let Some((scopes, acr_values, max_age)) = own else { return judge(gateway.route()) };
    let (scopes, acr_values) = (slices_of(scopes.as_deref()), slices_of(acr_values.as_deref()));
    judge(gateway.route_demanding(Demands { scopes: &scopes, acr_values: &acr_values, max_age: max_age.map(Seconds) }))
}

fn slices_of(words: Option<&[String]>) -> Vec<&str> {
    words.into_iter().flatten().map(String::as_str).collect()
}
