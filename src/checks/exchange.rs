//! Requests over HTTP and what comes back, for every probe that asks by them.
//!
//! All requests share one client without proxy, whose names are resolved by a resolver that lets through only
//! addresses the guard allows. No redirect is followed here.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, ClientBuilder, Response, StatusCode, Url, redirect};
use serde_json::Value;

use super::guard::Guard;
use super::probe::{Hindrance, Run};
use super::reach::{self, Unreached};
use super::variables::Variables;
use super::{Limits, template, written};

/// What requests call themselves.
pub(super) const AGENT: &str = concat!("holdpoint/", env!("CARGO_PKG_VERSION"));

/// The client that every request of every check goes through; making one is far dearer than a request.
pub(super) fn client(limits: &Limits, guard: Arc<Guard>) -> Result<Client, reqwest::Error> {
    builder(limits, guard).build()
}

/// That client before it is made.
pub(super) fn builder(limits: &Limits, guard: Arc<Guard>) -> ClientBuilder {
    Client::builder()
        .user_agent(AGENT)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .referer(false)
        .pool_max_idle_per_host(limits.per_host)
        .dns_resolver(Arc::new(VettingResolver { guard }))
}

/// A body as far as it was read.
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    /// Whether there was more of it.
    pub(super) cut: bool,
}

impl Body {
    /// Reads it up to the limit.
    pub(super) async fn read(run: &Run<'_>, mut response: Response, url: &Url) -> Result<Self, Hindrance> {
        let mut bytes = Vec::new();
        // One timer for all of it.
        let read = tokio::time::timeout_at(run.deadline, async {
            while let Some(chunk) = response.chunk().await? {
                let room = run.limits.body_bytes - bytes.len();
                bytes.extend_from_slice(&chunk[..room.min(chunk.len())]);
                if chunk.len() > room {
                    // What is left is never read: dropping the response closes the connection.
                    return Ok(true);
                }
            }
            Ok::<_, reqwest::Error>(false)
        })
        .await;
        match read {
            Ok(Ok(cut)) => Ok(Self { bytes, cut }),
            Ok(Err(_)) => Err(Hindrance::new(format!(
                "{} broke the connection off in the middle of its answer ({} bytes of its body came); look at its log",
                place(url),
                bytes.len()
            ))),
            Err(_) => Err(run.out_of_time(&format!(
                "the answer of {} had begun but did not end ({} bytes of its body came)",
                place(url),
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

/// A parameter that is a URL: its name, and what the checklist has there.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) parameter: &'static str,
    pub(super) text: &'a str,
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

/// Asks for what is at a URL. No redirect is followed.
pub(super) async fn get(
    run: &Run<'_>,
    client: &Client,
    url: &Url,
    headers: &HeaderMap,
    written: Written<'_>,
) -> Result<Answer, Hindrance> {
    run.guard
        .vet_url(url)
        .map_err(|refusal| Hindrance::new(refusal.to_string()))?;
    let sent = client.get(url.clone()).headers(headers.clone()).send();
    let response = run
        .in_time(sent, || format!("no answer came from {}", place(url)))
        .await?
        .map_err(|error| Hindrance::new(sentence(url, &error, written.parameter, written.text)))?;
    let (status, headers) = (response.status(), response.headers().clone());
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

/// Host and port that a URL leads to, when they can be told.
pub(super) fn host(written: &str, variables: &Variables) -> Option<String> {
    let url = Url::parse(&variables.expand(written).ok()?).ok()?;
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// The URL of a parameter with its variables replaced.
pub(super) fn url(run: &Run<'_>, written: &str, parameter: &str) -> Result<Url, Hindrance> {
    Url::parse(&run.expand(written)?).map_err(|error| {
        let named = variables_in(written);
        let mend = if named.is_empty() {
            format!("mend `{parameter}`")
        } else {
            format!("check {}", variables_named(&named))
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

/// What stood in the way, from the chain of causes. `written` is the URL as the checklist has it under `parameter`.
pub(super) fn sentence(url: &Url, error: &reqwest::Error, parameter: &str, written: &str) -> String {
    let place = place(url);
    let mut text = String::new();
    for cause in causes(error) {
        if let Some(Unreached::Refused(refusal)) = cause.downcast_ref::<Unreached>() {
            return refusal.to_string();
        }
        if let Some(Unreached::Unresolved(_)) = cause.downcast_ref::<Unreached>() {
            let named = variables_in(written);
            let check = match named.as_slice() {
                [] => format!("check `{parameter}` and DNS"),
                named => format!("check {} and DNS", variables_named(named)),
            };
            return format!(
                "the host {} does not resolve; {check}",
                url.host_str().unwrap_or_default()
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
    } else if error.is_connect() && url.scheme() == "https" {
        format!("{place} could not be spoken to by TLS ({text}); check that it serves https there")
    } else if lower.contains("before message completed") || lower.contains("connection closed") {
        format!("{place} closed the connection without an answer; look at its log")
    } else if lower.contains("head is too large") {
        format!("{place} answers with more headers than are read; look at what it sends")
    } else if lower.contains("invalid http") || lower.contains("parse") {
        format!("{place} did not answer in HTTP; check the port, and whether it wants https")
    } else {
        format!("the request to {place} did not succeed: {text}")
    }
}

/// Host and port, as `app.example:443`.
pub(super) fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
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

fn variables_in(written: &str) -> Vec<String> {
    template::placeholders(written)
        .iter()
        .map(|placeholder| placeholder.name.to_owned())
        .collect()
}

fn variables_named(names: &[String]) -> String {
    let noun = if names.len() == 1 {
        "the variable"
    } else {
        "the variables"
    };
    format!("{noun} {}", written::joined(names, "and"))
}

/// What is the matter with a certificate, from the words of the TLS library.
pub(super) fn certificate_trouble(lower: &str) -> &'static str {
    if lower.contains("expired") {
        "it has expired; renew it"
    } else if lower.contains("notvalidforname") || lower.contains("not valid for name") {
        "it is for another name; check the address, or have the name added to it"
    } else if lower.contains("unknownissuer") || lower.contains("unknown issuer") {
        "nobody known has signed it; have it signed by a public authority"
    } else if lower.contains("causedasendentity") || lower.contains("ca used as end entity") {
        "it is an authority's own, as of one that signs itself; have one for the server signed by a public authority"
    } else if lower.contains("notvalidyet") || lower.contains("not valid yet") {
        "it is not valid yet; check the clocks"
    } else {
        "it is broken or made for something else; look at it with `openssl s_client`"
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
