//! The `dns` probe.

use super::required;
use crate::domain::check::{DnsProbe, Probe, RecordType};
use crate::markdown::front_matter::values::{Entry, Values, listed};
use crate::markdown::front_matter::yaml::NodeId;

pub(super) fn read(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Probe> {
    let fields = values.fields(entry.value, "`dns`", &["name", "type", "resolver"])?;
    let name = required(values, &fields, entry, "name").and_then(|id| values.words(id, "`name`"));
    let record_type = match fields.get("type") {
        Some(id) => record_type(values, id),
        None => Some(RecordType::default()),
    };
    let resolver = match fields.get("resolver") {
        Some(id) => Some(values.words(id, "`resolver`")?),
        None => None,
    };
    Some(Probe::Dns(DnsProbe {
        name: name?,
        record_type: record_type?,
        resolver,
    }))
}

fn record_type(values: &mut Values<'_, '_, '_>, id: NodeId) -> Option<RecordType> {
    let text = values.words(id, "`type`")?;
    let found = RecordType::ALL
        .into_iter()
        .find(|known| known.as_str().eq_ignore_ascii_case(text.trim()));
    if found.is_none() {
        let place = values.place(id);
        values.error(
            place,
            format!("`type` is `{text}`, which is no kind of record that can be asked for."),
            Some(format!(
                "Give it one of {}.",
                listed(&RecordType::ALL.map(RecordType::as_str))
            )),
        );
    }
    found
}
