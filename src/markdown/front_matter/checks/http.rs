//! The `http` probe.

use std::collections::BTreeMap;

use super::required;
use crate::domain::check::{HttpProbe, Probe};
use crate::markdown::front_matter::values::{Entry, Fields, Values};
use crate::markdown::front_matter::yaml::NodeId;

/// Most redirects a check may follow.
const FOLLOW_LIMIT: u32 = 20;

/// What a request is made of, wherever one is written.
pub(super) const REQUEST: [&str; 5] = ["url", "method", "headers", "body", "json"];

pub(super) fn read(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Probe> {
    let known: Vec<&str> = REQUEST.into_iter().chain(["follow"]).collect();
    let fields = values.fields(entry.value, "`http`", &known)?;
    let request = request(values, &fields, entry);
    let follow = match fields.get("follow") {
        None => Some(0),
        Some(id) => values.whole(id, "`follow`", 0, FOLLOW_LIMIT),
    };
    Some(Probe::Http(HttpProbe {
        follow: follow?,
        ..request?
    }))
}

/// Reads what a request is made of. It follows no redirect.
pub(super) fn request(values: &mut Values<'_, '_, '_>, fields: &Fields, entry: &Entry) -> Option<HttpProbe> {
    let url = required(values, fields, entry, "url").and_then(|id| values.words(id, "`url`"));
    let method = match fields.get("method") {
        None => Some("GET".to_owned()),
        Some(id) => method(values, id),
    };
    let mut headers = Some(BTreeMap::new());
    if let Some(id) = fields.get("headers") {
        for header in values.entries(id, "`headers`").unwrap_or_default() {
            let text = values.text(header.value, &format!("the header `{}`", header.key));
            headers = headers.zip(text).map(|(mut headers, text)| {
                headers.insert(header.key, text);
                headers
            });
        }
    }
    let body = fields.get("body").map(|id| values.text(id, "`body`"));
    let json = fields.get("json").map(|id| values.json(id));
    if let (Some(_), Some(json)) = (&body, fields.entry("json")) {
        values.error(
            json.place,
            format!("`{}` has both `body` and `json`.", entry.key),
            Some("A request has one body; keep one of them.".to_owned()),
        );
        return None;
    }
    Some(HttpProbe {
        url: url?,
        method: method?,
        headers: headers?,
        body: match body {
            Some(body) => Some(body?),
            None => None,
        },
        json,
        follow: 0,
    })
}

fn method(values: &mut Values<'_, '_, '_>, id: NodeId) -> Option<String> {
    let text = values.words(id, "`method`")?;
    // RFC 9110, 9.1: a method is a token; those in use are letters.
    if text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Some(text.to_ascii_uppercase());
    }
    values.wrong_type(id, "`method`", "an HTTP method such as `GET` or `POST`");
    None
}
