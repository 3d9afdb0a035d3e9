//! Parameters of the `load` probe.

use std::time::Duration;

use super::HttpProbe;

/// Parameters of a load: the same request again and again, and how long the answers take.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadProbe {
    /// What is sent each time. Redirects are not followed.
    pub request: HttpProbe,
    /// How many connections send at the same time, one request each; 10 unless said otherwise, at most 500.
    pub connections: u32,
    /// When it is over; after 10 seconds unless said otherwise.
    pub extent: LoadExtent,
    /// How many requests a second are sent in all. Without one, a connection sends the next as soon as the last is answered.
    pub rate: Option<u32>,
    /// How long requests are sent before any of them counts; not at all unless said otherwise.
    pub warm_up: Duration,
    /// A stored result of an earlier run to compare with.
    pub baseline: Option<LoadBaseline>,
}

/// When a load is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadExtent {
    /// After so long, at most 30 minutes; the warm-up comes before it.
    Duration(Duration),
    /// After so many requests that count.
    Requests(u32),
}

/// Where the figures of an earlier run are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBaseline {
    /// A JSON file: what `holdpoint check --format json` printed, or an object such as `{"p95_ms": 12.5}`.
    pub file: String,
    /// Which of the checks in it, where there is more than one load.
    pub check: Option<String>,
}

impl LoadProbe {
    /// How long it goes on, when that can be told beforehand: not where only the other side decides how long so many
    /// requests take.
    pub fn takes(&self) -> Option<Duration> {
        let counted = match (self.extent, self.rate) {
            (LoadExtent::Duration(duration), _) => duration,
            (LoadExtent::Requests(requests), Some(rate)) => {
                Duration::from_secs_f64(f64::from(requests) / f64::from(rate.max(1)))
            }
            (LoadExtent::Requests(_), None) => return None,
        };
        Some(self.warm_up + counted)
    }
}
