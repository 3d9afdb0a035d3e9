//! Headers as conditions see them: texts by names in lower case.

use std::borrow::Cow;

use hyper::header::HeaderMap;
use serde_json::Value;

use super::redact::Redactor;

/// The most characters of a header that are kept as evidence.
const EVIDENCE: usize = 300;

/// A header that is kept as evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    name: String,
    /// What it is called there: as conditions name it.
    pub(super) called: String,
}

impl Asked {
    pub(super) fn by(name: String) -> Self {
        Self {
            called: format!("headers[{name:?}]"),
            name,
        }
    }
}

/// The headers of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Headers(
    /// It is large, and few of the things that are observed are headers.
    Box<HeaderMap>,
);

impl Headers {
    /// What stands under a name in lower case, several of one name joined (RFC 9110, 5.3). What is not UTF-8 has replacement
    /// characters.
    pub(super) fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        // They are few, and to look at each costs less than to read a name and look that up.
        let found = self.0.iter().filter(|(known, _)| known.as_str() == name);
        let mut texts = found.map(|(_, value)| String::from_utf8_lossy(value.as_bytes()));
        let first = texts.next()?;
        Some(texts.fold(first, |before, text| before + ", " + text))
    }

    /// Those that were asked for, as they are shown.
    pub(super) fn evidence(
        &self,
        asked: &[Asked],
        redactor: &Redactor,
    ) -> impl Iterator<Item = (String, Value)> {
        asked.iter().filter_map(|Asked { name, called }| {
            let shown = redactor.beginning(self.get(name)?, EVIDENCE);
            Some((called.clone(), Value::from(shown)))
        })
    }

    /// All of them, each name once.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.0
            .keys()
            .filter_map(|name| Some((name.as_str(), self.get(name.as_str())?)))
    }
}

impl From<HeaderMap> for Headers {
    fn from(headers: HeaderMap) -> Self {
        Self(Box::new(headers))
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers() -> Headers {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("Vary", "Origin"),
            ("X-Count", "3"),
            ("vary", "Accept"),
            ("x-broken", "caf\u{e9}"),
        ] {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            let value: Vec<u8> = value.chars().map(|character| character as u8).collect();
            headers.append(name, HeaderValue::from_bytes(&value).expect("a value"));
        }
        Headers::from(headers)
    }

    #[test]
    fn what_stands_under_a_name_in_lower_case_is_found() {
        let headers = headers();
        assert_eq!(headers.get("x-count").as_deref(), Some("3"));
        assert_eq!(headers.get("X-Count"), None);
        assert_eq!(headers.get("no"), None);
        assert_eq!(headers.get("not a name"), None);
        assert_eq!(headers.get("x-broken").as_deref(), Some("caf\u{fffd}"));
    }

    #[test]
    fn several_of_one_name_are_one() {
        let headers = headers();
        assert_eq!(headers.get("vary").as_deref(), Some("Origin, Accept"));
        let mut all: Vec<(&str, Cow<'_, str>)> = headers.iter().collect();
        all.sort();
        assert_eq!(
            all,
            [
                ("vary", "Origin, Accept".into()),
                ("x-broken", "caf\u{fffd}".into()),
                ("x-count", "3".into())
            ]
        );
    }
}
