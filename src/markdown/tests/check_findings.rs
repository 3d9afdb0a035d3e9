//! Checks in the front matter that are wrong, and what is told of them.

use super::{read, told};
use crate::domain::ids::{CheckId, PolicyName};

#[test]
fn an_env_check_that_requires_nothing_cannot_fail() {
    let text = "---\nchecks:\n  a:\n    env: { optional: [A: url] }\n  b:\n    env: { optional: [A: url] }\n    pass: malformed == []\n  c: { env: { recommended: [A], required: [B] } }\n---\n- [ ] item <!-- check: a, b, c -->\n";
    insta::assert_snapshot!(told(text), @"
    x.md:3:3: warning: The check `a` cannot fail.
      |
    3 |   a:
      |   ^
      = help: List what must be there under `required`, or say under `pass` what must hold.
    ");
}

#[test]
fn what_checks_say_of_one_another_is_told_where_it_is_wrong() {
    let text = "---\nchecks:\n  a: { env: { required: [A] }, after: [b, nowhere] }\n  b: { env: { required: [A] }, after: c }\n  c: { any: [a] }\n  self: { all: [self] }\n  twice: { all: [a, a] }\n  none: { any: [] }\n  again: { all: [a], retry: 3 }\n  tired: { env: { required: [A] }, retry: 0 }\n  long: { env: { required: [A] }, retry: { times: 2, wait: 1h } }\n  often: { env: { required: [A] }, retry: { wait: 1s } }\n  grave: { env: { required: [A] }, severity: urgent }\n---\n- [ ] item <!-- check: a, b, c, self, twice, none, again, tired, long, often, grave -->\n";
    insta::assert_snapshot!(told(text), @"
    x.md:3:40: error: The checks `a`, `b` and `c` wait for one another.
      |
    3 |   a: { env: { required: [A] }, after: [b, nowhere] }
      |                                        ^
      = help: None of them could ever run; take one out of `after`, `all` or `any`.
    x.md:3:43: error: There is no check `nowhere`.
      |
    3 |   a: { env: { required: [A] }, after: [b, nowhere] }
      |                                           ^
      = help: Write a check of that key, or leave it out.
    x.md:6:17: error: The check `self` waits for itself.
      |
    6 |   self: { all: [self] }
      |                 ^
      = help: None of them could ever run; take one out of `after`, `all` or `any`.
    x.md:7:21: error: The check `a` stands twice in `all`.
      |
    7 |   twice: { all: [a, a] }
      |                     ^
    x.md:8:11: error: `any` names no check.
      |
    8 |   none: { any: [] }
      |           ^
      = help: List the checks it is made of, as `any: [health, tests]`.
    x.md:9:22: error: `retry` means nothing to a check that is made of others.
      |
    9 |   again: { all: [a], retry: 3 }
      |                      ^
      = help: Write it at the checks it is made of.
    x.md:10:43: error: `retry` must be a whole number from 1 to 20, and is `0`.
       |
    10 |   tired: { env: { required: [A] }, retry: 0 }
       |                                           ^
    x.md:11:60: error: `wait` is longer than 10 minutes.
       |
    11 | …nv: { required: [A] }, retry: { times: 2, wait: 1h } }
       |                                                  ^
       = help: Write at most `10m`.
    x.md:12:43: error: `retry` has no `times`.
       |
    12 |   often: { env: { required: [A] }, retry: { wait: 1s } }
       |                                           ^
    x.md:13:46: error: `severity` must be `critical`, `high`, `medium` or `low`, and is `urgent`.
       |
    13 |   grave: { env: { required: [A] }, severity: urgent }
       |                                              ^
    ");
}

#[test]
fn steps_and_captures_are_told_where_they_are_wrong() {
    let text = "---\nchecks:\n  both: { http: { steps: [{ url: x }], url: y } }\n  none: { http: { steps: [] } }\n  lost: { http: { steps: [{ method: GET }, { url: x, steps: [] }, { url: x, body: a, json: b }] } }\n  named: { http: { url: x, capture: { Token: json.token, token: [a], id: '' } } }\n---\n- [ ] item <!-- check: both, none, lost, named -->\n";
    insta::assert_snapshot!(told(text), @"
    x.md:3:40: error: `http` has both `steps` and `url`.
      |
    3 |   both: { http: { steps: [{ url: x }], url: y } }
      |                                        ^
      = help: With `steps`, each step says what it asks; put it there.
    x.md:4:26: error: `steps` has 0 requests.
      |
    4 |   none: { http: { steps: [] } }
      |                          ^
      = help: Write from 1 to 20; make several checks of more.
    x.md:5:27: error: `step 1` has no `url`.
      |
    5 |   lost: { http: { steps: [{ method: GET }, { url: x, steps: [] }, { url: x, body: a, json: b }] …
      |                           ^
    x.md:5:54: error: There is no key `steps` in step 2.
      |
    5 | …t: { http: { steps: [{ method: GET }, { url: x, steps: [] }, { url: x, body: a, json: b }] } }
      |                                                  ^
      = help: The keys are `url`, `method`, `headers`, `body`, `json`, `follow`, `capture` and `pass`.
    x.md:5:86: error: Step 3 has both `body` and `json`.
      |
    5 | …ET }, { url: x, steps: [] }, { url: x, body: a, json: b }] } }
      |                                                  ^
      = help: A request has one body; keep one of them.
    x.md:6:39: error: `Token` cannot be the name of what is captured.
      |
    6 |   named: { http: { url: x, capture: { Token: json.token, token: [a], id: '' } } }
      |                                       ^
      = help: A name begins with a lower-case letter, then has more, digits and underscores.
    x.md:6:65: error: What is captured as `token` must be an expression such as `json.token`, and is a list.
      |
    6 | … { url: x, capture: { Token: json.token, token: [a], id: '' } } }
      |                                                  ^
    x.md:6:74: error: What is captured as `id` must be an expression such as `json.token`, and is ``.
      |
    6 | …, capture: { Token: json.token, token: [a], id: '' } } }
      |                                                  ^
    ");
}

#[test]
fn what_is_observed_over_time_stands_by_itself() {
    let text = "---\nchecks:\n  long: { env: { required: [A] }, for: 1h, every: 1m }\n  whole: { all: [long] }\n  next: { env: { required: [A] }, after: long }\n  late: { env: { required: [A] }, after: once, every: 1m, failures: 3 }\n  once: { env: { required: [A] } }\n  made: { all: [once], every: 1m, failures: 3 }\n---\n- [ ] item <!-- check: long, whole, next, late, once, made -->\n";
    insta::assert_snapshot!(told(text), @"
    x.md:4:18: error: The check `long` is observed over time, and no other check of a run can wait for it.
      |
    4 |   whole: { all: [long] }
      |                  ^
      = help: Bind it to an item by itself, or take its `every` out.
    x.md:5:42: error: The check `long` is observed over time, and no other check of a run can wait for it.
      |
    5 |   next: { env: { required: [A] }, after: long }
      |                                          ^
      = help: Bind it to an item by itself, or take its `every` out.
    x.md:6:35: error: A check that is observed over time cannot be `after` others.
      |
    6 |   late: { env: { required: [A] }, after: once, every: 1m, failures: 3 }
      |                                   ^
      = help: Each of its observations is made by itself; take `after` out.
    x.md:8:24: error: `every` means nothing to a check that is made of others.
      |
    8 |   made: { all: [once], every: 1m, failures: 3 }
      |                        ^
      = help: Write it at the checks it is made of.
    ");
}

#[test]
fn what_cannot_be_observed_is_told_where_it_stands() {
    let checks = [
        "for: 1h",
        "failures: 3",
        "watch: true",
        "every: 1m",
        "every: 5s, failures: 3",
        "every: 25h, failures: 3",
        "for: 169h, every: 1h",
        "for: 168h, every: 1m",
        "for: 1m, every: 2m",
        "every: 30s, watch: true",
        "every: 1m, failures: 0",
        "every: 1m, successes: 101",
        "every: soon, failures: 3",
        "every: 1m, watch: maybe",
        "forr: 1h, every: 1m",
    ];
    let rows: String = checks
        .iter()
        .enumerate()
        .map(|(n, check)| format!("  c{n}: {{ env: {{ required: [A] }}, {check} }}\n"))
        .collect::<Vec<_>>()
        .concat();
    let items: String = (0..checks.len())
        .map(|n| format!("- [ ] a <!-- check: c{n} -->\n"))
        .collect::<Vec<_>>()
        .concat();
    insta::assert_snapshot!(told(&format!("---\nchecks:\n{rows}---\n{items}")), @"
    x.md:3:33: error: `for` needs `every`: how long after one observation the next is made.
      |
    3 |   c0: { env: { required: [A] }, for: 1h }
      |                                 ^
      = help: Write `every: 1m` beside it.
    x.md:4:33: error: `failures` needs `every`: how long after one observation the next is made.
      |
    4 |   c1: { env: { required: [A] }, failures: 3 }
      |                                 ^
      = help: Write `every: 1m` beside it.
    x.md:5:33: error: `watch` needs `every`: how long after one observation the next is made.
      |
    5 |   c2: { env: { required: [A] }, watch: true }
      |                                 ^
      = help: Write `every: 1m` beside it.
    x.md:6:40: error: `every` alone observes nothing: one observation decides this check.
      |
    6 |   c3: { env: { required: [A] }, every: 1m }
      |                                        ^
      = help: Say beside it what the observations are for: `for: 1h`, `failures: 3`, `successes: 3` or `watch: true`.
    x.md:7:40: error: `every` must be from 10 s to 24 h, and is 5 s.
      |
    7 |   c4: { env: { required: [A] }, every: 5s, failures: 3 }
      |                                        ^
    x.md:8:40: error: `every` must be from 10 s to 24 h, and is 25 h.
      |
    8 |   c5: { env: { required: [A] }, every: 25h, failures: 3 }
      |                                        ^
    x.md:9:38: error: `for` must be from 10 s to 168 h, and is 169 h.
      |
    9 |   c6: { env: { required: [A] }, for: 169h, every: 1h }
      |                                      ^
    x.md:10:38: error: `for` of 168 h with `every` of 1 min asks for 10081 observations, and 5000 is the most.
       |
    10 |   c7: { env: { required: [A] }, for: 168h, every: 1m }
       |                                      ^
       = help: Make `every` longer, or `for` shorter.
    x.md:11:38: error: `for` must be at least as long as `every`, and 1 min is shorter than 2 min.
       |
    11 |   c8: { env: { required: [A] }, for: 1m, every: 2m }
       |                                      ^
    x.md:12:40: error: `every` of a check that is watched must be at least 1 min, and is 30 s.
       |
    12 |   c9: { env: { required: [A] }, every: 30s, watch: true }
       |                                        ^
       = help: Each observation is kept, for as long as the deployment is open.
    x.md:13:55: error: `failures` must be a whole number from 1 to 100, and is `0`.
       |
    13 | … { env: { required: [A] }, every: 1m, failures: 0 }
       |                                                  ^
    x.md:14:56: error: `successes` must be a whole number from 1 to 100, and is `101`.
       |
    14 | …{ env: { required: [A] }, every: 1m, successes: 101 }
       |                                                  ^
    x.md:15:41: error: `every` must be a length of time.
       |
    15 |   c12: { env: { required: [A] }, every: soon, failures: 3 }
       |                                         ^
       = help: Write a whole number above zero and its unit: `500ms`, `10s`, `5m` or `1h`.
    x.md:16:52: error: `watch` must be `true` or `false`, and is `maybe`.
       |
    16 | …13: { env: { required: [A] }, every: 1m, watch: maybe }
       |                                                  ^
    x.md:17:34: error: There is no key `forr` in the check `c14`.
       |
    17 |   c14: { env: { required: [A] }, forr: 1h, every: 1m }
       |                                  ^
       = help: Did you mean `for`?
    x.md:17:51: error: `every` alone observes nothing: one observation decides this check.
       |
    17 | …c14: { env: { required: [A] }, forr: 1h, every: 1m }
       |                                                  ^
       = help: Say beside it what the observations are for: `for: 1h`, `failures: 3`, `successes: 3` or `watch: true`.
    ");
}

#[test]
fn what_means_nothing_to_a_check_that_people_attest_is_told() {
    let text = "---\nchecks:\n  a: { manual: { evidence: maybe } }\n  b: { manual: { by: Anna } }\n  c: { manual: {}, pass: true }\n  d: { manual: {}, every: 1h, failures: 2 }\n  e: { manual: {}, description: Read }\n---\n- [ ] item <!-- check: e -->\n";
    insta::assert_snapshot!(told(text), @"
    x.md:3:3: warning: The check `a` decides no item.
      |
    3 |   a: { manual: { evidence: maybe } }
      |   ^
      = help: Write `<!-- check: a -->` into the item it is for.
    x.md:3:28: error: `evidence` cannot be `maybe`.
      |
    3 |   a: { manual: { evidence: maybe } }
      |                            ^
      = help: Write `required` or `optional`.
    x.md:4:3: warning: The check `b` decides no item.
      |
    4 |   b: { manual: { by: Anna } }
      |   ^
      = help: Write `<!-- check: b -->` into the item it is for.
    x.md:4:18: error: There is no key `by` in `manual`.
      |
    4 |   b: { manual: { by: Anna } }
      |                  ^
      = help: The keys are `evidence`.
    x.md:5:3: warning: The check `c` decides no item.
      |
    5 |   c: { manual: {}, pass: true }
      |   ^
      = help: Write `<!-- check: c -->` into the item it is for.
    x.md:5:20: error: `pass` means nothing to a check that a person attests.
      |
    5 |   c: { manual: {}, pass: true }
      |                    ^
      = help: Take it out; `evidence: required` in `manual` asks what shows it.
    x.md:6:3: warning: The check `d` decides no item.
      |
    6 |   d: { manual: {}, every: 1h, failures: 2 }
      |   ^
      = help: Write `<!-- check: d -->` into the item it is for.
    x.md:6:20: error: `every` means nothing to a check that a person attests.
      |
    6 |   d: { manual: {}, every: 1h, failures: 2 }
      |                    ^
      = help: Take it out; `evidence: required` in `manual` asks what shows it.
    ");
}

#[test]
fn the_ladder_of_a_check_is_one_that_there_is_and_goes_with_a_watch() {
    let text = "---\nescalations:\n  page: { owner: 10m }\nchecks:\n  a: { env: { required: [A] }, every: 5m, watch: true, escalate: page }\n  b: { env: { required: [A] }, every: 5m, watch: true, escalate: pages }\n  c: { env: { required: [A] }, every: 5m, failures: 2, escalate: page }\n  d: { env: { required: [A] }, escalate: page }\n---\n- [ ] item <!-- check: a, b, c, d -->\n";
    insta::assert_snapshot!(told(text), @"
    x.md:6:66: error: There is no escalation policy `pages`.
      |
    6 | …uired: [A] }, every: 5m, watch: true, escalate: pages }
      |                                                  ^
      = help: Did you mean `page`?
    x.md:7:56: error: `escalate` means something to a check that is watched only.
      |
    7 | …env: { required: [A] }, every: 5m, failures: 2, escalate: page }
      |                                                  ^
      = help: Write `watch: true` and `every: 5m` beside it, or take it out.
    x.md:8:32: error: `escalate` means something to a check that is watched only.
      |
    8 |   d: { env: { required: [A] }, escalate: page }
      |                                ^
      = help: Write `watch: true` and `every: 5m` beside it, or take it out.
    ");
    let read = read(text);
    let check = |key: &str| read.checklist.checks.get(&CheckId::new(key));
    let escalate = check("a").and_then(|check| check.escalate.clone());
    assert_eq!(escalate.as_ref().map(PolicyName::as_str), Some("page"));
}
