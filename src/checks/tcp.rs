//! The `tcp` probe: whether a port takes connections, and what it says first.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::observation::{Kind, Observation, Observed};
use super::probe::{Hindrance, Run, Seen};
use super::reach::{self, Place, Unconnected};
use super::variables::Variables;
use super::{template, written};
use crate::domain::check::TcpProbe;

/// What a port is observed by.
pub(super) const NAMES: [(&str, Kind); 4] = [
    ("open", Kind::Truth),
    ("closed", Kind::Truth),
    ("banner", Kind::Text),
    ("latency", Kind::Duration),
];

/// The most bytes of a banner that are read.
const LONGEST_BANNER: usize = 512;
/// How long a service has to begin to speak unasked. Those that do so at all (SMTP, SSH, FTP) do it at once.
const SPEAKS_WITHIN: Duration = Duration::from_secs(2);

/// What is wrong with the parameters, as far as can be told beforehand.
pub(super) fn flaws(probe: &TcpProbe) -> Vec<String> {
    let written = &probe.address;
    if template::placeholders(written).is_empty() && Place::parse(written).is_none() {
        return vec![format!(
            "`address` is {written:?}, which is not a host and a port; write it as in db.example:5432"
        )];
    }
    Vec::new()
}

/// The texts that may name variables.
pub(super) fn texts(probe: &TcpProbe) -> Vec<&str> {
    vec![&probe.address]
}

/// Host and port, when they can be told.
pub(super) fn host(probe: &TcpProbe, variables: &Variables) -> Option<String> {
    Some(Place::parse(&variables.expand(&probe.address).ok()?)?.to_string())
}

/// Whether the condition asks what the service says first: it is waited for then alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Banner {
    Wanted,
    NotLookedAt,
}

/// Dials the port.
pub(super) async fn probe(run: &Run<'_>, probe: &TcpProbe, banner: Banner) -> Result<Seen, Hindrance> {
    let place = Place::of(run, &probe.address, "address")?;
    let started = Instant::now();
    let dialled = reach::connect(run, &place).await;
    let latency = started.elapsed();
    let no_banner = |why: &str| Observed::Nothing(format!("there is no banner: {why}"));
    let (open, closed, banner, why) = match dialled {
        Ok(stream) => {
            let said = match banner {
                Banner::Wanted => said_first(run, stream).await,
                Banner::NotLookedAt => None,
            };
            let said = said.map_or_else(
                || no_banner(&format!("{place} says nothing unasked")),
                Observed::Text,
            );
            let took = written::duration(latency);
            (
                true,
                false,
                said,
                format!("{place} is open and latency is {took}"),
            )
        }
        Err(Unconnected::Closed) => {
            let why = format!("{place} is closed, expected it to be open");
            (false, true, no_banner("the port is closed"), why)
        }
        Err(Unconnected::Silent) => {
            let why = format!(
                "{place} neither took nor refused a connection within {}; a firewall may be dropping it",
                written::duration(run.timeout)
            );
            (false, false, no_banner("nothing answered"), why)
        }
        Err(Unconnected::Hindered(hindrance)) => return Err(hindrance),
    };
    let mut evidence = BTreeMap::from([
        ("open".to_owned(), json!(open)),
        ("latency_ms".to_owned(), json!(latency.as_millis() as u64)),
    ]);
    if let Observed::Text(said) = &banner {
        evidence.insert("banner".to_owned(), Value::from(run.redactor.redact_cut(said)));
    }
    Ok(Seen {
        observation: Observation::default()
            .with("open", Observed::Truth(open))
            .with("closed", Observed::Truth(closed))
            .with("banner", banner)
            .with("latency", Observed::Duration(latency)),
        evidence,
        holds: open,
        why,
    })
}

/// The first line that the service sends without being asked, if it sends one soon.
async fn said_first(run: &Run<'_>, mut stream: TcpStream) -> Option<String> {
    let until = run.deadline.min(Instant::now() + SPEAKS_WITHIN);
    let mut said = Vec::new();
    let mut bytes = [0; LONGEST_BANNER];
    while said.len() < LONGEST_BANNER && !said.contains(&b'\n') {
        match tokio::time::timeout_at(until, stream.read(&mut bytes)).await {
            Ok(Ok(read)) if read > 0 => said.extend_from_slice(&bytes[..read]),
            _ => break,
        }
    }
    said.truncate(LONGEST_BANNER);
    let text = String::from_utf8_lossy(&said);
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}
