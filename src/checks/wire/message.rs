//! What is sent: a request, whole.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, HOST, HeaderMap, HeaderValue, USER_AGENT};
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use hyper::{Method, Request, Uri};
use percent_encoding::percent_decode_str;
use url::Position::{AfterPort, AfterQuery, BeforeHost, BeforePath};
use url::Url;

use super::failure::Failure;

/// What requests call themselves.
pub(super) const AGENT: &str = concat!("holdpoint/", env!("CARGO_PKG_VERSION"));

/// A request.
#[derive(Clone)]
pub(super) struct Message {
    method: Method,
    path: PathAndQuery,
    /// With that of the host.
    headers: HeaderMap,
    body: Bytes,
}

impl Message {
    /// The request with these headers, and those that HTTP or good manners want besides.
    pub(super) fn new(method: &Method, url: &Url, own: &HeaderMap, body: Bytes) -> Result<Self, Failure> {
        Ok(Self {
            method: method.clone(),
            path: PathAndQuery::try_from(&url[BeforePath..AfterQuery]).map_err(|error| {
                Failure::Unsendable(format!(
                    "the path of the address cannot be sent: {error}; mend it"
                ))
            })?,
            headers: headers(url, own)?,
            body,
        })
    }

    pub(super) fn over_http_1(self) -> Request<Full<Bytes>> {
        request(self.method, Uri::from(self.path), self.headers, self.body)
    }

    /// The same with the host where HTTP/2 wants it (RFC 9113, 8.3.1).
    pub(super) fn over_http_2(mut self) -> Result<Request<Full<Bytes>>, Failure> {
        let host = self.headers.remove(HOST);
        let authority = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
        let mut parts = hyper::http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTPS);
        parts.authority = authority;
        parts.path_and_query = Some(self.path);
        let uri = Uri::from_parts(parts)
            .map_err(|_| Failure::Unsendable("the header host does not name a host; mend it".to_owned()))?;
        Ok(request(self.method, uri, self.headers, self.body))
    }
}

fn request(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    request
}

fn headers(url: &Url, own: &HeaderMap) -> Result<HeaderMap, Failure> {
    let value = |text: &str| {
        HeaderValue::from_str(text).map_err(|_| {
            Failure::Unsendable("the address has characters that cannot be sent; mend it".to_owned())
        })
    };
    let mut headers = HeaderMap::with_capacity(own.len() + 4);
    if !own.contains_key(HOST) {
        headers.insert(HOST, value(&url[BeforeHost..AfterPort])?);
    }
    headers.extend(own.iter().map(|(name, value)| (name.clone(), value.clone())));
    if !headers.contains_key(AUTHORIZATION) && (!url.username().is_empty() || url.password().is_some()) {
        let mut pair = percent_decode_str(url.username()).collect::<Vec<u8>>();
        pair.push(b':');
        pair.extend(percent_decode_str(url.password().unwrap_or_default()));
        // RFC 7617, 2.
        let mut basic = value(&format!("Basic {}", BASE64.encode(pair)))?;
        basic.set_sensitive(true);
        headers.insert(AUTHORIZATION, basic);
    }
    headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
    headers
        .entry(USER_AGENT)
        .or_insert(HeaderValue::from_static(AGENT));
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_says_of_itself_is_there_and_what_the_check_says_stays() {
        let url = Url::parse("http://me:s%20t@app.example:8080/x").expect("a URL");
        let plain = headers(&url, &HeaderMap::new()).expect("headers");
        assert_eq!(plain[HOST], "app.example:8080");
        assert_eq!(plain[AUTHORIZATION], format!("Basic {}", BASE64.encode("me:s t")));
        let said = HeaderMap::from_iter([
            (HOST, HeaderValue::from_static("other.example")),
            (AUTHORIZATION, HeaderValue::from_static("Bearer x")),
        ]);
        let kept = headers(&url, &said).expect("headers");
        assert_eq!(
            (&kept[HOST], &kept[AUTHORIZATION]),
            (
                &HeaderValue::from_static("other.example"),
                &HeaderValue::from_static("Bearer x")
            )
        );
    }

    #[test]
    fn over_http_2_the_host_is_in_the_address() {
        let url = Url::parse("https://app.example/x?y=1").expect("a URL");
        let said = HeaderMap::from_iter([(HOST, HeaderValue::from_static("other.example"))]);
        for (own, uri) in [
            (HeaderMap::new(), "https://app.example/x?y=1"),
            (said, "https://other.example/x?y=1"),
        ] {
            let message = Message::new(&Method::GET, &url, &own, Bytes::new()).expect("a message");
            let request = message.over_http_2().expect("a request");
            assert_eq!(request.uri(), uri);
            assert!(!request.headers().contains_key(HOST));
        }
    }
}
