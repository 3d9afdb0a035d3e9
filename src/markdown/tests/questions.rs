//! Checks that ask services: Prometheus, GitHub and databases.

use std::time::Duration;

use super::{read, told};
use crate::domain::check::{GithubQuestion, Probe};
use crate::domain::ids::CheckId;

fn with_checks(checks: &str) -> String {
    format!(
        "---\ntitle: T\nvariables: {{ token: {{ secret: true }} }}\nchecks:\n{checks}---\n# T\n## S\n- [ ] It <!-- check: it -->\n"
    )
}

fn probe(check: &str) -> Probe {
    let source = with_checks(&format!("  it:\n    {check}\n"));
    assert_eq!(told(&source), "");
    read(&source).checklist.checks[&CheckId::new("it")].probe.clone()
}

#[test]
fn what_is_sound_is_read() {
    let Probe::Prometheus(asked) = probe("prometheus: { url: https://p.example, query: up, range: 2h }")
    else {
        panic!("another probe");
    };
    let range = asked.range.expect("a range");
    assert_eq!(
        (range.over, range.step),
        (Duration::from_hours(2), Duration::from_mins(2))
    );

    let Probe::Github(asked) =
        probe("github: { repository: acme/portal, checks: all, ref: main, token: \"{{ token }}\" }")
    else {
        panic!("another probe");
    };
    assert_eq!(asked.base_url, "https://api.github.com");
    assert_eq!(
        asked.question,
        GithubQuestion::Checks {
            reference: "main".to_owned(),
            names: Vec::new(),
        }
    );

    let Probe::Database(asked) = probe("database: { url: sqlite:app.db, query: SELECT 1 }") else {
        panic!("another probe");
    };
    assert_eq!(
        (asked.url.as_str(), asked.query.as_str()),
        ("sqlite:app.db", "SELECT 1")
    );
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let mut table = Vec::new();
    for check in [
        "prometheus: { url: https://p.example }",
        "prometheus: { url: https://p.example, query: up, step: 1m }",
        "prometheus: { url: https://p.example, query: up, range: 24h, step: 1s }",
        "prometheus: { url: https://p.example, query: up, headers: [a] }",
        "github: { repository: acme/portal }",
        "github: { repository: acme/portal, checks: all }",
        "github: { repository: acme/portal, checks: some, ref: main }",
        "github: { repository: acme/portal, compare: main, alerts: dependabot, ref: staging }",
        "github: { repository: acme/portal, alerts: secrets }",
        "github: { repository: acme/portal, alerts: dependabot, ref: main }",
        "github: { workflow: deploy.yml }",
        "database: { url: sqlite:app.db }",
        "database: { url: \"\", query: SELECT 1, table: users }",
    ] {
        let source = with_checks(&format!("  it:\n    {check}\n"));
        table.push(format!("{check}\n{}", told(&source)));
    }
    insta::assert_snapshot!(table.join("\n"), @r#"
    prometheus: { url: https://p.example }
    x.md:6:17: error: `prometheus` has no `query`.
      |
    6 |     prometheus: { url: https://p.example }
      |                 ^

    prometheus: { url: https://p.example, query: up, step: 1m }
    x.md:6:54: error: `prometheus` has a `step` without a `range`.
      |
    6 | …rometheus: { url: https://p.example, query: up, step: 1m }
      |                                                  ^
      = help: A query for this moment has no steps; add `range` or remove `step`.

    prometheus: { url: https://p.example, query: up, range: 24h, step: 1s }
    x.md:6:66: error: `range` has more than 11000 steps, and Prometheus gives no more.
      |
    6 | … url: https://p.example, query: up, range: 24h, step: 1s }
      |                                                  ^
      = help: Make `step` longer.

    prometheus: { url: https://p.example, query: up, headers: [a] }
    x.md:6:63: error: `headers` must be a mapping of keys to values, and is a list.
      |
    6 | …: { url: https://p.example, query: up, headers: [a] }
      |                                                  ^

    github: { repository: acme/portal }
    x.md:6:5: error: `github` asks nothing.
      |
    6 |     github: { repository: acme/portal }
      |     ^
      = help: Give it one of `checks`, `workflow`, `compare` and `alerts`.

    github: { repository: acme/portal, checks: all }
    x.md:6:40: error: `checks` needs a `ref`.
      |
    6 |     github: { repository: acme/portal, checks: all }
      |                                        ^
      = help: Say which commit, branch or tag is meant, as in `ref: main`.

    github: { repository: acme/portal, checks: some, ref: main }
    x.md:6:48: error: `checks` must be `all` or a list of the names of check runs, and is `some`.
      |
    6 |     github: { repository: acme/portal, checks: some, ref: main }
      |                                                ^

    github: { repository: acme/portal, compare: main, alerts: dependabot, ref: staging }
    x.md:6:55: error: `github` asks more than one thing.
      |
    6 | …thub: { repository: acme/portal, compare: main, alerts: dependabot, ref: staging }
      |                                                  ^
      = help: Keep one of `checks`, `workflow`, `compare` and `alerts`; make another check of the other.

    github: { repository: acme/portal, alerts: secrets }
    x.md:6:48: error: `alerts` must be `code-scanning` or `dependabot`, and is `secrets`.
      |
    6 |     github: { repository: acme/portal, alerts: secrets }
      |                                                ^

    github: { repository: acme/portal, alerts: dependabot, ref: main }
    x.md:6:60: error: Alerts of Dependabot have no `ref`.
      |
    6 | … { repository: acme/portal, alerts: dependabot, ref: main }
      |                                                  ^
      = help: GitHub raises them for the default branch alone; remove `ref`.

    github: { workflow: deploy.yml }
    x.md:6:13: error: `github` has no `repository`.
      |
    6 |     github: { workflow: deploy.yml }
      |             ^

    database: { url: sqlite:app.db }
    x.md:6:15: error: `database` has no `query`.
      |
    6 |     database: { url: sqlite:app.db }
      |               ^

    database: { url: "", query: SELECT 1, table: users }
    x.md:6:22: error: `url` must not be empty.
      |
    6 |     database: { url: "", query: SELECT 1, table: users }
      |                      ^
    x.md:6:43: error: There is no key `table` in `database`.
      |
    6 |     database: { url: "", query: SELECT 1, table: users }
      |                                           ^
      = help: The keys are `url` and `query`.
    "#);
}
