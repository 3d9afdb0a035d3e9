//! Checks that name others: that those are there, and that no check waits for itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::check::Check;
use crate::domain::ids::CheckId;
use crate::markdown::front_matter::values::{Values, listed};
use crate::markdown::front_matter::yaml::{NodeId, Place};
use crate::markdown::words::nearest;

/// Another check's key where it is written.
pub(super) struct Named {
    check: CheckId,
    place: Place,
}

/// The keys of a list, noted with their places. A key that stands twice is told.
pub(super) fn names(
    values: &mut Values<'_, '_, '_>,
    list: &[NodeId],
    what: &str,
    named: &mut Vec<Named>,
) -> Option<Vec<CheckId>> {
    let mut names = Vec::with_capacity(list.len());
    let mut sound = true;
    for id in list {
        let Some(text) = values.words(*id, &format!("a check in {what}")) else {
            sound = false;
            continue;
        };
        let (check, place) = (CheckId::new(text.trim()), values.place(*id));
        if names.contains(&check) {
            values.error(
                place,
                format!("The check `{check}` stands twice in {what}."),
                None,
            );
            sound = false;
            continue;
        }
        named.push(Named {
            check: check.clone(),
            place,
        });
        names.push(check);
    }
    sound.then_some(names)
}

/// Tells the names that stand for no check, and the checks that wait for themselves.
pub(super) fn tell_wrong(
    values: &mut Values<'_, '_, '_>,
    named: &BTreeMap<CheckId, Vec<Named>>,
    checks: &BTreeMap<CheckId, Check>,
    declared: &BTreeMap<CheckId, Place>,
) {
    for one in named.values().flatten() {
        if !declared.contains_key(&one.check) {
            let help = match nearest(one.check.as_str(), declared.keys().map(CheckId::as_str)) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => "Write a check of that key, or leave it out.".to_owned(),
            };
            values.error(
                one.place,
                format!("There is no check `{}`.", one.check),
                Some(help),
            );
        }
        if checks.get(&one.check).is_some_and(|check| check.rhythm.is_some()) {
            values.error(
                one.place,
                format!(
                    "The check `{}` is observed over time, and no other check of a run can wait for it.",
                    one.check
                ),
                Some("Bind it to an item by itself, or take its `every` out.".to_owned()),
            );
        }
    }
    let mut told = BTreeSet::new();
    for check in checks.keys() {
        let Some(circle) = circle(check, checks) else {
            continue;
        };
        // A circle is told once, where its first check begins it.
        if circle.iter().any(|member| told.contains(member)) {
            continue;
        }
        let next = circle.get(1).unwrap_or(check);
        let place = named
            .get(check)
            .and_then(|named| named.iter().find(|named| named.check == *next))
            .map(|named| named.place);
        let message = if circle.len() == 1 {
            format!("The check `{check}` waits for itself.")
        } else {
            let names: Vec<&str> = circle.iter().map(CheckId::as_str).collect();
            format!("The checks {} wait for one another.", listed(&names))
        };
        values.error(
            place.or_else(|| declared.get(check).copied()).unwrap_or((1, 1)),
            message,
            Some("None of them could ever run; take one out of `after`, `all` or `any`.".to_owned()),
        );
        told.extend(circle);
    }
}

/// The checks on the way from a check back to itself, itself first, if there is one.
fn circle(from: &CheckId, checks: &BTreeMap<CheckId, Check>) -> Option<Vec<CheckId>> {
    let mut came_from: BTreeMap<&CheckId, &CheckId> = BTreeMap::new();
    let mut look_at = vec![from];
    while let Some(at) = look_at.pop() {
        for needed in checks.get(at).into_iter().flat_map(Check::needs) {
            if needed == from {
                let mut way = vec![at.clone()];
                let mut back = at;
                while back != from {
                    back = came_from.get(back)?;
                    way.push(back.clone());
                }
                way.reverse();
                return Some(way);
            }
            if !came_from.contains_key(needed) && checks.contains_key(needed) {
                came_from.insert(needed, at);
                look_at.push(needed);
            }
        }
    }
    None
}
