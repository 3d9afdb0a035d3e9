//! Ticking, unticking, skipping, blocking, filling, assigning and noting.

use insta::assert_snapshot;

use super::kit::*;
use crate::domain::command::Command;
use crate::domain::deployment::ItemState;
use crate::domain::event::Actor;
use crate::domain::ids::ItemId;

#[test]
fn an_item_is_ticked_once() {
    let story = given(SHOP)
        .when(ANNA, tick("1.1"))
        .then(&["1.1 ticked"])
        .owes(&[]);
    assert!(matches!(
        story.deployment().item_state(0),
        ItemState::Ticked {
            by: Actor::Person(ANNA),
            ..
        }
    ));
    assert_snapshot!(story.when(NORA, tick("1.1")).sentence(), @"`1.1` was closed already, by <@1> <t:1772816400:R>. `/deploy untick` opens it again.");
}

#[test]
fn an_unknown_item_is_answered_with_the_nearest() {
    assert_snapshot!(given(SHOP).when(ANNA, tick("1.9")).sentence(), @"This checklist has no item `1.9`. The nearest is `1.1`; pick one from the list that opens as you type.");
    assert_snapshot!(given(SHOP).when(ANNA, tick("backup")).sentence(), @"This checklist has no item `backup`. Pick one from the list that opens as you type.");
    assert_snapshot!(given(SHOP).when(ANNA, tick("")).sentence(), @"This checklist has no item ` `. Pick one from the list that opens as you type.");
    assert_snapshot!(given(SHOP).when(ANNA, tick("01.1")).sentence(), @"This checklist has no item `01.1`. Pick one from the list that opens as you type.");
}

#[test]
fn what_follows_something_else_is_not_ticked_by_hand() {
    assert_snapshot!(given(SHOP).when(ANNA, tick("1.2")).sentence(), @"`1.2` ticks itself when check `health` has passed. Run `/deploy check`; to go on without, `/deploy skip` it with a reason.");
    assert_snapshot!(given(SHOP).when(ANNA, tick("1.3")).sentence(), @"`1.3` ticks itself when what is nested in it is done. Still open: `1.3.1` and `1.3.2`.");
    assert_snapshot!(given(SHOP).when(ANNA, tick("2.1")).sentence(), @"`2.1` is the sign-off of `tech-lead`. Whoever holds the role answers the card with ✅ or ❌; `/deploy signoff` asks again.");
    assert_snapshot!(given(SHOP).when(ANNA, tick("2.3")).sentence(), @"`2.3` is the decision. Take it with `/deploy go` or `/deploy no-go`.");
    let two = "A\n  [ ] Both | check health latency";
    assert_snapshot!(given(two).when(ANNA, tick("1.1")).sentence(), @"`1.1` ticks itself when checks `health` and `latency` have passed. Run `/deploy check`; to go on without, `/deploy skip` it with a reason.");
}

#[test]
fn a_ticked_item_opens_again_and_an_open_one_is_open() {
    let story = given(SHOP).and(ANNA, tick("1.1"));
    let story = story.when(NORA, untick("1.1")).then(&["1.1 opened"]);
    assert_snapshot!(story.when(ANNA, untick("1.1")).sentence(), @"`1.1` is open already; nothing was changed.");
}

#[test]
fn what_would_be_ticked_again_at_once_is_not_opened() {
    assert_snapshot!(given(SHOP).passes("health").when(ANNA, untick("1.2")).sentence(), @"`1.2` is ticked because check `health` has passed, and opens by itself when that changes. If it is wrong all the same, say so with `/deploy note` or `/deploy no-go`.");
    let review = given(SHOP).and(ANNA, tick("1.3.1")).and(ANNA, tick("1.3.2"));
    assert_snapshot!(review.when(ANNA, untick("1.3")).sentence(), @"`1.3` is closed because all that is nested in it is. `/deploy untick` what is not done: `1.3.1` or `1.3.2`.");
    assert_snapshot!(signed().when(ANNA, untick("2.1")).sentence(), @"`2.1` is ticked because `tech-lead` approved. Whoever approved withdraws it by taking their ✅ off the card.");
    assert_snapshot!(signed().and(TESS, Command::Go).when(ANNA, untick("2.3")).sentence(), @"`2.3` is ticked because the decision is GO. `/deploy no-go` takes that back.");
}

#[test]
fn a_skip_closes_what_is_nested_and_unticking_opens_it_again() {
    let story = given("A\n  [ ] Parent\n    [ ] One\n      [ ] Deep\n    [ ] Two")
        .and(ANNA, tick("1.1.2"))
        .later(5)
        .when(ANNA, skip("1.1"))
        .then(&["1.1 skipped", "1.1.1 skipped", "1.1.1.1 skipped"]);
    assert_eq!(story.boxes(), "sssx");
    assert_snapshot!(story.when(ANNA, skip("1.1.1")).sentence(), @"`1.1.1` was closed already, by <@1> <t:1772816700:R>. `/deploy untick` opens it again.");
    let story = given("A\n  [ ] Parent\n    [ ] One\n      [ ] Deep\n    [ ] Two")
        .and(ANNA, skip("1.1.2"))
        .later(5)
        .and(ANNA, skip("1.1"))
        .later(5)
        .when(ANNA, untick("1.1"))
        .then(&["1.1 opened", "1.1.1 opened", "1.1.1.1 opened"]);
    assert_eq!(story.boxes(), "...s");
}

#[test]
fn a_skipped_item_can_be_ticked_and_what_it_is_nested_in_was_not_skipped_then() {
    let story = given("A\n  [ ] Parent\n    [ ] One\n    [ ] Two")
        .and(ANNA, skip("1.1"))
        .when(ANNA, tick("1.1.1"))
        .then(&["1.1.1 ticked", "1.1 opens itself", "1.1 ticks itself"]);
    assert_eq!(story.boxes(), "xxs");
}

#[test]
fn signatures_and_the_decision_are_never_skipped() {
    assert_snapshot!(given(SHOP).when(ANNA, skip("2.1")).sentence(), @"`2.1` is the sign-off of `tech-lead`. Whoever holds the role answers the card with ✅ or ❌; `/deploy signoff` asks again.");
    assert_snapshot!(given(SHOP).when(ANNA, skip("2.3")).sentence(), @"`2.3` is the decision. Take it with `/deploy go` or `/deploy no-go`.");
    let nested =
        given("A\n  [ ] All\n    [ ] Work\n    [ ] Lead | sign-off tech-lead\n    [ ] Decision | decision");
    assert_eq!(nested.and(ANNA, skip("1.1")).boxes(), "ss..");
}

#[test]
fn a_blocked_item_waits_until_it_is_unblocked() {
    let story = given(SHOP)
        .when(ANNA, block("1.1"))
        .then(&["1.1 blocked: the vendor is down"]);
    assert_snapshot!(story.when(NORA, tick("1.1")).sentence(), @"`1.1` is blocked by <@1>: “the vendor is down”. When that is out of the way, `/deploy unblock` it first.");
    let story = given(SHOP).and(ANNA, block("1.1"));
    assert_snapshot!(story.when(NORA, block("1.1")).sentence(), @"`1.1` is blocked by <@1>: “the vendor is down”. When that is out of the way, `/deploy unblock` it first.");
    let story = given(SHOP).and(ANNA, block("1.1"));
    assert_snapshot!(story.when(NORA, untick("1.1")).sentence(), @"`1.1` is blocked by <@1>: “the vendor is down”. When that is out of the way, `/deploy unblock` it first.");
    let story = given(SHOP).and(ANNA, block("1.1")).when(NORA, unblock("1.1"));
    let story = story.then(&["1.1 unblocked"]);
    assert_snapshot!(story.when(NORA, unblock("1.1")).sentence(), @"`1.1` is not blocked; nothing was changed.");
    let story = given(SHOP).and(ANNA, tick("1.1"));
    assert_snapshot!(story.when(ANNA, block("1.1")).sentence(), @"`1.1` was closed already, by <@1> <t:1772816400:R>. `/deploy untick` opens it again.");
    given(SHOP)
        .and(ANNA, block("1.1"))
        .when(ANNA, skip("1.1"))
        .then(&["1.1 skipped"]);
}

#[test]
fn a_blank_is_filled_and_filled_anew() {
    let blanks = "A\n  [ ] Approved by\n  ___name\n  ___date";
    given(blanks)
        .when(ANNA, fill("1.1/name", "Anna"))
        .then(&["1.1/name = Anna"])
        .when(NORA, fill("1.1/name", " Anna "))
        .then(&[])
        .when(NORA, fill("1.1/name", "Nora"))
        .then(&["1.1/name = Nora"]);
    assert_snapshot!(given(blanks).when(ANNA, fill("1.1/nme", "x")).sentence(), @"This checklist has no blank `1.1/nme`. The nearest is `1.1/name`; pick one from the list that opens as you type.");
    assert_snapshot!(given(SHOP).when(ANNA, fill("1.1/nme", "x")).sentence(), @"This checklist has no blank `1.1/nme`. Pick one from the list that opens as you type.");
}

#[test]
fn an_item_is_given_to_somebody_and_to_nobody() {
    let give = |to| Command::Assign {
        item: ItemId::new("1.1"),
        to,
    };
    given(SHOP)
        .when(ANNA, give(Some(NORA)))
        .then(&["1.1 is 7's"])
        .when(TESS, give(Some(NORA)))
        .then(&[])
        .when(NORA, give(None))
        .then(&["1.1 is nobody's"]);
}

#[test]
fn remarks_are_kept_on_items_and_on_the_whole() {
    let story = given(SHOP)
        .when(ANNA, note(Some("3.1")))
        .then(&["note on 3.1: watch the queue"])
        .when(ANNA, note(None))
        .then(&["note: watch the queue"]);
    assert_eq!(story.deployment().notes.len(), 2);
    assert_snapshot!(story.when(ANNA, note(Some("8.1"))).sentence(), @"This checklist has no item `8.1`. Pick one from the list that opens as you type.");
}
