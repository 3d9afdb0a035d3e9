//! Conditions, and what is told of them.

use super::*;
use crate::checks::condition::{compile, on_deep_stack};

fn told(condition: &str) -> Vec<(usize, String)> {
    let names: BTreeMap<String, Kind> = [
        ("status", Kind::Whole),
        ("headers", Kind::Headers),
        ("body", Kind::Text),
        ("json", Kind::Anything),
        ("latency", Kind::Duration),
        ("missing", Kind::Names),
        ("passed", Kind::Text),
    ]
    .into_iter()
    .map(|(name, kind)| (name.to_owned(), kind))
    .collect();
    let compiled = compile(condition).expect("the syntax is right");
    on_deep_stack(|| Ok(flaws(&compiled, &names)))
        .expect("a thread")
        .into_iter()
        .map(|flaw| (flaw.offset, flaw.sentence))
        .collect()
}

#[test]
fn right_conditions_have_no_flaws() {
    for right in [
        "status == 200 && json.status == \"healthy\" && latency < duration(\"500ms\")",
        "status in [200, 204] || headers[\"x-a\"] == \"b\" || headers.server.startsWith(\"n\")",
        "json.items.all(item, item.ok && item.count > 3) && size(json.items) >= 2",
        "json.items.filter(i, i.x > 1).map(i, i.y).exists_one(y, y == 1) && \"x\" in headers",
        "double(passed) / double(passed) >= 0.8",
        "size(missing) == 0 && !(\"A\" in missing) && missing == []",
        "has(json.a.b) ? json.a.b == null : status < 300",
        "latency + duration(\"1s\") < duration(\"1m30s\") && body.matches(\"^o.$\")",
        "json.checks.database",
        "json.rate * 100.0 < 1 && -status < 0 && status != 500u && status < 299.5",
        "headers.exists(name, name == \"x-a\") && type(json) == type(json)",
    ] {
        assert_eq!(told(right), [], "{right}");
    }
}

#[test]
fn a_condition_that_always_holds_is_no_condition() {
    for always in [
        "status == 200 || true",
        "true || json.a.b > 3",
        "1 < 2 || headers[\"x-a\"] == \"b\"",
        "(true || status == 1) && (1 == 1 || status == 2)",
    ] {
        let told = told(always);
        assert!(
            matches!(told.as_slice(), [(0, sentence)] if sentence.starts_with("the condition holds whatever is observed")),
            "{always}: {told:?}"
        );
    }
}

#[test]
fn wrong_conditions_are_told_with_their_place() {
    for (wrong, offset, sentence) in [
        (
            "status == 200 && jason.a",
            17,
            "`jason` is not observed by this check; did you mean `json`?",
        ),
        (
            "uptime > 1",
            0,
            "`uptime` is not observed by this check; it observes body, headers, json, latency, missing, passed and status",
        ),
        (
            "status == \"200\"",
            7,
            "`status` is a whole number and `\"200\"` is a text, which `==` does not take together; write the number without quotes",
        ),
        (
            "latency < 500",
            8,
            "`latency` is a span of time and `500` is a whole number, which `<` does not take together; write a span of time as in duration(\"500ms\")",
        ),
        (
            "passed / 2.0 > 0.5",
            7,
            "`passed` is a text and `2.0` is a fraction, which `/` does not take together; write double(passed)",
        ),
        (
            "status / 2.5 > 1.0",
            7,
            "`status` is a whole number and `2.5` is a fraction, which `/` does not take together; write double(status) / double(2.5)",
        ),
        (
            "status",
            0,
            "`status` is a whole number, neither true nor false; compare it with something",
        ),
        (
            "!body",
            1,
            "`body` is a text, neither true nor false; compare it with something",
        ),
        (
            "status.code == 1",
            6,
            "`status` is a whole number and has no part `code`",
        ),
        (
            "headers[\"X-A\"] == \"b\"",
            8,
            "names of headers are in lower case here; write headers[\"x-a\"]",
        ),
        (
            "sise(body) > 1",
            4,
            "there is no function `sise`; did you mean `size`?",
        ),
        (
            "body.includes(\"x\")",
            13,
            "there is no function `includes` in CEL",
        ),
        (
            "size(status) > 1",
            4,
            "`status` is a whole number, which `size` does not take",
        ),
        (
            "latency < duration(\"500\")",
            18,
            "`duration` cannot take \"500\"; write it as in duration(\"500ms\") or duration(\"1m30s\")",
        ),
        (
            "body.matches(\"(\")",
            12,
            "the pattern is not a regular expression: unclosed group",
        ),
        (
            "status.all(x, x > 1)",
            10,
            "`status` is a whole number, and only lists can be gone through",
        ),
        (
            "status in body",
            7,
            "`status` is a whole number and `body` is a text, which `in` does not take together; write a list, as in `status in [200, 204]`",
        ),
        (
            "1 == 1",
            0,
            "the condition looks at nothing that the check observes, so it says nothing; use body, headers, json, latency, missing, passed or status",
        ),
    ] {
        assert_eq!(told(wrong), [(offset, sentence.to_owned())], "{wrong}");
    }
}

#[test]
fn every_flaw_is_told_not_just_the_first() {
    assert_eq!(told("staus == 200 && (latency < 5 || bdy == \"\")").len(), 3);
}
