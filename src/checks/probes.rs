//! The one place where the probes are told apart: what each observes, names, crowds and does.

use std::collections::BTreeMap;
use std::time::Duration;

use super::condition::Compiled;
use super::observation::Kind;
use super::probe::{Hindrance, Run, Seen};
use super::share::Lane;
use super::urls::Urls;
use super::variables::Variables;
use super::wire::Caller;
use super::{
    burst, combined, command, database, dns, env, file, github, http, judge, load, manual, prometheus, push,
    tcp, tls,
};
use crate::domain::check::{BurstProbe, HttpCapture, LoadProbe, Probe};

/// Names that a condition may use, with their kinds.
pub(super) fn names(probe: &Probe) -> BTreeMap<String, Kind> {
    let fixed = |names: &[(&str, Kind)]| {
        names
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), *kind))
            .collect()
    };
    match probe {
        Probe::Http(_) | Probe::HttpSteps(_) => fixed(&http::NAMES),
        Probe::Env(probe) => env::names(probe).into_iter().collect(),
        Probe::Command(probe) => command::names(probe).into_iter().collect(),
        Probe::File(_) => fixed(&file::NAMES),
        Probe::Tcp(_) => fixed(&tcp::NAMES),
        Probe::Tls(_) => fixed(&tls::NAMES),
        Probe::Dns(_) => fixed(&dns::NAMES),
        Probe::Combined(_) => fixed(&combined::NAMES),
        Probe::Prometheus(_) => fixed(&prometheus::NAMES),
        Probe::Github(probe) => fixed(github::names(probe)),
        Probe::Database(_) => fixed(&database::NAMES),
        Probe::Burst(_) => fixed(&burst::NAMES),
        Probe::Load(probe) => load::names(probe).into_iter().collect(),
        Probe::Push(_) => fixed(&push::NAMES),
        Probe::Manual(_) => BTreeMap::new(),
    }
}

/// What is wrong with the parameters, the time-out among them, as far as can be told without making the probe: sentences.
pub(super) fn flaws(probe: &Probe, timeout: Duration) -> Vec<String> {
    match probe {
        Probe::Http(probe) => http::flaws(probe),
        // Those of steps are told with the place of each.
        Probe::HttpSteps(_) | Probe::Combined(_) | Probe::Manual(_) => Vec::new(),
        Probe::Env(probe) => env::flaws(probe),
        Probe::Command(probe) => command::flaws(probe),
        Probe::File(probe) => file::flaws(probe),
        Probe::Tcp(probe) => tcp::flaws(probe),
        Probe::Tls(probe) => tls::flaws(probe),
        Probe::Dns(probe) => dns::flaws(probe),
        Probe::Prometheus(probe) => prometheus::flaws(probe),
        Probe::Github(probe) => github::flaws(probe),
        Probe::Database(probe) => database::flaws(probe),
        Probe::Burst(probe) => burst::flaws(probe, timeout),
        Probe::Load(probe) => load::flaws(probe, timeout),
        Probe::Push(probe) => push::flaws(probe),
    }
}

/// The texts of the parameters that may name variables.
pub(super) fn texts(probe: &Probe) -> Vec<&str> {
    match probe {
        Probe::Http(probe) => http::texts(probe),
        Probe::HttpSteps(probe) => http::steps::texts(probe),
        Probe::Env(probe) => env::texts(probe),
        Probe::Command(probe) => command::texts(probe),
        Probe::Tcp(probe) => tcp::texts(probe),
        Probe::File(probe) => file::texts(probe),
        Probe::Tls(probe) => tls::texts(probe),
        Probe::Dns(probe) => dns::texts(probe),
        Probe::Prometheus(probe) => prometheus::texts(probe),
        Probe::Github(probe) => github::texts(probe),
        Probe::Database(probe) => database::texts(probe),
        Probe::Burst(probe) => http::texts(&probe.request),
        Probe::Load(probe) => load::texts(probe),
        Probe::Push(probe) => push::texts(probe),
        Probe::Combined(_) | Probe::Manual(_) => Vec::new(),
    }
}

/// The names of what it captures for checks that come after it.
pub(super) fn captures(probe: &Probe) -> Vec<String> {
    let named = |captures: &[HttpCapture]| -> Vec<String> {
        captures.iter().map(|capture| capture.name.clone()).collect()
    };
    match probe {
        Probe::Http(probe) => named(&probe.capture),
        Probe::HttpSteps(probe) => {
            let steps = probe.steps.iter();
            steps.flat_map(|step| named(&step.request.capture)).collect()
        }
        Probe::Command(probe) => command::captures(probe),
        _ => Vec::new(),
    }
}

/// The lane it runs in, when it is one that can be crowded.
pub(super) fn lane(probe: &Probe, variables: &Variables, urls: &Urls) -> Option<Lane> {
    let host = |written: &str| urls.host(&variables.expand(written).ok()?);
    match probe {
        Probe::Http(probe) => host(&probe.url).map(Lane::Host),
        Probe::Command(_) => Some(Lane::Commands),
        Probe::HttpSteps(probe) => host(&probe.steps.first()?.request.url).map(Lane::Host),
        Probe::Env(probe) => env::runs_a_command(probe).then_some(Lane::Commands),
        Probe::File(_) | Probe::Combined(_) | Probe::Push(_) | Probe::Manual(_) => None,
        Probe::Tcp(probe) => tcp::host(probe, variables).map(Lane::Host),
        Probe::Tls(probe) => tls::host(probe, variables).map(Lane::Host),
        Probe::Dns(probe) => dns::host(probe, variables).map(Lane::Host),
        Probe::Prometheus(probe) => host(&probe.url).map(Lane::Host),
        Probe::Github(probe) => host(&probe.base_url).map(Lane::Host),
        Probe::Database(probe) => database::host(probe, variables).map(Lane::Host),
        Probe::Burst(BurstProbe { request, .. }) | Probe::Load(LoadProbe { request, .. }) => {
            host(&request.url).map(Lane::Load)
        }
    }
}

/// Makes the probe. What its condition looks at is kept as evidence where that would be too much otherwise. All but the
/// most usual one are boxed, so that a check is no larger than that one while it waits.
pub(super) async fn make(
    run: &Run<'_>,
    caller: &Caller<'_>,
    probe: &Probe,
    condition: Option<&Compiled>,
) -> Result<Seen, Hindrance> {
    match probe {
        Probe::Http(probe) => http::probe(run, caller, probe, condition).await,
        Probe::HttpSteps(probe) => {
            let asked = condition.map_or(&[][..], |condition| &condition.headers);
            Box::pin(http::steps::probe(run, caller, probe, asked)).await
        }
        Probe::Combined(probe) => combined::probe(run, probe),
        Probe::Env(probe) => Box::pin(env::probe(run, probe)).await,
        Probe::Command(probe) => Box::pin(command::probe(run, probe)).await,
        Probe::File(probe) => Box::pin(file::probe(run, probe, file::Asked::by(condition))).await,
        Probe::Tcp(probe) => {
            let banner = if condition.is_some_and(|condition| judge::looks_at(condition, "banner")) {
                tcp::Banner::Wanted
            } else {
                tcp::Banner::NotLookedAt
            };
            Box::pin(tcp::probe(run, probe, banner)).await
        }
        Probe::Tls(probe) => {
            let oldest = if condition.is_some_and(|condition| judge::looks_at(condition, "oldest_version")) {
                tls::OldestVersion::Wanted
            } else {
                tls::OldestVersion::NotLookedAt
            };
            Box::pin(tls::probe(run, probe, oldest)).await
        }
        Probe::Dns(probe) => Box::pin(dns::probe(run, probe)).await,
        Probe::Prometheus(probe) => Box::pin(prometheus::probe(run, caller, probe)).await,
        Probe::Github(probe) => Box::pin(github::probe(run, caller, probe)).await,
        Probe::Database(probe) => Box::pin(database::probe(run, probe)).await,
        Probe::Burst(probe) => {
            let asked = condition.map_or(&[][..], |condition| &condition.headers);
            Box::pin(burst::probe(run, probe, asked)).await
        }
        Probe::Load(probe) => Box::pin(load::probe(run, probe)).await,
        Probe::Push(probe) => push::probe(run, probe),
        Probe::Manual(probe) => manual::probe(probe),
    }
}
