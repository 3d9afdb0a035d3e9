//! Checks that several observations decide, and those that are watched after GO.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use insta::assert_snapshot;
use jiff::SignedDuration;
use proptest::prelude::*;

use super::kit::*;
use crate::domain::check::CheckStatus::{self, Error, Failed, Passed};
use crate::domain::check::{AfterGo, CheckResult, Rhythm};
use crate::domain::command::{ActingAs, Command};
use crate::domain::deployment::{RECENT, Series};
use crate::domain::effects::TimerKey;
use crate::domain::event::{Event, Recorded};
use crate::domain::ids::CheckId;

const GATED: &str = "
Prepare
  [ ] Latency | check gate
  [ ] Tech lead | sign-off tech-lead
  [ ] Decision | decision
Deploy | gate tech-lead go
  [ ] Ship
";

pub(super) fn every_minute() -> Rhythm {
    Rhythm {
        every: Duration::from_mins(1),
        lasting: None,
        failures: NonZeroU32::MIN,
        successes: NonZeroU32::MIN,
        after_go: AfterGo::Left,
    }
}

fn lasting(minutes: u64) -> Rhythm {
    Rhythm {
        lasting: Some(Duration::from_mins(minutes)),
        ..every_minute()
    }
}

pub(super) fn in_a_row(failures: u32, successes: u32) -> Rhythm {
    Rhythm {
        failures: NonZeroU32::new(failures).expect("not zero"),
        successes: NonZeroU32::new(successes).expect("not zero"),
        ..every_minute()
    }
}

pub(super) fn watched(rhythm: Rhythm) -> Rhythm {
    Rhythm {
        after_go: AfterGo::Watched,
        ..rhythm
    }
}

pub(super) fn gated(rhythm: Rhythm) -> Story {
    given(GATED).rhythm("gate", rhythm).started()
}

pub(super) fn gate() -> CheckId {
    CheckId::new("gate")
}

fn series(story: &Story) -> &Series {
    &story.deployment().series[&gate()]
}

fn why(story: &Story) -> &str {
    &story.deployment().checks[&gate()].why
}

#[test]
fn a_window_passes_when_each_of_its_observations_did() {
    let story = gated(lasting(3))
        .check("gate", Passed)
        .then(&["gate observed 1.1 Passed"])
        .owes(&["timer: observation 1.2 of gate in 1 min"])
        .observed("gate", Passed, 0)
        .then(&["gate observed 1.2 Passed"])
        .owes(&["timer: observation 1.3 of gate in 1 min"])
        .observed("gate", Passed, 1)
        .observed("gate", Passed, 0)
        .then(&[
            "gate observed 1.4 Passed",
            "gate Passed",
            "1.1 ticks itself",
            "tech-lead asked",
        ])
        .owes(&[
            "card 1 of tech-lead",
            "timer: ping 1 of tech-lead in 30 min",
            "no timer observe:gate",
        ]);
    assert_eq!(story.now.duration_since(friday()), SignedDuration::from_mins(3));
    assert_snapshot!(why(&story), @"all 4 observations passed, over 3 min: status was 200");
}

#[test]
fn until_it_is_decided_it_decides_nothing_and_shows_how_far_it_is() {
    let story = gated(lasting(60))
        .check("gate", Passed)
        .observed("gate", Passed, 0);
    assert!(!story.deployment().has_passed(&gate()));
    assert_eq!(story.boxes(), "....");
    let progress = story
        .deployment()
        .series_progress(&gate())
        .expect("it is under way");
    assert_eq!((progress.passed, progress.needed), (2, 61));
    assert_eq!(progress.until, friday() + SignedDuration::from_mins(60));
    assert_eq!(progress.missed, SignedDuration::ZERO);
}

#[test]
fn a_box_that_the_document_ticks_is_not_said_to_wait_for_a_run_while_it_is_observed() {
    let text = "A\n  [x] Latency | check gate\nB | gate checks\n  [ ] Ship";
    let holds = |story: &Story| story.deployment().holds_not_run().len();
    let story = given(text).rhythm("gate", lasting(5)).started();
    assert_eq!(holds(&story), 1);
    let story = story.check("gate", Passed);
    assert_eq!(holds(&story), 0);
    assert_eq!(story.deployment().held(1).map(|(_, holds)| holds.len()), Some(1));
}

#[test]
fn one_that_does_not_pass_ends_the_window_at_once() {
    let story = gated(lasting(3))
        .check("gate", Passed)
        .observed("gate", Failed, 0)
        .then(&["gate observed 1.2 Failed", "gate Failed"])
        .owes(&["no timer observe:gate"]);
    assert_snapshot!(why(&story), @"observation 2 did not pass: status was 200");
    // One that could not be made has seen nothing that passes either.
    gated(lasting(3))
        .check("gate", Error)
        .then(&["gate observed 1.1 Error", "gate Error"]);
}

#[test]
fn fewer_than_fail_it_let_the_window_begin_again() {
    let rhythm = Rhythm {
        lasting: Some(Duration::from_mins(2)),
        ..in_a_row(2, 1)
    };
    let story = gated(rhythm)
        .check("gate", Passed)
        .observed("gate", Passed, 0)
        .observed("gate", Failed, 0)
        .then(&["gate observed 1.3 Failed"])
        .observed("gate", Passed, 0);
    assert_eq!(series(&story).passed, 1);
    let story = story.observed("gate", Passed, 0);
    assert!(!story.deployment().has_passed(&gate()));
    story.observed("gate", Passed, 0).then(&[
        "gate observed 1.6 Passed",
        "gate Passed",
        "1.1 ticks itself",
        "tech-lead asked",
    ]);
}

#[test]
fn so_many_failures_in_a_row_fail_it_and_no_fewer() {
    let story = gated(in_a_row(3, 3))
        .check("gate", Failed)
        .observed("gate", Error, 0)
        .observed("gate", Passed, 0)
        .observed("gate", Failed, 0)
        .observed("gate", Failed, 0)
        .then(&["gate observed 1.5 Failed"])
        .observed("gate", Failed, 0)
        .then(&["gate observed 1.6 Failed", "gate Failed"])
        .owes(&["no timer observe:gate"]);
    assert_snapshot!(why(&story), @"3 observations in a row did not pass: status was 200");
}

#[test]
fn so_many_successes_in_a_row_pass_it_and_no_fewer() {
    let story = gated(in_a_row(3, 3))
        .check("gate", Passed)
        .observed("gate", Passed, 0)
        .observed("gate", Failed, 0)
        .observed("gate", Passed, 0)
        .observed("gate", Passed, 0)
        .then(&["gate observed 1.5 Passed"])
        .observed("gate", Passed, 0);
    assert!(story.deployment().has_passed(&gate()));
    assert_snapshot!(why(&story), @"3 observations in a row passed: status was 200");
}

#[test]
fn a_check_that_one_observation_decides_is_as_it_was() {
    given(GATED)
        .check("gate", Passed)
        .then(&["gate Passed", "1.1 ticks itself", "tech-lead asked"])
        .owes(&["card 1 of tech-lead", "timer: ping 1 of tech-lead in 30 min"]);
}

#[test]
fn whoever_asks_while_it_is_observed_joins_and_afterwards_begins_anew() {
    let story = gated(lasting(2))
        .check("gate", Passed)
        .later(0)
        .check("gate", Failed)
        .then(&[])
        .observed("gate", Passed, 0)
        .observed("gate", Passed, 0);
    assert!(story.deployment().has_passed(&gate()));
    // A new series takes nothing away before it has decided otherwise.
    let story = story
        .later(10)
        .check("gate", Passed)
        .then(&["gate observed 2.1 Passed"])
        .owes(&["timer: observation 2.2 of gate in 1 min"]);
    assert!(story.deployment().has_passed(&gate()));
    story.observed("gate", Failed, 0).then(&[
        "gate observed 2.2 Failed",
        "gate Failed",
        "1.1 opens itself",
        "tech-lead no longer asked",
    ]);
}

#[test]
fn what_nobody_waits_for_does_not_count() {
    let story = gated(lasting(5)).check("gate", Passed).later(1);
    for (check, series, number) in [("gate", 1, 1), ("gate", 1, 3), ("gate", 2, 2), ("other", 1, 1)] {
        let command = observe(check, Passed, story.now, series, number);
        let refused = gated(lasting(5))
            .check("gate", Passed)
            .later(1)
            .when(ActingAs::CheckRunner, command);
        assert_eq!(
            refused.sentence(),
            "This observation of a check is not waited for, or no longer, so it does not count."
        );
    }
    let command = observe("gate", Passed, story.now, 1, 2);
    let again = observe("gate", Passed, story.now, 1, 2);
    story
        .and(ActingAs::CheckRunner, command)
        .when(ActingAs::CheckRunner, again)
        .sentence();
}

#[test]
fn what_was_seen_before_it_was_due_does_not_make_the_window_shorter() {
    let story = gated(lasting(5)).check("gate", Passed);
    let early = observe("gate", Passed, story.now + SignedDuration::from_secs(59), 1, 2);
    let due = observe("gate", Passed, story.now + SignedDuration::from_secs(60), 1, 2);
    let story = story.when(ActingAs::CheckRunner, early);
    assert_snapshot!(story.sentence(), @"This observation of a check is not waited for, or no longer, so it does not count.");
    story
        .when(ActingAs::CheckRunner, due)
        .then(&["gate observed 1.2 Passed"]);
}

#[test]
fn what_was_not_looked_at_makes_the_window_longer() {
    let story = gated(lasting(3))
        .check("gate", Passed)
        .observed("gate", Passed, 600);
    let progress = story
        .deployment()
        .series_progress(&gate())
        .expect("it is under way");
    assert_eq!(progress.missed, SignedDuration::from_mins(10));
    assert_eq!(progress.until, friday() + SignedDuration::from_mins(13));
    // A little late is no gap, and the pace does not drift.
    let story = story.observed("gate", Passed, 20);
    assert_eq!(series(&story).missed, SignedDuration::from_mins(10));
    let story = story.observed("gate", Passed, 0);
    assert_eq!(story.now.duration_since(friday()), SignedDuration::from_mins(13));
    assert!(story.deployment().has_passed(&gate()));
}

#[test]
fn the_end_stops_the_observations() {
    gated(lasting(60))
        .check("gate", Passed)
        .and(MAX, failed(Some("it rains")))
        .owes(&["report", "no timer observe:gate"])
        .when(ActingAs::CheckRunner, observe("gate", Passed, friday(), 1, 2))
        .sentence();
}

#[test]
fn a_result_of_several_observations_voids_signatures_as_any_other() {
    gated(lasting(1))
        .check("gate", Passed)
        .observed("gate", Passed, 0)
        .and(TESS, approve("tech-lead"))
        .check("gate", Failed)
        .then(&[
            "gate observed 2.1 Failed",
            "gate Failed",
            "tech-lead by 2 void, as gate changed",
            "1.2 opens itself",
            "1.1 opens itself",
        ]);
}

#[test]
fn the_last_twenty_results_are_kept_in_mind() {
    let mut story = gated(in_a_row(100, 100)).check("gate", Passed);
    for round in 0..30 {
        story = story.observed("gate", if round % 2 == 0 { Failed } else { Passed }, 0);
    }
    let recent: Vec<_> = story.deployment().recent_of(&gate()).collect();
    assert_eq!(recent.len(), RECENT);
    assert_eq!(recent.first(), Some(&Failed));
    assert_eq!(recent.last(), Some(&Passed));
    // Each run of a check that one observation decides is one of them, and the verdict of a series is none of its own.
    let story = given(GATED).check("gate", Failed).later(1).check("gate", Passed);
    assert_eq!(
        story.deployment().recent_of(&gate()).collect::<Vec<_>>(),
        [Failed, Passed]
    );
    let story = gated(lasting(1))
        .check("gate", Passed)
        .observed("gate", Passed, 0);
    assert_eq!(story.deployment().recent_of(&gate()).len(), 2);
}

#[test]
fn an_observation_of_many_keeps_little_and_the_result_keeps_all() {
    let long = "ü".repeat(5000);
    let observed: BTreeMap<String, serde_json::Value> = (0..40)
        .map(|n| (format!("value-{n:02}"), serde_json::json!(long)))
        .collect();
    let whole = CheckResult {
        observed,
        ..result("gate", Passed, friday())
    };
    let kept = whole.clone().as_one_of_many();
    let bytes = serde_json::to_string(&kept.observed).expect("JSON").len();
    assert!(bytes < 1500, "{bytes}");
    assert!(!kept.observed.is_empty());
    let story = gated(every_minute()).and(
        ActingAs::CheckRunner,
        Command::RecordCheck {
            result: whole.clone(),
        },
    );
    assert_eq!(story.deployment().checks[&gate()].observed, whole.observed);
}

#[test]
fn events_of_before_there_were_series_are_read() {
    let old = r#"{"seq":2,"at":"2026-03-06T17:00:00Z","actor":"check_runner","event":{"event":"check_recorded","result":
        {"check":"gate","status":"passed","why":"","observed":{},"at":"2026-03-06T17:00:00Z","duration_ms":1}}}"#;
    let read: Recorded = serde_json::from_str(old).expect("an old event");
    let mut deployment = gated(lasting(5)).deployment().clone();
    deployment.apply(&read).expect("it applies");
    assert!(deployment.has_passed(&gate()));
    assert_eq!(deployment.recent_of(&gate()).collect::<Vec<_>>(), [Passed]);
    // What is written now is read as it was; a series of an observation that was asked for has no due time.
    let written = serde_json::to_string(&Event::CheckObserved {
        result: result("gate", Passed, friday()),
        series: 1,
        number: 1,
        due: None,
    })
    .expect("JSON");
    assert_snapshot!(written, @r#"{"event":"check_observed","result":{"check":"gate","status":"passed","why":"status was 200","observed":{"status":200},"at":"2026-03-06T17:00:00Z","duration_ms":12},"series":1,"number":1,"due":null}"#);
}

/// What may happen to a check that is observed, in any order.
#[derive(Clone, Copy, Debug)]
enum Happens {
    Asked(CheckStatus),
    Observed(CheckStatus, i64),
    Lost(u32),
    Go,
    NoGo,
}

fn any_status() -> impl Strategy<Value = CheckStatus> {
    prop_oneof![6 => Just(Passed), 1 => Just(Failed), 1 => Just(Error)]
}

fn any_event() -> impl Strategy<Value = Happens> {
    prop_oneof![
        2 => any_status().prop_map(Happens::Asked),
        12 => (any_status(), prop_oneof![Just(0), 0i64..200]).prop_map(|(status, late)| Happens::Observed(status, late)),
        1 => (0u32..5).prop_map(Happens::Lost),
        1 => Just(Happens::Go),
        1 => Just(Happens::NoGo),
    ]
}

fn any_rhythm() -> impl Strategy<Value = Rhythm> {
    (prop::option::of(1u64..5), 1u32..4, 1u32..4, prop::bool::ANY).prop_map(
        |(lasting, failures, successes, watch)| Rhythm {
            lasting: lasting.map(Duration::from_mins),
            after_go: if watch { AfterGo::Watched } else { AfterGo::Left },
            ..in_a_row(failures, successes)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the order: a check has passed only after a full window of observations that passed, and has failed only
    /// after as many in a row as fail it.
    #[test]
    fn a_verdict_has_what_it_needs_behind_it(
        rhythm in any_rhythm(),
        happens in prop::collection::vec(any_event(), 0..80),
    ) {
        let text = "A\n  [ ] Decision | decision\nAfter | gate go\n  [ ] Errors stay low | check gate";
        let mut story = given(text).rhythm("gate", rhythm).started();
        let key = TimerKey::of_observation(&gate());
        for one in happens {
            story = match one {
                Happens::Asked(status) => {
                    let at = story.now;
                    story.when(ActingAs::CheckRunner, record("gate", status, at)).later(1)
                }
                Happens::Observed(status, late) if story.timers.contains_key(&key) => {
                    story.observed("gate", status, late)
                }
                // Made twice, or too late.
                Happens::Lost(number) => {
                    let at = story.now;
                    story.when(ActingAs::CheckRunner, observe("gate", Passed, at, 1, number))
                }
                Happens::Go => story.when(MAX, Command::Go),
                Happens::NoGo => story.when(MAX, no_go()),
                Happens::Observed(..) => story,
            };
            let timer = story.deployment().observation_timer(&gate());
            prop_assert_eq!(story.timers.get(&key), timer.as_ref());
        }
        let (mut passed, mut not_passed, mut of) = (0, 0, 0);
        let mut first = None;
        for recorded in story.history() {
            match &recorded.event {
                Event::CheckObserved { result, series, .. } => {
                    if *series != of {
                        (passed, not_passed, of) = (0, 0, *series);
                    }
                    if result.has_passed() {
                        if passed == 0 {
                            first = Some(result.at);
                        }
                        (passed, not_passed) = (passed + 1, 0);
                    } else {
                        (passed, not_passed) = (0, not_passed + 1);
                    }
                }
                Event::CheckRecorded { result } if result.has_passed() => {
                    prop_assert!(passed >= rhythm.needed());
                    let lasted = result.at.duration_since(first.expect("a first pass"));
                    let wanted = rhythm.lasting.unwrap_or_default();
                    prop_assert!(lasted.as_secs() >= wanted.as_secs() as i64, "{lasted} of {wanted:?}");
                }
                Event::CheckRecorded { .. } => prop_assert!(not_passed >= rhythm.failures.get()),
                _ => {}
            }
        }
    }
}
