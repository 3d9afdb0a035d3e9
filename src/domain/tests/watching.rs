//! Checks that are watched after GO: when the watch begins and ends, what turns, and who is pinged for it.

use insta::assert_snapshot;
use jiff::SignedDuration;

use super::kit::*;
use super::observing::{every_minute, gate, gated, in_a_row, watched};
use crate::domain::check::CheckStatus::{Failed, Passed};
use crate::domain::check::Rhythm;
use crate::domain::command::{ActingAs, Command};
use crate::domain::refusal::Refusal;
use crate::domain::sign_off::Rank;

/// GO has been decided, and the check is watched.
fn released(rhythm: Rhythm) -> Story {
    let mut story = gated(watched(rhythm)).passes("gate");
    while !story.deployment().has_passed(&gate()) {
        story = story.observed("gate", Passed, 0);
    }
    story.and(TESS, approve("tech-lead")).and(MAX, Command::Go)
}

#[test]
fn go_begins_the_watch_and_no_go_and_the_end_stop_it() {
    let story =
        released(every_minute()).owes(&["word of the decision", "timer: observation 1.2 of gate in 1 min"]);
    let story = story
        .observed("gate", Passed, 0)
        .then(&["gate observed 1.2 Passed"])
        .owes(&["timer: observation 1.3 of gate in 1 min"]);
    story
        .and(MAX, no_go())
        .owes(&["word of the decision", "no timer observe:gate"])
        .later(30)
        .and(MAX, Command::Go)
        .owes(&["word of the decision", "timer: observation 1.3 of gate in 0 min"])
        .and(MAX, failed(Some("enough")))
        .owes(&["edit card 1 of tech-lead", "report", "no timer observe:gate"]);
}

#[test]
fn a_watch_begins_with_go_also_where_the_check_never_ran() {
    let text = "A\n  [ ] Decision | decision\nAfter | gate go\n  [ ] Errors stay low | check gate";
    given(text)
        .rhythm("gate", watched(every_minute()))
        .and(MAX, Command::Go)
        .owes(&["word of the decision", "timer: observation 1.1 of gate in 0 min"])
        .observed("gate", Passed, 2)
        .then(&["gate observed 1.1 Passed", "gate Passed", "2.1 ticks itself"])
        .owes(&["timer: observation 1.2 of gate in 1 min"]);
}

#[test]
fn what_turns_after_go_is_told_once_and_so_is_its_recovery() {
    let story = released(in_a_row(2, 2));
    let story = released_and_turned(story)
        .observed("gate", Failed, 0)
        .then(&["gate observed 1.6 Failed"])
        .owes(&["timer: observation 1.7 of gate in 1 min"])
        .observed("gate", Passed, 0)
        .then(&["gate observed 1.7 Passed"])
        .observed("gate", Passed, 0)
        .then(&[
            "gate observed 1.8 Passed",
            "gate Passed",
            "gate recovered",
            "1.1 ticks itself",
        ])
        .owes(&[
            "word that gate recovered",
            "timer: observation 1.9 of gate in 1 min",
            "no timer watch:gate",
        ])
        .observed("gate", Passed, 0)
        .then(&["gate observed 1.9 Passed"]);
    assert!(story.deployment().turned.is_empty());
    // It is not the last time.
    story
        .observed("gate", Failed, 0)
        .then(&["gate observed 1.10 Failed"])
        .observed("gate", Failed, 0)
        .then(&[
            "gate observed 1.11 Failed",
            "gate Failed",
            "gate turned",
            "1.1 opens itself",
        ]);
}

/// Two that do not pass: the second turns it.
fn released_and_turned(story: Story) -> Story {
    story
        .observed("gate", Passed, 0)
        .observed("gate", Failed, 0)
        .then(&["gate observed 1.4 Failed"])
        .observed("gate", Failed, 0)
        .then(&[
            "gate observed 1.5 Failed",
            "gate Failed",
            "gate turned",
            "1.1 opens itself",
        ])
        .owes(&[
            "word that gate turned",
            "timer: observation 1.6 of gate in 1 min",
            "timer: ping 1 for gate in 30 min",
        ])
}

#[test]
fn a_turned_watch_climbs_the_ladder_until_it_passes() {
    let story = released_and_turned(released(in_a_row(2, 2)))
        .until_the_next_watch_ping("gate")
        .then(&["gate pinged, 1"])
        .owes(&["ping 1 for gate", "timer: ping 2 for gate in 30 min"])
        .until_the_next_watch_ping("gate")
        .then(&["gate pinged, 2"])
        .owes(&["ping 2 for gate", "timer: ping 3 for gate in 30 min"]);
    let gate = gate();
    let ranks: Vec<_> = (1..=6)
        .map(|ping| story.deployment().rank_of_watch_ping(&gate, ping))
        .collect();
    let (owner, deputy, lead) = (Some(Rank::Owner), Some(Rank::Deputy), Some(Rank::Lead));
    assert_eq!(ranks, [owner, deputy, lead, lead, lead, None]);
    story
        .observed("gate", Passed, 3600)
        .observed("gate", Passed, 0)
        .then(&[
            "gate observed 1.7 Passed",
            "gate Passed",
            "gate recovered",
            "1.1 ticks itself",
        ])
        .owes(&[
            "word that gate recovered",
            "timer: observation 1.8 of gate in 1 min",
            "no timer watch:gate",
        ]);
}

#[test]
fn the_ladder_of_a_watch_ends_with_its_last_rung_or_with_the_deployment() {
    let mut story = released_and_turned(released(in_a_row(2, 2)));
    for _ in 0..5 {
        story = story.until_the_next_watch_ping("gate");
    }
    assert_eq!(story.deployment().watch_timer(&gate()), None);
    let story = released_and_turned(released(in_a_row(2, 2))).and(MAX, failed(Some("enough")));
    assert_eq!(story.deployment().watch_timer(&gate()), None);
}

#[test]
fn who_answers_for_the_release_lets_the_pings_of_a_watch_wait() {
    let story = released_and_turned(released(in_a_row(2, 2)));
    let due = |story: &Story| story.deployment().watch_timer(&gate()).map(|timer| timer.due);
    let before = due(&story).expect("a ping is due");
    let refused = story.when(NORA, acknowledge(None, 45));
    assert_snapshot!(refused.sentence(), @"No open request waits for a role that you hold, nor has a check turned that you answer for, so there is nothing to acknowledge.");
    let story = refused
        .when(ANNA, acknowledge(None, 45))
        .then(&["gate acknowledged"]);
    assert_eq!(due(&story), Some(before + SignedDuration::from_mins(15)));
    // A ping that comes due all the same, as its timer was read before, is not sent.
    let late = Command::WatchPingDue {
        check: gate(),
        ping: 1,
        due: before,
    };
    let story = story.later(31).when(ActingAs::Timer, late);
    assert_eq!(story.sentence(), Refusal::PingNotDue.to_string());
    story.until_the_next_watch_ping("gate").then(&["gate pinged, 1"]);
}
