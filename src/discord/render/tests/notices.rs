//! What the team must hear.

use super::super::message::{File, shown::shown};
use super::super::notice::{decision, finished, ready_for_go, rejection, void};
use super::stage::{QA, STARTER, Stage, TECH_LEAD, item, reason, role};
use crate::domain::check::CheckStatus;
use crate::domain::command::Command;
use crate::domain::event::Outcome;
use crate::domain::ids::CheckId;

#[test]
fn a_rejection_without_a_reason_asks_for_it() {
    let mut stage = Stage::asked();
    stage.does(
        TECH_LEAD,
        Command::Reject {
            role: role("tech-lead"),
            reason: None,
        },
    );
    insta::assert_snapshot!(shown(&rejection(&stage.deployment, &role("tech-lead"), TECH_LEAD)), @r"
    <@2> you rejected as **Tech Lead**. What has to change before you approve? Until then Staging release · 2.4.1 → staging is held.
    [Say why] → v1:explain:12:tech-lead
    pings <@2>
    ");
    let reason = Some(reason("The index is missing"));
    stage.does(
        TECH_LEAD,
        Command::Reject {
            role: role("tech-lead"),
            reason,
        },
    );
    insta::assert_snapshot!(shown(&rejection(&stage.deployment, &role("tech-lead"), TECH_LEAD)), @r"
    ❌ <@2> rejected as **Tech Lead**: The index is missing
    Staging release · 2.4.1 → staging is held until they approve or take the ❌ away.
    ");
}

#[test]
fn a_void_signature_is_told_to_whoever_gave_it() {
    let mut stage = Stage::asked();
    stage.does(
        QA,
        Command::Approve {
            role: role("qa-lead"),
        },
    );
    stage.check("health", CheckStatus::Failed, "status was 503, expected 200");
    let told = void(&stage.deployment, &role("qa-lead"), QA, &CheckId::new("health"));
    insta::assert_snapshot!(shown(&told), @r"
    <@3> your approval as **QA Lead** for Staging release · 2.4.1 → staging no longer counts, as something has changed since: check `health` now fails: status was 503, expected 200.
    You are asked again, on a new card, once everything it waits for holds.
    pings <@3>
    ");
}

#[test]
fn whoever_started_hears_that_go_can_be_decided() {
    insta::assert_snapshot!(shown(&ready_for_go(&Stage::ready().deployment)), @r"
    <@1> everything that GO waits for is done: Staging release · 2.4.1 → staging.
    Items: 8 ticked · 3 open · 2 optional and open · 2 roles approved
    `/deploy go` releases it, `/deploy no-go` holds it.
    pings <@1>
    ");
}

#[test]
fn the_decision_is_told_with_what_comes_next() {
    let mut stage = Stage::ready();
    stage.does(TECH_LEAD, Command::Go);
    insta::assert_snapshot!(shown(&decision(&stage.deployment)), @r"
    🚀 **GO** for Staging release · 2.4.1 → staging, decided by <@2>.
    Next: `3.1` Deploy the build
    ");
    stage.does(
        TECH_LEAD,
        Command::NoGo {
            reason: reason("Errors are rising"),
        },
    );
    insta::assert_snapshot!(shown(&decision(&stage.deployment)), @r"
    ⛔ **NO-GO** for Staging release · 2.4.1 → staging, decided by <@2>: Errors are rising
    Work on the list goes on; `/deploy go` releases it when this is mended, `/deploy finish` gives it up.
    ");
}

#[test]
fn the_end_is_told_with_figures() {
    let mut stage = Stage::ready();
    stage.does(TECH_LEAD, Command::Go);
    stage.tick("3.1");
    stage.does(
        STARTER,
        Command::Skip {
            item: item("3.2"),
            reason: reason("Nobody is up"),
        },
    );
    stage.later(95);
    stage.does(
        TECH_LEAD,
        Command::Finish {
            outcome: Outcome::Complete,
            reason: None,
        },
    );
    let file = File {
        name: "staging-12.md".to_owned(),
        bytes: b"# Staging".to_vec(),
    };
    insta::assert_snapshot!(shown(&finished(&stage.deployment, vec![file])), @r"
    🏁 Staging release · 2.4.1 → staging is complete, says <@2>.
    ┌ Green · Report · Staging release · 2.4.1 → staging
    │ **Time** 1 h 40 min from start to end
    │ **Decision** GO by <@2>, 5 min after the start
    │ **Items** 10 ticked · 1 skipped · 2 optional and open
    │ **Checks** ✅ 2 passed
    │ **Signed** **QA Lead** <@3> (owner), **QA Lead** <@4> (owner) and **Tech Lead** <@2> (owner)
    │ ⏭ `3.2` Watch the errors for an hour — Nobody is up (<@1>)
    │ 
    │ The checklist is attached, filled in, with the report at its end.
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    file staging-12.md (9 bytes)
    ");
}
