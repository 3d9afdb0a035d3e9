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
