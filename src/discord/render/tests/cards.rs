//! Sign-off cards, pings and the overview.

use std::time::Duration;

use jiff::SignedDuration;

use super::super::card::{asked_again, ping, sign_off_card, sign_offs};
use super::super::message::shown::shown;
use super::stage::{QA, SECOND_QA, STARTER, Stage, TECH_LEAD, item, reason, role};
use crate::domain::check::CheckStatus;
use crate::domain::command::Command;
use crate::domain::event::{Actor, Outcome};
use crate::domain::ids::{ChannelId, MessageId};
use crate::domain::sign_off::Owners;
use crate::engine::Posted;

fn card(stage: &Stage, key: &str, request: u32) -> String {
    shown(&sign_off_card(
        &stage.deployment,
        &role(key),
        request,
        &stage.owners,
        stage.now,
    ))
}

#[test]
fn a_card_shows_all_that_is_needed_to_sign() {
    let mut stage = Stage::staging();
    stage.does(
        STARTER,
        Command::Skip {
            item: item("1.2"),
            reason: reason("No database in this release"),
        },
    );
    stage.check("health", CheckStatus::Passed, "status was 200");
    stage.check("tests", CheckStatus::Passed, "exit_code was 0");
    insta::assert_snapshot!(card(&stage, "tech-lead", 1), @r"
    <@2> please sign as **Tech Lead**: Staging release · 2.4.1 → staging
    ┌ Yellow · Sign-off · Tech Lead
    │ ⏳ Asked <t:1795221600:R>
    │ 🔔 The deputies are pinged at <t:1795222200:t> unless it is answered
    │ 
    │ **Release** 2.4.1 → staging
    │ **Checklist** Staging release `7c43990558`
    │ **Items** 3 ticked · 3 skipped · 5 open · 2 optional and open
    │ **Checks** ✅ 2 passed
    │ **Skipped** 3 items
    │ ⏭ `1.2` The database is ready (and 2 nested in it) — No database in this release (<@1>)
    │ **Open risks** none known
    │ 
    │ ✅ approves · ❌ rejects, and asks you why · 👀 you have seen it
    │ Taking your reaction away takes your answer back.
    └ Deployment #12 · started 2026-11-21 00:40 UTC · request 1
    [👀 Seen] → v1:ack:12:tech-lead
    pings <@2>
    ");
}

#[test]
fn a_card_counts_approvals_and_closes() {
    let mut stage = Stage::asked();
    stage.does(
        QA,
        Command::Approve {
            role: role("qa-lead"),
        },
    );
    let open = card(&stage, "qa-lead", 1);
    insta::assert_snapshot!(open.lines().take(5).collect::<Vec<_>>().join("\n"), @r"
    <@4> please sign as **QA Lead**: Staging release · 2.4.1 → staging
    ┌ Yellow · Sign-off · QA Lead
    │ ✅ Approved by <@3> (owner) <t:1795221600:R>
    │ **1 of 2** have approved
    │ ⏳ Asked <t:1795221600:R>
    ");
    stage.does(
        SECOND_QA,
        Command::Approve {
            role: role("qa-lead"),
        },
    );
    insta::assert_snapshot!(card(&stage, "qa-lead", 1), @r"
    ✅ **QA Lead** has approved: Staging release · 2.4.1 → staging
    ┌ Green · Sign-off · QA Lead
    │ ✅ Approved by <@3> (owner) <t:1795221600:R>
    │ ✅ Approved by <@4> (owner) <t:1795221600:R>
    │ 
    │ **Release** 2.4.1 → staging
    │ **Checklist** Staging release `7c43990558`
    │ **Items** 7 ticked · 4 open · 2 optional and open
    │ **Checks** ✅ 2 passed
    │ **Open risks** none known
    └ Deployment #12 · started 2026-11-21 00:40 UTC · request 1
    ");
}

#[test]
fn a_card_that_was_seen_says_until_when_pings_wait() {
    let mut stage = Stage::asked();
    let snooze = Duration::from_mins(30);
    stage.does(
        TECH_LEAD,
        Command::Acknowledge {
            role: Some(role("tech-lead")),
            snooze,
        },
    );
    insta::assert_snapshot!(card(&stage, "tech-lead", 1).lines().take(5).collect::<Vec<_>>().join("\n"), @r"
    <@2> please sign as **Tech Lead**: Staging release · 2.4.1 → staging
    ┌ Yellow · Sign-off · Tech Lead
    │ ⏳ Asked <t:1795221600:R>
    │ 👀 Seen by <@2>
    │ 🔔 The deputies are pinged at <t:1795223400:t> unless it is answered
    ");
}

#[test]
fn a_card_shows_a_rejection_with_its_reason() {
    let mut stage = Stage::asked();
    stage.does(
        TECH_LEAD,
        Command::Reject {
            role: role("tech-lead"),
            reason: None,
        },
    );
    insta::assert_snapshot!(card(&stage, "tech-lead", 1).lines().take(4).collect::<Vec<_>>().join("\n"), @r"
    ❌ <@2> rejected as **Tech Lead**: Staging release · 2.4.1 → staging
    ┌ Red · Sign-off · Tech Lead
    │ ❌ Rejected by <@2> <t:1795221600:R>: no reason given yet
    │ The release is held until they approve or take the ❌ away.
    ");
    let reason = reason("The index is missing");
    stage.does(
        TECH_LEAD,
        Command::ExplainRejection {
            role: role("tech-lead"),
            reason,
        },
    );
    insta::assert_snapshot!(card(&stage, "tech-lead", 1), @r"
    ❌ <@2> rejected as **Tech Lead**: Staging release · 2.4.1 → staging
    ┌ Red · Sign-off · Tech Lead
    │ ❌ Rejected by <@2> <t:1795221600:R>: The index is missing
    │ The release is held until they approve or take the ❌ away.
    │ 
    │ **Release** 2.4.1 → staging
    │ **Checklist** Staging release `7c43990558`
    │ **Items** 6 ticked · 5 open · 2 optional and open
    │ **Checks** ✅ 2 passed
    │ **Open risks** none known
    └ Deployment #12 · started 2026-11-21 00:40 UTC · request 1
    ");
}

#[test]
fn a_card_shows_every_rejection() {
    let mut stage = Stage::asked();
    for (who, why) in [(QA, "The form is broken"), (SECOND_QA, "The mail is late")] {
        let reason = Some(reason(why));
        stage.does(
            who,
            Command::Reject {
                role: role("qa-lead"),
                reason,
            },
        );
    }
    insta::assert_snapshot!(card(&stage, "qa-lead", 1).lines().take(5).collect::<Vec<_>>().join("\n"), @r"
    ❌ <@3> and <@4> rejected as **QA Lead**: Staging release · 2.4.1 → staging
    ┌ Red · Sign-off · QA Lead
    │ ❌ Rejected by <@3> <t:1795221600:R>: The form is broken
    │ ❌ Rejected by <@4> <t:1795221600:R>: The mail is late
    │ The release is held until they approve or take the ❌ away.
    ");
    let all = shown(&sign_offs(&stage.deployment, &stage.owners, stage.now));
    insta::assert_snapshot!(all.lines().nth(1).unwrap_or_default(), @"│ ❌ **QA Lead** rejected by <@3> <t:1795221600:R>: The form is broken and <@4> <t:1795221600:R>: The mail is late");
}

#[test]
fn cards_that_no_longer_count_say_so() {
    let mut stage = Stage::asked();
    stage.does(STARTER, Command::Untick { item: item("1.2.1") });
    insta::assert_snapshot!(card(&stage, "tech-lead", 1), @r"
    **Tech Lead** need not answer now: what the request waits for does not hold any more.
    ┌ Grey · Sign-off · Tech Lead
    │ This card asks again once it holds. A reaction made meanwhile does not count.
    │ 
    │ **Release** 2.4.1 → staging
    │ **Checklist** Staging release `7c43990558`
    │ **Items** 4 ticked · 7 open · 2 optional and open
    │ **Checks** ✅ 2 passed
    │ **Open risks** none known
    └ Deployment #12 · started 2026-11-21 00:40 UTC · request 1
    ");
    stage.tick("1.2.1");
    let first_lines = |stage: &Stage, request| {
        let card = card(stage, "tech-lead", request);
        card.lines().take(3).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(first_lines(&stage, 1), @r"
    <@2> please sign as **Tech Lead**: Staging release · 2.4.1 → staging
    ┌ Yellow · Sign-off · Tech Lead
    │ ⏳ Asked <t:1795221600:R>
    ");
    let key = role("tech-lead");
    stage.does(TECH_LEAD, Command::Approve { role: key });
    stage.check("health", CheckStatus::Failed, "status was 500");
    insta::assert_snapshot!(first_lines(&stage, 1), @r"
    **Tech Lead** need not answer now: the request was taken back.
    ┌ Grey · Sign-off · Tech Lead
    │ Something it was asked on has changed. A new card comes when everything it waits for holds again.
    ");
    stage.check("health", CheckStatus::Passed, "status was 200");
    insta::assert_snapshot!(card(&stage, "tech-lead", 1), @r"
    **Tech Lead** was asked anew; the newer card below counts, not this one.
    ┌ Grey · Sign-off · Tech Lead
    │ Replaced by a newer card.
    └ Deployment #12 · started 2026-11-21 00:40 UTC · request 1
    ");
    stage.does(
        TECH_LEAD,
        Command::Finish {
            outcome: Outcome::Failed,
            reason: Some(reason("Called off")),
        },
    );
    insta::assert_snapshot!(card(&stage, "tech-lead", 2).lines().take(4).collect::<Vec<_>>().join("\n"), @r"
    **Tech Lead** need not answer any more: the deployment has ended.
    ┌ Grey · Sign-off · Tech Lead
    │ It was never answered.
    │
    ");
}

#[test]
fn a_card_for_a_role_that_nobody_holds_says_how_to_change_that() {
    let mut stage = Stage::asked();
    stage.owners = Owners::default();
    insta::assert_snapshot!(card(&stage, "tech-lead", 1).lines().take(4).collect::<Vec<_>>().join("\n"), @r"
    **Tech Lead** has to sign for Staging release · 2.4.1 → staging, and nobody holds the role. `/owner set` with role `tech-lead` names who does.
    ┌ Yellow · Sign-off · Tech Lead
    │ ⏳ Asked <t:1795221600:R>
    │
    ");
}

#[test]
fn a_card_tells_how_far_its_ladder_is_and_who_asks_again() {
    let mut stage = Stage::asked();
    stage.later(30);
    stage.ping("tech-lead", 1);
    let key = role("tech-lead");
    stage.does(STARTER, Command::RequestSignOff { role: key });
    insta::assert_snapshot!(card(&stage, "tech-lead", 1).lines().take(6).collect::<Vec<_>>().join("\n"), @r"
    <@2> please sign as **Tech Lead**: Staging release · 2.4.1 → staging
    ┌ Yellow · Sign-off · Tech Lead
    │ ⏳ Asked <t:1795221600:R>
    │ 🔔 <@1> asked again <t:1795223400:R>
    │ 🔔 The deputies were pinged at <t:1795223400:t>; they are pinged again at <t:1795224000:t> unless it is answered
    │
    ");
    let by = Actor::Person(STARTER);
    let posted = Posted {
        channel: ChannelId(7),
        message: MessageId(8),
    };
    let role = role("tech-lead");
    let again = asked_again(&stage.deployment, &role, by, Some(posted), &stage.owners);
    insta::assert_snapshot!(shown(&again), @r"
    <@5>: <@1> asks again. **Tech Lead** has not signed for Staging release · 2.4.1 → staging, since <t:1795221600:R>.
    ✅ or ❌ on [the card](https://discord.com/channels/100/7/8) ends this; 👀 pauses it.
    [👀 Seen] → v1:ack:12:tech-lead
    pings <@5>
    ");
}

#[test]
fn a_ping_says_why_since_when_and_what_ends_it() {
    let mut stage = Stage::asked();
    stage.later(10);
    stage.ping("tech-lead", 1);
    let due = stage.now;
    let on_time = ping(&stage.deployment, &role("tech-lead"), 1, due, due, &stage.owners);
    insta::assert_snapshot!(shown(&on_time), @r"
    <@5> **Tech Lead** has not signed for Staging release · 2.4.1 → staging. Asked <t:1795221600:R>.
    Asked before: <@2> (owner).
    ✅ or ❌ on the card above ends this; 👀 pauses it.
    [👀 Seen] → v1:ack:12:tech-lead
    pings <@5>
    ");

    let late = due + SignedDuration::from_mins(12);
    let late = ping(&stage.deployment, &role("tech-lead"), 3, due, late, &stage.owners);
    insta::assert_snapshot!(shown(&late), @r"
    <@5> **Tech Lead** has not signed for Staging release · 2.4.1 → staging. Asked <t:1795221600:R>.
    It has no lead, so this goes to the deputies.
    Asked before: <@2> (owner).
    ✅ or ❌ on the card above ends this; 👀 pauses it.
    This ping was due <t:1795222200:t> and comes 12 min late.
    It is the last one; nobody is pinged after this.
    [👀 Seen] → v1:ack:12:tech-lead
    pings <@5>
    ");

    let nobody = ping(
        &stage.deployment,
        &role("tech-lead"),
        1,
        due,
        due,
        &Owners::default(),
    );
    insta::assert_snapshot!(shown(&nobody), @r"
    **Tech Lead** has not signed for Staging release · 2.4.1 → staging, and nobody holds the role. Asked <t:1795221600:R>. `/owner set` names who does.
    [👀 Seen] → v1:ack:12:tech-lead
    ");
}

#[test]
fn the_overview_shows_how_far_every_role_is() {
    let mut stage = Stage::staging();
    let all = |stage: &Stage| shown(&sign_offs(&stage.deployment, &stage.owners, stage.now));
    insta::assert_snapshot!(all(&stage), @r"
    ┌ Yellow · Sign-offs · Staging release · 2.4.1 → staging
    │ ▫️ **QA Lead** (0 of 2) not asked yet (<@3> <@4>) — waits: 2 checks have not passed: `health` and `tests`, and 1 more
    │ ▫️ **Tech Lead** not asked yet (<@2>) — waits: 2 checks have not passed: `health` and `tests`, and 1 more
    └ 0 of 2 approved · Deployment #12 · started 2026-11-21 00:40 UTC
    ");
    stage = Stage::asked();
    stage.does(
        TECH_LEAD,
        Command::Approve {
            role: role("tech-lead"),
        },
    );
    stage.does(
        QA,
        Command::Approve {
            role: role("qa-lead"),
        },
    );
    insta::assert_snapshot!(all(&stage), @r"
    ┌ Yellow · Sign-offs · Staging release · 2.4.1 → staging
    │ ⏳ **QA Lead** (1 of 2) asked <t:1795221600:R>: <@4>; approved by <@3> <t:1795221600:R>
    │ ✅ **Tech Lead** approved by <@2> <t:1795221600:R>
    └ 1 of 2 approved · Deployment #12 · started 2026-11-21 00:40 UTC
    ");
}
