//! Check runs, workflow runs, and the distance between branches.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Api, answers};
use crate::checks::observation::{Kind, Observation, Observed};
use crate::checks::probe::{Hindrance, Seen};
use crate::checks::written;

/// What check runs are observed by.
pub(super) const CHECK_NAMES: [(&str, Kind); 7] = [
    ("conclusion", Kind::Text),
    ("total", Kind::Whole),
    ("failed", Kind::Names),
    ("pending", Kind::Names),
    ("missing", Kind::Names),
    ("runs", Kind::Anything),
    ("complete", Kind::Truth),
];

/// What the last run of a workflow is observed by.
pub(super) const WORKFLOW_NAMES: [(&str, Kind); 6] = [
    ("status", Kind::Text),
    ("conclusion", Kind::Text),
    ("number", Kind::Whole),
    ("branch", Kind::Text),
    ("commit", Kind::Text),
    ("age", Kind::Duration),
];

/// What a comparison is observed by.
pub(super) const COMPARE_NAMES: [(&str, Kind); 3] = [
    ("ahead", Kind::Whole),
    ("behind", Kind::Whole),
    ("status", Kind::Text),
];

/// Conclusions that do not stand in a release's way.
const GOOD: [&str; 3] = ["success", "neutral", "skipped"];
/// The most names kept as evidence.
const EVIDENCE: usize = 20;
/// The most names in a sentence.
const TOLD: usize = 5;

/// The check runs of a commit, branch or tag.
pub(super) async fn checks(api: &Api<'_>, reference: &str, names: &[String]) -> Result<Seen, Hindrance> {
    let run = api.run;
    let reference = run.expand(reference)?;
    let wanted = run.expand_all(names)?;
    let url = api.url(
        ["commits", &*reference, "check-runs"],
        &[("filter", "latest"), ("per_page", "100")],
    );
    let list = api
        .list(url, Some("check_runs"), &format!("commit {reference}"))
        .await?;
    let read = list.entries.len();

    let mut found = CheckRuns::default();
    for entry in &list.entries {
        let name = text(entry, "name").unwrap_or_default();
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            found.take(name, text(entry, "status"), text(entry, "conclusion"));
        }
    }
    found.missing = wanted.into_iter().filter(|wanted| !found.saw(wanted)).collect();
    let total = if names.is_empty() {
        list.total.map_or(read, |total| (total as usize).max(read))
    } else {
        found.runs.len()
    };
    Ok(found.seen(&reference, total, list.complete, read))
}

#[derive(Default)]
struct CheckRuns {
    runs: Vec<Value>,
    failed: Vec<String>,
    pending: Vec<String>,
    missing: Vec<String>,
}

impl CheckRuns {
    fn take(&mut self, name: &str, status: Option<&str>, conclusion: Option<&str>) {
        let names = match (status, conclusion) {
            (Some("completed"), Some(conclusion)) if GOOD.contains(&conclusion) => None,
            (Some("completed"), _) => Some(&mut self.failed),
            _ => Some(&mut self.pending),
        };
        if let Some(names) = names
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
        }
        self.runs
            .push(json!({ "name": name, "status": status, "conclusion": conclusion }));
    }

    fn saw(&self, name: &str) -> bool {
        self.runs.iter().any(|run| run["name"] == name)
    }

    fn seen(self, reference: &str, total: usize, complete: bool, read: usize) -> Seen {
        let mut clauses = Vec::new();
        for (names, what) in [
            (&self.failed, "failed"),
            (&self.missing, "missing"),
            (&self.pending, "pending"),
        ] {
            if !names.is_empty() {
                let are = if names.len() == 1 { "is" } else { "are" };
                let verb = if what == "failed" {
                    "failed".to_owned()
                } else {
                    format!("{are} {what}")
                };
                clauses.push(format!("{} {verb}", some(names)));
            }
        }
        if !complete {
            clauses.push(format!(
                "only the first {read} of {total} check runs were read; name those that count"
            ));
        }
        let conclusion = if !self.failed.is_empty() {
            Observed::Text("failure".to_owned())
        } else if !(self.pending.is_empty() && self.missing.is_empty() && complete) {
            Observed::Text("pending".to_owned())
        } else if self.runs.is_empty() {
            Observed::Nothing(format!("{reference} has no check runs"))
        } else {
            Observed::Text("success".to_owned())
        };
        let holds = conclusion == Observed::Text("success".to_owned());
        let why = match clauses.as_slice() {
            [] if holds && total == 1 => format!("the one check run of {reference} succeeded"),
            [] if holds => format!("all {total} check runs of {reference} succeeded"),
            [] => format!("{reference} has no check runs, expected at least one"),
            clauses => format!("of the check runs of {reference}, {}", clauses.join("; ")),
        };
        let mut evidence = BTreeMap::from([
            ("total".to_owned(), json!(total)),
            ("complete".to_owned(), json!(complete)),
        ]);
        if let Observed::Text(conclusion) = &conclusion {
            evidence.insert("conclusion".to_owned(), json!(conclusion));
        }
        for (name, names) in [
            ("failed", &self.failed),
            ("pending", &self.pending),
            ("missing", &self.missing),
        ] {
            if !names.is_empty() {
                evidence.insert(name.to_owned(), names.iter().take(EVIDENCE).cloned().collect());
            }
        }
        Seen {
            observation: Observation::default()
                .with("conclusion", conclusion)
                .with("total", Observed::Whole(total as i64))
                .with("failed", Observed::Names(self.failed))
                .with("pending", Observed::Names(self.pending))
                .with("missing", Observed::Names(self.missing))
                .with("runs", Observed::Json(Value::Array(self.runs)))
                .with("complete", Observed::Truth(complete)),
            evidence,
            holds,
            why,
        }
    }
}

/// The last run of a workflow, by when it was made.
pub(super) async fn workflow(api: &Api<'_>, file: &str, branch: Option<&str>) -> Result<Seen, Hindrance> {
    let run = api.run;
    let file = run.expand(file)?;
    let branch = branch.map(|branch| run.expand(branch)).transpose()?;
    let mut query = vec![("per_page", "1"), ("exclude_pull_requests", "true")];
    query.extend(branch.as_deref().map(|branch| ("branch", branch)));
    // A file is asked for by its name alone.
    let name = file.rsplit('/').next().unwrap_or(&file);
    let url = api.url(["actions", "workflows", name, "runs"], &query);
    let (answer, _) = api.get(&url, &format!("workflow {name}")).await?;
    let runs = answer["workflow_runs"]
        .as_array()
        .ok_or_else(|| Hindrance::new(answers::not_github(&url)))?;
    let on = branch.map_or_else(String::new, |branch| format!(" on {branch}"));
    let Some(last) = runs.first() else {
        let nothing = || Observed::Nothing(format!("{name} has not run{on}"));
        let observation = WORKFLOW_NAMES
            .iter()
            .fold(Observation::default(), |seen, (name, _)| {
                seen.with(*name, nothing())
            });
        return Ok(Seen {
            observation,
            evidence: BTreeMap::new(),
            holds: false,
            why: format!("{name} has not run{on}, expected a run that succeeded"),
        });
    };
    let observed = |key: &str, otherwise: &str| {
        text(last, key).map_or_else(
            || Observed::Nothing(otherwise.to_owned()),
            |text| Observed::Text(text.to_owned()),
        )
    };
    let status = text(last, "status").unwrap_or("unknown");
    let conclusion = text(last, "conclusion");
    let number = last["run_number"].as_i64();
    let age = text(last, "updated_at")
        .and_then(|at| at.parse::<jiff::Timestamp>().ok())
        .map(|at| run.now.duration_since(at).max(jiff::SignedDuration::ZERO))
        .and_then(|age| age.try_into().ok());
    let holds = status == "completed" && conclusion == Some("success");
    let title = match number {
        Some(number) => format!("run {number} of {name}{on}"),
        None => format!("the last run of {name}{on}"),
    };
    let why = match conclusion {
        Some(_) if holds => format!("{title} succeeded"),
        Some(conclusion) => format!("{title} ended with {conclusion}, expected success"),
        None => format!(
            "{title} is {}, expected it to be completed",
            status.replace('_', " ")
        ),
    };
    let mut evidence = BTreeMap::new();
    for (name, key) in [
        ("status", "status"),
        ("conclusion", "conclusion"),
        ("branch", "head_branch"),
        ("commit", "head_sha"),
        ("url", "html_url"),
    ] {
        if let Some(text) = text(last, key) {
            evidence.insert(name.to_owned(), Value::from(run.redactor.beginning(text, 200)));
        }
    }
    evidence.extend(number.map(|number| ("number".to_owned(), json!(number))));
    Ok(Seen {
        observation: Observation::default()
            .with("status", observed("status", "the run has no status"))
            .with(
                "conclusion",
                observed(
                    "conclusion",
                    &format!("{title} has no conclusion yet: it is {status}"),
                ),
            )
            .with("branch", observed("head_branch", "the run has no branch"))
            .with("commit", observed("head_sha", "the run has no commit"))
            .with(
                "number",
                number.map_or_else(
                    || Observed::Nothing("the run has no number".to_owned()),
                    Observed::Whole,
                ),
            )
            .with(
                "age",
                age.map_or_else(
                    || Observed::Nothing("the run has no date".to_owned()),
                    Observed::Duration,
                ),
            ),
        evidence,
        holds,
        why,
    })
}

/// How far a branch is from another.
pub(super) async fn compare(api: &Api<'_>, base: &str, head: &str) -> Result<Seen, Hindrance> {
    let (base, head) = (api.run.expand(base)?, api.run.expand(head)?);
    // Only the counts are wanted; the commits and files come in pages, of which the second of one has none.
    let url = api.url(
        ["compare", format!("{base}...{head}").as_str()],
        &[("per_page", "1"), ("page", "2")],
    );
    let (answer, _) = api.get(&url, &format!("{base} or {head}")).await?;
    let whole = |key: &str| {
        answer[key]
            .as_i64()
            .ok_or_else(|| Hindrance::new(answers::not_github(&url)))
    };
    let (ahead, behind) = (whole("ahead_by")?, whole("behind_by")?);
    let status = text(&answer, "status").unwrap_or("unknown").to_owned();
    let commits = |count: i64| {
        if count == 1 {
            "1 commit".to_owned()
        } else {
            format!("{count} commits")
        }
    };
    let holds = behind == 0;
    let why = match (ahead, behind) {
        (0, 0) => format!("{head} and {base} are the same"),
        (_, 0) => format!("{head} is {} ahead of {base} and not behind", commits(ahead)),
        (0, _) => format!("{head} is {} behind {base}, expected none", commits(behind)),
        _ => format!(
            "{head} is {} behind {base}, expected none (and {} ahead)",
            commits(behind),
            commits(ahead)
        ),
    };
    Ok(Seen {
        evidence: BTreeMap::from([
            ("ahead".to_owned(), json!(ahead)),
            ("behind".to_owned(), json!(behind)),
            ("status".to_owned(), json!(status)),
        ]),
        observation: Observation::default()
            .with("ahead", Observed::Whole(ahead))
            .with("behind", Observed::Whole(behind))
            .with("status", Observed::Text(status)),
        holds,
        why,
    })
}

fn text<'a>(entry: &'a Value, key: &str) -> Option<&'a str> {
    entry.get(key)?.as_str()
}

/// Names in a sentence, not too many of them.
fn some(names: &[String]) -> String {
    let mut told: Vec<String> = names.iter().take(TOLD).cloned().collect();
    if names.len() > TOLD {
        told.push(format!("{} more", names.len() - TOLD));
    }
    written::joined(&told, "and")
}
