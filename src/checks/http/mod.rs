//! The `http` probe: one request and what comes back, or several one after another.
//!
//! Redirects are followed here, hop by hop, each vetted.

mod answer;
mod cookies;
mod request;
pub(super) mod steps;

use std::sync::Arc;
use std::time::Instant;

use hyper::Method;
use serde_json::Value;

use super::condition::Compiled;
use super::exchange::shown_url;
use super::observation::Kind;
use super::probe::{Hindrance, Run, Seen};
use super::wire::Caller;
use super::{capture, exchange};
use crate::domain::check::HttpProbe;
use answer::Answer;
use cookies::Cookies;
pub(super) use request::Request;

/// What an answer is observed by.
pub(super) const NAMES: [(&str, Kind); 9] = [
    ("status", Kind::Whole),
    ("headers", Kind::Headers),
    ("body", Kind::Text),
    ("json", Kind::Anything),
    ("latency", Kind::Duration),
    ("redirects", Kind::Whole),
    ("url", Kind::Text),
    ("address", Kind::Text),
    ("version", Kind::Text),
];

/// What is wrong with the parameters, as far as can be told beforehand.
pub(super) fn flaws(probe: &HttpProbe) -> Vec<String> {
    let mut found: Vec<String> = exchange::url_flaw(&probe.url, "url", "https://app.example/health")
        .into_iter()
        .collect();
    if Method::from_bytes(probe.method.as_bytes()).is_err() {
        found.push(format!(
            "`{}` is not an HTTP method; write GET or POST",
            probe.method
        ));
    }
    found.extend(exchange::header_flaws(&probe.headers));
    if probe.body.is_some() && probe.json.is_some() {
        found.push("a request has one body: keep either `body` or `json`".to_owned());
    }
    found
}

/// The texts that may name variables.
pub(super) fn texts(probe: &HttpProbe) -> Vec<&str> {
    let mut texts = vec![probe.url.as_str()];
    texts.extend(probe.headers.values().map(String::as_str));
    texts.extend(probe.body.as_deref());
    if let Some(json) = &probe.json {
        collect_texts(json, &mut texts);
    }
    texts
}

/// Makes the request. Headers that the condition names are kept as evidence; where there is none, the answer's status is
/// judged.
pub(super) async fn probe(
    run: &Run<'_>,
    caller: &Caller<'_>,
    probe: &HttpProbe,
    condition: Option<&Compiled>,
) -> Result<Seen, Hindrance> {
    let request = Request::new(run, probe)?;
    let answer = ask(run, caller, probe, request, &mut Cookies::default()).await?;
    // Before anything is cut for the evidence, what was captured has to be known as a secret.
    capture::take(run, &probe.capture, &answer.observation).await?;
    let asked = condition.map_or(&[][..], |condition| &condition.headers);
    let evidence = answer.evidence(run, asked);
    let (holds, why) = match condition {
        Some(_) => (true, String::new()),
        None => answer.verdict(),
    };
    Ok(Seen {
        observation: Arc::unwrap_or_clone(answer.observation),
        evidence,
        holds,
        why,
    })
}

/// Sends a request, follows its redirects as far as it may, and reads what comes back in the end.
async fn ask(
    run: &Run<'_>,
    caller: &Caller<'_>,
    probe: &HttpProbe,
    mut request: Request,
    cookies: &mut Cookies,
) -> Result<Answer, Hindrance> {
    let started = Instant::now();
    let mut redirects = 0;
    loop {
        let response = request.send(run, caller, probe, cookies).await?;
        cookies.take(run, &request.url, &response.headers);
        match request.next_hop(&response) {
            Some(next) if redirects < probe.follow => {
                redirects += 1;
                request.follow(response.status, next)?;
                response.leave();
            }
            Some(next) if probe.follow > 0 => {
                return Err(Hindrance::new(format!(
                    "{} redirects more than {} times, last to {}; look for a loop there, or raise `follow`",
                    shown_url(request.first()),
                    probe.follow,
                    shown_url(&next)
                )));
            }
            _ => return Answer::read(run, response, request.url, redirects, started).await,
        }
    }
}

fn collect_texts<'a>(json: &'a Value, texts: &mut Vec<&'a str>) {
    match json {
        Value::String(text) => texts.push(text),
        Value::Array(values) => values.iter().for_each(|value| collect_texts(value, texts)),
        Value::Object(entries) => {
            for (key, value) in entries {
                texts.push(key);
                collect_texts(value, texts);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
