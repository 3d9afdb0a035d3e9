//! Sign-offs: asked, answered, taken back, void.

use insta::assert_snapshot;

use super::kit::*;
use crate::domain::check::CheckStatus;
use crate::domain::command::{CardAnswer, Command, FourEyes};
use crate::domain::ids::RoleKey;
use crate::domain::sign_off::Rank;

#[test]
fn roles_are_asked_when_their_work_is_done_and_no_longer_when_it_is_not() {
    given(SHOP)
        .and(ANNA, tick("1.1"))
        .passes("health")
        .and(ANNA, tick("1.3.1"))
        .when(ANNA, tick("1.3.2"))
        .then(&["1.3.2 ticked", "1.3 ticks itself", "qa asked", "tech-lead asked"])
        .owes(&[
            "card 1 of qa",
            "card 1 of tech-lead",
            "timer: ping 1 of qa in 30 min",
            "timer: ping 1 of tech-lead in 30 min",
        ])
        .when(NORA, untick("1.1"))
        .then(&["1.1 opened", "qa no longer asked", "tech-lead no longer asked"])
        .owes(&[
            "edit card 1 of qa",
            "edit card 1 of tech-lead",
            "no timer ping:qa",
            "no timer ping:tech-lead",
        ])
        .when(NORA, tick("1.1"))
        .then(&["1.1 ticked", "qa asked on", "tech-lead asked on"])
        .owes(&[
            "card 1 of qa",
            "card 1 of tech-lead",
            "timer: ping 1 of qa in 30 min",
            "timer: ping 1 of tech-lead in 30 min",
        ]);
}

#[test]
fn a_nested_box_of_a_role_waits_for_the_work_of_its_section_only() {
    given("A\n  [ ] Work\n  [ ] Approvals\n    [ ] Lead | sign-off tech-lead\n    [ ] QA | sign-off qa\nB\n  [ ] More")
        .when(ANNA, tick("1.1"))
        .then(&["1.1 ticked", "qa asked", "tech-lead asked"])
        .and(TESS, approve("tech-lead"))
        .when(QUINN, approve("qa"))
        .then(&["qa approved by 5", "1.2.2 ticks itself", "1.2 ticks itself"]);
}

#[test]
fn an_approval_ticks_its_box_and_says_when_go_is_free() {
    prepared()
        .when(TESS, approve("tech-lead"))
        .then(&["tech-lead approved by 2", "2.1 ticks itself"])
        .owes(&["edit card 1 of tech-lead", "no timer ping:tech-lead"])
        .when(TESS, approve("tech-lead"))
        .then(&[])
        .owes(&[])
        .when(QUINN, approve("qa"))
        .then(&["qa approved by 5", "2.2 ticks itself"])
        .owes(&["edit card 1 of qa", "word that GO is free", "no timer ping:qa"])
        .when(ANNA, note(None))
        .then(&["note: watch the queue"])
        .owes(&[]);
}

#[test]
fn a_signature_names_what_it_was_given_on() {
    let story = prepared().later(3).and(DEREK, approve("tech-lead"));
    let deployment = story.deployment();
    let signature = deployment
        .sign_offs
        .get(&RoleKey::new("tech-lead"))
        .and_then(|sign_off| sign_off.signature_of(DEREK));
    let Some(signature) = signature else {
        panic!("Derek signed");
    };
    assert_eq!(signature.rank, Rank::Deputy);
    assert_eq!(signature.version, "2.4.1");
    assert_eq!(signature.checklist, deployment.checklist.hash);
    assert_eq!(signature.checks, deployment.checks_seen());
    assert_eq!(signature.at, story.now);
}

#[test]
fn only_holders_sign_whatever_else_they_may_do() {
    assert_snapshot!(prepared().when(MAX, approve("tech-lead")).sentence(), @"You do not hold the role `tech-lead`, so this does not count. It is held by <@2>, <@3> and <@4>.");
    assert_snapshot!(prepared().when(TESS, approve("qa")).sentence(), @"You do not hold the role `qa`, so this does not count. It is held by <@5>.");
    assert_snapshot!(prepared().when(NORA, reject("qa")).sentence(), @"You do not hold the role `qa`, so this does not count. It is held by <@5>.");
    assert_snapshot!(prepared().owned_by("qa", &[]).when(QUINN, approve("qa")).sentence(), @"You do not hold the role `qa`, and nobody does yet. `/owner set` names who does.");
    assert_snapshot!(prepared().when(TESS, approve("cfo")).sentence(), @"This checklist asks no role `cfo` to sign. It asks `qa` and `tech-lead`.");
    assert_snapshot!(given("A\n  [ ] Work").when(TESS, approve("cfo")).sentence(), @"This checklist asks no role `cfo` to sign. It asks nobody; add `sign-offs` to its front matter if it should.");
    for who in [TESS, DEREK, LEA] {
        assert!(prepared().and(who, approve("tech-lead")).is_approved("tech-lead"));
    }
}

#[test]
fn whoever_has_the_discord_role_holds_the_role() {
    let text = "A\n  [ ] Ops | sign-off ops";
    assert!(given(text).and(OLGA, approve("ops")).is_approved("ops"));
    assert_snapshot!(given(text).when(NORA, approve("ops")).sentence(), @"You do not hold the role `ops`, so this does not count. It is held by <@&70>.");
}

#[test]
fn nobody_signs_before_they_are_asked() {
    assert_snapshot!(given(SHOP).when(TESS, approve("tech-lead")).sentence(), @"It is too early to sign: `tech-lead` is asked once `1.1` is done, `1.2` is done, `1.3.1` is done, `1.3.2` is done and check `health` has passed.");
    assert_snapshot!(given(SHOP).when(TESS, reject("tech-lead")).sentence(), @"It is too early to sign: `tech-lead` is asked once `1.1` is done, `1.2` is done, `1.3.1` is done, `1.3.2` is done and check `health` has passed.");
    assert_snapshot!(given(SHOP).when(ANNA, ask("tech-lead")).sentence(), @"It is too early to sign: `tech-lead` is asked once `1.1` is done, `1.2` is done, `1.3.1` is done, `1.3.2` is done and check `health` has passed.");
    assert_snapshot!(prepared().when(TESS, explain("tech-lead")).sentence(), @"No rejection of yours stands for `tech-lead`, so there is no reason to give.");
    assert_snapshot!(prepared().when(TESS, withdraw("tech-lead")).sentence(), @"You have neither approved nor rejected for `tech-lead`, so there is nothing to take back.");
}

#[test]
fn a_rejection_asks_why_and_holds_until_it_is_taken_back() {
    let story = prepared()
        .when(TESS, reject("tech-lead"))
        .then(&["tech-lead rejected"])
        .owes(&[
            "edit card 1 of tech-lead",
            "word that 2 rejected for tech-lead",
            "no timer ping:tech-lead",
        ])
        .when(TESS, reject("tech-lead"))
        .then(&[])
        .when(TESS, explain("tech-lead"))
        .then(&["tech-lead rejected, as p95 is too high"])
        .owes(&["edit card 1 of tech-lead"])
        .and(DEREK, approve("tech-lead"));
    assert!(
        !story.is_approved("tech-lead"),
        "a deputy's yes does not outvote a no"
    );
    let story = story.when(TESS, Command::Go);
    assert_snapshot!(story.sentence(), @"GO waits until `qa` has signed and `tech-lead` no longer rejects.");
    let story = story
        .when(TESS, approve("tech-lead"))
        .then(&["tech-lead approved by 2", "2.1 ticks itself"]);
    assert!(story.is_approved("tech-lead"));
}

#[test]
fn one_persons_change_of_mind_does_not_take_anothers_no_away() {
    let story = prepared()
        .and(TESS, reject("tech-lead"))
        .and(DEREK, reject("tech-lead"))
        .and(DEREK, approve("tech-lead"));
    assert!(!story.is_approved("tech-lead"));
    let story = prepared()
        .and(TESS, reject("tech-lead"))
        .and(DEREK, reject("tech-lead"))
        .and(DEREK, explain("tech-lead"))
        .and(TESS, approve("tech-lead"));
    assert!(!story.is_approved("tech-lead"));
    assert!(story.and(DEREK, withdraw("tech-lead")).is_approved("tech-lead"));
}

#[test]
fn asking_again_after_a_no_asks_everybody() {
    let story = prepared()
        .and(DEREK, approve("tech-lead"))
        .and(TESS, reject("tech-lead"))
        .when(ANNA, ask("tech-lead"))
        .then(&["tech-lead asked"]);
    assert!(
        !story.is_approved("tech-lead"),
        "the older yes must not outvote the no"
    );
    assert!(story.and(DEREK, approve("tech-lead")).is_approved("tech-lead"));
}

#[test]
fn asking_again_keeps_what_was_signed_where_nobody_said_no() {
    let story = prepared_for_two()
        .and(TESS, approve("tech-lead"))
        .and(ANNA, ask("tech-lead"))
        .and(DEREK, approve("tech-lead"));
    assert!(story.is_approved("tech-lead"));
    assert_snapshot!(story.when(ANNA, ask("tech-lead")).sentence(), @"`tech-lead` has approved already. Taking the ✅ off the card withdraws it.");
}

#[test]
fn a_signature_is_withdrawn_and_the_wait_begins_anew() {
    prepared()
        .and(TESS, approve("tech-lead"))
        .later(60)
        .when(TESS, withdraw("tech-lead"))
        .then(&["tech-lead withdrawn", "2.1 opens itself"])
        .owes(&["edit card 1 of tech-lead", "timer: ping 1 of tech-lead in 30 min"]);
}

#[test]
fn a_withdrawal_beyond_the_quorum_changes_no_answer_and_sets_no_timer() {
    let story = prepared()
        .and(TESS, approve("tech-lead"))
        .and(DEREK, approve("tech-lead"))
        .when(DEREK, withdraw("tech-lead"))
        .then(&["tech-lead withdrawn"])
        .owes(&["edit card 1 of tech-lead"]);
    assert!(story.is_approved("tech-lead"));
}

#[test]
fn a_quorum_of_two_takes_two_people() {
    let story = prepared_for_two()
        .when(TESS, approve("tech-lead"))
        .then(&["tech-lead approved by 2"])
        .owes(&["edit card 1 of tech-lead"])
        .when(TESS, approve("tech-lead"))
        .then(&[]);
    assert!(!story.is_approved("tech-lead"));
    story
        .when(LEA, approve("tech-lead"))
        .then(&["tech-lead approved by 4", "2.1 ticks itself"])
        .owes(&["edit card 1 of tech-lead", "no timer ping:tech-lead"]);
}

#[test]
fn a_no_that_becomes_a_yes_starts_the_wait_for_the_others_again() {
    prepared_for_two()
        .and(TESS, reject("tech-lead"))
        .later(90)
        .when(TESS, approve("tech-lead"))
        .then(&["tech-lead approved by 2"])
        .owes(&["edit card 1 of tech-lead", "timer: ping 1 of tech-lead in 30 min"]);
}

#[test]
fn a_check_skipped_after_it_passed_voids_what_was_signed_on_it() {
    // Its pass stood on a check that no longer passes, so nobody may be let through on it.
    let story = signed().check("health", CheckStatus::Skipped).then(&[
        "health Skipped",
        "qa by 5 void, as health changed",
        "tech-lead by 2 void, as health changed",
        "2.2 opens itself",
        "2.1 opens itself",
        "1.2 opens itself",
    ]);
    assert!(!story.is_approved("qa"));
    // Skipped once more is no news.
    story
        .check("health", CheckStatus::Skipped)
        .then(&["health Skipped"]);
}

#[test]
fn a_changed_result_voids_and_asks_again_on_a_new_card() {
    let story = signed()
        .fails("health")
        .then(&[
            "health Failed",
            "qa by 5 void, as health changed",
            "tech-lead by 2 void, as health changed",
            "2.2 opens itself",
            "2.1 opens itself",
            "1.2 opens itself",
        ])
        .owes(&[
            "edit card 1 of qa",
            "word to 5 that qa is void",
            "edit card 1 of tech-lead",
            "word to 2 that tech-lead is void",
        ])
        .passes("health")
        .then(&["health Passed", "1.2 ticks itself", "qa asked", "tech-lead asked"])
        .passes("health")
        .then(&["health Passed"]);
    assert!(!story.is_approved("qa"));
    // The card of the first request shows what no longer is, and so does a reaction on it.
    let story = story.when(QUINN, on_card("qa", 1, CardAnswer::Approve));
    assert_snapshot!(story.sentence(), @"This card no longer counts, as what it showed has changed. If `qa` is still asked, answer the latest card.");
    let story = story.and(QUINN, on_card("qa", 2, CardAnswer::Approve));
    assert!(story.is_approved("qa"));
    let story = story.when(QUINN, on_card("qa", 1, CardAnswer::Withdraw));
    assert!(
        story.is_approved("qa"),
        "tidying up an old card takes nothing back"
    );
    assert!(
        !story
            .and(QUINN, on_card("qa", 2, CardAnswer::Withdraw))
            .is_approved("qa")
    );
}

#[test]
fn a_card_takes_every_answer_while_it_is_the_latest() {
    let story = prepared()
        .when(TESS, on_card("tech-lead", 1, CardAnswer::Reject { reason: None }))
        .then(&["tech-lead rejected"])
        .and(TESS, on_card("tech-lead", 1, CardAnswer::Withdraw))
        .when(
            TESS,
            on_card(
                "tech-lead",
                1,
                CardAnswer::Acknowledge {
                    snooze: std::time::Duration::from_hours(1),
                },
            ),
        )
        .then(&["tech-lead acknowledged"])
        .and(ANNA, untick("1.1"))
        .when(TESS, on_card("tech-lead", 1, CardAnswer::Approve));
    assert_snapshot!(story.sentence(), @"It is too early to sign: `tech-lead` is asked once `1.1` is done.");
    let story = story.when(TESS, on_card("tech-lead", 1, CardAnswer::Reject { reason: None }));
    assert_snapshot!(story.sentence(), @"It is too early to sign: `tech-lead` is asked once `1.1` is done.");
}

#[test]
fn a_request_that_nobody_has_answered_keeps_its_card_while_a_check_flips() {
    let story = given("A\n  [ ] Health | check health\n  [ ] Lead | sign-off tech-lead")
        .ladder("tech-lead", &[(Rank::Owner, 10), (Rank::Deputy, 20)], 0)
        .passes("health")
        .then(&["health Passed", "1.1 ticks itself", "tech-lead asked"])
        .owes(&["card 1 of tech-lead", "timer: ping 1 of tech-lead in 10 min"])
        .later(4)
        .fails("health")
        .then(&["health Failed", "1.1 opens itself", "tech-lead no longer asked"])
        .owes(&["edit card 1 of tech-lead", "no timer ping:tech-lead"])
        .later(600)
        .passes("health")
        .then(&["health Passed", "1.1 ticks itself", "tech-lead asked on"])
        // It was waited for 4 minutes, and goes on from there.
        .owes(&["card 1 of tech-lead", "timer: ping 1 of tech-lead in 6 min"])
        .and(TESS, approve("tech-lead"))
        .fails("health")
        .passes("health");
    // A signature ends its request, so when it is void the role is asked anew; and that request keeps its card in turn.
    let story = story.then(&["health Passed", "1.1 ticks itself", "tech-lead asked"]);
    let story = story.fails("health").passes("health");
    story
        .then(&["health Passed", "1.1 ticks itself", "tech-lead asked on"])
        .owes(&["card 2 of tech-lead", "timer: ping 1 of tech-lead in 10 min"]);
}

#[test]
fn a_voided_signature_beside_a_rejection_says_how_to_go_on() {
    let story = signed()
        .and(DEREK, reject("tech-lead"))
        .fails("health")
        .passes("health")
        .when(DEREK, approve("tech-lead"));
    assert_snapshot!(story.sentence(), @"No request to `tech-lead` is open. `/deploy signoff` asks again, on a new card.");
    story
        .when(DEREK, withdraw("tech-lead"))
        .then(&["tech-lead withdrawn", "tech-lead asked"]);
}

#[test]
fn nobody_approves_what_has_been_opened_again() {
    let story = prepared()
        .and(TESS, reject("tech-lead"))
        .and(ANNA, untick("1.1"))
        .when(TESS, approve("tech-lead"));
    assert_snapshot!(story.sentence(), @"It is too early to sign: `tech-lead` is asked once `1.1` is done.");
}

#[test]
fn who_started_it_is_not_its_only_signer() {
    let one_role = "A\n  [ ] Lead | sign-off tech-lead";
    let lead = [(Rank::Owner, ANNA), (Rank::Deputy, DEREK)];
    let story = given(one_role).owned_by("tech-lead", &lead);
    assert_snapshot!(story.when(ANNA, approve("tech-lead")).sentence(), @"You started this deployment, so you cannot be its only signer. Somebody else has to sign first, for `tech-lead` or for another role.");
    let story = given(one_role)
        .owned_by("tech-lead", &lead)
        .four_eyes(FourEyes::Waived)
        .and(ANNA, approve("tech-lead"))
        .when(ANNA, Command::Go)
        .then(&["GO"]);
    assert!(story.is_approved("tech-lead"));
    given(one_role)
        .owned_by("tech-lead", &lead)
        .quorum("tech-lead", 2)
        .and(ANNA, approve("tech-lead"))
        .and(DEREK, approve("tech-lead"))
        .when(ANNA, Command::Go)
        .then(&["GO"]);
}

#[test]
fn the_second_pair_of_eyes_may_be_in_another_role_but_must_stay() {
    let two_roles = "A\n  [ ] Lead | sign-off tech-lead\n  [ ] QA | sign-off qa";
    let holders = [(Rank::Owner, ANNA), (Rank::Deputy, DEREK)];
    let story = given(two_roles)
        .owned_by("tech-lead", &holders)
        .owned_by("qa", &holders)
        .and(ANNA, approve("tech-lead"))
        .when(ANNA, approve("qa"));
    assert_snapshot!(story.sentence(), @"You started this deployment, so you cannot be its only signer. Somebody else has to sign first, for `qa` or for another role.");
    let story = given(two_roles)
        .owned_by("tech-lead", &holders)
        .owned_by("qa", &holders)
        .and(ANNA, approve("tech-lead"))
        .and(DEREK, approve("qa"))
        .and(ANNA, approve("qa"))
        .and(DEREK, withdraw("qa"))
        .when(DEREK, Command::Go);
    assert_snapshot!(story.sentence(), @"GO waits until somebody besides <@1> has signed: who started a deployment cannot be its only signer.");
}

#[test]
fn after_go_answers_stay() {
    let story = signed().and(TESS, Command::Go);
    assert_snapshot!(story.when(TESS, withdraw("tech-lead")).sentence(), @"The decision is GO, so what `tech-lead` answered stays. To stop the release, decide `/deploy no-go` first.");
    let story = signed().and(TESS, Command::Go);
    assert_snapshot!(story.when(TESS, reject("tech-lead")).sentence(), @"The decision is GO, so what `tech-lead` answered stays. To stop the release, decide `/deploy no-go` first.");
    let story = signed().and(TESS, Command::Go).fails("health");
    assert!(story.is_approved("tech-lead"));
    story
        .then(&["health Failed", "1.2 opens itself"])
        .when(TESS, no_go())
        .then(&[
            "NO-GO",
            "qa by 5 void, as health changed",
            "tech-lead by 2 void, as health changed",
            "2.3 opens itself",
            "2.2 opens itself",
            "2.1 opens itself",
        ]);
}

#[test]
fn a_box_with_items_nested_in_it_is_about_them_where_its_gate_names_no_work() {
    given(
        "
Prepare
  [ ] Back up
Launch
  [ ] A last look | sign-off tech-lead
    [ ] At the tests
  [ ] Launch it
After | gate tech-lead
  [ ] Watch
",
    )
    .when(ANNA, tick("1.1"))
    .then(&["1.1 ticked"])
    .when(ANNA, tick("2.1.1"))
    .then(&["2.1.1 ticked", "tech-lead asked"])
    .when(TESS, approve("tech-lead"))
    .then(&["tech-lead approved by 2", "2.1 ticks itself"]);
}
