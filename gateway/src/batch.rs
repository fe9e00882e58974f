//! Many tokens at once: their signatures are judged eight by eight.

use core::time::Duration;

use counterfoil::jose::algorithm::BATCH;
use counterfoil::oauth::access_token::AccessToken;
use counterfoil::oauth::confirmation::Presenter;
use counterfoil::oauth::request::TokenForm;
use counterfoil::{Error, UnixTime};

use crate::gateway::{Gateway, Route, Trusted, keys_of};
use crate::scratch::Scratch;

/// A token and who presents it.
pub type Presented<'p> = (&'p [u8], Presenter<'p>);

type Verdicts<'s> = Vec<Result<AccessToken<'s>, Error>>;

impl Gateway {
    /// As [`Route::accept_batch`], on the plain route.
    pub fn accept_batch<'s>(&self, tokens: &[Presented<'_>], now: UnixTime, scratch: &'s mut Scratch) -> Verdicts<'s> {
        self.route().accept_batch(tokens, now, scratch)
    }
}

impl Route<'_> {
    /// Judges any number of tokens, each for itself: the verdicts are those of [`Route::accept`], in the same order, and cheaper. Neither split
    /// nor phantom tokens are looked up, and no token cache is asked.
    pub fn accept_batch<'s>(&self, tokens: &[Presented<'_>], now: UnixTime, scratch: &'s mut Scratch) -> Verdicts<'s> {
        let gateway = self.gateway;
        let issuer_of = |(token, _): &Presented<'_>, scratch: &mut [u8]| gateway.place_of_issuer(TokenForm::Whole, token, scratch);
        let issuers: Vec<_> = tokens.iter().map(|presented| issuer_of(presented, &mut scratch.token)).collect();
        scratch.again.resize(tokens.iter().map(|(token, _)| token.len()).sum(), 0);
        let mut room: &'s mut [u8] = &mut scratch.again;
        let mut verdicts: Verdicts<'s> = issuers.iter().map(|issuer| Err(issuer.err().unwrap_or(Error::KeyUnknown))).collect();
        for (place, trusted) in gateway.issuers.iter().enumerate() {
            let own: Vec<usize> = (0..tokens.len()).filter(|number| issuers[*number] == Ok(place)).collect();
            for numbers in own.chunks(BATCH) {
                let batch: heapless::Vec<Presented<'_>, BATCH> = numbers.iter().map(|number| tokens[*number]).collect();
                let (scratch, rest) = room.split_at_mut(batch.iter().map(|(token, _)| token.len()).sum());
                room = rest;
                let judged = self.judge_batch(trusted, &batch, now, scratch);
                numbers.iter().zip(judged).for_each(|(number, verdict)| verdicts[*number] = verdict);
            }
        }
        for (number, verdict) in verdicts.iter().enumerate() {
            gateway.counters.count(verdict.as_ref().map_err(|error| *error));
            if let (Err(Error::KeyUnknown), Some(trusted)) = (verdict, issuers[number].ok().and_then(|place| gateway.issuers.get(place))) {
                trusted.miss(TokenForm::Whole, tokens[number].0, Duration::ZERO, &mut scratch.token);
            }
        }
        verdicts
    }

    fn judge_batch<'s>(&self, trusted: &Trusted, batch: &[Presented<'_>], now: UnixTime, scratch: &'s mut [u8]) -> Verdicts<'s> {
        let keys = trusted.keys.load();
        let judged = trusted
            .policy
            .with_verifier(keys_of(keys.as_deref()), self.demands.as_ref(), move |verifier| verifier.accept_batch(batch, now, scratch));
        match judged.and_then(|judged| judged) {
            Ok(verdicts) => verdicts.into_iter().map(|verdict| verdict.and_then(|token| self.gateway.lookups.judge(token, now))).collect(),
            Err(error) => batch.iter().map(|_| Err(error)).collect(),
        }
    }
}
