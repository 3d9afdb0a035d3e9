//! The `prometheus` probe.

use std::time::Duration;

use super::required;
use crate::domain::check::{Probe, PrometheusProbe, PrometheusRange};
use crate::markdown::front_matter::values::{Entry, Values};

/// How many points a range has unless said otherwise.
const POINTS: u32 = 60;
/// The most points of a series that Prometheus gives (its `web/api/v1`, "exceeded maximum resolution").
const MOST_POINTS: u128 = 11_000;

pub(super) fn read(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Probe> {
    let known = ["url", "query", "range", "step", "headers"];
    let fields = values.fields(entry.value, "`prometheus`", &known)?;
    let url = required(values, &fields, entry, "url").and_then(|id| values.words(id, "`url`"));
    let query = required(values, &fields, entry, "query").and_then(|id| values.words(id, "`query`"));
    let headers = super::headers(values, fields.get("headers"));
    let over = fields.get("range").map(|id| values.duration(id, "`range`"));
    let step = fields.get("step").map(|id| values.duration(id, "`step`"));
    let range = match (over, step) {
        (None, None) => None,
        (None, Some(_)) => {
            let place = fields.entry("step").map_or(entry.place, |step| step.place);
            values.error(
                place,
                "`prometheus` has a `step` without a `range`.".to_owned(),
                Some("A query for this moment has no steps; add `range` or remove `step`.".to_owned()),
            );
            return None;
        }
        (Some(over), step) => {
            let over = over?;
            let step = match step {
                Some(step) => step?,
                None => (over / POINTS).max(Duration::from_secs(1)),
            };
            if over.as_nanos() / step.as_nanos() > MOST_POINTS {
                let place = fields.entry("step").map_or(entry.place, |step| step.place);
                values.error(
                    place,
                    format!("`range` has more than {MOST_POINTS} steps, and Prometheus gives no more."),
                    Some("Make `step` longer.".to_owned()),
                );
                return None;
            }
            Some(PrometheusRange { over, step })
        }
    };
    Some(Probe::Prometheus(PrometheusProbe {
        url: url?,
        query: query?,
        range,
        headers: headers?,
    }))
}
