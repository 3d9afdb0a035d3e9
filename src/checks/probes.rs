//! The one place where the probes are told apart: what each observes, names, crowds and does.

use std::collections::BTreeMap;
use std::time::Duration;

use super::condition::Compiled;
use super::observation::Kind;
use super::probe::{Hindrance, Run, Seen};
use super::share::Lane;
use super::variables::Variables;
use super::{burst, command, env, http, judge, load, tcp};
use crate::domain::check::{BurstProbe, LoadProbe, Probe};

/// Names that a condition may use, with their kinds.
pub(super) fn names(probe: &Probe) -> BTreeMap<String, Kind> {
    let fixed = |names: &[(&str, Kind)]| {
        names
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), *kind))
            .collect()
    };
    match probe {
        Probe::Http(_) => fixed(&http::NAMES),
        Probe::Env(_) => fixed(&env::NAMES),
        Probe::Command(probe) => command::names(probe).into_iter().collect(),
        Probe::Tcp(_) => fixed(&tcp::NAMES),
        Probe::Burst(_) => fixed(&burst::NAMES),
        Probe::Load(probe) => load::names(probe).into_iter().collect(),
    }
}

/// What is wrong with the parameters, the time-out among them, as far as can be told without making the probe: sentences.
pub(super) fn flaws(probe: &Probe, timeout: Duration) -> Vec<String> {
    match probe {
        Probe::Http(probe) => http::flaws(probe),
        Probe::Env(_) => Vec::new(),
        Probe::Command(probe) => command::flaws(probe),
        Probe::Tcp(probe) => tcp::flaws(probe),
        Probe::Burst(probe) => burst::flaws(probe, timeout),
        Probe::Load(probe) => load::flaws(probe, timeout),
    }
}

/// The texts of the parameters that may name variables.
pub(super) fn texts(probe: &Probe) -> Vec<&str> {
    match probe {
        Probe::Http(probe) => http::texts(probe),
        Probe::Env(probe) => env::texts(probe),
        Probe::Command(probe) => command::texts(probe),
        Probe::Tcp(probe) => tcp::texts(probe),
        Probe::Burst(probe) => http::texts(&probe.request),
        Probe::Load(probe) => load::texts(probe),
    }
}

/// The lane it runs in, when it is one that can be crowded.
pub(super) fn lane(probe: &Probe, variables: &Variables) -> Option<Lane> {
    match probe {
        Probe::Http(probe) => http::host(probe, variables).map(Lane::Host),
        Probe::Command(_) => Some(Lane::Commands),
        Probe::Env(_) => None,
        Probe::Tcp(probe) => tcp::host(probe, variables).map(Lane::Host),
        Probe::Burst(BurstProbe { request, .. }) | Probe::Load(LoadProbe { request, .. }) => {
            http::host(request, variables).map(Lane::Load)
        }
    }
}

/// Makes the probe. What its condition looks at is kept as evidence where that would be too much otherwise.
pub(super) async fn make(
    run: &Run<'_>,
    client: &reqwest::Client,
    probe: &Probe,
    condition: Option<&Compiled>,
) -> Result<Seen, Hindrance> {
    match probe {
        Probe::Http(probe) => {
            let asked = condition.map(judge::headers_named).unwrap_or_default();
            http::probe(run, client, probe, &asked).await
        }
        Probe::Env(probe) => env::probe(run, probe).await,
        Probe::Command(probe) => command::probe(run, probe).await,
        Probe::Tcp(probe) => {
            let banner = if condition.is_some_and(|condition| judge::looks_at(condition, "banner")) {
                tcp::Banner::Wanted
            } else {
                tcp::Banner::NotLookedAt
            };
            tcp::probe(run, probe, banner).await
        }
        Probe::Burst(probe) => {
            let asked = condition.map(judge::headers_named).unwrap_or_default();
            burst::probe(run, probe, &asked).await
        }
        Probe::Load(probe) => load::probe(run, probe).await,
    }
}
