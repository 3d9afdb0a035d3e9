//! Open security alerts, counted by how grave they are.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Api;
use crate::checks::observation::{Kind, Observation, Observed};
use crate::checks::probe::{Hindrance, Seen};
use crate::checks::written;
use crate::domain::check::GithubAlerts;

/// What alerts are observed by.
pub(super) const NAMES: [(&str, Kind); 7] = [
    ("alerts", Kind::Whole),
    ("critical", Kind::Whole),
    ("high", Kind::Whole),
    ("medium", Kind::Whole),
    ("low", Kind::Whole),
    ("unrated", Kind::Whole),
    ("complete", Kind::Truth),
];

/// Severities as GitHub names them, the gravest first.
const SEVERITIES: [&str; 4] = ["critical", "high", "medium", "low"];

/// The open alerts of a repository.
pub(super) async fn alerts(
    api: &Api<'_>,
    source: GithubAlerts,
    reference: Option<&str>,
) -> Result<Seen, Hindrance> {
    let reference = reference.map(|reference| api.run.expand(reference)).transpose()?;
    let (segment, title, per_page) = match source {
        GithubAlerts::CodeScanning => ("code-scanning", "code scanning", "100"),
        // An alert of Dependabot carries the whole advisory, so fewer fit into a body.
        GithubAlerts::Dependabot => ("dependabot", "Dependabot", "50"),
    };
    let mut query = vec![("state", "open"), ("per_page", per_page)];
    query.extend(reference.as_deref().map(|reference| ("ref", reference)));
    let url = api.url([segment, "alerts"], &query);
    let list = api.list(url, None, &format!("alerts of {title}")).await?;

    let mut counts = [0_i64; SEVERITIES.len()];
    let mut unrated = 0;
    for alert in &list.entries {
        match severity(source, alert).and_then(|named| SEVERITIES.iter().position(|known| *known == named)) {
            Some(index) => counts[index] += 1,
            None => unrated += 1,
        }
    }
    let total = list.entries.len();
    let grave = counts[0] + counts[1];
    let holds = grave == 0 && list.complete;
    let told: Vec<String> = SEVERITIES
        .iter()
        .zip(counts)
        .chain([(&"unrated", unrated)])
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    let listed = written::joined(&told, "and");
    let noun = if total == 1 { "alert" } else { "alerts" };
    let why = match (total, list.complete) {
        (0, _) => format!("{title} has no open alerts"),
        (_, true) if holds => format!("{title} has {total} open {noun}, none critical or high: {listed}"),
        (_, true) => format!("{title} has {total} open {noun}, expected none critical or high: {listed}"),
        (_, false) => format!(
            "{title} has more than the {total} open alerts that were read ({listed}), expected none critical or high"
        ),
    };
    let mut evidence = BTreeMap::from([
        ("alerts".to_owned(), json!(total)),
        ("unrated".to_owned(), json!(unrated)),
        ("complete".to_owned(), json!(list.complete)),
    ]);
    let mut observation = Observation::default()
        .with("alerts", Observed::Whole(total as i64))
        .with("unrated", Observed::Whole(unrated))
        .with("complete", Observed::Truth(list.complete));
    for (severity, count) in SEVERITIES.into_iter().zip(counts) {
        evidence.insert(severity.to_owned(), json!(count));
        observation = observation.with(severity, Observed::Whole(count));
    }
    Ok(Seen {
        observation,
        evidence,
        holds,
        why,
    })
}

/// How grave an alert is for security. A rule of code scanning that is not about security has no such severity.
fn severity(source: GithubAlerts, alert: &Value) -> Option<&str> {
    let path = match source {
        GithubAlerts::CodeScanning => "/rule/security_severity_level",
        GithubAlerts::Dependabot => "/security_advisory/severity",
    };
    alert.pointer(path)?.as_str()
}
