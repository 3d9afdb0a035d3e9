//! A run of checks: a progress line while it lasts, then a table, with what did not pass on top.

use super::super::custom_id::Press;
use super::message::{Colour, Embed, Message, Style, limit};
use super::observed;
use super::parts::button;
use super::words::{self, CheckTally};
use crate::domain::check::{CheckResult, CheckSeverity, CheckStatus};
use crate::domain::deployment::Deployment;
use crate::domain::ids::{CheckId, UserId};
use crate::domain::sign_off::Holder;
use crate::engine::Stopped;

/// Whether a run has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nothing more will come.
    Yes,
    /// Results still come.
    No,
}

/// A run, as far as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunShown<'a> {
    /// The checks it runs, in the order of their first items.
    pub(crate) checks: &'a [CheckId],
    /// The results so far, in the order they came.
    pub(crate) results: &'a [CheckResult],
    /// Whether more will come.
    pub(crate) ended: Ended,
    /// Why it stopped before its end.
    pub(crate) stopped: Option<&'a Stopped>,
}

/// How many running checks are named.
const RUNNING: usize = 4;

/// The message of a run.
pub(crate) fn run(deployment: &Deployment, shown: RunShown<'_>) -> Message {
    if shown.checks.is_empty() {
        return Message::text(
            "No check is bound to that, so there is nothing to run. `/deploy tick` ticks items by hand.",
        );
    }
    let (observed, decided): (Vec<&CheckId>, Vec<&CheckId>) = shown
        .checks
        .iter()
        .partition(|check| shown.is_observed_on(deployment, check));
    let tally = CheckTally::count(decided.into_iter().map(|check| shown.status(check)));
    let not_passed = tally.failed + tally.error + tally.skipped;
    let message = Message {
        content: words::content(&shown.headline(tally, observed.len())),
        embed: shown.table(deployment, tally),
        ..Message::default()
    };
    if shown.ended == Ended::Yes && not_passed + tally.not_run > 0 {
        let again = Press::CheckAgain {
            deployment: deployment.id,
        };
        message.with_row([button(&again, "Run failed again", Style::Primary)])
    } else {
        message
    }
}

/// What a run came to, as a message of its own to whoever asked, after Discord takes no change of the answer any more.
pub(crate) fn late(asker: UserId, table: Message) -> Message {
    let words = format!(
        "{} this is what the checks you asked for came to; they took longer than an answer can be changed.\n{}",
        words::person(asker),
        table.content
    );
    Message {
        content: words::content(&words),
        pings: vec![Holder::Member(asker)],
        ..table
    }
}

impl RunShown<'_> {
    fn result(&self, check: &CheckId) -> Option<&CheckResult> {
        self.results.iter().rev().find(|result| result.check == *check)
    }

    fn status(&self, check: &CheckId) -> Option<CheckStatus> {
        self.result(check).map(|result| result.status)
    }

    /// Whether a check has a result that does not decide it yet, as more observations are needed.
    fn is_observed_on(&self, deployment: &Deployment, check: &CheckId) -> bool {
        self.result(check).is_some() && deployment.series_under_way(check).is_some()
    }

    fn headline(&self, tally: CheckTally, observed: usize) -> String {
        const WIDTH: usize = 10;
        let all = self.checks.len();
        let done = all - tally.not_run;
        let mut lines = Vec::new();
        match self.ended {
            Ended::No => {
                let so_far = CheckTally { not_run: 0, ..tally };
                let so_far = if done == 0 {
                    String::new()
                } else {
                    format!(" · {}", with_observed(so_far, "", observed))
                };
                lines.push(format!(
                    "Running {} {done}/{all}{so_far}",
                    words::bar(done, all, WIDTH)
                ));
                let running: Vec<_> = self
                    .checks
                    .iter()
                    .filter(|check| self.result(check).is_none())
                    .map(words::check)
                    .collect();
                if !running.is_empty() {
                    lines.push(format!("Waiting for {}", words::some_of(&running, RUNNING)));
                }
            }
            Ended::Yes if tally.passed == all && all == 1 => lines.push("✅ The check passed.".to_owned()),
            Ended::Yes if tally.passed == all => lines.push(format!("✅ All {all} checks passed.")),
            Ended::Yes => lines.push(format!(
                "{}: {}",
                words::count(all, "check"),
                with_observed(tally, "did not run", observed)
            )),
        }
        if let Some(stopped) = self.stopped {
            lines.push(format!("⚠️ The run stopped early: {}", why(stopped)));
        }
        lines.join("\n")
    }

    fn table(&self, deployment: &Deployment, tally: CheckTally) -> Option<Embed> {
        if self.results.is_empty() {
            return None;
        }
        let (observed, decided): (Vec<&CheckId>, Vec<&CheckId>) = self
            .checks
            .iter()
            .partition(|check| self.is_observed_on(deployment, check));
        let (passed, not_passed): (Vec<&CheckResult>, Vec<&CheckResult>) = decided
            .into_iter()
            .filter_map(|check| self.result(check))
            .partition(|result| result.status == CheckStatus::Passed);
        let is_observed_on = !observed.is_empty();
        let description = rows(deployment, &not_passed, &observed, &passed);
        let colour = if tally.failed > 0 {
            Colour::Red
        } else if tally.error + tally.skipped > 0 || self.ended == Ended::No || is_observed_on {
            Colour::Yellow
        } else {
            Colour::Green
        };
        Some(Embed {
            title: words::frame_title("Checks · ", deployment),
            description,
            colour,
            fields: Vec::new(),
            footer: words::footer(deployment),
        })
    }
}

/// A tally in words, with those that more observations have to decide.
fn with_observed(tally: CheckTally, unrun: &str, observed: usize) -> String {
    let observed_on = format!("🔎 {observed} observed on");
    match (tally == CheckTally::default(), observed) {
        (_, 0) => tally.words(unrun),
        (true, _) => observed_on,
        (false, _) => format!("{} · {observed_on}", tally.words(unrun)),
    }
}

/// Why a run stopped, for everybody: what broke inside is the log's to say.
fn why(stopped: &Stopped) -> String {
    match stopped {
        Stopped::Refused(refusal) => refusal.to_string(),
        Stopped::Broken => {
            "something broke on Holdpoint's side. Run it again; if it stays, whoever runs Holdpoint finds \
                            why in its log."
                .to_owned()
        }
        Stopped::Stopping => "Holdpoint is stopping. Run it again when it is back.".to_owned(),
    }
}

/// The rows of the table. What did not pass comes first and has more room; what finds none is counted.
fn rows(
    deployment: &Deployment,
    not_passed: &[&CheckResult],
    observed: &[&CheckId],
    passed: &[&CheckResult],
) -> String {
    let passing: Vec<_> = passed
        .iter()
        .map(|result| passed_line(deployment, result))
        .collect();
    let counted = |number: usize| format!("✅ … and {number} that passed");
    let observing: Vec<_> = observed
        .iter()
        .map(|check| observed_line(deployment, check))
        .collect();
    let observed_too = |number: usize| format!("🔎 … and {number} observed on");
    let reserve_of = |number: usize, line: String| {
        if number == 0 { 0 } else { words::length(&line) + 1 }
    };
    let reserve = reserve_of(passed.len(), counted(passed.len()));
    let reserve_observed = reserve_of(observed.len(), observed_too(observed.len()));
    let room = limit::DESCRIPTION - reserve - reserve_observed;
    let failing = [300, 160, 90, 50]
        .into_iter()
        .map(|why| not_passed_lines(deployment, not_passed, why).join("\n"))
        .find(|lines| words::length(lines) <= room)
        .unwrap_or_else(|| {
            words::fitted(&not_passed_lines(deployment, not_passed, 90), room, |number| {
                format!("… and {number} more that did not pass; `/deploy check` on a section shows fewer at a time")
            })
        });
    let left = limit::DESCRIPTION - words::length(&failing) - usize::from(!failing.is_empty());
    let observing = words::fitted(&observing, left - reserve, observed_too);
    let left = left - words::length(&observing) - usize::from(!observing.is_empty());
    let passing = words::fitted(&passing, left, counted);
    [failing, observing, passing]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Failed ones before those that could not be run, and these before those that wait for them; the gravest first.
fn not_passed_lines(deployment: &Deployment, results: &[&CheckResult], why: usize) -> Vec<String> {
    let severity = |result: &CheckResult| {
        let check = deployment.checklist.checks.get(&result.check);
        check.map_or_else(CheckSeverity::default, |check| check.severity)
    };
    let of = |status: CheckStatus, icon: &'static str| {
        let mut of_status: Vec<&CheckResult> = results
            .iter()
            .copied()
            .filter(|result| result.status == status)
            .collect();
        of_status.sort_by_key(|result| severity(result));
        of_status.into_iter().map(move |result| {
            let severity = match severity(result) {
                CheckSeverity::High => String::new(),
                other => format!(" ({})", other.as_str()),
            };
            let items = items(deployment, &result.check);
            let items = if items.is_empty() {
                String::new()
            } else {
                format!(" for {}", words::some_of(&items, 3))
            };
            format!(
                "{icon} {}{severity}{items}: {}{}",
                words::check(&result.check),
                words::brief(&result.why, why),
                observed::behind(deployment, &result.check)
            )
        })
    };
    of(CheckStatus::Failed, "❌")
        .chain(of(CheckStatus::Error, "⚠️"))
        .chain(of(CheckStatus::Skipped, "⏭️"))
        .collect()
}

/// A check that more observations have to decide.
fn observed_line(deployment: &Deployment, check: &CheckId) -> String {
    let progress = observed::progress(deployment, check).unwrap_or_else(|| "not decided".to_owned());
    format!(
        "🔎 {}: {progress}{}",
        words::check(check),
        observed::behind(deployment, check)
    )
}

fn passed_line(deployment: &Deployment, result: &CheckResult) -> String {
    let ticked: Vec<_> = deployment
        .checklist
        .items
        .iter()
        .enumerate()
        .filter(|(index, item)| {
            item.checks.contains(&result.check) && deployment.item_state(*index).is_closed()
        })
        .map(|(_, item)| words::id(&item.id))
        .collect();
    let waiting = items(deployment, &result.check).len() - ticked.len();
    let ticks = if ticked.is_empty() {
        String::new()
    } else {
        format!(" ticked {}", words::some_of(&ticked, 3))
    };
    let waits = match waiting {
        0 => String::new(),
        1 => " (1 item waits for more)".to_owned(),
        several => format!(" ({several} items wait for more)"),
    };
    format!(
        "✅ {}{ticks}{waits} · {}{}",
        words::check(&result.check),
        took(result.duration_ms),
        observed::behind(deployment, &result.check)
    )
}

fn items(deployment: &Deployment, check: &CheckId) -> Vec<String> {
    deployment
        .checklist
        .items
        .iter()
        .filter(|item| item.checks.contains(check))
        .map(|item| words::id(&item.id))
        .collect()
}

fn took(milliseconds: u64) -> String {
    if milliseconds < 1000 {
        format!("{milliseconds} ms")
    } else {
        format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
    }
}
