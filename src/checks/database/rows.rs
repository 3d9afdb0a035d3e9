//! What a query gives: rows of named values, and what is observed of them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::checks::observation::{Observation, Observed};
use crate::checks::probe::{Hindrance, Run, Seen};

/// The most rows that are read.
pub(super) const MOST_ROWS: usize = 1000;
/// The most rows kept as evidence, and the most characters of each.
const EVIDENCE: (usize, usize) = (5, 300);

/// The rows of a query, read up to limits.
#[derive(Debug, Default)]
pub(super) struct Rows {
    named: Vec<Map<String, Value>>,
    bytes: usize,
    /// How long the query took, from when it was sent until the last row was there.
    pub(super) latency: Duration,
}

impl Rows {
    /// Takes a row of names and values; `bytes` is about how many it takes. What goes beyond the limits is refused.
    pub(super) fn push(
        &mut self,
        run: &Run<'_>,
        row: impl IntoIterator<Item = (String, Value)>,
        bytes: usize,
    ) -> Result<(), Hindrance> {
        if self.named.len() == MOST_ROWS {
            return Err(Hindrance::new(format!(
                "the query gives more than {MOST_ROWS} rows; count them with count(*), or add a LIMIT"
            )));
        }
        self.bytes += bytes;
        if self.bytes > run.limits.body_bytes {
            return Err(too_long(run));
        }
        let mut cells = Map::new();
        for (name, value) in row {
            if cells.insert(name.clone(), value).is_some() {
                return Err(Hindrance::new(format!(
                    "two columns of the query are called {name:?}; give them names of their own with AS"
                )));
            }
        }
        self.named.push(cells);
        Ok(())
    }

    /// What is observed of them.
    pub(super) fn seen(self, run: &Run<'_>) -> Seen {
        let count = self.named.len();
        let value = match self.named.as_slice() {
            [row] if row.len() == 1 => row.values().next().cloned(),
            _ => None,
        };
        let holds = count > 0;
        let noun = if count == 1 { "row" } else { "rows" };
        let why = match &value {
            Some(value) => format!("value is {}", run.redactor.beginning(value.to_string(), 80)),
            None if holds => format!("the query gives {count} {noun}"),
            None => "the query gives no row, expected at least one".to_owned(),
        };
        let (most, characters) = EVIDENCE;
        let shown: Vec<String> = self
            .named
            .iter()
            .take(most)
            .map(|row| run.redactor.beginning(json!(row).to_string(), characters))
            .collect();
        let evidence = BTreeMap::from([
            ("count".to_owned(), json!(count)),
            ("rows".to_owned(), json!(shown)),
            ("latency_ms".to_owned(), json!(self.latency.as_millis() as u64)),
        ]);
        let observed = value.map_or_else(
            || {
                Observed::Nothing(format!(
                    "the query gives {count} {noun} and not the one value of one column; look at `rows`"
                ))
            },
            Observed::Json,
        );
        Seen {
            observation: Observation::default()
                .with(
                    "rows",
                    Observed::Json(self.named.into_iter().map(Value::Object).collect()),
                )
                .with("count", Observed::Whole(count as i64))
                .with("value", observed)
                .with("latency", Observed::Duration(self.latency)),
            evidence,
            holds,
            why,
        }
    }
}

/// The sentence for rows that are too long.
pub(super) fn too_long(run: &Run<'_>) -> Hindrance {
    Hindrance::new(format!(
        "what the query gives is longer than {} bytes; ask for fewer columns or rows",
        run.limits.body_bytes
    ))
}

/// A number that was written out: whole, or a fraction where a fraction can hold all of its digits; else its text.
pub(super) fn number(text: &str) -> Value {
    if let Ok(whole) = text.parse::<i64>() {
        return Value::from(whole);
    }
    // A 64-bit float holds 15 significant digits (IEEE 754, `DBL_DIG`).
    let digits = text
        .bytes()
        .filter(u8::is_ascii_digit)
        .skip_while(|digit| *digit == b'0')
        .count();
    let exact = digits <= 15 || text.contains(['e', 'E']);
    exact
        .then(|| text.parse::<f64>().ok())
        .flatten()
        .and_then(serde_json::Number::from_f64)
        .map_or_else(|| Value::from(text), Value::Number)
}
