//! Starting a deployment.

use insta::assert_snapshot;

use super::kit::*;
use crate::domain::checklist::Variable;
use crate::domain::rights::{Allowed, Rights};

#[test]
fn a_start_opens_a_thread_and_asks_nobody_while_there_is_work() {
    given(SHOP)
        .start_by(ANNA, &[])
        .then(&["started 2.4.1"])
        .owes(&["opening", "thread"]);
}

#[test]
fn a_start_asks_those_who_need_wait_for_nothing() {
    given("Approve\n  [ ] Tech lead | sign-off tech-lead")
        .start_by(ANNA, &[])
        .then(&["started 2.4.1", "tech-lead asked"])
        .owes(&[
            "opening",
            "thread",
            "card 1 of tech-lead",
            "timer: ping 1 of tech-lead in 30 min",
        ]);
}

#[test]
fn boxes_ticked_in_the_document_are_closed_and_their_parents_follow() {
    let story = given("A\n  [ ] Parent\n    [x] One\n    [x] Two\n  [x] Other").start_by(ANNA, &[]);
    assert_eq!(story.boxes(), "xxxx");
    story.then(&["started 2.4.1", "1.1 ticks itself"]);
}

#[test]
fn a_box_that_somebody_must_answer_for_is_not_answered_by_the_document() {
    let story = given("A\n  [x] Lead | sign-off tech-lead\n  [x] Decision | decision").started();
    assert_eq!(story.boxes(), "..");
    assert!(!story.is_approved("tech-lead"));
}

#[test]
fn only_those_with_the_right_start() {
    let managers = Rights {
        start: vec![
            Allowed::ManageServer,
            Allowed::Member(TESS),
            Allowed::DiscordRole(OPERATORS),
        ],
        ..Rights::default()
    };
    let story = given(SHOP).with_rights(managers.clone()).start_by(NORA, &[]);
    assert_snapshot!(story.sentence(), @"You may not start a deployment here. It is open to whoever may manage the server, <@2> or <@&70>; ask one of them.");
    for who in [MAX, TESS, OLGA] {
        given(SHOP)
            .with_rights(managers.clone())
            .start_by(who, &[])
            .then(&["started 2.4.1"]);
    }
    let nobody = Rights {
        start: Vec::new(),
        ..Rights::default()
    };
    assert_snapshot!(given(SHOP).with_rights(nobody).start_by(MAX, &[]).sentence(), @"You may not start a deployment here. The settings open it to nobody; whoever runs the bot can change them.");
}

#[test]
fn variables_are_those_of_the_checklist() {
    let story = given(SHOP)
        .variable("base_url", Variable::default())
        .variable("region", Variable::default());
    assert_snapshot!(story.start_by(ANNA, &[("base-url", "x")]).sentence(), @"This checklist has no variable `base-url`. It has `base_url` and `region`.");
    assert_snapshot!(given(SHOP).start_by(ANNA, &[("base_url", "x")]).sentence(), @"This checklist has no variable `base_url`, nor any other that can be given. Leave `variables` out.");
    let story = given(SHOP)
        .variable("base_url", Variable::default())
        .start_by(ANNA, &[("base_url", "https://shop.example")]);
    assert_eq!(
        story.deployment().variables.get("base_url").map(String::as_str),
        Some("https://shop.example")
    );
}

#[test]
fn a_secret_is_never_taken_in_chat_nor_named_among_what_can_be_given() {
    let secret = |env: Option<&str>| Variable {
        env: env.map(str::to_owned),
        secret: true,
        ..Variable::default()
    };
    let story = given(SHOP).variable("token", secret(Some("SHOP_TOKEN")));
    assert_snapshot!(story.start_by(ANNA, &[("token", "hunter2")]).sentence(), @"`token` is secret, so it cannot be given in chat; nothing was started. Set `SHOP_TOKEN` where the bot runs, and change the value if it was typed here.");
    let story = given(SHOP).variable("token", secret(None));
    assert_snapshot!(story.start_by(ANNA, &[("token", "hunter2")]).sentence(), @"`token` is secret, so it cannot be given in chat; nothing was started. Give it an `env` in the checklist's front matter, and change the value if it was typed here.");
    let story = given(SHOP).variable("token", secret(None));
    assert_snapshot!(story.start_by(ANNA, &[("tokn", "hunter2")]).sentence(), @"This checklist has no variable `tokn`, nor any other that can be given. Leave `variables` out.");
}
