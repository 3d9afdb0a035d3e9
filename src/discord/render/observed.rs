//! Checks that several observations decide: how far they are, in a line, and the latest results in a row.

use super::people::rank_plural;
use super::words;
use crate::domain::check::in_words;
use crate::domain::deployment::Deployment;
use crate::domain::effects::Then;
use crate::domain::ids::CheckId;

/// How many checks a board shows under observation.
const SHOWN: usize = 5;

/// How far a check is whose series is under way: `12 of 61 observations, all passed, until 21:40`.
pub(crate) fn progress(deployment: &Deployment, check: &CheckId) -> Option<String> {
    let progress = deployment.series_progress(check)?;
    let mut line = format!("{} of {} observations", progress.passed, progress.needed);
    line = if progress.not_passed == 0 {
        format!("{line}, all passed, until {}", words::clock(progress.until))
    } else {
        let last = if progress.not_passed == 1 {
            "the last did not pass".to_owned()
        } else {
            format!("the last {} did not pass", progress.not_passed)
        };
        format!("{line}; {last}, and {} in a row fail it", progress.failures)
    };
    if progress.missed.is_positive() {
        let missed = in_words(std::time::Duration::from_secs(
            progress.missed.as_secs().unsigned_abs(),
        ));
        line = format!("{line}, {missed} later as nobody looked meanwhile");
    }
    Some(line)
}

/// The latest results of a check in a row, the oldest first; nothing where there are not several.
pub(crate) fn squares(deployment: &Deployment, check: &CheckId) -> Option<String> {
    let recent = deployment.recent_of(check);
    (recent.len() > 1).then(|| recent.map(words::square).collect())
}

/// The latest results, set behind a line.
pub(crate) fn behind(deployment: &Deployment, check: &CheckId) -> String {
    squares(deployment, check).map_or_else(String::new, |squares| format!(" {squares}"))
}

/// The checks that are observed now, as lines of a board; nothing where there are none.
pub(crate) fn lines(deployment: &Deployment) -> Vec<String> {
    let observed: Vec<_> = deployment
        .checklist
        .checks
        .keys()
        .filter_map(|check| line(deployment, check))
        .collect();
    if observed.is_empty() {
        return observed;
    }
    let more = observed.len().saturating_sub(SHOWN);
    let mut lines = vec!["**Observed:**".to_owned()];
    lines.extend(observed.into_iter().take(SHOWN));
    if more > 0 {
        lines.push(format!("… and {}", words::count(more, "more check")));
    }
    lines
}

/// A check that is observed now: how far it is, else since when it is watched, and what was seen last.
fn line(deployment: &Deployment, check: &CheckId) -> Option<String> {
    let name = words::check(check);
    let row = behind(deployment, check);
    if let Some(progress) = progress(deployment, check) {
        return Some(format!("🔎 {name}: {progress}{row}"));
    }
    if !deployment.is_watched(check) {
        return None;
    }
    let every = in_words(deployment.rhythm_of(check)?.every);
    Some(match deployment.turned.get(check) {
        Some(turned) => format!(
            "🚨 {name} does not pass, since {}{row}{}",
            words::clock(turned.since),
            next_ping(deployment, check)
        ),
        None => format!("👁 {name} is watched, every {every}{row}"),
    })
}

/// Who is pinged next for a check that turned, and when.
fn next_ping(deployment: &Deployment, check: &CheckId) -> String {
    let seen = deployment
        .turned
        .get(check)
        .and_then(|turned| turned.acknowledged)
        .map_or_else(String::new, |(by, _)| format!(" · 👀 {}", words::person(by)));
    let next = deployment.watch_timer(check).and_then(|timer| {
        let Then::WatchPing { ping, .. } = timer.then else {
            return None;
        };
        let rank = deployment.rank_of_watch_ping(check, ping)?;
        Some(format!(
            " · 🔔 {} at {}",
            rank_plural(rank),
            words::clock(timer.due)
        ))
    });
    seen + &next.unwrap_or_default()
}
