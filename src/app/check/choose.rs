//! Which checks are meant: all, or those that `--only` names.

use anyhow::bail;

use crate::checks::Checks;
use crate::domain::check::Check;
use crate::domain::checklist::{Checklist, ItemIndex};
use crate::domain::ids::{CheckId, ItemId};
use crate::markdown::nearest;

/// The checks meant and those that they need, in the order of the source.
///
/// # Errors
/// When there is none, or an id is neither a check's nor that of an item with one.
pub(super) fn choose(checklist: &Checklist, only: &[String]) -> anyhow::Result<Vec<Check>> {
    let mut wanted: Vec<CheckId> = Vec::new();
    for typed in only
        .iter()
        .map(|typed| typed.trim())
        .filter(|typed| !typed.is_empty())
    {
        let named = CheckId::new(typed);
        if checklist.checks.contains_key(&named) {
            wanted.push(named);
        } else if let Some((index, _)) = checklist.item(&ItemId::new(typed)) {
            let of_item = of_item(checklist, index);
            if of_item.is_empty() {
                bail!(
                    "the item {typed} is bound to no check; name another, or bind it with `<!-- check: … -->`"
                );
            }
            wanted.extend(of_item);
        } else {
            bail!("{}", unknown(checklist, typed));
        }
    }
    // What a check is after or made of runs along.
    let wanted = Checks::with_needed(wanted, &checklist.checks);
    let mut chosen: Vec<Check> = checklist
        .checks
        .values()
        .filter(|check| only.is_empty() || wanted.contains(&check.id))
        .cloned()
        .collect();
    chosen.sort_by_key(|check| check.line);
    if chosen.is_empty() {
        if checklist.checks.is_empty() {
            bail!(
                "the checklist has no checks, so there is nothing to run; write some under `checks` in its front matter"
            );
        }
        bail!("--only names nothing; name a check or an item, or leave it out");
    }
    Ok(chosen)
}

/// The checks bound to an item and to what is nested in it.
fn of_item(checklist: &Checklist, index: ItemIndex) -> Vec<CheckId> {
    std::iter::once(index)
        .chain(checklist.subtree(index))
        .filter_map(|index| checklist.items.get(index))
        .flat_map(|item| item.checks.iter().cloned())
        .collect()
}

fn unknown(checklist: &Checklist, typed: &str) -> String {
    let is_number = typed
        .chars()
        .all(|letter| letter.is_ascii_digit() || letter == '.');
    let near = if is_number {
        checklist.nearest_item(typed).map(|item| item.to_string())
    } else {
        nearest(typed, checklist.checks.keys().map(CheckId::as_str)).map(str::to_owned)
    };
    let next = match near {
        Some(near) => format!("did you mean {near}?"),
        None => "`holdpoint checklist show` lists the items and the checks bound to them".to_owned(),
    };
    let what = if is_number { "item" } else { "check or item" };
    format!("there is no {what} {typed:?}; {next}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ChecklistName;
    use crate::markdown::parse;

    fn chosen(only: &[&str]) -> Result<Vec<String>, String> {
        let text = "---\nchecks:\n  zebra:\n    env: { required: [A] }\n  health:\n    env: { required: [A] }\n  \
                    lone:\n    env: { required: [A] }\n---\n# L\n- [ ] a <!-- check: health -->\n  - [ ] b <!-- check: zebra -->\n- [ ] c\n";
        let checklist = parse(&ChecklistName::new("l"), text.as_bytes()).checklist;
        let only: Vec<String> = only.iter().map(|id| (*id).to_owned()).collect();
        choose(&checklist, &only)
            .map(|checks| checks.iter().map(|check| check.id.to_string()).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn all_are_meant_in_the_order_of_the_source_unless_some_are_named() {
        let named = |ids: &[&str]| Ok(ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
        assert_eq!(chosen(&[]), named(&["zebra", "health", "lone"]));
        assert_eq!(chosen(&["lone", " health ", "lone"]), named(&["health", "lone"]));
        assert_eq!(
            chosen(&["1"]),
            named(&["zebra", "health"]),
            "what is nested goes along"
        );
        assert_eq!(chosen(&["1.1", "lone"]), named(&["zebra", "lone"]));
    }

    #[test]
    fn what_is_not_there_is_told_with_the_nearest() {
        for (typed, told) in [
            (
                "helth",
                "there is no check or item \"helth\"; did you mean health?",
            ),
            ("1.7", "there is no item \"1.7\"; did you mean 1.1?"),
            (
                "something-else",
                "there is no check or item \"something-else\"; `holdpoint checklist show` lists the items and the checks \
                 bound to them",
            ),
            (
                "2",
                "the item 2 is bound to no check; name another, or bind it with `<!-- check: … -->`",
            ),
            (
                " ",
                "--only names nothing; name a check or an item, or leave it out",
            ),
        ] {
            assert_eq!(chosen(&[typed]), Err(told.to_owned()), "{typed}");
        }
    }
}
