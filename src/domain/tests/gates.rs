//! Hold points: what a gate needs, and what it holds.

use insta::assert_snapshot;

use super::kit::*;
use crate::domain::check::CheckStatus;
use crate::domain::command::Command;
use crate::domain::ids::ItemId;

#[test]
fn a_gate_holds_its_section_and_those_after_it_but_none_that_is_optional() {
    let text = "
Prepare
  [ ] Back up
  [ ] Optional thing | optional
Deploy | gate items
  [ ] Ship
  / Verify
  [ ] Look
After
  [ ] Watch
Rollback | optional
  [ ] Restore
  / Database
  [ ] Restore the dump
";
    assert_snapshot!(given(text).when(ANNA, tick("2.1")).sentence(), @"`2.1` is held: “Deploy” does not begin until `1.1` is done.");
    assert_snapshot!(given(text).when(ANNA, tick("2.2.1")).sentence(), @"`2.2.1` is held: “Deploy” does not begin until `1.1` is done.");
    assert_snapshot!(given(text).when(ANNA, tick("3.1")).sentence(), @"`3.1` is held: “Deploy” does not begin until `1.1` is done.");
    given(text).when(ANNA, tick("4.1")).then(&["4.1 ticked"]);
    given(text).when(ANNA, tick("4.2.1")).then(&["4.2.1 ticked"]);
    given(text)
        .and(ANNA, tick("1.1"))
        .when(ANNA, tick("3.1"))
        .then(&["3.1 ticked"]);
}

#[test]
fn a_sentence_names_a_few_of_many_in_the_order_of_the_document() {
    let text = format!("A\n{}B | gate items\n  [ ] Ship", "  [ ] Work\n".repeat(12));
    assert_snapshot!(given(&text).when(ANNA, tick("2.1")).sentence(), @"`2.1` is held: “B” does not begin until `1.1` is done, `1.2` is done, `1.3` is done, `1.4` is done, `1.5` is done and 7 more.");
}

#[test]
fn the_first_gate_that_holds_is_the_one_named() {
    let text = "A\n  [ ] Work\nB | gate items\n  [ ] More\nC | gate tech-lead\n  [ ] Ship";
    assert_snapshot!(given(text).when(ANNA, tick("3.1")).sentence(), @"`3.1` is held: “B” does not begin until `1.1` is done.");
    let text = "A\n  [ ] Work\nB | gate items checks go\n  [ ] More | check health";
    assert_snapshot!(given(text).when(ANNA, tick("2.1")).sentence(), @"`2.1` is held: “B” does not begin until `1.1` is done and the decision is GO.");
}

#[test]
fn a_check_that_passed_behind_a_gate_ticks_its_item_when_the_gate_opens() {
    let text = "
A
  [ ] Parent
    [ ] Child
B | gate items
  [ ] Health | check health
C | gate items
  [ ] Latency | check health
";
    given(text)
        .passes("health")
        .then(&["health Passed"])
        .when(ANNA, tick("1.1.1"))
        .then(&[
            "1.1.1 ticked",
            "1.1 ticks itself",
            "2.1 ticks itself",
            "3.1 ticks itself",
        ]);
}

#[test]
fn a_gate_that_closes_again_takes_nothing_back() {
    let story = given("A\n  [ ] Work\nB | gate items\n  [ ] Ship\n  [ ] More")
        .and(ANNA, tick("1.1"))
        .and(ANNA, tick("2.1"))
        .when(ANNA, untick("1.1"))
        .then(&["1.1 opened"]);
    assert_eq!(story.boxes(), ".x.");
    assert_snapshot!(story.when(ANNA, tick("2.2")).sentence(), @"`2.2` is held: “B” does not begin until `1.1` is done.");
}

#[test]
fn a_gate_may_need_checks_to_have_passed_that_the_document_ticked() {
    let text = "A\n  [x] Health | check health\nB | gate checks\n  [ ] Ship";
    assert_snapshot!(given(text).when(ANNA, tick("2.1")).sentence(), @"`2.1` is held: “B” does not begin until check `health` has run (`1.1` is ticked in the document, but its check has not run; `/deploy check what:1.1` runs it).");
    assert_snapshot!(given(text).fails("health").when(ANNA, tick("2.1")).sentence(), @"`2.1` is held: “B” does not begin until check `health` has passed.");
    let skipped = given(text).check("health", CheckStatus::Skipped);
    assert_snapshot!(skipped.when(ANNA, tick("2.1")).sentence(), @"`2.1` is held: “B” does not begin until check `health` has passed.");
    given(text)
        .passes("health")
        .when(ANNA, tick("2.1"))
        .then(&["2.1 ticked"]);
    given(text)
        .and(ANNA, untick("1.1"))
        .and(ANNA, skip("1.1"))
        .when(ANNA, tick("2.1"))
        .then(&["2.1 ticked"]);
}

#[test]
fn a_role_that_two_gates_need_is_asked_before_the_first() {
    given("A\n  [ ] Work\nB | gate items tech-lead\n  [ ] Ship\nC | gate items tech-lead\n  [ ] Clean up")
        .when(ANNA, tick("1.1"))
        .then(&["1.1 ticked", "tech-lead asked"])
        .and(TESS, approve("tech-lead"))
        .when(ANNA, tick("2.1"))
        .then(&["2.1 ticked"])
        .when(ANNA, tick("3.1"))
        .then(&["3.1 ticked"]);
}

#[test]
fn a_box_of_a_role_behind_its_own_gate_is_ticked_when_it_signs() {
    given("A\n  [ ] Work\nB | gate items tech-lead\n  [ ] Lead | sign-off tech-lead\n  [ ] Ship")
        .and(ANNA, tick("1.1"))
        .when(TESS, approve("tech-lead"))
        .then(&["tech-lead approved by 2", "2.1 ticks itself"]);
}

#[test]
fn a_sign_off_of_what_waits_for_go_does_not_hold_go() {
    let text = "
Prepare
  [ ] Back up
  [ ] Lead | sign-off tech-lead
Deploy | gate items go
  [ ] Ship
  [ ] Answers | check health
Accept
  [ ] QA accepts | sign-off qa
";
    let story = given(text)
        .and(ANNA, tick("1.1"))
        .and(TESS, approve("tech-lead"))
        .fails("health")
        .then(&[
            "health Failed",
            "tech-lead by 2 void, as health changed",
            "1.2 opens itself",
            "tech-lead asked",
        ])
        .and(TESS, approve("tech-lead"))
        .when(TESS, Command::Go)
        .then(&["GO"])
        .and(ANNA, tick("2.1"))
        .passes("health")
        .then(&["health Passed", "2.2 ticks itself", "qa asked"]);
    assert_snapshot!(story.when(TESS, complete()).sentence(), @"The end waits until `3.1` is done and `qa` has signed.");
    let story = given(text)
        .and(ANNA, tick("1.1"))
        .and(TESS, approve("tech-lead"))
        .and(TESS, Command::Go)
        .and(ANNA, tick("2.1"))
        .passes("health")
        .when(QUINN, approve("qa"))
        .then(&["qa approved by 5", "3.1 ticks itself"])
        .fails("health")
        .then(&[
            "health Failed",
            "qa by 5 void, as health changed",
            "3.1 opens itself",
            "2.2 opens itself",
        ])
        .passes("health")
        .then(&["health Passed", "2.2 ticks itself", "qa asked"])
        .and(QUINN, reject("qa"))
        .when(QUINN, approve("qa"))
        .then(&["qa approved by 5", "3.1 ticks itself"])
        .when(TESS, complete())
        .then(&["finished Complete"]);
    assert_eq!(story.boxes(), "xxxxx");
}

#[test]
fn next_is_what_can_be_done_now() {
    let next = |story: &Story| -> Vec<ItemId> {
        let deployment = story.deployment();
        deployment
            .next_items()
            .filter_map(|index| deployment.checklist.items.get(index))
            .map(|item| item.id.clone())
            .collect()
    };
    let ids = |ids: &[&str]| ids.iter().copied().map(ItemId::new).collect::<Vec<_>>();
    assert_eq!(next(&given(SHOP).started()), ids(&["1.1", "1.3.1", "1.3.2"]));
    assert_eq!(next(&signed().and(TESS, Command::Go)), ids(&["3.1"]));
}

#[test]
fn a_box_above_a_gate_that_needs_it_waits_for_nothing_behind_that_gate() {
    given("A\n  [ ] Work\n  [ ] Lead | sign-off tech-lead\n  / Ship | gate items\n  [ ] Ship")
        .when(ANNA, tick("1.1"))
        .then(&["1.1 ticked", "tech-lead asked"])
        .when(TESS, approve("tech-lead"))
        .then(&["tech-lead approved by 2", "1.2 ticks itself"])
        .when(ANNA, tick("1.3.1"))
        .then(&["1.3.1 ticked"]);
}
