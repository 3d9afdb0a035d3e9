//! What GitHub answers when it does not give what was asked for, in sentences.

use hyper::header::{HeaderMap, LINK, RETRY_AFTER};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use url::Url;

use super::Api;
use crate::checks::exchange::Answer;
use crate::checks::reach::Place;
use crate::checks::redact::Redactor;

/// The most characters of GitHub's own words in a sentence.
const LONGEST_MESSAGE: usize = 200;

impl Api<'_> {
    /// Why there is no answer to use. `what` is what is not there when GitHub says so.
    pub(super) fn refused(&self, url: &Url, answer: &Answer, what: &str) -> String {
        let place = Place::of_url(url);
        let message = message(answer, self.run.redactor);
        let said = message
            .as_ref()
            .map_or_else(String::new, |message| format!(" ({message})"));
        let status = answer.status.as_u16();
        if matches!(status, 403 | 429)
            && let Some(until) = limited_until(&answer.headers, self.run.now)
        {
            let until = until.strftime("%Y-%m-%d %H:%M:%S UTC");
            let advice = if self.probe.token.is_some() {
                "check less often"
            } else {
                "give a `token`, for which the limit is higher, or check less often"
            };
            return format!("{place} takes no more requests until {until}; {advice}");
        }
        match status {
            200..=299 if answer.body.cut => format!(
                "a page of {place}'s answer is longer than {} bytes; ask about less",
                self.run.limits.body_bytes
            ),
            200..=299 => not_github(url),
            301 | 302 | 307 | 308 => {
                format!("{} has moved on GitHub; mend `repository`", self.repository)
            }
            401 => format!("{place} does not accept the token{said}; check that it has not expired"),
            404 if self.probe.token.is_none() => format!(
                "{place} knows no {what} in {}, or shows it to nobody without a token; mend the names, or give a `token`",
                self.repository
            ),
            404 => format!(
                "{place} knows no {what} in {}, or the token may not see it{said}; mend the names, or what the token may read",
                self.repository
            ),
            403 => format!("{place} does not let this be read{said}; check what the token may read"),
            422 => format!(
                "{place} knows no {what} in {}{said}; mend the names",
                self.repository
            ),
            code if code >= 500 => {
                format!("{place} has trouble of its own (status {code}); look at githubstatus.com")
            }
            code => format!("{place} answers with status {code}{said}"),
        }
    }
}

/// The sentence for an answer that GitHub would not give.
pub(super) fn not_github(url: &Url) -> String {
    format!(
        "{} does not answer as GitHub does; `base_url` must be the base of its API, as https://github.example/api/v3",
        Place::of_url(url)
    )
}

/// Where a list goes on (RFC 8288, relation `next`).
pub(super) fn next_page(headers: &HeaderMap) -> Option<Url> {
    headers.get_all(LINK).iter().find_map(|header| {
        header.to_str().ok()?.split(',').find_map(|link| {
            let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
            let is_next = parameters
                .split(';')
                .any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"));
            is_next.then(|| Url::parse(target).ok()).flatten()
        })
    })
}

/// Until when no more requests are taken, if that is why this one was not: the primary limit has a date, the secondary
/// one a span ("Rate limits for the REST API").
fn limited_until(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    if let Some(seconds) = number(RETRY_AFTER.as_str()) {
        return now.checked_add(SignedDuration::from_secs(seconds)).ok();
    }
    if number("x-ratelimit-remaining") != Some(0) {
        return None;
    }
    Timestamp::from_second(number("x-ratelimit-reset")?).ok()
}

/// GitHub's own words.
fn message(answer: &Answer, redactor: &Redactor) -> Option<String> {
    let json: Value = answer.json()?;
    let message = json.get("message")?.as_str()?.trim();
    (!message.is_empty()).then(|| redactor.beginning(message, LONGEST_MESSAGE))
}
