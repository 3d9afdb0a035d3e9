//! `gates` and `sections`: what the front matter says of headings. Read first, bound when the headings are known.

use std::collections::BTreeMap;

use super::FrontMatter;
use super::values::Values;
use super::yaml::{NodeId, Place};
use crate::domain::check::Check;
use crate::domain::checklist::{Gate, Item, Need, Section, SectionIndex};
use crate::domain::ids::RoleKey;
use crate::markdown::words::{collapse_into, nearest};
use crate::markdown::{Findings, Severity};

/// A gate whose section has not been looked for.
pub(in crate::markdown) struct GateEntry {
    section: String,
    place: Place,
    needs: Vec<Need>,
}

/// What is said of a section that has not been looked for.
pub(in crate::markdown) struct SectionEntry {
    section: String,
    place: Place,
    optional: bool,
}

/// Reads `gates`.
pub(super) fn gates(
    values: &mut Values<'_, '_, '_>,
    id: NodeId,
    roles: &BTreeMap<RoleKey, Place>,
) -> Vec<GateEntry> {
    let mut gates = Vec::new();
    for entry in values.entries(id, "`gates`").unwrap_or_default() {
        let what = format!("the gate `{}`", entry.key);
        let Some(fields) = values.fields(entry.value, &what, &["needs"]) else {
            continue;
        };
        let Some(list) = fields.get("needs") else {
            values.error(
                entry.place,
                format!("The gate `{}` needs nothing.", entry.key),
                Some("List what must hold, as `needs: [items, checks, tech-lead, go]`.".to_owned()),
            );
            continue;
        };
        let Some(list) = values.list(list, "`needs`") else {
            continue;
        };
        if list.is_empty() {
            values.error(
                entry.place,
                format!("The gate `{}` needs nothing.", entry.key),
                None,
            );
        }
        let mut needs = Vec::with_capacity(list.len());
        for &id in list {
            let need = need(values, id, roles);
            needs.extend(need.filter(|need| !needs.contains(need)));
        }
        gates.push(GateEntry {
            section: entry.key,
            place: entry.place,
            needs,
        });
    }
    gates
}

fn need(values: &mut Values<'_, '_, '_>, id: NodeId, roles: &BTreeMap<RoleKey, Place>) -> Option<Need> {
    let text = values.words(id, "a need")?;
    match text.as_str() {
        "items" => return Some(Need::Items),
        "checks" => return Some(Need::Checks),
        "go" => return Some(Need::Go),
        _ => {}
    }
    let role = RoleKey::new(text.as_str());
    if roles.contains_key(&role) {
        return Some(Need::SignOff(role));
    }
    let known = ["items", "checks", "go"]
        .into_iter()
        .chain(roles.keys().map(RoleKey::as_str));
    let help = match nearest(&text, known) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => "A gate needs `items`, `checks`, `go` or a key of `sign-offs`.".to_owned(),
    };
    values.error(
        values.place(id),
        format!("There is no sign-off `{text}`."),
        Some(help),
    );
    None
}

/// Reads `sections`.
pub(super) fn sections(values: &mut Values<'_, '_, '_>, id: NodeId) -> Vec<SectionEntry> {
    let mut sections = Vec::new();
    for entry in values.entries(id, "`sections`").unwrap_or_default() {
        let what = format!("the section `{}`", entry.key);
        let Some(fields) = values.fields(entry.value, &what, &["optional"]) else {
            continue;
        };
        let optional = fields
            .get("optional")
            .and_then(|id| values.truth(id, "`optional`"));
        sections.push(SectionEntry {
            section: entry.key,
            place: entry.place,
            optional: optional.unwrap_or(false),
        });
    }
    sections
}

/// Binds what the front matter says to the sections and items, and tells what nothing uses.
pub(in crate::markdown) fn bind(
    front: &FrontMatter,
    sections: &mut [Section],
    items: &mut [Item],
    findings: &mut Findings<'_>,
) -> Vec<Gate> {
    let named = !front.sections.is_empty() || !front.gates.is_empty();
    let names = Names::of(if named { sections } else { &[] });
    for entry in &front.sections {
        if let Some(index) = names.find(&entry.section, entry.place, sections, findings)
            && entry.optional
            && let Some(section) = sections.get_mut(index)
        {
            section.optional = true;
        }
    }
    let mut gates = Vec::new();
    for entry in &front.gates {
        if let Some(section) = names.find(&entry.section, entry.place, sections, findings) {
            gates.push(Gate {
                section,
                needs: entry.needs.clone(),
            });
        }
    }
    spread_optional(sections, items);
    unused(front, items, findings);
    gates
}

/// A section inside an optional one is optional, and so are its items and what is nested in an optional item.
fn spread_optional(sections: &mut [Section], items: &mut [Item]) {
    for index in 0..sections.len() {
        let parent = sections.get(index).and_then(|section| section.parent);
        let inherited = parent
            .and_then(|parent| sections.get(parent))
            .is_some_and(|parent| parent.optional);
        if let Some(section) = sections.get_mut(index) {
            section.optional |= inherited;
        }
    }
    for index in 0..items.len() {
        let Some(item) = items.get(index) else { break };
        let section = item.section.and_then(|section| sections.get(section));
        let parent = item.parent.and_then(|parent| items.get(parent));
        let inherited =
            section.is_some_and(|section| section.optional) || parent.is_some_and(|parent| parent.optional);
        if let Some(item) = items.get_mut(index) {
            item.optional |= inherited;
        }
    }
}

fn unused(front: &FrontMatter, items: &[Item], findings: &mut Findings<'_>) {
    // What another check is after or made of serves that one's items.
    let needed = front.checks.values().flat_map(Check::needs);
    let bound = items.iter().flat_map(|item| &item.checks);
    let checks: std::collections::HashSet<_> = bound.chain(needed).collect();
    for (id, place) in front
        .declared_checks
        .iter()
        .filter(|(id, _)| !checks.contains(id))
    {
        findings.add_at(
            Severity::Warning,
            *place,
            format!("The check `{id}` decides no item."),
            Some(format!("Write `<!-- check: {id} -->` into the item it is for.")),
        );
    }
    let roles: std::collections::HashSet<_> = items
        .iter()
        .filter_map(|item| item.sign_off.as_ref())
        .chain(
            front
                .gates
                .iter()
                .flat_map(|gate| &gate.needs)
                .filter_map(|need| match need {
                    Need::SignOff(role) => Some(role),
                    Need::Items | Need::Checks | Need::Go => None,
                }),
        )
        .collect();
    for (key, place) in front
        .declared_sign_offs
        .iter()
        .filter(|(key, _)| !roles.contains(key))
    {
        findings.add_at(
            Severity::Warning,
            *place,
            format!("Neither an item nor a gate asks for the sign-off `{key}`."),
            Some(format!(
                "Write `<!-- sign-off: {key} -->` into an item, or name it in a gate's `needs`."
            )),
        );
    }
}

/// Sections by their ids and titles.
struct Names {
    titles: BTreeMap<String, Vec<SectionIndex>>,
}

impl Names {
    fn of(sections: &[Section]) -> Self {
        let mut titles: BTreeMap<String, Vec<SectionIndex>> = BTreeMap::new();
        for (index, section) in sections.iter().enumerate() {
            titles.entry(folded(&section.title)).or_default().push(index);
        }
        Self { titles }
    }

    /// The section with this id or title; else an error at `place`.
    fn find(
        &self,
        name: &str,
        place: Place,
        sections: &[Section],
        findings: &mut Findings<'_>,
    ) -> Option<SectionIndex> {
        let found = self.titles.get(&folded(name)).map_or(&[][..], Vec::as_slice);
        if let [only] = found {
            return Some(*only);
        }
        if let [first, others @ ..] = found {
            let mut ids: Vec<String> = Vec::new();
            for index in std::iter::once(first).chain(others).take(5) {
                if let Some(section) = sections.get(*index) {
                    ids.push(format!("`{}` in line {}", section.id, section.line));
                }
            }
            findings.add_at(
                Severity::Error,
                place,
                format!("There are {} sections `{name}`.", found.len()),
                Some(format!(
                    "Name the one that is meant by its number: {}.",
                    ids.join(", ")
                )),
            );
            return None;
        }
        let by_id = sections
            .iter()
            .position(|section| section.id.as_str() == name && !name.is_empty());
        if by_id.is_none() {
            let help = nearest(name, sections.iter().map(|section| section.title.as_str())).map_or_else(
                || "Name a heading of the document by its words or its number.".to_owned(),
                |near| format!("Did you mean `{near}`?"),
            );
            findings.add_at(
                Severity::Error,
                place,
                format!("There is no section `{name}`."),
                Some(help),
            );
        }
        by_id
    }
}

/// A title as it is compared: white space made one, lower case.
fn folded(title: &str) -> String {
    let mut folded = String::with_capacity(title.len());
    collapse_into(&mut folded, title);
    folded.trim_end().to_lowercase()
}
