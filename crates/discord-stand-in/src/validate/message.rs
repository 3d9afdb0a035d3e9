//! The limits of messages and of the callbacks that carry them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Issues, Presence, component, length};
use crate::rest::error::ApiError;

const CONTENT: usize = 2000;
const EMBEDS: usize = 10;
const EMBED_TOTAL: usize = 6000;
const NONCE: usize = 25;
/// The flag that a message is laid out by Components V2.
const COMPONENTS_V2: u64 = 1 << 15;

/// Checks a message body to be posted, or to be laid over a message.
pub(crate) fn message(body: &Value) -> Result<(), ApiError> {
    let mut issues = Issues::default();
    check(&mut issues, "", body);
    issues.finish()
}

/// Checks a message body to be posted, which must say something.
pub(crate) fn new_message(body: &Value, files: usize) -> Result<(), ApiError> {
    message(body)?;
    let says = |key: &str| match &body[key] {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(_) => true,
        _ => false,
    };
    if files > 0 || ["content", "embeds", "sticker_ids", "poll"].into_iter().any(says) {
        Ok(())
    } else {
        Err(ApiError::empty_message())
    }
}

/// Checks the body of an interaction callback.
pub(crate) fn callback(body: &Value, files: usize) -> Result<(), ApiError> {
    let mut issues = Issues::default();
    let data = &body["data"];
    match body["type"].as_u64() {
        Some(4) => {
            prefixed(new_message(data, files))?;
        }
        Some(7) => prefixed(message(data))?,
        Some(8) => {
            let choices = issues.list("data/choices", &data["choices"], 0..=25);
            for (index, choice) in choices.iter().enumerate() {
                component::choice(&mut issues, &format!("data/choices/{index}"), choice);
            }
            if data["choices"].is_null() {
                issues.required("data/choices");
            }
        }
        Some(9) => component::modal(&mut issues, "data", data),
        Some(1 | 5 | 6) => {}
        Some(_) => issues.choice("type", "(1, 4, 5, 6, 7, 8, 9, 12)"),
        None => issues.required("type"),
    }
    issues.finish()
}

/// Puts the errors of a nested message under `data`.
fn prefixed(result: Result<(), ApiError>) -> Result<(), ApiError> {
    result.map_err(|mut error| {
        error.errors = error.errors.map(|errors| json!({ "data": errors }));
        error
    })
}

fn check(issues: &mut Issues, path: &str, body: &Value) {
    if !body.is_object() && !body.is_null() {
        issues.add(
            path,
            "MODEL_TYPE_CONVERT",
            "Only dictionaries may be used in a ModelType",
        );
        return;
    }
    issues.text("content", &body["content"], 0..=CONTENT, Presence::Optional);
    match &body["nonce"] {
        Value::String(nonce) => issues.size("nonce", length(nonce), 0..=NONCE),
        Value::Null | Value::Number(_) => {}
        _ => issues.add(
            "nonce",
            "NONCE_TYPE_TOO_LONG",
            "Nonce must be an integer or a string.",
        ),
    }
    if body["flags"].as_u64().unwrap_or_default() & COMPONENTS_V2 != 0 {
        issues.add(
            "flags",
            "BASE_TYPE_CHOICES",
            "The stand-in has no Components V2; send rows of buttons and menus.",
        );
    }
    embeds(issues, &body["embeds"]);
    component::rows(issues, "components", &body["components"]);
    allowed_mentions(issues, &body["allowed_mentions"]);
    let listed = issues.list("attachments", &body["attachments"], 0..=10);
    for (index, file) in listed.iter().enumerate() {
        let path = format!("attachments/{index}/description");
        issues.text(&path, &file["description"], 0..=1024, Presence::Optional);
    }
}

fn embeds(issues: &mut Issues, embeds: &Value) {
    let embeds = issues.list("embeds", embeds, 0..=EMBEDS);
    let mut total = 0;
    for (index, embed) in embeds.iter().enumerate() {
        let at = |part: &str| format!("embeds/{index}/{part}");
        issues.text(&at("title"), &embed["title"], 0..=256, Presence::Optional);
        let description = &embed["description"];
        issues.text(&at("description"), description, 0..=4096, Presence::Optional);
        let footer = &embed["footer"]["text"];
        issues.text(&at("footer/text"), footer, 0..=2048, Presence::Optional);
        let author = &embed["author"]["name"];
        issues.text(&at("author/name"), author, 0..=256, Presence::Optional);
        if embed["color"].as_u64().is_some_and(|color| color > 0xFF_FFFF) {
            issues.add(
                &at("color"),
                "NUMBER_TYPE_MAX",
                "int value should be less than or equal to 16777215.",
            );
        }
        for part in ["url", "image/url", "thumbnail/url"] {
            let link = embed.pointer(&format!("/{part}")).and_then(Value::as_str);
            let wrong = link.is_some_and(|link| {
                !["http://", "https://", "attachment://"]
                    .iter()
                    .any(|scheme| link.starts_with(scheme))
            });
            if wrong {
                issues.add(&at(part), "URL_TYPE_INVALID_URL", "Not a well formed URL.");
            }
        }
        total += [&embed["title"], description, footer, author]
            .into_iter()
            .map(text_length)
            .sum::<usize>();
        let fields = issues.list(&at("fields"), &embed["fields"], 0..=25);
        for (field_index, field) in fields.iter().enumerate() {
            let at = |part: &str| format!("embeds/{index}/fields/{field_index}/{part}");
            issues.text(&at("name"), &field["name"], 1..=256, Presence::Required);
            issues.text(&at("value"), &field["value"], 1..=1024, Presence::Required);
            total += text_length(&field["name"]) + text_length(&field["value"]);
        }
    }
    if total > EMBED_TOTAL {
        issues.add(
            "embeds",
            "MAX_EMBED_SIZE_EXCEEDED",
            format!("Embed size exceeds maximum size of {EMBED_TOTAL}"),
        );
    }
}

fn text_length(value: &Value) -> usize {
    value.as_str().map_or(0, length)
}

fn allowed_mentions(issues: &mut Issues, allowed: &Value) {
    let parse = issues.list("allowed_mentions/parse", &allowed["parse"], 0..=3);
    let kinds: BTreeSet<&str> = parse.iter().filter_map(Value::as_str).collect();
    for (index, kind) in parse.iter().enumerate() {
        if !matches!(kind.as_str(), Some("users" | "roles" | "everyone")) {
            let path = format!("allowed_mentions/parse/{index}");
            issues.choice(&path, "('roles', 'users', 'everyone')");
        }
    }
    for kind in ["users", "roles"] {
        let path = format!("allowed_mentions/{kind}");
        let ids = issues.list(&path, &allowed[kind], 0..=100);
        if kinds.contains(kind) && !ids.is_empty() {
            issues.add(
                "allowed_mentions",
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                format!("parse:[\"{kind}\"] and {kind}: [ids...] are mutually exclusive."),
            );
        }
        for (index, id) in ids.iter().enumerate() {
            let is_id = id.as_u64().is_some() || id.as_str().is_some_and(|id| id.parse::<u64>().is_ok());
            if !is_id {
                let path = format!("{path}/{index}");
                issues.add(
                    &path,
                    "NUMBER_TYPE_COERCE",
                    format!("Value \"{id}\" is not snowflake."),
                );
            }
        }
    }
}
