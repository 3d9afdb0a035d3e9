//! YAML as a value.
//!
//! Aliases are written out, so a document of a few lines can stand for more than any memory holds: what it comes to is
//! counted before it is made.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

/// Deepest nesting, as for JSON.
const DEEPEST: usize = 128;
/// Most values, each alias counted as what it stands for.
const MOST_VALUES: usize = 200_000;

/// Reads a text; several documents are a list of them. Else a clause says what is wrong.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let mut composer = Composer::default();
    for next in Parser::new_from_str(text) {
        let (event, span) = next.map_err(|error| {
            let at = error.marker();
            format!("{} in line {}", error.info().trim_end_matches('.'), at.line())
        })?;
        let line = span.start.line();
        composer
            .take(event)
            .map_err(|clause| format!("{clause} in line {line}"))?;
    }
    let mut documents = composer.documents;
    Ok(match documents.len() {
        0 => Value::Null,
        1 => documents.remove(0),
        _ => Value::Array(documents),
    })
}

/// A list or mapping that has begun.
struct Open {
    anchor: usize,
    /// How many values it comes to.
    size: usize,
    inside: Inside,
}

enum Inside {
    List(Vec<Value>),
    Mapping {
        entries: Map<String, Value>,
        key: Option<String>,
    },
}

#[derive(Default)]
struct Composer {
    open: Vec<Open>,
    anchors: HashMap<usize, (Value, usize)>,
    /// Of all values made, those behind anchors twice.
    made: usize,
    documents: Vec<Value>,
}

impl Composer {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix == "str");
                let value = if is_text {
                    Value::String(text.into_owned())
                } else {
                    plain(&text)
                };
                self.add(value, 1, anchor)
            }
            Event::SequenceStart(anchor, _) => self.begin(anchor, Inside::List(Vec::new())),
            Event::MappingStart(anchor, _) => self.begin(
                anchor,
                Inside::Mapping {
                    entries: Map::new(),
                    key: None,
                },
            ),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else {
                    return Ok(());
                };
                let value = match open.inside {
                    Inside::List(values) => Value::Array(values),
                    Inside::Mapping { entries, .. } => Value::Object(entries),
                };
                self.add(value, open.size, open.anchor)
            }
            Event::Alias(anchor) => {
                let Some((_, size)) = self.anchors.get(&anchor) else {
                    return Err("an alias stands inside what it repeats".to_owned());
                };
                let size = *size;
                self.count(size)?;
                let Some((value, _)) = self.anchors.get(&anchor) else {
                    return Ok(());
                };
                let value = value.clone();
                self.attach(value, size)
            }
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(())
            }
            Event::DocumentEnd | Event::StreamEnd | Event::StreamStart | Event::Nothing => Ok(()),
        }
    }

    fn begin(&mut self, anchor: usize, inside: Inside) -> Result<(), String> {
        if self.open.len() >= DEEPEST {
            return Err(format!("it is nested deeper than {DEEPEST} levels"));
        }
        self.open.push(Open {
            anchor,
            size: 1,
            inside,
        });
        Ok(())
    }

    fn add(&mut self, value: Value, size: usize, anchor: usize) -> Result<(), String> {
        self.count(1)?;
        if anchor != 0 {
            self.count(size)?;
            self.anchors.insert(anchor, (value.clone(), size));
        }
        self.attach(value, size)
    }

    /// Counts before the values are made.
    fn count(&mut self, size: usize) -> Result<(), String> {
        self.made = self.made.saturating_add(size);
        if self.made > MOST_VALUES {
            return Err(format!(
                "it holds more than {MOST_VALUES} values, aliases counted as what they repeat,"
            ));
        }
        Ok(())
    }

    fn attach(&mut self, value: Value, size: usize) -> Result<(), String> {
        let Some(open) = self.open.last_mut() else {
            self.documents.push(value);
            return Ok(());
        };
        open.size = open.size.saturating_add(size);
        match &mut open.inside {
            Inside::List(values) => values.push(value),
            Inside::Mapping { entries, key } => match key.take() {
                Some(key) => {
                    entries.insert(key, value);
                }
                None => {
                    *key = Some(match value {
                        Value::String(text) => text,
                        Value::Array(_) | Value::Object(_) => {
                            return Err("a key is a list or a mapping".to_owned());
                        }
                        // `404: gone` has a key too; a condition can only ask for it as text.
                        other => other.to_string(),
                    });
                }
            },
        }
        Ok(())
    }
}

/// A scalar without quotes, by the core schema of YAML 1.2 (10.3.2).
fn plain(text: &str) -> Value {
    let whole = || {
        let (digits, radix) = match text.get(..2) {
            Some("0x") => (&text[2..], 16),
            Some("0o") => (&text[2..], 8),
            _ => (text.strip_prefix('+').unwrap_or(text), 10),
        };
        i64::from_str_radix(digits, radix).ok()
    };
    let fraction = || {
        let looks_like_one = text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'-' | b'+'))
            && text.bytes().any(|byte| byte.is_ascii_digit());
        looks_like_one.then(|| text.parse::<f64>().ok()).flatten()
    };
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => whole()
            .map(Value::from)
            .or_else(|| fraction().and_then(Number::from_f64).map(Value::Number))
            .unwrap_or_else(|| Value::String(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_what_the_core_schema_says() {
        let text = "a: 1\nb: -2.5\nc: [true, no, ~, '1', \"x\\n\", 0x1f, 1.0.0, 2026-01-31]\nd: &d { e: f }\ng: *d\n404: gone\n";
        assert_eq!(
            read(text),
            Ok(json!({
                "a": 1,
                "b": -2.5,
                "c": [true, "no", null, "1", "x\n", 31, "1.0.0", "2026-01-31"],
                "d": { "e": "f" },
                "g": { "e": "f" },
                "404": "gone",
            }))
        );
        assert_eq!(read("---\na: 1\n---\n- b\n"), Ok(json!([{ "a": 1 }, ["b"]])));
        assert_eq!(read(""), Ok(Value::Null));
    }

    #[test]
    fn what_is_none_is_told_with_its_line() {
        assert!(read("a: [1\nb: 2").is_err());
        assert_eq!(
            read("a: *b"),
            Err("while parsing node, found unknown anchor in line 1".to_owned())
        );
        assert_eq!(
            read("x: 1\n[a]: 1"),
            Err("a key is a list or a mapping in line 2".to_owned())
        );
    }

    #[test]
    fn a_document_that_stands_for_more_than_it_says_is_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let below = format!("*a{}, ", level - 1).repeat(10);
            bomb.extend([format!("a{level}: &a{level} [{below}]\n")]);
        }
        assert_eq!(
            read(&bomb),
            Err(
                "it holds more than 200000 values, aliases counted as what they repeat, in line 5".to_owned()
            )
        );
        for deep in ["[".repeat(10_000), format!("{}x", "- ".repeat(10_000))] {
            assert!(read(&deep).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in r#"([a-c:&*\[\]{}#,'"| \n-]|\PC){0,60}"#) {
            let _ = read(&text);
        }
    }
}
