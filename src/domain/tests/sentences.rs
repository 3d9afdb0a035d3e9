//! What people type never formats, mentions or breaks a sentence.

use insta::assert_snapshot;

use super::kit::*;
use crate::domain::command::Command;
use crate::domain::ids::ItemId;
use crate::domain::refusal::Refusal;
use crate::domain::text::{BlankValue, Reason, Version};

#[test]
fn hostile_texts_are_shown_as_they_are_and_do_nothing() {
    let typed = "`1`\n@everyone <@5> \u{202e}**x** \\*y\\* [a](https://evil.example)";
    assert_snapshot!(given(SHOP).when(ANNA, tick(typed)).sentence(), @r"This checklist has no item `ˋ1ˋ ＠everyone <＠5> **x** \*y\* [a](https://evil.example)`. Pick one from the list that opens as you type.");
    let blocked = given(SHOP).and(
        ANNA,
        Command::Block {
            item: ItemId::new("1.1"),
            reason: reason(typed),
        },
    );
    // The word joiner that keeps an address from becoming a link is shown as a dot.
    assert_snapshot!(blocked.when(ANNA, tick("1.1")).sentence().replace('\u{2060}', "·"), @r"`1.1` is blocked by <@1>: “ˋ1ˋ ＠everyone ‹＠5› \*\*x\*\* \\\*y\\\* \[a\](https://·evil.example)”. When that is out of the way, `/deploy unblock` it first.");
    let section = "A\n  [ ] Work\nB `x` @here _y_ | gate items\n  [ ] Ship";
    assert_snapshot!(given(section).when(ANNA, tick("2.1")).sentence(), @r"`2.1` is held: “B ˋxˋ ＠here \_y\_” does not begin until `1.1` is done.");
    let long = "x".repeat(5000);
    assert_eq!(
        given(SHOP)
            .when(ANNA, tick(&long))
            .sentence()
            .chars()
            .filter(|c| *c == 'x')
            .count(),
        119
    );
}

#[test]
fn typed_texts_are_trimmed_visible_and_bounded() {
    assert_eq!(Reason::parse("  why \n").as_ref().map(Reason::as_str), Ok("why"));
    let refused = |outcome: Result<Reason, Refusal>| match outcome {
        Ok(text) => panic!("{text} was taken"),
        Err(refusal) => refusal.to_string(),
    };
    assert_snapshot!(refused(Reason::parse(" \n")), @"A reason cannot be empty. Say it in a few words.");
    assert_snapshot!(refused(Reason::parse("\u{200b} \u{2060}")), @"A reason cannot be empty. Say it in a few words.");
    assert_snapshot!(refused(Reason::parse(&"é".repeat(5000))), @"A reason has at most 1000 characters and this one has 5000. Shorten it; nothing was changed.");
    assert!(Reason::parse(&"é".repeat(Reason::LIMIT)).is_ok());
    assert!(BlankValue::parse(&"x".repeat(BlankValue::LIMIT + 1)).is_err());
    assert!(Version::parse(&"x".repeat(Version::LIMIT + 1)).is_err());
}

#[test]
fn a_deployment_of_another_server_is_not_there() {
    assert_snapshot!(Refusal::UnknownDeployment.to_string(), @"There is no such deployment in this server. `/deploy list` shows those that run.");
}
