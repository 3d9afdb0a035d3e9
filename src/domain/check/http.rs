//! Parameters of the `http` probe.

use std::collections::BTreeMap;

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
}
