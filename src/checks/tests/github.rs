use secrecy::SecretString;
use serde_json::json;

use super::server::{Behaviour, Server, response};
use super::*;
use crate::domain::check::{GithubAlerts, GithubProbe, GithubQuestion};

fn ask(base_url: impl Into<String>, question: GithubQuestion) -> GithubProbe {
    GithubProbe {
        repository: "acme/portal".to_owned(),
        question,
        token: None,
        base_url: base_url.into(),
    }
}

fn checks_of(reference: &str, names: &[&str]) -> GithubQuestion {
    GithubQuestion::Checks {
        reference: reference.to_owned(),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn check_runs(runs: &[(&str, &str, Option<&str>)]) -> String {
    let runs: Vec<Value> = runs
        .iter()
        .map(|(name, status, conclusion)| json!({ "name": name, "status": status, "conclusion": conclusion }))
        .collect();
    json!({ "total_count": runs.len(), "check_runs": runs }).to_string()
}

async fn told_of(probe: GithubProbe, pass: Option<&str>) -> String {
    told(&run(&check(Probe::Github(probe), pass)).await)
}

fn first_line(server: &Server) -> String {
    let requests = server.requests();
    requests[0].lines().next().expect("a request line").to_owned()
}

#[tokio::test]
async fn all_check_runs_must_be_completed_and_good() {
    let good = [
        ("build", "completed", Some("success")),
        ("docs", "completed", Some("skipped")),
        ("lint", "completed", Some("neutral")),
    ];
    let mut table = Vec::new();
    for (title, runs, names) in [
        ("good", good.to_vec(), &[][..]),
        ("none", vec![], &[]),
        ("one", good[..1].to_vec(), &[]),
        (
            "pending",
            [&good[..], &[("e2e", "in_progress", None)]].concat(),
            &[],
        ),
        (
            "failed",
            [
                &good[..],
                &[("e2e", "completed", Some("failure")), ("x", "queued", None)],
            ]
            .concat(),
            &[],
        ),
        (
            "named",
            [&good[..], &[("e2e", "completed", Some("timed_out"))]].concat(),
            &["build", "lint"],
        ),
        ("missing", good.to_vec(), &["build", "release"]),
    ] {
        let server = Server::saying(&check_runs(&runs)).await;
        for pass in [
            None,
            Some("conclusion == 'success' && size(failed) == 0"),
            Some("total >= 3"),
        ] {
            let probe = ask(server.url(""), checks_of("v1.2", names));
            table.push(format!(
                "{title}, pass {}\n  {}",
                pass.unwrap_or("-"),
                told_of(probe, pass).await
            ));
        }
    }
    insta::assert_snapshot!(table.join("\n"), @r#"
    good, pass -
      Passed: all 3 check runs of v1.2 succeeded
    good, pass conclusion == 'success' && size(failed) == 0
      Passed: conclusion is "success" and size(failed) is 0
    good, pass total >= 3
      Passed: total is 3
    none, pass -
      Failed: v1.2 has no check runs, expected at least one
    none, pass conclusion == 'success' && size(failed) == 0
      Failed: v1.2 has no check runs
    none, pass total >= 3
      Failed: total is 0, expected at least 3
    one, pass -
      Passed: the one check run of v1.2 succeeded
    one, pass conclusion == 'success' && size(failed) == 0
      Passed: conclusion is "success" and size(failed) is 0
    one, pass total >= 3
      Failed: total is 1, expected at least 3
    pending, pass -
      Failed: of the check runs of v1.2, e2e is pending
    pending, pass conclusion == 'success' && size(failed) == 0
      Failed: conclusion is "pending", expected "success"
    pending, pass total >= 3
      Passed: total is 4
    failed, pass -
      Failed: of the check runs of v1.2, e2e failed; x is pending
    failed, pass conclusion == 'success' && size(failed) == 0
      Failed: conclusion is "failure", expected "success"
    failed, pass total >= 3
      Passed: total is 5
    named, pass -
      Passed: all 2 check runs of v1.2 succeeded
    named, pass conclusion == 'success' && size(failed) == 0
      Passed: conclusion is "success" and size(failed) is 0
    named, pass total >= 3
      Failed: total is 2, expected at least 3
    missing, pass -
      Failed: of the check runs of v1.2, release is missing
    missing, pass conclusion == 'success' && size(failed) == 0
      Failed: conclusion is "pending", expected "success"
    missing, pass total >= 3
      Failed: total is 1, expected at least 3
    "#);
}

#[tokio::test]
async fn a_request_says_who_asks_and_which_version_is_spoken() {
    let server = Server::saying(&check_runs(&[("build", "completed", Some("success"))])).await;
    let mut probe = ask(server.url("/api/v3/"), checks_of("{{ branch }}", &[]));
    probe.token = Some("{{ token }}".to_owned());
    let variables = Variables::new()
        .with(VariableName::new("branch"), "feature/a b")
        .with_secret(VariableName::new("token"), SecretString::from("ghp_canary"));
    let result = checks().run(&check(Probe::Github(probe), None), &variables).await;
    assert_eq!(result.status, CheckStatus::Passed, "{}", result.why);
    let request = server.requests().remove(0);
    for part in [
        "GET /api/v3/repos/acme/portal/commits/feature%2Fa%20b/check-runs?filter=latest&per_page=100 HTTP",
        "accept: application/vnd.github+json\r\n",
        "x-github-api-version: 2022-11-28\r\n",
        "authorization: Bearer ghp_canary\r\n",
        "user-agent: holdpoint/",
    ] {
        assert!(request.contains(part), "{part} in {request}");
    }
    assert!(!serde_json::to_string(&result).expect("JSON").contains("canary"));
}

#[tokio::test]
async fn the_last_run_of_a_workflow_must_have_succeeded() {
    let last = |status: &str, conclusion: Option<&str>| {
        json!({ "total_count": 9, "workflow_runs": [{
            "status": status, "conclusion": conclusion, "run_number": 41, "head_branch": "main",
            "head_sha": "abc123", "html_url": "https://github.example/run/41", "updated_at": "1969-12-31T23:00:00Z",
        }] })
        .to_string()
    };
    let mut table = Vec::new();
    for (title, body) in [
        ("good", last("completed", Some("success"))),
        ("bad", last("completed", Some("cancelled"))),
        ("going", last("in_progress", None)),
        (
            "none",
            json!({ "total_count": 0, "workflow_runs": [] }).to_string(),
        ),
    ] {
        let server = Server::saying(&body).await;
        for pass in [
            None,
            Some("conclusion == 'success' && age <= duration('1h') && commit.startsWith('abc')"),
        ] {
            let question = GithubQuestion::Workflow {
                file: ".github/workflows/deploy.yml".to_owned(),
                branch: Some("main".to_owned()),
            };
            let told = told_of(ask(server.url("/"), question), pass).await;
            table.push(format!("{title}, pass {}\n  {told}", pass.unwrap_or("-")));
        }
        assert_eq!(
            first_line(&server),
            "GET /repos/acme/portal/actions/workflows/deploy.yml/runs?per_page=1&exclude_pull_requests=true&branch=main HTTP/1.1"
        );
    }
    insta::assert_snapshot!(table.join("\n"), @r#"
    good, pass -
      Passed: run 41 of deploy.yml on main succeeded
    good, pass conclusion == 'success' && age <= duration('1h') && commit.startsWith('abc')
      Passed: conclusion is "success", age is 1 h and commit begins with "abc"
    bad, pass -
      Failed: run 41 of deploy.yml on main ended with cancelled, expected success
    bad, pass conclusion == 'success' && age <= duration('1h') && commit.startsWith('abc')
      Failed: conclusion is "cancelled", expected "success"
    going, pass -
      Failed: run 41 of deploy.yml on main is in progress, expected it to be completed
    going, pass conclusion == 'success' && age <= duration('1h') && commit.startsWith('abc')
      Failed: run 41 of deploy.yml on main has no conclusion yet: it is in_progress
    none, pass -
      Failed: deploy.yml has not run on main, expected a run that succeeded
    none, pass conclusion == 'success' && age <= duration('1h') && commit.startsWith('abc')
      Failed: deploy.yml has not run on main
    "#);
}

#[tokio::test]
async fn a_branch_must_not_be_behind() {
    let mut table = Vec::new();
    for (ahead, behind, status) in [
        (0, 0, "identical"),
        (3, 0, "ahead"),
        (0, 1, "behind"),
        (1, 2, "diverged"),
    ] {
        let body = json!({ "status": status, "ahead_by": ahead, "behind_by": behind });
        let server = Server::saying(&body.to_string()).await;
        for pass in [None, Some("ahead == 0 && behind == 0")] {
            let question = GithubQuestion::Compare {
                base: "main".to_owned(),
                head: "staging".to_owned(),
            };
            table.push(told_of(ask(server.url("/"), question), pass).await);
        }
        assert_eq!(
            first_line(&server),
            "GET /repos/acme/portal/compare/main...staging?per_page=1&page=2 HTTP/1.1"
        );
    }
    insta::assert_snapshot!(table.join("\n"), @"
    Passed: staging and main are the same
    Passed: ahead is 0 and behind is 0
    Passed: staging is 3 commits ahead of main and not behind
    Failed: ahead is 3, expected 0
    Failed: staging is 1 commit behind main, expected none
    Failed: behind is 1, expected 0
    Failed: staging is 2 commits behind main, expected none (and 1 commit ahead)
    Failed: ahead is 1, expected 0
    ");
}

#[tokio::test]
async fn no_grave_alert_may_be_open() {
    let code =
        |level: Option<&str>| json!({ "rule": { "severity": "error", "security_severity_level": level } });
    let dependency = |level: &str| json!({ "security_advisory": { "severity": level } });
    let mut table = Vec::new();
    for (source, alerts) in [
        (GithubAlerts::CodeScanning, json!([])),
        (GithubAlerts::CodeScanning, json!([code(Some("low")), code(None)])),
        (GithubAlerts::CodeScanning, json!([code(Some("critical"))])),
        (
            GithubAlerts::Dependabot,
            json!([dependency("high"), dependency("medium"), dependency("high")]),
        ),
    ] {
        let server = Server::saying(&alerts.to_string()).await;
        for pass in [
            None,
            Some("alerts == 0"),
            Some("critical + high == 0 && unrated < 5"),
        ] {
            let question = GithubQuestion::Alerts {
                source,
                reference: None,
            };
            table.push(told_of(ask(server.url("/"), question), pass).await);
        }
    }
    insta::assert_snapshot!(table.join("\n"), @"
    Passed: code scanning has no open alerts
    Passed: alerts is 0
    Passed: critical + high is 0 and unrated is 0
    Passed: code scanning has 2 open alerts, none critical or high: 1 low and 1 unrated
    Failed: alerts is 2, expected 0
    Passed: critical + high is 0 and unrated is 1
    Failed: code scanning has 1 open alert, expected none critical or high: 1 critical
    Failed: alerts is 1, expected 0
    Failed: critical + high is 1, expected 0 (critical is 1 and high is 0)
    Failed: Dependabot has 3 open alerts, expected none critical or high: 2 high and 1 medium
    Failed: alerts is 3, expected 0
    Failed: critical + high is 2, expected 0 (critical is 0 and high is 2)
    ");
}

/// A server whose lists go on for ever, or as the link says.
async fn endless(link: &'static str) -> Server {
    Server::answering(move |request| {
        let host = request
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .expect("a host");
        let link = link.replace("HOST", host);
        let body = json!([{ "security_advisory": { "severity": "low" } }]).to_string();
        Behaviour::Say(response("200 OK", &format!("link: {link}\r\n"), &body))
    })
    .await
}

#[tokio::test]
async fn a_long_list_is_read_up_to_a_bound_and_never_from_elsewhere() {
    let question = || GithubQuestion::Alerts {
        source: GithubAlerts::Dependabot,
        reference: None,
    };
    let server =
        endless("<http://HOST/first>; rel=\"first\", <http://HOST/more?after=x>; rel=\"next\"").await;
    let own = told_of(ask(server.url("/"), question()), None).await;
    let by_condition = told_of(
        ask(server.url("/"), question()),
        Some("complete && critical == 0"),
    )
    .await;
    assert_eq!(server.requests().len(), 20);
    assert!(server.requests()[1].starts_with("GET /more?after=x "));
    let elsewhere = endless("<http://elsewhere.invalid/>; rel=\"next\"").await;
    let elsewhere = told_of(ask(elsewhere.url("/"), question()), None).await;
    insta::assert_snapshot!(format!("{own}\n{by_condition}\n{elsewhere}"), @"
    Failed: Dependabot has more than the 10 open alerts that were read (10 low), expected none critical or high
    Failed: complete is false, expected true
    Error: 127.0.0.1:PORT sends the reader of a long list on to another server, which is not followed; check `base_url`
    ");
}

#[tokio::test]
async fn what_stands_in_the_way_is_told() {
    let message = |message: &str| json!({ "message": message }).to_string();
    let mut table = Vec::new();
    for (status, headers, body) in [
        ("401 Unauthorized", "", message("Bad credentials")),
        ("404 Not Found", "", message("Not Found")),
        (
            "403 Forbidden",
            "",
            message("Dependabot alerts are disabled for this repository."),
        ),
        (
            "403 Forbidden",
            "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 1767225600\r\n",
            message("API rate limit exceeded"),
        ),
        (
            "429 Too Many Requests",
            "retry-after: 60\r\n",
            message("secondary rate limit"),
        ),
        (
            "422 Unprocessable Entity",
            "",
            message("No commit found for SHA: nope"),
        ),
        (
            "301 Moved Permanently",
            "location: /elsewhere\r\n",
            message("Moved Permanently"),
        ),
        ("502 Bad Gateway", "", String::new()),
        ("418 I'm a teapot", "", String::new()),
        ("200 OK", "", "<html>".to_owned()),
        ("200 OK", "", json!({ "check_runs": 7 }).to_string()),
    ] {
        let server = Server::doing(Behaviour::Say(response(status, headers, &body))).await;
        let mut probe = ask(server.url("/"), checks_of("nope", &[]));
        table.push(format!("{status}\n  {}", told_of(probe.clone(), None).await));
        probe.token = Some("{{ token }}".to_owned());
        let variables =
            Variables::new().with_secret(VariableName::new("token"), SecretString::from("ghp_canary"));
        let result = checks().run(&check(Probe::Github(probe), None), &variables).await;
        table.push(format!("  with a token: {}", told(&result)));
    }
    insta::assert_snapshot!(table.join("\n"), @"
    401 Unauthorized
      Error: 127.0.0.1:PORT does not accept the token (Bad credentials); check that it has not expired
      with a token: Error: 127.0.0.1:PORT does not accept the token (Bad credentials); check that it has not expired
    404 Not Found
      Error: 127.0.0.1:PORT knows no commit nope in acme/portal, or shows it to nobody without a token; mend the names, or give a `token`
      with a token: Error: 127.0.0.1:PORT knows no commit nope in acme/portal, or the token may not see it (Not Found); mend the names, or what the token may read
    403 Forbidden
      Error: 127.0.0.1:PORT does not let this be read (Dependabot alerts are disabled for this repository.); check what the token may read
      with a token: Error: 127.0.0.1:PORT does not let this be read (Dependabot alerts are disabled for this repository.); check what the token may read
    403 Forbidden
      Error: 127.0.0.1:PORT takes no more requests until 2026-01-01 00:00:00 UTC; give a `token`, for which the limit is higher, or check less often
      with a token: Error: 127.0.0.1:PORT takes no more requests until 2026-01-01 00:00:00 UTC; check less often
    429 Too Many Requests
      Error: 127.0.0.1:PORT takes no more requests until 1970-01-01 00:01:00 UTC; give a `token`, for which the limit is higher, or check less often
      with a token: Error: 127.0.0.1:PORT takes no more requests until 1970-01-01 00:01:00 UTC; check less often
    422 Unprocessable Entity
      Error: 127.0.0.1:PORT knows no commit nope in acme/portal (No commit found for SHA: nope); mend the names
      with a token: Error: 127.0.0.1:PORT knows no commit nope in acme/portal (No commit found for SHA: nope); mend the names
    301 Moved Permanently
      Error: acme/portal has moved on GitHub; mend `repository`
      with a token: Error: acme/portal has moved on GitHub; mend `repository`
    502 Bad Gateway
      Error: 127.0.0.1:PORT has trouble of its own (status 502); look at githubstatus.com
      with a token: Error: 127.0.0.1:PORT has trouble of its own (status 502); look at githubstatus.com
    418 I'm a teapot
      Error: 127.0.0.1:PORT answers with status 418
      with a token: Error: 127.0.0.1:PORT answers with status 418
    200 OK
      Error: 127.0.0.1:PORT does not answer as GitHub does; `base_url` must be the base of its API, as https://github.example/api/v3
      with a token: Error: 127.0.0.1:PORT does not answer as GitHub does; `base_url` must be the base of its API, as https://github.example/api/v3
    200 OK
      Error: 127.0.0.1:PORT does not answer as GitHub does; `base_url` must be the base of its API, as https://github.example/api/v3
      with a token: Error: 127.0.0.1:PORT does not answer as GitHub does; `base_url` must be the base of its API, as https://github.example/api/v3
    ");
}

#[test]
fn parameters_and_conditions_are_tried_when_the_checklist_is_loaded() {
    let compare = || GithubQuestion::Compare {
        base: "main".to_owned(),
        head: "staging".to_owned(),
    };
    let mut wrong = ask("api.github.com", compare());
    wrong.repository = "portal".to_owned();
    wrong.token = Some("ghp_written_down".to_owned());
    let right = ask("https://api.github.com", compare());
    let mut table = Vec::new();
    for (probe, pass) in [
        (wrong, "behind == 0"),
        (right.clone(), "failed == []"),
        (right.clone(), "ahead > 0 && behind == 0 && status != 'diverged'"),
        (
            ask("https://api.github.com", checks_of("{{ version }}", &[])),
            "behind == 0",
        ),
    ] {
        for problem in Checks::problems(&check(Probe::Github(probe), Some(pass)), &BTreeMap::new()) {
            table.push(problem.message);
        }
    }
    insta::assert_snapshot!(table.join("\n"), @r#"
    `repository` is "portal", which is not an owner and a name; write it as in acme/portal
    `base_url` is not a URL; write it as in https://github.example/api/v3
    `token` must not stand in the checklist; declare a secret variable and write it as in "{{ github_token }}"
    `failed` is not observed by this check; it observes ahead, behind and status
    there is no variable version; declare it under `variables`
    `behind` is not observed by this check; it observes complete, conclusion, failed, missing, pending, runs and total
    "#);
}
