//! The `manual` probe.

use crate::domain::check::{Evidence, ManualProbe, Probe};
use crate::markdown::front_matter::values::{Entry, Values};

pub(super) fn read(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Probe> {
    let fields = values.fields(entry.value, "`manual`", &["evidence"])?;
    let evidence = match fields.get("evidence") {
        None => Evidence::default(),
        Some(id) => match values.words(id, "`evidence`")?.as_str() {
            "required" => Evidence::Required,
            "optional" => Evidence::Optional,
            other => {
                values.error(
                    values.place(id),
                    format!("`evidence` cannot be `{other}`."),
                    Some("Write `required` or `optional`.".to_owned()),
                );
                return None;
            }
        },
    };
    Some(Probe::Manual(ManualProbe {
        evidence,
        standing: None,
    }))
}
