//! The `tls` probe: what a server shows in a TLS handshake, and whether a browser would go on.
//!
//! The handshake itself lets every certificate through, so that an expired one can be looked at as well; what is wrong
//! with it is found out afterwards, all of it. Nothing is sent over the connection that comes of it.

mod certificate;
mod handshake;
mod hello;
mod trust;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::ServerName;

use self::certificate::{Leaf, Trouble};
use self::handshake::{Clients, Shown};
use self::hello::Version;
use self::trust::Trust;
pub(super) use self::trust::{certificate_trouble, public_roots};
use super::observation::{Kind, Observation, Observed};
use super::probe::{Hindrance, Run, Seen};
use super::reach::Place;
use super::variables::Variables;
use super::{template, written};
use crate::domain::check::TlsProbe;

/// What a handshake is observed by.
pub(super) const NAMES: [(&str, Kind); 7] = [
    ("valid", Kind::Truth),
    ("days_left", Kind::Whole),
    ("version", Kind::Text),
    ("oldest_version", Kind::Text),
    ("names", Kind::Names),
    ("issuer", Kind::Text),
    ("chain", Kind::Names),
];

/// The port of HTTPS, which is what most certificates are for.
const PORT: u16 = 443;
/// The most names, and the most certificates, that are kept as evidence.
const MOST_KEPT: usize = 20;
/// The most characters of one that are.
const LONGEST_KEPT: usize = 200;

/// Whether the condition asks for the oldest version: only then is it found out, in as many as three connections more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OldestVersion {
    Wanted,
    NotLookedAt,
}

/// What is wrong with the parameters, as far as can be told beforehand.
pub(super) fn flaws(probe: &TlsProbe) -> Vec<String> {
    let mut found = Vec::new();
    let plain = |text: &str| template::placeholders(text).is_empty();
    if plain(&probe.host) {
        match place(&probe.host) {
            Ok(place) if probe.name.is_none() => found.extend(server_name(&place.host, "host").err()),
            Ok(_) => {}
            Err(flaw) => found.push(flaw),
        }
    }
    if let Some(name) = probe.name.as_deref().filter(|name| plain(name)) {
        found.extend(server_name(name, "name").err());
    }
    found
}

/// The texts that may name variables.
pub(super) fn texts(probe: &TlsProbe) -> Vec<&str> {
    let mut texts = vec![probe.host.as_str()];
    texts.extend(probe.ca.as_deref());
    texts.extend(probe.name.as_deref());
    texts
}

/// Host and port, when they can be told.
pub(super) fn host(probe: &TlsProbe, variables: &Variables) -> Option<String> {
    Some(place(&variables.expand(&probe.host).ok()?).ok()?.to_string())
}

/// Makes the handshake.
pub(super) async fn probe(run: &Run<'_>, probe: &TlsProbe, oldest: OldestVersion) -> Result<Seen, Hindrance> {
    let place = place(&run.expand(&probe.host)?).map_err(Hindrance::new)?;
    let name = match &probe.name {
        Some(name) => server_name(&run.expand(name)?, "name"),
        None => server_name(&place.host, "host"),
    }
    .map_err(Hindrance::new)?;
    let trust = Trust::of(run, probe.ca.as_deref()).await?;
    let provider = Arc::new(ring::default_provider());

    let shown = handshake::shake(run, &provider, &place, &name).await?;
    let oldest = match oldest {
        OldestVersion::Wanted => Some(oldest_version(run, &provider, &place, &name, shown.version).await?),
        OldestVersion::NotLookedAt => None,
    };
    let leaf = shown.chain.first().and_then(|own| Leaf::read(own));
    let troubles = certificate::troubles(
        &shown,
        leaf.as_ref(),
        &name,
        &trust,
        &provider,
        run.now,
        run.redactor,
    );
    let why = sentence(run.now, &place, &shown, leaf.as_ref(), &troubles);
    Ok(seen(run, &shown, leaf, oldest, &troubles, why))
}

/// The oldest version that the server takes, from 1.0 on up to the one that was agreed on.
async fn oldest_version(
    run: &Run<'_>,
    provider: &CryptoProvider,
    place: &Place,
    name: &ServerName<'_>,
    agreed: Version,
) -> Result<Version, Hindrance> {
    for version in Version::OLD.into_iter().filter(|version| *version < agreed) {
        if let Some(accepted) = handshake::greet(run, provider, place, name, version).await? {
            return Ok(accepted);
        }
    }
    Ok(agreed)
}

fn seen(
    run: &Run<'_>,
    shown: &Shown,
    leaf: Option<Leaf>,
    oldest: Option<Version>,
    troubles: &[Trouble],
    why: String,
) -> Seen {
    let valid = troubles.is_empty();
    let chain: Vec<String> = shown
        .chain
        .iter()
        .map(|certificate| certificate::subject(certificate))
        .collect();
    let mut evidence = BTreeMap::from([
        ("valid".to_owned(), json!(valid)),
        ("version".to_owned(), json!(shown.version.as_str())),
        ("chain".to_owned(), kept(run, &chain)),
    ]);
    if let Some(oldest) = oldest {
        evidence.insert("oldest_version".to_owned(), json!(oldest.as_str()));
    }
    if !valid {
        let clauses: Vec<String> = troubles.iter().map(|trouble| trouble.clause.clone()).collect();
        evidence.insert("invalid_because".to_owned(), json!(clauses));
    }
    if shown.clients == Clients::NeedCertificates {
        evidence.insert("wants_client_certificate".to_owned(), json!(true));
    }
    let mut observation = Observation::default()
        .with("valid", Observed::Truth(valid))
        .with("version", Observed::Text(shown.version.as_str().to_owned()))
        .with(
            "oldest_version",
            oldest.map_or_else(
                || Observed::Nothing("the oldest version was not looked for".to_owned()),
                |oldest| Observed::Text(oldest.as_str().to_owned()),
            ),
        )
        .with("chain", Observed::Names(chain));
    if !valid {
        observation = observation.because("valid", why.as_str());
    }
    match leaf {
        Some(leaf) => {
            let days_left = leaf.days_left(run.now);
            evidence.insert("days_left".to_owned(), json!(days_left));
            if let Ok(until) = Timestamp::from_second(leaf.not_after) {
                evidence.insert("valid_until".to_owned(), json!(until.to_string()));
            }
            evidence.insert("names".to_owned(), kept(run, &leaf.names));
            if leaf.names.len() > MOST_KEPT {
                evidence.insert("names_left_out".to_owned(), json!(leaf.names.len() - MOST_KEPT));
            }
            evidence.insert(
                "issuer".to_owned(),
                json!(run.redactor.beginning(&leaf.issuer, LONGEST_KEPT)),
            );
            observation = observation
                .with("days_left", Observed::Whole(days_left))
                .with("names", Observed::Names(leaf.names))
                .with("issuer", Observed::Text(leaf.issuer));
        }
        None => {
            for name in ["days_left", "names", "issuer"] {
                let why = "the certificate cannot be read".to_owned();
                observation = observation.with(name, Observed::Nothing(why));
            }
        }
    }
    Seen {
        observation,
        evidence,
        holds: valid,
        why,
    }
}

/// The probe's own verdict in a sentence.
fn sentence(
    now: Timestamp,
    place: &Place,
    shown: &Shown,
    leaf: Option<&Leaf>,
    troubles: &[Trouble],
) -> String {
    let mut why = format!("the certificate of {place}");
    match (troubles, leaf) {
        ([first, ..], _) => {
            let clauses: Vec<String> = troubles.iter().map(|trouble| trouble.clause.clone()).collect();
            let clauses = written::joined(&clauses, "and");
            why = format!("{why} {clauses}; {}", first.advice);
        }
        ([], Some(leaf)) => {
            let left = match leaf.days_left(now) {
                0 => "less than a day".to_owned(),
                1 => "1 day".to_owned(),
                days => format!("{days} days"),
            };
            why = format!(
                "{why} is valid for {left} more, and TLS {} was agreed on",
                shown.version
            );
        }
        ([], None) => why.push_str(" is valid"),
    }
    if shown.clients == Clients::NeedCertificates {
        why.push_str("; the server goes on only with clients that have a certificate");
    }
    why
}

/// The first of the texts, none of them too long.
fn kept(run: &Run<'_>, texts: &[String]) -> Value {
    texts
        .iter()
        .take(MOST_KEPT)
        .map(|text| run.redactor.beginning(text, LONGEST_KEPT))
        .collect()
}

fn place(written: &str) -> Result<Place, String> {
    Place::with_usual_port(written, PORT).ok_or_else(|| {
        format!(
            "`host` is {written:?}, which is not a host and a port; write it as in app.example or app.example:8443"
        )
    })
}

/// The name that a server is asked for. The dot at its end is no part of it (RFC 6066, 3).
fn server_name(written: &str, parameter: &str) -> Result<ServerName<'static>, String> {
    let bare = written.trim().trim_end_matches('.').to_owned();
    ServerName::try_from(bare).map_err(|_| {
        format!(
            "`{parameter}` names {written:?}, which no certificate can be for; write it as in app.example, in the form xn--… where it has other than ASCII letters"
        )
    })
}
