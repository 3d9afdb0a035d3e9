//! What a certificate says, and what is wrong with it.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use tokio_rustls::rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{CertificateError, Error};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

use super::handshake::{Proof, Shown};
use super::trust::Trust;
use crate::checks::redact::Redactor;
use crate::checks::written;

/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;
/// The most names that a sentence lists.
const MOST_NAMED: usize = 3;
/// The most characters of a name or an issuer that a sentence has.
const LONGEST: usize = 100;

/// What a server's own certificate says (RFC 5280).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    /// Seconds since 1970.
    pub(super) not_before: i64,
    /// Seconds since 1970. At that very second it is still valid (4.1.2.5).
    pub(super) not_after: i64,
    /// The names and addresses that it is for (4.2.1.6).
    pub(super) names: Vec<String>,
    /// Who signed it.
    pub(super) issuer: String,
    /// Whether it names itself as the one who signed it.
    pub(super) self_issued: bool,
    /// Whether it may sign others.
    pub(super) authority: bool,
}

/// Something wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// As in `expired 3 days ago`.
    pub(super) clause: String,
    /// What to do about it.
    pub(super) advice: &'static str,
}

impl Leaf {
    /// Reads a certificate; nothing when it is broken.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let names = certificate
            .subject_alternative_name()
            .ok()
            .flatten()
            .map(|names| names.value.general_names.iter().filter_map(name).collect())
            .unwrap_or_default();
        Some(Self {
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
            names,
            issuer: certificate.issuer().to_string(),
            self_issued: certificate.issuer().as_raw() == certificate.subject().as_raw(),
            authority: certificate.is_ca(),
        })
    }

    /// Whole days until it expires; negative from the second after it did.
    pub(super) fn days_left(&self, now: Timestamp) -> i64 {
        self.not_after.saturating_sub(now.as_second()).div_euclid(DAY)
    }
}

/// Whom a certificate is for, as `CN=app.example`.
pub(super) fn subject(der: &[u8]) -> String {
    X509Certificate::from_der(der).map_or_else(
        |_| "a certificate that cannot be read".to_owned(),
        |(_, certificate)| certificate.subject().to_string(),
    )
}

/// Everything wrong with what a server showed, when it was asked for by a name at a moment.
pub(super) fn troubles(
    shown: &Shown,
    leaf: Option<&Leaf>,
    name: &ServerName<'_>,
    trust: &Trust,
    provider: &CryptoProvider,
    now: Timestamp,
    redactor: &Redactor,
) -> Vec<Trouble> {
    let broken = || Trouble {
        clause: "is broken and cannot be read".to_owned(),
        advice: "have it issued anew",
    };
    let (Some(leaf), Some((own, above))) = (leaf, shown.chain.split_first()) else {
        return vec![broken()];
    };
    let mut troubles: Vec<Trouble> = out_of_time(leaf, now).into_iter().collect();
    let Ok(parsed) = ParsedCertificate::try_from(own) else {
        troubles.push(broken());
        return troubles;
    };
    if verify_server_name(&parsed, name).is_err() {
        troubles.push(for_another(leaf, name, redactor));
    }
    // Whether it is signed by somebody known is looked at as of a moment at which it is in time itself: that it is not
    // has been said, and would hide this.
    let moment = now
        .as_second()
        .clamp(leaf.not_before, leaf.not_after.max(leaf.not_before));
    let moment = UnixTime::since_unix_epoch(Duration::from_secs(moment.max(0) as u64));
    let algorithms = provider.signature_verification_algorithms.all;
    let signed = verify_server_cert_signed_by_trust_anchor(&parsed, &trust.roots, above, moment, algorithms);
    if let Err(error) = signed {
        troubles.push(untrusted(&error, leaf, own, above, trust, redactor));
    }
    if shown.proof == Proof::Failed {
        troubles.push(Trouble {
            clause: "is not proven to be the server's own".to_owned(),
            advice: "give the server the key that belongs to it",
        });
    }
    troubles
}

fn out_of_time(leaf: &Leaf, now: Timestamp) -> Option<Trouble> {
    let now = now.as_second();
    if now > leaf.not_after {
        let since = now.saturating_sub(leaf.not_after);
        let ago = match since / DAY {
            0 => written::duration(Duration::from_secs(since as u64)),
            1 => "1 day".to_owned(),
            days => format!("{days} days"),
        };
        return Some(Trouble {
            clause: format!("expired {ago} ago"),
            advice: "renew it",
        });
    }
    (now < leaf.not_before).then(|| Trouble {
        clause: match Timestamp::from_second(leaf.not_before) {
            Ok(from) => format!("is valid only from {from} on"),
            Err(_) => "is not valid yet".to_owned(),
        },
        advice: "wait until then, or check the clocks",
    })
}

fn for_another(leaf: &Leaf, name: &ServerName<'_>, redactor: &Redactor) -> Trouble {
    let asked = name.to_str();
    let mut names: Vec<String> = leaf
        .names
        .iter()
        .take(MOST_NAMED)
        .map(|name| redactor.beginning(name, LONGEST))
        .collect();
    if leaf.names.len() > MOST_NAMED {
        names.push(format!("{} more", leaf.names.len() - MOST_NAMED));
    }
    let clause = if names.is_empty() {
        format!("is not for {asked} nor for any other name")
    } else {
        format!("is not for {asked} but for {}", written::joined(&names, "and"))
    };
    Trouble {
        clause,
        advice: "check the address, or have the name added to it",
    }
}

/// What stands between the certificate and a root, from what the verifier stumbled over.
fn untrusted(
    error: &Error,
    leaf: &Leaf,
    own: &CertificateDer<'_>,
    above: &[CertificateDer<'_>],
    trust: &Trust,
    redactor: &Redactor,
) -> Trouble {
    let issuer = redactor.beginning(&leaf.issuer, LONGEST);
    let named = trust.named.iter().any(|named| named.as_ref() == own.as_ref());
    if leaf.self_issued && !named {
        return Trouble {
            clause: "is signed by itself alone".to_owned(),
            advice: "have it signed by a public authority, or name a file with the authority's certificate in `ca`",
        };
    }
    if leaf.authority {
        return Trouble {
            clause: "is an authority's own and not a server's".to_owned(),
            advice: "have a certificate for the server signed with it",
        };
    }
    let Error::InvalidCertificate(error) = error else {
        return Trouble {
            clause: format!("cannot be traced to anybody known ({error})"),
            advice: "look at it with `openssl s_client`",
        };
    };
    match error {
        CertificateError::UnknownIssuer if above.is_empty() => Trouble {
            clause: format!("is signed by nobody known ({issuer})"),
            advice: "have the server send the certificates between it and a root along, or name a file with the authority's certificate in `ca`",
        },
        CertificateError::UnknownIssuer => Trouble {
            clause: format!("is signed by nobody known ({issuer})"),
            advice: "have it signed by a public authority, or name a file with the authority's certificate in `ca`",
        },
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Trouble {
            clause: "is signed through a certificate that expired".to_owned(),
            advice: "have the server send the certificates of today above its own",
        },
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Trouble {
            clause: "is signed through a certificate that is not valid yet".to_owned(),
            advice: "have the server send the certificates of today above its own",
        },
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => Trouble {
            clause: "is not made for servers".to_owned(),
            advice: "have one issued for server authentication",
        },
        CertificateError::BadSignature => Trouble {
            clause: format!("does not carry the signature of its issuer ({issuer})"),
            advice: "have it issued anew",
        },
        other => Trouble {
            clause: format!("cannot be traced to anybody known ({other})"),
            advice: "look at it with `openssl s_client`",
        },
    }
}

/// A name or an address that a certificate can be for.
fn name(general: &GeneralName<'_>) -> Option<String> {
    match general {
        GeneralName::DNSName(name) => Some(name.to_lowercase()),
        GeneralName::IPAddress(bytes) => {
            let address = match bytes.len() {
                4 => IpAddr::from(<[u8; 4]>::try_from(*bytes).ok()?),
                _ => IpAddr::from(<[u8; 16]>::try_from(*bytes).ok()?),
            };
            Some(address.to_string())
        }
        _ => None,
    }
}
