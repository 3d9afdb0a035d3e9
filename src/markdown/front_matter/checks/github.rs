//! The `github` probe.

use super::required;
use crate::domain::check::{GithubAlerts, GithubProbe, GithubQuestion, Probe};
use crate::markdown::front_matter::values::{Entry, Fields, Values, listed};
use crate::markdown::front_matter::yaml::{NodeId, Value};

/// Where the API of github.com is.
const BASE_URL: &str = "https://api.github.com";
/// What can be asked, as it is written.
const QUESTIONS: [&str; 4] = ["checks", "workflow", "compare", "alerts"];

pub(super) fn read(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Probe> {
    let known = [
        "repository",
        "ref",
        "checks",
        "workflow",
        "compare",
        "alerts",
        "token",
        "base_url",
    ];
    let fields = values.fields(entry.value, "`github`", &known)?;
    let repository =
        required(values, &fields, entry, "repository").and_then(|id| values.words(id, "`repository`"));
    let mut text = |key: &str| fields.get(key).map(|id| values.words(id, &format!("`{key}`")));
    let (reference, token, base_url) = (text("ref"), text("token"), text("base_url"));
    let reference = match reference {
        Some(reference) => Some(reference?),
        None => None,
    };
    let asked: Vec<&Entry> = fields
        .entries()
        .iter()
        .filter(|field| QUESTIONS.contains(&field.key.as_str()))
        .collect();
    let question = match asked.as_slice() {
        [] => {
            values.error(
                entry.place,
                "`github` asks nothing.".to_owned(),
                Some(format!("Give it one of {}.", listed(&QUESTIONS))),
            );
            return None;
        }
        [only] => question(values, &fields, only, reference)?,
        [_, second, ..] => {
            values.error(
                second.place,
                "`github` asks more than one thing.".to_owned(),
                Some(format!(
                    "Keep one of {}; make another check of the other.",
                    listed(&QUESTIONS)
                )),
            );
            return None;
        }
    };
    Some(Probe::Github(GithubProbe {
        repository: repository?,
        question,
        token: match token {
            Some(token) => Some(token?),
            None => None,
        },
        base_url: match base_url {
            Some(base_url) => base_url?,
            None => BASE_URL.to_owned(),
        },
    }))
}

fn question(
    values: &mut Values<'_, '_, '_>,
    fields: &Fields,
    asked: &Entry,
    reference: Option<String>,
) -> Option<GithubQuestion> {
    let mut needed = |reference: Option<String>, what: &str| {
        if reference.is_none() {
            values.error(
                asked.place,
                format!("`{}` needs a `ref`.", asked.key),
                Some(format!("Say {what}, as in `ref: main`.")),
            );
        }
        reference
    };
    match asked.key.as_str() {
        "checks" => {
            let reference = needed(reference, "which commit, branch or tag is meant");
            let names = names(values, asked.value);
            Some(GithubQuestion::Checks {
                reference: reference?,
                names: names?,
            })
        }
        "workflow" => Some(GithubQuestion::Workflow {
            file: values.words(asked.value, "`workflow`")?,
            branch: reference,
        }),
        "compare" => {
            let head = needed(reference, "which branch is compared");
            let base = values.words(asked.value, "`compare`");
            Some(GithubQuestion::Compare {
                base: base?,
                head: head?,
            })
        }
        _ => {
            let source = match values.words(asked.value, "`alerts`")?.as_str() {
                "code-scanning" => GithubAlerts::CodeScanning,
                "dependabot" => GithubAlerts::Dependabot,
                _ => {
                    values.wrong_type(asked.value, "`alerts`", "`code-scanning` or `dependabot`");
                    return None;
                }
            };
            if let (GithubAlerts::Dependabot, Some(field)) = (source, fields.entry("ref")) {
                values.error(
                    field.place,
                    "Alerts of Dependabot have no `ref`.".to_owned(),
                    Some("GitHub raises them for the default branch alone; remove `ref`.".to_owned()),
                );
                return None;
            }
            Some(GithubQuestion::Alerts { source, reference })
        }
    }
}

/// `all`, or the names of check runs.
fn names(values: &mut Values<'_, '_, '_>, id: NodeId) -> Option<Vec<String>> {
    match &values.tree.node(id).value {
        Value::Scalar { text, .. } if text == "all" => Some(Vec::new()),
        Value::Sequence(list) if !list.is_empty() => list
            .iter()
            .map(|name| values.words(*name, "a name in `checks`"))
            .collect(),
        _ => {
            values.wrong_type(id, "`checks`", "`all` or a list of the names of check runs");
            None
        }
    }
}
