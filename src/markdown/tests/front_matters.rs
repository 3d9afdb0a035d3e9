//! Front matter that is sound, or none at all.

use std::fmt::Write as _;
use std::time::Duration;

use super::{outline, read, told};
use crate::domain::check::{CheckSeverity, CombinedProbe, Probe, Retry, Rule};
use crate::domain::checklist::Need;
use crate::domain::ids::{CheckId, RoleKey};

const WHOLE: &str = r#"---
title: Staging  deployment
description: What we do on Fridays
variables:
  base_url: { default: "https://example.com", env: STAGING_URL, secret: false, description: Where }
  token: { env: TOKEN, secret: true }
  plain: 12
  asked:
checks:
  health:
    description: Health endpoint answers
    http: { url: "{{ base_url }}/api/health", method: post, headers: { Accept: application/json }, json: { a: [1, 2.5, true, ~, "3"] }, follow: 2 }
    pass: status == 200 && json.status == "healthy"
    timeout: 500ms
  secrets:
    env: { file: .env.staging, required: [DATABASE_URL: "url(postgresql)", JWT_SECRET: "hex(64)", TOKEN], optional: [KEY: prefix(sk_)] }
  tests:
    command: { run: [npm, test], cwd: app, capture: '(?<passed>\d+)/(?<total>\d+)' }
sign-offs:
  tech-lead: { role: Tech Lead, quorum: 2, escalate: page }
  release-manager:
escalations:
  page: { owner: 15m, lead: 1h, repeat: 2 }
gates:
  deployment: { needs: [items, checks, tech-lead, go] }
  "2": { needs: [release-manager] }
sections:
  Rollback Plan: { optional: true }
---
# Staging
## Deployment
- [ ] Answers <!-- check: health -->
- [ ] Secrets <!-- check: secrets, tests -->
## Rollback Plan
- [ ] Undo
### Tell people
- [ ] Mail
"#;

#[test]
fn everything_the_language_has_is_read() {
    let parsed = read(WHOLE);
    assert_eq!(told(WHOLE), "");
    let checklist = parsed.checklist;
    assert_eq!(checklist.title, "Staging deployment");
    insta::assert_debug_snapshot!(
        (&checklist.variables, &checklist.sign_offs, &checklist.escalations, &checklist.gates),
        @r#"
    (
        {
            VariableName(
                "asked",
            ): Variable {
                default: None,
                env: None,
                secret: false,
                description: None,
            },
            VariableName(
                "base_url",
            ): Variable {
                default: Some(
                    "https://example.com",
                ),
                env: Some(
                    "STAGING_URL",
                ),
                secret: false,
                description: Some(
                    "Where",
                ),
            },
            VariableName(
                "plain",
            ): Variable {
                default: Some(
                    "12",
                ),
                env: None,
                secret: false,
                description: None,
            },
            VariableName(
                "token",
            ): Variable {
                default: None,
                env: Some(
                    "TOKEN",
                ),
                secret: true,
                description: None,
            },
        },
        {
            RoleKey(
                "release-manager",
            ): SignOffRule {
                key: RoleKey(
                    "release-manager",
                ),
                title: "Release Manager",
                quorum: 1,
                escalate: None,
            },
            RoleKey(
                "tech-lead",
            ): SignOffRule {
                key: RoleKey(
                    "tech-lead",
                ),
                title: "Tech Lead",
                quorum: 2,
                escalate: Some(
                    PolicyName(
                        "page",
                    ),
                ),
            },
        },
        {
            PolicyName(
                "page",
            ): EscalationPolicy {
                name: PolicyName(
                    "page",
                ),
                levels: [
                    Level {
                        rank: Owner,
                        wait: 900s,
                    },
                    Level {
                        rank: Lead,
                        wait: 3600s,
                    },
                ],
                repeat: 2,
            },
        },
        [
            Gate {
                section: 1,
                needs: [
                    Items,
                    Checks,
                    SignOff(
                        RoleKey(
                            "tech-lead",
                        ),
                    ),
                    Go,
                ],
            },
            Gate {
                section: 2,
                needs: [
                    SignOff(
                        RoleKey(
                            "release-manager",
                        ),
                    ),
                ],
            },
        ],
    )
    "#
    );
    insta::assert_debug_snapshot!(checklist.checks, @r#"
    {
        CheckId(
            "health",
        ): Check {
            id: CheckId(
                "health",
            ),
            description: Some(
                "Health endpoint answers",
            ),
            probe: Http(
                HttpProbe {
                    url: "{{ base_url }}/api/health",
                    method: "POST",
                    headers: {
                        "Accept": "application/json",
                    },
                    body: None,
                    json: Some(
                        Object {
                            "a": Array [
                                Number(1),
                                Number(2.5),
                                Bool(true),
                                Null,
                                String("3"),
                            ],
                        },
                    ),
                    follow: 2,
                    capture: [],
                },
            ),
            pass: Some(
                Condition {
                    text: "status == 200 && json.status == \"healthy\"",
                    line: 13,
                    column: 11,
                },
            ),
            timeout: 500ms,
            retry: None,
            after: [],
            severity: High,
            rhythm: None,
            escalate: None,
            line: 10,
        },
        CheckId(
            "secrets",
        ): Check {
            id: CheckId(
                "secrets",
            ),
            description: None,
            probe: Env(
                EnvProbe {
                    source: File(
                        ".env.staging",
                    ),
                    required: [
                        EnvVariable {
                            name: "DATABASE_URL",
                            formats: [
                                Url(
                                    Some(
                                        "postgresql",
                                    ),
                                ),
                            ],
                        },
                        EnvVariable {
                            name: "JWT_SECRET",
                            formats: [
                                Hex(
                                    64,
                                ),
                            ],
                        },
                        EnvVariable {
                            name: "TOKEN",
                            formats: [],
                        },
                    ],
                    recommended: [],
                    optional: [
                        EnvVariable {
                            name: "KEY",
                            formats: [
                                Prefix(
                                    "sk_",
                                ),
                            ],
                        },
                    ],
                    differs_from: None,
                    template: None,
                },
            ),
            pass: None,
            timeout: 10s,
            retry: None,
            after: [],
            severity: High,
            rhythm: None,
            escalate: None,
            line: 15,
        },
        CheckId(
            "tests",
        ): Check {
            id: CheckId(
                "tests",
            ),
            description: None,
            probe: Command(
                CommandProbe {
                    run: [
                        "npm",
                        "test",
                    ],
                    cwd: Some(
                        "app",
                    ),
                    capture: Some(
                        "(?<passed>\\d+)/(?<total>\\d+)",
                    ),
                },
            ),
            pass: None,
            timeout: 60s,
            retry: None,
            after: [],
            severity: High,
            rhythm: None,
            escalate: None,
            line: 17,
        },
    }
    "#);
    insta::assert_snapshot!(outline(WHOLE), @"
    30 #  Staging
    31 ## 1 Deployment
    32   [ ] 1.1 Answers (check health)
    33   [ ] 1.2 Secrets (check secrets) (check tests)
    34 ## 2 Rollback Plan (optional)
    35   [ ] 2.1 Undo (optional)
    36 ### 2.2 Tell people (optional)
    37   [ ] 2.2.1 Mail (optional)
    ");
}

#[test]
fn limits_are_the_usual_ones_unless_said_otherwise() {
    let checks = read(WHOLE).checklist.checks;
    let timeouts = ["health", "secrets", "tests"].map(|key| checks[&CheckId::new(key)].timeout);
    assert_eq!(
        timeouts,
        [
            Duration::from_millis(500),
            Duration::from_secs(10),
            Duration::from_mins(1)
        ]
    );
    assert!(matches!(&checks[&CheckId::new("health")].probe, Probe::Http(http) if http.method == "POST"));
}

const SHOP: &str = r#"---
variables:
  base_url: { default: "https://example.com" }
checks:
  login:
    http:
      steps:
        - url: "{{ base_url }}/login"
          method: POST
          json: { user: probe }
          capture: { token: json.token }
        - url: "{{ base_url }}/me"
          headers: { Authorization: "Bearer {{ token }}" }
          pass: status == 200
    severity: critical
    retry: { times: 2, wait: 500ms }
  orders:
    http: { url: "{{ base_url }}/orders?{{ login.token }}", capture: { first: 'json[0].id' } }
    after: login
    retry: 3
  ready: { all: [login, orders], after: [login], pass: passed.size() == total }
---
- [ ] Ready <!-- check: ready -->
"#;

#[test]
fn checks_can_be_sequences_wait_for_others_and_be_made_of_them() {
    assert_eq!(told(SHOP), "");
    let checks = read(SHOP).checklist.checks;
    let [login, orders, ready] = ["login", "orders", "ready"].map(|key| &checks[&CheckId::new(key)]);
    let wait = Duration::from_millis(500);
    assert_eq!(login.retry, Some(Retry { times: 2, wait }));
    assert_eq!(
        (login.severity, orders.severity),
        (CheckSeverity::Critical, CheckSeverity::High)
    );
    assert_eq!(login.timeout, Duration::from_secs(30));
    insta::assert_debug_snapshot!(login.probe, @r#"
    HttpSteps(
        HttpSteps {
            steps: [
                HttpStep {
                    request: HttpProbe {
                        url: "{{ base_url }}/login",
                        method: "POST",
                        headers: {},
                        body: None,
                        json: Some(
                            Object {
                                "user": String("probe"),
                            },
                        ),
                        follow: 0,
                        capture: [
                            HttpCapture {
                                name: "token",
                                value: Condition {
                                    text: "json.token",
                                    line: 11,
                                    column: 29,
                                },
                            },
                        ],
                    },
                    pass: None,
                    line: 8,
                    column: 11,
                },
                HttpStep {
                    request: HttpProbe {
                        url: "{{ base_url }}/me",
                        method: "GET",
                        headers: {
                            "Authorization": "Bearer {{ token }}",
                        },
                        body: None,
                        json: None,
                        follow: 0,
                        capture: [],
                    },
                    pass: Some(
                        Condition {
                            text: "status == 200",
                            line: 14,
                            column: 17,
                        },
                    ),
                    line: 12,
                    column: 11,
                },
            ],
        },
    )
    "#);
    let wait = Duration::from_secs(1);
    assert_eq!(orders.retry, Some(Retry { times: 3, wait }));
    assert_eq!(orders.after, [CheckId::new("login")]);
    assert!(matches!(&orders.probe, Probe::Http(http) if http.capture[0].value.text == "json[0].id"));
    assert_eq!(
        ready.probe,
        Probe::Combined(CombinedProbe {
            rule: Rule::All,
            members: ["login", "orders"].map(CheckId::new).to_vec(),
        })
    );
    assert_eq!(ready.needs().count(), 3);
}

#[test]
fn gates_stand_before_the_sections_they_name() {
    let gates = read(WHOLE).checklist.gates;
    assert_eq!(gates[0].section, 1);
    assert_eq!(gates[0].needs[2], Need::SignOff(RoleKey::new("tech-lead")));
    assert_eq!(gates[1].section, 2);
}

#[test]
fn two_thematic_breaks_are_not_front_matter() {
    insta::assert_snapshot!(outline("---\n# T\n---\n- [ ] item\n"), @"
    2 #  T
    4   [ ] 1 item
    ");
    assert_eq!(told("---\n# T\n---\n- [ ] item\n"), "");
}

#[test]
fn aliases_are_followed_but_not_into_bombs() {
    let text =
        "---\nchecks:\n  a: &a { env: { required: [A] } }\n  b: *a\n---\n- [ ] item <!-- check: a, b -->\n";
    assert_eq!(told(text), "");
    assert_eq!(read(text).checklist.checks.len(), 2);

    let mut bomb = "---\nl0: &l0 [a, a, a, a, a, a, a, a, a, a]\n".to_owned();
    for level in 1..30 {
        let before = format!("*l{}", level - 1);
        let _ = writeln!(bomb, "l{level}: &l{level} [{}]", vec![before; 10].join(", "));
    }
    bomb.push_str("---\n- [ ] item\n");
    assert!(told(&bomb).contains("holds more than"), "{}", told(&bomb));
    assert!(told("---\na: &a [*a]\n---\n").contains("inside what it repeats"));
}

#[test]
fn a_very_deep_document_needs_little_stack() {
    let deep = 10_000;
    let documents = [
        format!("---\ntitle: {}\n---\n- [ ] item\n", "[".repeat(deep)),
        format!(
            "---\ntitle: {}{}\n---\n- [ ] item\n",
            "[".repeat(deep),
            "]".repeat(deep)
        ),
        format!("---\ntitle: {}\n---\n- [ ] item\n", "{a: ".repeat(deep)),
        format!("---\ntitle:\n  {}a\n---\n- [ ] item\n", "- ".repeat(deep)),
        format!("---\ntitle:\n  {}a\n---\n- [ ] item\n", "? ".repeat(deep)),
        format!("{}a\n\n- [ ] item\n", ">".repeat(deep)),
        format!("{}a\n\n- [ ] item\n", "- ".repeat(deep)),
        format!("{}a\n\n- [ ] item\n", "1. ".repeat(deep)),
        format!("- [ ] item {}a{}\n", "*".repeat(deep), "*".repeat(deep)),
        format!("- [ ] item {}a{}\n", "[".repeat(deep), "](b)".repeat(deep)),
    ];
    let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(move || {
        documents
            .iter()
            .map(|document| {
                read(document)
                    .checklist
                    .items
                    .iter()
                    .filter(|item| item.text.starts_with("item"))
                    .count()
            })
            .collect::<Vec<_>>()
    });
    let counts = thread.map(std::thread::JoinHandle::join);
    assert!(
        matches!(&counts, Ok(Ok(counts)) if counts.iter().all(|count| *count == 1)),
        "{counts:?}"
    );
}

#[test]
fn how_a_check_is_observed_is_read() {
    let text = "---\nchecks:\n  gate: { env: { required: [A] }, for: 1h, every: 1m }\n  flaky: { env: { required: [A] }, every: 10s, failures: 3, successes: 2 }\n  errors: { env: { required: [A] }, every: 5m, failures: 2, watch: true }\n  plain: { env: { required: [A] }, failures: 1, successes: 1, watch: false }\n---\n- [ ] a <!-- check: gate, flaky, errors, plain -->\n";
    let (checklist, told) = (read(text).checklist, told(text));
    insta::assert_snapshot!(told, @"");
    let rhythms: Vec<_> = checklist
        .checks
        .values()
        .map(|check| {
            (
                check.id.as_str(),
                check.rhythm,
                check.rhythm.map(|rhythm| rhythm.needed()),
            )
        })
        .collect();
    insta::assert_debug_snapshot!(rhythms, @r#"
    [
        (
            "errors",
            Some(
                Rhythm {
                    every: 300s,
                    lasting: None,
                    failures: 2,
                    successes: 1,
                    after_go: Watched,
                },
            ),
            Some(
                1,
            ),
        ),
        (
            "flaky",
            Some(
                Rhythm {
                    every: 10s,
                    lasting: None,
                    failures: 3,
                    successes: 2,
                    after_go: Left,
                },
            ),
            Some(
                2,
            ),
        ),
        (
            "gate",
            Some(
                Rhythm {
                    every: 60s,
                    lasting: Some(
                        3600s,
                    ),
                    failures: 1,
                    successes: 1,
                    after_go: Left,
                },
            ),
            Some(
                61,
            ),
        ),
        (
            "plain",
            None,
            None,
        ),
    ]
    "#);
}

#[test]
fn bursts_and_loads_have_their_usual_limits() {
    let checks = read(
        "---
checks:
  burst: { burst: { url: \"https://app.example/\", requests: 100 } }
  slow-burst: { burst: { url: \"https://app.example/\", requests: 10000, within: 30s }, timeout: 2m }
  load: { load: { url: \"https://app.example/\" } }
  paced: { load: { url: \"https://app.example/\", method: post, json: { a: 1 }, requests: 1000, rate: 50, warm_up: 5s } }
  counted: { load: { url: \"https://app.example/\", requests: 1000, connections: 500, baseline: before.json } }
---
- [ ] it <!-- check: load -->
",
    )
    .checklist
    .checks;
    let told: Vec<String> = checks
        .values()
        .map(|check| match &check.probe {
            Probe::Burst(burst) => {
                format!(
                    "{}: {} within {:?}, {:?}",
                    check.id, burst.requests, burst.within, check.timeout
                )
            }
            Probe::Load(load) => format!(
                "{}: {} connections, {:?}, rate {:?}, warm-up {:?}, baseline {:?}, {:?}",
                check.id,
                load.connections,
                load.extent,
                load.rate,
                load.warm_up,
                load.baseline.as_ref().map(|baseline| baseline.file.as_str()),
                check.timeout
            ),
            other => panic!("{other:?}"),
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    burst: 100 within 10s, 20s
    counted: 500 connections, Requests(1000), rate None, warm-up 0ns, baseline Some("before.json"), 70s
    load: 10 connections, Duration(10s), rate None, warm-up 0ns, baseline None, 20s
    paced: 10 connections, Requests(1000), rate Some(50), warm-up 5s, baseline None, 35s
    slow-burst: 10000 within 30s, 120s
    "#);
}

#[test]
fn bursts_and_loads_past_their_limits_are_told() {
    insta::assert_snapshot!(
        told(
            "---
checks:
  a: { burst: { url: \"https://app.example/\" } }
  b: { burst: { url: \"https://app.example/\", requests: 10001, with_in: 1s } }
  c: { load: { url: \"https://app.example/\", connections: 501 } }
  d: { load: { url: \"https://app.example/\", duration: 31m } }
  e: { load: { url: \"https://app.example/\", duration: 1m, requests: 5 } }
  f: { load: { url: \"https://app.example/\", rate: 0, warm_up: 1h } }
  g: { load: { url: \"https://app.example/\", body: a, json: b } }
  h: { load: { url: \"https://app.example/\", baseline: { check: a } } }
---
- [ ] it
"
        ),
        @r#"
    x.md:3:3: warning: The check `a` decides no item.
      |
    3 |   a: { burst: { url: "https://app.example/" } }
      |   ^
      = help: Write `<!-- check: a -->` into the item it is for.
    x.md:3:15: error: `burst` has no `requests`.
      |
    3 |   a: { burst: { url: "https://app.example/" } }
      |               ^
    x.md:4:3: warning: The check `b` decides no item.
      |
    4 |   b: { burst: { url: "https://app.example/", requests: 10001, with_in: 1s } }
      |   ^
      = help: Write `<!-- check: b -->` into the item it is for.
    x.md:4:56: error: `requests` must be a whole number from 1 to 10000, and is `10001`.
      |
    4 | …burst: { url: "https://app.example/", requests: 10001, with_in: 1s } }
      |                                                  ^
    x.md:4:63: error: There is no key `with_in` in `burst`.
      |
    4 | …{ url: "https://app.example/", requests: 10001, with_in: 1s } }
      |                                                  ^
      = help: Did you mean `within`?
    x.md:5:3: warning: The check `c` decides no item.
      |
    5 |   c: { load: { url: "https://app.example/", connections: 501 } }
      |   ^
      = help: Write `<!-- check: c -->` into the item it is for.
    x.md:5:58: error: `connections` must be a whole number from 1 to 500, and is `501`.
      |
    5 | …ad: { url: "https://app.example/", connections: 501 } }
      |                                                  ^
    x.md:6:3: warning: The check `d` decides no item.
      |
    6 |   d: { load: { url: "https://app.example/", duration: 31m } }
      |   ^
      = help: Write `<!-- check: d -->` into the item it is for.
    x.md:6:55: error: `duration` must be at most 30 minutes, written as `30m`, and is `31m`.
      |
    6 | … load: { url: "https://app.example/", duration: 31m } }
      |                                                  ^
    x.md:7:3: warning: The check `e` decides no item.
      |
    7 |   e: { load: { url: "https://app.example/", duration: 1m, requests: 5 } }
      |   ^
      = help: Write `<!-- check: e -->` into the item it is for.
    x.md:7:59: error: `load` has both `duration` and `requests`.
      |
    7 | …d: { url: "https://app.example/", duration: 1m, requests: 5 } }
      |                                                  ^
      = help: Either says when it is over; keep one of them.
    x.md:8:3: warning: The check `f` decides no item.
      |
    8 |   f: { load: { url: "https://app.example/", rate: 0, warm_up: 1h } }
      |   ^
      = help: Write `<!-- check: f -->` into the item it is for.
    x.md:8:51: error: `rate` must be a whole number from 1 to 100000, and is `0`.
      |
    8 | …f: { load: { url: "https://app.example/", rate: 0, warm_up: 1h } }
      |                                                  ^
    x.md:8:63: error: `warm_up` must be at most 30 minutes, written as `30m`, and is `1h`.
      |
    8 | … url: "https://app.example/", rate: 0, warm_up: 1h } }
      |                                                  ^
    x.md:9:3: warning: The check `g` decides no item.
      |
    9 |   g: { load: { url: "https://app.example/", body: a, json: b } }
      |   ^
      = help: Write `<!-- check: g -->` into the item it is for.
    x.md:9:54: error: `load` has both `body` and `json`.
      |
    9 | …{ load: { url: "https://app.example/", body: a, json: b } }
      |                                                  ^
      = help: A request has one body; keep one of them.
    x.md:10:3: warning: The check `h` decides no item.
       |
    10 |   h: { load: { url: "https://app.example/", baseline: { check: a } } }
       |   ^
       = help: Write `<!-- check: h -->` into the item it is for.
    x.md:10:55: error: `baseline` has no `file`.
       |
    10 | … load: { url: "https://app.example/", baseline: { check: a } } }
       |                                                  ^
    "#
    );
}
