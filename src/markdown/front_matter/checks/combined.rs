//! The `all` and `any` probes.

use crate::domain::check::{CombinedProbe, Probe, Rule};
use crate::markdown::front_matter::values::{Entry, Values};

use super::relations::{self, Named};

pub(super) fn read(
    values: &mut Values<'_, '_, '_>,
    entry: &Entry,
    rule: Rule,
    named: &mut Vec<Named>,
) -> Option<Probe> {
    let what = format!("`{}`", entry.key);
    let list = values.list(entry.value, &what)?;
    let members = relations::names(values, list, &what, named)?;
    if members.is_empty() {
        values.error(
            entry.place,
            format!("{what} names no check."),
            Some(format!(
                "List the checks it is made of, as `{}: [health, tests]`.",
                entry.key
            )),
        );
        return None;
    }
    Some(Probe::Combined(CombinedProbe { rule, members }))
}
