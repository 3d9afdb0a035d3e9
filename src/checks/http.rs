//! The `http` probe: one request, and what comes back.
//!
//! All requests share one client without proxy, whose names are resolved by a resolver that lets through only
//! addresses the guard allows. Redirects are followed here, hop by hop, each vetted.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{
    ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, USER_AGENT,
};
use reqwest::{Client, Method, Response, StatusCode, Url, redirect};
use serde_json::{Value, json};

use super::guard::Guard;
use super::observation::{Kind, Observation, Observed};
use super::probe::{Hindrance, Run, Seen};
use super::reach::{self, Unreached};
use super::variables::Variables;
use super::{Limits, template, written};
use crate::domain::check::HttpProbe;

/// The most characters of a body that are kept as evidence.
const EVIDENCE: usize = 300;
/// What requests call themselves.
pub(super) const AGENT: &str = concat!("holdpoint/", env!("CARGO_PKG_VERSION"));
/// Headers that go along when a redirect leads to another host. All others may be meant for the first one alone.
const HARMLESS: [HeaderName; 4] = [ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, USER_AGENT];

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
pub(super) struct Request {
    first: Url,
    pub(super) url: Url,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<String>,
}

impl Request {
    pub(super) fn new(run: &Run<'_>, probe: &HttpProbe) -> Result<Self, Hindrance> {
        let named: Vec<String> = template::placeholders(&probe.url)
            .iter()
            .map(|placeholder| placeholder.name.to_owned())
            .collect();
        let url = Url::parse(&run.expand(&probe.url)?).map_err(|error| {
            let mend = if named.is_empty() {
                "mend `url`".to_owned()
            } else {
                format!("check {}", variables_named(&named))
            };
            Hindrance::new(format!("the address is not a URL ({error}); {mend}"))
        })?;
        let method = Method::from_bytes(probe.method.to_uppercase().as_bytes()).map_err(|_| {
            Hindrance::new(format!(
                "`{}` is not an HTTP method; write GET or POST",
                probe.method
            ))
        })?;

        let mut headers = HeaderMap::new();
        for (name, value) in &probe.headers {
            let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
                Hindrance::new(format!("`{name}` cannot be the name of a header; mend `headers`"))
            })?;
            // The value may hold a secret, so the sentence does not show it.
            let mut value = HeaderValue::from_str(run.expand(value)?.trim()).map_err(|_| {
                Hindrance::new(format!("the value of the header {name} has a line break or another character that no header can have"))
            })?;
            value.set_sensitive(true);
            headers.append(parsed, value);
        }
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
            .map_err(|error| Hindrance::new(self.sentence(&error, probe)))
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

    /// What stood in the way, from the chain of causes.
    fn sentence(&self, error: &reqwest::Error, probe: &HttpProbe) -> String {
        let place = place(&self.url);
        let mut text = String::new();
        for cause in causes(error) {
            if let Some(Unreached::Refused(refusal)) = cause.downcast_ref::<Unreached>() {
                return refusal.to_string();
            }
            if let Some(Unreached::Unresolved(_)) = cause.downcast_ref::<Unreached>() {
                let named: Vec<String> = template::placeholders(&probe.url)
                    .iter()
                    .map(|placeholder| placeholder.name.to_owned())
                    .collect();
                let check = match named.as_slice() {
                    [] => "check `url` and DNS".to_owned(),
                    named => format!("check {} and DNS", variables_named(named)),
                };
                return format!(
                    "the host {} does not resolve; {check}",
                    self.url.host_str().unwrap_or_default()
                );
            }
            if let Some(io) = cause.downcast_ref::<std::io::Error>() {
                match io.kind() {
                    std::io::ErrorKind::ConnectionRefused => {
                        return format!(
                            "nothing listens at {place} (connection refused); start the service, or mend the port"
                        );
                    }
                    std::io::ErrorKind::ConnectionReset
                    | std::io::ErrorKind::ConnectionAborted
                    | std::io::ErrorKind::BrokenPipe => {
                        return format!("{place} closed the connection without an answer; look at its log");
                    }
                    std::io::ErrorKind::NetworkUnreachable | std::io::ErrorKind::HostUnreachable => {
                        return format!(
                            "there is no way to {place} from here; check the network and the firewall"
                        );
                    }
                    _ => {}
                }
            }
            text = cause.to_string();
        }
        let lower = text.to_lowercase();
        if lower.contains("certificate") {
            format!(
                "the certificate of {place} is not accepted: {}",
                certificate_trouble(&lower)
            )
        } else if error.is_connect() && self.url.scheme() == "https" {
            format!("{place} could not be spoken to by TLS ({text}); check that it serves https there")
        } else if lower.contains("before message completed") || lower.contains("connection closed") {
            format!("{place} closed the connection without an answer; look at its log")
        } else if lower.contains("invalid http") || lower.contains("parse") {
            format!("{place} did not answer in HTTP; check the port, and whether it wants https")
        } else {
            format!("the request to {place} did not succeed: {text}")
        }
    }
}

/// A body as far as it was read.
struct Body {
    bytes: Vec<u8>,
    /// Whether there was more of it.
    cut: bool,
}

impl Body {
    async fn read(run: &Run<'_>, mut response: Response, url: &Url) -> Result<Self, Hindrance> {
        let mut body = Self {
            bytes: Vec::new(),
            cut: false,
        };
        loop {
            let came = body.bytes.len();
            let chunk = run.in_time(response.chunk(), || {
                format!(
                    "the answer of {} had begun but did not end ({came} bytes of its body came)",
                    place(url)
                )
            });
            match chunk.await? {
                Ok(Some(chunk)) => {
                    let room = run.limits.body_bytes - came;
                    body.bytes.extend_from_slice(&chunk[..room.min(chunk.len())]);
                    if chunk.len() > room {
                        // What is left is never read: dropping the response closes the connection.
                        body.cut = true;
                        return Ok(body);
                    }
                }
                Ok(None) => return Ok(body),
                Err(_) => {
                    return Err(Hindrance::new(format!(
                        "{} broke the connection off in the middle of its answer ({came} bytes of its body came); look at its log",
                        place(url)
                    )));
                }
            }
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
pub(super) fn headers_of(headers: &HeaderMap) -> BTreeMap<String, String> {
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

/// Host and port, as `app.example:443`.
fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// A URL without its password.
fn shown_url(url: &Url) -> String {
    let mut shown = url.clone();
    if shown.password().is_some() {
        // Cannot fail for a URL that has a password.
        let _ = shown.set_password(None);
    }
    shown.into()
}

fn variables_named(names: &[String]) -> String {
    let noun = if names.len() == 1 {
        "the variable"
    } else {
        "the variables"
    };
    format!("{noun} {}", written::joined(names, "and"))
}

pub(super) fn certificate_trouble(lower: &str) -> &'static str {
    if lower.contains("expired") {
        "it has expired; renew it"
    } else if lower.contains("notvalidforname") || lower.contains("not valid for name") {
        "it is for another name; check the address, or have the name added to it"
    } else if lower.contains("unknownissuer") || lower.contains("unknown issuer") {
        "nobody known has signed it; have it signed by a public authority"
    } else if lower.contains("notvalidyet") || lower.contains("not valid yet") {
        "it is not valid yet; check the clocks"
    } else {
        "it is broken or made for something else; look at it with `openssl s_client`"
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

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
