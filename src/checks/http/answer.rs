//! An answer: its body as far as it is read, what it is observed by, and what is kept of it as evidence.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::{StatusCode, Version};
use serde_json::{Value, json};
use url::Url;

use crate::checks::exchange::{Body, shown_url};
use crate::checks::headers::{Asked, Headers};
use crate::checks::observation::{Observation, Observed};
use crate::checks::probe::{Hindrance, Run};
use crate::checks::wire::Response;
use crate::checks::written;

/// The most characters of a body that are kept as evidence.
const EVIDENCE: usize = 300;

/// What came back in the end.
pub(super) struct Answer {
    /// For the condition and captures.
    pub(super) observation: Arc<Observation>,
    pub(super) status: StatusCode,
    pub(super) latency: Duration,
    url: Url,
    redirects: u32,
    /// How much of the body was read, where there was more.
    cut_at: Option<usize>,
}

impl Answer {
    /// Reads the body, up to the limit.
    pub(super) async fn read(
        run: &Run<'_>,
        mut response: Response<'_>,
        url: Url,
        redirects: u32,
        started: Instant,
    ) -> Result<Self, Hindrance> {
        let status = response.status;
        let headers = Headers::from(std::mem::take(&mut response.headers));
        let version = version(response.version);
        let address = response.address().to_owned();
        let body = Body::read(run, response, &url).await?;
        let latency = started.elapsed();
        let cut_at = body.cut.then_some(body.bytes.len());
        let text = String::from_utf8(body.bytes);
        let json = text.as_ref().ok().filter(|_| !body.cut);
        let json = json.and_then(|text| serde_json::from_str(text).ok());
        let text = text.unwrap_or_else(|bytes| String::from_utf8_lossy(bytes.as_bytes()).into_owned());
        let json = match json {
            Some(json) => Observed::Json(json),
            None if body.cut => Observed::Nothing(format!(
                "the body is longer than {} bytes, so it was not read as JSON",
                run.limits.body_bytes
            )),
            None => Observed::Nothing(no_json(run, &text)),
        };
        let observation = Observation::of(vec![
            ("status".into(), Observed::Whole(status.as_u16().into())),
            ("headers".into(), Observed::Headers(headers)),
            ("json".into(), json),
            ("body".into(), Observed::Text(text)),
            ("latency".into(), Observed::Duration(latency)),
            ("redirects".into(), Observed::Whole(redirects.into())),
            ("url".into(), Observed::Text(url.as_str().to_owned())),
            ("address".into(), Observed::Text(address)),
            ("version".into(), Observed::Text(version.to_owned())),
        ]);
        Ok(Self {
            observation: Arc::new(observation),
            status,
            latency,
            url,
            redirects,
            cut_at,
        })
    }

    /// What people are shown of it, with the headers that were asked for.
    pub(super) fn evidence(&self, run: &Run<'_>, asked: &[Asked]) -> BTreeMap<String, Value> {
        let mut evidence = BTreeMap::from([
            ("status".to_owned(), json!(self.status.as_u16())),
            ("latency_ms".to_owned(), json!(self.latency.as_millis() as u64)),
            ("url".to_owned(), Value::from(shown_url(&self.url))),
        ]);
        for name in ["address", "version"] {
            if let Some(Observed::Text(text)) = self.observation.get(name) {
                evidence.insert(name.to_owned(), Value::from(text.as_str()));
            }
        }
        if self.redirects > 0 {
            evidence.insert("redirects".to_owned(), json!(self.redirects));
        }
        if let Some(bytes) = self.cut_at {
            evidence.insert("body_cut_at_bytes".to_owned(), json!(bytes));
        }
        if let Some(Observed::Text(text)) = self.observation.get("body")
            && !text.trim().is_empty()
        {
            // Before it is trimmed: a secret can begin or end with a blank.
            let clean = if self.cut_at.is_some() {
                run.redactor.redact_cut(text).into()
            } else {
                run.redactor.cleaned(text)
            };
            evidence.insert(
                "body".to_owned(),
                Value::from(run.redactor.beginning(clean.trim(), EVIDENCE)),
            );
        }
        if let Some(Observed::Headers(headers)) = self.observation.get("headers") {
            evidence.extend(headers.evidence(asked, run.redactor));
        }
        evidence
    }

    /// Whether it is content without a condition, and why.
    pub(super) fn verdict(&self) -> (bool, String) {
        let (status, holds) = (self.status.as_u16(), self.status.is_success());
        let why = if holds {
            let took = written::duration(self.latency);
            format!("status is {status} and latency is {took}")
        } else {
            format!("status is {status}, expected 200 to 299")
        };
        (holds, why)
    }
}

/// The version of HTTP that was spoken, as people write it.
fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}

/// Why a body is not JSON.
fn no_json(run: &Run<'_>, text: &str) -> String {
    let clean = run.redactor.cleaned(text);
    let clean = clean.trim();
    if clean.is_empty() {
        "the body is empty, expected JSON".to_owned()
    } else {
        format!(
            "the body is not JSON: it begins {:?}",
            written::beginning(clean, 60)
        )
    }
}
