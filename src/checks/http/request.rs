//! A request: what is sent, where a redirect leads it, and the sentence for what stood in its way.

use std::error::Error;

use reqwest::header::{
    ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION, USER_AGENT,
};
use reqwest::{Client, Method, Response, StatusCode, Url};
use serde_json::Value;

use super::cookies::Cookies;
use crate::checks::probe::{Hindrance, Run};
use crate::checks::reach::Unreached;
use crate::checks::{template, written};
use crate::domain::check::HttpProbe;

/// Headers that go along when a redirect leads to another host. All others may be meant for the first one alone.
const HARMLESS: [HeaderName; 4] = [ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, USER_AGENT];

/// What is about to be sent.
pub(super) struct Request {
    pub(super) first: Url,
    pub(super) url: Url,
    pub(super) method: Method,
    headers: HeaderMap,
    body: Option<String>,
}

impl Request {
    /// The request as it is written, its variables replaced.
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

    /// Sends it, with the cookies that belong there unless it has some of its own.
    pub(super) async fn send(
        &self,
        run: &Run<'_>,
        client: &Client,
        probe: &HttpProbe,
        cookies: &Cookies,
    ) -> Result<Response, Hindrance> {
        run.guard
            .vet_url(&self.url)
            .map_err(|refusal| Hindrance::new(refusal.to_string()))?;
        let mut builder = client
            .request(self.method.clone(), self.url.clone())
            .headers(self.headers.clone());
        if !self.headers.contains_key(COOKIE)
            && let Some(header) = cookies.header(&self.url)
        {
            builder = builder.header(COOKIE, header);
        }
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
    pub(super) fn next_hop(&self, response: &Response) -> Option<Url> {
        if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let location = response.headers().get(LOCATION)?.to_str().ok()?;
        self.url.join(location).ok()
    }

    /// Becomes the request that a redirect asks for, with the method changed as browsers do (Fetch Standard,
    /// "HTTP-redirect fetch").
    pub(super) fn follow(&mut self, status: StatusCode, next: Url) -> Result<(), Hindrance> {
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

fn variables_named(names: &[String]) -> String {
    let noun = if names.len() == 1 {
        "the variable"
    } else {
        "the variables"
    };
    format!("{noun} {}", written::joined(names, "and"))
}

fn certificate_trouble(lower: &str) -> &'static str {
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

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
