//! The board and what stands around it.

use super::super::board::{board, opening};
use super::super::message::shown::shown;
use super::stage::{QA, STARTER, Stage, TECH_LEAD, item, reason, role};
use crate::domain::check::CheckStatus;
use crate::domain::command::Command;
use crate::domain::event::Outcome;

fn of(stage: &Stage) -> String {
    shown(&board(&stage.deployment, &stage.owners, stage.now))
}

#[test]
fn a_board_begins_with_everything_open() {
    insta::assert_snapshot!(of(&Stage::staging()), @r"
    ┌ Blue · Staging release · 2.4.1 → staging
    │ 🔵 **Preparing**, started <t:1795221600:R>
    │ ▰▱▱▱▱▱▱▱▱▱ **1/11**
    │ 
    │ ▰▱▱▱▱ 1/6 Pre-deployment
    │ ▱▱▱▱▱ 0/3 Approval
    │ ▱▱▱▱▱ 0/2 Deployment
    │ 💤 Rollback (optional)
    │ 
    │ **Holding the release:**
    │ • 4 items are open in Pre-deployment
    │ • **QA Lead** and **Tech Lead** have not been asked to sign yet
    │ 
    │ **Next:** `1.2.1` Migrations can be undone
    │ then `1.2.2` A backup was taken
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Check] → v1:check:12  [Tick 1.2.1] → v1:tick:12:1.2.1  [Sign-offs] → v1:sign-offs:12  [Log] → v1:log:12:0
    ▾ Look at a section → v1:sections:12:0
        - = All items (13 items)
        1 = 1 Pre-deployment (1/6 done)
        2 = 2 Approval (0/3 done)
        3 = 3 Deployment (0/2 done)
        4 = 4 Rollback (optional)
    ");
    insta::assert_snapshot!(shown(&opening(&Stage::staging().deployment)), @"<@1> started **Staging release** · 2.4.1 → staging (deployment #12). It runs in the thread of this message.");
}

#[test]
fn a_board_in_the_middle_says_what_holds_and_on_whom() {
    let mut stage = Stage::staging();
    stage.tick("1.2.1");
    stage.check("tests", CheckStatus::Failed, "exit_code was 1, expected 0");
    stage.does(
        STARTER,
        Command::Block {
            item: item("1.2.2"),
            reason: reason("The volume is full."),
        },
    );
    insta::assert_snapshot!(of(&stage), @r"
    ┌ Red · Staging release · 2.4.1 → staging
    │ 🔵 **Preparing**, started <t:1795221600:R>
    │ ▰▱▱▱▱▱▱▱▱▱ **2/11** · ⛔ 1 blocked
    │ 
    │ ▰▱▱▱▱ 2/6 ⛔ 1 Pre-deployment
    │ ▱▱▱▱▱ 0/3 Approval
    │ ▱▱▱▱▱ 0/2 Deployment
    │ 💤 Rollback (optional)
    │ 
    │ **Holding the release:**
    │ • `1.2.2` A backup was taken is blocked by <@1>: The volume is full
    │ • 1 check has not passed: `tests`
    │ • 2 items are open in Pre-deployment
    │ • **QA Lead** and **Tech Lead** have not been asked to sign yet
    │ 
    │ **Next:** `/deploy check` (2 checks to pass)
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Check] → v1:check:12  [Sign-offs] → v1:sign-offs:12  [Log] → v1:log:12:0
    ▾ Look at a section → v1:sections:12:0
        - = All items (13 items)
        1 = 1 Pre-deployment (2/6 done, 1 blocked)
        2 = 2 Approval (0/3 done)
        3 = 3 Deployment (0/2 done)
        4 = 4 Rollback (optional)
    ");
}

#[test]
fn a_board_waits_for_signatures() {
    let mut stage = Stage::asked();
    stage.later(3);
    stage.does(
        QA,
        Command::Approve {
            role: role("qa-lead"),
        },
    );
    insta::assert_snapshot!(of(&stage), @r"
    ┌ Yellow · Staging release · 2.4.1 → staging
    │ 🔵 **Preparing**, started <t:1795221600:R>
    │ ▰▰▰▰▰▱▱▱▱▱ **6/11**
    │ 
    │ ▰▰▰▰▰ 6/6 ✓ Pre-deployment
    │ ▱▱▱▱▱ 0/3 Approval
    │ ▱▱▱▱▱ 0/2 Deployment
    │ 💤 Rollback (optional)
    │ 
    │ **Holding the release:**
    │ • **QA Lead** has not signed (1 of 2), asked <t:1795221600:R>: <@4>
    │ • **Tech Lead** has not signed, asked <t:1795221600:R>: <@2>
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Check] → v1:check:12  [Sign-offs] → v1:sign-offs:12  [Log] → v1:log:12:0
    ▾ Look at a section → v1:sections:12:0
        - = All items (13 items)
        1 = 1 Pre-deployment (6/6 done)
        2 = 2 Approval (0/3 done)
        3 = 3 Deployment (0/2 done)
        4 = 4 Rollback (optional)
    ");
}

#[test]
fn a_board_shows_a_rejection() {
    let mut stage = Stage::asked();
    stage.does(
        TECH_LEAD,
        Command::Reject {
            role: role("tech-lead"),
            reason: Some(reason("The index is missing.")),
        },
    );
    insta::assert_snapshot!(of(&stage), @r"
    ┌ Red · Staging release · 2.4.1 → staging
    │ 🔵 **Preparing**, started <t:1795221600:R>
    │ ▰▰▰▰▰▱▱▱▱▱ **6/11**
    │ 
    │ ▰▰▰▰▰ 6/6 ✓ Pre-deployment
    │ ▱▱▱▱▱ 0/3 Approval
    │ ▱▱▱▱▱ 0/2 Deployment
    │ 💤 Rollback (optional)
    │ 
    │ **Holding the release:**
    │ • <@2> rejected as **Tech Lead** <t:1795221600:R>: The index is missing
    │ • **QA Lead** has not signed, asked <t:1795221600:R>: <@3> <@4>
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Check] → v1:check:12  [Sign-offs] → v1:sign-offs:12  [Log] → v1:log:12:0
    ▾ Look at a section → v1:sections:12:0
        - = All items (13 items)
        1 = 1 Pre-deployment (6/6 done)
        2 = 2 Approval (0/3 done)
        3 = 3 Deployment (0/2 done)
        4 = 4 Rollback (optional)
    ");
}

#[test]
fn a_board_is_ready_then_goes_then_ends() {
    let mut stage = Stage::ready();
    insta::assert_snapshot!(of(&stage), @r"
    ┌ Green · Staging release · 2.4.1 → staging
    │ 🟢 **Ready for GO:** everything that it waits for is done
    │ ▰▰▰▰▰▰▰▱▱▱ **8/11**
    │ 
    │ ▰▰▰▰▰ 6/6 ✓ Pre-deployment
    │ ▰▰▰▱▱ 2/3 Approval
    │ ▱▱▱▱▱ 0/2 Deployment
    │ 💤 Rollback (optional)
    │ 
    │ **Next:** decide `/deploy go` or `/deploy no-go`
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Check] → v1:check:12  [Sign-offs] → v1:sign-offs:12  [Log] → v1:log:12:0
    ▾ Look at a section → v1:sections:12:0
        - = All items (13 items)
        1 = 1 Pre-deployment (6/6 done)
        2 = 2 Approval (2/3 done)
        3 = 3 Deployment (0/2 done)
        4 = 4 Rollback (optional)
    ");
    stage.does(TECH_LEAD, Command::Go);
    insta::assert_snapshot!(of(&stage), @r"
    ┌ Blue · Staging release · 2.4.1 → staging
    │ 🚀 **GO** by <@2> <t:1795221900:R>
    │ ▰▰▰▰▰▰▰▰▱▱ **9/11**
    │ 
    │ ▰▰▰▰▰ 6/6 ✓ Pre-deployment
    │ ▰▰▰▰▰ 3/3 ✓ Approval
    │ ▱▱▱▱▱ 0/2 Deployment
    │ 💤 Rollback (optional)
    │ 
    │ **Before it can end:**
    │ • 2 items are open in Deployment
    │ 
    │ **Next:** `3.1` Deploy the build
    │ then `3.2` Watch the errors for an hour
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Check] → v1:check:12  [Tick 3.1] → v1:tick:12:3.1  [Sign-offs] → v1:sign-offs:12  [Log] → v1:log:12:0
    ▾ Look at a section → v1:sections:12:0
        - = All items (13 items)
        1 = 1 Pre-deployment (6/6 done)
        2 = 2 Approval (3/3 done)
        3 = 3 Deployment (0/2 done)
        4 = 4 Rollback (optional)
    ");
    stage.tick("3.1");
    stage.tick("3.2");
    stage.later(70);
    insta::assert_snapshot!(of(&stage), @r"
    ┌ Blue · Staging release · 2.4.1 → staging
    │ 🚀 **GO** by <@2> <t:1795221900:R>
    │ ▰▰▰▰▰▰▰▰▰▰ **11/11**
    │ 
    │ ▰▰▰▰▰ 6/6 ✓ Pre-deployment
    │ ▰▰▰▰▰ 3/3 ✓ Approval
    │ ▰▰▰▰▰ 2/2 ✓ Deployment
    │ 💤 Rollback (optional)
    │ 
    │ **Next:** everything is done; `/deploy finish` ends it
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Check] → v1:check:12  [Sign-offs] → v1:sign-offs:12  [Log] → v1:log:12:0
    ▾ Look at a section → v1:sections:12:0
        - = All items (13 items)
        1 = 1 Pre-deployment (6/6 done)
        2 = 2 Approval (3/3 done)
        3 = 3 Deployment (2/2 done)
        4 = 4 Rollback (optional)
    ");
    stage.does(
        TECH_LEAD,
        Command::Finish {
            outcome: Outcome::Complete,
            reason: None,
        },
    );
    insta::assert_snapshot!(of(&stage), @r"
    ┌ Green · Staging release · 2.4.1 → staging
    │ ✅ **Complete** after 1 h 15 min, said by <@2> <t:1795226100:R>
    │ ▰▰▰▰▰▰▰▰▰▰ **11/11**
    │ 
    │ ▰▰▰▰▰ 6/6 ✓ Pre-deployment
    │ ▰▰▰▰▰ 3/3 ✓ Approval
    │ ▰▰▰▰▰ 2/2 ✓ Deployment
    │ 💤 Rollback (optional)
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Sign-offs] → v1:sign-offs:12  [Log] → v1:log:12:0
    ▾ Look at a section → v1:sections:12:0
        - = All items (13 items)
        1 = 1 Pre-deployment (6/6 done)
        2 = 2 Approval (3/3 done)
        3 = 3 Deployment (2/2 done)
        4 = 4 Rollback (optional)
    ");
}

#[test]
fn a_board_says_why_it_is_held() {
    let mut stage = Stage::staging();
    stage.does(
        TECH_LEAD,
        Command::NoGo {
            reason: reason("Black Friday"),
        },
    );
    insta::assert_snapshot!(of(&stage).lines().take(2).collect::<Vec<_>>().join("\n"), @r"
    ┌ Red · Staging release · 2.4.1 → staging
    │ ⛔ **NO-GO** by <@2> <t:1795221600:R>: Black Friday
    ");
}
