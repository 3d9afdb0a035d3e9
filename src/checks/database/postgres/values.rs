//! PostgreSQL's values, which come as texts, as JSON.

use serde_json::Value;
use sqlx::postgres::{PgRow, PgValueRef};
use sqlx::{Column as _, Error, Row as _, TypeInfo as _, ValueRef as _};

use crate::checks::database::rows::number;

/// How deep arrays may stand inside one another (PostgreSQL's `MAXDIM` is 6).
const DEEPEST: usize = 6;

/// The values of a row by name, and about how many bytes they take.
pub(super) fn cells(row: &PgRow) -> Result<(Vec<(String, Value)>, usize), Error> {
    let mut bytes = 0;
    let mut cells = Vec::with_capacity(row.len());
    for column in row.columns() {
        let value = row.try_get_raw(column.ordinal())?;
        bytes += column.name().len();
        let json = if value.is_null() {
            Value::Null
        } else {
            let text = text_of(&value)?;
            bytes += text.len();
            json_of(column.type_info().name(), text)
        };
        cells.push((column.name().to_owned(), json));
    }
    Ok((cells, bytes))
}

fn text_of<'a>(value: &PgValueRef<'a>) -> Result<&'a str, Error> {
    value.as_str().map_err(Error::Decode)
}

/// A value by its type as sqlx names it. What is not known here stays the text that the server gives.
fn json_of(kind: &str, text: &str) -> Value {
    if let Some(element) = kind.strip_suffix("[]") {
        return array(element, text).unwrap_or_else(|| Value::from(text));
    }
    match kind {
        "BOOL" => Value::from(text == "t"),
        "INT2" | "INT4" | "INT8" | "OID" | "FLOAT4" | "FLOAT8" | "NUMERIC" => number(text),
        "JSON" | "JSONB" => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
        "TIMESTAMPTZ" => Value::from(instant(text)),
        "TIMESTAMP" => Value::from(text.replacen(' ', "T", 1)),
        // As `\x` and two digits a byte.
        "BYTEA" => Value::from(format!("{} bytes", text.len().saturating_sub(2) / 2)),
        "VOID" => Value::Null,
        _ => Value::from(text),
    }
}

/// A moment as RFC 3339 has it. The session's zone is UTC, so `2026-01-31 12:00:00+00` comes; `infinity` and dates
/// before Christ stay as they are.
fn instant(text: &str) -> String {
    match text.strip_suffix("+00") {
        Some(civil) if !text.starts_with(['-', 'i']) => format!("{}Z", civil.replacen(' ', "T", 1)),
        _ => text.to_owned(),
    }
}

/// An array as it is written out: `{1,NULL,"a \"b\""}` (PostgreSQL, "Array Input and Output Syntax"). Nothing when it
/// cannot be read, as with bounds of its own.
fn array(element: &str, text: &str) -> Option<Value> {
    let mut reader = Reader { element, rest: text };
    let array = reader.array(DEEPEST)?;
    reader.rest.is_empty().then_some(array)
}

struct Reader<'a> {
    element: &'a str,
    rest: &'a str,
}

impl Reader<'_> {
    fn take(&mut self, sign: char) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        if depth == 0 || !self.take('{') {
            return None;
        }
        let mut values = Vec::new();
        if self.take('}') {
            return Some(Value::Array(values));
        }
        loop {
            values.push(self.value(depth)?);
            if self.take('}') {
                return Some(Value::Array(values));
            }
            if !self.take(',') {
                return None;
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if self.rest.starts_with('{') {
            return self.array(depth - 1);
        }
        if self.take('"') {
            let mut text = String::new();
            let mut characters = self.rest.char_indices();
            while let Some((at, character)) = characters.next() {
                match character {
                    '"' => {
                        self.rest = &self.rest[at + 1..];
                        return Some(json_of(self.element, &text));
                    }
                    '\\' => text.push(characters.next()?.1),
                    other => text.push(other),
                }
            }
            return None;
        }
        let end = self.rest.find([',', '}'])?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(if text == "NULL" {
            Value::Null
        } else {
            json_of(self.element, text)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_become_json_by_their_types() {
        for (kind, text, expected) in [
            ("BOOL", "t", json!(true)),
            ("INT8", "9007199254740993", json!(9_007_199_254_740_993_i64)),
            ("FLOAT8", "1e-07", json!(1e-7)),
            ("FLOAT8", "NaN", json!("NaN")),
            ("NUMERIC", "12.50", json!(12.5)),
            ("NUMERIC", "3", json!(3)),
            ("NUMERIC", "1234567890123456.789", json!("1234567890123456.789")),
            ("NUMERIC", "Infinity", json!("Infinity")),
            (
                "TIMESTAMPTZ",
                "2026-01-31 12:00:00.5+00",
                json!("2026-01-31T12:00:00.5Z"),
            ),
            ("TIMESTAMPTZ", "infinity", json!("infinity")),
            ("TIMESTAMP", "2026-01-31 12:00:00", json!("2026-01-31T12:00:00")),
            ("JSONB", r#"{"a": [1]}"#, json!({ "a": [1] })),
            ("BYTEA", "\\x0102ff", json!("3 bytes")),
            (
                "UUID",
                "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
                json!("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
            ),
            ("INT4[]", "{1,NULL,-3}", json!([1, null, -3])),
            ("INT4[]", "{{1,2},{3,4}}", json!([[1, 2], [3, 4]])),
            ("TEXT[]", "{}", json!([])),
            (
                "TEXT[]",
                r#"{a,"b,c","d \"e\"","NULL",NULL,"x\\y"}"#,
                json!(["a", "b,c", "d \"e\"", "NULL", null, "x\\y"]),
            ),
            ("INT4[]", "[0:1]={1,2}", json!("[0:1]={1,2}")),
            ("?", "whatever", json!("whatever")),
        ] {
            assert_eq!(json_of(kind, text), expected, "{kind} {text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in r#"[{}",\\aN0-9é]{0,40}"#) {
            for kind in ["TEXT[]", "NUMERIC", "TIMESTAMPTZ", "BYTEA", "JSON"] {
                let _ = json_of(kind, &text);
            }
        }
    }
}
