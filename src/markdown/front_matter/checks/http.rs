//! The `http` probe.

use super::{expression, required};
use crate::domain::check::{HttpCapture, HttpProbe, HttpStep, HttpSteps, Probe};
use crate::markdown::front_matter::values::{Entry, Fields, Values, is_variable_name};
use crate::markdown::front_matter::yaml::NodeId;

/// Most redirects a check may follow.
const FOLLOW_LIMIT: u32 = 20;

/// Most requests of a sequence.
const STEPS_LIMIT: usize = 20;

/// What a request is made of, wherever one is written.
pub(super) const REQUEST: [&str; 5] = ["url", "method", "headers", "body", "json"];

/// What is done with its answer.
const ANSWER: [&str; 2] = ["follow", "capture"];

pub(super) fn read(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Probe> {
    let known: Vec<&str> = REQUEST.into_iter().chain(ANSWER).chain(["steps"]).collect();
    let fields = values.fields(entry.value, "`http`", &known)?;
    let Some(id) = fields.get("steps") else {
        return Some(Probe::Http(request(values, &fields, entry)?));
    };
    if let Some(other) = fields.entries().iter().find(|field| field.key != "steps") {
        values.error(
            other.place,
            format!("`http` has both `steps` and `{}`.", other.key),
            Some("With `steps`, each step says what it asks; put it there.".to_owned()),
        );
        return None;
    }
    steps(values, id)
}

fn steps(values: &mut Values<'_, '_, '_>, id: NodeId) -> Option<Probe> {
    let list = values.list(id, "`steps`")?;
    if list.is_empty() || list.len() > STEPS_LIMIT {
        values.error(
            values.place(id),
            format!("`steps` has {} requests.", list.len()),
            Some(format!(
                "Write from 1 to {STEPS_LIMIT}; make several checks of more."
            )),
        );
        return None;
    }
    let known: Vec<&str> = REQUEST.into_iter().chain(ANSWER).chain(["pass"]).collect();
    let mut steps = Vec::with_capacity(list.len());
    let mut sound = true;
    for (index, node) in list.iter().enumerate() {
        let step = step(values, *node, index + 1, &known);
        sound &= step.is_some();
        steps.extend(step);
    }
    sound.then_some(Probe::HttpSteps(HttpSteps { steps }))
}

fn step(values: &mut Values<'_, '_, '_>, id: NodeId, number: usize, known: &[&str]) -> Option<HttpStep> {
    let what = format!("step {number}");
    let place = values.place(id);
    let fields = values.fields(id, &what, known)?;
    let entry = Entry {
        key: what,
        place,
        value: id,
    };
    let pass = fields
        .get("pass")
        .map(|id| expression(values, id, "`pass`", "a condition"));
    let request = request(values, &fields, &entry)?;
    Some(HttpStep {
        request,
        pass: match pass {
            Some(pass) => Some(pass?),
            None => None,
        },
        line: place.0,
        column: place.1,
    })
}

/// Reads a request.
pub(super) fn request(values: &mut Values<'_, '_, '_>, fields: &Fields, entry: &Entry) -> Option<HttpProbe> {
    let url = required(values, fields, entry, "url").and_then(|id| values.words(id, "`url`"));
    let method = match fields.get("method") {
        None => Some("GET".to_owned()),
        Some(id) => method(values, id),
    };
    let headers = super::headers(values, fields.get("headers"));
    let body = fields.get("body").map(|id| values.text(id, "`body`"));
    let json = fields.get("json").map(|id| values.json(id));
    if let (Some(_), Some(json)) = (&body, fields.entry("json")) {
        values.error(
            json.place,
            format!("{} has both `body` and `json`.", subject(&entry.key)),
            Some("A request has one body; keep one of them.".to_owned()),
        );
        return None;
    }
    let follow = match fields.get("follow") {
        None => Some(0),
        Some(id) => values.whole(id, "`follow`", 0, FOLLOW_LIMIT),
    };
    let capture = match fields.get("capture") {
        None => Some(Vec::new()),
        Some(id) => captures(values, id),
    };
    Some(HttpProbe {
        url: url?,
        method: method?,
        headers: headers?,
        body: match body {
            Some(body) => Some(body?),
            None => None,
        },
        json,
        follow: follow?,
        capture: capture?,
    })
}

/// `http` as it is written, or a step as it is counted.
fn subject(key: &str) -> String {
    match key.strip_prefix("step ") {
        Some(number) => format!("Step {number}"),
        None => format!("`{key}`"),
    }
}

fn captures(values: &mut Values<'_, '_, '_>, id: NodeId) -> Option<Vec<HttpCapture>> {
    let mut captures = Vec::new();
    let mut sound = true;
    for entry in values.entries(id, "`capture`")? {
        if !is_variable_name(&entry.key) {
            values.error(
                entry.place,
                format!("`{}` cannot be the name of what is captured.", entry.key),
                Some(
                    "A name begins with a lower-case letter, then has more, digits and underscores."
                        .to_owned(),
                ),
            );
            sound = false;
            continue;
        }
        let what = format!("what is captured as `{}`", entry.key);
        match expression(values, entry.value, &what, "an expression such as `json.token`") {
            Some(value) => captures.push(HttpCapture {
                name: entry.key,
                value,
            }),
            None => sound = false,
        }
    }
    sound.then_some(captures)
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
