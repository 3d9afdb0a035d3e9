//! The `burst` probe.

use std::time::Duration;

use super::{http, required};
use crate::domain::check::{BurstProbe, Probe};
use crate::markdown::front_matter::values::{Entry, Values};

/// Most requests of a burst: more is a load, or an attack.
const MOST_REQUESTS: u32 = 10_000;

/// How long a burst may take to be sent unless said otherwise.
const WITHIN: Duration = Duration::from_secs(10);

pub(super) fn read(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Probe> {
    let known: Vec<&str> = http::REQUEST.into_iter().chain(["requests", "within"]).collect();
    let fields = values.fields(entry.value, "`burst`", &known)?;
    let request = http::request(values, &fields, entry);
    let requests = required(values, &fields, entry, "requests")
        .and_then(|id| values.whole(id, "`requests`", 1, MOST_REQUESTS));
    let within = match fields.get("within") {
        None => Some(WITHIN),
        Some(id) => values.duration(id, "`within`"),
    };
    Some(Probe::Burst(BurstProbe {
        request: request?,
        requests: requests?,
        within: within?,
    }))
}
