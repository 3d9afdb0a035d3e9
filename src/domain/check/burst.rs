//! Parameters of the `burst` probe.

use std::time::Duration;

use super::HttpProbe;

/// Parameters of many requests at once, to see them limited.
#[derive(Clone, Debug, PartialEq)]
pub struct BurstProbe {
    /// What is sent each time. Redirects are not followed.
    pub request: HttpProbe,
    /// How many are sent, at most 10,000.
    pub requests: u32,
    /// How long they may take to be sent; 10 seconds unless said otherwise.
    pub within: Duration,
}
