//! The `database` probe.

use super::required;
use crate::domain::check::{DatabaseProbe, Probe};
use crate::markdown::front_matter::values::{Entry, Values};

pub(super) fn read(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Probe> {
    let fields = values.fields(entry.value, "`database`", &["url", "query"])?;
    let url = required(values, &fields, entry, "url").and_then(|id| values.words(id, "`url`"));
    let query = required(values, &fields, entry, "query").and_then(|id| values.words(id, "`query`"));
    Some(Probe::Database(DatabaseProbe {
        url: url?,
        query: query?,
    }))
}
