//! `holdpoint check`: the checks of a file, run from a terminal or a CI job, without Discord.

mod ask;
mod board;
mod choose;
mod given;
mod json;
mod junit;
mod look;
mod screen;
mod stop;
mod table;
mod tell;
mod text;

use std::io;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use futures_util::StreamExt as _;

use self::board::{Board, News};
use self::junit::Span;
use self::look::Verdict;
use self::stop::Stop;
use self::tell::Teller;
use super::checklists::{add_problems, colour_for, read, write_diagnostics};
use super::{Ended, bot};
use crate::checks::{Checks, Environment, Variables};
use crate::cli::{CheckArguments, CheckFormat};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Settings;
use crate::domain::check::{Check, CheckResult, in_words};
use crate::domain::checklist::Checklist;
use crate::domain::ids::VariableName;
use crate::markdown::Parsed;

/// How often what moves on a terminal is drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(120);

/// Whether the checks are run once or again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    No,
    Yes,
}

/// Runs the checks of a file.
pub(super) async fn run(settings: &Settings, arguments: CheckArguments) -> anyhow::Result<Ended> {
    let again = if arguments.watch { Again::Yes } else { Again::No };
    if arguments.format == CheckFormat::Junit && again == Again::Yes {
        bail!(
            "a JUnit report is of one run; leave --watch out, or write --format json for one object a round"
        );
    }
    let mut parsed = read(&arguments.file)?;
    add_problems(&mut parsed);
    if parsed.has_errors() {
        return tell_what_is_wrong(&arguments.file, &parsed);
    }
    let checklist = parsed.checklist;
    let stop = Stop::listen()?;
    let chosen = choose::choose(&checklist, &arguments.only)?;
    let environment = Environment::of_process();
    let mut given = given::given(&checklist, &arguments.variables, &arguments.variable_files)?;
    let missing = without_value(
        &chosen,
        &Variables::of(&checklist.variables, &given, &environment),
    );
    if !missing.is_empty() {
        match ask::ask(&checklist, &missing, &stop).await? {
            Some(answers) => given.extend(answers),
            None => return Ok(by_signal(&stop, None)),
        }
    }
    let run = Run {
        checks: bot::checks(
            settings,
            &settings.database.path,
            environment.clone(),
            Arc::new(SystemClock),
        )?,
        variables: Arc::new(Variables::of(&checklist.variables, &given, &environment)),
        board: Board::new(&chosen, &checklist),
        known: None,
        teller: Teller::new(arguments.format, again, arguments.file),
        chosen,
        checklist,
        stop,
    };
    match again {
        Again::No => run.once().await,
        Again::Yes => run.again_and_again(arguments.every).await,
    }
}

struct Run {
    checks: Checks,
    variables: Arc<Variables>,
    checklist: Checklist,
    chosen: Vec<Check>,
    board: Board,
    /// As the last whole round left it.
    known: Option<Board>,
    teller: Teller,
    stop: Stop,
}

impl Run {
    async fn once(mut self) -> anyhow::Result<Ended> {
        self.round().await?;
        self.finish()
    }

    async fn again_and_again(mut self, every: Duration) -> anyhow::Result<Ended> {
        loop {
            let began = Instant::now();
            self.round().await?;
            if self.stop.signal().is_none() && !self.teller.is_unread() {
                self.rest(began, every).await?;
            }
            if self.stop.signal().is_some() || self.teller.is_unread() {
                return self.finish();
            }
        }
    }

    /// Ends as the last whole round did; where there is none, by the signal that came before its end.
    fn finish(mut self) -> anyhow::Result<Ended> {
        self.teller.finish(&self.board)?;
        let known = self.known.as_ref().map(Board::verdict);
        Ok(by_signal(&self.stop, known))
    }

    /// Runs every check once, or until a signal comes.
    async fn round(&mut self) -> anyhow::Result<()> {
        let began = (SystemClock.now(), Instant::now());
        let mut changed = News::Same;
        self.board.begin();
        self.teller.begin(&self.board)?;
        let results = self.checks.run_all(
            self.chosen.clone(),
            Arc::clone(&self.variables),
            self.stop.token.child_token(),
        );
        let mut results = pin!(results);
        let mut drawing = tokio::time::interval(DRAWN_EVERY);
        loop {
            tokio::select! {
                result = results.next() => {
                    let Some(result) = result else { break };
                    let result = of_one_observation(&self.checklist, result);
                    if let Some((row, news)) = self.board.note(result) {
                        self.teller.ended(row, news)?;
                        if news == News::Changed {
                            changed = News::Changed;
                        }
                    }
                }
                _ = drawing.tick(), if self.teller.is_live() => self.teller.redraw(&self.board, None)?,
            }
        }
        let cancelled = self.board.cancel_rest();
        match &self.known {
            // Half a round says less than the whole one before it.
            Some(known) if cancelled > 0 => {
                self.board = known.clone();
                self.teller.take_back();
                return Ok(());
            }
            Some(_) | None => {}
        }
        let rest = self.board.rows.iter();
        for row in rest.filter(|row| row.state == board::State::Cancelled) {
            self.teller.ended(row, News::Changed)?;
            changed = News::Changed;
        }
        if cancelled == 0 {
            self.known = Some(self.board.clone());
        }
        let span = Span {
            began: began.0,
            milliseconds: began.1.elapsed().as_millis() as u64,
        };
        self.teller.end(&self.board, &self.checklist, span, changed)
    }

    /// Waits for the next round, or for a signal.
    async fn rest(&mut self, began: Instant, every: Duration) -> anyhow::Result<()> {
        let until = tokio::time::Instant::from_std(began + every);
        let mut drawing = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                () = self.stop.token.cancelled() => return Ok(()),
                () = tokio::time::sleep_until(until) => return Ok(()),
                _ = drawing.tick(), if self.teller.is_live() => {
                    let left = until.duration_since(tokio::time::Instant::now());
                    self.teller.redraw(&self.board, Some(left.as_secs_f64().ceil() as u64))?;
                }
            }
        }
    }
}

/// How a run ends that a signal ended: by what is known, if anything is, else by the signal.
fn by_signal(stop: &Stop, known: Option<Verdict>) -> Ended {
    match (known, stop.signal()) {
        (Some(verdict), _) => verdict.ended(),
        (None, Some(signal)) => Ended::BySignal(signal),
        (None, None) => Ended::Unable,
    }
}

/// A result that says so where a deployment observes the check more than once before it believes it.
fn of_one_observation(checklist: &Checklist, result: CheckResult) -> CheckResult {
    let check = checklist.checks.get(&result.check);
    match check.and_then(|check| check.rhythm) {
        Some(rhythm) if result.has_passed() && rhythm.needed() > 1 => CheckResult {
            why: format!(
                "{} (observed once; a deployment takes {} observations, one every {})",
                result.why,
                rhythm.needed(),
                in_words(rhythm.every)
            ),
            ..result
        },
        _ => result,
    }
}

/// The variables that the checks name and that have no value.
fn without_value(chosen: &[Check], variables: &Variables) -> Vec<VariableName> {
    let mut missing: Vec<VariableName> = Vec::new();
    for name in chosen.iter().flat_map(Checks::variables_of) {
        if !variables.has(&name) && !missing.contains(&name) {
            missing.push(name);
        }
    }
    missing
}

/// Says why nothing runs: the file itself is wrong.
fn tell_what_is_wrong(file: &Path, parsed: &Parsed) -> anyhow::Result<Ended> {
    let stderr = io::stderr();
    let colour = colour_for(&stderr);
    write_diagnostics(&mut io::BufWriter::new(stderr.lock()), file, parsed, colour)?;
    bail!(
        "{} has errors, so none of its checks was run; mend what is said above",
        file.display()
    );
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;

    use super::*;
    use crate::domain::check::CheckStatus;
    use crate::domain::ids::{CheckId, ChecklistName};
    use crate::markdown::parse;

    /// A checklist with these checks, each bound to an item.
    pub(super) fn checklist(checks: &[&str]) -> Checklist {
        use std::fmt::Write as _;
        let (mut front, mut items) = (String::new(), String::new());
        for check in checks {
            writeln!(front, "  {check}: {{ env: {{ required: [A] }} }}").unwrap();
            writeln!(items, "- [ ] Item <!-- check: {check} -->").unwrap();
        }
        let text = format!("---\nchecks:\n{front}---\n{items}");
        parse(&ChecklistName::new("l"), text.as_bytes()).checklist
    }

    /// A board with these checks, on which nothing has run.
    pub(super) fn board(checks: &[&str]) -> Board {
        let checklist = checklist(checks);
        let chosen = choose::choose(&checklist, &[]).unwrap();
        Board::new(&chosen, &checklist)
    }

    /// A result that took 7 ms.
    pub(super) fn result(check: &str, status: CheckStatus) -> CheckResult {
        CheckResult {
            check: CheckId::new(check),
            status,
            why: "because".to_owned(),
            observed: BTreeMap::new(),
            at: Timestamp::UNIX_EPOCH,
            duration_ms: 7,
        }
    }

    #[test]
    fn json_has_the_promised_shape() {
        let mut board = board(&["a", "b", "c"]);
        let mut failed = result("b", CheckStatus::Failed);
        failed
            .observed
            .insert("status".to_owned(), serde_json::json!(500));
        board.note(result("a", CheckStatus::Passed));
        board.note(failed);
        board.cancel_rest();
        let document = json::document(Path::new("l.md"), &board, 12).unwrap();
        insta::assert_snapshot!(format!("{:#}", document["checks"]), @r#"
        [
          {
            "duration_ms": 7,
            "id": "a",
            "items": [
              "1"
            ],
            "observed": {},
            "status": "passed",
            "why": "because"
          },
          {
            "duration_ms": 7,
            "id": "b",
            "items": [
              "2"
            ],
            "observed": {
              "status": 500
            },
            "status": "failed",
            "why": "because"
          },
          {
            "duration_ms": 0,
            "id": "c",
            "items": [
              "3"
            ],
            "observed": {},
            "status": "error",
            "why": "the run was cancelled before this check had a result"
          }
        ]
        "#);
        insta::assert_snapshot!(document["summary"].to_string(), @r#"{"checks":3,"duration_ms":12,"error":1,"failed":1,"passed":1,"skipped":0}"#);
    }
}
