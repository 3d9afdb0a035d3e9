//! The services of each demo by themselves: every check that asks them passes, and each switch makes exactly the checks fail
//! that it should.

use std::collections::BTreeMap;

use holdpoint::checks::Variables;
use holdpoint::domain::check::CheckStatus;
use holdpoint::domain::checklist::Checklist;
use tokio::task::JoinSet;

use super::{
    Machine, Results, asked_by_http, assert_not_passed, booking, clients, crm, telehealth, with_those_after,
};
use crate::shipped::named;

/// A demo whose services are asked by HTTP.
#[derive(Clone, Copy)]
pub(super) enum Demo {
    Telehealth,
    Crm,
    Booking,
    Clients,
}

impl Demo {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Telehealth => "staging-telehealth",
            Self::Crm => "staging-crm",
            Self::Booking => "production-booking",
            Self::Clients => "production-client-platform",
        }
    }

    /// Starts its services, and gives what leads there.
    pub(super) async fn serve(
        self,
        servers: &mut JoinSet<()>,
        checklist: &Checklist,
        switch: &str,
    ) -> Variables {
        match self {
            Self::Telehealth => telehealth::serve(servers, checklist, switch).await,
            Self::Crm => crm::serve(servers, checklist, switch).await,
            Self::Booking => booking::serve(servers, checklist, switch).await,
            Self::Clients => clients::serve(servers, checklist, switch).await,
        }
    }

    /// The checks by HTTP that fail with another one.
    pub(super) fn along(self, switch: &str) -> &'static [&'static str] {
        let rows: &[(&str, &[&str])] = match self {
            Self::Telehealth => &telehealth::ALONG,
            Self::Crm => &crm::ALONG,
            Self::Booking => &booking::ALONG,
            Self::Clients => &clients::ALONG,
        };
        rows.iter()
            .find(|(check, _)| *check == switch)
            .map_or(&[], |(_, along)| *along)
    }
}

/// Runs the checks by HTTP of a demo, with a switch thrown.
async fn run(demo: Demo, machine: &Machine, checklist: &Checklist, switch: &str) -> Results {
    let mut servers = JoinSet::new();
    let variables = demo.serve(&mut servers, checklist, switch).await;
    machine.run(checklist, variables).await
}

/// All of them pass without a switch, and there are more than so many.
async fn all_pass(demo: Demo, least: usize) {
    let checklist = asked_by_http(named(demo.name()));
    let results = run(demo, &Machine::bare(), &checklist, "").await;
    assert_not_passed("no switch", &results, &BTreeMap::new());
    assert!(results.len() > least, "only {} checks ran", results.len());
}

async fn throw_each(demo: Demo) {
    let checklist = asked_by_http(named(demo.name()));
    let machine = Machine::bare();
    for check in checklist.checks.keys() {
        let failed = demo
            .along(check.as_str())
            .iter()
            .copied()
            .chain([check.as_str()])
            .map(|check| (check, CheckStatus::Failed))
            .collect();
        let expected = with_those_after(&checklist, failed);
        let results = run(demo, &machine, &checklist, check.as_str()).await;
        assert_not_passed(check.as_str(), &results, &expected);
    }
}

#[tokio::test]
async fn on_telehealth_all_checks_by_http_pass() {
    all_pass(Demo::Telehealth, 35).await;
}

#[tokio::test]
async fn on_the_crm_all_checks_by_http_pass() {
    all_pass(Demo::Crm, 50).await;
}

#[tokio::test]
async fn on_booking_all_checks_by_http_pass() {
    all_pass(Demo::Booking, 55).await;
}

#[tokio::test]
async fn on_the_client_platform_all_checks_by_http_pass() {
    all_pass(Demo::Clients, 60).await;
}

#[tokio::test]
async fn each_switch_of_telehealth_makes_its_checks_fail_and_no_other() {
    throw_each(Demo::Telehealth).await;
}

#[tokio::test]
async fn each_switch_of_the_crm_makes_its_checks_fail_and_no_other() {
    throw_each(Demo::Crm).await;
}

#[tokio::test]
async fn each_switch_of_booking_makes_its_checks_fail_and_no_other() {
    throw_each(Demo::Booking).await;
}

#[tokio::test]
async fn each_switch_of_the_client_platform_makes_its_checks_fail_and_no_other() {
    throw_each(Demo::Clients).await;
}
