use jiff::SignedDuration;
use secrecy::SecretString;

use super::*;
use crate::domain::check::{Inbox, Post, PushProbe};
use crate::domain::checklist::Variable;
use crate::domain::ids::VariableName;

const SECRET: &str = "push-secret-canary-0001";

fn now() -> Timestamp {
    "2026-03-06T09:00:00Z".parse().expect("a time")
}

fn variables() -> Variables {
    Variables::new().with_secret(VariableName::new("ci"), SecretString::from(SECRET))
}

/// A check to which this was posted so many minutes ago.
fn posted(last: Option<(i64, Value)>, pass: Option<&str>) -> Check {
    let last = last.map(|(minutes, json)| Post::new(now() - SignedDuration::from_mins(minutes), json));
    let probe = PushProbe {
        secret: "{{ ci }}".to_owned(),
        within: Duration::from_hours(1),
        inbox: Some(Inbox {
            path: "/hooks/7/it".to_owned(),
            last,
        }),
    };
    check(Probe::Push(probe), pass)
}

async fn looked_at(check: &Check) -> CheckResult {
    checks_at(now(), |_, _| {}).run(check, &variables()).await
}

#[tokio::test]
async fn the_last_post_is_judged_with_its_age() {
    let status = |status: &str| serde_json::json!({ "status": status });
    let covered = || serde_json::json!({ "conclusion": "success", "coverage": 81 });
    let mut table = Vec::new();
    for (last, pass) in [
        (Some((5, status("passed"))), None),
        (Some((5, status("SUCCESS"))), None),
        (Some((5, status("failed"))), None),
        (Some((5, covered())), None),
        (Some((5, serde_json::json!([1]))), None),
        (Some((5, covered())), Some("json.coverage >= 80")),
        (Some((5, covered())), Some("json.coverage >= 90")),
        (Some((5, serde_json::json!({}))), Some("status == 'ok'")),
        (Some((5, covered())), Some("age < duration('3m')")),
        (Some((60, status("passed"))), None),
        (Some((61, status("passed"))), Some("status == 'passed'")),
        (None, None),
    ] {
        let line = format!("{last:?} {pass:?}");
        let result = looked_at(&posted(last, pass)).await;
        let line = line.split_once("Object").map_or(line.as_str(), |(_, rest)| rest);
        table.push(format!("{line}\n  {}\n", told(&result)));
    }
    insta::assert_snapshot!(table.concat(), @r#"
     {"status": String("passed")})) None
      Passed: status is "passed", posted 5 min ago
     {"status": String("SUCCESS")})) None
      Passed: status is "SUCCESS", posted 5 min ago
     {"status": String("failed")})) None
      Failed: status is "failed", posted 5 min ago, expected "passed", "success" or "ok"
     {"conclusion": String("success"), "coverage": Number(81)})) None
      Passed: status is "success", posted 5 min ago
    Some((5, Array [Number(1)])) None
      Failed: what was posted 5 min ago has no `status` and no `conclusion` that is a text; post one, or say under `pass` what must hold
     {"conclusion": String("success"), "coverage": Number(81)})) Some("json.coverage >= 80")
      Passed: json.coverage is 81
     {"conclusion": String("success"), "coverage": Number(81)})) Some("json.coverage >= 90")
      Failed: json.coverage is 81, expected at least 90
     {})) Some("status == 'ok'")
      Failed: the post has no `status` and no `conclusion` that is a text
     {"conclusion": String("success"), "coverage": Number(81)})) Some("age < duration('3m')")
      Failed: age is 5 min, expected less than 3 min
     {"status": String("passed")})) None
      Passed: status is "passed", posted 1 h ago
     {"status": String("passed")})) Some("status == 'passed'")
      Failed: nothing has come within 1 h; the last post came at 2026-03-06T07:59:00Z; POST to /hooks/7/it
    None None
      Failed: nothing has come yet, expected a post within 1 h; POST to /hooks/7/it
    "#);
}

#[tokio::test]
async fn a_result_keeps_what_the_next_run_looks_at_and_no_secret() {
    let body = serde_json::json!({ "status": "failed", "log": format!("token {SECRET}") });
    let result = looked_at(&posted(Some((61, body)), None)).await;
    let kept = Post::of(&result).expect("the post is kept");
    assert_eq!(kept.received, now() - SignedDuration::from_mins(61));
    assert_eq!(kept.status.as_deref(), Some("failed"));
    assert!(kept.json.is_some());
    assert!(!format!("{result:?}").contains("canary"), "{result:?}");

    let long = serde_json::json!({ "status": "passed", "log": "x".repeat(20_000) });
    let first = looked_at(&posted(Some((5, long)), Some("size(json.log) > 9"))).await;
    let mut again = posted(None, Some("size(json.log) > 9"));
    if let Probe::Push(PushProbe {
        inbox: Some(inbox), ..
    }) = &mut again.probe
    {
        inbox.last = Post::of(&first);
    }
    let second = looked_at(&again).await;
    insta::assert_snapshot!(format!("{:?}\n{}", first.status, told(&second)), @"
    Passed
    Failed: the body was too long to be kept after it was judged
    ");
    assert_eq!(Post::received(&second), Post::received(&first));
}

#[tokio::test]
async fn without_a_deployment_it_is_skipped() {
    let mut alone = posted(None, None);
    if let Probe::Push(probe) = &mut alone.probe {
        probe.inbox = None;
    }
    let results: Vec<_> = checks()
        .run_all(vec![alone], Arc::new(variables()), CancellationToken::new())
        .collect()
        .await;
    insta::assert_snapshot!(told(&results[0]), @"Skipped: is posted to a deployment, and there is none here; `/deploy check` looks at what has come");
}

#[test]
fn the_secret_is_a_secret_variable_and_nothing_else() {
    let mut table = Vec::new();
    for secret in [
        "{{ ci }}",
        "{{ shown }}",
        "{{ ci }}x",
        "plain-text-secret",
        "{{ login.token }}",
    ] {
        let probe = PushProbe {
            secret: secret.to_owned(),
            within: Duration::from_hours(1),
            inbox: None,
        };
        let declared = [("ci", true), ("shown", false)].map(|(name, secret)| {
            let variable = Variable {
                secret,
                ..Variable::default()
            };
            (VariableName::new(name), variable)
        });
        let problems = Checks::problems(&check(Probe::Push(probe), None), &declared.into_iter().collect());
        let problems: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
        table.push(format!("{secret}: {}\n", problems.join("; ")));
    }
    insta::assert_snapshot!(table.concat(), @r#"
    {{ ci }}: 
    {{ shown }}: the variable shown is shown to everybody, so nothing can be signed with it; write `secret: true` at it
    {{ ci }}x: `secret` must be one secret variable in braces and nothing else, as in "{{ ci_secret }}"; a secret does not stand in a checklist
    plain-text-secret: `secret` must be one secret variable in braces and nothing else, as in "{{ ci_secret }}"; a secret does not stand in a checklist
    {{ login.token }}: `secret` must be one secret variable in braces and nothing else, as in "{{ ci_secret }}"; a secret does not stand in a checklist
    "#);
}
