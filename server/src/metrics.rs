//! What an operator watches, in the text format of OpenMetrics.

use core::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::error::Code;
use crate::router::Endpoint;

/// The endpoint and the status of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    endpoint: &'static str,
    status: u32,
}

/// The endpoint and the code of a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    endpoint: &'static str,
    error: &'static str,
}

/// The endpoint that took so long.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct At {
    endpoint: &'static str,
}

/// The server's counters.
pub(crate) struct Metrics {
    registry: Registry,
    answers: Family<Answered, Counter>,
    refusals: Family<Refused, Counter>,
    seconds: Family<At, Histogram>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("counterfoil_server");
        let answers = Family::<Answered, Counter>::default();
        let refusals = Family::<Refused, Counter>::default();
        // From a tenth of a millisecond to a little over three seconds.
        let seconds = Family::<At, Histogram>::new_with_constructor(|| Histogram::new(exponential_buckets(0.0001, 2.0, 16)));
        registry.register("answers", "Answers by endpoint and status", answers.clone());
        registry.register("refusals", "Refusals by endpoint and error code", refusals.clone());
        registry.register_with_unit("duration", "Time from a whole request to its answer", Unit::Seconds, seconds.clone());
        Self { registry, answers, refusals, seconds }
    }

    pub(crate) fn answered(&self, endpoint: Endpoint, status: u16, took: Duration) {
        let endpoint = endpoint.name();
        self.answers.get_or_create(&Answered { endpoint, status: status.into() }).inc();
        self.seconds.get_or_create(&At { endpoint }).observe(took.as_secs_f64());
    }

    pub(crate) fn refused(&self, endpoint: Endpoint, code: Code) {
        self.refusals.get_or_create(&Refused { endpoint: endpoint.name(), error: code.as_str() }).inc();
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
