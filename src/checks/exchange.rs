//! What probes have in common that ask by HTTP: parameters read, requests made, answers read and mishaps told.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use super::probe::{Hindrance, Run};
use super::reach::Place;
use super::template::{self, Written};
use super::wire::{Caller, Outgoing, Response};

/// A body as far as it was read.
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    /// Whether there was more of it.
    pub(super) cut: bool,
}

impl Body {
    /// Reads it up to the limit.
    pub(super) async fn read(run: &Run<'_>, response: Response<'_>, url: &Url) -> Result<Self, Hindrance> {
        let mut bytes = Vec::new();
        let read = {
            let mut reading = pin!(response.read(&mut bytes, run.limits.body_bytes));
            // A short body has come with its head as a rule, and needs no timer.
            let at_once = poll_fn(|context| Poll::Ready(reading.as_mut().poll(context))).await;
            match at_once {
                Poll::Ready(read) => Ok(read),
                Poll::Pending => tokio::time::timeout_at(run.deadline, reading).await,
            }
        };
        match read {
            Ok(Ok(cut)) => Ok(Self { bytes, cut }),
            Ok(Err(_)) => Err(Hindrance::new(format!(
                "{} broke the connection off in the middle of its answer ({} bytes of its body came); look at its log",
                Place::of_url(url),
                bytes.len()
            ))),
            Err(_) => Err(run.out_of_time(&format!(
                "the answer of {} had begun but did not end ({} bytes of its body came)",
                Place::of_url(url),
                bytes.len()
            ))),
        }
    }
}

/// An answer, its body read as far as the limit lets it.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
}

impl Answer {
    /// The body as JSON, when it is all there and that is what it is.
    pub(super) fn json(&self) -> Option<Value> {
        if self.body.cut {
            return None;
        }
        serde_json::from_slice(&self.body.bytes).ok()
    }
}

/// Sends a request, and waits for the head of its answer.
pub(super) async fn send<'a>(
    run: &Run<'_>,
    caller: &'a Caller<'a>,
    outgoing: Outgoing<'_>,
    written: Written<'_>,
) -> Result<Response<'a>, Hindrance> {
    let sent = caller.send(outgoing, run.deadline).await;
    sent.map_err(|failure| failure.hindrance(run, &Place::of_url(outgoing.url), written))
}

/// Asks for what is at a URL. No redirect is followed.
pub(super) async fn get(
    run: &Run<'_>,
    caller: &Caller<'_>,
    url: &Url,
    headers: &HeaderMap,
    written: Written<'_>,
) -> Result<Answer, Hindrance> {
    let outgoing = Outgoing {
        method: &Method::GET,
        url,
        headers,
        body: None,
    };
    let response = send(run, caller, outgoing, written).await?;
    let (status, headers) = (response.status, response.headers.clone());
    let body = Body::read(run, response, url).await?;
    Ok(Answer {
        status,
        headers,
        body,
    })
}

/// The URL of what lies below another.
pub(super) fn below<'a>(base: &Url, segments: impl IntoIterator<Item = &'a str>) -> Url {
    let mut url = base.clone();
    // A URL that has no path, as `mailto:`, is refused for its scheme before it is used.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// What is wrong with a URL as it is written, as far as can be told before its variables are known.
pub(super) fn url_flaw(written: &str, parameter: &str, example: &str) -> Option<String> {
    if !template::placeholders(written).is_empty() {
        return None;
    }
    match Url::parse(written) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => None,
        Ok(url) => Some(format!(
            "`{parameter}` has the scheme {}, and only http and https are spoken",
            url.scheme()
        )),
        Err(_) => Some(format!("`{parameter}` is not a URL; write it as in {example}")),
    }
}

/// What is wrong with the names of headers.
pub(super) fn header_flaws(headers: &BTreeMap<String, String>) -> Vec<String> {
    headers
        .keys()
        .filter(|name| HeaderName::from_bytes(name.as_bytes()).is_err())
        .map(|name| format!("`{name}` cannot be the name of a header; mend `headers`"))
        .collect()
}

/// The URL of a parameter with its variables replaced.
pub(super) fn url(run: &Run<'_>, written: &str, parameter: &str) -> Result<Url, Hindrance> {
    run.urls.read(&run.expand(written)?).map_err(|error| {
        let named = template::variables_in(written);
        let mend = if named.is_empty() {
            format!("mend `{parameter}`")
        } else {
            format!("check {}", template::variables_named(&named))
        };
        Hindrance::new(format!("the address is not a URL ({error}); {mend}"))
    })
}

/// Headers with their variables replaced.
pub(super) fn headers(run: &Run<'_>, named: &BTreeMap<String, String>) -> Result<HeaderMap, Hindrance> {
    let mut headers = HeaderMap::new();
    for (name, value) in named {
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
            Hindrance::new(format!("`{name}` cannot be the name of a header; mend `headers`"))
        })?;
        // The value may hold a secret, so the sentence does not show it.
        let mut value = HeaderValue::from_str(run.expand(value)?.trim()).map_err(|_| {
            Hindrance::new(format!(
                "the value of the header {name} has a line break or another character that no header can have"
            ))
        })?;
        value.set_sensitive(true);
        headers.append(parsed, value);
    }
    Ok(headers)
}

/// A URL without its password.
pub(super) fn shown_url(url: &Url) -> String {
    let mut shown = url.clone();
    if shown.password().is_some() {
        // Cannot fail for a URL that has a password.
        let _ = shown.set_password(None);
    }
    shown.into()
}
