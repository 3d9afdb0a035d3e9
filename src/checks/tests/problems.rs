use super::*;
use crate::domain::check::{EnvFormat, EnvVariable};

fn variables() -> BTreeMap<VariableName, Variable> {
    ["base_url", "token"]
        .map(|name| (VariableName::new(name), Variable::default()))
        .into_iter()
        .collect()
}

fn told(check: &Check) -> Vec<(usize, usize, String)> {
    Checks::problems(check, &variables())
        .into_iter()
        .map(|problem| (problem.line, problem.column, problem.message))
        .collect()
}

fn one(line: usize, column: usize, message: &str) -> Vec<(usize, usize, String)> {
    vec![(line, column, message.to_owned())]
}

#[test]
fn right_checks_have_no_problems() {
    let http = HttpProbe {
        headers: BTreeMap::from([("Authorization".to_owned(), "Bearer {{ token }}".to_owned())]),
        ..get("{{ base_url }}/health")
    };
    assert_eq!(
        told(&check(
            Probe::Http(http),
            Some("status == 200 && latency < duration(\"1s\")")
        )),
        []
    );
    let command = CommandProbe {
        capture: Some(r"(?<passed>\d+)".to_owned()),
        ..shell("docker ps --format '{{.Names}}'")
    };
    assert_eq!(
        told(&check(
            Probe::Command(command),
            Some("int(passed) > 3 && exit_code == 0")
        )),
        []
    );
    assert_eq!(
        told(&check(
            Probe::Env(EnvProbe::default()),
            Some("size(missing) == 0")
        )),
        []
    );
}

#[test]
fn a_condition_is_told_with_line_and_column() {
    let with = |pass: &str| told(&check(Probe::Http(get("{{ base_url }}")), Some(pass)));
    assert_eq!(
        with("status = 200"),
        one(12, 18, "`=` is not an operator; write `==` to compare")
    );
    assert_eq!(
        with("body == \"é\" && statsu == 200"),
        one(
            12,
            26,
            "`statsu` is not observed by this check; did you mean `status`?"
        )
    );
    assert_eq!(
        with("status == 200 &&\n  statsu == 200"),
        one(
            12,
            11,
            "`statsu` is not observed by this check; did you mean `status`?"
        )
    );
    assert_eq!(
        with(&format!(
            "{}status == 200{}",
            "(".repeat(10_000),
            ")".repeat(10_000)
        )),
        one(
            12,
            4011,
            "the condition is longer than 4000 bytes; split it into several checks"
        )
    );
    assert_eq!(
        with("exit_code == 0"),
        one(
            12,
            11,
            "`exit_code` is not observed by this check; it observes address, body, headers, json, latency, redirects, status, url and version"
        )
    );
}

#[test]
fn parameters_are_told_with_the_checks_line() {
    assert_eq!(
        told(&check(Probe::Http(get("{{ base_ulr }}/{{ base_ulr }}")), None)),
        one(10, 1, "there is no variable base_ulr; did you mean base_url?")
    );
    let env = EnvProbe {
        required: vec![EnvVariable {
            name: "A".to_owned(),
            formats: vec![EnvFormat::Equals("{{ expected }}".to_owned())],
        }],
        ..EnvProbe::default()
    };
    assert_eq!(
        told(&check(Probe::Env(env), None)),
        one(
            10,
            1,
            "there is no variable expected; declare it under `variables`"
        )
    );
    for (probe, message) in [
        (
            get("app.example"),
            "`url` is not a URL; write it as in https://app.example/health",
        ),
        (
            get("ftp://app.example"),
            "`url` has the scheme ftp, and only http and https are spoken",
        ),
        (
            HttpProbe {
                method: "GE T".to_owned(),
                ..get("{{ base_url }}")
            },
            "`GE T` is not an HTTP method; write GET or POST",
        ),
        (
            HttpProbe {
                headers: BTreeMap::from([("X Y".to_owned(), String::new())]),
                ..get("{{ base_url }}")
            },
            "`X Y` cannot be the name of a header; mend `headers`",
        ),
        (
            HttpProbe {
                body: Some(String::new()),
                json: Some(Value::Null),
                ..get("{{ base_url }}")
            },
            "a request has one body: keep either `body` or `json`",
        ),
    ] {
        assert_eq!(told(&check(Probe::Http(probe), None)), one(10, 1, message));
    }
}

#[test]
fn captures_are_told_when_they_cannot_capture() {
    for (capture, message) in [
        (
            "(?<passed>",
            "`capture` is not a regular expression: unclosed group",
        ),
        (
            r"\d+",
            r"`capture` has no named group, so it captures nothing; write one as in (?<passed>\d+)",
        ),
        (
            r"(?<stdout>\d+)",
            "`capture` names a group stdout, which every command observes already; choose another name",
        ),
    ] {
        let probe = CommandProbe {
            capture: Some(capture.to_owned()),
            ..shell("true")
        };
        assert_eq!(told(&check(Probe::Command(probe), None)), one(10, 1, message));
    }
    let empty = CommandProbe {
        run: Vec::new(),
        ..shell("")
    };
    assert_eq!(
        told(&check(Probe::Command(empty), None)),
        one(10, 1, "`run` names no program; write it as in [npm, test]")
    );
}
