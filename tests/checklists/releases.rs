//! A release by each of them comes to its end, and its document is then filled in everywhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdpoint::domain::check::{CheckResult, CheckStatus};
use holdpoint::domain::command::{ActingAs, Command, Context, FourEyes, Start};
use holdpoint::domain::decide::{decide, start};
use holdpoint::domain::deployment::{Deployment, Phase};
use holdpoint::domain::effects::Then;
use holdpoint::domain::event::Outcome;
use holdpoint::domain::ids::{ChannelId, CheckId, ChecklistName, DeploymentId, GuildId, RoleKey, UserId};
use holdpoint::domain::refusal::Refusal;
use holdpoint::domain::rights::{Person, Rights};
use holdpoint::domain::sign_off::{Holder, Owners, Rank};
use holdpoint::domain::text::{BlankValue, Environment, Reason, Version};
use holdpoint::markdown;
use holdpoint::report;
use jiff::Timestamp;

use super::shipped::{Shipped, shipped};

/// Starts everything and holds no role.
const STARTER: UserId = UserId(1);
/// Manages the server, and so may decide.
const MANAGER: UserId = UserId(2);
/// The first of those who sign, a different person for each role.
const FIRST_SIGNER: u64 = 10;

/// How the items that checks decide are closed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Checked {
    /// The checks pass.
    ByPassing,
    /// Nobody runs those that no gate needs; somebody skips their items and says why.
    BySkipping,
}

#[test]
fn a_release_by_each_can_be_finished_and_every_box_of_its_document_is_then_ticked() {
    for shipped in shipped() {
        let released = release(&shipped, Checked::ByPassing);
        let document = report::document(&released, &|user| format!("user {user}"));
        let again = markdown::parse(&ChecklistName::new(shipped.name), document.as_bytes());
        assert_eq!(
            again.checklist.items.len(),
            released.checklist.items.len(),
            "{}",
            shipped.name
        );
        for item in &again.checklist.items {
            assert!(
                item.checked,
                "{}: {} {} is open",
                shipped.name, item.id, item.text
            );
        }
        for blank in &released.checklist.blanks {
            let filled = released.blanks.contains_key(&blank.id);
            let signed = blank.item.is_some_and(|item| {
                released
                    .checklist
                    .items
                    .get(item)
                    .is_some_and(|item| item.sign_off.is_some())
            });
            assert!(filled || signed, "{}: {} is empty", shipped.name, blank.id);
        }
        assert!(!again.has_errors(), "{}: {:#?}", shipped.name, again.diagnostics);
    }
}

#[test]
fn a_release_can_be_finished_without_its_checks_where_no_gate_needs_them() {
    for shipped in shipped() {
        let released = release(&shipped, Checked::BySkipping);
        for index in 0..released.checklist.items.len() {
            assert!(
                released.item_state(index).is_closed(),
                "{}: {:?} is open",
                shipped.name,
                released.checklist.items.get(index)
            );
        }
    }
}

/// Takes a deployment from its start to its end.
fn release(shipped: &Shipped, checked: Checked) -> Deployment {
    let mut play = Play::start(shipped);
    let checks: Vec<_> = play.deployment.checklist.checks.keys().cloned().collect();
    let gates_need_checks = play
        .deployment
        .checklist
        .gates
        .iter()
        .any(|gate| gate.needs.contains(&holdpoint::domain::checklist::Need::Checks));
    if checked == Checked::ByPassing || gates_need_checks {
        for check in checks {
            play.pass(&check);
        }
    }
    let checklist = Arc::clone(&play.deployment.checklist);
    for blank in &checklist.blanks {
        let of_sign_off = blank
            .item
            .and_then(|item| checklist.items.get(item))
            .is_some_and(|item| item.sign_off.is_some());
        if !of_sign_off {
            let value = BlankValue::parse("as agreed").expect("a value");
            play.must(
                &person(STARTER),
                Command::Fill {
                    blank: blank.id.clone(),
                    value,
                },
            );
        }
    }
    // Gates open one after the other, so what is refused in one round may be done in the next.
    loop {
        let before = play.events;
        for item in &checklist.items {
            let id = item.id.clone();
            let command = if item.checks.is_empty() || checked == Checked::ByPassing {
                Command::Tick { item: id }
            } else {
                let reason = Reason::parse("nothing here to probe").expect("a reason");
                Command::Skip { item: id, reason }
            };
            play.may(&person(STARTER), command);
        }
        for (number, role) in (FIRST_SIGNER..).zip(checklist.sign_offs.keys()) {
            if !play.deployment.is_approved(role) {
                play.may(&person(UserId(number)), Command::Approve { role: role.clone() });
            }
        }
        if play.deployment.is_ready_for_go() {
            play.must(&person(MANAGER), Command::Go);
        }
        if play.events == before {
            break;
        }
    }
    assert_eq!(
        play.deployment.holds_of_finish(),
        [],
        "{}: last refused: {:?}",
        shipped.name,
        play.refused
    );
    play.must(
        &person(MANAGER),
        Command::Finish {
            outcome: Outcome::Complete,
            reason: None,
        },
    );
    assert_eq!(
        play.deployment.phase,
        Phase::Finished(Outcome::Complete),
        "{}",
        shipped.name
    );
    play.deployment
}

/// A deployment, and those who work on it.
struct Play {
    deployment: Deployment,
    owners: Owners,
    /// How many events there were so far.
    events: usize,
    /// The last refusal, for whoever reads a failure.
    refused: Option<Refusal>,
}

impl Play {
    fn start(shipped: &Shipped) -> Self {
        let checklist = Arc::new(shipped.parsed.checklist.clone());
        let owners = Owners(
            (FIRST_SIGNER..)
                .zip(checklist.sign_offs.keys())
                .map(|(number, role): (u64, &RoleKey)| {
                    (role.clone(), vec![(Rank::Owner, Holder::Member(UserId(number)))])
                })
                .collect(),
        );
        let wish = Start {
            checklist,
            checklist_bytes: shipped.bytes.clone().into(),
            guild: GuildId(1),
            channel: ChannelId(1),
            version: Version::parse("2.4.1").expect("a version"),
            environment: Environment::parse("staging").expect("an environment"),
            variables: BTreeMap::new(),
        };
        let rights = Rights::default();
        let actor = person(STARTER);
        let decided = start(DeploymentId(1), wish, &context(&actor, &rights, &owners)).expect("it may start");
        Self {
            events: decided.events.len(),
            deployment: decided.after,
            owners,
            refused: None,
        }
    }

    /// Has a check pass, and pass again for as long as it is to be observed.
    fn pass(&mut self, check: &CheckId) {
        let at = |at| CheckResult {
            check: check.clone(),
            status: CheckStatus::Passed,
            why: "it held".to_owned(),
            observed: BTreeMap::new(),
            at,
            duration_ms: 1,
        };
        let result = at(Timestamp::UNIX_EPOCH);
        self.must(&ActingAs::CheckRunner, Command::RecordCheck { result });
        while let Some(timer) = self.deployment.observation_timer(check) {
            let Then::Observe { series, number, .. } = timer.then else {
                panic!("the timer of an observation is for {:?}", timer.then);
            };
            let result = at(timer.due);
            let observation = Command::RecordObservation {
                result,
                series,
                number,
            };
            self.must(&ActingAs::CheckRunner, observation);
        }
    }

    fn may(&mut self, actor: &ActingAs, command: Command) {
        let rights = Rights::default();
        match decide(&self.deployment, command, &context(actor, &rights, &self.owners)) {
            Ok(decided) => {
                self.events += decided.events.len();
                self.deployment = decided.after;
            }
            Err(refusal) => self.refused = Some(refusal),
        }
    }

    fn must(&mut self, actor: &ActingAs, command: Command) {
        self.refused = None;
        let name = format!("{command:?}");
        self.may(actor, command);
        assert_eq!(self.refused, None, "{name}");
    }
}

fn person(id: UserId) -> ActingAs {
    ActingAs::Person(Person {
        id,
        discord_roles: Vec::new(),
        manages_server: id == MANAGER,
    })
}

fn context<'a>(actor: &'a ActingAs, rights: &'a Rights, owners: &'a Owners) -> Context<'a> {
    Context {
        now: Timestamp::UNIX_EPOCH,
        actor,
        rights,
        owners,
        four_eyes: FourEyes::Required,
    }
}
