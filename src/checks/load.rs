//! The `load` probe: the same request again and again over many connections, and how long its answers take.

mod baseline;
mod figures;
mod schedule;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::baseline::Earlier;
use self::figures::{Figures, LONGEST_WAIT};
use self::schedule::Schedule;
use super::observation::{Kind, Observation, Observed};
use super::probe::{Hindrance, Run, Seen};
use super::wire::{Target, Way};
use super::{http, written};
use crate::domain::check::{LoadExtent, LoadProbe};

/// The waits that are observed, each of them a name of its own too.
const WAITS: [&str; 6] = ["p50", "p90", "p95", "p99", "max", "mean"];
/// Answers a second.
const RATE: &str = "rate";
/// What can be compared with an earlier run.
const COMPARED: [&str; 7] = ["p50", "p90", "p95", "p99", "max", "mean", RATE];
/// How long answers are waited for once nothing more is sent, where the time-out leaves so much.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// What is left of the time-out to reckon the figures.
const RECKONING: Duration = Duration::from_millis(200);
/// How long a connection rests after a failure, so that a service that is down is not dialled without pause.
const REST: Duration = Duration::from_millis(50);
/// The part of the rate asked for that must be reached for the figures to be those of that rate.
const REACHED: f64 = 0.95;

/// What a load is observed by: an earlier run only where one is named.
pub(super) fn names(probe: &LoadProbe) -> Vec<(String, Kind)> {
    let waits = WAITS.iter().map(|name| (*name, Kind::Duration));
    let others = [
        (RATE, Kind::Fraction),
        ("requests", Kind::Whole),
        ("errors", Kind::Whole),
        ("error_percent", Kind::Fraction),
        ("statuses", Kind::Anything),
    ];
    let earlier = [
        ("baseline", Kind::Durations(&WAITS)),
        ("ratio", Kind::Fractions(&COMPARED)),
    ];
    let earlier = earlier.into_iter().filter(|_| probe.baseline.is_some());
    waits
        .chain(others)
        .chain(earlier)
        .map(|(name, kind)| (name.to_owned(), kind))
        .collect()
}

/// What is wrong with the parameters, as far as can be told beforehand.
pub(super) fn flaws(probe: &LoadProbe, timeout: Duration) -> Vec<String> {
    let mut found = http::flaws(&probe.request);
    if let Some(takes) = probe.takes()
        && timeout <= takes
    {
        found.push(format!(
            "the load takes {} with its warm-up, and `timeout` is {}; make it longer than that, or leave it out",
            written::duration(takes),
            written::duration(timeout)
        ));
    }
    found
}

/// The texts that may name variables.
pub(super) fn texts(probe: &LoadProbe) -> Vec<&str> {
    let mut texts = http::texts(&probe.request);
    if let Some(baseline) = &probe.baseline {
        texts.push(&baseline.file);
        texts.extend(baseline.check.as_deref());
    }
    texts
}

/// Sends the load.
pub(super) async fn probe(run: &Run<'_>, probe: &LoadProbe) -> Result<Seen, Hindrance> {
    run.guard.vet_load()?;
    let earlier = match &probe.baseline {
        Some(baseline) => Some(baseline::read(run, baseline).await?),
        None => None,
    };
    let target = Arc::new(http::Request::target(run, &probe.request).await?);
    // The first one tells whether there is anything to send a load to.
    let mut first = run
        .in_time(target.way(), || {
            format!("no connection to {target} could be made")
        })
        .await?
        .map_err(|failure| target.hindrance(run, failure))?;

    let figures = Figures::new().map_err(|error| Hindrance::new(error.to_string()))?;
    let schedule = Schedule::new(probe, Instant::now());
    let latest = run.deadline.checked_sub(RECKONING).unwrap_or(run.deadline);
    let load = Arc::new(Load {
        until: schedule
            .stop()
            .map_or(latest, |stop| latest.min(stop + LAST_ANSWERS)),
        target,
        schedule,
        figures: Mutex::new(figures),
    });
    // Dropped with this future, the set ends them all.
    let mut sending = JoinSet::new();
    for _ in 0..probe.connections {
        sending.spawn(send(Arc::clone(&load), std::mem::take(&mut first)));
    }
    while sending.join_next().await.is_some() {}

    let figures = load
        .figures
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let rate = figures.rate(load.schedule.warm(), load.schedule.stop());
    if let LoadExtent::Requests(requests) = probe.extent
        && figures.requests() < u64::from(requests)
    {
        return Err(run.out_of_time(&format!(
            "{} of the {requests} requests of the load were not over",
            u64::from(requests) - figures.requests()
        )));
    }
    if figures.requests() == 0 {
        return Err(Hindrance::new(
            "no request of the load counts: none is due after the warm-up; make `duration` longer, or raise `rate`",
        ));
    }
    Ok(seen(probe, &figures, rate, earlier.as_ref()))
}

/// What all connections share.
struct Load {
    target: Arc<Target>,
    schedule: Schedule,
    /// When no answer is waited for any more.
    until: Instant,
    figures: Mutex<Figures>,
}

impl Load {
    fn note(&self, note: impl FnOnce(&mut Figures)) {
        // A panic while the lock is held leaves the figures short of one request at most.
        note(&mut self.figures.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Takes turns on one connection until the load is over.
async fn send(load: Arc<Load>, mut way: Way) {
    loop {
        let free = Instant::now();
        if free >= load.until {
            return;
        }
        let Some(turn) = load.schedule.turn(free) else {
            return;
        };
        if turn.at > free {
            if turn.at >= load.until {
                return;
            }
            tokio::time::sleep_until(turn.at).await;
        }
        let sent = Instant::now();
        let from = turn.waits_from(free, sent);
        let patience = load.until.min(sent + LONGEST_WAIT);
        let outcome = tokio::time::timeout_at(patience, load.target.ask(&mut way)).await;
        let until = Instant::now();
        let rests = !matches!(outcome, Ok(Ok(_)));
        if turn.counts {
            let stop = load.schedule.stop();
            load.note(|figures| match outcome {
                Ok(Ok(answer)) => figures.answer(answer.status, from, until, stop),
                Ok(Err(failure)) => figures.failed(failure.fate(), until),
                Err(_) => figures.given_up(from, until),
            });
        }
        if rests {
            tokio::time::sleep_until(load.until.min(until + REST)).await;
        }
    }
}

fn seen(probe: &LoadProbe, figures: &Figures, rate: f64, earlier: Option<&Earlier>) -> Seen {
    let waits = [
        figures.quantile(0.5),
        figures.quantile(0.9),
        figures.quantile(0.95),
        figures.quantile(0.99),
        figures.longest(),
        figures.mean(),
    ];
    let waits: BTreeMap<&'static str, Duration> = WAITS.into_iter().zip(waits).collect();
    let statuses: Value = figures
        .statuses()
        .iter()
        .map(|(status, count)| (status.to_string(), Value::from(*count)))
        .collect();

    let mut evidence = BTreeMap::from([
        (RATE.to_owned(), json!(rounded(rate))),
        ("requests".to_owned(), json!(figures.requests())),
        ("errors".to_owned(), json!(figures.errors())),
        (
            "error_percent".to_owned(),
            json!(rounded(figures.error_percent())),
        ),
        ("statuses".to_owned(), statuses.clone()),
    ]);
    let mut observation = Observation::default()
        .with(RATE, Observed::Fraction(rate))
        .with("requests", Observed::Whole(figures.requests() as i64))
        .with("errors", Observed::Whole(figures.errors() as i64))
        .with("error_percent", Observed::Fraction(figures.error_percent()))
        .with("statuses", Observed::Json(statuses));
    for (name, wait) in &waits {
        observation = observation.with(
            *name,
            if figures.has_waits() {
                evidence.insert(format!("{name}_ms"), json!(milliseconds(*wait)));
                Observed::Duration(*wait)
            } else {
                Observed::Nothing(format!("there is no {name}: no request was answered"))
            },
        );
    }
    if let Some(earlier) = earlier {
        let mut ratio: BTreeMap<&'static str, f64> = BTreeMap::new();
        for (name, before) in &earlier.waits {
            evidence.insert(format!("baseline.{name}_ms"), json!(milliseconds(*before)));
            if figures.has_waits() && !before.is_zero() {
                ratio.insert(name, waits[name].as_secs_f64() / before.as_secs_f64());
            }
        }
        if let Some(before) = earlier.rate.filter(|before| *before > 0.0) {
            ratio.insert(RATE, rate / before);
        }
        observation = observation
            .with("baseline", Observed::Durations(earlier.waits.clone()))
            .with("ratio", Observed::Fractions(ratio));
    }

    let (holds, why) = verdict(probe, figures, rate);
    Seen {
        observation,
        evidence,
        holds,
        why,
    }
}

/// Whether every request was answered well, as fast as they were to be sent.
fn verdict(probe: &LoadProbe, figures: &Figures, rate: f64) -> (bool, String) {
    let requests = figures.requests();
    if figures.errors() > 0 {
        let why = format!(
            "{} of {requests} requests failed ({} %): {}",
            figures.errors(),
            rounded(figures.error_percent()),
            written::joined(&figures.error_clauses(), "and")
        );
        return (false, why);
    }
    if let Some(asked) = probe.rate
        && rate < f64::from(asked) * REACHED
    {
        let why = format!(
            "rate is {} a second, expected {asked}: {} waiting for answers; raise `connections`, or see what the service can bear",
            rounded(rate),
            match probe.connections {
                1 => "the one connection was".to_owned(),
                count => format!("the {count} connections were"),
            }
        );
        return (false, why);
    }
    let why = format!(
        "p95 is {} and rate is {} a second over {requests} requests, none of which failed",
        written::duration(figures.quantile(0.95)),
        rounded(rate)
    );
    (true, why)
}

fn milliseconds(wait: Duration) -> f64 {
    wait.as_micros() as f64 / 1e3
}

/// With as many digits as people read.
fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests;
