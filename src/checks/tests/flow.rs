use std::sync::atomic::{AtomicUsize, Ordering};

use insta::assert_snapshot;

use super::server::{Behaviour, Server, nobody, response};
use super::*;
use crate::domain::check::{CombinedProbe, HttpCapture, Retry, Rule};

fn ids(names: &[&str]) -> Vec<CheckId> {
    names.iter().copied().map(CheckId::new).collect()
}

fn named(id: &str, after: &[&str], probe: Probe, pass: Option<&str>) -> Check {
    Check {
        id: CheckId::new(id),
        after: ids(after),
        ..check(probe, pass)
    }
}

fn made_of(id: &str, rule: Rule, members: &[&str], pass: Option<&str>) -> Check {
    let members = ids(members);
    named(id, &[], Probe::Combined(CombinedProbe { rule, members }), pass)
}

/// A server whose path says how it answers: `/200`, `/503`.
async fn by_path() -> Server {
    Server::answering(|request| {
        let status = request.split(['/', ' ']).nth(2).unwrap_or_default();
        Behaviour::Say(response(&format!("{status} So"), "", ""))
    })
    .await
}

/// What became of checks that ran together, in the order of their keys.
async fn together(checks: Vec<Check>) -> String {
    let mut results: Vec<CheckResult> = super::checks()
        .run_all(checks, Arc::new(Variables::new()), CancellationToken::new())
        .collect()
        .await;
    results.sort_by(|one, other| one.check.cmp(&other.check));
    let lines: Vec<String> = results
        .iter()
        .map(|result| format!("{}: {}", result.check, told(result)))
        .collect();
    lines.join("\n")
}

#[tokio::test]
async fn a_check_runs_when_those_it_is_after_have_passed_and_is_skipped_otherwise() {
    let server = by_path().await;
    let http = |path: &str| Probe::Http(get(server.url(path)));
    let checks = vec![
        // Written before what it waits for, it runs behind it.
        named("orders", &["login", "seed"], http("/200"), None),
        named("login", &[], http("/200"), None),
        named("seed", &["login"], http("/200"), None),
        named("down", &[], http("/503"), None),
        named("gone", &[], Probe::Http(get(nobody().await)), None),
        named("behind-down", &["login", "down"], http("/200"), None),
        named("behind-gone", &["gone"], http("/200"), None),
        named("behind-behind", &["behind-down"], http("/200"), None),
        named("alone", &["elsewhere"], http("/200"), None),
    ];
    assert_snapshot!(together(checks).await, @"
    alone: Skipped: waits for elsewhere, which does not run along
    behind-behind: Skipped: waits for behind-down, which was skipped
    behind-down: Skipped: waits for down, which failed
    behind-gone: Skipped: waits for gone, which could not be run
    down: Failed: status is 503, expected 200 to 299
    gone: Error: nothing listens at 127.0.0.1:PORT (connection refused); start the service, or mend the port
    login: Passed: status is 200 and latency is SPAN
    orders: Passed: status is 200 and latency is SPAN
    seed: Passed: status is 200 and latency is SPAN
    ");
    // What was skipped asked nobody.
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn several_checks_are_judged_together() {
    let server = by_path().await;
    let http = |path: &str| Probe::Http(get(server.url(path)));
    let checks = vec![
        made_of("all-good", Rule::All, &["a", "b"], None),
        made_of("all-bad", Rule::All, &["a", "c", "d", "e"], None),
        made_of("any-good", Rule::Any, &["c", "b"], None),
        made_of("any-bad", Rule::Any, &["c", "d"], None),
        made_of(
            "most",
            Rule::All,
            &["a", "b", "c"],
            Some("passed.size() * 100 / total >= 60"),
        ),
        made_of("too-few", Rule::Any, &["a", "c", "d"], Some("passed.size() >= 2")),
        made_of("named", Rule::All, &["a", "c"], Some("!('c' in failed)")),
        made_of("of-others", Rule::All, &["all-good", "any-bad"], None),
        named("a", &[], http("/200"), None),
        named("b", &[], http("/200"), None),
        named("c", &[], http("/500"), None),
        named("d", &[], Probe::Http(get(nobody().await)), None),
        named("e", &["c"], http("/200"), None),
        named("behind", &["any-good"], http("/200"), None),
    ];
    assert_snapshot!(together(checks).await, @r#"
    a: Passed: status is 200 and latency is SPAN
    all-bad: Failed: 1 of 4 passed: c failed; d could not be run; e was skipped
    all-good: Passed: a and b passed
    any-bad: Failed: 0 of 2 passed: c failed; d could not be run
    any-good: Passed: b passed, while c failed
    b: Passed: status is 200 and latency is SPAN
    behind: Passed: status is 200 and latency is SPAN
    c: Failed: status is 500, expected 200 to 299
    d: Error: nothing listens at 127.0.0.1:PORT (connection refused); start the service, or mend the port
    e: Skipped: waits for c, which failed
    most: Passed: (passed.size() * 100) / total is 66
    named: Failed: !('c' in failed) does not hold (failed is ["c"]); 1 of 2 passed: c failed
    of-others: Failed: 1 of 2 passed: any-bad failed
    too-few: Failed: passed.size() is 1, expected at least 2 (passed is ["a"]); a passed, while c failed; d could not be run
    "#);
    let lonely = made_of("lonely", Rule::All, &["a"], None);
    assert_snapshot!(together(vec![lonely]).await, @"lonely: Error: check a has not run, so nothing is known of it; run it along");
}

#[tokio::test]
async fn checks_that_wait_for_one_another_end_and_say_so() {
    let server = by_path().await;
    let http = || Probe::Http(get(server.url("/200")));
    let checks = vec![
        named("a", &["b"], http(), None),
        named("b", &["a"], http(), None),
        named("c", &["b"], http(), None),
        named("free", &[], http(), None),
    ];
    assert_snapshot!(together(checks).await, @"
    a: Error: it waits for itself by way of the checks it needs; mend `after`, `all` or `any`
    b: Error: it waits for itself by way of the checks it needs; mend `after`, `all` or `any`
    c: Error: it waits for itself by way of the checks it needs; mend `after`, `all` or `any`
    free: Passed: status is 200 and latency is SPAN
    ");
}

#[tokio::test]
async fn what_is_captured_is_handed_to_the_checks_after_it() {
    const TOKEN: &str = "handed-on-canary";
    let server = Server::answering(|request| {
        Behaviour::Say(if request.starts_with("GET /login") {
            response("200 OK", "", &format!(r#"{{"token":"{TOKEN}","shop":200}}"#))
        } else if request.contains(TOKEN) && request.contains("2.4.1") {
            response("200 OK", "", request)
        } else {
            response("403 Forbidden", "", request)
        })
    })
    .await;
    let captured = |name: &str, value: &str| HttpCapture {
        name: name.to_owned(),
        value: Condition {
            text: value.to_owned(),
            line: 1,
            column: 1,
        },
    };
    // The second is too short to be kept secret: without it, `status is 200` could be told no more.
    let login = HttpProbe {
        capture: vec![captured("token", "json.token"), captured("shop", "json.shop")],
        ..get(server.url("/login"))
    };
    let build = CommandProbe {
        capture: Some(r"version (?<version>[\d.]+)(?<rest> .*)?".to_owned()),
        ..shell("echo version 2.4.1")
    };
    let orders = get(server.url("/{{ build.version }}?token={{ login.token }}&shop={{ login.shop }}"));
    let checks = vec![
        named("login", &[], Probe::Http(login), None),
        named("build", &[], Probe::Command(build), None),
        named("ready", &["login", "build"], Probe::Command(shell("true")), None),
        // It comes after both by way of another.
        named(
            "orders",
            &["ready"],
            Probe::Http(orders),
            Some(r#"status == 200 && url.contains("/2.4.1?")"#),
        ),
        named(
            "rest",
            &["build"],
            Probe::Http(get(server.url("/{{ build.rest }}"))),
            None,
        ),
    ];
    let told = together(checks).await;
    assert!(!told.contains("canary"), "{told}");
    assert_snapshot!(told, @r#"
    build: Passed: sh ended with exit code 0 after SPAN
    login: Passed: status is 200 and latency is SPAN
    orders: Passed: status is 200 and url contains "/2.4.1?"
    ready: Passed: sh ended with exit code 0 after SPAN
    rest: Error: check build has captured nothing as rest in this run; look at its `capture` and at what it saw
    "#);
}

#[tokio::test]
async fn a_check_is_tried_again_until_it_passes() {
    let server = |failures: usize| async move {
        let asked = AtomicUsize::new(0);
        Server::answering(move |_| {
            let status = if asked.fetch_add(1, Ordering::SeqCst) < failures {
                "503 Service Unavailable"
            } else {
                "200 OK"
            };
            Behaviour::Say(response(status, "", ""))
        })
        .await
    };
    let mut table = Vec::new();
    for failures in [0, 2, 9] {
        let server = server(failures).await;
        let result = run(&Check {
            retry: Some(Retry {
                times: 3,
                wait: Duration::from_millis(1),
            }),
            ..check(Probe::Http(get(server.url("/"))), None)
        })
        .await;
        table.push(format!(
            "{failures} failures, {} requests: {} {:?}",
            server.requests().len(),
            told(&result),
            result.observed.get("tries")
        ));
    }
    assert_snapshot!(table.join("\n"), @"
    0 failures, 1 requests: Passed: status is 200 and latency is SPAN None
    2 failures, 3 requests: Passed: status is 200 and latency is SPAN (at try 3) Some(Number(3))
    9 failures, 4 requests: Failed: status is 503, expected 200 to 299 (after 4 tries) Some(Number(4))
    ");
}

#[test]
fn what_is_needed_stands_before_what_needs_it() {
    let none = || Probe::Command(shell("true"));
    let checks: BTreeMap<CheckId, Check> = [
        named("login", &[], none(), None),
        named("seed", &["login"], none(), None),
        named("orders", &["seed", "login"], none(), None),
        named("other", &[], none(), None),
        made_of("ready", Rule::All, &["orders", "other"], None),
    ]
    .into_iter()
    .map(|check| (check.id.clone(), check))
    .collect();
    let order = |wanted: &[&str]| -> Vec<String> {
        Checks::with_needed(ids(wanted), &checks)
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert_eq!(order(&["ready"]), ["login", "seed", "orders", "other", "ready"]);
    assert_eq!(order(&["other", "seed", "nothing"]), ["other", "login", "seed"]);
    let joined = Checks::with_needed_beside(ids(&["ready"]), &checks, |id| id.as_str() == "orders");
    assert_eq!(joined, ids(&["orders", "other", "ready"]));
}

#[test]
fn captures_of_other_checks_are_looked_for_when_the_checklist_is_loaded() {
    let capture = r"(?<version>\d+)".to_owned();
    let build = CommandProbe {
        capture: Some(capture),
        ..shell("make")
    };
    let asks = |id: &str, after: &[&str], path: &str| {
        named(
            id,
            after,
            Probe::Http(get(format!("https://app.example/{path}"))),
            None,
        )
    };
    let checks: BTreeMap<CheckId, Check> = [
        named("build", &[], Probe::Command(build), None),
        asks("plain", &["build"], ""),
        asks("right", &["plain"], "{{ build.version }}"),
        asks("early", &[], "{{ build.version }}"),
        asks("unknown", &["build"], "{{ biuld.version }}"),
        asks("misspelt", &["build"], "{{ build.versoin }}{{ build.versoin }}"),
        asks("other", &["build"], "{{ build.commit_hash }}"),
        asks("silent", &["plain"], "{{ plain.version }}"),
    ]
    .into_iter()
    .map(|check| (check.id.clone(), check))
    .collect();
    let told: Vec<String> = Checks::problems_between(&checks)
        .iter()
        .map(|problem| format!("{}:{} {}", problem.line, problem.column, problem.message))
        .collect();
    assert_snapshot!(told.join("\n"), @"
    10:1 `{{ build.version }}` is known only when build has run; write `after: build`
    10:1 check build captures no versoin; did you mean version?
    10:1 check build captures no commit_hash; it captures version
    10:1 `{{ plain.version }}` is not there: check plain captures nothing; give it a `capture`
    10:1 `{{ biuld.version }}` names no check; did you mean build?
    ");
    let none: BTreeMap<VariableName, Variable> = BTreeMap::new();
    for check in checks.values() {
        assert_eq!(Checks::problems(check, &none), []);
    }
}
