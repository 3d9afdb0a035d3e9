//! Runs of checks.

use super::super::check_table::{Ended, RunShown, run};
use super::super::message::shown::shown;
use super::super::words;
use super::stage::{Stage, checklist, result};
use crate::domain::check::{CheckResult, CheckStatus};
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
    insta::assert_snapshot!(of(&stage, &[passed, good], Ended::Yes, None), @r"
    ✅ All 2 checks passed.
    ┌ Green · Checks · Staging release · 2.4.1 → staging
    │ ✅ `health` ticked `1.1` · 120 ms
    │ ✅ `tests` ticked `1.3` · 120 ms
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    ");
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
