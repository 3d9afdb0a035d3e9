//! Parameters of the `push` probe, and what has been posted to it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::CheckResult;

/// Parameters of a check whose result is posted from outside.
#[derive(Clone, Debug, PartialEq)]
pub struct PushProbe {
    /// What posts are signed with: a secret variable in braces, as `{{ ci_secret }}`.
    pub secret: String,
    /// How old the last post may be before the check is overdue.
    pub within: Duration,
    /// Where posts come to. Put in by whoever runs the check in a deployment and never read from a checklist; nothing
    /// where there is no deployment.
    pub inbox: Option<Inbox>,
}

/// Where posts for a check of a deployment come to, and what came.
#[derive(Clone, Debug, PartialEq)]
pub struct Inbox {
    /// The path that is posted to.
    pub path: String,
    /// What came last.
    pub last: Option<Post>,
}

/// What was posted.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// When it came.
    pub received: Timestamp,
    /// What it says the status is.
    pub status: Option<String>,
    /// Its body; nothing where that was too long to be kept.
    pub json: Option<Value>,
}

impl Post {
    /// Under which name a result keeps when the post came that it is about.
    pub const RECEIVED: &str = "received";
    /// Under which name a result keeps what the post said the status is.
    pub const STATUS: &str = "status";
    /// Under which name a result keeps the body.
    pub const JSON: &str = "json";

    /// What has come just now.
    pub fn new(received: Timestamp, json: Value) -> Self {
        let status = ["status", "conclusion"]
            .into_iter()
            .find_map(|key| json.get(key)?.as_str())
            .map(str::to_owned);
        Self {
            received,
            status,
            json: Some(json),
        }
    }

    /// What a result is about, as far as it keeps it.
    pub fn of(result: &CheckResult) -> Option<Self> {
        let status = result.observed.get(Self::STATUS).and_then(Value::as_str);
        Some(Self {
            received: Self::received(result)?,
            status: status.map(str::to_owned),
            json: result.observed.get(Self::JSON).cloned(),
        })
    }

    /// When the post came that a result is about.
    pub fn received(result: &CheckResult) -> Option<Timestamp> {
        result.observed.get(Self::RECEIVED)?.as_str()?.parse().ok()
    }
}
