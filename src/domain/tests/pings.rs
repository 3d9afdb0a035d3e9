//! Escalation: what climbs, what waits, and what ends it.

use insta::{allow_duplicates, assert_snapshot};

use super::kit::*;
use crate::domain::command::{ActingAs, Command};
use crate::domain::ids::RoleKey;
use crate::domain::sign_off::Rank;

const LEAD: &str = "A\n  [ ] Lead | sign-off tech-lead";

fn ping(role: &str, ping: u32) -> Command {
    Command::PingDue {
        role: RoleKey::new(role),
        ping,
        due: friday(),
    }
}

fn asked() -> Story {
    given(LEAD)
        .ladder(
            "tech-lead",
            &[(Rank::Owner, 10), (Rank::Deputy, 20), (Rank::Lead, 30)],
            1,
        )
        .started()
}

#[test]
fn pings_climb_the_ladder_at_its_pace_and_end_with_it() {
    let story = asked()
        .owes(&[
            "opening",
            "thread",
            "card 1 of tech-lead",
            "timer: ping 1 of tech-lead in 10 min",
        ])
        .until_the_next_ping("tech-lead")
        .then(&["tech-lead pinged, 1"])
        .owes(&[
            "ping 1 on card 1 of tech-lead",
            "edit card 1 of tech-lead",
            "timer: ping 2 of tech-lead in 20 min",
        ])
        .until_the_next_ping("tech-lead")
        .owes(&[
            "ping 2 on card 1 of tech-lead",
            "edit card 1 of tech-lead",
            "timer: ping 3 of tech-lead in 30 min",
        ])
        .until_the_next_ping("tech-lead")
        .owes(&[
            "ping 3 on card 1 of tech-lead",
            "edit card 1 of tech-lead",
            "no timer ping:tech-lead",
        ]);
    assert!(story.timers.is_empty());
}

#[test]
fn who_asks_again_has_those_pinged_who_were_asked_last_and_the_ladder_goes_on() {
    asked()
        .when(ANNA, ask("tech-lead"))
        .then(&["tech-lead asked again"])
        .owes(&["ping again on card 1 of tech-lead", "edit card 1 of tech-lead"])
        .until_the_next_ping("tech-lead")
        .later(5)
        .when(ANNA, ask("tech-lead"))
        .then(&["tech-lead asked again"])
        .owes(&["ping again on card 1 of tech-lead", "edit card 1 of tech-lead"])
        .later(15)
        .when(ActingAs::Timer, ping("tech-lead", 2))
        .then(&["tech-lead pinged, 2"]);
    // Who said that they have seen it hears of it all the same, and their pause stays.
    asked()
        .and(TESS, acknowledge(None, 60))
        .when(ANNA, ask("tech-lead"))
        .then(&["tech-lead asked again"])
        .owes(&["ping again on card 1 of tech-lead", "edit card 1 of tech-lead"]);
}

#[test]
fn a_late_ping_says_when_it_was_due_and_the_next_counts_from_now() {
    asked()
        .later(600)
        .when(ActingAs::Timer, ping("tech-lead", 1))
        .then(&["tech-lead pinged, 1"])
        .owes(&[
            "ping 1 on card 1 of tech-lead",
            "edit card 1 of tech-lead",
            "timer: ping 2 of tech-lead in 20 min",
        ]);
}

#[test]
fn the_built_in_ladder_holds_where_none_is_named() {
    let mut story = given(LEAD).started();
    for _ in 0..4 {
        story = story.until_the_next_ping("tech-lead");
    }
    assert!(story.timers.is_empty());
    let waited = story.now.duration_since(friday()).as_mins();
    assert_eq!(waited, 30 + 30 + 60 + 60);
}

#[test]
fn a_ping_that_no_longer_applies_pings_nobody() {
    assert_snapshot!(asked().when(ActingAs::Timer, ping("tech-lead", 1)).sentence(), @"This ping is not due, or no longer, so nobody was pinged.");
    allow_duplicates! {
        for story in [
            asked().and(TESS, approve("tech-lead")),
            asked().and(TESS, reject("tech-lead")),
            asked().until_the_next_ping("tech-lead"),
            asked().and(TESS, acknowledge(None, 120)),
        ] {
            let story = story.later(60).when(ActingAs::Timer, ping("tech-lead", 1));
            assert_snapshot!(story.sentence(), @"This ping is not due, or no longer, so nobody was pinged.");
        }
    }
    assert_snapshot!(asked().later(60).when(ActingAs::Timer, ping("tech-lead", 2)).sentence(), @"This ping is not due, or no longer, so nobody was pinged.");
    assert_snapshot!(asked().later(60).when(ActingAs::Timer, ping("cfo", 1)).sentence(), @"This ping is not due, or no longer, so nobody was pinged.");
}

#[test]
fn an_acknowledgement_lets_pings_wait_and_never_brings_them_nearer() {
    asked()
        .when(DEREK, acknowledge(None, 60))
        .then(&["tech-lead acknowledged"])
        .owes(&["edit card 1 of tech-lead", "timer: ping 1 of tech-lead in 60 min"])
        .until_the_next_ping("tech-lead")
        .owes(&[
            "ping 1 on card 1 of tech-lead",
            "edit card 1 of tech-lead",
            "timer: ping 2 of tech-lead in 20 min",
        ]);
    asked()
        .when(TESS, acknowledge(Some("tech-lead"), 1))
        .then(&["tech-lead acknowledged"])
        .owes(&["edit card 1 of tech-lead"]);
    asked().when(TESS, acknowledge(None, 1_000_000)).owes(&[
        "edit card 1 of tech-lead",
        "timer: ping 1 of tech-lead in 1440 min",
    ]);
}

#[test]
fn an_acknowledgement_after_the_end_of_the_ladder_adds_no_rung() {
    let mut story = asked();
    for _ in 0..3 {
        story = story.until_the_next_ping("tech-lead");
    }
    story
        .when(TESS, acknowledge(None, 60))
        .then(&["tech-lead acknowledged"])
        .owes(&["edit card 1 of tech-lead"]);
}

#[test]
fn only_holders_acknowledge_and_only_what_waits() {
    assert_snapshot!(asked().when(NORA, acknowledge(None, 5)).sentence(), @"No open request waits for a role that you hold, nor has a check turned that you answer for, so there is nothing to acknowledge.");
    assert_snapshot!(asked().when(QUINN, acknowledge(Some("tech-lead"), 5)).sentence(), @"You do not hold the role `tech-lead`, so this does not count. It is held by <@2>, <@3> and <@4>.");
    assert_snapshot!(asked().when(TESS, acknowledge(Some("cfo"), 5)).sentence(), @"This checklist asks no role `cfo` to sign. It asks `tech-lead`.");
    let answered = asked().and(TESS, approve("tech-lead"));
    assert_snapshot!(answered.when(TESS, acknowledge(None, 5)).sentence(), @"No open request waits for a role that you hold, nor has a check turned that you answer for, so there is nothing to acknowledge.");
}

#[test]
fn one_acknowledgement_is_for_all_that_one_holds() {
    prepared()
        .owned_by("qa", &[(Rank::Owner, TESS)])
        .when(TESS, acknowledge(None, 45))
        .then(&["qa acknowledged", "tech-lead acknowledged"]);
}
