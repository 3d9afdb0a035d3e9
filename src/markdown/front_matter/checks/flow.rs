//! What every check may say of how it is run: `retry`, `after`, `severity`.

use std::time::Duration;

use super::relations::{self, Named};
use crate::domain::check::{CheckSeverity, Retry};
use crate::domain::ids::CheckId;
use crate::markdown::front_matter::values::{Entry, Values};
use crate::markdown::front_matter::yaml::{NodeId, Value};

/// Most times a check is tried again.
const RETRY_LIMIT: u32 = 20;
/// How long to wait before a check is tried again unless said otherwise.
const RETRY_WAIT: Duration = Duration::from_secs(1);
/// The longest wait before a check is tried again.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// `retry: 3` or `retry: {times: 3, wait: 2s}`.
pub(super) fn retry(values: &mut Values<'_, '_, '_>, id: NodeId) -> Option<Retry> {
    if !matches!(values.tree.node(id).value, Value::Mapping(_)) {
        let times = values.whole(id, "`retry`", 1, RETRY_LIMIT)?;
        return Some(Retry {
            times,
            wait: RETRY_WAIT,
        });
    }
    let fields = values.fields(id, "`retry`", &["times", "wait"])?;
    let entry = Entry {
        key: "retry".to_owned(),
        place: fields.place,
        value: id,
    };
    let times = super::required(values, &fields, &entry, "times")
        .and_then(|id| values.whole(id, "`times`", 1, RETRY_LIMIT));
    let wait = match fields.get("wait") {
        None => Some(RETRY_WAIT),
        Some(id) => {
            let wait = values.duration(id, "`wait`");
            if wait.is_some_and(|wait| wait > LONGEST_WAIT) {
                values.error(
                    values.place(id),
                    "`wait` is longer than 10 minutes.".to_owned(),
                    Some("Write at most `10m`.".to_owned()),
                );
                None
            } else {
                wait
            }
        }
    };
    Some(Retry {
        times: times?,
        wait: wait?,
    })
}

/// `after: login` or `after: [login, seed]`.
pub(super) fn after(
    values: &mut Values<'_, '_, '_>,
    id: NodeId,
    named: &mut Vec<Named>,
) -> Option<Vec<CheckId>> {
    let one = [id];
    let list = if let Value::Sequence(list) = &values.tree.node(id).value {
        list.as_slice()
    } else {
        &one
    };
    relations::names(values, list, "`after`", named)
}

/// `severity: critical`.
pub(super) fn severity(values: &mut Values<'_, '_, '_>, id: NodeId) -> Option<CheckSeverity> {
    let text = values.words(id, "`severity`")?;
    let found = CheckSeverity::ALL
        .into_iter()
        .find(|severity| severity.as_str() == text);
    if found.is_none() {
        values.wrong_type(id, "`severity`", "`critical`, `high`, `medium` or `low`");
    }
    found
}
