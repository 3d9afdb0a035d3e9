//! A request: what is sent, and where a redirect leads it.

use std::borrow::Cow;

use hyper::header::{
    ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION, USER_AGENT,
};
use hyper::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use super::cookies::Cookies;
use crate::checks::exchange::{self, shown_url};
use crate::checks::probe::{Hindrance, Run};
use crate::checks::template::Written;
use crate::checks::wire::{Caller, Outgoing, Response, Target};
use crate::domain::check::HttpProbe;

/// Headers that go along when a redirect leads to another host. All others may be meant for the first one alone.
const HARMLESS: [HeaderName; 4] = [ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, USER_AGENT];

/// What is about to be sent.
pub(in crate::checks) struct Request {
    /// Where it was to go, once it has been redirected.
    redirected_from: Option<Url>,
    pub(in crate::checks) url: Url,
    pub(in crate::checks) method: Method,
    pub(in crate::checks) headers: HeaderMap,
    pub(in crate::checks) body: Option<String>,
}

impl Request {
    /// The request as it is written, its variables replaced.
    pub(in crate::checks) fn new(run: &Run<'_>, probe: &HttpProbe) -> Result<Self, Hindrance> {
        let url = exchange::url(run, &probe.url, "url")?;
        let method = method(&probe.method)?;

        let mut headers = exchange::headers(run, &probe.headers)?;
        let body = match (&probe.json, &probe.body) {
            (Some(json), _) => {
                headers
                    .entry(CONTENT_TYPE)
                    .or_insert(HeaderValue::from_static("application/json"));
                Some(expand_json(run, json)?.to_string())
            }
            (None, Some(body)) => Some(run.expand(body)?.into_owned()),
            (None, None) => None,
        };
        Ok(Self {
            redirected_from: None,
            url,
            method,
            headers,
            body,
        })
    }

    /// Sends it, with the cookies that belong there unless it has some of its own.
    pub(super) async fn send<'a>(
        &self,
        run: &Run<'_>,
        caller: &'a Caller<'a>,
        probe: &HttpProbe,
        cookies: &Cookies,
    ) -> Result<Response<'a>, Hindrance> {
        let with_cookies = cookies
            .header(&self.url)
            .filter(|_| !self.headers.contains_key(COOKIE))
            .map(|header| {
                let mut headers = self.headers.clone();
                headers.insert(COOKIE, header);
                headers
            });
        let outgoing = Outgoing {
            method: &self.method,
            url: &self.url,
            headers: with_cookies.as_ref().unwrap_or(&self.headers),
            body: self.body.as_deref(),
        };
        exchange::send(run, caller, outgoing, written(probe)).await
    }

    /// Where the same request can be sent again and again.
    pub(in crate::checks) async fn target(run: &Run<'_>, probe: &HttpProbe) -> Result<Target, Hindrance> {
        let request = Self::new(run, probe)?;
        let outgoing = Outgoing {
            method: &request.method,
            url: &request.url,
            headers: &request.headers,
            body: request.body.as_deref(),
        };
        Target::of(run, outgoing, written(probe)).await
    }

    /// Where an answer sends us on to.
    pub(super) fn next_hop(&self, response: &Response<'_>) -> Option<Url> {
        if !matches!(response.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let location = response.headers.get(LOCATION)?.to_str().ok()?;
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
        let before = std::mem::replace(&mut self.url, next);
        self.redirected_from.get_or_insert(before);
        Ok(())
    }

    /// Where it was to go at first.
    pub(super) fn first(&self) -> &Url {
        self.redirected_from.as_ref().unwrap_or(&self.url)
    }
}

/// A method as it is sent, however it is written.
fn method(written: &str) -> Result<Method, Hindrance> {
    let sent = if written.bytes().any(|byte| byte.is_ascii_lowercase()) {
        Cow::Owned(written.to_ascii_uppercase())
    } else {
        Cow::Borrowed(written)
    };
    Method::from_bytes(sent.as_bytes())
        .map_err(|_| Hindrance::new(format!("`{written}` is not an HTTP method; write GET or POST")))
}

/// Where the checklist says where it goes.
fn written(probe: &HttpProbe) -> Written<'_> {
    Written {
        parameter: "url",
        text: &probe.url,
    }
}

/// The JSON with variables replaced in its texts, so that a value with quotes stays a text.
fn expand_json(run: &Run<'_>, json: &Value) -> Result<Value, Hindrance> {
    Ok(match json {
        Value::String(text) => Value::String(run.expand(text)?.into_owned()),
        Value::Array(values) => values
            .iter()
            .map(|value| expand_json(run, value))
            .collect::<Result<_, _>>()?,
        Value::Object(entries) => Value::Object(
            entries
                .iter()
                .map(|(key, value)| Ok((run.expand(key)?.into_owned(), expand_json(run, value)?)))
                .collect::<Result<_, Hindrance>>()?,
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => json.clone(),
    })
}
