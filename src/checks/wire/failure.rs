//! Why there is no whole answer, and how that is told.

use crate::checks::guard::Refusal;
use crate::checks::probe::{Hindrance, Run};
use crate::checks::reach::{Place, Unconnected, Unreached};
use crate::checks::template::Written;
use crate::checks::tls::certificate_trouble;

/// Why there is no whole answer.
#[derive(Debug)]
pub(in crate::checks) enum Failure {
    /// It may not be asked there.
    Refused(Refusal),
    /// There is no address that it could be sent to.
    Unreached(Unreached),
    /// There is no connection.
    Unconnected(Unconnected),
    /// There is one, and TLS could not be spoken on it: the library's words.
    Tls(String),
    /// The request is none that can be sent: a sentence.
    Unsendable(String),
    /// No answer came in time.
    Silent,
    /// The other side closed the connection instead of answering.
    Unanswered,
    /// It closed it before the answer was over.
    BrokenOff,
    /// What came is not HTTP.
    NotHttp,
    /// More headers came than are read.
    TooManyHeaders,
}

impl Failure {
    /// What the library says while a request is on its way.
    pub(super) fn of(error: &hyper::Error) -> Self {
        if error.is_parse_too_large() {
            Self::TooManyHeaders
        } else if error.is_parse() {
            Self::NotHttp
        } else {
            Self::Unanswered
        }
    }

    /// What became of the request, as it is said of several.
    pub(in crate::checks) fn fate(&self) -> &'static str {
        match self {
            Self::Refused(_) | Self::Unsendable(_) => "could not be sent",
            Self::Unreached(_) | Self::Unconnected(_) => "found no connection",
            Self::Tls(_) => "could not be sent by TLS",
            Self::Silent => "got no answer in time",
            Self::Unanswered => "got no answer before the connection was closed",
            Self::BrokenOff => "were broken off in the middle of the answer",
            Self::NotHttp => "were not answered in HTTP",
            Self::TooManyHeaders => "were answered with more headers than are read",
        }
    }

    /// The sentence for a probe that got no further. `written` is where the checklist names the place.
    pub(in crate::checks) fn hindrance(
        self,
        run: &Run<'_>,
        place: &Place,
        written: Written<'_>,
    ) -> Hindrance {
        Hindrance::new(match self {
            Self::Refused(refusal) | Self::Unreached(Unreached::Refused(refusal)) => refusal.to_string(),
            Self::Unreached(Unreached::Unresolved(host)) => {
                format!(
                    "the host {host} does not resolve; check {} and DNS",
                    written.named()
                )
            }
            Self::Unconnected(unconnected) => return unconnected.hindrance(run, place),
            Self::Tls(text) => {
                let lower = text.to_lowercase();
                if lower.contains("certificate") {
                    format!(
                        "the certificate of {place} is not accepted: {}",
                        certificate_trouble(&lower)
                    )
                } else {
                    format!(
                        "{place} could not be spoken to by TLS ({text}); check that it serves https there"
                    )
                }
            }
            Self::Unsendable(sentence) => sentence,
            Self::Silent => return run.out_of_time(&format!("no answer came from {place}")),
            Self::Unanswered => {
                format!("{place} closed the connection without an answer; look at its log")
            }
            Self::BrokenOff => {
                format!("{place} broke the connection off in the middle of its answer; look at its log")
            }
            Self::NotHttp => {
                format!("{place} did not answer in HTTP; check the port, and whether it wants https")
            }
            Self::TooManyHeaders => {
                format!("{place} answers with more headers than are read; look at what it sends")
            }
        })
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
