//! Each demo with all that stands around it: every check of its checklist passes there, and for every kind of check there
//! is a switch that makes exactly it fail. The tables say for each check what fails when its switch is thrown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use futures_util::StreamExt as _;
use holdpoint::domain::check::{Check, CheckStatus, Probe};
use holdpoint::domain::checklist::Checklist;
use holdpoint::domain::ids::CheckId;
use tokio::task::JoinSet;

use super::around::{Around, Fault, Switch, found};
use super::by_http::Demo;
use super::{Results, asked_by_http, assert_not_passed, with_those_after};
use crate::shipped::named;

/// Checks that no demo can run, each with the reason: the checklist, the check, the reason.
const NOT_RUN: [(&str, &str, &str); 0] = [];

/// A demo and its surroundings.
struct Whole {
    demo: Demo,
    around: Around,
    checklist: Checklist,
}

impl Whole {
    fn new(demo: Demo) -> Self {
        let mut checklist = named(demo.name());
        checklist.checks.retain(|id, _| {
            !NOT_RUN
                .iter()
                .any(|(name, check, _)| *name == demo.name() && *check == id.as_str())
        });
        let around = Around::new(demo.name(), &checklist);
        Self {
            demo,
            around,
            checklist,
        }
    }

    /// Runs these checks with a switch thrown.
    async fn run(&self, checks: &Checklist, switch: Switch<'_>) -> Results {
        let mut servers = JoinSet::new();
        let variables = self.demo.serve(&mut servers, &self.checklist, switch.check).await;
        let laid = self
            .around
            .lay(&mut servers, &self.checklist, switch, variables)
            .await;
        let (variables, places) = laid;
        let placed = checks
            .checks
            .values()
            .map(|check| self.around.placed(check, &places));
        self.around
            .machine()
            .run_placed(placed.collect(), variables)
            .map(|result| (result.check.to_string(), result))
            .collect()
            .await
    }

    /// The checks that nothing by HTTP decides.
    fn beside_http(&self) -> Checklist {
        let mut beside = self.checklist.clone();
        let by_http = asked_by_http(self.checklist.clone());
        let mut left: BTreeSet<CheckId> = beside.checks.keys().cloned().collect();
        left.retain(|id| !by_http.checks.contains_key(id));
        left.retain(|id| match &self.checklist.checks[id].probe {
            Probe::Combined(combined) => !combined
                .members
                .iter()
                .any(|member| by_http.checks.contains_key(member)),
            _ => true,
        });
        beside.checks.retain(|id, _| left.contains(id));
        without_loose_ends(beside)
    }

    /// What becomes of these checks with a switch thrown.
    fn expected<'a>(&'a self, checks: &'a Checklist, switch: Switch<'a>) -> BTreeMap<&'a str, CheckStatus> {
        let mut failing = self.around.failing(&self.checklist, switch);
        failing.extend(self.demo.along(switch.check));
        for check in self.checklist.checks.values() {
            if let Probe::Combined(combined) = &check.probe
                && combined
                    .members
                    .iter()
                    .any(|member| failing.contains(member.as_str()))
            {
                failing.insert(check.id.as_str());
            }
        }
        let failed = failing.into_iter().map(|check| (check, CheckStatus::Failed));
        let mut expected = with_those_after(checks, failed.collect());
        expected.retain(|check, _| checks.checks.keys().any(|id| id.as_str() == *check));
        expected
    }

    /// Throws each switch beside those of the services, and those of the members of checks made of others. Gives a line
    /// for every check, with what fails.
    async fn throw_each(&self) -> String {
        let by_http = asked_by_http(self.checklist.clone());
        let beside = self.beside_http();
        let mut rows: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        // What is wrong with one kind of thing leaves all others as they are, so it is enough to look at those once.
        let mut kinds: BTreeMap<&str, Checklist> = BTreeMap::new();
        for check in self.checklist.checks.values() {
            let name = check.id.as_str();
            let kind = check.probe.name();
            let checks = kinds.get(kind).unwrap_or(&beside);
            let row = rows.entry(name).or_default();
            match &check.probe {
                // Thrown in `by_http`, where nothing else runs.
                Probe::Http(_) | Probe::HttpSteps(_) | Probe::Prometheus(_) => {
                    row.push(listed(&self.expected(&by_http, switch_of(check, None))));
                }
                Probe::Combined(combined) => {
                    let first = found(&self.checklist, combined.members[0].as_str());
                    let switch = switch_of(first, None);
                    // Whoever asks by HTTP has everything run.
                    let checks = if beside.checks.contains_key(&check.id) {
                        &beside
                    } else {
                        &self.checklist
                    };
                    let expected = self.expected(checks, switch);
                    assert!(
                        expected.contains_key(name),
                        "{name} does not fail with its members"
                    );
                    let results = self.run(checks, switch).await;
                    assert_not_passed(first.id.as_str(), &results, &expected);
                    row.push(format!("by {}", first.id));
                }
                Probe::Tls(_) => {
                    let condition = check.pass.as_ref().map_or("", |pass| pass.text.as_str());
                    for fault in Fault::found_by(condition) {
                        let thrown = self.throw(checks, switch_of(check, Some(*fault))).await;
                        row.push(format!("{fault:?}: {thrown}"));
                    }
                }
                _ => row.push(self.throw(checks, switch_of(check, None)).await),
            }
            if !kinds.contains_key(kind) {
                kinds.insert(kind, of_kind(&beside, kind));
            }
        }
        for (_, check, why) in NOT_RUN.iter().filter(|(name, _, _)| *name == self.demo.name()) {
            rows.insert(check, vec![format!("cannot be run here: {why}")]);
        }
        let all = named(self.demo.name());
        assert_eq!(rows.len(), all.checks.len());
        rows.into_iter().fold(String::new(), |mut table, (check, fails)| {
            let kind = found(&all, check).probe.name();
            let _ = writeln!(table, "{check} ({kind}): {}", fails.join("; "));
            table
        })
    }

    async fn throw(&self, checks: &Checklist, switch: Switch<'_>) -> String {
        let expected = self.expected(checks, switch);
        let results = self.run(checks, switch).await;
        assert_not_passed(&format!("{switch:?}"), &results, &expected);
        listed(&expected)
    }
}

/// Those of the checks that are of this kind, and those made of them.
fn of_kind(checklist: &Checklist, kind: &str) -> Checklist {
    let mut own = checklist.clone();
    let is_own = |check: &Check| check.probe.name() == kind;
    own.checks.retain(|_, check| match &check.probe {
        Probe::Combined(combined) => combined
            .members
            .iter()
            .all(|member| is_own(&checklist.checks[member])),
        _ => is_own(check),
    });
    without_loose_ends(own)
}

/// The checklist whose checks wait for no other that has been left out.
fn without_loose_ends(mut checklist: Checklist) -> Checklist {
    let left: BTreeSet<CheckId> = checklist.checks.keys().cloned().collect();
    for check in checklist.checks.values_mut() {
        check.after.retain(|other| left.contains(other));
    }
    checklist
}

fn switch_of(check: &Check, fault: Option<Fault>) -> Switch<'_> {
    Switch {
        check: check.id.as_str(),
        fault,
    }
}

/// What fails and what is skipped, in a line.
pub(super) fn listed(fails: &BTreeMap<&str, CheckStatus>) -> String {
    let names: Vec<String> = fails
        .iter()
        .map(|(check, status)| match status {
            CheckStatus::Skipped => format!("{check} is skipped"),
            CheckStatus::Failed | CheckStatus::Error | CheckStatus::Passed => (*check).to_owned(),
        })
        .collect();
    names.join(", ")
}

/// Everything passes, and everything is run.
async fn all_pass(demo: Demo) {
    let whole = Whole::new(demo);
    let results = whole.run(&whole.checklist, Switch::NONE).await;
    assert_not_passed("no switch", &results, &BTreeMap::new());
    let run: BTreeSet<&str> = results.keys().map(String::as_str).collect();
    let without: Vec<&str> = NOT_RUN
        .iter()
        .filter(|(name, _, _)| *name == demo.name())
        .map(|(_, check, _)| *check)
        .collect();
    let all = named(demo.name());
    for check in all.checks.keys().map(CheckId::as_str) {
        assert_ne!(
            run.contains(check),
            without.contains(&check),
            "{check} is run, or it is said why it cannot be"
        );
    }
}

#[tokio::test]
async fn on_the_whole_demo_of_each_all_checks_pass() {
    for demo in [Demo::Telehealth, Demo::Crm, Demo::Booking, Demo::Clients] {
        all_pass(demo).await;
    }
}

#[tokio::test]
async fn each_switch_of_telehealth_makes_its_check_fail_and_no_other() {
    insta::assert_snapshot!("telehealth", Whole::new(Demo::Telehealth).throw_each().await);
}

#[tokio::test]
async fn each_switch_of_the_crm_makes_its_check_fail_and_no_other() {
    insta::assert_snapshot!("crm", Whole::new(Demo::Crm).throw_each().await);
}

#[tokio::test]
async fn each_switch_of_booking_makes_its_check_fail_and_no_other() {
    insta::assert_snapshot!("booking", Whole::new(Demo::Booking).throw_each().await);
}

#[tokio::test]
async fn each_switch_of_the_client_platform_makes_its_check_fail_and_no_other() {
    insta::assert_snapshot!("clients", Whole::new(Demo::Clients).throw_each().await);
}
