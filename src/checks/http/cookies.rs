//! Cookies that a server sets during one run of a check (RFC 6265): kept between its requests and redirects, never
//! longer.

use cookie_store::{CookieStore, RawCookie};
use hyper::header::{HeaderMap, HeaderValue, SET_COOKIE};
use secrecy::SecretString;
use url::Url;

use crate::checks::probe::Run;

/// The fewest characters of a cookie's value that are removed from reports. Sessions have far more; `dark` or `en-GB`
/// keeps nothing secret.
const SHORTEST_SECRET: usize = 8;

/// The cookies of one run.
#[derive(Default)]
pub(super) struct Cookies {
    /// Made when the first one comes: most servers that are checked set none.
    store: Option<CookieStore>,
}

impl Cookies {
    /// Keeps what an answer sets, where the URL may set it. The values are secrets from then on.
    pub(super) fn take(&mut self, run: &Run<'_>, url: &Url, headers: &HeaderMap) {
        for header in headers.get_all(SET_COOKIE) {
            let Some(cookie) = header
                .to_str()
                .ok()
                .and_then(|text| RawCookie::parse(text.to_owned()).ok())
            else {
                continue;
            };
            if cookie.value().len() >= SHORTEST_SECRET {
                run.redactor.learn(&SecretString::from(cookie.value().to_owned()));
            }
            // Refused when it is for another host or path, which is as if it had not been sent.
            let store = self.store.get_or_insert_with(CookieStore::default);
            let _ = store.insert_raw(&cookie, url);
        }
    }

    /// The header that takes them to a URL; nothing when there are none for it.
    pub(super) fn header(&self, url: &Url) -> Option<HeaderValue> {
        let pairs: Vec<String> = self
            .store
            .as_ref()?
            .get_request_values(url)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if pairs.is_empty() {
            return None;
        }
        let mut header = HeaderValue::from_str(&pairs.join("; ")).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}
