//! Texts of people within Markdown that others read later.

use jiff::Timestamp;

/// The text on one line, saying in Markdown what it says as plain text. `limit` is the most of its own characters that
/// are kept.
pub(super) fn inline(text: &str, limit: usize) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let words: String = words.chars().filter(|c| !c.is_control()).collect();
    let whole = words.chars().count() <= limit;
    let mut escaped = String::with_capacity(words.len() + 8);
    for (index, character) in words.chars().take(limit).enumerate() {
        let special = match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' => true,
            '#' | '+' | '-' | '=' | ':' => index == 0,
            _ => false,
        };
        if special {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    if !whole {
        escaped.push('…');
    }
    if escaped.is_empty() {
        "–".to_owned()
    } else {
        escaped
    }
}

/// The text as code, on one line.
pub(super) fn code(text: &str) -> String {
    let inner: String = text
        .chars()
        .map(|c| {
            if c == '`' {
                'ˋ'
            } else if c.is_control() || c.is_whitespace() {
                ' '
            } else {
                c
            }
        })
        .collect();
    let inner = inner.trim();
    if inner.is_empty() {
        "–".to_owned()
    } else {
        format!("`{inner}`")
    }
}

/// A moment to the minute, in UTC, as the document names no zone.
pub(super) fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// A day, in UTC.
pub(super) fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}
