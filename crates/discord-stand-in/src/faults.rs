//! Faults on demand: what a test has the REST side and the host of files do wrong.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use crate::rate_limit::RateLimitScope;

/// Something that goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// A 429 before anything is done.
    RateLimited {
        /// Who the 429 is about.
        scope: RateLimitScope,
        /// How long the answer tells the application to wait.
        retry_after: Duration,
    },
    /// This status, with an empty JSON error, before anything is done; 500 and 503 are what Discord shows.
    Status(u16),
    /// The work is done and answered, this much later.
    Slow(Duration),
    /// Nothing is done; the connection is cut after this long.
    Hang(Duration),
    /// The work is done, and the connection cut before a byte of the answer.
    LoseReply,
    /// Nothing is done, and the connection is cut at once.
    Refuse,
}

/// Which requests a fault is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requests {
    method: Option<String>,
    path: Option<Vec<String>>,
}

/// The faults that are to come.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Rules>,
}

#[derive(Debug, Default)]
struct Rules {
    rules: Vec<Rule>,
    happened: u64,
}

#[derive(Debug)]
struct Rule {
    requests: Requests,
    fault: Fault,
    when: When,
}

#[derive(Debug)]
enum When {
    /// For the next so many.
    Next(u32),
    /// For each with a probability, drawn from a seeded generator.
    Sometimes { probability: f64, state: u64 },
}

impl Requests {
    /// Every REST request, and every fetch of a file that a person gave to a command.
    pub const fn all() -> Self {
        Self {
            method: None,
            path: None,
        }
    }

    /// Requests of this method whose path, without `/api/v10`, fits the pattern. In it `*` stands for one segment:
    /// `/channels/*/messages`. The files that people gave to commands are fetched by `GET /ephemeral-attachments/*/*/*`.
    pub fn of(method: &str, pattern: &str) -> Self {
        Self {
            method: Some(method.to_uppercase()),
            path: Some(segments(pattern)),
        }
    }

    fn fit(&self, method: &str, path: &[&str]) -> bool {
        let method_fits = self.method.as_deref().is_none_or(|wanted| wanted == method);
        let path_fits = self.path.as_ref().is_none_or(|pattern| {
            pattern.len() == path.len()
                && pattern
                    .iter()
                    .zip(path)
                    .all(|(wanted, segment)| wanted == "*" || wanted == segment)
        });
        method_fits && path_fits
    }
}

impl Faults {
    /// The next `count` requests that fit meet this fault. Faults that are due at once happen one after another, in
    /// the order in which they were asked for.
    pub fn next(&self, count: u32, requests: Requests, fault: Fault) {
        self.add(requests, fault, When::Next(count));
    }

    /// Every request that fits meets this fault with a probability between 0 and 1. The same seed and the same order
    /// of requests give the same faults.
    pub fn sometimes(&self, probability: f64, seed: u64, requests: Requests, fault: Fault) {
        let when = When::Sometimes {
            probability,
            state: seed,
        };
        self.add(requests, fault, when);
    }

    /// Takes back every fault that is to come.
    pub fn clear(&self) {
        self.locked().rules.clear();
    }

    /// How many faults have happened.
    pub fn happened(&self) -> u64 {
        self.locked().happened
    }

    /// The fault that this request meets, if any.
    pub(crate) fn decide(&self, method: &str, path: &[&str]) -> Option<Fault> {
        let mut rules = self.locked();
        let fault = rules
            .rules
            .iter_mut()
            .filter(|rule| rule.requests.fit(method, path))
            .find_map(|rule| match &mut rule.when {
                When::Next(0) => None,
                When::Next(left) => {
                    *left -= 1;
                    Some(rule.fault)
                }
                When::Sometimes { probability, state } => (draw(state) < *probability).then_some(rule.fault),
            });
        rules.rules.retain(|rule| !matches!(rule.when, When::Next(0)));
        rules.happened += u64::from(fault.is_some());
        fault
    }

    fn add(&self, requests: Requests, fault: Fault, when: When) {
        self.locked().rules.push(Rule {
            requests,
            fault,
            when,
        });
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn segments(path: &str) -> Vec<String> {
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The next number in 0..1 of a `SplitMix64` generator.
fn draw(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}
