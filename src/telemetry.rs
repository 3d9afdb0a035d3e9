//! The log, and the figures that `/metrics` shows.

use std::{
    io::{self, IsTerminal as _},
    sync::OnceLock,
    time::Duration,
};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStyle {
    /// Colours and words, for a person at a terminal.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// Why the log or the figures cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter does not parse.
    #[error(
        "{place} is {filter:?}, which is no log filter ({fault}); write a level such as \"info\", or levels by \
         module such as \"info,holdpoint::engine=debug\""
    )]
    Filter {
        /// The setting or the variable it came from.
        place: &'static str,
        /// The filter.
        filter: String,
        /// What the parser said.
        fault: tracing_subscriber::filter::ParseError,
    },
    /// This process already has a log.
    #[error("the log is already set up in this process; set it up once, at the start")]
    LogTaken,
    /// This process already records its metrics elsewhere.
    #[error("another recorder of metrics is already set up in this process; leave that to Holdpoint")]
    RecorderTaken,
}

/// What kind of figure a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// It only ever goes up.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How values are spread.
    Histogram,
}

/// One metric of Holdpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name, with the unit where it has one.
    pub name: &'static str,
    /// What it counts, in one sentence.
    pub about: &'static str,
    /// What kind it is.
    pub kind: MetricKind,
}

/// Commands decided. Label `outcome`: `done`, `repeated`, `refused` or `fault`.
pub const COMMANDS_TOTAL: &str = "holdpoint_commands_total";
/// Seconds that a command took to be decided and committed, with the others of its batch.
pub const COMMAND_SECONDS: &str = "holdpoint_command_seconds";
/// Messages owed to Discord and not yet delivered.
pub const OUTBOX_OWED: &str = "holdpoint_outbox_owed";
/// How many seconds ago the oldest message owed became due; 0 when nothing is owed.
pub const OUTBOX_OLDEST_SECONDS: &str = "holdpoint_outbox_oldest_seconds";
/// Attempts to deliver a message. Label `result`: `delivered`, `no_longer_so`, `retry`, `unknown` or
/// `given_up`.
pub const DELIVERIES_TOTAL: &str = "holdpoint_deliveries_total";
/// Timers that wait for their time.
pub const TIMERS_PENDING: &str = "holdpoint_timers_pending";
/// Runs of a check. Label `status`: `passed`, `failed` or `error`, when it could not be run.
pub const CHECK_RUNS_TOTAL: &str = "holdpoint_check_runs_total";
/// Observations of checks that came due. Label `status`: `passed` or `not_passed`.
pub const CHECK_OBSERVATIONS_TOTAL: &str = "holdpoint_check_observations_total";
/// 1 while the gateway is connected, otherwise 0.
pub const GATEWAY_UP: &str = "holdpoint_gateway_up";
/// Gateway events of a kind we know that could not be read.
pub const UNKNOWN_EVENTS_TOTAL: &str = "holdpoint_unknown_events_total";

/// Every metric there is.
pub const METRICS: &[Metric] = &[
    Metric {
        name: COMMANDS_TOTAL,
        about: "Commands decided, by outcome: done, repeated, refused or fault.",
        kind: MetricKind::Counter,
    },
    Metric {
        name: COMMAND_SECONDS,
        about: "Seconds that a command took to be decided and committed, with the others of its batch.",
        kind: MetricKind::Histogram,
    },
    Metric {
        name: OUTBOX_OWED,
        about: "Messages owed to Discord and not yet delivered.",
        kind: MetricKind::Gauge,
    },
    Metric {
        name: OUTBOX_OLDEST_SECONDS,
        about: "How many seconds ago the oldest message owed became due; 0 when nothing is owed.",
        kind: MetricKind::Gauge,
    },
    Metric {
        name: DELIVERIES_TOTAL,
        about: "Attempts to deliver a message, by result: delivered, no_longer_so, retry, unknown or given_up.",
        kind: MetricKind::Counter,
    },
    Metric {
        name: TIMERS_PENDING,
        about: "Timers that wait for their time.",
        kind: MetricKind::Gauge,
    },
    Metric {
        name: CHECK_RUNS_TOTAL,
        about: "Runs of a check, by status: passed, failed, or error when it could not be run.",
        kind: MetricKind::Counter,
    },
    Metric {
        name: CHECK_OBSERVATIONS_TOTAL,
        about: "Observations of checks that came due, by how they ended.",
        kind: MetricKind::Counter,
    },
    Metric {
        name: GATEWAY_UP,
        about: "1 while the gateway is connected, otherwise 0.",
        kind: MetricKind::Gauge,
    },
    Metric {
        name: UNKNOWN_EVENTS_TOTAL,
        about: "Gateway events of a kind we know that could not be read.",
        kind: MetricKind::Counter,
    },
];

/// Upper bounds in seconds, from a commit on a quiet machine up to Discord's three seconds for a first answer and the
/// longest checks.
const SECONDS: [f64; 12] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 3.0, 10.0, 60.0,
];

/// How often recorded values are folded into their buckets; between two times each takes up memory.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// The figures recorded so far.
#[derive(Debug, Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

impl LogStyle {
    /// Pretty where the log goes to a terminal, JSON elsewhere.
    pub fn for_standard_error() -> Self {
        if io::stderr().is_terminal() {
            Self::Pretty
        } else {
            Self::Json
        }
    }
}

impl Metrics {
    /// The recorder of this process, installed by the first call.
    ///
    /// # Errors
    /// [`TelemetryError::RecorderTaken`] when something else has installed one.
    pub fn of_process() -> Result<Self, TelemetryError> {
        static METRICS: OnceLock<Option<Metrics>> = OnceLock::new();
        METRICS
            .get_or_init(|| {
                let recorder = builder().build_recorder();
                let handle = recorder.handle();
                ::metrics::set_global_recorder(recorder).ok()?;
                describe();
                Some(Self { handle })
            })
            .clone()
            .ok_or(TelemetryError::RecorderTaken)
    }

    /// The figures in Prometheus' text format, version 0.0.4.
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Keeps the memory of the recorder bounded until `stop`.
    pub async fn upkeep(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(UPKEEP_EVERY);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.handle.run_upkeep();
        }
    }
}

/// Starts the log on standard error. `RUST_LOG` wins over `filter`, which is in `tracing`'s syntax; `NO_COLOR` is
/// obeyed.
///
/// # Errors
/// [`TelemetryError::Filter`] when a filter does not parse, [`TelemetryError::LogTaken`] on a second call.
pub fn start_log(filter: &str, style: LogStyle) -> Result<(), TelemetryError> {
    let directives = directives(std::env::var("RUST_LOG").ok(), filter)?;
    let registry = tracing_subscriber::registry().with(directives);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let started = match style {
        LogStyle::Pretty => registry.with(lines.with_target(false)).try_init(),
        LogStyle::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    started.map_err(|_taken| TelemetryError::LogTaken)
}

/// An empty variable counts as none.
fn directives(variable: Option<String>, configured: &str) -> Result<EnvFilter, TelemetryError> {
    let (place, filter) = match variable.filter(|own| !own.is_empty()) {
        Some(own) => ("the environment variable RUST_LOG", own),
        None => ("log.filter", configured.to_owned()),
    };
    // serenity's spans hold whole requests, the tokens of interactions among them; they are shown to nobody who has not
    // asked for them by name.
    let quiet = if filter.contains("serenity") {
        filter.clone()
    } else {
        format!("{filter},serenity::http=off")
    };
    EnvFilter::builder()
        .parse(&quiet)
        .map_err(|fault| TelemetryError::Filter { place, filter, fault })
}

fn builder() -> PrometheusBuilder {
    let builder = PrometheusBuilder::new();
    // Only an empty list of buckets is refused, and this one is not empty; a summary is the fallback all the same.
    builder
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .unwrap_or_else(|_empty| PrometheusBuilder::new())
}

fn describe() {
    for metric in METRICS {
        match metric.kind {
            MetricKind::Counter => ::metrics::describe_counter!(metric.name, metric.about),
            MetricKind::Gauge => ::metrics::describe_gauge!(metric.name, metric.about),
            MetricKind::Histogram => ::metrics::describe_histogram!(metric.name, metric.about),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_wins_over_the_setting_unless_it_is_empty() {
        let filter = |variable: Option<&str>| {
            directives(variable.map(str::to_owned), "warn")
                .unwrap()
                .to_string()
        };
        assert_eq!(filter(None), "serenity::http=off,warn");
        assert_eq!(filter(Some("")), "serenity::http=off,warn");
        assert_eq!(
            filter(Some("holdpoint=debug")),
            "serenity::http=off,holdpoint=debug"
        );
    }

    #[test]
    fn requests_are_shown_to_those_who_ask_for_them_by_name() {
        let asked = directives(Some("serenity=debug".to_owned()), "info").unwrap();
        assert_eq!(asked.to_string(), "serenity=debug");
    }

    #[test]
    fn a_filter_that_is_none_is_refused_with_where_it_stands() {
        let setting = directives(None, "holdpoint=loud").unwrap_err().to_string();
        assert!(
            setting.starts_with("log.filter is \"holdpoint=loud\", which is no log filter"),
            "{setting}"
        );
        let variable = directives(Some("a=b=c".to_owned()), "info")
            .unwrap_err()
            .to_string();
        assert!(
            variable.starts_with("the environment variable RUST_LOG is \"a=b=c\""),
            "{variable}"
        );
    }

    #[test]
    fn metrics_are_named_by_the_conventions_of_prometheus() {
        for metric in METRICS {
            assert!(metric.name.starts_with("holdpoint_"), "{}", metric.name);
            assert_eq!(
                metric.name.ends_with("_total"),
                metric.kind == MetricKind::Counter,
                "{}",
                metric.name
            );
            assert!(metric.about.ends_with('.'), "{}", metric.about);
        }
    }
}
