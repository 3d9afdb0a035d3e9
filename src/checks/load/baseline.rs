//! The figures of an earlier run, from a file.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::{RATE, WAITS};
use crate::checks::probe::{Hindrance, Run};
use crate::checks::readable;
use crate::domain::check::LoadBaseline;

/// The largest file that is read, in bytes.
const LARGEST_FILE: usize = 1 << 20;

/// What an earlier run came to, as far as it is written down.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Earlier {
    pub(super) waits: BTreeMap<&'static str, Duration>,
    pub(super) rate: Option<f64>,
}

/// Reads the file and finds the figures in it.
pub(super) async fn read(run: &Run<'_>, baseline: &LoadBaseline) -> Result<Earlier, Hindrance> {
    let path = run.expand(&baseline.file)?;
    let bytes = readable::bytes_of(run, &path, LARGEST_FILE).await?;
    if bytes.len() > LARGEST_FILE {
        return Err(Hindrance::new(format!(
            "the baseline {path} is larger than 1 MiB, which is no result of a run; mend its path"
        )));
    }
    let check = match &baseline.check {
        Some(check) => Some(run.expand(check)?),
        None => None,
    };
    earlier(&bytes, check.as_deref())
        .map_err(|clause| Hindrance::new(format!("the baseline {path} {clause}")))
}

/// The figures in a text; else a clause about the file.
fn earlier(text: &[u8], check: Option<&str>) -> Result<Earlier, String> {
    let stored: Value =
        serde_json::from_slice(text).map_err(|error| format!("is not JSON ({error}); store it again"))?;
    let Some(checks) = stored.get("checks").and_then(Value::as_array) else {
        let figures = figures(stored.get("observed").unwrap_or(&stored));
        return figures
            .ok_or_else(|| "has no figure of a load; write one as in {\"p95_ms\": 12.5}".to_owned());
    };
    let loads = checks.iter().filter_map(|stored| {
        let id = stored.get("id")?.as_str()?;
        (check.is_none_or(|check| check == id)).then_some(())?;
        figures(stored.get("observed")?)
    });
    let mut loads: Vec<Earlier> = loads.collect();
    match (loads.len(), check) {
        (0, Some(check)) => Err(format!("has no result of a load named {check}; mend `check`")),
        (0, None) => Err("has no result of a load; store one in it".to_owned()),
        (1, _) => Ok(loads.remove(0)),
        (count, _) => Err(format!(
            "has {count} results of loads; say which with `baseline: {{ file: …, check: … }}`"
        )),
    }
}

/// The figures among what was observed; nothing when there is none.
fn figures(observed: &Value) -> Option<Earlier> {
    let number = |name: &str| {
        observed
            .get(name)?
            .as_f64()
            .filter(|number| number.is_finite() && *number >= 0.0)
    };
    let waits: BTreeMap<&str, Duration> = WAITS
        .iter()
        .filter_map(|name| {
            let milliseconds = number(&format!("{name}_ms"))?;
            Some((*name, Duration::try_from_secs_f64(milliseconds / 1e3).ok()?))
        })
        .collect();
    let earlier = Earlier {
        waits,
        rate: number(RATE),
    };
    (earlier != Earlier::default()).then_some(earlier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_where_they_are_stored() {
        let expected = Earlier {
            waits: BTreeMap::from([("p95", Duration::from_micros(12_500))]),
            rate: Some(410.5),
        };
        for (text, check) in [
            (r#"{"p95_ms": 12.5, "rate": 410.5}"#, None),
            (
                r#"{"observed": {"p95_ms": 12.5, "rate": 410.5, "else": 1}}"#,
                None,
            ),
            (
                r#"{"checks": [{"id": "health", "observed": {"status": 200}},
                    {"id": "pace", "observed": {"p95_ms": 12.5, "rate": 410.5}}]}"#,
                None,
            ),
            (
                r#"{"checks": [{"id": "other", "observed": {"p95_ms": 1}},
                    {"id": "pace", "observed": {"p95_ms": 12.5, "rate": 410.5}}]}"#,
                Some("pace"),
            ),
        ] {
            assert_eq!(earlier(text.as_bytes(), check).as_ref(), Ok(&expected), "{text}");
        }
    }

    #[test]
    fn a_file_without_figures_is_told() {
        for (text, check, clause) in [
            (
                "{",
                None,
                "is not JSON (EOF while parsing an object at line 1 column 1); store it again",
            ),
            (
                "[]",
                None,
                "has no figure of a load; write one as in {\"p95_ms\": 12.5}",
            ),
            (
                r#"{"p95_ms": -1, "mean_ms": "2"}"#,
                None,
                "has no figure of a load; write one as in {\"p95_ms\": 12.5}",
            ),
            (
                r#"{"checks": [{"id": "health", "observed": {"status": 200}}]}"#,
                None,
                "has no result of a load; store one in it",
            ),
            (
                r#"{"checks": [{"id": "pace", "observed": {"p95_ms": 1}}]}"#,
                Some("pase"),
                "has no result of a load named pase; mend `check`",
            ),
            (
                r#"{"checks": [{"id": "a", "observed": {"p95_ms": 1}}, {"id": "b", "observed": {"p95_ms": 1}}]}"#,
                None,
                "has 2 results of loads; say which with `baseline: { file: …, check: … }`",
            ),
        ] {
            assert_eq!(earlier(text.as_bytes(), check), Err(clause.to_owned()), "{text}");
        }
    }
}
