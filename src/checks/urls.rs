//! URLs and where they lead: each is read once in a run, as the checks of one checklist look at the same few places.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use url::{ParseError, Url};

/// The URLs that a run has read so far, by their text.
#[derive(Default)]
pub(super) struct Urls {
    /// What was expanded may hold secrets. None of it is shown, and it goes with the run.
    known: Mutex<BTreeMap<String, Known>>,
}

#[derive(Clone)]
struct Known {
    url: Url,
    host: Option<String>,
}

impl Urls {
    /// The URL that a text is.
    pub(super) fn read(&self, text: &str) -> Result<Url, ParseError> {
        self.known(text, |known| known.url.clone())
    }

    /// Host and port that it leads to, when they can be told.
    pub(super) fn host(&self, text: &str) -> Option<String> {
        self.known(text, |known| known.host.clone()).ok()?
    }

    fn known<Part>(&self, text: &str, part: impl FnOnce(&Known) -> Part) -> Result<Part, ParseError> {
        // A panic while the lock is held cannot leave the map half changed.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(text) {
            return Ok(part(known));
        }
        let read = Known::read(text)?;
        let part = part(&read);
        known.insert(text.to_owned(), read);
        Ok(part)
    }
}

impl Known {
    fn read(text: &str) -> Result<Self, ParseError> {
        let url = Url::parse(text)?;
        let host = url.host_str().zip(url.port_or_known_default());
        Ok(Self {
            host: host.map(|(host, port)| format!("{host}:{port}")),
            url,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_its_host_however_it_is_written() {
        let urls = Urls::default();
        for (written, expected) in [
            ("https://app.example/health", Some("app.example:443")),
            ("https://APP.example?x=/", Some("app.example:443")),
            ("https://app.example:8443/health", Some("app.example:8443")),
            ("http://app.example", Some("app.example:80")),
            ("http://me:word@app.example/", Some("app.example:80")),
            ("http://0x7f.1/", Some("127.0.0.1:80")),
            ("http://[::1]:81/a", Some("[::1]:81")),
            ("mailto:me@app.example", None),
            ("app.example", None),
        ] {
            // The second time it is known.
            for _ in 0..2 {
                assert_eq!(urls.host(written).as_deref(), expected, "{written:?}");
                assert_eq!(urls.read(written), Url::parse(written), "{written:?}");
            }
        }
    }
}
