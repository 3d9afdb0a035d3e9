//! The `dns` probe: what DNS answers for a name.

mod exchange;
mod records;
mod servers;

use std::collections::BTreeMap;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{self, Name};
use serde_json::{Value, json};

use self::records::Answers;
use super::observation::{Kind, Observation, Observed};
use super::probe::{Hindrance, Run, Seen};
use super::variables::Variables;
use super::{template, written};
use crate::domain::check::{DnsProbe, RecordType};

/// What an answer is observed by.
pub(super) const NAMES: [(&str, Kind); 2] = [("answers", Kind::Names), ("ttl", Kind::Duration)];

/// The most characters of a name (RFC 1035, 2.3.4: 255 octets on the wire, of which two are not characters).
const LONGEST_NAME: usize = 253;
/// The most characters between two dots of a name (RFC 1035, 2.3.4).
const LONGEST_LABEL: usize = 63;
/// The most answers that are kept as evidence.
const MOST_ANSWERS: usize = 20;
/// The most characters of an answer that are kept as evidence.
const LONGEST_ANSWER: usize = 300;
/// The most answers that a sentence names, and the most characters of each.
const MOST_NAMED: usize = 3;
const LONGEST_NAMED: usize = 100;

/// What is wrong with the parameters, as far as can be told beforehand.
pub(super) fn flaws(probe: &DnsProbe) -> Vec<String> {
    let mut found = Vec::new();
    if template::placeholders(&probe.name).is_empty() {
        found.extend(asked_name(&probe.name).err());
    }
    if let Some(resolver) = &probe.resolver
        && template::placeholders(resolver).is_empty()
    {
        found.extend(servers::place(resolver).err());
    }
    found
}

/// The texts that may name variables.
pub(super) fn texts(probe: &DnsProbe) -> Vec<&str> {
    let mut texts = vec![probe.name.as_str()];
    texts.extend(probe.resolver.as_deref());
    texts
}

/// The server that is asked, when the checklist names one.
pub(super) fn host(probe: &DnsProbe, variables: &Variables) -> Option<String> {
    let resolver = variables.expand(probe.resolver.as_deref()?).ok()?;
    Some(servers::place(&resolver).ok()?.to_string())
}

/// Asks.
pub(super) async fn probe(run: &Run<'_>, probe: &DnsProbe) -> Result<Seen, Hindrance> {
    let asked = run.expand(&probe.name)?;
    let name = asked_name(&asked).map_err(Hindrance::new)?;
    // Shown as it was written: a secret in it would not be known any more in lower case or in punycode.
    let shown = match asked.trim().trim_end_matches('.') {
        "" => ".",
        bare => bare,
    };
    // A name that may not be reached is not asked about either: the answer tells where it is, and the question
    // travels to those who serve it.
    run.guard
        .vet_host(&records::host(&name))
        .map_err(|refusal| Hindrance::new(refusal.to_string()))?;
    let servers = servers::to_ask(run, probe.resolver.as_deref()).await?;
    let wanted = wire_type(probe.record_type);
    let reply = exchange::ask(run, &servers, &name, shown, wanted).await?;
    let Answers {
        mut texts,
        ttl,
        aliases,
    } = records::answers(&reply.message, &name, wanted);
    texts.sort();
    texts.dedup();

    let there = match reply.message.metadata.response_code {
        ResponseCode::NXDomain => Existence::NoSuchName,
        _ => Existence::Known,
    };
    let found = found(run, shown, probe.record_type, there, &texts, &aliases);
    let holds = !texts.is_empty();
    let ttl = match ttl {
        Some(seconds) => Observed::Duration(Duration::from_secs(u64::from(seconds))),
        None => Observed::Nothing(format!("there is no ttl: {found}")),
    };
    let mut evidence = BTreeMap::from([
        (
            "asked".to_owned(),
            json!(format!("{shown} {}", probe.record_type)),
        ),
        ("server".to_owned(), json!(reply.server.to_string())),
        ("answers".to_owned(), kept(run, &texts)),
    ]);
    if texts.len() > MOST_ANSWERS {
        evidence.insert("answers_left_out".to_owned(), json!(texts.len() - MOST_ANSWERS));
    }
    if !aliases.is_empty() {
        evidence.insert("aliases".to_owned(), kept(run, &aliases));
    }
    if let Observed::Duration(ttl) = &ttl {
        evidence.insert("ttl_s".to_owned(), json!(ttl.as_secs()));
    }
    let mut observation = Observation::default()
        .with("answers", Observed::Names(texts))
        .with("ttl", ttl);
    if !holds {
        observation = observation.because("answers", found.as_str());
    }
    Ok(Seen {
        observation,
        evidence,
        holds,
        why: if holds {
            found
        } else {
            format!(
                "{found}, expected at least one record of type {}",
                probe.record_type
            )
        },
    })
}

/// Whether DNS knows the name at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Existence {
    Known,
    /// NXDOMAIN (RFC 2308, 2.1).
    NoSuchName,
}

/// What was found, in a clause.
fn found(
    run: &Run<'_>,
    shown: &str,
    record_type: RecordType,
    there: Existence,
    texts: &[String],
    aliases: &[String],
) -> String {
    let through = match aliases.last() {
        Some(last) => format!("{shown} (an alias of {last})"),
        None => shown.to_owned(),
    };
    match (texts, there) {
        ([], Existence::NoSuchName) => format!("{through} does not exist (NXDOMAIN)"),
        ([], Existence::Known) => format!("{through} has no {record_type} record"),
        (texts, _) => {
            let noun = if texts.len() == 1 { "record" } else { "records" };
            let mut named: Vec<String> = texts
                .iter()
                .take(MOST_NAMED)
                .map(|text| run.redactor.beginning(text, LONGEST_NAMED))
                .collect();
            if texts.len() > MOST_NAMED {
                named.push(format!("{} more", texts.len() - MOST_NAMED));
            }
            let named = written::joined(&named, "and");
            format!("{through} has the {record_type} {noun} {named}")
        }
    }
}

/// The first of the texts, none of them too long.
fn kept(run: &Run<'_>, texts: &[String]) -> Value {
    texts
        .iter()
        .take(MOST_ANSWERS)
        .map(|text| run.redactor.beginning(text, LONGEST_ANSWER))
        .collect()
}

/// The name as it goes on the wire, or what is wrong with it.
fn asked_name(written: &str) -> Result<Name, String> {
    let text = written.trim();
    let length = text.trim_end_matches('.').chars().count();
    // Nothing is cut out of a name to be shown: it may hold a secret, which is only known by the whole of it.
    if length > LONGEST_NAME {
        return Err(format!(
            "`name` is {length} characters long, and a name in DNS has at most {LONGEST_NAME}; shorten it"
        ));
    }
    if text.split('.').any(|label| label.chars().count() > LONGEST_LABEL) {
        return Err(format!(
            "`name` is {text:?}, which has more than {LONGEST_LABEL} characters between two dots, and DNS does not allow that; shorten it"
        ));
    }
    // What the zone files' notation escapes is no part of any name that is asked for.
    let sound = !text.is_empty() && !text.contains('\\');
    let name = Name::from_str_relaxed(text).ok().filter(|_| sound);
    let mut name = name.ok_or_else(|| {
        format!("`name` is {text:?}, which is not a name in DNS; write it as in app.example, without scheme or port")
    })?;
    name.set_fqdn(true);
    Ok(name)
}

fn wire_type(record_type: RecordType) -> rr::RecordType {
    match record_type {
        RecordType::A => rr::RecordType::A,
        RecordType::Aaaa => rr::RecordType::AAAA,
        RecordType::Caa => rr::RecordType::CAA,
        RecordType::Cname => rr::RecordType::CNAME,
        RecordType::Mx => rr::RecordType::MX,
        RecordType::Ns => rr::RecordType::NS,
        RecordType::Soa => rr::RecordType::SOA,
        RecordType::Srv => rr::RecordType::SRV,
        RecordType::Txt => rr::RecordType::TXT,
    }
}
