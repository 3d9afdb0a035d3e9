//! Which of the answers that a line of the document offers is the true one.
//!
//! Nothing is guessed: a line is answered only when what stands before its boxes says what it is about and exactly one of
//! its answers is true. Every other line stays as it is.

use std::ops::Range;

use crate::domain::deployment::{Deployment, Phase};
use crate::domain::event::{Decision, Outcome};
use crate::domain::ids::RoleKey;
use crate::markdown::{Choice, choices};

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Decision(Decision),
    Standing(Standing),
    Verdict(Verdict),
}

/// Where a deployment stands, as the feet of checklists put it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    UnderWay,
    Complete,
    Failed,
    /// What is never true of a deployment of ours, but shows what the line is about.
    Other,
}

/// A role's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Approved,
    Rejected,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Decision,
    Standing,
    Verdict,
}

/// Whether a line that seems to ask for what Holdpoint knows does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sure {
    /// It says so.
    Yes,
    /// When no other line asks for the same.
    IfAlone,
}

/// What answers are called, in lower case.
const MEANINGS: [(Meaning, &[&str]); 8] = [
    (Meaning::Decision(Decision::Go), &["go"]),
    (Meaning::Decision(Decision::NoGo), &["no go", "nogo"]),
    (
        Meaning::Standing(Standing::UnderWay),
        &["in progress", "under way", "underway", "ongoing"],
    ),
    (
        Meaning::Standing(Standing::Complete),
        &["complete", "completed", "success", "successful", "succeeded"],
    ),
    (
        Meaning::Standing(Standing::Failed),
        &["failed", "failure", "unsuccessful"],
    ),
    (
        Meaning::Standing(Standing::Other),
        &[
            "rolled back",
            "rollback",
            "partial",
            "partially complete",
            "partially completed",
            "not started",
            "pending",
            "aborted",
            "cancelled",
            "canceled",
        ],
    ),
    (Meaning::Verdict(Verdict::Approved), &["approved", "approve"]),
    (
        Meaning::Verdict(Verdict::Rejected),
        &["rejected", "reject", "not approved", "declined"],
    ),
];

/// The words that may stand before the answers where the decision is asked for.
const OF_DECISIONS: [&str; 14] = [
    "the",
    "final",
    "our",
    "go",
    "no",
    "nogo",
    "or",
    "decision",
    "call",
    "verdict",
    "for",
    "deployment",
    "release",
    "launch",
];
/// The words that may stand before the answers where it is asked how the deployment stands.
const OF_STANDINGS: [&str; 18] = [
    "the",
    "this",
    "of",
    "is",
    "where",
    "we",
    "stand",
    "final",
    "current",
    "overall",
    "deployment",
    "release",
    "rollout",
    "status",
    "state",
    "outcome",
    "result",
    "conclusion",
];

impl Meaning {
    fn of(label: &str) -> Option<Self> {
        // What is said of an answer, as "NO-GO (why: ____)", is no part of its name.
        let name = label.split(['(', ':', ',', ';', '/', '|', '–', '—']).next()?;
        let name = words(name).join(" ");
        MEANINGS
            .iter()
            .find(|(_, names)| names.contains(&name.as_str()))
            .map(|(meaning, _)| *meaning)
    }

    fn subject(self) -> Subject {
        match self {
            Self::Decision(_) => Subject::Decision,
            Self::Standing(_) => Subject::Standing,
            Self::Verdict(_) => Subject::Verdict,
        }
    }
}

/// A line whose answers are about what Holdpoint knows.
struct Line {
    choice: Choice,
    subject: Subject,
    sure: Sure,
    /// What is true, once it is known.
    truth: Option<Meaning>,
}

/// A deployment, as lines are held against it.
struct Facts<'a> {
    deployment: &'a Deployment,
    environment: Vec<String>,
    /// The roles and the words of their titles.
    roles: Vec<(&'a RoleKey, Vec<String>)>,
}

/// The boxes to tick, each by its place in the document.
pub(super) fn chosen(deployment: &Deployment) -> Vec<Range<usize>> {
    let facts = Facts::of(deployment);
    let lines: Vec<Line> = choices(&deployment.checklist)
        .into_iter()
        .filter_map(|choice| {
            let subject = subject(&choice)?;
            let (sure, truth) = facts.asked(&choice, subject)?;
            Some(Line {
                choice,
                subject,
                sure,
                truth,
            })
        })
        .collect();
    // Where each part of a document has its own status, none of them is the deployment's.
    let count = |subject| {
        let alike = lines
            .iter()
            .filter(|line| line.subject == subject && line.sure == Sure::IfAlone);
        alike.count()
    };
    let (decisions, standings) = (count(Subject::Decision), count(Subject::Standing));
    lines
        .iter()
        .filter(|line| match (line.sure, line.subject) {
            (Sure::Yes, _) | (Sure::IfAlone, Subject::Verdict) => true,
            (Sure::IfAlone, Subject::Decision) => decisions == 1,
            (Sure::IfAlone, Subject::Standing) => standings == 1,
        })
        .filter_map(|line| {
            let truth = line.truth?;
            let mut fitting = line
                .choice
                .answers
                .iter()
                .filter(|answer| Meaning::of(&answer.label) == Some(truth));
            let answer = fitting.next()?;
            fitting.next().is_none().then(|| answer.span.clone())
        })
        .collect()
}

/// What the answers of a line are about, when they are about one thing.
fn subject(choice: &Choice) -> Option<Subject> {
    let mut subjects = choice
        .answers
        .iter()
        .filter_map(|answer| Meaning::of(&answer.label))
        .map(Meaning::subject);
    let first = subjects.next()?;
    // One word alone may mean anything.
    let second = subjects.next()?;
    (first == second && subjects.all(|subject| subject == first)).then_some(first)
}

impl<'a> Facts<'a> {
    fn of(deployment: &'a Deployment) -> Self {
        let roles = deployment.checklist.sign_offs.values();
        Self {
            deployment,
            environment: words(&deployment.environment),
            roles: roles
                .map(|rule| (&rule.key, words(&rule.title)))
                .filter(|(_, title)| !title.is_empty())
                .collect(),
        }
    }

    /// Whether what stands before the answers asks for what Holdpoint knows, and what is true then.
    fn asked(&self, choice: &Choice, subject: Subject) -> Option<(Sure, Option<Meaning>)> {
        let deployment = self.deployment;
        let lead = words(&choice.lead);
        let item = choice.item.and_then(|item| deployment.checklist.items.get(item));
        match subject {
            Subject::Decision => {
                let decided = deployment.decision.as_ref();
                let truth = decided.map(|decided| Meaning::Decision(decided.decision));
                if item.is_some_and(|item| item.decision) {
                    return Some((Sure::Yes, truth));
                }
                let asks = lead.iter().all(|word| OF_DECISIONS.contains(&word.as_str()));
                asks.then_some((Sure::IfAlone, truth))
            }
            Subject::Standing => {
                let standing = match deployment.phase {
                    Phase::Preparing | Phase::Held | Phase::Releasing => Standing::UnderWay,
                    Phase::Finished(Outcome::Complete) => Standing::Complete,
                    Phase::Finished(Outcome::Failed) => Standing::Failed,
                };
                let asks = lead
                    .iter()
                    .all(|word| OF_STANDINGS.contains(&word.as_str()) || self.environment.contains(word));
                let truth = Some(Meaning::Standing(standing));
                (item.is_none() && asks).then_some((Sure::IfAlone, truth))
            }
            Subject::Verdict => {
                let of_item = item.and_then(|item| item.sign_off.as_ref());
                let role = self.one_role(&lead, of_item)?;
                Some((Sure::Yes, self.verdict(role).map(Meaning::Verdict)))
            }
        }
    }

    /// The one role that a line is about: its item's, or the one that is named before the answers.
    fn one_role(&self, lead: &[String], of_item: Option<&'a RoleKey>) -> Option<&'a RoleKey> {
        let named: Vec<(&RoleKey, Range<usize>)> = self
            .roles
            .iter()
            .filter_map(|(key, title)| {
                let start = lead.windows(title.len()).position(|window| window == title)?;
                Some((*key, start..start + title.len()))
            })
            .collect();
        // "Tech Lead" names no "Lead".
        let is_part = |one: &Range<usize>| {
            named
                .iter()
                .any(|(_, other)| other.len() > one.len() && other.start <= one.start && one.end <= other.end)
        };
        let mut roles = named
            .iter()
            .filter(|(_, words)| !is_part(words))
            .map(|(key, _)| *key)
            .chain(of_item);
        let first = roles.next()?;
        roles.all(|role| role == first).then_some(first)
    }

    fn verdict(&self, role: &RoleKey) -> Option<Verdict> {
        let sign_off = self.deployment.sign_offs.get(role)?;
        if sign_off.rejections().next().is_some() {
            Some(Verdict::Rejected)
        } else {
            self.deployment.is_approved(role).then_some(Verdict::Approved)
        }
    }
}

/// The words of a text in lower case, without what stands between them.
fn words(text: &str) -> Vec<String> {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests;
