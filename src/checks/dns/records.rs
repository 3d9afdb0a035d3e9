//! What of a reply answers the question, and how it is written.

use hickory_proto::op::Message;
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

/// The most aliases that are followed: longer chains are a mistake, and no resolver follows them to their end.
const MOST_ALIASES: usize = 16;

/// The records of the type that was asked for, at the end of the chain of aliases.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answers {
    /// Each as one text, in the order they came.
    pub(super) texts: Vec<String>,
    /// For how many seconds the answer may be kept: the least of the records and of the aliases on the way to them.
    /// Nothing when there is no answer.
    pub(super) ttl: Option<u32>,
    /// The names that the one asked for is an alias of, in the order they are followed.
    pub(super) aliases: Vec<String>,
}

/// The answers to the question. Records that do not belong to it are not looked at (RFC 5452, 6).
pub(super) fn answers(message: &Message, name: &Name, wanted: RecordType) -> Answers {
    let mut answers = Answers::default();
    let mut owner = name.clone();
    let mut least = u32::MAX;
    loop {
        let here: Vec<&Record> = message
            .answers
            .iter()
            .filter(|record| record.dns_class == DNSClass::IN && record.name.eq_ignore_root(&owner))
            .collect();
        for record in here.iter().filter(|record| record.record_type() == wanted) {
            if let Some(text) = text(&record.data) {
                least = least.min(record.ttl);
                answers.texts.push(text);
            }
        }
        let alias = here.iter().find_map(|record| match &record.data {
            RData::CNAME(target) => Some((&target.0, record.ttl)),
            _ => None,
        });
        match alias {
            Some((target, ttl)) if answers.texts.is_empty() && answers.aliases.len() < MOST_ALIASES => {
                let alias = host(target);
                if answers.aliases.contains(&alias) {
                    break;
                }
                least = least.min(ttl);
                answers.aliases.push(alias);
                owner = target.clone();
            }
            _ => break,
        }
    }
    answers.ttl = (!answers.texts.is_empty()).then_some(least);
    answers
}

/// A name in lower case, in ASCII and without the dot at its end; the root is the dot alone.
pub(super) fn host(name: &Name) -> String {
    let text = name.to_ascii().to_lowercase();
    match text.trim_end_matches('.') {
        "" => ".".to_owned(),
        bare => bare.to_owned(),
    }
}

/// A record's data in the form of zone files, but for names, which are as [`host`] writes them, and texts, whose
/// pieces are joined (RFC 7208, 3.3) and stand without quotes.
fn text(data: &RData) -> Option<String> {
    Some(match data {
        RData::A(address) => address.0.to_string(),
        RData::AAAA(address) => address.0.to_string(),
        RData::CNAME(target) => host(&target.0),
        RData::NS(server) => host(&server.0),
        RData::MX(mx) => format!("{} {}", mx.preference, host(&mx.exchange)),
        RData::SRV(srv) => format!(
            "{} {} {} {}",
            srv.priority,
            srv.weight,
            srv.port,
            host(&srv.target)
        ),
        RData::SOA(soa) => format!(
            "{} {} {} {} {} {} {}",
            host(&soa.mname),
            host(&soa.rname),
            soa.serial,
            soa.refresh,
            soa.retry,
            soa.expire,
            soa.minimum
        ),
        RData::CAA(caa) => format!(
            "{} {} \"{}\"",
            caa.flags(),
            caa.tag.to_lowercase(),
            String::from_utf8_lossy(&caa.value)
        ),
        RData::TXT(pieces) => String::from_utf8_lossy(&pieces.txt_data.concat()).into_owned(),
        _ => return None,
    })
}
