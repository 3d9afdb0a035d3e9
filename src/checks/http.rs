//! The `http` probe: one request, and what comes back.
//!
//! Redirects are followed here, hop by hop, each vetted.

use std::collections::BTreeMap;
use std::time::Instant;

use reqwest::header::{
    ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, USER_AGENT,
};
use reqwest::{Client, Method, Response, StatusCode, Url};
use serde_json::{Value, json};

use super::exchange::{self, Body, place, shown_url};
use super::observation::{Kind, Observation, Observed};
use super::probe::{Hindrance, Run, Seen};
use super::variables::Variables;
use super::written;
use crate::domain::check::HttpProbe;

/// The most characters of a body that are kept as evidence.
const EVIDENCE: usize = 300;
/// Headers that go along when a redirect leads to another host. All others may be meant for the first one alone.
const HARMLESS: [HeaderName; 4] = [ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, USER_AGENT];

/// What an answer is observed by.
pub(super) const NAMES: [(&str, Kind); 7] = [
    ("status", Kind::Whole),
    ("headers", Kind::Headers),
    ("body", Kind::Text),
    ("json", Kind::Anything),
    ("latency", Kind::Duration),
    ("redirects", Kind::Whole),
    ("url", Kind::Text),
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

/// Host and port that the request goes to, when they can be told.
pub(super) fn host(probe: &HttpProbe, variables: &Variables) -> Option<String> {
    exchange::host(&probe.url, variables)
}

/// Makes the request. Headers named in `asked` are kept as evidence.
pub(super) async fn probe(
    run: &Run<'_>,
    client: &Client,
    probe: &HttpProbe,
    asked: &[String],
) -> Result<Seen, Hindrance> {
    let mut request = Request::new(run, probe)?;
    let started = Instant::now();
    let mut redirects = 0;
    let response = loop {
        let response = request.send(run, client, probe).await?;
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
            _ => break response,
        }
    };
    let status = response.status();
    let headers = headers_of(response.headers());
    let body = Body::read(run, response, &request.url).await?;
    let latency = started.elapsed();
    let text = String::from_utf8_lossy(&body.bytes).into_owned();

    let mut evidence = BTreeMap::from([
        ("status".to_owned(), json!(status.as_u16())),
        ("latency_ms".to_owned(), json!(latency.as_millis() as u64)),
        ("url".to_owned(), Value::from(shown_url(&request.url))),
    ]);
    if redirects > 0 {
        evidence.insert("redirects".to_owned(), json!(redirects));
    }
    if body.cut {
        evidence.insert("body_cut_at_bytes".to_owned(), json!(body.bytes.len()));
    }
    if !text.trim().is_empty() {
        let clean = if body.cut {
            run.redactor.redact_cut(&text)
        } else {
            run.redactor.redact(&text)
        };
        evidence.insert(
            "body".to_owned(),
            Value::from(run.redactor.beginning(clean.trim(), EVIDENCE)),
        );
    }
    for name in asked {
        if let Some(value) = headers.get(name) {
            let shown = run.redactor.beginning(value, EVIDENCE);
            evidence.insert(format!("headers[{name:?}]"), Value::from(shown));
        }
    }

    let holds = status.is_success();
    let took = written::duration(latency);
    let why = if holds {
        format!("status is {} and latency is {took}", status.as_u16())
    } else {
        format!("status is {}, expected 200 to 299", status.as_u16())
    };
    let observation = Observation::default()
        .with("status", Observed::Whole(status.as_u16().into()))
        .with("headers", Observed::Headers(headers))
        .with("json", json_of(run, &body))
        .with("body", Observed::Text(text))
        .with("latency", Observed::Duration(latency))
        .with("redirects", Observed::Whole(redirects.into()))
        .with("url", Observed::Text(request.url.into()));
    Ok(Seen {
        observation,
        evidence,
        holds,
        why,
    })
}

/// What is about to be sent.
struct Request {
    first: Url,
    url: Url,
    method: Method,
    headers: HeaderMap,
    body: Option<String>,
}

impl Request {
    fn new(run: &Run<'_>, probe: &HttpProbe) -> Result<Self, Hindrance> {
        let url = exchange::url(run, &probe.url, "url")?;
        let method = Method::from_bytes(probe.method.to_uppercase().as_bytes()).map_err(|_| {
            Hindrance::new(format!(
                "`{}` is not an HTTP method; write GET or POST",
                probe.method
            ))
        })?;

        let mut headers = exchange::headers(run, &probe.headers)?;
        let body = match (&probe.json, &probe.body) {
            (Some(json), _) => {
                headers
                    .entry(CONTENT_TYPE)
                    .or_insert(HeaderValue::from_static("application/json"));
                Some(expand_json(run, json)?.to_string())
            }
            (None, Some(body)) => Some(run.expand(body)?),
            (None, None) => None,
        };
        Ok(Self {
            first: url.clone(),
            url,
            method,
            headers,
            body,
        })
    }

    async fn send(&self, run: &Run<'_>, client: &Client, probe: &HttpProbe) -> Result<Response, Hindrance> {
        run.guard
            .vet_url(&self.url)
            .map_err(|refusal| Hindrance::new(refusal.to_string()))?;
        let mut builder = client
            .request(self.method.clone(), self.url.clone())
            .headers(self.headers.clone());
        if let Some(body) = &self.body {
            builder = builder.body(body.clone());
        }
        let sent = run.in_time(builder.send(), || {
            format!("no answer came from {}", place(&self.url))
        });
        sent.await?
            .map_err(|error| Hindrance::new(exchange::sentence(&self.url, &error, "url", &probe.url)))
    }

    /// Where an answer sends us on to.
    fn next_hop(&self, response: &Response) -> Option<Url> {
        if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let location = response.headers().get(LOCATION)?.to_str().ok()?;
        self.url.join(location).ok()
    }

    /// Becomes the request that a redirect asks for, with the method changed as browsers do (Fetch Standard,
    /// "HTTP-redirect fetch").
    fn follow(&mut self, status: StatusCode, next: Url) -> Result<(), Hindrance> {
        let becomes_get = match status.as_u16() {
            301 | 302 => self.method == Method::POST,
            303 => self.method != Method::GET && self.method != Method::HEAD,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = None;
            self.headers.remove(CONTENT_TYPE);
        }
        if next.origin() != self.url.origin() {
            if self.body.is_some() {
                return Err(Hindrance::new(format!(
                    "{} redirects to {} and asks for the body to be sent there, which is not done to another host; set `url` to where it is wanted",
                    shown_url(&self.url),
                    shown_url(&next)
                )));
            }
            let foreign: Vec<HeaderName> = self
                .headers
                .keys()
                .filter(|name| !HARMLESS.contains(name))
                .cloned()
                .collect();
            for name in foreign {
                self.headers.remove(name);
            }
        }
        self.url = next;
        Ok(())
    }
}

fn json_of(run: &Run<'_>, body: &Body) -> Observed {
    if body.cut {
        return Observed::Nothing(format!(
            "the body is longer than {} bytes, so it was not read as JSON",
            run.limits.body_bytes
        ));
    }
    if let Ok(json) = serde_json::from_slice(&body.bytes) {
        return Observed::Json(json);
    }
    let text = String::from_utf8_lossy(&body.bytes);
    let text = text.trim();
    Observed::Nothing(if text.is_empty() {
        "the body is empty, expected JSON".to_owned()
    } else {
        format!(
            "the body is not JSON: it begins {:?}",
            run.redactor.beginning(text, 60)
        )
    })
}

/// The JSON with variables replaced in its texts, so that a value with quotes stays a text.
fn expand_json(run: &Run<'_>, json: &Value) -> Result<Value, Hindrance> {
    Ok(match json {
        Value::String(text) => Value::String(run.expand(text)?),
        Value::Array(values) => values
            .iter()
            .map(|value| expand_json(run, value))
            .collect::<Result<_, _>>()?,
        Value::Object(entries) => Value::Object(
            entries
                .iter()
                .map(|(key, value)| Ok((run.expand(key)?, expand_json(run, value)?)))
                .collect::<Result<_, Hindrance>>()?,
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => json.clone(),
    })
}

/// Headers by name in lower case, as the HTTP library has them; several of one name joined as RFC 9110, 5.3 says.
fn headers_of(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        texts
            .entry(name.as_str().to_owned())
            .and_modify(|before| {
                before.push_str(", ");
                before.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    texts
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
