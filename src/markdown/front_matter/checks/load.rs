//! The `load` probe.

use std::time::Duration;

use super::{http, required};
use crate::domain::check::{LoadBaseline, LoadExtent, LoadProbe, Probe};
use crate::markdown::front_matter::values::{Entry, Fields, Values};
use crate::markdown::front_matter::yaml::{NodeId, Value};

/// Connections unless said otherwise.
const CONNECTIONS: u32 = 10;
/// Most connections: each is a socket of the bot's, and what it needs besides must be left to it.
const MOST_CONNECTIONS: u32 = 500;
/// How long a load goes on unless said otherwise.
const DURATION: Duration = Duration::from_secs(10);
/// The longest load and the longest warm-up.
const LONGEST: Duration = Duration::from_mins(30);
/// Most requests that can be asked for by number: as many as half an hour has at the highest rate.
const MOST_REQUESTS: u32 = 180_000_000;
/// The highest rate, in requests a second.
const HIGHEST_RATE: u32 = 100_000;

pub(super) fn read(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Probe> {
    let own = [
        "connections",
        "duration",
        "requests",
        "rate",
        "warm_up",
        "baseline",
    ];
    let known: Vec<&str> = http::REQUEST.into_iter().chain(own).collect();
    let fields = values.fields(entry.value, "`load`", &known)?;
    let request = http::request(values, &fields, entry);
    let connections = match fields.get("connections") {
        None => Some(CONNECTIONS),
        Some(id) => values.whole(id, "`connections`", 1, MOST_CONNECTIONS),
    };
    let extent = extent(values, &fields);
    let rate = fields
        .get("rate")
        .map(|id| values.whole(id, "`rate`", 1, HIGHEST_RATE));
    let warm_up = match fields.get("warm_up") {
        None => Some(Duration::ZERO),
        Some(id) => bounded(values, id, "`warm_up`"),
    };
    let baseline = fields.entry("baseline").map(|given| baseline(values, given));
    Some(Probe::Load(LoadProbe {
        request: request?,
        connections: connections?,
        extent: extent?,
        rate: match rate {
            Some(rate) => Some(rate?),
            None => None,
        },
        warm_up: warm_up?,
        baseline: match baseline {
            Some(baseline) => Some(baseline?),
            None => None,
        },
    }))
}

fn extent(values: &mut Values<'_, '_, '_>, fields: &Fields) -> Option<LoadExtent> {
    match (fields.get("duration"), fields.entry("requests")) {
        (None, None) => Some(LoadExtent::Duration(DURATION)),
        (Some(id), None) => bounded(values, id, "`duration`").map(LoadExtent::Duration),
        (None, Some(requests)) => values
            .whole(requests.value, "`requests`", 1, MOST_REQUESTS)
            .map(LoadExtent::Requests),
        (Some(_), Some(requests)) => {
            values.error(
                requests.place,
                "`load` has both `duration` and `requests`.".to_owned(),
                Some("Either says when it is over; keep one of them.".to_owned()),
            );
            None
        }
    }
}

/// A length of time that a load may have.
fn bounded(values: &mut Values<'_, '_, '_>, id: NodeId, what: &str) -> Option<Duration> {
    let duration = values.duration(id, what)?;
    if duration > LONGEST {
        values.wrong_type(id, what, "at most 30 minutes, written as `30m`");
        return None;
    }
    Some(duration)
}

/// A file, or a file and which of its checks.
fn baseline(values: &mut Values<'_, '_, '_>, given: &Entry) -> Option<LoadBaseline> {
    if let Value::Scalar { .. } = &values.tree.node(given.value).value {
        let file = values.words(given.value, "`baseline`")?;
        return Some(LoadBaseline { file, check: None });
    }
    let fields = values.fields(given.value, "`baseline`", &["file", "check"])?;
    let file = required(values, &fields, given, "file").and_then(|id| values.words(id, "`file`"));
    let check = fields.get("check").map(|id| values.words(id, "`check`"));
    Some(LoadBaseline {
        file: file?,
        check: match check {
            Some(check) => Some(check?),
            None => None,
        },
    })
}
