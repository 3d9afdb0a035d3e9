//! Parameters of the `prometheus` probe.

use std::collections::BTreeMap;
use std::time::Duration;

/// Parameters of a query to Prometheus, or to what answers in its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrometheusProbe {
    /// The server's base, as `https://prometheus.example` or `https://mimir.example/prometheus`.
    pub url: String,
    /// The query, in PromQL.
    pub query: String,
    /// The time that is looked back over; else the query is asked for this moment alone.
    pub range: Option<PrometheusRange>,
    /// Headers to send.
    pub headers: BTreeMap<String, String>,
}

/// The time that a query is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrometheusRange {
    /// How far it reaches back.
    pub over: Duration,
    /// How far its points are apart.
    pub step: Duration,
}
