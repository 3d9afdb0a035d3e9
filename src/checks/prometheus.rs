//! The `prometheus` probe: a query in PromQL, and the values it gives.
//!
//! What is spoken is Prometheus's HTTP API, version 1, which Thanos, Mimir and others speak too.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hyper::StatusCode;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use super::exchange::{self, Answer};
use super::observation::{Kind, Observation, Observed};
use super::probe::{Hindrance, Run, Seen};
use super::reach::Place;
use super::template::Written;
use super::wire::Caller;
use crate::domain::check::PrometheusProbe;

/// What a query is observed by.
pub(super) const NAMES: [(&str, Kind); 3] = [
    ("value", Kind::Fraction),
    ("series", Kind::Anything),
    ("count", Kind::Whole),
];

/// The most series kept as evidence, and the most characters of each.
const EVIDENCE: (usize, usize) = (5, 200);
/// The most warnings of the server kept as evidence.
const WARNINGS: usize = 3;

/// What is wrong with the parameters, as far as can be told beforehand.
pub(super) fn flaws(probe: &PrometheusProbe) -> Vec<String> {
    let mut found = exchange::header_flaws(&probe.headers);
    found.extend(exchange::url_flaw(
        &probe.url,
        "url",
        "https://prometheus.example",
    ));
    found
}

/// The texts that may name variables.
pub(super) fn texts(probe: &PrometheusProbe) -> Vec<&str> {
    let mut texts = vec![probe.url.as_str(), probe.query.as_str()];
    texts.extend(probe.headers.values().map(String::as_str));
    texts
}

/// Asks the query.
pub(super) async fn probe(
    run: &Run<'_>,
    caller: &Caller<'_>,
    probe: &PrometheusProbe,
) -> Result<Seen, Hindrance> {
    let base = exchange::url(run, &probe.url, "url")?;
    let url = url(run, probe, &base)?;
    let headers = exchange::headers(run, &probe.headers)?;
    let written = Written {
        parameter: "url",
        text: &probe.url,
    };
    let answer = exchange::get(run, caller, &url, &headers, written).await?;
    let found = Found::read(run, &base, &answer)?;
    Ok(found.seen(run, probe))
}

/// Where the query is asked.
fn url(run: &Run<'_>, probe: &PrometheusProbe, base: &Url) -> Result<Url, Hindrance> {
    let path = if probe.range.is_some() {
        "query_range"
    } else {
        "query"
    };
    let mut url = exchange::below(base, ["api", "v1", path]);
    let left = run.deadline.saturating_duration_since(Instant::now());
    let mut pairs = url.query_pairs_mut();
    pairs
        .append_pair("query", &run.expand(&probe.query)?)
        // The server need not go on with what nobody waits for any more.
        .append_pair("timeout", &format!("{}ms", left.as_millis().max(1)));
    if let Some(range) = probe.range {
        let over = SignedDuration::try_from(range.over).unwrap_or(SignedDuration::MAX);
        let start = run
            .now
            .checked_sub(over)
            .map_err(|_| Hindrance::new("`range` reaches back before all time; make it shorter"))?;
        pairs
            .append_pair("start", &seconds(start.as_millisecond()))
            .append_pair("end", &seconds(run.now.as_millisecond()))
            .append_pair("step", &range.step.as_secs_f64().to_string());
    }
    drop(pairs);
    Ok(url)
}

fn seconds(milliseconds: i64) -> String {
    format!("{:.3}", milliseconds as f64 / 1000.0)
}

/// The envelope of every answer.
#[derive(Deserialize)]
struct Envelope {
    status: String,
    data: Option<Data>,
    #[serde(rename = "errorType")]
    error_type: Option<String>,
    error: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Data {
    Vector(Vec<Row>),
    Matrix(Vec<Row>),
    Scalar(Sample),
    String(#[expect(dead_code, reason = "a text has no value, whatever it says")] Sample),
}

/// A time in seconds, and a number as a text, for JSON knows no NaN.
#[derive(Deserialize)]
struct Sample(
    #[expect(dead_code, reason = "when the value was taken is not observed")] f64,
    String,
);

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    value: Option<Sample>,
    values: Option<Vec<Sample>>,
}

/// What a query gave.
struct Found {
    series: Vec<Series>,
    warnings: Vec<String>,
}

struct Series {
    labels: BTreeMap<String, String>,
    values: Vec<f64>,
}

impl Found {
    fn read(run: &Run<'_>, base: &Url, answer: &Answer) -> Result<Self, Hindrance> {
        let place = Place::of_url(base);
        if answer.body.cut {
            return Err(Hindrance::new(format!(
                "the answer of {place} is longer than {} bytes; ask for less, with sum(), topk() or a longer `step`",
                run.limits.body_bytes
            )));
        }
        let envelope: Option<Envelope> = serde_json::from_slice(&answer.body.bytes).ok();
        match envelope {
            Some(Envelope {
                status,
                data: Some(data),
                warnings,
                ..
            }) if status == "success" => Ok(Self {
                series: series(data)?,
                warnings,
            }),
            Some(Envelope {
                error: Some(error),
                error_type,
                ..
            }) => Err(Hindrance::new(refused(
                run,
                &place,
                error_type.as_deref(),
                &error,
            ))),
            _ => Err(Hindrance::new(not_prometheus(&place, answer.status))),
        }
    }

    fn seen(self, run: &Run<'_>, probe: &PrometheusProbe) -> Seen {
        let count = self.series.len();
        let value = match self.series.as_slice() {
            _ if probe.range.is_some() => {
                Err("a range gives values over time and no single one; look at `series`".to_owned())
            }
            [] => Err("the query gives no value".to_owned()),
            [only] => match only.values.first() {
                Some(value) if !value.is_nan() => Ok(*value),
                Some(_) => Err("the value is NaN, which is what nothing divided by nothing gives".to_owned()),
                None => Err("the series has no value".to_owned()),
            },
            several => Err(format!(
                "the query gives {} series and no single value; use sum() or max(), or look at `series`",
                several.len()
            )),
        };
        let numbers = self
            .series
            .iter()
            .flat_map(|series| &series.values)
            .filter(|value| !value.is_nan())
            .count();
        let holds = numbers > 0;
        let why = match &value {
            Ok(value) => format!("value is {}", shown(*value)),
            Err(_) if holds => {
                let noun = if numbers == 1 { "value" } else { "values" };
                format!("the query gives {count} series with {numbers} {noun}")
            }
            Err(why) if count == 1 && probe.range.is_none() => format!("{why}, expected a number"),
            Err(_) if count > 0 => {
                format!("the query gives {count} series without a number among their values")
            }
            Err(_) => "the query gives no value, expected one".to_owned(),
        };

        let mut evidence = BTreeMap::from([("count".to_owned(), json!(count))]);
        if let Ok(value) = value {
            evidence.insert("value".to_owned(), number(value));
        }
        if count > 1 || probe.range.is_some() {
            let (most, characters) = EVIDENCE;
            let lines: Vec<String> = self
                .series
                .iter()
                .take(most)
                .map(|series| run.redactor.beginning(series.line(), characters))
                .collect();
            evidence.insert("series".to_owned(), json!(lines));
        }
        if !self.warnings.is_empty() {
            let warnings: Vec<String> = self
                .warnings
                .iter()
                .take(WARNINGS)
                .map(|warning| run.redactor.beginning(warning, EVIDENCE.1))
                .collect();
            evidence.insert("warnings".to_owned(), json!(warnings));
        }
        let series = self
            .series
            .into_iter()
            .map(|series| series.observed(probe.range.is_some()))
            .collect();
        Seen {
            observation: Observation::default()
                .with("value", value.map_or_else(Observed::Nothing, Observed::Fraction))
                .with("series", Observed::Json(series))
                .with("count", Observed::Whole(count as i64)),
            evidence,
            holds,
            why,
        }
    }
}

impl Series {
    fn line(&self) -> String {
        let labels: Vec<String> = self
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={value:?}"))
            .collect();
        let mut line = format!("{{{}}}", labels.join(", "));
        match self.values.as_slice() {
            [only] => {
                // Writing to a string cannot fail.
                let _ = write!(line, ": {}", shown(*only));
            }
            values => {
                let numbers = || values.iter().copied().filter(|value| !value.is_nan());
                let least = numbers().fold(f64::INFINITY, f64::min);
                let most = numbers().fold(f64::NEG_INFINITY, f64::max);
                // Writing to a string cannot fail.
                let _ = match numbers().next() {
                    Some(_) => write!(
                        line,
                        ": {} values from {} to {}",
                        values.len(),
                        shown(least),
                        shown(most)
                    ),
                    None => write!(line, ": no number"),
                };
            }
        }
        line
    }

    fn observed(self, is_range: bool) -> Value {
        let mut values = self.values.into_iter().map(number);
        if is_range {
            json!({ "labels": self.labels, "values": values.collect::<Vec<Value>>() })
        } else {
            json!({ "labels": self.labels, "value": values.next() })
        }
    }
}

fn series(data: Data) -> Result<Vec<Series>, Hindrance> {
    let rows = match data {
        Data::Vector(rows) | Data::Matrix(rows) => rows,
        Data::Scalar(sample) => {
            return Ok(vec![Series {
                labels: BTreeMap::new(),
                values: vec![value(&sample)?],
            }]);
        }
        Data::String(_) => {
            return Err(Hindrance::new(
                "the query gives a text, and only numbers can be judged; mend `query`",
            ));
        }
    };
    rows.into_iter()
        .map(|row| {
            let samples = match (row.value, row.values) {
                (Some(sample), _) => vec![sample],
                (None, Some(samples)) => samples,
                (None, None) => {
                    return Err(Hindrance::new(
                        "the query gives native histograms, which are no numbers; use histogram_quantile() or histogram_count()",
                    ));
                }
            };
            Ok(Series {
                labels: row.metric,
                values: samples.iter().map(value).collect::<Result<_, _>>()?,
            })
        })
        .collect()
}

fn value(sample: &Sample) -> Result<f64, Hindrance> {
    // What Prometheus writes for the infinities and for NaN is read too.
    sample
        .1
        .parse()
        .map_err(|_| Hindrance::new(format!("the server gives {:?} for a number", sample.1)))
}

/// A number as JSON; what JSON has no number for is a text.
fn number(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or_else(|| Value::from(shown(value)), Value::Number)
}

/// A number as Prometheus writes it.
fn shown(value: f64) -> String {
    if value == f64::INFINITY {
        "+Inf".to_owned()
    } else if value == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else {
        value.to_string()
    }
}

/// What the server says against the query.
fn refused(run: &Run<'_>, place: &Place, error_type: Option<&str>, error: &str) -> String {
    let error = run.redactor.beginning(error, 300);
    match error_type {
        Some("bad_data") => format!("{place} cannot take the query: {error}; mend `query`"),
        Some("timeout" | "canceled") => {
            format!(
                "{place} could not answer the query in time: {error}; make it simpler, or raise `timeout`"
            )
        }
        Some("execution") => format!("{place} could not work the query out: {error}"),
        Some("unavailable") => format!("{place} is not ready to answer queries: {error}; try again soon"),
        Some(kind) => format!(
            "{place} refuses the query ({}): {error}",
            run.redactor.beginning(kind, 40)
        ),
        None => format!("{place} refuses the query: {error}"),
    }
}

/// What is told of an answer that is not Prometheus's.
fn not_prometheus(place: &Place, status: StatusCode) -> String {
    match status.as_u16() {
        code @ (401 | 403) => {
            format!("{place} does not let the query in (status {code}); give it credentials in `headers`")
        }
        code @ (502..=504) => {
            format!("{place} cannot reach Prometheus (status {code}); look at the proxy and the server")
        }
        code => format!(
            "{place} does not answer as Prometheus does (status {code}); `url` must be the server's base, without /api/v1"
        ),
    }
}
