//! Commands in a word or two.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::check::{CheckResult, CheckStatus};
use crate::domain::command::{CardAnswer, Command};
use crate::domain::event::Outcome;
use crate::domain::ids::{BlankId, CheckId, ItemId, RoleKey};
use crate::domain::refusal::Refusal;
use crate::domain::text::{BlankValue, Reason, Remark};

pub(super) fn parsed<T>(text: Result<T, Refusal>) -> T {
    match text {
        Ok(text) => text,
        Err(refusal) => panic!("a story's own text was refused: {refusal}"),
    }
}

pub(super) fn reason(text: &str) -> Reason {
    parsed(Reason::parse(text))
}

pub(super) fn tick(item: &str) -> Command {
    Command::Tick {
        item: ItemId::new(item),
    }
}

pub(super) fn attest(item: &str, evidence: &str) -> Command {
    Command::Attest {
        item: ItemId::new(item),
        evidence: parsed(Remark::parse(evidence)),
    }
}

pub(super) fn untick(item: &str) -> Command {
    Command::Untick {
        item: ItemId::new(item),
    }
}

pub(super) fn skip(item: &str) -> Command {
    Command::Skip {
        item: ItemId::new(item),
        reason: reason("not needed"),
    }
}

pub(super) fn block(item: &str) -> Command {
    Command::Block {
        item: ItemId::new(item),
        reason: reason("the vendor is down"),
    }
}

pub(super) fn unblock(item: &str) -> Command {
    Command::Unblock {
        item: ItemId::new(item),
        reason: None,
    }
}

pub(super) fn fill(blank: &str, value: &str) -> Command {
    Command::Fill {
        blank: BlankId::new(blank),
        value: parsed(BlankValue::parse(value)),
    }
}

pub(super) fn note(item: Option<&str>) -> Command {
    Command::Note {
        item: item.map(ItemId::new),
        text: parsed(Remark::parse("watch the queue")),
    }
}

pub(super) fn ask(role: &str) -> Command {
    Command::RequestSignOff {
        role: RoleKey::new(role),
    }
}

pub(super) fn approve(role: &str) -> Command {
    Command::Approve {
        role: RoleKey::new(role),
    }
}

pub(super) fn reject(role: &str) -> Command {
    Command::Reject {
        role: RoleKey::new(role),
        reason: None,
    }
}

pub(super) fn explain(role: &str) -> Command {
    Command::ExplainRejection {
        role: RoleKey::new(role),
        reason: reason("p95 is too high"),
    }
}

pub(super) fn withdraw(role: &str) -> Command {
    Command::Withdraw {
        role: RoleKey::new(role),
    }
}

pub(super) fn on_card(role: &str, request: u32, answer: CardAnswer) -> Command {
    Command::AnswerCard {
        role: RoleKey::new(role),
        request,
        answer,
    }
}

pub(super) fn acknowledge(role: Option<&str>, minutes: u64) -> Command {
    Command::Acknowledge {
        role: role.map(RoleKey::new),
        snooze: Duration::from_mins(minutes),
    }
}

pub(super) fn no_go() -> Command {
    Command::NoGo {
        reason: reason("the error rate rises"),
    }
}

pub(super) fn complete() -> Command {
    Command::Finish {
        outcome: Outcome::Complete,
        reason: None,
    }
}

pub(super) fn failed(why: Option<&str>) -> Command {
    Command::Finish {
        outcome: Outcome::Failed,
        reason: why.map(reason),
    }
}

pub(super) fn result(check: &str, status: CheckStatus, at: Timestamp) -> CheckResult {
    CheckResult {
        check: CheckId::new(check),
        status,
        why: "status was 200".to_owned(),
        observed: BTreeMap::from([("status".to_owned(), serde_json::json!(200))]),
        at,
        duration_ms: 12,
    }
}

pub(super) fn record(check: &str, status: CheckStatus, at: Timestamp) -> Command {
    Command::RecordCheck {
        result: result(check, status, at),
    }
}

pub(super) fn observe(check: &str, status: CheckStatus, at: Timestamp, series: u32, number: u32) -> Command {
    Command::RecordObservation {
        result: result(check, status, at),
        series,
        number,
    }
}
