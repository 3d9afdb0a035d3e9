//! The one boundary that secrets do not pass.
//!
//! Whatever a check reports goes through a [`Redactor`], which knows the secret values of the run and the shapes
//! they come back in: raw, URL-encoded, in base64 (also inside a longer text, as in an `Authorization` header),
//! in hexadecimal and escaped as in JSON.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::written::beginning;

/// What stands where a secret was.
pub(super) const MASK: &str = "[redacted]";

/// The fewest characters of a base64 shape that are looked for; shorter ones turn up in innocent text.
const SHORTEST_BASE64: usize = 6;

/// The fewest characters of a secret's beginning that are removed where a text was cut in the middle of it.
const SHORTEST_CUT: usize = 3;

/// The fewest characters of a URL's part that is looked for by itself; a path such as `/api` is no secret.
const SHORTEST_PART: usize = 6;

/// What `encodeURIComponent` leaves as it is.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// What an HTML form leaves as it is.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*');

/// What a URL escapes in its query, its path and its user information (URL Standard, "percent-encoded bytes").
const QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\'');
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}');
const USER: &AsciiSet = &PATH
    .add(b'/')
    .add(b':')
    .add(b';')
    .add(b'=')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'|');

/// Removes secrets from texts.
pub(super) struct Redactor {
    /// Every shape of every secret, the longest first, so that no shape is broken by a part of it. Replaced as a
    /// whole when a secret comes to light during the run.
    shapes: RwLock<Arc<[String]>>,
}

impl Redactor {
    /// Knows these secrets. Empty ones are nothing.
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let mut shapes = BTreeSet::new();
        for secret in secrets {
            add_secret(&mut shapes, secret.expose_secret());
        }
        Self {
            shapes: RwLock::new(longest_first(shapes)),
        }
    }

    /// One that knows the same. What either learns from now on, the other does not.
    pub(super) fn fork(&self) -> Self {
        Self {
            shapes: RwLock::new(Arc::clone(&self.shapes())),
        }
    }

    /// Whether it is a fork of another, and neither has learnt anything since.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shapes(), &other.shapes())
    }

    /// From now on this is a secret too.
    pub(super) fn learn(&self, secret: &SecretString) {
        // A panic while the lock is held cannot leave the shapes half changed: they are replaced at once.
        let mut known = self.shapes.write().unwrap_or_else(PoisonError::into_inner);
        let mut shapes: BTreeSet<String> = known.iter().cloned().collect();
        add_secret(&mut shapes, secret.expose_secret());
        *known = longest_first(shapes);
    }

    fn shapes(&self) -> RwLockReadGuard<'_, Arc<[String]>> {
        self.shapes.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text without secrets.
    pub(super) fn redact<'a>(&self, text: impl Into<Cow<'a, str>>) -> String {
        without(&self.shapes(), text.into()).into_owned()
    }

    /// The same, not copied where nothing in it is secret.
    pub(super) fn cleaned<'a>(&self, text: &'a str) -> Cow<'a, str> {
        without(&self.shapes(), Cow::Borrowed(text))
    }

    /// The same for a text whose end was cut off, which may have cut a secret in two.
    pub(super) fn redact_cut(&self, text: &str) -> String {
        // A character that was cut in two has become a replacement character.
        let mut redacted = self.redact(text.trim_end_matches('\u{fffd}'));
        let shapes = self.shapes();
        let longest = shapes
            .iter()
            .filter_map(|shape| {
                (SHORTEST_CUT..shape.len())
                    .rev()
                    .filter(|length| shape.is_char_boundary(*length))
                    .find(|length| redacted.ends_with(&shape[..*length]))
            })
            .max();
        if let Some(length) = longest {
            redacted.truncate(redacted.len() - length);
            redacted.push_str(MASK);
        }
        redacted
    }

    /// The first `characters` of the text, secrets removed before it is cut, with `…` where something was left out.
    pub(super) fn beginning<'a>(&self, text: impl Into<Cow<'a, str>>, characters: usize) -> String {
        let clean = without(&self.shapes(), text.into());
        if clean.len() <= characters {
            return clean.into_owned();
        }
        beginning(&clean, characters).into_owned()
    }

    /// The last `characters` of the text, secrets removed before it is cut, with `…` where something was left out.
    pub(super) fn end(&self, text: &str, characters: usize) -> String {
        let redacted = self.redact(text);
        let length = redacted.chars().count();
        match redacted.char_indices().nth(length.saturating_sub(characters)) {
            Some((start, _)) if start > 0 => format!("…{}", &redacted[start..]),
            _ => redacted,
        }
    }

    /// The value without secrets in its texts and keys.
    pub(super) fn redact_value(&self, value: Value) -> Value {
        value_without(&self.shapes(), value)
    }

    /// What was observed, without secrets in its names, texts and keys.
    pub(super) fn redact_observed(&self, observed: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
        let shapes = self.shapes();
        if shapes.is_empty() {
            return observed;
        }
        observed
            .into_iter()
            .map(|(name, value)| (text_without(&shapes, name), value_without(&shapes, value)))
            .collect()
    }
}

fn without<'a>(shapes: &[String], mut text: Cow<'a, str>) -> Cow<'a, str> {
    for shape in shapes {
        if text.contains(shape.as_str()) {
            text = Cow::Owned(text.replace(shape.as_str(), MASK));
        }
    }
    text
}

fn text_without(shapes: &[String], text: String) -> String {
    without(shapes, Cow::Owned(text)).into_owned()
}

fn value_without(shapes: &[String], value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text_without(shapes, text)),
        Value::Array(values) => values
            .into_iter()
            .map(|value| value_without(shapes, value))
            .collect(),
        Value::Object(entries) => entries
            .into_iter()
            .map(|(key, value)| (text_without(shapes, key), value_without(shapes, value)))
            .collect(),
        Value::Number(number) => {
            // A number can be the secret too.
            let written = number.to_string();
            if shapes.iter().any(|shape| written.contains(shape.as_str())) {
                Value::String(MASK.to_owned())
            } else {
                Value::Number(number)
            }
        }
        Value::Null | Value::Bool(_) => value,
    }
}

/// What is secret by itself in a secret that is a URL: its password, its path and the values of its query.
fn parts_of_url(secret: &str) -> Vec<String> {
    let Ok(url) = url::Url::parse(secret.trim()) else {
        return Vec::new();
    };
    let password = url.password().map(str::to_owned);
    let decoded = password
        .as_deref()
        .map(|password| percent_decode_str(password).decode_utf8_lossy().into_owned());
    let path = url.path().trim_matches('/').to_owned();
    let query: Vec<String> = url.query_pairs().map(|(_, value)| value.into_owned()).collect();
    password
        .into_iter()
        .chain(decoded)
        .chain([path])
        .chain(query)
        .filter(|part| part.chars().count() >= SHORTEST_PART)
        .collect()
}

fn add_secret(shapes: &mut BTreeSet<String>, whole: &str) {
    add_shapes(shapes, whole);
    // A value read from a file often ends in a line break that is not sent.
    add_shapes(shapes, whole.trim());
    for part in parts_of_url(whole) {
        add_shapes(shapes, &part);
    }
}

fn longest_first(shapes: BTreeSet<String>) -> Arc<[String]> {
    let mut shapes: Vec<String> = shapes.into_iter().collect();
    shapes.sort_by_key(|shape| std::cmp::Reverse(shape.len()));
    shapes.into()
}

fn add_shapes(shapes: &mut BTreeSet<String>, secret: &str) {
    if secret.is_empty() {
        return;
    }
    shapes.insert(secret.to_owned());
    // Hosts come back in lower case.
    shapes.insert(secret.to_lowercase());

    for set in [NON_ALPHANUMERIC, COMPONENT, FORM, QUERY, PATH, USER] {
        let encoded = percent_encode(secret.as_bytes(), set).to_string();
        shapes.insert(encoded.replace("%20", "+"));
        shapes.insert(lower_case_escapes(&encoded));
        shapes.insert(encoded);
    }

    let json = Value::from(secret).to_string();
    let escaped = json[1..json.len() - 1].to_owned();
    // A JSON text inside a JSON text, as logs have it.
    let twice = Value::from(escaped.as_str()).to_string();
    shapes.insert(twice[1..twice.len() - 1].to_owned());
    shapes.insert(escaped.replace('/', "\\/"));
    shapes.insert(ascii_only(&escaped));
    shapes.insert(escaped);

    let mut hexadecimal = String::with_capacity(secret.len() * 2);
    for byte in secret.bytes() {
        // Writing to a string cannot fail.
        let _ = write!(hexadecimal, "{byte:02x}");
    }
    if hexadecimal.len() >= SHORTEST_BASE64 {
        shapes.insert(hexadecimal.to_ascii_uppercase());
        shapes.insert(hexadecimal);
    }

    // Three bytes become four characters, so a secret inside a longer text has one of three shapes, according to
    // how many bytes stand before it. Characters that also depend on the neighbours are left off.
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        for before in 0..3 {
            let padded = [&[0; 2][..before], secret.as_bytes()].concat();
            let encoded = engine.encode(&padded);
            let first = (before * 8).div_ceil(6);
            let last = padded.len() * 8 / 6;
            if let Some(core) = encoded
                .get(first..last)
                .filter(|core| core.len() >= SHORTEST_BASE64)
            {
                shapes.insert(core.to_owned());
            }
        }
        let whole = engine.encode(secret);
        if whole.len() >= SHORTEST_BASE64 {
            shapes.insert(whole);
        }
    }
}

/// `%2F` as `%2f`, which some encoders write.
fn lower_case_escapes(encoded: &str) -> String {
    let mut lowered = String::with_capacity(encoded.len());
    let mut escaped = 0;
    for character in encoded.chars() {
        if character == '%' {
            escaped = 2;
            lowered.push(character);
        } else if escaped > 0 {
            escaped -= 1;
            lowered.push(character.to_ascii_lowercase());
        } else {
            lowered.push(character);
        }
    }
    lowered
}

/// Everything outside ASCII as `\u….`, which some JSON writers prefer.
fn ascii_only(escaped: &str) -> String {
    let mut ascii = String::with_capacity(escaped.len());
    for character in escaped.chars() {
        if character.is_ascii() {
            ascii.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn redactor(secret: &str) -> Redactor {
        Redactor::new([&SecretString::from(secret)])
    }

    #[test]
    fn a_fork_is_as_the_other_until_either_learns() {
        let known = redactor("first secret");
        let (one, other) = (known.fork(), known.fork());
        assert!(one.is_as(&known) && other.is_as(&known));
        one.learn(&SecretString::from("second secret"));
        assert!(!one.is_as(&known) && other.is_as(&known));
        let text = "first secret, second secret";
        assert_eq!(one.redact(text), "[redacted], [redacted]");
        assert_eq!(other.redact(text), "[redacted], second secret");
        assert!(!redactor("first secret").is_as(&known), "it may change by itself");
    }

    #[test]
    fn every_shape_of_a_secret_is_removed() {
        let secret = "p@ss/wörd \"1\"+x";
        let redactor = redactor(secret);
        let shapes = [
            secret.to_owned(),
            "p%40ss%2Fw%C3%B6rd%20%221%22%2Bx".to_owned(),
            "p%40ss%2fw%c3%b6rd%20%221%22%2bx".to_owned(),
            "p%40ss%2Fw%C3%B6rd+%221%22%2Bx".to_owned(),
            json!(secret).to_string(),
            r#"p@ss/w\u00f6rd \"1\"+x"#.to_owned(),
            r#"p@ss\/wörd \"1\"+x"#.to_owned(),
            STANDARD.encode(secret),
            URL_SAFE.encode(secret),
            STANDARD.encode(format!("user:{secret}")),
            STANDARD.encode(format!("me:{secret}:x")),
            STANDARD.encode(format!("a:{secret}")),
        ];
        for shape in shapes {
            let redacted = redactor.redact(format!("before {shape} after"));
            assert!(redacted.contains(MASK), "{shape}: {redacted}");
            assert!(!redacted.contains("ss"), "{shape}: {redacted}");
            assert!(
                redacted.starts_with("before ") && redacted.ends_with(" after"),
                "{redacted}"
            );
        }
        assert_eq!(redactor.redact("nothing to hide"), "nothing to hide");
    }

    #[test]
    fn what_is_secret_in_a_secret_url_is_removed_by_itself() {
        let redactor =
            redactor("https://me:p%40ssword@hooks.example/services/T0123/B456?key=value-of-key&x=1");
        for (text, clean) in [
            (
                "password p@ssword or p%40ssword",
                "password [redacted] or [redacted]",
            ),
            ("POST /services/T0123/B456 failed", "POST /[redacted] failed"),
            ("key value-of-key", "key [redacted]"),
            ("hooks.example x=1", "hooks.example x=1"),
        ] {
            assert_eq!(redactor.redact(text), clean);
        }
    }

    #[test]
    fn a_secret_that_comes_to_light_is_removed_from_then_on() {
        let redactor = redactor("hunter2");
        assert_eq!(redactor.redact("hunter2 s3ssion"), "[redacted] s3ssion");
        redactor.learn(&SecretString::from("s3ssion"));
        assert_eq!(redactor.redact("hunter2 s3ssion"), "[redacted] [redacted]");
    }

    #[test]
    fn what_comes_to_light_after_a_fork_is_known_to_one_alone() {
        let before = redactor("hunter2");
        let fork = before.fork();
        fork.learn(&SecretString::from("s3ssion"));
        assert_eq!(fork.redact("hunter2 s3ssion"), "[redacted] [redacted]");
        assert_eq!(before.redact("hunter2 s3ssion"), "[redacted] s3ssion");
    }

    #[test]
    fn a_secret_is_removed_before_a_text_is_cut() {
        let redactor = redactor("abcdefghijkl");
        assert_eq!(redactor.beginning("see abcdefghijkl there", 8), "see [red…");
        assert_eq!(redactor.end("see abcdefghijkl there", 8), "…d] there");
        assert_eq!(redactor.beginning("short", 8), "short");
        assert_eq!(redactor.end("short", 8), "short");
    }

    #[test]
    fn a_secret_cut_in_two_is_removed() {
        let redactor = redactor("abcdefghijkl");
        assert_eq!(redactor.redact_cut("token=abcdefg"), "token=[redacted]");
        assert_eq!(redactor.redact_cut("token=xyz"), "token=xyz");
    }

    #[test]
    fn values_are_cleaned_in_names_texts_keys_and_numbers() {
        let redactor = redactor("123456");
        let value = json!({ "a 123456": ["x123456", 123_456, 7, true, null] });
        assert_eq!(
            redactor.redact_observed(BTreeMap::from([("n 123456".to_owned(), value)])),
            BTreeMap::from([(
                "n [redacted]".to_owned(),
                json!({ "a [redacted]": ["x[redacted]", "[redacted]", 7, true, null] })
            )])
        );
    }

    proptest! {
        #[test]
        fn no_secret_survives_in_base64_wherever_it_stands(
            secret in "[a-zA-Z0-9!-/]{8,24}", before in "[a-z:]{0,7}", after in "[a-z:]{0,7}",
        ) {
            let encoded = STANDARD.encode(format!("{before}{secret}{after}"));
            prop_assert!(redactor(&secret).redact(&encoded).contains(MASK));
        }

        #[test]
        fn any_text_and_any_secret_are_taken_without_panic(secret in r"\PC{0,12}", text in r"\PC{0,40}") {
            let redactor = redactor(&secret);
            let redacted = redactor.redact_cut(&format!("{text}{secret}{text}"));
            prop_assert!(secret.is_empty() || MASK.contains(&secret) || text.contains(&secret) || redacted.contains(MASK));
            let _ = redactor.end(&text, 5).len() + redactor.beginning(&text, 5).len();
        }
    }
}
