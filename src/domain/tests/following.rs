//! Items that follow others: parents their children, and items their checks.

use insta::assert_snapshot;

use super::kit::*;
use crate::domain::check::CheckStatus;
use crate::domain::command::ActingAs;
use crate::domain::ids::CheckId;

const THREE_LEVELS: &str = "
A
  [ ] Grandparent
    [ ] Parent
      [ ] Child
      [ ] Sibling
    [ ] Uncle
";

#[test]
fn a_tick_climbs_three_levels_and_an_untick_climbs_down() {
    let story = given(THREE_LEVELS)
        .and(ANNA, tick("1.1.2"))
        .and(ANNA, tick("1.1.1.1"))
        .when(ANNA, tick("1.1.1.2"))
        .then(&["1.1.1.2 ticked", "1.1.1 ticks itself", "1.1 ticks itself"]);
    assert_eq!(story.boxes(), "xxxxx");
    let story = story.when(ANNA, untick("1.1.1.1")).then(&[
        "1.1.1.1 opened",
        "1.1.1 opens itself",
        "1.1 opens itself",
    ]);
    assert_eq!(story.boxes(), "...xx");
}

#[test]
fn optional_children_hold_nobody_unless_the_parent_is_optional_too() {
    given("A\n  [ ] Parent\n    [ ] One\n    [ ] Two | optional")
        .when(ANNA, tick("1.1.1"))
        .then(&["1.1.1 ticked", "1.1 ticks itself"]);
    given("A\n  [ ] Parent | optional\n    [ ] One\n    [ ] Two | optional")
        .when(ANNA, tick("1.1.1"))
        .then(&["1.1.1 ticked"])
        .when(ANNA, tick("1.1.2"))
        .then(&["1.1.2 ticked", "1.1 ticks itself"]);
}

#[test]
fn a_parent_with_only_optional_children_is_ticked_by_hand() {
    given("A\n  [ ] Parent\n    [ ] One | optional")
        .when(ANNA, tick("1.1"))
        .then(&["1.1 ticked"])
        .when(ANNA, tick("1.1.1"))
        .then(&["1.1.1 ticked"])
        .when(ANNA, untick("1.1.1"))
        .then(&["1.1.1 opened"])
        .when(ANNA, complete())
        .then(&["finished Complete"]);
}

#[test]
fn what_is_nested_in_something_optional_holds_nothing() {
    given("A\n  [ ] Work\n  [ ] If used | optional\n    [ ] Configure it")
        .and(ANNA, tick("1.1"))
        .when(MAX, complete())
        .then(&["finished Complete"]);
}

#[test]
fn a_parent_of_skipped_items_is_skipped_and_of_a_mixture_ticked() {
    given("A\n  [ ] Parent\n    [ ] One\n    [ ] Two")
        .and(ANNA, skip("1.1.1"))
        .when(ANNA, skip("1.1.2"))
        .then(&["1.1.2 skipped", "1.1 skipped"]);
    given("A\n  [ ] Parent\n    [ ] One\n    [ ] Two")
        .and(ANNA, skip("1.1.1"))
        .when(ANNA, tick("1.1.2"))
        .then(&["1.1.2 ticked", "1.1 ticks itself"]);
}

#[test]
fn opening_what_is_nested_opens_what_was_skipped_around_it() {
    let story = given(THREE_LEVELS)
        .and(ANNA, skip("1.1"))
        .later(1)
        .when(ANNA, untick("1.1.1.1"))
        .then(&["1.1.1.1 opened", "1.1.1 opens itself", "1.1 opens itself"]);
    assert_eq!(story.boxes(), "...ss");
}

#[test]
fn opening_what_is_nested_takes_away_the_documents_tick_around_it() {
    given("A\n  [x] Parent\n    [x] One")
        .when(ANNA, untick("1.1.1"))
        .then(&["1.1.1 opened", "1.1 opens itself"]);
}

#[test]
fn a_blocked_child_keeps_its_parent_open_and_a_blocked_parent_stays_blocked() {
    let story = given("A\n  [ ] Parent\n    [ ] One\n    [ ] Two")
        .and(ANNA, block("1.1.2"))
        .when(ANNA, tick("1.1.1"))
        .then(&["1.1.1 ticked"]);
    assert_snapshot!(story.when(ANNA, tick("1.1")).sentence(), @"`1.1` ticks itself when what is nested in it is done. Still open: `1.1.2`.");
    given("A\n  [ ] Parent\n    [ ] One")
        .and(ANNA, block("1.1"))
        .when(ANNA, tick("1.1.1"))
        .then(&["1.1.1 ticked"])
        .when(ANNA, unblock("1.1"))
        .then(&["1.1 unblocked", "1.1 ticks itself"]);
}

#[test]
fn checks_tick_and_untick_what_they_decide() {
    let both = "A\n  [ ] Both | check health latency";
    given(both)
        .passes("health")
        .then(&["health Passed"])
        .passes("latency")
        .then(&["latency Passed", "1.1 ticks itself"])
        .fails("health")
        .then(&["health Failed", "1.1 opens itself"])
        .passes("health")
        .then(&["health Passed", "1.1 ticks itself"])
        .check("latency", CheckStatus::Error)
        .then(&["latency Error", "1.1 opens itself"]);
}

#[test]
fn a_failing_check_takes_away_a_documents_tick_and_one_that_could_not_run_does_not() {
    let ticked = "A\n  [x] Parent\n    [x] Health | check health";
    given(ticked)
        .check("health", CheckStatus::Error)
        .then(&["health Error"])
        .fails("health")
        .then(&["health Failed", "1.1.1 opens itself", "1.1 opens itself"]);
}

#[test]
fn a_skipped_check_counts_as_not_passed_and_takes_no_tick_of_the_documents_away() {
    given("A\n  [ ] Health | check health")
        .passes("health")
        .then(&["health Passed", "1.1 ticks itself"])
        .check("health", CheckStatus::Skipped)
        .then(&["health Skipped", "1.1 opens itself"]);
    given("A\n  [x] Health | check health")
        .check("health", CheckStatus::Skipped)
        .then(&["health Skipped"]);
    given("A\n  [ ] Health | check health")
        .check("health", CheckStatus::Skipped)
        .then(&["health Skipped"]);
}

#[test]
fn a_check_leaves_skipped_and_blocked_items_as_they_are() {
    let story = given("A\n  [ ] Health | check health\n  [ ] Latency | check health")
        .and(ANNA, skip("1.1"))
        .and(ANNA, block("1.2"))
        .passes("health")
        .then(&["health Passed"]);
    assert_eq!(story.boxes(), "sb");
    story
        .when(ANNA, unblock("1.2"))
        .then(&["1.2 unblocked", "1.2 ticks itself"])
        .when(ANNA, untick("1.1"))
        .then(&["1.1 opened", "1.1 ticks itself"]);
}

#[test]
fn a_result_of_a_check_that_is_not_the_checklists_is_nothing() {
    let story = given(SHOP).started();
    let at = story.now;
    story
        .when(
            ActingAs::CheckRunner,
            record("unheard-of", CheckStatus::Failed, at),
        )
        .then(&[]);
}

#[test]
fn of_two_runs_the_later_is_the_news_whichever_ends_first() {
    let story = given(SHOP).started().later(10);
    let (check, minute) = ("health", jiff::SignedDuration::from_mins(1));
    let begun = story.now;
    let status = |story: &Story| {
        let found = story.deployment().checks.get(&CheckId::new(check)).cloned();
        found.map(|result| result.status)
    };
    let story = story.and(ActingAs::CheckRunner, record(check, CheckStatus::Passed, begun));
    let earlier = record(check, CheckStatus::Failed, begun - minute);
    let story = story.when(ActingAs::CheckRunner, earlier).then(&[]);
    assert_eq!(status(&story), Some(CheckStatus::Passed));

    // A result from before the clock went back does not stand for ever.
    let story = story.and(
        ActingAs::CheckRunner,
        record(check, CheckStatus::Passed, begun + minute),
    );
    let story = story.and(ActingAs::CheckRunner, record(check, CheckStatus::Failed, begun));
    assert_eq!(status(&story), Some(CheckStatus::Failed));
}

#[test]
fn results_are_stored_with_a_word_for_each_status() {
    for (status, word) in [
        (CheckStatus::Passed, r#""passed""#),
        (CheckStatus::Failed, r#""failed""#),
        (CheckStatus::Error, r#""error""#),
        (CheckStatus::Skipped, r#""skipped""#),
    ] {
        assert_eq!(serde_json::to_string(&status).expect("a word"), word);
        assert_eq!(
            serde_json::from_str::<CheckStatus>(word).expect("a status"),
            status
        );
    }
}
