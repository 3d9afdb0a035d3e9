//! A terse way to write a checklist.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::check::{Check, CheckSeverity, CommandProbe, Probe};
use crate::domain::checklist::{Blank, Checklist, Gate, Item, Need, Section};
use crate::domain::ids::{BlankId, CheckId, ChecklistHash, ChecklistName, ItemId, RoleKey, SectionId};
use crate::domain::sign_off::SignOffRule;

/// Reads a checklist written tersely: a line without indentation is a section (`/ ` before it nests it in the last
/// outermost one), `[ ]` and `[x]` are items nested by two spaces a level, `___label` a blank of the item above. After a
/// bar come annotations: `check a b`, `sign-off role`, `decision`, `optional`, and for sections `gate items checks go role`.
pub(super) fn checklist(text: &str) -> Checklist {
    let mut read = Checklist {
        name: ChecklistName::new("shop"),
        hash: ChecklistHash::new("f".repeat(64)),
        title: "Shop".to_owned(),
        source: String::new(),
        sections: Vec::new(),
        items: Vec::new(),
        blanks: Vec::new(),
        variables: BTreeMap::new(),
        checks: BTreeMap::new(),
        sign_offs: BTreeMap::new(),
        gates: Vec::new(),
        escalations: BTreeMap::new(),
    };
    // The numbers of the section and of the items down to the last one read.
    let mut section_path: Vec<u32> = Vec::new();
    let mut outermost = 0;
    let mut used_in_outermost = 0;
    let mut path: Vec<(u32, usize)> = Vec::new();
    for (number, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let (body, notes) = line.split_once(" | ").unwrap_or((line, ""));
        let depth = (body.len() - body.trim_start().len()) / 2;
        let body = body.trim();
        let notes: Vec<Vec<&str>> = notes
            .split(';')
            .map(|note| note.split_whitespace().collect())
            .collect();
        let after = |word: &str| {
            notes
                .iter()
                .find(|note| note.first() == Some(&word))
                .map(|note| note[1..].to_vec())
        };
        if let Some(label) = body.strip_prefix("___") {
            let item = read.items.len() - 1;
            read.blanks.push(Blank {
                id: BlankId::new(format!("{}/{label}", read.items[item].id)),
                label: label.to_owned(),
                item: Some(item),
                line: number + 1,
                span: 0..0,
            });
        } else if let Some(task) = body.strip_prefix('[') {
            path.truncate(depth - 1);
            let parent = path.last().map(|(_, index)| *index);
            let index = read.items.len();
            let before = if depth == 1 {
                used_in_outermost
            } else {
                read.items.iter().filter(|item| item.parent == parent).count() as u32
            };
            if depth == 1 {
                used_in_outermost += 1;
            }
            path.push((before + 1, index));
            let numbers: Vec<String> = section_path
                .iter()
                .copied()
                .chain(path.iter().map(|(number, _)| *number))
                .map(|number| number.to_string())
                .collect();
            let checks: Vec<CheckId> = after("check")
                .unwrap_or_default()
                .into_iter()
                .map(CheckId::new)
                .collect();
            for check in &checks {
                read.checks.insert(check.clone(), probe(check));
            }
            let sign_off = after("sign-off").and_then(|roles| roles.first().copied().map(RoleKey::new));
            if let Some(role) = &sign_off {
                add_role(&mut read, role);
            }
            read.items.push(Item {
                id: ItemId::new(numbers.join(".")),
                line: number + 1,
                checked: task.starts_with('x'),
                depth,
                text: task.chars().skip(3).collect(),
                section: read.sections.len().checked_sub(1),
                parent,
                ordered: false,
                marker: 0..0,
                optional: after("optional").is_some(),
                checks,
                sign_off,
                decision: after("decision").is_some(),
            });
        } else {
            path.clear();
            let index = read.sections.len();
            let nested = body.strip_prefix("/ ");
            let parent = nested.and_then(|_| {
                read.sections
                    .iter()
                    .rposition(|section: &Section| section.parent.is_none())
            });
            if nested.is_some() {
                section_path = vec![outermost, used_in_outermost + 1];
            } else {
                outermost += 1;
                section_path = vec![outermost];
            }
            used_in_outermost = 0;
            let id: Vec<String> = section_path.iter().map(u32::to_string).collect();
            read.sections.push(Section {
                id: SectionId::new(id.join(".")),
                title: nested.unwrap_or(body).to_owned(),
                level: 2,
                line: number + 1,
                parent,
                optional: after("optional").is_some(),
            });
            if let Some(needs) = after("gate") {
                let needs = needs
                    .into_iter()
                    .map(|need| match need {
                        "items" => Need::Items,
                        "checks" => Need::Checks,
                        "go" => Need::Go,
                        role => {
                            add_role(&mut read, &RoleKey::new(role));
                            Need::SignOff(RoleKey::new(role))
                        }
                    })
                    .collect();
                read.gates.push(Gate {
                    section: index,
                    needs,
                });
            }
        }
    }
    read
}

pub(super) fn probe(id: &CheckId) -> Check {
    Check {
        id: id.clone(),
        description: None,
        probe: Probe::Command(CommandProbe {
            run: vec!["true".to_owned()],
            cwd: None,
            capture: None,
        }),
        pass: None,
        timeout: Duration::from_secs(10),
        retry: None,
        after: Vec::new(),
        severity: CheckSeverity::default(),
        rhythm: None,
        escalate: None,
        line: 1,
    }
}

fn add_role(checklist: &mut Checklist, role: &RoleKey) {
    let rule = SignOffRule {
        key: role.clone(),
        title: role.to_string(),
        quorum: 1,
        escalate: None,
    };
    checklist.sign_offs.entry(role.clone()).or_insert(rule);
}
