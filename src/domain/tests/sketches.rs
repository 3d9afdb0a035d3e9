//! Any checklist, and anything that somebody may do to a deployment of it.

use proptest::prelude::*;
use proptest::sample::Index;

use super::kit::*;
use crate::domain::checklist::{Blank, Checklist, Gate, Item, Need, Section};
use crate::domain::ids::{BlankId, CheckId, ItemId, RoleKey, SectionId};
use crate::domain::sign_off::SignOffRule;

pub(super) const CHECKS: [&str; 3] = ["health", "latency", "tests"];
pub(super) const ROLES: [&str; 3] = ["ops", "qa", "tech-lead"];

/// An item before it has a place: how deep it wants to be, and what is said of it.
#[derive(Clone, Debug)]
pub(super) struct Sketch {
    pub(super) depth: usize,
    pub(super) checked: bool,
    pub(super) optional: bool,
    pub(super) checks: Vec<usize>,
    pub(super) answer: Option<usize>,
}

pub(super) fn sketch() -> impl Strategy<Value = Sketch> {
    (
        1usize..4,
        prop::bool::weighted(0.15),
        prop::bool::weighted(0.15),
        prop::collection::vec(0..CHECKS.len(), 0..2),
        // A role's box, or past the roles the decision's.
        prop::option::weighted(0.25, 0..=ROLES.len()),
    )
        .prop_map(|(depth, checked, optional, checks, answer)| Sketch {
            depth,
            checked,
            optional,
            checks,
            answer,
        })
}

pub(super) type SectionSketch = (bool, Option<Vec<usize>>, bool, Vec<Sketch>);

pub(super) fn any_checklist() -> impl Strategy<Value = Checklist> {
    let section = (
        prop::bool::weighted(0.15),
        // Needs: 0 items, 1 checks, 2 GO, then the roles.
        prop::option::weighted(0.5, prop::collection::vec(0..3 + ROLES.len(), 1..4)),
        prop::bool::weighted(0.3),
        prop::collection::vec(sketch(), 0..6),
    );
    (
        prop::collection::vec(section, 1..5),
        prop::collection::vec(1usize..3, ROLES.len()),
        prop::collection::vec(prop::bool::ANY, ROLES.len()),
    )
        .prop_map(|(sections, quorums, asked)| build(sections, &quorums, &asked))
}

pub(super) fn build(sections: Vec<SectionSketch>, quorums: &[usize], asked: &[bool]) -> Checklist {
    let mut built = checklist("");
    for check in CHECKS.map(CheckId::new) {
        built.checks.insert(check.clone(), probe(&check));
    }
    for ((role, quorum), asked) in ROLES.iter().zip(quorums).zip(asked) {
        if *asked {
            let rule = SignOffRule {
                key: RoleKey::new(*role),
                title: (*role).to_owned(),
                quorum: *quorum,
                escalate: None,
            };
            built.sign_offs.insert(RoleKey::new(*role), rule);
        }
    }
    let role = |position: usize, built: &Checklist| {
        ROLES
            .get(position)
            .map(|role| RoleKey::new(*role))
            .filter(|role| built.sign_offs.contains_key(role))
    };
    for (index, (optional, needs, nested, sketches)) in sections.into_iter().enumerate() {
        built.sections.push(Section {
            id: SectionId::new((index + 1).to_string()),
            title: format!("Section {index}"),
            level: 2,
            line: 1,
            parent: index.checked_sub(1).filter(|_| nested),
            optional,
        });
        let needs: Vec<Need> = needs
            .into_iter()
            .flatten()
            .filter_map(|need| match need {
                0 => Some(Need::Items),
                1 => Some(Need::Checks),
                2 => Some(Need::Go),
                more => role(more - 3, &built).map(Need::SignOff),
            })
            .collect();
        if !needs.is_empty() {
            built.gates.push(Gate {
                section: index,
                needs,
            });
        }
        let mut path: Vec<(usize, usize)> = Vec::new();
        let mut counts = [0; 5];
        for sketch in sketches {
            let depth = sketch.depth.min(path.len() + 1);
            path.truncate(depth - 1);
            for count in counts.iter_mut().skip(depth) {
                *count = 0;
            }
            if let Some(count) = counts.get_mut(depth - 1) {
                *count += 1;
                path.push((*count, built.items.len()));
            }
            let numbers: Vec<String> = std::iter::once(index + 1)
                .chain(path.iter().map(|(number, _)| *number))
                .map(|number| number.to_string())
                .collect();
            let item = Item {
                id: ItemId::new(numbers.join(".")),
                line: 1,
                checked: sketch.checked,
                depth,
                text: "Work".to_owned(),
                section: Some(index),
                parent: path
                    .len()
                    .checked_sub(2)
                    .and_then(|at| path.get(at))
                    .map(|(_, at)| *at),
                ordered: false,
                marker: 0..0,
                optional: sketch.optional,
                checks: sketch
                    .checks
                    .iter()
                    .filter_map(|check| CHECKS.get(*check))
                    .map(|check| CheckId::new(*check))
                    .collect(),
                sign_off: sketch.answer.and_then(|answer| role(answer, &built)),
                decision: sketch.answer == Some(ROLES.len()),
            };
            built.items.push(item);
        }
    }
    if !built.items.is_empty() {
        built.blanks.push(Blank {
            id: BlankId::new("1.1/name"),
            label: "name".to_owned(),
            item: Some(0),
            line: 1,
            span: 0..0,
        });
    }
    built
}

/// One thing somebody does, before it is known to which checklist.
#[derive(Clone, Debug)]
pub(super) struct Move {
    pub(super) what: u8,
    pub(super) who: u64,
    pub(super) item: Index,
    pub(super) role: Index,
    pub(super) check: Index,
    pub(super) status: u8,
    pub(super) minutes: u16,
    pub(super) request: u32,
    pub(super) text: String,
}

pub(super) fn any_move() -> impl Strategy<Value = Move> {
    (
        0u8..32,
        1u64..7,
        any::<(Index, Index, Index)>(),
        0u8..5,
        0u16..200,
        0u32..4,
        hostile_text(),
    )
        .prop_map(
            |(what, who, (item, role, check), status, minutes, request, text)| Move {
                what,
                who,
                item,
                role,
                check,
                status,
                minutes,
                request,
                text,
            },
        )
}

pub(super) fn hostile_text() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![
            Just("@everyone".to_owned()),
            Just("<@&70>".to_owned()),
            Just("`".to_owned()),
            Just("\n# Done".to_owned()),
            Just("\u{2028}".to_owned()),
            Just("\u{202e}".to_owned()),
            Just("\\".to_owned()),
            Just("**".to_owned()),
            ".{0,8}",
        ],
        1..6,
    )
    .prop_map(|parts| parts.concat())
}
