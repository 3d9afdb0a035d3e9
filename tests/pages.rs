//! What the pages in `docs/checks` show must be right: every example is read and its conditions are compiled.

#![expect(clippy::expect_used, reason = "a test may panic, in its helpers too")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use holdpoint::checks::Checks;
use holdpoint::domain::ids::ChecklistName;
use holdpoint::markdown::{self, Severity};

fn pages() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/checks");
    let mut pages: Vec<PathBuf> = fs::read_dir(directory)
        .expect("the pages are there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.sort();
    pages
}

/// The YAML of a page that declares checks.
fn examples(page: &str) -> Vec<&str> {
    page.split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .filter(|yaml| yaml.lines().any(|line| line == "checks:"))
        .collect()
}

/// A checklist of an example, whose variables are declared where it does not do so itself. `beside` are checks that the
/// example names and does not show.
fn checklist(yaml: &str, beside: &[String]) -> String {
    let mut text = format!("---\n{yaml}");
    for check in beside {
        let declared = format!("checks:\n  {check}: {{ env: {{ required: [KEY] }} }}\n");
        text = text.replacen("checks:\n", &declared, 1);
    }
    let variables: BTreeSet<&str> = yaml
        .split("{{ ")
        .skip(1)
        .filter_map(|rest| rest.split(" }}").next())
        // What another check captured is no variable.
        .filter(|name| !name.contains('.'))
        .collect();
    if !yaml.lines().any(|line| line == "variables:") && !variables.is_empty() {
        text.push_str("variables:\n");
        for variable in variables {
            text.push_str("  ");
            text.push_str(variable);
            text.push_str(":\n");
        }
    }
    text.push_str("---\n- [ ] item\n");
    text
}

#[test]
fn every_example_of_a_probe_is_right() {
    let pages = pages();
    assert!(!pages.is_empty(), "there are no pages");
    let mut wrong = Vec::new();
    for path in pages {
        let page = fs::read_to_string(&path).expect("a page can be read");
        let found = examples(&page);
        if found.is_empty() {
            wrong.push(format!("{} shows no checks", path.display()));
        }
        for yaml in found {
            let page = ChecklistName::new("page");
            let beside: Vec<String> = markdown::parse(&page, checklist(yaml, &[]).as_bytes())
                .diagnostics
                .iter()
                .filter_map(|diagnostic| diagnostic.message.strip_prefix("There is no check `"))
                .filter_map(|rest| Some(rest.split_once('`')?.0.to_owned()))
                .collect::<BTreeSet<String>>()
                .into_iter()
                .collect();
            let parsed = markdown::parse(&page, checklist(yaml, &beside).as_bytes());
            let read = parsed.checklist;
            let errors = parsed
                .diagnostics
                .iter()
                .filter(|diagnostic| diagnostic.severity == Severity::Error)
                .map(|diagnostic| diagnostic.message.clone());
            let problems = read
                .checks
                .values()
                .flat_map(|check| Checks::problems(check, &read.variables))
                .chain(Checks::problems_between(&read.checks))
                .map(|problem| problem.message);
            wrong.extend(
                errors
                    .chain(problems)
                    .map(|what| format!("{}: {what}\n{yaml}", path.display())),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
