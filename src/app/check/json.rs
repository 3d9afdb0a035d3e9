//! The result as JSON, for programs.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::board::{Board, Row};
use super::look::{CANCELLED, WHY_CANCELLED};
use crate::domain::ids::{CheckId, ItemId};

/// A round. The keys of `checks` are promised; what stands beside it is for whoever wants it.
#[derive(Serialize)]
struct Document<'a> {
    /// Holdpoint's own.
    version: &'static str,
    file: String,
    checks: Vec<OneCheck<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct OneCheck<'a> {
    id: &'a CheckId,
    items: &'a [ItemId],
    status: &'static str,
    observed: BTreeMap<&'a str, &'a Value>,
    why: &'a str,
    duration_ms: u64,
}

#[derive(Default, Serialize)]
struct Summary {
    checks: usize,
    passed: usize,
    failed: usize,
    error: usize,
    skipped: usize,
    /// How long the round took.
    duration_ms: u64,
}

/// A round as one JSON object.
///
/// # Errors
/// When it cannot be written as JSON, which takes a name that is no text; none is.
pub(super) fn document(file: &Path, board: &Board, duration_ms: u64) -> serde_json::Result<Value> {
    let mut summary = Summary {
        checks: board.rows.len(),
        duration_ms,
        ..Summary::default()
    };
    for (look, count) in board.tally() {
        let part = match look.name {
            "passed" => &mut summary.passed,
            "failed" => &mut summary.failed,
            "skipped" => &mut summary.skipped,
            _ => &mut summary.error,
        };
        *part += count;
    }
    serde_json::to_value(Document {
        version: env!("CARGO_PKG_VERSION"),
        file: file.display().to_string(),
        checks: board.rows.iter().map(one).collect(),
        summary,
    })
}

fn one(row: &Row) -> OneCheck<'_> {
    let result = row.result();
    OneCheck {
        id: &row.id,
        items: &row.items,
        status: row.look().unwrap_or(CANCELLED).name,
        observed: result
            .map(|result| {
                result
                    .observed
                    .iter()
                    .map(|(name, value)| (name.as_str(), value))
                    .collect()
            })
            .unwrap_or_default(),
        why: result.map_or(WHY_CANCELLED, |result| result.why.as_str()),
        duration_ms: result.map_or(0, |result| result.duration_ms),
    }
}
