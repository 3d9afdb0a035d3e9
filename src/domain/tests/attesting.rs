//! Checks that people attest: nothing is probed, somebody stands for it.

use insta::assert_snapshot;

use super::kit::*;
use crate::domain::check::{Attestation, CheckStatus, Evidence};
use crate::domain::ids::CheckId;

const REVIEWED: &str = "A\n  [ ] Read by two | check reviewed\n  [ ] Read by security | check reviewed";

fn reviewed() -> Story {
    given(REVIEWED).attested("reviewed", Evidence::Optional)
}

fn attestation(story: &Story) -> Option<Attestation> {
    let checks = &story.deployment().checks;
    checks.get(&CheckId::new("reviewed")).and_then(Attestation::of)
}

#[test]
fn a_tick_attests_and_ticks_all_that_the_check_decides() {
    let story =
        reviewed()
            .when(NORA, tick("1.1"))
            .then(&["reviewed Passed", "1.1 ticks itself", "1.2 ticks itself"]);
    let attested = attestation(&story).expect("it is attested");
    assert_eq!(
        (attested.by, attested.at, attested.evidence),
        (NORA, friday(), None)
    );
    let story = story.when(ANNA, tick("1.2"));
    assert_snapshot!(story.sentence(), @"`1.2` was closed already, by <@7> <t:1772816400:R>. `/deploy untick` opens it again.");
}

#[test]
fn evidence_is_kept_and_asked_for_where_it_is_required() {
    let story = given(REVIEWED)
        .attested("reviewed", Evidence::Required)
        .when(NORA, tick("1.2"));
    assert_snapshot!(story.sentence(), @"1.2 needs evidence: a link, or what you saw. Give it along: `/deploy tick item:1.2 evidence:…`");
    let story = story
        .when(NORA, attest("1.2", "https://example.com/pull/7"))
        .then(&["reviewed Passed", "1.2 ticks itself", "1.1 ticks itself"]);
    let attested = attestation(&story).expect("it is attested");
    assert_eq!(attested.evidence.as_deref(), Some("https://example.com/pull/7"));
}

#[test]
fn evidence_for_what_no_check_decides_is_a_note() {
    given("A\n  [ ] Told the customers")
        .when(NORA, attest("1.1", "in the newsletter"))
        .then(&["note on 1.1: in the newsletter", "1.1 ticked"]);
}

#[test]
fn opening_an_attested_item_takes_it_back_and_voids_what_was_signed_on_it() {
    let signed = "A\n  [ ] Read | check reviewed\nB\n  [ ] Tech | sign-off tech-lead";
    given(signed)
        .attested("reviewed", Evidence::Optional)
        .when(NORA, tick("1.1"))
        .then(&["reviewed Passed", "1.1 ticks itself", "tech-lead asked"])
        .when(TESS, approve("tech-lead"))
        .then(&["tech-lead approved by 2", "2.1 ticks itself"])
        .when(NORA, untick("1.1"))
        .then(&[
            "reviewed Failed",
            "tech-lead by 2 void, as reviewed changed",
            "2.1 opens itself",
            "1.1 opens itself",
        ]);
}

#[test]
fn a_run_of_checks_attests_nothing() {
    let story = reviewed().passes("reviewed").then(&[]);
    assert_eq!(story.boxes(), "..");
    let story = story
        .and(NORA, tick("1.1"))
        .check("reviewed", CheckStatus::Failed)
        .then(&[]);
    assert_eq!(story.boxes(), "xx");
}

#[test]
fn what_a_machine_decides_comes_first() {
    let both = "A\n  [ ] Both | check health reviewed";
    let story = given(both)
        .attested("reviewed", Evidence::Optional)
        .when(NORA, tick("1.1"));
    assert_snapshot!(story.sentence(), @"`1.1` ticks itself when check `health` has passed. Run `/deploy check`; to go on without, `/deploy skip` it with a reason.");
    story
        .passes("health")
        .then(&["health Passed"])
        .when(NORA, tick("1.1"))
        .then(&["reviewed Passed", "1.1 ticks itself"]);
}

#[test]
fn a_tick_of_the_documents_is_attested_too() {
    let story = given("A\n  [x] Read | check reviewed").attested("reviewed", Evidence::Optional);
    let story = story.when(NORA, tick("1.1")).then(&["reviewed Passed"]);
    story
        .when(NORA, untick("1.1"))
        .then(&["reviewed Failed", "1.1 opens itself"]);
}
