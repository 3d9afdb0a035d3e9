//! The checks that were asked for, and what became of each so far.

use std::collections::VecDeque;

use super::look::{CANCELLED, Look, Verdict, WHY_CANCELLED, look};
use crate::domain::check::{Check, CheckResult, CheckStatus};
use crate::domain::checklist::Checklist;
use crate::domain::ids::{CheckId, ItemId};

/// How many results of a check are remembered.
const REMEMBERED: usize = 20;

/// The checks of a run, in the order of the source.
#[derive(Clone, Debug)]
pub(super) struct Board {
    pub(super) rows: Vec<Row>,
}

/// A check and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) id: CheckId,
    pub(super) description: Option<String>,
    /// The items bound to it, in the order of the source.
    pub(super) items: Vec<ItemId>,
    /// How many observations in a row a deployment takes before it believes the check.
    pub(super) needed: u32,
    pub(super) state: State,
    /// Its last results, newest last.
    pub(super) history: VecDeque<CheckStatus>,
}

/// What became of a check in this round.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    /// Nothing yet.
    Running,
    /// It has a result.
    Ended(CheckResult),
    /// It was ended before it had one.
    Cancelled,
}

/// What a result was to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It is the first, or another status than the one before.
    Changed,
    /// It is the same status again.
    Same,
}

impl Board {
    /// A board on which nothing has run.
    pub(super) fn new(checks: &[Check], checklist: &Checklist) -> Self {
        let rows = checks
            .iter()
            .map(|check| Row {
                id: check.id.clone(),
                description: check.description.clone(),
                items: checklist
                    .items
                    .iter()
                    .filter(|item| item.checks.contains(&check.id))
                    .map(|item| item.id.clone())
                    .collect(),
                needed: check.rhythm.map_or(1, |rhythm| rhythm.needed()),
                state: State::Running,
                history: VecDeque::new(),
            })
            .collect();
        Self { rows }
    }

    /// Begins a round.
    pub(super) fn begin(&mut self) {
        for row in &mut self.rows {
            row.state = State::Running;
        }
    }

    /// Notes a result; gives its row, and whether it is news.
    pub(super) fn note(&mut self, result: CheckResult) -> Option<(&Row, News)> {
        let row = self.rows.iter_mut().find(|row| row.id == result.check)?;
        let news = if row.history.back() == Some(&result.status) {
            News::Same
        } else {
            News::Changed
        };
        if row.history.len() == REMEMBERED {
            row.history.pop_front();
        }
        row.history.push_back(result.status);
        row.state = State::Ended(result);
        Some((row, news))
    }

    /// Marks what has no result as cancelled, and tells how many those are.
    pub(super) fn cancel_rest(&mut self) -> usize {
        let mut cancelled = 0;
        for row in &mut self.rows {
            if row.state == State::Running {
                row.state = State::Cancelled;
                cancelled += 1;
            }
        }
        cancelled
    }

    /// How many checks have ended in this round.
    pub(super) fn ended(&self) -> usize {
        self.rows.iter().filter_map(Row::look).count()
    }

    /// How many came to what, by the words for people; what none came to is left out.
    pub(super) fn tally(&self) -> Vec<(Look, usize)> {
        let mut tally: Vec<(Look, usize)> = Vec::new();
        for look in self.rows.iter().filter_map(Row::look) {
            match tally.iter_mut().find(|(known, _)| *known == look) {
                Some((_, count)) => *count += 1,
                None => tally.push((look, 1)),
            }
        }
        tally.sort_by_key(|(look, _)| look.rank);
        tally
    }

    /// The tally in words, as `7 passed, 1 failed, 1 could not run`.
    pub(super) fn summary(&self) -> String {
        let parts: Vec<String> = self
            .tally()
            .into_iter()
            .map(|(look, count)| format!("{count} {}", look.word))
            .collect();
        parts.join(", ")
    }

    /// The worst that any check came to.
    pub(super) fn verdict(&self) -> Verdict {
        let looks = self.rows.iter().filter_map(Row::look);
        looks.map(|look| look.verdict).max().unwrap_or(Verdict::Unable)
    }
}

impl Row {
    /// Why it ended as it did, where a person wants to know: always when it did not pass, and when it passed once and a
    /// deployment would look more often.
    pub(super) fn why_told(&self) -> Option<&str> {
        let look = self.look()?;
        (look.element.is_some() || self.needed > 1)
            .then(|| self.result().map_or(WHY_CANCELLED, |result| result.why.as_str()))
    }

    /// How its end is told; nothing while it runs.
    pub(super) fn look(&self) -> Option<Look> {
        match &self.state {
            State::Running => None,
            State::Ended(result) => Some(look(result.status)),
            State::Cancelled => Some(CANCELLED),
        }
    }

    /// Its result in this round.
    pub(super) fn result(&self) -> Option<&CheckResult> {
        match &self.state {
            State::Ended(result) => Some(result),
            State::Running | State::Cancelled => None,
        }
    }

    /// Its last results as signs, newest last.
    pub(super) fn sparkline(&self) -> String {
        self.history.iter().map(|status| look(*status).sign).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{board, result};
    use super::*;

    #[test]
    fn the_worst_of_the_checks_is_the_whole_rounds() {
        let mut board = board(&["a", "b", "c"]);
        assert_eq!(board.verdict(), Verdict::Unable, "nothing is known yet");
        board.note(result("a", CheckStatus::Passed));
        assert_eq!(board.verdict(), Verdict::Well);
        board.note(result("b", CheckStatus::Failed));
        assert_eq!(board.verdict(), Verdict::Badly);
        board.note(result("c", CheckStatus::Error));
        assert_eq!(board.verdict(), Verdict::Unable);
        assert_eq!(board.summary(), "1 passed, 1 failed, 1 could not run");
    }

    #[test]
    fn only_a_change_is_news_and_the_last_twenty_are_remembered() {
        let mut board = board(&["a"]);
        let mut news = |status| board.note(result("a", status)).map(|(_, news)| news);
        assert_eq!(news(CheckStatus::Passed), Some(News::Changed));
        for _ in 0..REMEMBERED {
            assert_eq!(news(CheckStatus::Passed), Some(News::Same));
        }
        assert_eq!(news(CheckStatus::Failed), Some(News::Changed));
        assert_eq!(
            board.rows[0].sparkline(),
            format!("{}✗", "✓".repeat(REMEMBERED - 1))
        );
    }

    #[test]
    fn what_had_no_result_is_cancelled_and_not_passed() {
        let mut board = board(&["a", "b"]);
        board.note(result("a", CheckStatus::Passed));
        assert_eq!(board.cancel_rest(), 1);
        assert_eq!(board.summary(), "1 passed, 1 cancelled");
        assert_eq!(board.verdict(), Verdict::Unable);
        board.begin();
        assert_eq!(board.ended(), 0);
    }
}
