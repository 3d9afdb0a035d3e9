//! What is written back into the document: boxes, who ticked them, names, dates and blanks.

use jiff::Timestamp;

use super::Names;
use super::choosing::chosen;
use super::escape::{day, minute};
use crate::domain::check::Attestation;
use crate::domain::checklist::{Blank, Item, ItemIndex};
use crate::domain::deployment::{Deployment, ItemState};
use crate::domain::event::{Actor, Decision, How};
use crate::domain::ids::CheckId;
use crate::domain::sign_off::{Rank, Signature};
use crate::markdown::{BoxState, Filling, ItemFilling};

/// What became of a deployment's items and blanks, in plain text.
///
/// Where nobody filled the blanks of a signed item by hand, the signature does: the first takes the names, one whose
/// label speaks of a date takes the day of the last approval. Notes on items stand on the items' lines. Where a line offers
/// answers, as GO and NO-GO, the one that is true is ticked.
pub fn filling(deployment: &Deployment, names: Names<'_>) -> Filling {
    let mut filling = Filling {
        answers: chosen(deployment),
        ..Filling::default()
    };
    for (index, item) in deployment.checklist.items.iter().enumerate() {
        let (state, annotation) = became(deployment, index, item, names);
        filling.items.insert(
            item.id.clone(),
            ItemFilling {
                state: Some(state),
                annotation,
            },
        );
        fill_by_signature(deployment, index, item, names, &mut filling);
    }
    for (blank, filled) in &deployment.blanks {
        filling.blanks.insert(blank.clone(), filled.value.clone());
    }
    for note in &deployment.notes {
        let Some((_, item)) = note.item.as_ref().and_then(|id| deployment.checklist.item(id)) else {
            continue;
        };
        let text = format!(
            "note by {} on {}: {}",
            who(note.by, names),
            minute(note.at),
            note.text
        );
        filling.notes.entry(item.line).or_default().push(text);
    }
    filling
}

/// Who or what did something, for the document.
pub(super) fn who(actor: Actor, names: Names<'_>) -> String {
    match actor {
        Actor::Person(person) => format!("@{}", names(person).trim_start_matches('@')),
        Actor::CheckRunner => "its check".to_owned(),
        Actor::Timer => "a timer".to_owned(),
        Actor::Document => "the document".to_owned(),
    }
}

/// A rank in a word.
pub(super) fn rank_name(rank: Rank) -> &'static str {
    match rank {
        Rank::Owner => "owner",
        Rank::Deputy => "deputy",
        Rank::Lead => "lead",
    }
}

fn became(
    deployment: &Deployment,
    index: ItemIndex,
    item: &Item,
    names: Names<'_>,
) -> (BoxState, Option<String>) {
    let done =
        |what: &str, by: Actor, at: Timestamp| format!("{what} by {} on {}", who(by, names), minute(at));
    match deployment.item_state(index) {
        ItemState::Open => (BoxState::Unticked, None),
        ItemState::Ticked {
            how: How::InTheDocument,
            ..
        } => (BoxState::Ticked, None),
        ItemState::Ticked {
            by,
            at,
            how: How::ByHand,
        } => (BoxState::Ticked, Some(done("ticked", *by, *at))),
        ItemState::Ticked {
            by,
            at,
            how: How::ByWhatItFollows,
        } => (BoxState::Ticked, followed(deployment, item, *by, *at, names)),
        ItemState::Skipped { by, at, reason } => (
            BoxState::Skipped,
            Some(format!("{}: {reason}", done("skipped", *by, *at))),
        ),
        ItemState::Blocked { by, at, reason } => (
            BoxState::Unticked,
            Some(format!("{}: {reason}", done("blocked", *by, *at))),
        ),
    }
}

/// What ticked an item that follows something. A box ticked with the items nested in it says nothing: they do.
fn followed(
    deployment: &Deployment,
    item: &Item,
    by: Actor,
    at: Timestamp,
    names: Names<'_>,
) -> Option<String> {
    if let Some(sign_off) = item
        .sign_off
        .as_ref()
        .and_then(|role| deployment.sign_offs.get(role))
    {
        let signed: Vec<_> = sign_off
            .signatures
            .iter()
            .map(|signature| {
                let name = who(Actor::Person(signature.by), names);
                format!(
                    "{name} ({}) on {}",
                    rank_name(signature.rank),
                    minute(signature.at)
                )
            })
            .collect();
        return (!signed.is_empty()).then(|| format!("approved by {}", signed.join(", ")));
    }
    if let Some(decided) = deployment.decision.as_ref().filter(|_| item.decision) {
        let word = match decided.decision {
            Decision::Go => "GO",
            Decision::NoGo => "NO-GO",
        };
        return Some(format!(
            "{word} by {} on {}",
            who(decided.by, names),
            minute(decided.at)
        ));
    }
    if item.checks.is_empty() {
        return None;
    }
    let attestations: Option<Vec<Attestation>> = item
        .checks
        .iter()
        .map(|check| deployment.checks.get(check).and_then(Attestation::of))
        .collect();
    if let Some(attestations) = attestations {
        let said: Vec<_> = attestations
            .iter()
            .map(|attested| {
                let shown = attested.evidence.as_ref();
                format!(
                    "attested by {} on {}{}",
                    who(Actor::Person(attested.by), names),
                    minute(attested.at),
                    shown.map_or_else(String::new, |evidence| format!(": {evidence}"))
                )
            })
            .collect();
        return Some(said.join("; "));
    }
    let keys: Vec<_> = item.checks.iter().map(CheckId::as_str).collect();
    let word = if keys.len() == 1 { "check" } else { "checks" };
    let runner = match by {
        Actor::Person(_) => format!(", with a deed of {}", who(by, names)),
        Actor::CheckRunner | Actor::Timer | Actor::Document => String::new(),
    };
    Some(format!(
        "ticked by {word} {} on {}{runner}",
        keys.join(", "),
        minute(at)
    ))
}

fn fill_by_signature(
    deployment: &Deployment,
    index: ItemIndex,
    item: &Item,
    names: Names<'_>,
    filling: &mut Filling,
) {
    let Some(role) = item.sign_off.as_ref().filter(|role| deployment.is_approved(role)) else {
        return;
    };
    let signatures: &[Signature] = deployment
        .sign_offs
        .get(role)
        .map_or(&[], |sign_off| sign_off.signatures.as_slice());
    let Some(last) = signatures.iter().map(|signature| signature.at).max() else {
        return;
    };
    let signers: Vec<_> = signatures
        .iter()
        .map(|signature| who(Actor::Person(signature.by), names))
        .collect();
    let is_date = |blank: &&Blank| blank.label.to_lowercase().contains("date");
    let blanks: Vec<&Blank> = deployment
        .checklist
        .blanks
        .iter()
        .filter(|blank| blank.item == Some(index))
        .collect();
    if let Some(name) = blanks.iter().find(|blank| !is_date(blank)) {
        filling.blanks.insert(name.id.clone(), signers.join(", "));
    }
    for date in blanks.iter().filter(|blank| is_date(blank)) {
        filling.blanks.insert(date.id.clone(), day(last));
    }
}
