//! Parameters of the `http` probe.

use std::collections::BTreeMap;

use super::Condition;

/// Parameters of an HTTP request.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpProbe {
    /// Where to.
    pub url: String,
    /// `GET` unless said otherwise.
    pub method: String,
    /// Headers to send.
    pub headers: BTreeMap<String, String>,
    /// A body as text.
    pub body: Option<String>,
    /// A body as JSON; sets the content type.
    pub json: Option<serde_json::Value>,
    /// How many redirects to follow; 0 unless said otherwise, so that a redirect can be observed.
    pub follow: u32,
    /// What is taken from the answer for requests and checks that come after, in the order it is written.
    pub capture: Vec<HttpCapture>,
}

/// A value taken from an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCapture {
    /// The name it is used by: `{{ name }}` in the steps after it, `{{ check.name }}` in checks after its own.
    pub name: String,
    /// What it is, in CEL over what was observed, as `json.token`.
    pub value: Condition,
}

/// A sequence of requests with one cookie jar. Never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpSteps {
    /// The requests, in order. The first that does not pass ends the sequence.
    pub steps: Vec<HttpStep>,
}

/// One request of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpStep {
    /// What is asked.
    pub request: HttpProbe,
    /// What its answer must meet; else a status from 200 to 299, but for the last step, of which the check's own
    /// condition speaks.
    pub pass: Option<Condition>,
    /// 1-based line where it begins in the source.
    pub line: usize,
    /// 1-based column there.
    pub column: usize,
}
