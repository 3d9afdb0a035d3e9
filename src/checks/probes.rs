//! The one place where the probes are told apart: what each observes, names, crowds and does.

use std::collections::BTreeMap;

use super::condition::Compiled;
use super::observation::Kind;
use super::probe::{Hindrance, Run, Seen};
use super::share::Lane;
use super::variables::Variables;
use super::{command, env, file, http, judge, tcp};
use crate::domain::check::Probe;

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
        Probe::Env(probe) => env::names(probe).into_iter().collect(),
        Probe::Command(probe) => command::names(probe).into_iter().collect(),
        Probe::Tcp(_) => fixed(&tcp::NAMES),
        Probe::File(_) => fixed(&file::NAMES),
    }
}

/// What is wrong with the parameters, as far as can be told without making the probe: sentences.
pub(super) fn flaws(probe: &Probe) -> Vec<String> {
    match probe {
        Probe::Http(probe) => http::flaws(probe),
        Probe::Env(probe) => env::flaws(probe),
        Probe::Command(probe) => command::flaws(probe),
        Probe::Tcp(probe) => tcp::flaws(probe),
        Probe::File(probe) => file::flaws(probe),
    }
}

/// The texts of the parameters that may name variables.
pub(super) fn texts(probe: &Probe) -> Vec<&str> {
    match probe {
        Probe::Http(probe) => http::texts(probe),
        Probe::Env(probe) => env::texts(probe),
        Probe::Command(probe) => command::texts(probe),
        Probe::Tcp(probe) => tcp::texts(probe),
        Probe::File(probe) => file::texts(probe),
    }
}

/// The lane it runs in, when it is one that can be crowded.
pub(super) fn lane(probe: &Probe, variables: &Variables) -> Option<Lane> {
    match probe {
        Probe::Http(probe) => http::host(probe, variables).map(Lane::Host),
        Probe::Command(_) => Some(Lane::Commands),
        Probe::Env(probe) => env::runs_a_command(probe).then_some(Lane::Commands),
        Probe::File(_) => None,
        Probe::Tcp(probe) => tcp::host(probe, variables).map(Lane::Host),
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
        Probe::File(probe) => file::probe(run, probe, file::Asked::by(condition)).await,
        Probe::Tcp(probe) => {
            let banner = if condition.is_some_and(|condition| judge::looks_at(condition, "banner")) {
                tcp::Banner::Wanted
            } else {
                tcp::Banner::NotLookedAt
            };
            tcp::probe(run, probe, banner).await
        }
    }
}
