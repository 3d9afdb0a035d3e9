//! Who may do what.

use insta::{allow_duplicates, assert_snapshot};

use super::kit::*;
use crate::domain::check::CheckStatus;
use crate::domain::command::{ActingAs, Command};
use crate::domain::rights::{Act, Allowed, HoldsARole, Rights};

#[test]
fn work_and_skipping_are_rights_of_their_own() {
    let rights = Rights {
        work: vec![Allowed::Member(TESS), Allowed::Starter],
        skip: vec![Allowed::SignOffHolder],
        ..Rights::default()
    };
    let story = || given(SHOP).with_rights(rights.clone());
    assert_snapshot!(story().when(NORA, tick("1.1")).sentence(), @"You may not work on this deployment here. It is open to <@2> or who started it; ask one of them.");
    assert_snapshot!(story().when(ANNA, skip("1.1")).sentence(), @"You may not skip items here. It is open to whoever holds one of its sign-off roles; ask one of them.");
    story().when(ANNA, tick("1.1")).then(&["1.1 ticked"]);
    story().when(QUINN, skip("1.1")).then(&["1.1 skipped"]);
    allow_duplicates! {
        for command in [
            untick("1.1"),
            block("1.1"),
            unblock("1.1"),
            fill("1.1/x", "y"),
            note(None),
            ask("qa"),
            record("health", CheckStatus::Passed, friday()),
        ] {
            assert_snapshot!(story().when(NORA, command).sentence(), @"You may not work on this deployment here. It is open to <@2> or who started it; ask one of them.");
        }
    }
}

#[test]
fn holders_and_managers_decide() {
    assert_snapshot!(signed().when(ANNA, Command::Go).sentence(), @"You may not decide or finish this deployment here. It is open to whoever holds one of its sign-off roles or whoever may manage the server; ask one of them.");
    assert_snapshot!(signed().when(ANNA, no_go()).sentence(), @"You may not decide or finish this deployment here. It is open to whoever holds one of its sign-off roles or whoever may manage the server; ask one of them.");
    assert_snapshot!(signed().when(ANNA, complete()).sentence(), @"You may not decide or finish this deployment here. It is open to whoever holds one of its sign-off roles or whoever may manage the server; ask one of them.");
    for who in [TESS, LEA, QUINN, MAX] {
        signed().when(who, Command::Go).then(&["GO", "2.3 ticks itself"]);
    }
}

#[test]
fn where_nobody_signs_whoever_started_it_decides() {
    let story = given("A\n  [ ] Work").and(ANNA, tick("1.1"));
    assert_snapshot!(story.when(NORA, complete()).sentence(), @"You may not decide or finish this deployment here. It is open to whoever holds one of its sign-off roles or whoever may manage the server; ask one of them.");
    given("A\n  [ ] Work")
        .and(ANNA, tick("1.1"))
        .when(ANNA, complete())
        .then(&["finished Complete"]);
}

#[test]
fn what_people_do_is_not_done_by_machines() {
    allow_duplicates! {
        for command in [
            tick("1.1"),
            approve("qa"),
            Command::Go,
            acknowledge(None, 5),
            note(None),
        ] {
            assert_snapshot!(prepared().when(ActingAs::Timer, command).sentence(), @"Only a person can do this.");
        }
    }
}

#[test]
fn managing_roles_is_the_managers() {
    let rights = Rights::default();
    assert!(rights.permit(Act::Manage, &person(MAX), None, HoldsARole::No));
    assert!(!rights.permit(Act::Manage, &person(TESS), None, HoldsARole::Yes));
}
