//! Which request is sent when, and from when its answer is waited for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::check::{LoadExtent, LoadProbe};

/// Turns to send, given out to whichever connection is free.
#[derive(Debug)]
pub(super) struct Schedule {
    start: Instant,
    warm: Instant,
    /// When nothing more is sent, where time decides.
    stop: Option<Instant>,
    /// How many requests count, where their number decides.
    requests: Option<u64>,
    rate: Option<u32>,
    given: AtomicU64,
    counted: AtomicU64,
}

/// A turn to send one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// When it is meant to be sent. Where this has passed, every connection was waiting for an answer then.
    pub(super) at: Instant,
    /// Whether it counts, being no longer part of the warm-up.
    pub(super) counts: bool,
}

impl Schedule {
    pub(super) fn new(probe: &LoadProbe, start: Instant) -> Self {
        let warm = start + probe.warm_up;
        let (stop, requests) = match probe.extent {
            LoadExtent::Duration(duration) => (Some(warm + duration), None),
            LoadExtent::Requests(requests) => (None, Some(u64::from(requests))),
        };
        Self {
            start,
            warm,
            stop,
            requests,
            rate: probe.rate,
            given: AtomicU64::new(0),
            counted: AtomicU64::new(0),
        }
    }

    /// When the warm-up is over.
    pub(super) fn warm(&self) -> Instant {
        self.warm
    }

    /// When nothing more is sent, where time decides.
    pub(super) fn stop(&self) -> Option<Instant> {
        self.stop
    }

    /// The next turn for a connection that is free now; none when the load is over.
    pub(super) fn turn(&self, now: Instant) -> Option<Turn> {
        let at = match self.rate {
            None => now,
            Some(rate) => {
                let number = self.given.fetch_add(1, Ordering::Relaxed);
                // Reckoned from the number and not from the turn before, so that nothing adds up over half an hour.
                let nanoseconds = u128::from(number) * 1_000_000_000 / u128::from(rate.max(1));
                self.start + Duration::from_nanos(nanoseconds as u64)
            }
        };
        if self.stop.is_some_and(|stop| at >= stop || now >= stop) {
            return None;
        }
        let counts = at >= self.warm;
        if counts && let Some(requests) = self.requests {
            let before = self.counted.fetch_add(1, Ordering::Relaxed);
            if before >= requests {
                return None;
            }
        }
        Some(Turn { at, counts })
    }
}

impl Turn {
    /// From when the answer is waited for, by a connection that was free at `free` and sends at `sent`.
    ///
    /// A turn that had passed when a connection became free for it has been kept waiting by the other side: its wait began
    /// when it was meant to be sent. Leaving that out (coordinated omission) would count a stall of a second once and not for
    /// each request that fell into it. A connection that was free in time waits from when it sends, so that a timer of ours that
    /// rings late is not the other side's doing.
    pub(super) fn waits_from(self, free: Instant, sent: Instant) -> Instant {
        if self.at <= free { self.at } else { sent }
    }
}
