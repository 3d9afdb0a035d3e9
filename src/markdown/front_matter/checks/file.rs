//! The `file` probe.

use super::required;
use crate::domain::check::{FileFormat, FileProbe, Probe};
use crate::markdown::front_matter::values::{Entry, Values};
use crate::markdown::front_matter::yaml::{NodeId, Value};

pub(super) fn read(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Probe> {
    let fields = values.fields(entry.value, "`file`", &["path", "exclude", "format"])?;
    let path = required(values, &fields, entry, "path").and_then(|id| values.words(id, "`path`"));
    let exclude = match fields.get("exclude") {
        None => Some(Vec::new()),
        Some(id) => exclude(values, id),
    };
    let format = match fields.get("format") {
        None => Some(None),
        Some(id) => format(values, id).map(Some),
    };
    Some(Probe::File(FileProbe {
        path: path?,
        exclude: exclude?,
        format: format?,
    }))
}

/// One glob or a list of them.
fn exclude(values: &mut Values<'_, '_, '_>, id: NodeId) -> Option<Vec<String>> {
    if let Value::Scalar { .. } = values.tree.node(id).value {
        return values.words(id, "`exclude`").map(|glob| vec![glob]);
    }
    let globs: Vec<Option<String>> = values
        .list(id, "`exclude`")?
        .iter()
        .map(|glob| values.words(*glob, "an entry of `exclude`"))
        .collect();
    globs.into_iter().collect()
}

fn format(values: &mut Values<'_, '_, '_>, id: NodeId) -> Option<FileFormat> {
    let text = values.words(id, "`format`")?;
    let format = [FileFormat::Json, FileFormat::Toml, FileFormat::Yaml]
        .into_iter()
        .find(|format| format.as_str() == text);
    if format.is_none() {
        values.wrong_type(id, "`format`", "`json`, `toml` or `yaml`");
    }
    format
}
