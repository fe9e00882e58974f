//! What the reader sees: one line a step, secrets shortened.

use core::time::Duration;
use std::io::Write as _;

use crate::wire::{Answer, Call};

/// Who does something, for the first column.
#[derive(Clone, Copy)]
pub(crate) enum Who {
    App,
    Browser,
    Thief,
}

/// A line. Where nobody reads any more, it is lost.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A request with its answer.
pub(crate) fn step(who: Who, call: &Call, answer: &Answer, what: &str) {
    let who = match who {
        Who::App => "app",
        Who::Browser => "browser",
        Who::Thief => "thief",
    };
    let place = call.url.split_once("://").map_or(call.url.as_str(), |(_, place)| place);
    let place = place.split('?').next().unwrap_or_default();
    line(&format!("  {who:<7}  {:<4} {place:<36} {:>3} {:>5} ms  {what}", call.method, answer.status, milliseconds(answer.took)));
}

pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}

/// The beginning of a secret, or of an identifier that is as long.
pub(crate) fn short(text: &str) -> String {
    if text.len() <= 12 { text.to_owned() } else { text.chars().take(8).chain(['…']).collect() }
}
