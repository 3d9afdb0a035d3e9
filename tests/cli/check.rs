//! `holdpoint check`: the checks of a file, from a terminal or a CI job.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Child;

use quick_xml::XmlVersion;
use quick_xml::events::Event;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::place::{Place, Ran};
use super::service::Service;

/// One check passes, one fails, one could not be run as its program is not allowed, one hangs.
const FRONT: &str = r#"---
title: "Staging <us> & others"
variables:
  base_url: { env: BASE_URL, description: Where it answers. }
  token: { env: TOKEN, secret: true }
  limit: { default: "200" }
checks:
  zz-health:
    description: The service answers
    http: { url: "{{ base_url }}/health" }
    pass: status == 200 && json.status == "healthy"
  echo:
    http: { url: "{{ base_url }}/echo", headers: { X-Token: "{{ token }}" } }
    pass: body == "secret" && headers["x-echo"] == "other"
  shell:
    command: { run: [sh, -c, "exit {{ limit }}"] }
  hang:
    http: { url: "{{ base_url }}/hang" }
    timeout: 20s
---
# Staging
- [ ] Answers <!-- check: zz-health -->
  - [ ] Deeply <!-- check: zz-health -->
- [ ] Keeps quiet <!-- check: echo -->
- [ ] Runs <!-- check: shell -->
- [ ] Never <!-- check: hang -->
- [ ] By hand
"#;

/// What must never be seen.
const SECRET: &str = "s3cr3t-canary";

fn place(service: &Service) -> Place {
    let place = Place::new()
        .having("BASE_URL", service.url())
        .having("TOKEN", SECRET);
    place.write("list.md", FRONT);
    place
}

fn summary(ran: &Ran) -> &str {
    ran.out.lines().last().unwrap_or_default()
}

fn send(signal: Signal, child: &Child) {
    let id = i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .expect("it has a number");
    kill_process(id, signal).expect("it runs");
}

/// The line that runs the program for a minute at most. `timeout` passes signals on, and leaves it the terminal.
fn holdpoint<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let mut line = vec![
        "timeout",
        "--foreground",
        "60",
        env!("CARGO_BIN_EXE_holdpoint"),
        "check",
    ];
    line.extend(arguments);
    line
}

#[test]
fn the_exit_code_tells_what_they_came_to() {
    let service = Service::start();
    let place = place(&service);
    for (only, code, told) in [
        ("zz-health", 0, "1 passed"),
        ("zz-health,echo", 1, "1 passed, 1 failed"),
        ("zz-health,echo,shell", 2, "1 passed, 1 failed, 1 could not run"),
    ] {
        let ran = place.run(&["check", "list.md", "--only", only]);
        assert_eq!((ran.code, summary(&ran)), (Some(code), told), "{ran:?}");
        assert_eq!(ran.err, "");
        assert_eq!(
            ran.out.lines().count(),
            only.split(',').count() + 1,
            "a line for each: {ran:?}"
        );
    }
}

#[test]
fn checks_that_wait_for_others_bring_them_and_what_takes_an_hour_is_not_said_to_have_been_observed() {
    let service = Service::start();
    let place = Place::new().having("BASE_URL", service.url());
    place.write(
        "list.md",
        r#"---
variables:
  base_url: { env: BASE_URL }
checks:
  answers: { http: { url: "{{ base_url }}/health" } }
  holds: { http: { url: "{{ base_url }}/health" }, for: 1h, every: 1m }
  next: { http: { url: "{{ base_url }}/health" }, after: answers }
  both: { all: [answers, next] }
---
- [ ] One <!-- check: answers, holds, next, both -->
"#,
    );
    let ran = place.run(&["check", "list.md", "--only", "next,holds"]);
    assert_eq!((ran.code, summary(&ran)), (Some(0), "3 passed"), "{ran:?}");
    let holds = ran.out.lines().find(|line| line.contains("holds"));
    assert!(
        holds.is_some_and(
            |line| line.ends_with("(observed once; a deployment takes 61 observations, one every 1 min)")
        ),
        "{ran:?}"
    );
    service.fall_ill();
    let ran = place.run(&["check", "list.md", "--only", "both"]);
    let told = "2 failed, 1 skipped";
    assert_eq!((ran.code, summary(&ran)), (Some(1), told), "{ran:?}");
    assert!(ran.out.contains("waits for answers, which failed"), "{ran:?}");
}

#[test]
fn a_pipe_has_a_line_for_each_that_says_why() {
    let service = Service::start();
    let place = place(&service);
    service.fall_ill();
    let ran = place.run(&["check", "list.md", "--only", "zz-health", "--only", "shell"]);
    let health = ran
        .out
        .lines()
        .find(|line| line.contains("zz-health"))
        .unwrap_or_default();
    assert!(
        health.starts_with("✗ failed zz-health (") && health.contains(" ms): status is 503, expected 200"),
        "{ran:?}"
    );
    let shell = ran
        .out
        .lines()
        .find(|line| line.contains("shell"))
        .unwrap_or_default();
    assert!(
        shell.starts_with("! could not run shell (") && shell.contains("commands are off"),
        "{ran:?}"
    );
    assert!(!ran.out.contains('\u{1b}'), "no colours, no cursor: {ran:?}");
}

#[test]
fn what_may_be_run_and_reached_is_configured_as_for_serve() {
    let service = Service::start();
    let place = place(&service).having("HOLDPOINT__CHECKS__COMMANDS__ALLOW", "sh");
    let ran = place.run(&["check", "list.md", "--only", "shell", "--var", "limit=0"]);
    assert_eq!((ran.code, summary(&ran)), (Some(0), "1 passed"), "{ran:?}");
    let ran = place.run(&["check", "list.md", "--only", "shell"]);
    assert_eq!((ran.code, summary(&ran)), (Some(1), "1 failed"), "{ran:?}");
    let place = place.having("HOLDPOINT__CHECKS__NETWORK__DENY", "127.0.0.0/8");
    let ran = place.run(&["check", "list.md", "--only", "zz-health"]);
    assert_eq!((ran.code, summary(&ran)), (Some(2), "1 could not run"), "{ran:?}");
    place.write("holdpoint.toml", "[checks]\nconcurency = 1\n");
    assert!(place.run(&["check", "list.md"]).err.contains("concurency"));
}

#[test]
fn json_has_exactly_the_promised_keys() {
    let service = Service::start();
    let place = place(&service);
    let ran = place.run(&["check", "list.md", "--only", "1,echo,shell", "--format", "json"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(2), ""), "{ran:?}");
    let told: Value = serde_json::from_str(&ran.out).expect("it is JSON");
    assert_eq!(told["file"], "list.md");
    assert_eq!(told["version"], env!("CARGO_PKG_VERSION"));
    let checks = told["checks"].as_array().expect("a list");
    let each: Vec<(&str, &str)> = checks
        .iter()
        .map(|check| {
            let keys: BTreeSet<&str> = check
                .as_object()
                .expect("an object")
                .keys()
                .map(String::as_str)
                .collect();
            assert_eq!(
                keys,
                BTreeSet::from(["id", "items", "status", "observed", "why", "duration_ms"])
            );
            assert!(check["observed"].is_object() && check["duration_ms"].is_u64());
            assert!(check["why"].as_str().is_some_and(|why| !why.is_empty()));
            (
                check["id"].as_str().expect("a text"),
                check["status"].as_str().expect("a text"),
            )
        })
        .collect();
    // In the order of the source, which is not that of the alphabet.
    assert_eq!(
        each,
        [("zz-health", "passed"), ("echo", "failed"), ("shell", "error")]
    );
    assert_eq!(checks[0]["items"], serde_json::json!(["1", "1.1"]));
    assert_eq!(checks[0]["observed"]["status"], 200);
    assert_eq!(checks[2]["observed"], serde_json::json!({}));
    for (key, count) in [
        ("checks", 3),
        ("passed", 1),
        ("failed", 1),
        ("error", 1),
        ("skipped", 0),
    ] {
        assert_eq!(told["summary"][key], count, "{key}");
    }
}

#[test]
fn junit_is_what_ci_reads() {
    let service = Service::start();
    let place = place(&service);
    let ran = place.run(&[
        "check",
        "list.md",
        "--only",
        "zz-health,echo,shell",
        "--format",
        "junit",
    ]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(2), ""), "{ran:?}");
    let mut reader = quick_xml::Reader::from_str(&ran.out);
    let mut seen = Vec::new();
    loop {
        let event = reader.read_event().expect("it is XML");
        let (Event::Start(tag) | Event::Empty(tag)) = event else {
            if matches!(event, Event::Eof) {
                break;
            }
            continue;
        };
        let of = |name: &str| {
            let found = tag.try_get_attribute(name).expect("attributes");
            found.map(|found| {
                found
                    .normalized_value(XmlVersion::Explicit1_0)
                    .expect("a value")
                    .into_owned()
            })
        };
        let time = of("time");
        assert!(
            time.is_none_or(|time| time.parse::<f64>().is_ok()),
            "seconds: {}",
            ran.out
        );
        let told = ["name", "tests", "failures", "errors", "skipped", "type"].map(of);
        let told: Vec<String> = told.into_iter().flatten().collect();
        seen.push(format!("{} {}", tag.name().as_ref(), told.join(" ")));
    }
    assert_eq!(
        seen,
        [
            "testsuites holdpoint 3 1 1 0",
            "testsuite Staging <us> & others 3 1 1 0",
            "testcase zz-health",
            "testcase echo",
            "failure failed",
            "testcase shell",
            "error error",
        ]
    );
}

#[test]
fn only_names_checks_and_items_and_nothing_else() {
    let service = Service::start();
    let place = place(&service);
    for (only, told) in [
        (
            "zz-helth",
            "holdpoint: there is no check or item \"zz-helth\"; did you mean zz-health?",
        ),
        (
            "9.1",
            "holdpoint: there is no item \"9.1\"; `holdpoint checklist show` lists the items and the checks bound to them.",
        ),
        (
            "5",
            "holdpoint: the item 5 is bound to no check; name another, or bind it with `<!-- check: … -->`.",
        ),
    ] {
        assert_eq!(place.run(&["check", "list.md", "--only", only]).refusal(), told);
    }
}

#[test]
fn variables_are_taken_from_the_line_a_file_the_environment_and_the_default() {
    let service = Service::start();
    let place = Place::new().having("HOLDPOINT__CHECKS__COMMANDS__ALLOW", "sh");
    place.write("list.md", FRONT);
    place.write(
        "values.env",
        format!("base_url={}\ntoken={SECRET}\nlimit=3\n", service.url()),
    );
    place.write("values.toml", format!("base_url = \"{}\"\n", service.url()));
    place.write(
        "values.json",
        format!("{{ \"base_url\": \"{}\" }}", service.url()),
    );
    for file in ["values.env", "values.toml", "values.json"] {
        let ran = place.run(&["check", "list.md", "--only", "zz-health", "--var-file", file]);
        assert_eq!(ran.code, Some(0), "{file}: {ran:?}");
    }
    let shell = ["check", "list.md", "--only", "shell", "--var-file", "values.env"];
    let ran = place.run(&shell);
    assert!(
        ran.out.contains("exit_code is 3"),
        "the file wins over the default: {ran:?}"
    );
    let ran = place.run(&[&shell[..], &["--var", "limit=4"]].concat());
    assert!(
        ran.out.contains("exit_code is 4"),
        "the line wins over the file: {ran:?}"
    );
    let line = ["check", "list.md", "--only", "zz-health"];
    for (more, told) in [
        (
            &[][..],
            "holdpoint: the variable base_url has no value; set the environment variable BASE_URL, give --var \
             base_url=VALUE or write base_url=VALUE into a file for --var-file.",
        ),
        (
            &["--var", "base_ulr=x"],
            "holdpoint: the checklist has no variable base_ulr; did you mean base_url?",
        ),
        (
            &["--var", "token=s3cr3t-canary"],
            "holdpoint: the variable token is secret, and others can read a command line; set the environment variable \
             TOKEN, write token=VALUE into a file for --var-file or leave it out on a terminal and be asked.",
        ),
        (
            &["--var-file", "absent.env"],
            "holdpoint: absent.env cannot be read (No such file or directory (os error 2)); check the path, and that this \
             user may read it.",
        ),
    ] {
        assert_eq!(place.run(&[&line[..], more].concat()).refusal(), told);
    }
    assert!(service.asked() == 3, "nothing was asked of the service in vain");
}

#[test]
fn every_variable_without_a_value_is_named_before_anything_runs() {
    let place = Place::new();
    place.write("list.md", FRONT);
    let ran = place.run(&["check", "list.md"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(
        ran.err.contains("base_url has no value") && ran.err.contains("token has no value"),
        "{}",
        ran.err
    );
}

#[test]
fn a_secret_is_never_printed() {
    let service = Service::start();
    let place = place(&service);
    for format in ["text", "json", "junit"] {
        let ran = place.run(&["check", "list.md", "--only", "echo", "--format", format]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(
            ran.out.contains("[redacted]"),
            "it was seen, and taken out: {ran:?}"
        );
        assert!(!ran.out.contains(SECRET) && !ran.err.contains(SECRET), "{ran:?}");
    }
}

#[test]
fn a_file_with_errors_prints_them_and_runs_nothing() {
    let place = Place::new();
    place.write(
        "wrong.md",
        "---\nchecks:\n  a:\n    htpp: { url: x }\n---\n- [ ] b <!-- check: a -->\n",
    );
    let ran = place.run(&["check", "wrong.md"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
    assert!(
        ran.err
            .contains("wrong.md:4:5: error: There is no key `htpp` in the check `a`.\n")
            && ran.err.contains("help: Did you mean `http`?")
            && ran.err.ends_with(
                "holdpoint: wrong.md has errors, so none of its checks was run; mend what is said above.\n"
            ),
        "{}",
        ran.err
    );
    place.write("bare.md", "- [ ] b\n");
    for (file, told) in [
        (
            "bare.md",
            "holdpoint: the checklist has no checks, so there is nothing to run; write some under `checks` in its front matter.",
        ),
        (
            "absent.md",
            "holdpoint: absent.md cannot be read (No such file or directory (os error 2)); check the path, and that this \
             user may read it.",
        ),
    ] {
        assert_eq!(place.run(&["check", file]).refusal(), told);
    }
}

#[test]
fn ctrl_c_ends_it_and_what_is_known_is_told() {
    let service = Service::start();
    let place = place(&service);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut child = place.begin(&holdpoint(&["list.md", "--only", "zz-health,hang"]));
        service.wait_until_it_hangs();
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut first = String::new();
        out.read_line(&mut first).expect("a line");
        assert!(first.starts_with("✓ passed zz-health"), "{first}");
        send(signal, &child);
        let mut rest = String::new();
        out.read_to_string(&mut rest).expect("text");
        assert_eq!(
            rest,
            "- cancelled hang: the run was cancelled before this check had a result\n1 passed, 1 cancelled\n"
        );
        let ran = place.end(child);
        assert_eq!((ran.code, ran.err.as_str()), (Some(code), ""));
    }
    let child = place.begin(&holdpoint(&["list.md", "--only", "hang", "--format", "json"]));
    service.wait_until_it_hangs();
    send(Signal::INT, &child);
    let ran = place.end(child);
    let told: Value = serde_json::from_str(&ran.out).expect("it is whole");
    assert_eq!(
        (ran.code, &told["checks"][0]["status"]),
        (Some(130), &Value::from("error"))
    );
}

#[test]
fn a_watch_tells_what_changes_and_ends_as_the_last_round_did() {
    let service = Service::start();
    let place = place(&service);
    let mut child = place.begin(&holdpoint(&[
        "list.md",
        "--only",
        "zz-health",
        "--watch",
        "--every",
        "1s",
    ]));
    let mut out = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut next = || out.next().expect("more is told").expect("text");
    let first = next();
    assert!(first.contains("Z ✓ passed zz-health"), "{first}");
    assert_eq!(next(), "1 passed");
    service.fall_ill();
    // However many rounds were like the first, nothing is told of them.
    let second = next();
    assert!(second.contains("Z ✗ failed zz-health"), "{second}");
    assert!(second.ends_with("✓✗]"), "the last results: {second}");
    assert_eq!(next(), "1 failed");
    send(Signal::INT, &child);
    assert_eq!(place.end(child).code, Some(1));
    assert!(service.asked() >= 2);

    let mut child = place.begin(&holdpoint(&[
        "list.md",
        "--only",
        "zz-health",
        "--watch",
        "--every",
        "1s",
        "--format",
        "json",
    ]));
    let mut out = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    for _ in 0..2 {
        let line = out.next().expect("a round").expect("text");
        let told: Value = serde_json::from_str(&line).expect("an object a line");
        assert_eq!(told["checks"][0]["status"], "failed");
    }
    send(Signal::INT, &child);
    assert_eq!(place.end(child).code, Some(1));

    let line = ["check", "list.md", "--watch", "--format", "junit"];
    assert_eq!(
        place.run(&line).refusal(),
        "holdpoint: a JUnit report is of one run; leave --watch out, or write --format json for one object a round."
    );
    let ran = place.run(&["check", "list.md", "--every", "5s"]);
    assert!(ran.code == Some(2) && ran.err.contains("--watch"), "{ran:?}");
}

#[test]
fn half_a_round_of_a_watch_says_less_than_the_whole_one_before() {
    let service = Service::start();
    let place = place(&service);
    place.write(
        "once.md",
        format!("---\nchecks:\n  once: {{ http: {{ url: '{}/once' }}, timeout: 20s }}\n---\n- [ ] a <!-- check: once -->\n", service.url()),
    );
    let child = place.begin(&holdpoint(&[
        "once.md", "--watch", "--every", "1s", "--format", "json",
    ]));
    service.wait_until_it_hangs();
    send(Signal::INT, &child);
    let ran = place.end(child);
    assert_eq!((ran.code, ran.out.lines().count()), (Some(0), 1), "{ran:?}");
    assert!(ran.out.contains("\"status\":\"passed\""), "{ran:?}");
}

#[test]
fn a_reader_that_goes_changes_nothing() {
    let service = Service::start();
    let place = place(&service);
    for (arguments, code) in [
        ("--only zz-health", "0"),
        ("--only zz-health,echo --format json", "1"),
        ("--only zz-health --format junit", "0"),
        ("--only zz-health --watch --every 1s", "0"),
    ] {
        let ran = place.shell(&format!(
            "holdpoint check list.md {arguments} | true; echo \"${{PIPESTATUS[0]}}\""
        ));
        assert_eq!((ran.out.trim(), ran.err.as_str()), (code, ""), "{arguments}");
    }
}

#[test]
fn a_terminal_has_a_table_and_is_asked_for_what_is_missing() {
    let service = Service::start();
    let place = Place::new()
        .having("BASE_URL", service.url())
        .having("TERM", "xterm");
    place.write("list.md", FRONT);
    if place.run_program(&["bash", "-c", "command -v script"]).code != Some(0) {
        eprintln!("skipped: there is no `script` here to stand for a terminal");
        return;
    }
    let line = format!(
        "stty cols 100 rows 30; {}",
        holdpoint(&["list.md", "--only", "zz-health,echo"]).join(" ")
    );
    let mut child = place.begin(&["script", "--quiet", "--return", "--command", &line, "/dev/null"]);
    let mut out = child.stdout.take().expect("a pipe");
    let mut told = Vec::new();
    while !told.ends_with(b"token, not shown: ") {
        let mut byte = [0];
        out.read_exact(&mut byte).expect("it asks");
        told.extend(byte);
    }
    let mut keys = child.stdin.take().expect("a pipe");
    keys.write_all(format!("{SECRET}\n").as_bytes())
        .expect("it is read");
    out.read_to_end(&mut told).expect("it ends");
    let told = String::from_utf8_lossy(&told).into_owned();
    assert_eq!(place.end(child).code, Some(1), "{told}");
    assert!(!told.contains(SECRET), "what was typed is seen: {told}");
    for part in [
        "\u{1b}[32m✓ passed       \u{1b}[0m  zz-health  The service answers",
        "\u{1b}[31m✗ failed       \u{1b}[0m  echo",
        "\u{1b}[32m1 passed\u{1b}[0m, \u{1b}[31m1 failed\u{1b}[0m",
    ] {
        assert!(told.contains(part), "{part:?} is not in {told:?}");
    }
}
