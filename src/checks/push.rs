//! The `push` probe: what a CI job or a monitor has posted, and whether it is who it should be.

mod signature;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

pub use self::signature::{SignedPost, Unsigned};
use super::observation::{Kind, Observation, Observed};
use super::probe::{Hindrance, Run, Seen};
use super::variables::Variables;
use super::{Checks, template, written};
use crate::domain::check::{Check, CheckResult, Inbox, Post, Probe, PushProbe};
use crate::domain::ids::VariableName;

/// What a post is observed by.
pub(super) const NAMES: [(&str, Kind); 3] = [
    ("status", Kind::Text),
    ("json", Kind::Anything),
    ("age", Kind::Duration),
];

/// What a status says that is good, in any case.
const GOOD: [&str; 3] = ["passed", "success", "ok"];
/// The most bytes of a body that are kept to be judged again, written without spaces.
const LONGEST_KEPT: usize = 16 << 10;
/// The most characters of a status that are kept.
const LONGEST_STATUS: usize = 200;

impl Checks {
    /// Whether a post comes from somebody who knows the secret of the check, and came when it was signed.
    ///
    /// # Errors
    /// Says why not, without the secret.
    pub fn vet_post(
        &self,
        probe: &PushProbe,
        variables: &Variables,
        post: &SignedPost<'_>,
    ) -> Result<(), Unsigned> {
        let secret = variables
            .expand(&probe.secret)
            .map_err(|unknown| Unsigned::new(unknown.to_string()))?;
        signature::verify(&secret, post, self.shared.clock.now())
    }

    /// Judges what was posted by the check's condition. The result keeps what is needed to judge it again.
    pub async fn judge_post(
        &self,
        check: &Check,
        variables: &Variables,
        path: &str,
        post: Post,
    ) -> CheckResult {
        let mut check = check.clone();
        if let Probe::Push(probe) = &mut check.probe {
            probe.inbox = Some(Inbox {
                path: path.to_owned(),
                last: Some(post),
            });
        }
        self.run(&check, variables).await
    }
}

/// What is wrong with the parameters, as far as can be told beforehand.
pub(super) fn flaws(probe: &PushProbe) -> Vec<String> {
    if secret_variable(probe).is_none() {
        return vec![
            "`secret` must be one secret variable in braces and nothing else, as in \"{{ ci_secret }}\"; a secret \
             does not stand in a checklist"
                .to_owned(),
        ];
    }
    Vec::new()
}

/// The variable that holds the secret, when one is named and nothing else stands there.
pub(super) fn secret_variable(probe: &PushProbe) -> Option<VariableName> {
    let text = probe.secret.trim();
    let found = template::placeholders(text);
    let [placeholder] = found.as_slice() else {
        return None;
    };
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?;
    (placeholder.captured().is_none() && inner.trim() == placeholder.name)
        .then(|| VariableName::new(placeholder.name))
}

/// The texts that may name variables.
pub(super) fn texts(probe: &PushProbe) -> Vec<&str> {
    vec![&probe.secret]
}

/// Looks at what came last.
pub(super) fn probe(run: &Run<'_>, probe: &PushProbe) -> Result<Seen, Hindrance> {
    let Some(inbox) = &probe.inbox else {
        return Err(Hindrance::new(
            "posts come to a deployment, and there is none here; look at it with `/deploy check`",
        ));
    };
    let within = written::duration(probe.within);
    let path = &inbox.path;
    let Some(post) = &inbox.last else {
        return Err(Hindrance::failed(
            format!("nothing has come yet, expected a post within {within}; POST to {path}"),
            BTreeMap::new(),
        ));
    };
    let age = Duration::try_from(run.now.duration_since(post.received)).unwrap_or_default();
    let mut evidence = kept(run, post);
    evidence.insert("age_ms".to_owned(), json!(age.as_millis() as u64));
    if age > probe.within {
        return Err(Hindrance::failed(
            format!(
                "nothing has come within {within}; the last post came at {}; POST to {path}",
                second(post.received)
            ),
            evidence,
        ));
    }
    let status = post.status.clone();
    let holds = status
        .as_deref()
        .is_some_and(|status| GOOD.iter().any(|good| status.eq_ignore_ascii_case(good)));
    let came = format!("posted {} ago", written::duration(age));
    let why = match &status {
        Some(status) if holds => format!(
            "status is {:?}, {came}",
            run.redactor.beginning(status, LONGEST_STATUS)
        ),
        Some(status) => format!(
            "status is {:?}, {came}, expected \"passed\", \"success\" or \"ok\"",
            run.redactor.beginning(status, LONGEST_STATUS)
        ),
        None => format!(
            "what was {came} has no `status` and no `conclusion` that is a text; post one, or say under `pass` what must hold"
        ),
    };
    let status = status.map_or_else(
        || Observed::Nothing("the post has no `status` and no `conclusion` that is a text".to_owned()),
        Observed::Text,
    );
    let json = post.json.clone().map_or_else(
        || Observed::Nothing("the body was too long to be kept after it was judged".to_owned()),
        Observed::Json,
    );
    Ok(Seen {
        observation: Observation::default()
            .with("status", status)
            .with("json", json)
            .with("age", Observed::Duration(age)),
        evidence,
        holds,
        why,
    })
}

/// What a result keeps of the last post where it could not be judged; nothing for other probes.
pub(super) fn kept_anyway(run: &Run<'_>, probe: &Probe) -> BTreeMap<String, Value> {
    let last = match probe {
        Probe::Push(probe) => probe.inbox.as_ref().and_then(|inbox| inbox.last.as_ref()),
        _ => None,
    };
    last.map(|post| kept(run, post)).unwrap_or_default()
}

/// What a result keeps of the last post: the next run looks at it again.
fn kept(run: &Run<'_>, post: &Post) -> BTreeMap<String, Value> {
    let mut kept = BTreeMap::from([(Post::RECEIVED.to_owned(), json!(post.received.to_string()))]);
    if let Some(status) = &post.status {
        let status = run.redactor.beginning(status, LONGEST_STATUS);
        kept.insert(Post::STATUS.to_owned(), Value::from(status));
    }
    if let Some(json) = &post.json {
        let json = run.redactor.redact_value(json.clone());
        if json.to_string().len() <= LONGEST_KEPT {
            kept.insert(Post::JSON.to_owned(), json);
        }
    }
    kept
}

/// A time to the second.
fn second(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second())
        .unwrap_or(time)
        .to_string()
}
