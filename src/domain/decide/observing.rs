//! Checks that several observations decide: what one observation means, and what turns after GO.

use super::Deciding;
use crate::domain::check::{CheckResult, Verdict};
use crate::domain::deployment::Stage;
use crate::domain::effects::Then;
use crate::domain::event::Event;
use crate::domain::ids::CheckId;
use crate::domain::refusal::Refusal;

impl Deciding<'_> {
    /// Takes the first observation of a new series, which somebody asked for. While a series is under way there is no other:
    /// whoever asks joins it.
    pub(super) fn begin_series(&mut self, result: CheckResult) {
        let check = result.check.clone();
        let known = self.after.series.get(&check);
        let is_old = known.is_some_and(|series| {
            // As with every result: what began later is the news, unless the clock has gone back since.
            series.last.at > result.at && series.last.at <= self.context.now
        });
        if is_old || self.after.series_under_way(&check).is_some() {
            return;
        }
        let series = known.map_or(1, |series| series.number.saturating_add(1));
        self.emit(Event::CheckObserved {
            result: result.clone().as_one_of_many(),
            series,
            number: 1,
            due: None,
        });
        self.weigh(&check, result);
    }

    /// Takes an observation that came due.
    pub(super) fn observe(&mut self, result: CheckResult, series: u32, number: u32) -> Result<(), Refusal> {
        let check = result.check.clone();
        let waits_for = Then::Observe {
            check: check.clone(),
            series,
            number,
        };
        // A new series may have begun meanwhile, or the check may no longer be watched. What was seen before it was due would
        // make the window shorter than it says; the database keeps whole milliseconds.
        let timer = self
            .after
            .observation_timer(&check)
            .filter(|timer| {
                timer.then == waits_for && timer.due.as_millisecond() <= result.at.as_millisecond()
            })
            .ok_or(Refusal::ObservationNotDue)?;
        self.emit(Event::CheckObserved {
            result: result.clone().as_one_of_many(),
            series,
            number,
            due: Some(timer.due),
        });
        self.weigh(&check, result);
        Ok(())
    }

    /// What the latest observations of a check come to.
    fn weigh(&mut self, check: &CheckId, last: CheckResult) {
        let Some((rhythm, series)) = self.after.rhythm_of(check).zip(self.after.series.get(check)) else {
            return;
        };
        let Some(verdict) = rhythm.verdict(series.passed, series.not_passed) else {
            return;
        };
        let stands = match verdict {
            Verdict::Passed => self.after.has_passed(check),
            Verdict::NotPassed => !self.after.has_passed(check),
        };
        if series.stage == Stage::UnderWay || !stands {
            let result = rhythm.concluded(last, verdict, series.observations);
            self.conclude(result);
        }
        let turned = self.after.turned.contains_key(check);
        match verdict {
            Verdict::NotPassed if !turned && self.after.is_watched(check) => {
                self.emit(Event::WatchTurned { check: check.clone() });
            }
            Verdict::Passed if turned => self.emit(Event::WatchRecovered { check: check.clone() }),
            Verdict::NotPassed | Verdict::Passed => {}
        }
    }
}
