//! Tokens by themselves: here, on another thread, and many at once.

#![expect(clippy::too_many_arguments, reason = "Node-API has no names for them; what users call takes an object")]

use counterfoil::Error;
use counterfoil::UnixTime;
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::confirmation::Presenter;
use counterfoil::oauth::request::TokenForm;
use counterfoil::oauth::split_token::Counterfoil;
use counterfoil_gateway::Gateway;
use napi_derive::napi;

use crate::error::guarded;
use crate::holder::{Holder, Proof};
use crate::pool::{Job, Verdicts, elsewhere};
use crate::scratch::{time, with_scratch};
use crate::text::Text;
use crate::verdict::{Verdict, accepted, all_refused, refused};
use crate::verifier::gateway;

fn judge(gateway: &Gateway, form: Option<TokenForm<'_>>, token: &[u8], holder: &Holder, now: UnixTime) -> Verdict {
    let judge = |presenter: Presenter<'_>| {
        with_scratch(|scratch| match form {
            None => gateway.accept(token, presenter, now, scratch).map(|token| accepted(&token)),
            Some(form) => gateway.route().accept_as(form, token, presenter, now, scratch).map(|token| accepted(&token)),
        })
    };
    guarded(|| holder.presented(gateway, token, now, judge)).unwrap_or_else(refused)
}

/// Judges a token and who presents it.
#[napi]
pub(crate) fn accept(
    verifier: u32,
    token: Text,
    thumbprint: Option<Text>,
    accepted: Option<&Proof>,
    proof: Option<Text>,
    method: Option<String>,
    url: Option<String>,
    now: Option<f64>,
) -> Verdict {
    let holder = Holder::new(thumbprint, accepted, proof, method, url);
    gateway(verifier).map_or_else(refused, |gateway| judge(&gateway, None, token.bytes(), &holder, time(now)))
}

/// As `accept`, on another thread.
#[napi]
pub(crate) fn accept_elsewhere(
    verdicts: &Verdicts,
    number: u32,
    waits: bool,
    verifier: u32,
    token: Text,
    thumbprint: Option<Text>,
    accepted: Option<&Proof>,
    proof: Option<Text>,
    method: Option<String>,
    url: Option<String>,
    now: Option<f64>,
) {
    let (token, holder) = (token.into_bytes(), Holder::new(thumbprint, accepted, proof, method, url));
    // Found now: JavaScript may forget its verifier before the job's turn comes.
    let gateway = gateway(verifier);
    let judge = move || gateway.map_or_else(refused, |gateway| judge(&gateway, None, &token, &holder, time(now)));
    elsewhere(waits, [Job::new(verdicts, number, 1, move || vec![judge()])]);
}

/// Judges tokens on other threads, each with a certificate's thumbprint or null: `each` at a time, which come back under numbers from `first` on.
/// `at_once`: as `accept_batch`, where nothing is remembered that would spare a signature.
#[napi]
pub(crate) fn accept_many_elsewhere(
    verdicts: &Verdicts,
    first: u32,
    each: u32,
    at_once: bool,
    verifier: u32,
    tokens: Vec<Text>,
    thumbprints: Vec<Option<Text>>,
    now: Option<f64>,
) {
    let each = usize::try_from(each).unwrap_or(1).max(1);
    let mut all = tokens.into_iter().zip(thumbprints);
    let chunks =
        core::iter::from_fn(|| Some(all.by_ref().take(each).collect::<(Vec<_>, Vec<_>)>()).filter(|(tokens, _)| !tokens.is_empty()));
    let gateway = gateway(verifier);
    let jobs = (first..).zip(chunks).map(|(number, (tokens, thumbprints))| {
        let (count, gateway) = (tokens.len(), gateway.clone());
        let judge = move || {
            let (gateway, now) = match gateway {
                Ok(gateway) => (gateway, time(now)),
                Err(error) => return all_refused(tokens.len(), error),
            };
            if at_once {
                return judge_batch(&gateway, &tokens, &thumbprints, now);
            }
            let one = |(token, thumbprint): (Text, Option<Text>)| {
                judge(&gateway, None, token.bytes(), &Holder::new(thumbprint, None, None, None, None), now)
            };
            tokens.into_iter().zip(thumbprints).map(one).collect()
        };
        Job::new(verdicts, number, count, judge)
    });
    // Made before any is handed over: reading JavaScript's strings takes longer than a lock should be held.
    elsewhere(false, jobs.collect::<Vec<_>>());
}

/// Judges a split token whose counterfoil the caller has looked up.
#[napi]
pub(crate) fn accept_split(
    verifier: u32,
    counterfoil: Text,
    ticket: Text,
    thumbprint: Option<Text>,
    accepted: Option<&Proof>,
    proof: Option<Text>,
    method: Option<String>,
    url: Option<String>,
    now: Option<f64>,
) -> Verdict {
    let holder = Holder::new(thumbprint, accepted, proof, method, url);
    let found = || Ok((gateway(verifier)?, TokenForm::Split(Counterfoil::parse(counterfoil.bytes())?)));
    found().map_or_else(refused, |(gateway, form)| judge(&gateway, Some(form), ticket.bytes(), &holder, time(now)))
}

/// Judges many whole tokens at once: eight signatures at a time. Thumbprints are one for each token, or null.
#[napi]
pub(crate) fn accept_batch(verifier: u32, tokens: Vec<Text>, thumbprints: Vec<Option<Text>>, now: Option<f64>) -> Vec<Verdict> {
    match gateway(verifier) {
        Ok(gateway) => judge_batch(&gateway, &tokens, &thumbprints, time(now)),
        Err(error) => all_refused(tokens.len(), error),
    }
}

fn judge_batch(gateway: &Gateway, tokens: &[Text], thumbprints: &[Option<Text>], now: UnixTime) -> Vec<Verdict> {
    let parse = |thumbprint: &Option<Text>| thumbprint.as_ref().map(|thumbprint| Thumbprint::parse(thumbprint.bytes())).transpose();
    let holders: Vec<_> = thumbprints.iter().map(parse).collect();
    let presented = tokens.iter().zip(&holders).map(|(token, holder)| match *holder {
        Ok(holder) => (token.bytes(), holder.map_or(Presenter::Bearer, Presenter::Certificate)),
        // What has a bad certificate is not judged at all.
        Err(_) => (b"".as_slice(), Presenter::Bearer),
    });
    let presented: Vec<_> = presented.collect();
    let judge = || {
        with_scratch(|scratch| {
            let verdicts = gateway.accept_batch(&presented, now, scratch).into_iter().zip(&holders);
            let verdict = |(verdict, holder): (Result<_, Error>, &Result<_, Error>)| {
                holder.and(verdict).map_or_else(refused, |token| accepted(&token))
            };
            Ok(verdicts.map(verdict).collect())
        })
    };
    guarded(judge).unwrap_or_else(|error| all_refused(tokens.len(), error))
}
