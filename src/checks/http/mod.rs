//! The `http` probe: one request and what comes back, or several one after another.
//!
//! All requests share one client without proxy, whose names are resolved by a resolver that lets through only
//! addresses the guard allows. Redirects are followed here, hop by hop, each vetted.

mod answer;
mod cookies;
mod request;
pub(super) mod steps;

use std::sync::Arc;
use std::time::Instant;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::HeaderName;
use reqwest::{Client, Method, Url, redirect};
use serde_json::Value;

use super::capture;
use super::guard::Guard;
use super::observation::Kind;
use super::probe::{Hindrance, Run, Seen};
use super::variables::Variables;
use super::{Limits, reach, template};
use crate::domain::check::HttpProbe;
use answer::Answer;
use cookies::Cookies;
use request::{Request, shown_url};

/// What requests call themselves.
const AGENT: &str = concat!("holdpoint/", env!("CARGO_PKG_VERSION"));

/// The client that every request of every check goes through; making one is far dearer than a request.
pub(super) fn client(limits: &Limits, guard: Arc<Guard>) -> Result<Client, reqwest::Error> {
    Client::builder()
        .user_agent(AGENT)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .referer(false)
        .pool_max_idle_per_host(limits.per_host)
        .dns_resolver(Arc::new(VettingResolver { guard }))
        .build()
}

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
    let mut found = Vec::new();
    if template::placeholders(&probe.url).is_empty() {
        match Url::parse(&probe.url) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {}
            Ok(url) => found.push(format!(
                "`url` has the scheme {}, and only http and https are spoken",
                url.scheme()
            )),
            Err(_) => found.push("`url` is not a URL; write it as in https://app.example/health".to_owned()),
        }
    }
    if Method::from_bytes(probe.method.as_bytes()).is_err() {
        found.push(format!(
            "`{}` is not an HTTP method; write GET or POST",
            probe.method
        ));
    }
    for name in probe.headers.keys() {
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            found.push(format!("`{name}` cannot be the name of a header; mend `headers`"));
        }
    }
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

/// Host and port that the request goes to, when they can be told.
pub(super) fn host(probe: &HttpProbe, variables: &Variables) -> Option<String> {
    let url = Url::parse(&variables.expand(&probe.url).ok()?).ok()?;
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// Makes the request. Headers named in `asked` are kept as evidence.
pub(super) async fn probe(
    run: &Run<'_>,
    client: &Client,
    probe: &HttpProbe,
    asked: &[String],
) -> Result<Seen, Hindrance> {
    let request = Request::new(run, probe)?;
    let answer = exchange(run, client, probe, request, &mut Cookies::default()).await?;
    // Before anything is cut for the evidence, what was captured has to be known as a secret.
    capture::take(run, &probe.capture, &answer.observation).await?;
    let evidence = answer.evidence(run, asked);
    let (holds, why) = answer.verdict();
    Ok(Seen {
        observation: Arc::unwrap_or_clone(answer.observation),
        evidence,
        holds,
        why,
    })
}

/// Sends a request, follows its redirects as far as it may, and reads what comes back in the end.
async fn exchange(
    run: &Run<'_>,
    client: &Client,
    probe: &HttpProbe,
    mut request: Request,
    cookies: &mut Cookies,
) -> Result<Answer, Hindrance> {
    let started = Instant::now();
    let mut redirects = 0;
    loop {
        let response = request.send(run, client, probe, cookies).await?;
        cookies.take(run, &request.url, response.headers());
        match request.next_hop(&response) {
            Some(next) if redirects < probe.follow => {
                redirects += 1;
                request.follow(response.status(), next)?;
            }
            Some(next) if probe.follow > 0 => {
                return Err(Hindrance::new(format!(
                    "{} redirects more than {} times, last to {}; look for a loop there, or raise `follow`",
                    shown_url(&request.first),
                    probe.follow,
                    shown_url(&next)
                )));
            }
            _ => return Answer::read(run, response, &request.url, redirects, started).await,
        }
    }
}

/// Resolves names to addresses that the guard allows, which are then the ones dialled.
struct VettingResolver {
    guard: Arc<Guard>,
}

impl Resolve for VettingResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Arc::clone(&self.guard);
        Box::pin(async move {
            // The port is the client's to say.
            let open = reach::addresses(&guard, name.as_str(), 0).await?;
            Ok(Box::new(open.into_iter()) as Addrs)
        })
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
