//! The five files, read once for each test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use holdpoint::checks::Checks;
use holdpoint::domain::checklist::Checklist;
use holdpoint::domain::ids::ChecklistName;
use holdpoint::engine::problems_of;
use holdpoint::markdown::{self, Parsed};

/// Their names and how many items each has, in the order of the documents they were written after.
pub(crate) const SHIPPED: [(&str, usize); 5] = [
    ("staging-telehealth", 156),
    ("staging-crm", 167),
    ("production-booking", 201),
    ("production-client-platform", 170),
    ("staged-rollout-portal", 50),
];

/// One of them.
pub(crate) struct Shipped {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) parsed: Parsed,
}

pub(crate) fn shipped() -> Vec<Shipped> {
    SHIPPED
        .iter()
        .map(|(name, _)| {
            let bytes =
                fs::read(directory().join(format!("{name}.md"))).expect("a shipped checklist is readable");
            let parsed = markdown::parse(&ChecklistName::new(*name), &bytes);
            Shipped { name, bytes, parsed }
        })
        .collect()
}

/// The checklist of this name.
pub(crate) fn named(name: &str) -> Checklist {
    let found = shipped().into_iter().find(|shipped| shipped.name == name);
    found.expect("a checklist that is shipped").parsed.checklist
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("checklists")
}

#[test]
fn each_has_all_its_items_and_nothing_is_wrong_with_it() {
    for (shipped, (name, count)) in shipped().iter().zip(SHIPPED) {
        let mut findings = shipped.parsed.diagnostics.clone();
        findings.extend(problems_of(&shipped.parsed.checklist));
        assert!(findings.is_empty(), "{name}: {findings:#?}");
        assert_eq!(shipped.parsed.checklist.items.len(), count, "{name}");
    }
}

/// What a machine can decide of them, and what the table of their page says.
#[test]
fn most_of_the_items_are_decided_by_checks_and_the_table_says_how_many() {
    let page = fs::read_to_string(directory().join("README.md")).expect("the page is readable");
    let (mut items, mut bound) = (0, 0);
    for shipped in shipped() {
        let checklist = &shipped.parsed.checklist;
        let decided = checklist
            .items
            .iter()
            .filter(|item| !item.checks.is_empty())
            .count();
        let figures = format!(
            "| {} | {} | {decided} |",
            checklist.items.len(),
            checklist.checks.len()
        );
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| [{}]", shipped.name)))
            .expect("its row in the table");
        assert!(
            row.contains(&figures),
            "{}: {figures} is not in {row}",
            shipped.name
        );
        items += checklist.items.len();
        bound += decided;
    }
    assert_eq!(items, 744);
    assert!(bound >= 372, "only {bound} of {items}");
}

#[test]
fn no_other_is_shipped() {
    let mut found: Vec<String> = fs::read_dir(directory())
        .expect("the directory is readable")
        .map(|entry| entry.expect("an entry is readable").file_name())
        .filter_map(|name| Some(name.to_str()?.strip_suffix(".md")?.to_owned()))
        .filter(|name| name != "README")
        .collect();
    found.sort();
    let mut listed: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
    listed.sort_unstable();
    assert_eq!(found, listed);
}

#[test]
fn every_variable_that_a_check_names_is_declared_and_each_is_named() {
    for shipped in shipped() {
        let checklist = &shipped.parsed.checklist;
        let named: BTreeSet<_> = checklist.checks.values().flat_map(Checks::variables_of).collect();
        let declared: BTreeSet<_> = checklist.variables.keys().cloned().collect();
        assert_eq!(named, declared, "{}", shipped.name);
    }
}

#[test]
fn every_item_is_bound_to_what_there_is_and_every_check_and_role_decides_something() {
    for shipped in shipped() {
        let checklist = &shipped.parsed.checklist;
        let bound: Vec<_> = checklist.items.iter().flat_map(|item| &item.checks).collect();
        for check in checklist.checks.keys() {
            assert!(
                bound.contains(&check),
                "{}: {check} decides no item",
                shipped.name
            );
        }
        for role in checklist.sign_offs.keys() {
            let signs = checklist
                .items
                .iter()
                .any(|item| item.sign_off.as_ref() == Some(role));
            let opens = checklist.gates.iter().any(|gate| {
                gate.needs.iter().any(|need| {
                    matches!(need, holdpoint::domain::checklist::Need::SignOff(needed) if needed == role)
                })
            });
            assert!(signs || opens, "{}: nothing waits for {role}", shipped.name);
        }
    }
}
