//! Runs of checks.

use jiff::SignedDuration;

use super::super::answer::changed;
use super::super::board::board;
use super::super::check_table::{Ended, RunShown, run};
use super::super::message::shown::shown;
use super::super::{item_list, log, notice, words};
use super::stage::{Stage, TECH_LEAD, checklist, result, role};
use crate::domain::check::{CheckResult, CheckStatus};
use crate::domain::command::{ActingAs, Command};
use crate::domain::effects::Then;
use crate::domain::event::Outcome;
use crate::domain::ids::{CheckId, DeploymentId};
use crate::domain::refusal::Refusal;
use crate::engine::Stopped;

fn of(stage: &Stage, results: &[CheckResult], ended: Ended, stopped: Option<&Stopped>) -> String {
    let checks: Vec<CheckId> = stage.deployment.checklist.checks.keys().cloned().collect();
    shown(&run(
        &stage.deployment,
        RunShown {
            checks: &checks,
            results,
            ended,
            stopped,
        },
    ))
}

#[test]
fn a_run_shows_its_progress_then_its_table() {
    let mut stage = Stage::staging();
    insta::assert_snapshot!(of(&stage, &[], Ended::No, None), @r"
    Running ▱▱▱▱▱▱▱▱▱▱ 0/2
    Waiting for `health` and `tests`
    ");
    stage.check("health", CheckStatus::Passed, "status was 200");
    let passed = result("health", CheckStatus::Passed, "status was 200", stage.now);
    insta::assert_snapshot!(of(&stage, std::slice::from_ref(&passed), Ended::No, None), @r"
    Running ▰▰▰▰▰▱▱▱▱▱ 1/2 · ✅ 1 passed
    Waiting for `tests`
    ┌ Yellow · Checks · Staging release · 2.4.1 → staging
    │ ✅ `health` ticked `1.1` · 120 ms
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    ");
    stage.check("tests", CheckStatus::Failed, "exit_code was 1, expected 0");
    let failed = result(
        "tests",
        CheckStatus::Failed,
        "exit_code was 1, expected 0",
        stage.now,
    );
    insta::assert_snapshot!(of(&stage, &[passed.clone(), failed], Ended::Yes, None), @r"
    2 checks: ✅ 1 passed · ❌ 1 failed
    ┌ Red · Checks · Staging release · 2.4.1 → staging
    │ ❌ `tests` for `1.3`: exit\_code was 1, expected 0
    │ ✅ `health` ticked `1.1` · 120 ms
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Run failed again] → v1:check-again:12
    ");
    let good = result("tests", CheckStatus::Passed, "exit_code was 0", stage.now);
    stage.check("tests", CheckStatus::Passed, "exit_code was 0");
    insta::assert_snapshot!(of(&stage, &[passed, good], Ended::Yes, None), @"
    ✅ All 2 checks passed.
    ┌ Green · Checks · Staging release · 2.4.1 → staging
    │ ✅ `health` ticked `1.1` · 120 ms
    │ ✅ `tests` ticked `1.3` · 120 ms 🟥🟩
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    ");
}

const SUSTAINED: &str = r#"---
title: Sustained
checks:
  gate: { http: { url: "https://shop.example.com/" }, for: 1h, every: 1m, failures: 2 }
  health: { http: { url: "https://shop.example.com/health" } }
  errors: { http: { url: "https://shop.example.com/errors" }, every: 1m, watch: true }
gates:
  After: { needs: [go] }
---
# Sustained
- [ ] Answers for an hour <!-- check: gate -->
- [ ] Is healthy <!-- check: health -->
- [ ] Decision <!-- decision -->
## After
- [ ] Errors stay low <!-- check: errors -->
"#;

/// The latest observation of the series under way, made when it is due, or later.
fn observed(stage: &mut Stage, check: &str, status: CheckStatus, late_minutes: i64) -> CheckResult {
    let check = CheckId::new(check);
    let timer = stage
        .deployment
        .observation_timer(&check)
        .expect("it is observed");
    let Then::Observe { series, number, .. } = timer.then else {
        panic!("it is an observation")
    };
    stage.now = timer.due;
    stage.later(late_minutes);
    let result = result(check.as_str(), status, "status was 200", stage.now);
    let command = Command::RecordObservation {
        result: result.clone(),
        series,
        number,
    };
    stage.act(&ActingAs::CheckRunner, command).expect("it is due");
    result
}

#[test]
fn a_check_that_is_observed_shows_how_far_it_is() {
    let mut stage = Stage::of(checklist("sustained", SUSTAINED.as_bytes()));
    stage.check("gate", CheckStatus::Passed, "status was 200");
    let first = result("gate", CheckStatus::Passed, "status was 200", stage.now);
    insta::assert_snapshot!(of(&stage, std::slice::from_ref(&first), Ended::No, None), @"
    Running ▰▰▰▱▱▱▱▱▱▱ 1/3 · 🔎 1 observed on
    Waiting for `errors` and `health`
    ┌ Yellow · Checks · Sustained · 2.4.1 → staging
    │ 🔎 `gate`: 1 of 61 observations, all passed, until <t:1795225200:t>
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    ");
    let mut last = first;
    for _ in 0..11 {
        last = observed(&mut stage, "gate", CheckStatus::Passed, 0);
    }
    stage.check("health", CheckStatus::Failed, "status was 503");
    let health = result("health", CheckStatus::Failed, "status was 503", stage.now);
    stage.check("errors", CheckStatus::Passed, "status was 200");
    let errors = result("errors", CheckStatus::Passed, "status was 200", stage.now);
    insta::assert_snapshot!(of(&stage, &[last, health, errors], Ended::Yes, None), @"
    3 checks: ✅ 1 passed · ❌ 1 failed · 🔎 1 observed on
    ┌ Red · Checks · Sustained · 2.4.1 → staging
    │ ❌ `health` for `2`: status was 503
    │ 🔎 `gate`: 12 of 61 observations, all passed, until <t:1795225200:t> 🟩🟩🟩🟩🟩🟩🟩🟩🟩🟩🟩🟩
    │ ✅ `errors` (1 item waits for more) · 120 ms
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Run failed again] → v1:check-again:12
    ");
    insta::assert_snapshot!(shown(&board(&stage.deployment, &stage.owners, stage.now)), @"
    ┌ Blue · Sustained · 2.4.1 → staging
    │ 🔵 **Preparing**, started <t:1795221600:R>
    │ ▱▱▱▱▱▱▱▱▱▱ **0/4**
    │ 
    │ ▱▱▱▱▱ 0/3 Sustained
    │ ▱▱▱▱▱ 0/1 After
    │ 
    │ **Observed:**
    │ 🔎 `gate`: 12 of 61 observations, all passed, until <t:1795225200:t> 🟩🟩🟩🟩🟩🟩🟩🟩🟩🟩🟩🟩
    │ 
    │ **Holding the release:**
    │ • 1 check has not passed: `health`
    │ • 2 items are open in Sustained
    │ 
    │ **Next:** `/deploy check` (1 check to pass)
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Check] → v1:check:12  [Log] → v1:log:12:0
    ▾ Look at a section → v1:sections:12:0
        - = All items (4 items)
        4 = 4 After (0/1 done)
    ");
    insta::assert_snapshot!(shown(&item_list::item(&stage.deployment, 0)), @"
    ┌ Blue · ☐ 1
    │ **Answers for an hour**
    │ Sustained
    │ 
    │ Open
    │ ◽ Check `gate` is not decided yet
    │ 🔎 12 of 61 observations, all passed, until <t:1795225200:t>
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Skip…] → v1:skip:12:1  [Block…] → v1:block:12:1  [Note…] → v1:note:12:1
    ");
    let late = observed(&mut stage, "gate", CheckStatus::Passed, 10);
    insta::assert_snapshot!(of(&stage, &[late], Ended::Yes, None), @"
    3 checks: ◽ 2 did not run · 🔎 1 observed on
    ┌ Yellow · Checks · Sustained · 2.4.1 → staging
    │ 🔎 `gate`: 13 of 61 observations, all passed, until <t:1795225800:t>, 10 min later as nobody looked meanwhile 🟩🟩🟩🟩🟩🟩🟩🟩🟩🟩🟩🟩🟩
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Run failed again] → v1:check-again:12
    ");
    let bad = observed(&mut stage, "gate", CheckStatus::Failed, 0);
    insta::assert_snapshot!(of(&stage, &[bad], Ended::Yes, None), @"
    3 checks: ◽ 2 did not run · 🔎 1 observed on
    ┌ Yellow · Checks · Sustained · 2.4.1 → staging
    │ 🔎 `gate`: 0 of 61 observations; the last did not pass, and 2 in a row fail it 🟩🟩🟩🟩🟩🟩🟩🟩🟩🟩🟩🟩🟩🟥
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Run failed again] → v1:check-again:12
    ");
    let worse = observed(&mut stage, "gate", CheckStatus::Error, 0);
    insta::assert_snapshot!(of(&stage, &[worse], Ended::Yes, None), @"
    3 checks: ⚠️ 1 could not be run · ◽ 2 did not run
    ┌ Yellow · Checks · Sustained · 2.4.1 → staging
    │ ⚠️ `gate` for `1`: status was 200 🟩🟩🟩🟩🟩🟩🟩🟩🟩🟩🟩🟩🟩🟥🟨
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Run failed again] → v1:check-again:12
    ");
    insta::assert_snapshot!(shown(&log::page(&stage.deployment, &stage.events, 0)), @"
    ┌ Grey · Log · Sustained · 2.4.1 → staging
    │ <t:1795221600:f> to <t:1795223040:f>
    │ <t:1795223040:t> ⚠️ check `gate` could not be run: 2 observations in a row did not pass: status was 200
    │ <t:1795223040:t> 🟨 observation 15 of check `gate` did not pass: status was 200
    │ <t:1795222980:t> 🟥 observation 14 of check `gate` did not pass: status was 200
    │ <t:1795222260:t> ✅ check `errors` passed
    │ <t:1795222260:t> 🟩 observation 1 of check `errors` passed
    │ <t:1795222260:t> ❌ check `health` failed: status was 503
    │ <t:1795221600:t> 🟩 observation 1 of check `gate` passed
    │ <t:1795221600:t> ▶️ <@1> started 2.4.1 → staging
    └ Page 1 of 1 · 8 events · 12 passed observations left out · Deployment #12 · started 2026-11-21 00:40 UTC
    ");
}

#[test]
fn a_check_that_turns_after_go_is_told_to_who_answers_for_the_release() {
    let mut stage = Stage::of(checklist("sustained", SUSTAINED.as_bytes()));
    stage.check("gate", CheckStatus::Passed, "status was 200");
    for _ in 0..60 {
        observed(&mut stage, "gate", CheckStatus::Passed, 0);
    }
    stage.check("health", CheckStatus::Passed, "status was 200");
    stage.does(TECH_LEAD, Command::Go);
    observed(&mut stage, "errors", CheckStatus::Passed, 0);
    insta::assert_snapshot!(shown(&board(&stage.deployment, &stage.owners, stage.now)), @"
    ┌ Blue · Sustained · 2.4.1 → staging
    │ 🚀 **GO** by <@2> <t:1795225200:R>
    │ ▰▰▰▰▰▰▰▰▰▰ **4/4**
    │ 
    │ ▰▰▰▰▰ 3/3 ✓ Sustained
    │ ▰▰▰▰▰ 1/1 ✓ After
    │ 
    │ **Observed:**
    │ 👁 `errors` is watched, every 1 min
    │ 
    │ **Next:** everything is done; `/deploy finish` ends it
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Check] → v1:check:12  [Log] → v1:log:12:0
    ▾ Look at a section → v1:sections:12:0
        - = All items (4 items)
        4 = 4 After (1/1 done)
    ");
    observed(&mut stage, "errors", CheckStatus::Failed, 0);
    let errors = CheckId::new("errors");
    insta::assert_snapshot!(shown(&notice::watch_turned(&stage.deployment, &errors, &stage.owners)), @"
    <@1> <@2> check `errors` no longer passes for Sustained · 2.4.1 → staging: status was 200.
    🟩🟥
    It is observed every 1 min until the deployment ends.
    The owners are pinged at <t:1795227060:t> unless it passes.
    `/deploy ack` pauses the pings, `/deploy no-go` holds the release, `/deploy check` looks again now.
    pings <@1> <@2>
    ");
    insta::assert_snapshot!(shown(&board(&stage.deployment, &stage.owners, stage.now)), @"
    ┌ Blue · Sustained · 2.4.1 → staging
    │ 🚀 **GO** by <@2> <t:1795225200:R>
    │ ▰▰▰▰▰▰▰▱▱▱ **3/4**
    │ 
    │ ▰▰▰▰▰ 3/3 ✓ Sustained
    │ ▱▱▱▱▱ 0/1 After
    │ 
    │ **Observed:**
    │ 🚨 `errors` does not pass, since <t:1795225260:t> 🟩🟥 · 🔔 owners at <t:1795227060:t>
    │ 
    │ **Before it can end:**
    │ • `4.1` Errors stay low is open
    │ 
    │ **Next:** `/deploy check` (1 check to pass)
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Check] → v1:check:12  [Log] → v1:log:12:0
    ▾ Look at a section → v1:sections:12:0
        - = All items (4 items)
        4 = 4 After (0/1 done)
    ");
    // Nobody is a deputy, and the bot was away.
    for ping in 1..=2 {
        let due = stage.deployment.watch_timer(&errors).expect("a ping is due").due;
        stage.now = due;
        let check = errors.clone();
        stage
            .act(&ActingAs::Timer, Command::WatchPingDue { check, ping, due })
            .expect("it is due");
        let now = due + SignedDuration::from_mins(i64::from(ping - 1) * 90);
        let message = notice::watch_ping(&stage.deployment, &errors, ping, due, now, &stage.owners);
        if ping == 1 {
            insta::assert_snapshot!(shown(&message), @"
            <@1> <@2> check `errors` has not passed since <t:1795225260:t> for Sustained · 2.4.1 → staging: status was 200.
            🟩🟥
            No role has owners, so this goes to those who answer for the release.
            It ends when the check passes; `/deploy ack` pauses it, `/deploy no-go` holds the release.
            The deputies are pinged at <t:1795228860:t> unless it passes.
            pings <@1> <@2>
            ");
        } else {
            insta::assert_snapshot!(shown(&message), @"
            <@1> <@2> check `errors` has not passed since <t:1795225260:t> for Sustained · 2.4.1 → staging: status was 200.
            🟩🟥
            No role has deputies, so this goes to those who answer for the release.
            This ping was due <t:1795228860:t> and comes 1 h 30 min late.
            It ends when the check passes; `/deploy ack` pauses it, `/deploy no-go` holds the release.
            The leads are pinged at <t:1795230660:t> unless it passes.
            pings <@1> <@2>
            ");
        }
    }
    let snooze = std::time::Duration::from_mins(45);
    let act = stage.does(TECH_LEAD, Command::Acknowledge { role: None, snooze });
    insta::assert_snapshot!(shown(&changed(act.before.as_ref(), &stage.deployment, &act.events)), @"
    👀 Has seen that check `errors` does not pass; pings wait until <t:1795231560:t>.
    Next: `/deploy check`, as 1 check has not passed.
    ");
    insta::assert_snapshot!(shown(&board(&stage.deployment, &stage.owners, stage.now)).lines().find(|line| line.contains("🚨")).unwrap_or_default(), @"│ 🚨 `errors` does not pass, since <t:1795225260:t> 🟩🟥 · 👀 <@2> · 🔔 leads at <t:1795231560:t>");
    observed(&mut stage, "errors", CheckStatus::Passed, 10_000);
    insta::assert_snapshot!(shown(&notice::watch_recovered(&stage.deployment, &errors, &stage.owners)), @"
    <@1> <@2> check `errors` passes again for Sustained · 2.4.1 → staging. It is observed on until the deployment ends.
    pings <@1> <@2>
    ");
}

#[test]
fn a_watch_that_turned_pings_who_holds_a_role() {
    let text = "---\nchecks:\n  errors: { command: { run: [make] }, every: 1m, watch: true }\nsign-offs:\n  tech-lead: { role: Tech Lead }\ngates:\n  After: { needs: [go] }\n---\n# Watched\n- [ ] Tech Lead <!-- sign-off: tech-lead -->\n## After\n- [ ] Few errors <!-- check: errors -->\n";
    let mut stage = Stage::of(checklist("watched", text.as_bytes()));
    stage.does(
        TECH_LEAD,
        Command::Approve {
            role: role("tech-lead"),
        },
    );
    stage.does(TECH_LEAD, Command::Go);
    observed(&mut stage, "errors", CheckStatus::Failed, 0);
    let errors = CheckId::new("errors");
    let whom: Vec<_> = (1..=3)
        .map(|ping| {
            let due = stage.now;
            let message = notice::watch_ping(&stage.deployment, &errors, ping, due, due, &stage.owners);
            shown(&message).lines().last().unwrap_or_default().to_owned()
        })
        .collect();
    insta::assert_snapshot!(whom.join("\n"), @"
    pings <@2>
    pings <@5>
    pings <@1> <@2>
    ");
}

#[test]
fn sixty_checks_that_are_observed_fit_the_table_and_the_board() {
    let front: String = (0..60)
        .map(|n| format!("  check-with-a-rather-long-name-{n}: {{ command: {{ run: [make] }}, for: 1h, every: 1m, failures: 9 }}\n"))
        .collect::<Vec<_>>()
        .concat();
    let items: String = (0..60)
        .map(|n| format!("- [ ] It works <!-- check: check-with-a-rather-long-name-{n} -->\n"))
        .collect::<Vec<_>>()
        .concat();
    let text = format!("---\nchecks:\n{front}---\n# Many\n{items}");
    let mut stage = Stage::of(checklist("many", text.as_bytes()));
    let keys: Vec<CheckId> = stage.deployment.checklist.checks.keys().cloned().collect();
    let mut results = Vec::new();
    for key in &keys {
        stage.check(key.as_str(), CheckStatus::Passed, "it works");
        for _ in 0..20 {
            observed(&mut stage, key.as_str(), CheckStatus::Passed, 100);
        }
        results.push(observed(&mut stage, key.as_str(), CheckStatus::Failed, 0));
    }
    let table = run(
        &stage.deployment,
        RunShown {
            checks: &keys,
            results: &results,
            ended: Ended::Yes,
            stopped: None,
        },
    );
    let board = board(&stage.deployment, &stage.owners, stage.now);
    for message in [&table, &board] {
        assert_eq!(message.broken_limits(), Vec::<String>::new());
    }
    let rows = table.embed.expect("there is a table").description;
    let named = rows.lines().filter(|line| line.contains("of 61")).count();
    assert!(
        rows.ends_with(&format!("… and {} observed on", 60 - named)),
        "{rows}"
    );
    let observed = board.embed.expect("a board has a frame").description;
    assert!(observed.contains("… and 55 more checks"), "{observed}");
}

#[test]
fn what_failed_stands_before_what_waits_for_it_and_the_gravest_first() {
    let text = "---\nchecks:\n  login: { command: { run: [a] }, severity: critical }\n  docs: { command: { run: [a] }, severity: low }\n  \
                orders: { command: { run: [a] }, after: login }\n  home: { command: { run: [a] } }\n---\n# Shop\n\
                - [ ] Documents <!-- check: docs -->\n- [ ] Home <!-- check: home -->\n- [ ] Orders <!-- check: orders -->\n\
                - [ ] Login <!-- check: login -->\n";
    let mut stage = Stage::of(checklist("shop", text.as_bytes()));
    let mut results = Vec::new();
    for (check, status, why) in [
        ("docs", CheckStatus::Failed, "exit_code is 1, expected 0"),
        ("home", CheckStatus::Failed, "exit_code is 1, expected 0"),
        ("orders", CheckStatus::Skipped, "waits for login, which failed"),
        ("login", CheckStatus::Failed, "exit_code is 1, expected 0"),
    ] {
        stage.check(check, status, why);
        results.push(result(check, status, why, stage.now));
    }
    insta::assert_snapshot!(of(&stage, &results, Ended::Yes, None), @r"
    4 checks: ❌ 3 failed · ⏭️ 1 skipped
    ┌ Red · Checks · Shop · 2.4.1 → staging
    │ ❌ `login` (critical) for `4`: exit\_code is 1, expected 0
    │ ❌ `home` for `2`: exit\_code is 1, expected 0
    │ ❌ `docs` (low) for `1`: exit\_code is 1, expected 0
    │ ⏭️ `orders` for `3`: waits for login, which failed
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Run failed again] → v1:check-again:12
    ");
}

#[test]
fn a_run_that_stopped_says_why() {
    let stage = Stage::staging();
    let over = Stopped::Refused(Refusal::Finished {
        deployment: DeploymentId(12),
        outcome: Outcome::Failed,
    });
    let error = result(
        "health",
        CheckStatus::Error,
        "the address may not be probed",
        stage.now,
    );
    insta::assert_snapshot!(of(&stage, &[error], Ended::Yes, Some(&over)), @r"
    2 checks: ⚠️ 1 could not be run · ◽ 1 did not run
    ⚠️ The run stopped early: Deployment #12 has ended: failed. Only notes can be added. `/deploy report` shows it, `/deploy start` begins another.
    ┌ Yellow · Checks · Staging release · 2.4.1 → staging
    │ ⚠️ `health` for `1.1`: the address may not be probed
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Run failed again] → v1:check-again:12
    ");
}

#[test]
fn what_broke_inside_is_not_for_everybody() {
    let stage = Stage::staging();
    insta::assert_snapshot!(of(&stage, &[], Ended::Yes, Some(&Stopped::Broken)), @r"
    2 checks: ◽ 2 did not run
    ⚠️ The run stopped early: something broke on Holdpoint's side. Run it again; if it stays, whoever runs Holdpoint finds why in its log.
    [Run failed again] → v1:check-again:12
    ");
    insta::assert_snapshot!(of(&stage, &[], Ended::Yes, Some(&Stopped::Stopping)), @r"
    2 checks: ◽ 2 did not run
    ⚠️ The run stopped early: Holdpoint is stopping. Run it again when it is back.
    [Run failed again] → v1:check-again:12
    ");
}

#[test]
fn a_table_of_62_checks_fits_and_counts_what_it_leaves_out() {
    let keys: Vec<String> = (0..62)
        .map(|n| format!("check-with-a-rather-long-name-{n}"))
        .collect();
    let front: String = keys
        .iter()
        .map(|key| format!("  {key}: {{ command: {{ run: [make] }} }}\n"))
        .collect::<Vec<_>>()
        .concat();
    let items: String = keys
        .iter()
        .map(|key| format!("- [ ] It works <!-- check: {key} -->\n"))
        .collect::<Vec<_>>()
        .concat();
    let stage = Stage::of(checklist(
        "many",
        format!("---\nchecks:\n{front}---\n# Many\n{items}").as_bytes(),
    ));
    let ids: Vec<CheckId> = keys.iter().map(CheckId::new).collect();
    for failing in [0, 3, 30, 62] {
        let results: Vec<_> = keys
            .iter()
            .enumerate()
            .map(|(index, key)| {
                let status = if index < failing {
                    CheckStatus::Failed
                } else {
                    CheckStatus::Passed
                };
                result(key, status, &"the answer was *wrong* ".repeat(40), stage.now)
            })
            .collect();
        let shown_run = RunShown {
            checks: &ids,
            results: &results,
            ended: Ended::Yes,
            stopped: None,
        };
        let message = run(&stage.deployment, shown_run);
        assert_eq!(message.broken_limits(), Vec::<String>::new());
        let table = message.embed.expect("there is a table").description;
        let named = |icon: &str| table.lines().filter(|line| line.starts_with(icon)).count();
        let left_out = |word: &str| -> usize {
            table
                .lines()
                .filter(|line| line.ends_with(word) || line.contains(&format!("{word};")))
                .filter_map(|line| line.split(' ').find_map(|word| word.parse::<usize>().ok()))
                .sum()
        };
        assert_eq!(
            named("❌") + left_out("more that did not pass"),
            failing,
            "{table}"
        );
        let counted = table.lines().filter(|line| line.starts_with("✅ …")).count();
        assert_eq!(
            named("✅") - counted + left_out("that passed"),
            62 - failing,
            "{table}"
        );
        assert!(words::length(&table) <= 4096);
    }
}
