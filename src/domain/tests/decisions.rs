//! GO, NO-GO and the end.

use insta::{allow_duplicates, assert_snapshot};

use super::kit::*;
use crate::domain::command::Command;
use crate::domain::event::Outcome;

#[test]
fn go_waits_for_the_work_and_the_signatures() {
    assert_snapshot!(given(SHOP).when(TESS, Command::Go).sentence(), @"GO waits until `1.1` is done, `1.2` is done, `1.3.1` is done, `1.3.2` is done, `qa` has signed and 1 more.");
    assert_snapshot!(prepared().when(TESS, Command::Go).sentence(), @"GO waits until `qa` has signed and `tech-lead` has signed.");
    let blocked = signed().and(ANNA, block("3.1"));
    assert_snapshot!(blocked.when(TESS, Command::Go).sentence(), @"GO waits until `3.1` is unblocked.");
    signed()
        .when(TESS, Command::Go)
        .then(&["GO", "2.3 ticks itself"])
        .owes(&["word of the decision"]);
}

#[test]
fn go_is_decided_once_and_no_go_too() {
    assert_snapshot!(signed().and(TESS, Command::Go).when(TESS, Command::Go).sentence(), @"The decision is GO already; nothing was changed.");
    assert_snapshot!(given(SHOP).and(TESS, no_go()).when(TESS, no_go()).sentence(), @"The decision is NO-GO already; nothing was changed.");
}

#[test]
fn a_no_go_holds_and_can_be_followed_by_go() {
    signed()
        .when(QUINN, no_go())
        .then(&["NO-GO"])
        .owes(&["word of the decision"])
        .when(TESS, Command::Go)
        .then(&["GO", "2.3 ticks itself"])
        .and(ANNA, tick("3.1"))
        .when(TESS, no_go())
        .then(&["NO-GO", "2.3 opens itself"])
        .owes(&["word of the decision"]);
    let story = signed().and(TESS, Command::Go).and(TESS, no_go());
    assert_snapshot!(story.when(ANNA, tick("3.1")).sentence(), @"`3.1` is held: “Deploy” does not begin until `2.3` is done and the decision is GO.");
}

#[test]
fn go_is_announced_again_when_something_held_it_in_between() {
    signed()
        .when(ANNA, untick("1.1"))
        .owes(&[])
        .when(ANNA, tick("1.1"))
        .owes(&["word that GO is free"]);
}

#[test]
fn a_complete_end_waits_for_everything_required() {
    let story = signed().and(TESS, Command::Go);
    assert_snapshot!(story.when(TESS, complete()).sentence(), @"The end waits until `3.1` is done.");
    assert_snapshot!(signed().when(TESS, complete()).sentence(), @"The end waits until `2.3` is done, `3.1` is done and the decision is GO.");
    let story = signed()
        .and(TESS, Command::Go)
        .and(ANNA, tick("3.1"))
        .when(TESS, complete())
        .then(&["finished Complete"])
        .owes(&["edit card 1 of qa", "edit card 1 of tech-lead", "report"]);
    assert_eq!(
        story.deployment().finished.as_ref().map(|end| end.outcome),
        Some(Outcome::Complete)
    );
}

#[test]
fn a_no_go_holds_the_end_even_where_nothing_asks_for_a_decision() {
    let story = given("A\n  [ ] Work")
        .and(ANNA, tick("1.1"))
        .and(ANNA, no_go())
        .when(ANNA, complete());
    assert_snapshot!(story.sentence(), @"The end waits until the decision is GO.");
}

#[test]
fn a_failed_end_needs_a_reason_and_nothing_else() {
    assert_snapshot!(given(SHOP).when(TESS, failed(None)).sentence(), @"Say why it failed: give `reason` as well. Nothing was changed.");
    prepared()
        .when(TESS, failed(Some("the migration broke")))
        .then(&["finished Failed"])
        .owes(&[
            "edit card 1 of qa",
            "edit card 1 of tech-lead",
            "report",
            "no timer ping:qa",
            "no timer ping:tech-lead",
        ]);
}

#[test]
fn a_finished_deployment_takes_notes_and_nothing_else() {
    let ended = || prepared().and(TESS, failed(Some("the migration broke")));
    let at = friday();
    allow_duplicates! {
        for command in [
            tick("1.1"),
            untick("1.1"),
            skip("1.1"),
            block("1.1"),
            unblock("1.1"),
            fill("1.1/name", "x"),
            ask("qa"),
            approve("qa"),
            reject("qa"),
            explain("qa"),
            withdraw("qa"),
            acknowledge(None, 5),
            Command::Go,
            no_go(),
            complete(),
            record("health", crate::domain::check::CheckStatus::Failed, at),
        ] {
            assert_snapshot!(ended().when(TESS, command).sentence(), @"Deployment #7 has ended: failed. Only notes can be added. `/deploy report` shows it, `/deploy start` begins another.");
        }
    }
    ended()
        .when(NORA, note(None))
        .then(&["note: watch the queue"])
        .owes(&[]);
}
