//! The `burst` probe: many requests in a short time, to see that they are limited and what the limit says.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hyper::header::{DATE, HeaderMap, RETRY_AFTER};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::headers::{Asked, Headers};
use super::observation::{Kind, Observation, Observed};
use super::probe::{Hindrance, Run, Seen};
use super::wire::{Failure, Glimpse, Target, Way};
use super::{http, written};
use crate::domain::check::BurstProbe;

/// What a burst is observed by.
pub(super) const NAMES: [(&str, Kind); 6] = [
    ("sent", Kind::Whole),
    ("limited", Kind::Whole),
    ("failed", Kind::Whole),
    ("retry_after", Kind::Duration),
    ("headers", Kind::Headers),
    ("statuses", Kind::Anything),
];

/// Too Many Requests (RFC 6585, 4).
const LIMITED: u16 = 429;
/// The most connections that a burst sends over. More would be a burst of connections, which other limits are for.
const CONNECTIONS: u32 = 20;
/// What is left of the time-out to reckon up.
const RECKONING: Duration = Duration::from_millis(200);

/// What is wrong with the parameters, as far as can be told beforehand.
pub(super) fn flaws(probe: &BurstProbe, timeout: Duration) -> Vec<String> {
    let mut found = http::flaws(&probe.request);
    if timeout <= probe.within {
        found.push(format!(
            "the burst may take {}, and `timeout` is {}; make it longer than that, or leave it out",
            written::duration(probe.within),
            written::duration(timeout)
        ));
    }
    found
}

/// Sends the burst. Headers named in `asked` are kept as evidence.
pub(super) async fn probe(run: &Run<'_>, probe: &BurstProbe, asked: &[Asked]) -> Result<Seen, Hindrance> {
    run.guard.vet_load()?;
    let target = Arc::new(http::Request::target(run, &probe.request).await?);
    let mut first = run
        .in_time(target.way(), || {
            format!("no connection to {target} could be made")
        })
        .await?
        .map_err(|failure| target.hindrance(run, failure))?;

    let burst = Arc::new(Burst {
        target: Arc::clone(&target),
        left: AtomicU32::new(probe.requests),
        sent_until: Instant::now() + probe.within,
        answered_until: run.deadline.checked_sub(RECKONING).unwrap_or(run.deadline),
        tally: Mutex::default(),
    });
    // Dropped with this future, the set ends them all.
    let mut sending = JoinSet::new();
    for _ in 0..probe.requests.min(CONNECTIONS) {
        sending.spawn(send(Arc::clone(&burst), std::mem::take(&mut first)));
    }
    while sending.join_next().await.is_some() {}

    let tally = std::mem::take(&mut *burst.tally.lock().unwrap_or_else(PoisonError::into_inner));
    if tally.statuses.is_empty() {
        return Err(match tally.failure {
            Some(failure) => target.hindrance(run, failure),
            None => run.out_of_time(&format!("no answer came from {target}")),
        });
    }
    Ok(seen(run, probe, &tally, asked))
}

/// What all connections share.
struct Burst {
    target: Arc<Target>,
    left: AtomicU32,
    /// When nothing more is sent.
    sent_until: Instant,
    /// When no answer is waited for any more.
    answered_until: Instant,
    tally: Mutex<Tally>,
}

/// What has become of the requests.
#[derive(Debug, Default)]
struct Tally {
    sent: u32,
    failed: u32,
    statuses: BTreeMap<u16, u32>,
    /// Of the first answer that was a 429.
    limit: Option<HeaderMap>,
    /// The first that was not for want of time.
    failure: Option<Failure>,
}

impl Burst {
    fn turn(&self) -> bool {
        let taken = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        taken.is_ok() && Instant::now() < self.sent_until
    }
}

async fn send(burst: Arc<Burst>, mut way: Way) {
    while burst.turn() {
        let asked = burst.target.ask(&mut way);
        let outcome = tokio::time::timeout_at(burst.answered_until, asked).await;
        // A panic while the lock is held leaves the tally short of one request at most.
        let mut tally = burst.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.sent += 1;
        match outcome {
            Ok(Ok(Glimpse { status, headers })) => {
                *tally.statuses.entry(status).or_default() += 1;
                if status == LIMITED && tally.limit.is_none() {
                    tally.limit = Some(headers);
                }
            }
            Ok(Err(failure)) => {
                tally.failed += 1;
                tally.failure.get_or_insert(failure);
            }
            Err(_) => tally.failed += 1,
        }
    }
}

fn seen(run: &Run<'_>, probe: &BurstProbe, tally: &Tally, asked: &[Asked]) -> Seen {
    let limited = tally.statuses.get(&LIMITED).copied().unwrap_or_default();
    let statuses: Value = tally
        .statuses
        .iter()
        .map(|(status, count)| (status.to_string(), Value::from(*count)))
        .collect();
    let none_limited = || format!("none of the {} requests was answered 429", tally.sent);
    let retry_after = match &tally.limit {
        Some(headers) => retry_after(headers).map_or_else(Observed::Nothing, Observed::Duration),
        None => Observed::Nothing(format!("there is no retry_after: {}", none_limited())),
    };
    let headers = match &tally.limit {
        Some(headers) => Observed::Headers(Headers::from(headers.clone())),
        None => Observed::Nothing(format!("there are no headers of a 429: {}", none_limited())),
    };

    let mut evidence = BTreeMap::from([
        ("sent".to_owned(), json!(tally.sent)),
        ("limited".to_owned(), json!(limited)),
        ("statuses".to_owned(), statuses.clone()),
    ]);
    if tally.failed > 0 {
        evidence.insert("failed".to_owned(), json!(tally.failed));
    }
    if let Observed::Duration(span) = &retry_after {
        evidence.insert("retry_after_s".to_owned(), json!(span.as_secs()));
    }
    if let Observed::Headers(headers) = &headers {
        evidence.extend(headers.evidence(asked, run.redactor));
    }

    let why = if limited > 0 {
        let pause = match &retry_after {
            Observed::Duration(span) => format!(" and retry_after is {}", written::duration(*span)),
            _ => String::new(),
        };
        format!("limited is {limited} of {} requests{pause}", tally.sent)
    } else {
        let mut clauses = vec![format!(
            "limited is 0, expected some of {} requests to be answered 429",
            tally.sent
        )];
        if tally.failed > 0 {
            clauses.push(format!("{} got no whole answer", tally.failed));
        }
        if tally.sent < probe.requests {
            clauses.push(format!(
                "there was no time for the other {} within {}",
                probe.requests - tally.sent,
                written::duration(probe.within)
            ));
        }
        clauses.join("; ")
    };
    Seen {
        observation: Observation::default()
            .with("sent", Observed::Whole(tally.sent.into()))
            .with("limited", Observed::Whole(limited.into()))
            .with("failed", Observed::Whole(tally.failed.into()))
            .with("retry_after", retry_after)
            .with("headers", headers)
            .with("statuses", Observed::Json(statuses)),
        evidence,
        holds: limited > 0,
        why,
    }
}

/// How long to stay away, as an answer says it: in seconds, or until a date (RFC 9110, 10.2.3), which is reckoned from the
/// answer's own (6.6.1), so that no clock of ours comes into it. Else a clause.
fn retry_after(headers: &HeaderMap) -> Result<Duration, String> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    let date = |text: &str| httpdate::parse_http_date(text).ok();
    let Some(written) = headers.get(RETRY_AFTER) else {
        return Err("the 429 has no retry-after header".to_owned());
    };
    let written = String::from_utf8_lossy(written.as_bytes());
    let written = written.trim();
    if !written.is_empty() && written.bytes().all(|byte| byte.is_ascii_digit()) {
        return written
            .parse()
            .map(Duration::from_secs)
            .map_err(|_| "the retry-after header of the 429 is longer than time".to_owned());
    }
    let until: SystemTime = date(written)
        .ok_or_else(|| "the retry-after header of the 429 is neither seconds nor a date".to_owned())?;
    let from = text(DATE).and_then(date).ok_or_else(|| {
        "the retry-after header of the 429 is a date, and there is no date header to reckon from".to_owned()
    })?;
    // A date that has passed means at once.
    Ok(until.duration_since(from).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn told(retry_after_header: &'static str, date: Option<&'static str>) -> Result<Duration, String> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(retry_after_header));
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_static(date));
        }
        retry_after(&headers)
    }

    #[test]
    fn a_pause_is_seconds_or_a_date_in_any_of_its_three_forms() {
        let now = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        for (written, seconds) in [
            ("0", 0),
            (" 120 ", 120),
            ("Sun, 06 Nov 1994 08:51:07 GMT", 90),
            ("Sunday, 06-Nov-94 08:51:07 GMT", 90),
            ("Sun Nov  6 08:51:07 1994", 90),
            ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
        ] {
            assert_eq!(told(written, now), Ok(Duration::from_secs(seconds)), "{written}");
        }
    }

    #[test]
    fn a_pause_that_cannot_be_told_is_a_clause() {
        let now = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        for (written, date, clause) in [
            (
                "soon",
                now,
                "the retry-after header of the 429 is neither seconds nor a date",
            ),
            (
                "",
                now,
                "the retry-after header of the 429 is neither seconds nor a date",
            ),
            (
                "-1",
                now,
                "the retry-after header of the 429 is neither seconds nor a date",
            ),
            (
                "99999999999999999999",
                now,
                "the retry-after header of the 429 is longer than time",
            ),
            (
                "Sun, 06 Nov 1994 08:51:07 GMT",
                None,
                "the retry-after header of the 429 is a date, and there is no date header to reckon from",
            ),
        ] {
            assert_eq!(told(written, date), Err(clause.to_owned()), "{written}");
        }
        assert_eq!(
            retry_after(&HeaderMap::new()),
            Err("the 429 has no retry-after header".to_owned())
        );
    }
}
