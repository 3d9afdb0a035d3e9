//! The `push` probe.

use std::time::Duration;

use super::required;
use crate::domain::check::{Probe, PushProbe, in_words};
use crate::markdown::front_matter::values::{Entry, Values};

/// How old the last post may be unless said otherwise: what runs every night is not overdue by day.
const WITHIN: Duration = Duration::from_hours(24);
/// The least and the most that may be said.
const SHORTEST_WITHIN: Duration = Duration::from_secs(10);
const LONGEST_WITHIN: Duration = Duration::from_hours(30 * 24);

pub(super) fn read(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Probe> {
    let fields = values.fields(entry.value, "`push`", &["secret", "within"])?;
    let secret = required(values, &fields, entry, "secret").and_then(|id| values.words(id, "`secret`"));
    let within = match fields.get("within") {
        None => WITHIN,
        Some(id) => {
            let within = values.duration(id, "`within`")?;
            if !(SHORTEST_WITHIN..=LONGEST_WITHIN).contains(&within) {
                values.error(
                    values.place(id),
                    format!(
                        "`within` must be from {} to {}, and is {}.",
                        in_words(SHORTEST_WITHIN),
                        in_words(LONGEST_WITHIN),
                        in_words(within)
                    ),
                    None,
                );
                return None;
            }
            within
        }
    };
    Some(Probe::Push(PushProbe {
        secret: secret?,
        within,
        inbox: None,
    }))
}
