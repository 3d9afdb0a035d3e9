//! How a check is observed: `for`, `every`, `failures`, `successes` and `watch`.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::domain::check::{
    AfterGo, LONGEST_EVERY, LONGEST_FOR, MOST_IN_A_ROW, MOST_OBSERVATIONS, Rhythm, SHORTEST_EVERY,
    SHORTEST_WATCH, in_words,
};
use crate::markdown::front_matter::values::{Fields, Values};
use crate::markdown::front_matter::yaml::NodeId;

/// The keys.
pub(super) const KEYS: [&str; 6] = ["for", "every", "failures", "successes", "watch", "escalate"];

/// What is written there is wrong, and was told.
pub(super) struct Wrong;

/// Reads the rhythm of a check; none where one observation decides it.
pub(super) fn read(values: &mut Values<'_, '_, '_>, fields: &Fields) -> Result<Option<Rhythm>, Wrong> {
    let every_id = fields.get("every");
    let every = read_length(values, every_id, "every", SHORTEST_EVERY, LONGEST_EVERY);
    let lasting_id = fields.get("for");
    let lasting = read_length(values, lasting_id, "for", SHORTEST_EVERY, LONGEST_FOR);
    let failures = read_count(values, fields, "failures");
    let successes = read_count(values, fields, "successes");
    let watch = fields
        .get("watch")
        .map(|id| values.truth(id, "`watch`").ok_or(Wrong))
        .transpose();
    let (every, lasting, failures, successes) = (every?, lasting?, failures?, successes?);
    let after_go = if watch?.unwrap_or_default() {
        AfterGo::Watched
    } else {
        AfterGo::Left
    };
    let needs_every = KEYS
        .into_iter()
        .filter(|key| !["every", "escalate"].contains(key))
        .filter_map(|key| fields.entry(key))
        .find(|entry| match entry.key.as_str() {
            "failures" => failures > NonZeroU32::MIN,
            "successes" => successes > NonZeroU32::MIN,
            "watch" => after_go == AfterGo::Watched,
            _ => true,
        });
    let (Some(every), Some(every_id)) = (every, every_id) else {
        return match needs_every {
            None => Ok(None),
            Some(entry) => {
                values.error(
                    entry.place,
                    format!(
                        "`{}` needs `every`: how long after one observation the next is made.",
                        entry.key
                    ),
                    Some("Write `every: 1m` beside it.".to_owned()),
                );
                Err(Wrong)
            }
        };
    };
    if needs_every.is_none() {
        values.error(
            values.place(every_id),
            "`every` alone observes nothing: one observation decides this check.".to_owned(),
            Some("Say beside it what the observations are for: `for: 1h`, `failures: 3`, `successes: 3` or `watch: true`.".to_owned()),
        );
        return Err(Wrong);
    }
    let rhythm = Rhythm {
        every,
        lasting,
        failures,
        successes,
        after_go,
    };
    fits(values, &rhythm, every_id, lasting_id)?;
    Ok(Some(rhythm))
}

/// Whether the parts go together.
fn fits(
    values: &mut Values<'_, '_, '_>,
    rhythm: &Rhythm,
    every_id: NodeId,
    lasting_id: Option<NodeId>,
) -> Result<(), Wrong> {
    if rhythm.after_go == AfterGo::Watched && rhythm.every < SHORTEST_WATCH {
        values.error(
            values.place(every_id),
            format!(
                "`every` of a check that is watched must be at least {}, and is {}.",
                in_words(SHORTEST_WATCH),
                in_words(rhythm.every)
            ),
            Some("Each observation is kept, for as long as the deployment is open.".to_owned()),
        );
        return Err(Wrong);
    }
    let (Some(lasting), Some(lasting_id)) = (rhythm.lasting, lasting_id) else {
        return Ok(());
    };
    if lasting < rhythm.every {
        values.error(
            values.place(lasting_id),
            format!(
                "`for` must be at least as long as `every`, and {} is shorter than {}.",
                in_words(lasting),
                in_words(rhythm.every)
            ),
            None,
        );
        return Err(Wrong);
    }
    if rhythm.needed() > MOST_OBSERVATIONS {
        values.error(
            values.place(lasting_id),
            format!(
                "`for` of {} with `every` of {} asks for {} observations, and {MOST_OBSERVATIONS} is the most.",
                in_words(lasting),
                in_words(rhythm.every),
                rhythm.needed()
            ),
            Some("Make `every` longer, or `for` shorter.".to_owned()),
        );
        return Err(Wrong);
    }
    Ok(())
}

fn read_length(
    values: &mut Values<'_, '_, '_>,
    id: Option<NodeId>,
    key: &str,
    least: Duration,
    most: Duration,
) -> Result<Option<Duration>, Wrong> {
    let Some(id) = id else { return Ok(None) };
    let length = values.duration(id, &format!("`{key}`")).ok_or(Wrong)?;
    if (least..=most).contains(&length) {
        return Ok(Some(length));
    }
    values.error(
        values.place(id),
        format!(
            "`{key}` must be from {} to {}, and is {}.",
            in_words(least),
            in_words(most),
            in_words(length)
        ),
        None,
    );
    Err(Wrong)
}

/// So many in a row; one where nothing is written.
fn read_count(values: &mut Values<'_, '_, '_>, fields: &Fields, key: &str) -> Result<NonZeroU32, Wrong> {
    let Some(id) = fields.get(key) else {
        return Ok(NonZeroU32::MIN);
    };
    values
        .whole(id, &format!("`{key}`"), 1, MOST_IN_A_ROW)
        .and_then(NonZeroU32::new)
        .ok_or(Wrong)
}
