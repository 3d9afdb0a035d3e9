//! Answers to commands.

use std::collections::BTreeMap;

use super::super::answer::{
    self, Approved, ChecklistRow, DeploymentRow, Finding, Provenance, Replaced, Topic, changed, help, refused,
};
use super::super::message::{Message, shown::shown};
use super::super::modal;
use super::stage::{Act, DEPUTY, QA, SECOND_QA, STARTER, Stage, TECH_LEAD, item, reason, role};
use crate::domain::check::CheckStatus;
use crate::domain::command::Command;
use crate::domain::deployment::Phase;
use crate::domain::event::Outcome;
use crate::domain::ids::{ChannelId, DeploymentId};
use crate::domain::sign_off::{Holder, Rank};
use crate::domain::text::{Reason, Remark};

fn said(stage: &Stage, act: &Act) -> String {
    shown(&changed(act.before.as_ref(), &stage.deployment, &act.events))
}

#[test]
fn a_start_says_what_runs_and_what_is_next() {
    let stage = Stage::staging();
    insta::assert_snapshot!(shown(&changed(None, &stage.deployment, &stage.events)), @r"
    ▶️ Deployment #12 started: Staging release · 2.4.1 → staging, 13 items.
    Next: `1.2.1` Migrations can be undone
    ");
}

#[test]
fn a_tick_says_what_followed_and_what_is_next() {
    let mut stage = Stage::staging();
    let act = stage.tick("1.2.1");
    insta::assert_snapshot!(said(&stage, &act), @r"
    ✅ Ticked `1.2.1` Migrations can be undone · 2/6 in Pre-deployment.
    Next: `1.2.2` A backup was taken
    ");
    let act = stage.tick("1.2.2");
    insta::assert_snapshot!(said(&stage, &act), @r"
    ✅ Ticked `1.2.2` A backup was taken · 4/6 in Pre-deployment. Ticked with it: `1.2`.
    Next: `/deploy check`, as 2 checks have not passed.
    ");
    stage.check("health", CheckStatus::Passed, "status was 200");
    let act = stage.check("tests", CheckStatus::Passed, "exit_code was 0");
    insta::assert_snapshot!(said(&stage, &act), @r"
    ✅ Check `tests` passed. Ticked with it: `1.3`; asked to sign: **QA Lead** and **Tech Lead**.
    **QA Lead** has not signed, asked <t:1795221600:R> · **Tech Lead** has not signed, asked <t:1795221600:R>.
    ");
    let act = stage.does(STARTER, Command::Untick { item: item("1.2.2") });
    insta::assert_snapshot!(said(&stage, &act), @r"
    ↩️ Opened `1.2.2` A backup was taken again. Open again with it: `1.2`; not asked to sign for now: **QA Lead** and **Tech Lead**.
    Next: `1.2.2` A backup was taken
    ");
    let act = stage.does(
        STARTER,
        Command::Skip {
            item: item("1.2"),
            reason: reason("No database here."),
        },
    );
    insta::assert_snapshot!(said(&stage, &act), @r"
    ⏭ Skipped `1.2` The database is ready: No database here. Skipped with it: `1.2.2`; asked once more to sign: **QA Lead** and **Tech Lead**.
    **QA Lead** has not signed, asked <t:1795221600:R> · **Tech Lead** has not signed, asked <t:1795221600:R>.
    ");
    let act = stage.does(STARTER, Command::Untick { item: item("1.2.2") });
    insta::assert_snapshot!(said(&stage, &act), @r"
    ↩️ No longer skipped: `1.2.2` A backup was taken. Open again with it: `1.2`; not asked to sign for now: **QA Lead** and **Tech Lead**.
    Next: `1.2.2` A backup was taken
    ");
    insta::assert_snapshot!(shown(&changed(None, &stage.deployment, &[])), @r"
    Nothing had to change.
    Next: `1.2.2` A backup was taken
    ");
}

#[test]
fn every_other_deed_has_its_answer() {
    let mut stage = Stage::staging();
    let mut answers = Vec::new();
    let text = Remark::parse("Friday, careful").expect("a remark");
    for command in [
        Command::Block {
            item: item("1.2.2"),
            reason: reason("The volume is full"),
        },
        Command::Unblock {
            item: item("1.2.2"),
            reason: None,
        },
        Command::Assign {
            item: item("1.2.2"),
            to: Some(DEPUTY),
        },
        Command::Assign {
            item: item("1.2.2"),
            to: None,
        },
        Command::Note { item: None, text },
    ] {
        let act = stage.does(STARTER, command);
        answers.push(said(&stage, &act));
    }
    stage = Stage::asked();
    for (who, command) in [
        (
            TECH_LEAD,
            Command::Approve {
                role: role("tech-lead"),
            },
        ),
        (
            QA,
            Command::Reject {
                role: role("qa-lead"),
                reason: None,
            },
        ),
        (
            QA,
            Command::Withdraw {
                role: role("qa-lead"),
            },
        ),
        (
            QA,
            Command::Approve {
                role: role("qa-lead"),
            },
        ),
        (
            SECOND_QA,
            Command::Approve {
                role: role("qa-lead"),
            },
        ),
        (TECH_LEAD, Command::Go),
        (STARTER, Command::Tick { item: item("3.1") }),
        (STARTER, Command::Tick { item: item("3.2") }),
        (
            TECH_LEAD,
            Command::Finish {
                outcome: Outcome::Complete,
                reason: None,
            },
        ),
    ] {
        let act = stage.does(who, command);
        answers.push(said(&stage, &act));
    }
    insta::assert_snapshot!(answers.join("\n\n"), @r"
    ⛔ Blocked `1.2.2` A backup was taken: The volume is full.
    Next: `1.2.1` Migrations can be undone

    ▶️ Unblocked `1.2.2` A backup was taken.
    Next: `1.2.1` Migrations can be undone

    👤 Gave `1.2.2` A backup was taken to <@5>.
    Next: `1.2.1` Migrations can be undone

    👤 Took `1.2.2` A backup was taken from whoever had it.
    Next: `1.2.1` Migrations can be undone

    📝 Noted: Friday, careful.
    Next: `1.2.1` Migrations can be undone

    ✅ Approved as **Tech Lead** (owner). Ticked with it: `2.1`.
    **QA Lead** has not signed, asked <t:1795221600:R>.

    ❌ Rejected as **QA Lead**.
    <@3> rejected as **QA Lead** <t:1795221600:R>, and has not said why.

    ↩️ Took the answer as **QA Lead** back.
    **QA Lead** has not signed, asked <t:1795221600:R>.

    ✅ Approved as **QA Lead** (owner).
    **QA Lead** has not signed (1 of 2), asked <t:1795221600:R>.

    ✅ Approved as **QA Lead** (owner). Ticked with it: `2.2`.
    Everything that GO waits for is done: `/deploy go`

    🚀 Decided **GO**. Ticked with it: `2.3`.
    Next: `3.1` Deploy the build

    ✅ Ticked `3.1` Deploy the build · 1/2 in Deployment.
    Next: `3.2` Watch the errors for an hour

    ✅ Ticked `3.2` Watch the errors for an hour · 2/2 in Deployment.
    Everything is done: `/deploy finish` ends it.

    🏁 Ended it: **complete**.
    It is over; `/deploy report` has the checklist filled in.
    ");
}

#[test]
fn refusals_and_faults_say_what_to_do() {
    let mut stage = Stage::staging();
    let held = stage.is_refused(STARTER, Command::Tick { item: item("3.1") });
    insta::assert_snapshot!(shown(&refused(&held)), @"`3.1` is held: “Deployment” does not begin until `1.1` is done, `1.2.1` is done, `1.2.2` is done, `1.3` is done, `2.1` is done and 7 more.");
    insta::assert_snapshot!(shown(&answer::fault("a1b2c3d4")), @"Something broke on Holdpoint's side, and nothing was changed. Try again in a minute; if it stays, give whoever runs Holdpoint this reference: `a1b2c3d4`");
    insta::assert_snapshot!(shown(&answer::unknown_press()), @"This belongs to an older Holdpoint and does nothing any more. `/deploy status` shows what does.");
}

#[test]
fn help_names_every_topic() {
    for topic in Topic::ALL {
        let message = help(topic);
        assert_eq!(message.broken_limits(), Vec::<String>::new());
        assert_eq!(Topic::of(topic.value()), Some(topic));
    }
    insta::assert_snapshot!(shown(&help(Topic::default())), @r"
    ┌ Blue · First steps
    │ Holdpoint takes a deployment checklist through a release and holds the release until the right people have signed.
    │ 
    │ 1\. `/deploy start` picks a checklist, a version and an environment, and opens a thread with the **board**.
    │ 2\. In the thread, `/deploy check` runs what a machine can check and ticks what passes.
    │ 3\. `/deploy tick` ticks the rest; it offers the open items as you type. The board's buttons and menus do the same.
    │ 4\. When a role's part is ready, its owner gets a card: ✅ approves, ❌ rejects.
    │ 5\. `/deploy go` releases, `/deploy no-go` holds. `/deploy finish` ends it and posts the report.
    │ 
    │ Lost? `/deploy status` shows where things stand and what is next.
    └ More: /deploy help with a topic
    ");
    insta::assert_snapshot!(shown(&help(Topic::Commands)), @"
    ┌ Blue · All commands
    │ **See**
    │ `/deploy status` the board, and what is next
    │ `/deploy log` what happened, newest first
    │ `/deploy list` deployments of this server
    │ `/deploy report` the checklist, filled in
    │ 
    │ **Work**
    │ `/deploy start` begin a deployment
    │ `/deploy check` run the checks
    │ `/deploy tick` · `/deploy untick` an item is done, or not after all
    │ `/deploy skip` close an item without doing it, with a reason
    │ `/deploy block` · `/deploy unblock` an item cannot go on, or can again
    │ `/deploy fill` fill a blank in
    │ `/deploy assign` give an item to somebody
    │ `/deploy note` write something down
    │ 
    │ **Sign and decide**
    │ `/deploy signoff` see the sign-offs, or ask for one
    │ `/deploy ack` · `/deploy snooze` you have seen a request; its pings pause
    │ `/deploy go` · `/deploy no-go` the decision
    │ `/deploy finish` end it, complete or failed
    │ 
    │ **Set up**
    │ `/checklist list` · `/checklist show` what can be started
    │ `/checklist lint` · `/checklist export` what is wrong with one, and its file
    │ `/checklist import` · `/checklist remove` bring your own, or take it away
    │ `/owner list` · `/owner set` · `/owner clear` who signs for which role
    └ More: /deploy help with a topic
    ");
}

#[test]
fn lists_say_what_there_is() {
    let row = |id, phase, closed, thread| DeploymentRow {
        id: DeploymentId(id),
        title: "Staging release".to_owned(),
        version: "2.4.1".to_owned(),
        environment: "staging".to_owned(),
        phase,
        closed,
        total: 12,
        thread,
    };
    let rows = [
        row(12, Phase::Preparing, 3, Some(ChannelId(77))),
        row(11, Phase::Held, 9, None),
        row(10, Phase::Finished(Outcome::Complete), 12, Some(ChannelId(75))),
    ];
    insta::assert_snapshot!(shown(&answer::deployments(&rows)), @r"
    ┌ Blue · 3 deployments
    │ 🔵 **#12** Staging release · 2.4.1 → staging · preparing · 3/12 <#77>
    │ ⛔ **#11** Staging release · 2.4.1 → staging · NO-GO · 9/12
    │ ✅ **#10** Staging release · 2.4.1 → staging · complete · 12/12 <#75>
    └
    ");
    insta::assert_snapshot!(shown(&answer::deployments(&[])), @"No deployment here yet. `/deploy start` begins one.");
    let list = |name: &str, error: Option<&str>| ChecklistRow {
        name: name.to_owned(),
        title: "Staging release".to_owned(),
        items: 13,
        checks: 2,
        sign_offs: 2,
        imported: name == "ours",
        error: error.map(str::to_owned),
    };
    let rows = [
        list("staging", None),
        list("ours", None),
        list("old", Some("`chekcs` is not a key; did you mean `checks`?")),
    ];
    insta::assert_snapshot!(shown(&answer::checklists(&rows)), @r"
    ┌ Yellow · 3 checklists
    │ `staging` Staging release · 13 items, 2 checks, 2 sign-offs
    │ `ours` Staging release · 13 items, 2 checks, 2 sign-offs · imported
    │ ⚠️ `old` cannot be started: \`chekcs\` is not a key; did you mean \`checks\`?
    └
    ");
    insta::assert_snapshot!(shown(&answer::checklists(&[])), @"There is no checklist yet. Bring one with `/checklist import`, or have whoever runs Holdpoint put Markdown files into its checklists folder.");
}

#[test]
fn a_checklist_is_shown_with_what_was_found() {
    let stage = Stage::staging();
    insta::assert_snapshot!(shown(&answer::checklist(&stage.deployment.checklist, Provenance::Operator, &[])), @r"
    ┌ Blue · Staging release
    │ `staging` · 13 items, 2 checks, 2 sign-offs, 2 blanks
    │ ✅ Nothing is wrong with it.
    │ 
    │ `1` Pre-deployment · 7
    │ `2` Approval · 3
    │ `3` Deployment · 2
    │ `4` Rollback · 1 (optional)
    │ ✍️ Signed by QA Lead × 2 and Tech Lead
    └ Content 7c43990558d658741ee53009a23ed8a55fe16caa4af7ac43c0cb59f9e656a971
    ");
    let findings = [
        Finding {
            line: 9,
            column: 3,
            severity: "warning",
            message: "Nothing uses this check.".to_owned(),
        },
        Finding {
            line: 4,
            column: 1,
            severity: "error",
            message: "`chekcs` is not a key.".to_owned(),
        },
    ];
    let found = shown(&answer::checklist(
        &stage.deployment.checklist,
        Provenance::Operator,
        &findings,
    ));
    insta::assert_snapshot!(found.lines().take(5).collect::<Vec<_>>().join("\n"), @r"
    ┌ Red · Staging release
    │ `staging` · 13 items, 2 checks, 2 sign-offs, 2 blanks
    │ ❌ It cannot be started: 1 error.
    │ `4:1` error \`chekcs\` is not a key.
    │ `9:3` warning Nothing uses this check.
    ");
}

#[test]
fn owners_are_told_by_role_and_rank() {
    let stage = Stage::staging();
    let asked = BTreeMap::from([
        (role("tech-lead"), "Tech Lead".to_owned()),
        (role("legal"), "Legal Counsel".to_owned()),
    ]);
    insta::assert_snapshot!(shown(&answer::owners(&stage.owners, &asked)), @r"
    ┌ Yellow · 3 roles, 1 held by nobody
    │ ⚠️ `legal` Legal Counsel: nobody
    │ `qa-lead`: owner <@3> and <@4>
    │ `tech-lead` Tech Lead: owner <@2> · deputy <@5>
    └
    ");
    let holder = Holder::Member(DEPUTY);
    let key = role("tech-lead");
    let told: Vec<Message> = vec![
        answer::owner_set(&key, Rank::Deputy, holder),
        answer::owner_cleared(&key, None, Some(holder), 1),
        answer::owner_cleared(&key, Some(Rank::Lead), None, 0),
        answer::owner_cleared(&key, None, None, 3),
    ];
    let told: Vec<_> = told.iter().map(shown).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    <@5> is deputy of `tech-lead` now: asked when no owner answers. `/owner list` shows all.
    <@5> no longer holds `tech-lead`. `/owner list` shows who is left.
    Nobody holds `tech-lead` as lead; nothing was changed.
    3 members or Discord roles no longer hold `tech-lead`. `/owner list` shows who is left.
    ");
}

#[test]
fn forms_keep_within_their_limits() {
    let stage = Stage::staging();
    let long = item(&"12.".repeat(20));
    for form in [
        modal::skip(&stage.deployment, &long),
        modal::block(&stage.deployment, &long),
        modal::note(&stage.deployment, &long),
        modal::explain(&stage.deployment, &role("tech-lead")),
    ] {
        assert!(form.title.chars().count() <= 45, "{}", form.title);
        assert!(form.custom_id.len() <= 100);
        for input in &form.inputs {
            assert!(input.label.chars().count() <= 45 && input.placeholder.chars().count() <= 100);
            assert_eq!(input.max, Reason::LIMIT);
            assert_eq!(input.custom_id, modal::TEXT);
        }
    }
}

#[test]
fn what_is_asked_aside_is_answered() {
    let mut stage = Stage::asked();
    let checklist = &stage.deployment.checklist;
    let finding = Finding {
        line: 4,
        column: 1,
        severity: "error",
        message: "`chekcs` is not a key.".to_owned(),
    };
    let mut told = vec![
        answer::only_in_servers(),
        answer::no_home_here(),
        answer::unknown_command(),
        answer::unknown_section("`Pre-flight`"),
        answer::nothing_to_check(&stage.deployment),
        answer::findings(checklist, &[]),
        answer::findings(checklist, &[finding]),
        answer::exported(checklist, b"# Staging".to_vec()),
        answer::report_so_far(&stage.deployment, Vec::new()),
        answer::old_card(&stage.deployment, &role("tech-lead")),
    ];
    stage.does(STARTER, Command::Untick { item: item("1.2.1") });
    told.push(answer::old_card(&stage.deployment, &role("tech-lead")));
    let told: Vec<_> = told.iter().map(shown).collect();
    insta::assert_snapshot!(told.join("\n\n"), @r"
    Holdpoint works in a server's channels. Use this command there.

    A deployment opens a thread, and none can open here. Use `/deploy start` in a text channel that Holdpoint can see.

    This command is not known to the Holdpoint that runs here. Reload Discord; it learns the commands when it starts.

    There is no section or item `ˋPre-flightˋ`. Pick one from the list that opens as you type.

    No check is meant by this: all of them have passed, or none is bound there. `/deploy check` alone runs them all.

    `staging` is in order: nothing to report.

    `staging`: 1 finding
    4:1 error: \`chekcs\` is not a key.

    `staging` as it is in the catalog now.
    file staging.md (9 bytes)

    Deployment #12 as it stands: 6 of 11 items closed.

    This card is no longer the one that asks **Tech Lead** to sign, so this does not count. A newer card below asks again; answer that one.

    This card is no longer the one that asks **Tech Lead** to sign, so this does not count. `/deploy signoff` shows how the sign-offs stand.
    ");
    let waiting = [DeploymentId(12), DeploymentId(14)];
    insta::assert_snapshot!(
        answer::waiting_for_role(&waiting).trim(),
        @"Waiting for this role: #12 and #14. `/deploy signoff` in the thread asks the new holder."
    );
}

#[test]
fn an_import_says_what_it_may_not_do_and_what_is_next() {
    let stage = Stage::staging();
    let checklist = &stage.deployment.checklist;
    insta::assert_snapshot!(shown(&answer::imported(checklist, Replaced::Nothing, Approved::NotYet, &[])), @"
    📥 `staging` is imported: Staging release · 13 items, 2 checks, 2 sign-offs.
    Its checks reach public addresses only and put no load on them, run no commands, and see no files and no variables where the bot runs, until the operator adds `7c43990558d658741ee53009a23ed8a55fe16caa4af7ac43c0cb59f9e656a971` to `checklists.approved`.
    Next: `/deploy start checklist:staging`
    ");
    let remark = Finding {
        line: 3,
        column: 1,
        severity: "warning",
        message: "A remark.".to_owned(),
    };
    insta::assert_snapshot!(shown(&answer::imported(checklist, Replaced::Another, Approved::Yes, std::slice::from_ref(&remark))), @"
    📥 `staging` is imported: Staging release · 13 items, 2 checks, 2 sign-offs.
    It takes the place of the one that had this name; deployments that run keep to theirs.
    1 remark found: `/checklist lint` shows what.
    Next: `/deploy start checklist:staging`
    ");
    insta::assert_snapshot!(shown(&answer::imported_before(checklist)), @"`staging` is this very file already; nothing had to change.");
    let wrong = Finding {
        severity: "error",
        message: "`chekcs` is not a key; did you mean `checks`?".to_owned(),
        ..remark.clone()
    };
    insta::assert_snapshot!(shown(&answer::not_imported("release `x`.md", &[remark, wrong])), @r"
    ❌ `release ˋxˋ.md` was not imported: it has 1 error. Mend that and import it again.
    `3:1` \`chekcs\` is not a key; did you mean \`checks\`?
    ");
    insta::assert_snapshot!(shown(&answer::removed(checklist)), @"🗑️ `staging` can be started no more; deployments that run keep to it. Importing its file brings it back.");
    let provenance = Provenance::Imported {
        by: STARTER,
        at: stage.deployment.started_at,
        approved: Approved::NotYet,
    };
    insta::assert_snapshot!(shown(&answer::checklist(checklist, provenance, &[])), @"
    ┌ Blue · Staging release
    │ `staging` · 13 items, 2 checks, 2 sign-offs, 2 blanks
    │ ✅ Nothing is wrong with it.
    │ 📥 Imported by <@1> <t:1795221600:R>. Its checks reach public addresses only and put no load on them, run no commands, and see no files and no variables where the bot runs, until the operator adds `7c43990558d658741ee53009a23ed8a55fe16caa4af7ac43c0cb59f9e656a971` to `checklists.approved`.
    │ 
    │ `1` Pre-deployment · 7
    │ `2` Approval · 3
    │ `3` Deployment · 2
    │ `4` Rollback · 1 (optional)
    │ ✍️ Signed by QA Lead × 2 and Tech Lead
    └ Content 7c43990558d658741ee53009a23ed8a55fe16caa4af7ac43c0cb59f9e656a971
    ");
}
