//! Discord's limits. Each breach is reported under the path of what broke it, in Discord's own form.

pub(crate) mod command;
pub(crate) mod component;
pub(crate) mod message;

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use crate::rest::error::ApiError;

/// What is wrong with a body, as the tree that Discord answers.
#[derive(Debug, Default)]
pub(crate) struct Issues(Map<String, Value>);

/// Whether a text has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Required,
    Optional,
}

impl Issues {
    /// Notes one breach at a path such as `embeds/0/title`; the empty path is the body itself.
    pub(crate) fn add(&mut self, path: &str, code: &str, message: impl Into<String>) {
        let mut node = &mut self.0;
        for key in path.split('/').filter(|key| !key.is_empty()) {
            let child = node.entry(key).or_insert_with(|| json!({}));
            let Value::Object(object) = child else {
                // Every node is made an object above.
                return;
            };
            node = object;
        }
        let errors = node.entry("_errors").or_insert_with(|| json!([]));
        if let Value::Array(errors) = errors {
            errors.push(json!({ "code": code, "message": message.into() }));
        }
    }

    /// Holds a text against its length, in code points.
    pub(crate) fn text(
        &mut self,
        path: &str,
        value: &Value,
        allowed: RangeInclusive<usize>,
        presence: Presence,
    ) {
        match value {
            Value::Null => {
                if presence == Presence::Required {
                    self.required(path);
                }
            }
            Value::String(text) => self.size(path, length(text), allowed),
            _ => self.add(
                path,
                "STRING_TYPE_CONVERT",
                "Could not interpret value as string.",
            ),
        }
    }

    /// Holds a length against its bounds.
    pub(crate) fn size(&mut self, path: &str, size: usize, allowed: RangeInclusive<usize>) {
        let (least, most) = (*allowed.start(), *allowed.end());
        if allowed.contains(&size) {
            return;
        }
        if least > 0 {
            self.add(
                path,
                "BASE_TYPE_BAD_LENGTH",
                format!("Must be between {least} and {most} in length."),
            );
        } else {
            self.add(
                path,
                "BASE_TYPE_MAX_LENGTH",
                format!("Must be {most} or fewer in length."),
            );
        }
    }

    /// Gives a list's items; anything else that is not null is a breach.
    pub(crate) fn list<'a>(
        &mut self,
        path: &str,
        value: &'a Value,
        allowed: RangeInclusive<usize>,
    ) -> &'a [Value] {
        match value {
            Value::Array(items) => {
                self.size(path, items.len(), allowed);
                items
            }
            Value::Null => &[],
            _ => {
                self.add(
                    path,
                    "LIST_TYPE_CONVERT",
                    "Only iterables may be used in a ListType",
                );
                &[]
            }
        }
    }

    pub(crate) fn required(&mut self, path: &str) {
        self.add(path, "BASE_TYPE_REQUIRED", "This field is required");
    }

    pub(crate) fn choice(&mut self, path: &str, allowed: &str) {
        self.add(
            path,
            "BASE_TYPE_CHOICES",
            format!("Value must be one of {allowed}."),
        );
    }

    pub(crate) fn finish(self) -> Result<(), ApiError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(ApiError::invalid_form(Value::Object(self.0)))
        }
    }
}

/// How long Discord takes a text to be: its Unicode code points.
pub(crate) fn length(text: &str) -> usize {
    text.chars().count()
}

/// Checks what a thread is started with.
pub(crate) fn thread(body: &Value) -> Result<(), ApiError> {
    let mut issues = Issues::default();
    issues.text("name", &body["name"], 1..=100, Presence::Required);
    archive_duration(&mut issues, body);
    issues.finish()
}

/// Checks what a channel or thread is changed to.
pub(crate) fn channel(body: &Value) -> Result<(), ApiError> {
    let mut issues = Issues::default();
    issues.text("name", &body["name"], 1..=100, Presence::Optional);
    issues.text("topic", &body["topic"], 0..=1024, Presence::Optional);
    archive_duration(&mut issues, body);
    issues.finish()
}

fn archive_duration(issues: &mut Issues, body: &Value) {
    let minutes = &body["auto_archive_duration"];
    if !minutes.is_null() && !matches!(minutes.as_u64(), Some(60 | 1440 | 4320 | 10080)) {
        issues.choice("auto_archive_duration", "(60, 1440, 4320, 10080)");
    }
}
