//! The only place that reads the machine's clock.

use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::watch;

/// The machine's wall clock plus an offset that people and tests move.
#[derive(Debug)]
pub(crate) struct Clock {
    offset_ms: watch::Sender<i64>,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            offset_ms: watch::Sender::new(0),
        }
    }

    /// Stand-in time in Unix milliseconds.
    pub(crate) fn now_ms(&self) -> i64 {
        machine_now().as_millisecond() + *self.offset_ms.borrow()
    }

    pub(crate) fn offset_ms(&self) -> i64 {
        *self.offset_ms.borrow()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<i64> {
        self.offset_ms.subscribe()
    }

    pub(crate) fn advance(&self, milliseconds: i64) {
        self.offset_ms
            .send_modify(|offset| *offset = offset.saturating_add(milliseconds));
    }
}

/// Real time for deadlines and rate limits, which the movable clock must not shorten.
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// Unix seconds with their fraction, in real time, as the rate-limit headers want them.
pub(crate) fn unix_seconds() -> f64 {
    machine_now().as_millisecond() as f64 / 1000.0
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the stand-in's own clock, from which every other part has the time"
)]
fn machine_now() -> Timestamp {
    Timestamp::now()
}

/// Discord's way of writing a time: ISO 8601 with microseconds and a numeric offset.
pub(crate) fn iso(unix_ms: i64) -> String {
    Timestamp::from_millisecond(unix_ms)
        .unwrap_or_default()
        .strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00")
        .to_string()
}
