//! Front matter that is broken, and what is told of it.

use super::{read, told};

#[test]
fn unknown_and_repeated_keys_are_told_with_the_nearest() {
    let text = "---\ntitel: A\ntitle: B\ntitle: C\nchecks:\n  a:\n    htpp: { url: x }\n  b:\n    http: { url: x, metod: GET, qqq: 1 }\n---\n- [ ] item <!-- check: a, b -->\n";
    insta::assert_snapshot!(told(text), @"
    x.md:2:1: error: There is no key `titel` in the front matter.
      |
    2 | titel: A
      | ^
      = help: Did you mean `title`?
    x.md:4:1: error: The key `title` stands twice in the front matter.
      |
    4 | title: C
      | ^
      = help: The first is in line 3; keep one.
    x.md:6:3: error: The check `a` says nothing to do.
      |
    6 |   a:
      |   ^
      = help: Give it one of `http`, `env`, `command`, `file`, `tcp`, `tls`, `dns`, `burst`, `load`, `database`, `prometheus`, `github`, `push`, `manual`, `all` and `any`.
    x.md:7:5: error: There is no key `htpp` in the check `a`.
      |
    7 |     htpp: { url: x }
      |     ^
      = help: Did you mean `http`?
    x.md:9:21: error: There is no key `metod` in `http`.
      |
    9 |     http: { url: x, metod: GET, qqq: 1 }
      |                     ^
      = help: Did you mean `method`?
    x.md:9:33: error: There is no key `qqq` in `http`.
      |
    9 |     http: { url: x, metod: GET, qqq: 1 }
      |                                 ^
      = help: The keys are `url`, `method`, `headers`, `body`, `json`, `follow`, `capture` and `steps`.
    ");
}

#[test]
fn the_front_matter_of_an_issue_template_is_left_alone() {
    let template =
        "---\nname: Release\nabout: A list\ntitle: ''\nlabels: [release]\nhidden: true\n---\n- [ ] item\n";
    insta::assert_snapshot!(told(template), @"
    x.md:2:1: note: This front matter is for GitHub's issue templates, so it says nothing here.
      |
    2 | name: Release
      | ^
      = help: Put keys such as `checks` in place of it, where the file is to be a checklist only.
    ");
    let mixed = template.replace("hidden: true", "checks: {}");
    assert!(
        told(&mixed).contains("error: There is no key `about`"),
        "{}",
        told(&mixed)
    );
}

#[test]
fn prose_in_a_comment_is_no_annotation_that_was_misspelt() {
    for prose in [
        "check if https://a.example is closed",
        "checks are run by hand: see below",
    ] {
        assert_eq!(told(&format!("- [ ] item <!-- {prose} -->\n")), "", "{prose}");
    }
    assert!(told("- [ ] item <!-- sign off: qa -->\n").contains("Did you mean `sign-off`?"));
}

#[test]
fn wrong_values_are_told_where_they_stand() {
    let text = "---\ntitle: [a]\nvariables:\n  Bad: 1\n  ok: { secret: perhaps, env: {} }\nchecks:\n  A b: {}\n  none: {}\n  two: { http: { url: x }, env: { required: [A] } }\n  bare: { http: { method: 'G T' } }\n  both: { http: { url: x, body: a, json: b, follow: -1 } }\n  env: { env: { required: A, optional: [1A, B: nope, {C: url, D: url}] } }\n  empty: { env: {} }\n  shell: { command: { run: npm test } }\n  argless: { command: { run: [] } }\n  slow: { env: { required: [A] }, timeout: 10 }\n  never: { env: { required: [A] }, timeout: 0s, pass: [] }\nsign-offs:\n  go: {}\n  lead: { quorum: 0, escalate: pgae }\nescalations:\n  page: { owner: 5 }\n  nobody: { repeat: 1 }\ngates:\n  Nowhere: { needs: [lead, qa, itmes] }\n  Twice: { needs: [go] }\n  One: {}\nsections:\n  One: { optional: maybe }\n---\n# One\n## Twice\n- [ ] a\n## twice\n";
    insta::assert_snapshot!(told(text), @r"
    x.md:2:8: error: `title` must be text, and is a list.
      |
    2 | title: [a]
      |        ^
    x.md:4:3: error: `Bad` cannot be a variable's name.
      |
    4 |   Bad: 1
      |   ^
      = help: A name is lower-case letters, digits and underscores, and begins with a letter.
    x.md:5:17: error: `secret` must be `true` or `false`, and is `perhaps`.
      |
    5 |   ok: { secret: perhaps, env: {} }
      |                 ^
    x.md:5:31: error: `env` must be text, and is a mapping.
      |
    5 |   ok: { secret: perhaps, env: {} }
      |                               ^
    x.md:7:3: error: `A b` cannot be a check's key.
      |
    7 |   A b: {}
      |   ^
      = help: A key is at most 40 lower-case letters, digits and hyphens.
    x.md:8:3: error: The check `none` says nothing to do.
      |
    8 |   none: {}
      |   ^
      = help: Give it one of `http`, `env`, `command`, `file`, `tcp`, `tls`, `dns`, `burst`, `load`, `database`, `prometheus`, `github`, `push`, `manual`, `all` and `any`.
    x.md:8:3: warning: The check `none` decides no item.
      |
    8 |   none: {}
      |   ^
      = help: Write `<!-- check: none -->` into the item it is for.
    x.md:9:3: warning: The check `two` decides no item.
      |
    9 |   two: { http: { url: x }, env: { required: [A] } }
      |   ^
      = help: Write `<!-- check: two -->` into the item it is for.
    x.md:9:28: error: The check `two` has more than one thing to do.
      |
    9 |   two: { http: { url: x }, env: { required: [A] } }
      |                            ^
      = help: Keep one of `http`, `env`, `command`, `file`, `tcp`, `tls`, `dns`, `burst`, `load`, `database`, `prometheus`, `github`, `push`, `manual`, `all` and `any`; make another check of the other.
    x.md:10:3: warning: The check `bare` decides no item.
       |
    10 |   bare: { http: { method: 'G T' } }
       |   ^
       = help: Write `<!-- check: bare -->` into the item it is for.
    x.md:10:17: error: `http` has no `url`.
       |
    10 |   bare: { http: { method: 'G T' } }
       |                 ^
    x.md:10:27: error: `method` must be an HTTP method such as `GET` or `POST`, and is `G T`.
       |
    10 |   bare: { http: { method: 'G T' } }
       |                           ^
    x.md:11:3: warning: The check `both` decides no item.
       |
    11 |   both: { http: { url: x, body: a, json: b, follow: -1 } }
       |   ^
       = help: Write `<!-- check: both -->` into the item it is for.
    x.md:11:36: error: `http` has both `body` and `json`.
       |
    11 |   both: { http: { url: x, body: a, json: b, follow: -1 } }
       |                                    ^
       = help: A request has one body; keep one of them.
    x.md:12:3: warning: The check `env` decides no item.
       |
    12 |   env: { env: { required: A, optional: [1A, B: nope, {C: url, D: url}] } }
       |   ^
       = help: Write `<!-- check: env -->` into the item it is for.
    x.md:12:27: error: `required` must be a list, and is `A`.
       |
    12 |   env: { env: { required: A, optional: [1A, B: nope, {C: url, D: url}] } }
       |                           ^
    x.md:12:41: error: `1A` cannot be the name of an environment variable.
       |
    12 |   env: { env: { required: A, optional: [1A, B: nope, {C: url, D: url}] } }
       |                                         ^
       = help: A name is letters, digits and underscores, and does not begin with a digit.
    x.md:12:48: error: `nope` is not a format.
       |
    12 |   env: { env: { required: A, optional: [1A, B: nope, {C: url, D: url}] } }
       |                                                ^
       = help: The formats are `url`, `url(postgresql)`, `hex(64)`, `prefix(sk_live_)`, `equals(production)`, `same-as(OTHER)`, `matches(^v\d+$)`, `min(32)`, `base64-json` and `integer`.
    x.md:12:54: error: An entry of `env` must be `NAME`, `NAME: format` or `NAME: [format, format]`, and is a mapping.
       |
    12 | …: { env: { required: A, optional: [1A, B: nope, {C: url, D: url}] } }
       |                                                  ^
    x.md:13:3: warning: The check `empty` decides no item.
       |
    13 |   empty: { env: {} }
       |   ^
       = help: Write `<!-- check: empty -->` into the item it is for.
    x.md:13:12: error: `env` names no variable.
       |
    13 |   empty: { env: {} }
       |            ^
       = help: List names under `required`, `recommended` or `optional`, or give a `template`.
    x.md:14:3: warning: The check `shell` decides no item.
       |
    14 |   shell: { command: { run: npm test } }
       |   ^
       = help: Write `<!-- check: shell -->` into the item it is for.
    x.md:14:28: error: `run` must be a list: the program and its arguments.
       |
    14 |   shell: { command: { run: npm test } }
       |                            ^
       = help: Nothing is given to a shell. Write `run: [npm, test]`.
    x.md:15:3: warning: The check `argless` decides no item.
       |
    15 |   argless: { command: { run: [] } }
       |   ^
       = help: Write `<!-- check: argless -->` into the item it is for.
    x.md:15:30: error: `run` names no program.
       |
    15 |   argless: { command: { run: [] } }
       |                              ^
    x.md:16:3: warning: The check `slow` decides no item.
       |
    16 |   slow: { env: { required: [A] }, timeout: 10 }
       |   ^
       = help: Write `<!-- check: slow -->` into the item it is for.
    x.md:16:44: error: `timeout` must be a length of time.
       |
    16 |   slow: { env: { required: [A] }, timeout: 10 }
       |                                            ^
       = help: Write a whole number above zero and its unit: `500ms`, `10s`, `5m` or `1h`.
    x.md:17:3: warning: The check `never` decides no item.
       |
    17 |   never: { env: { required: [A] }, timeout: 0s, pass: [] }
       |   ^
       = help: Write `<!-- check: never -->` into the item it is for.
    x.md:17:45: error: `timeout` must be a length of time.
       |
    17 |   never: { env: { required: [A] }, timeout: 0s, pass: [] }
       |                                             ^
       = help: Write a whole number above zero and its unit: `500ms`, `10s`, `5m` or `1h`.
    x.md:17:55: error: `pass` must be a condition, and is a list.
       |
    17 | …r: { env: { required: [A] }, timeout: 0s, pass: [] }
       |                                                  ^
    x.md:19:3: error: `go` cannot be a sign-off's key, since a gate's needs use it.
       |
    19 |   go: {}
       |   ^
       = help: Name the role, as `tech-lead`.
    x.md:20:19: error: `quorum` must be a whole number from 1 to 100, and is `0`.
       |
    20 |   lead: { quorum: 0, escalate: pgae }
       |                   ^
    x.md:20:32: error: There is no escalation policy `pgae`.
       |
    20 |   lead: { quorum: 0, escalate: pgae }
       |                                ^
       = help: Did you mean `page`?
    x.md:22:18: error: `owner` must be a length of time.
       |
    22 |   page: { owner: 5 }
       |                  ^
       = help: Write a whole number above zero and its unit: `500ms`, `10s`, `5m` or `1h`.
    x.md:23:3: error: The escalation policy `nobody` pings nobody.
       |
    23 |   nobody: { repeat: 1 }
       |   ^
       = help: Give it at least one of `owner`, `deputy` and `lead`, as `owner: 15m`.
    x.md:25:3: error: There is no section `Nowhere`.
       |
    25 |   Nowhere: { needs: [lead, qa, itmes] }
       |   ^
       = help: Name a heading of the document by its words or its number.
    x.md:25:28: error: There is no sign-off `qa`.
       |
    25 |   Nowhere: { needs: [lead, qa, itmes] }
       |                            ^
       = help: A gate needs `items`, `checks`, `go` or a key of `sign-offs`.
    x.md:25:32: error: There is no sign-off `itmes`.
       |
    25 |   Nowhere: { needs: [lead, qa, itmes] }
       |                                ^
       = help: Did you mean `items`?
    x.md:26:3: error: There are 2 sections `Twice`.
       |
    26 |   Twice: { needs: [go] }
       |   ^
       = help: Name the one that is meant by its number: `1` in line 32, `2` in line 34.
    x.md:27:3: error: The gate `One` needs nothing.
       |
    27 |   One: {}
       |   ^
       = help: List what must hold, as `needs: [items, checks, tech-lead, go]`.
    x.md:29:20: error: `optional` must be `true` or `false`, and is `maybe`.
       |
    29 |   One: { optional: maybe }
       |                    ^
    ");
    assert_eq!(read(text).checklist.items.len(), 1);
}

#[test]
fn broken_yaml_is_told_and_loses_no_item() {
    insta::assert_snapshot!(told("---\ntitle: 'a\nchecks: [\n---\n- [ ] item <!-- check: x -->\n"), @"
    x.md:2:8: error: The front matter is not YAML: invalid indentation in quoted scalar.
      |
    2 | title: 'a
      |        ^
    ");
    insta::assert_snapshot!(told("---\na: *b\n---\n- [ ] item\n"), @"
    x.md:2:4: error: The front matter is not YAML: while parsing node, found unknown anchor.
      |
    2 | a: *b
      |    ^
    ");
    insta::assert_snapshot!(told("---\ntitle: a\n\n- [ ] item\n"), @"
    x.md:1:1: error: The front matter that begins here does not end.
      |
    1 | ---
      | ^
      = help: Write a line of `---` after its last line.
    ");
    insta::assert_snapshot!(told("---\n- a\n- b\n---\n- [ ] item\n"), @"
    x.md:2:1: error: The front matter is not a mapping of keys to values.
      |
    2 | - a
      | ^
      = help: Write `title: …`, or an empty line between `---` and text that is none.
    ");
    for text in [
        "---\ntitle: 'a\nchecks: [\n---\n- [ ] item <!-- check: x -->\n",
        "---\ntitle: a\n\n- [ ] item\n",
        "---\n- a\n- b\n---\n- [ ] item\n",
        "---\n- [ ] item\n",
        "---\n- [ ] item\n---\n",
        "---\nTo do:\n- [ ] item\n---\n",
        "---\n---\n- [ ] item\n",
        "---\r\ntitle: a\r\n...\r\n- [ ] item\r\n",
        "---\rtitle: a\r---\r- [ ] item\r",
        "\u{feff}---\ntitle: a\n---\n- [ ] item",
    ] {
        assert_eq!(read(text).checklist.items.len(), 1, "{text:?}");
    }
}

#[test]
fn what_nothing_uses_is_a_warning() {
    insta::assert_snapshot!(told("---\nchecks:\n  a: { env: { required: [A] } }\nsign-offs:\n  lead: { role: Lead }\n---\n- [ ] item\n"), @"
    x.md:3:3: warning: The check `a` decides no item.
      |
    3 |   a: { env: { required: [A] } }
      |   ^
      = help: Write `<!-- check: a -->` into the item it is for.
    x.md:5:3: warning: Neither an item nor a gate asks for the sign-off `lead`.
      |
    5 |   lead: { role: Lead }
      |   ^
      = help: Write `<!-- sign-off: lead -->` into an item, or name it in a gate's `needs`.
    ");
}
