//! The `tls` probe.

use super::required;
use crate::domain::check::{Probe, TlsProbe};
use crate::markdown::front_matter::values::{Entry, Values};

pub(super) fn read(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Probe> {
    let fields = values.fields(entry.value, "`tls`", &["host", "ca", "name"])?;
    let host = required(values, &fields, entry, "host").and_then(|id| values.words(id, "`host`"));
    let ca = fields.get("ca").map(|id| values.words(id, "`ca`"));
    let name = fields.get("name").map(|id| values.words(id, "`name`"));
    // A part that was written and is wrong makes the check wrong.
    let (ca, name) = match (ca, name) {
        (Some(None), _) | (_, Some(None)) => return None,
        (ca, name) => (ca.flatten(), name.flatten()),
    };
    Some(Probe::Tls(TlsProbe {
        host: host?,
        ca,
        name,
    }))
}
