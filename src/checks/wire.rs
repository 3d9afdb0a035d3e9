//! Connections for probes that send the same request many times: one request after the other on each, answers read to
//! their end and thrown away.
//!
//! Each connection is driven by whoever asks over it, in the same task, so that a request costs no hop from task to
//! task. Only addresses that the guard let through when the target was found are dialled.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, LazyLock};
use std::task::Poll;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, HOST, HeaderMap, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use super::probe::{Hindrance, Run};
use super::reach::{self, Place, Unconnected};
use super::tls::public_roots;
use super::{exchange, http};
use crate::domain::check::HttpProbe;

/// Where the same request goes again and again, and what it is.
pub(super) struct Target {
    place: Place,
    /// Vetted.
    addresses: Vec<SocketAddr>,
    tls: Option<Tls>,
    method: Method,
    path: Uri,
    headers: HeaderMap,
    body: Bytes,
}

/// What is kept of an answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
}

/// Why there is no whole answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no connection.
    Unconnected(Unconnected),
    /// There is one, and TLS could not be spoken on it: the library's words.
    Tls(String),
    /// The other side closed it instead of answering.
    Unanswered,
    /// It closed it before the answer was over.
    BrokenOff,
    /// What came is not HTTP.
    NotHttp,
}

/// A connection that requests can be sent on.
pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: http1::Connection<TokioIo<Box<dyn Stream>>, Full<Bytes>>,
    ended: bool,
}

/// A failure, and whether the request can be sent again as if nothing had been.
struct Attempt {
    failure: Failure,
    sent: bool,
}

#[derive(Clone)]
struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<Any: AsyncRead + AsyncWrite + Send + Unpin> Stream for Any {}

/// TLS 1.2 and 1.3 with the public authorities, as the `http` probe has it.
static TLS: LazyLock<Result<Arc<ClientConfig>, rustls::Error>> =
    LazyLock::new(|| client_config(public_roots()));

fn client_config(roots: RootCertStore) -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

impl Target {
    /// Finds the addresses that the request may go to. Nothing is dialled yet.
    pub(super) async fn of(run: &Run<'_>, probe: &HttpProbe) -> Result<Self, Hindrance> {
        let request = http::Request::new(run, probe)?;
        run.guard
            .vet_url(&request.url)
            .map_err(|refusal| Hindrance::new(refusal.to_string()))?;
        let (Some(host), Some(port)) = (request.url.host_str(), request.url.port_or_known_default()) else {
            return Err(Hindrance::new(
                "`url` names no host; write it as in https://app.example/",
            ));
        };
        let place = Place {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
        };
        let found = run.in_time(reach::addresses(run.guard, &place.host, port), || {
            format!("the host {} could not be resolved", place.host)
        });
        let addresses = found
            .await?
            .map_err(|unreached| Hindrance::new(unreached.to_string()))?;
        let tls = if request.url.scheme() == "https" {
            let unusable =
                |error: &dyn fmt::Display| Hindrance::new(format!("TLS cannot be spoken here: {error}"));
            let config = TLS.as_ref().map_err(|error| unusable(error))?;
            Some(Tls {
                connector: TlsConnector::from(Arc::clone(config)),
                name: ServerName::try_from(place.host.clone()).map_err(|error| unusable(&error))?,
            })
        } else {
            None
        };
        let path = match request.url.query() {
            Some(query) => format!("{}?{query}", request.url.path()),
            None => request.url.path().to_owned(),
        };
        Ok(Self {
            addresses,
            tls,
            path: path.parse().map_err(|error| {
                Hindrance::new(format!("the path of `url` cannot be sent: {error}; mend `url`"))
            })?,
            headers: headers(&request.url, request.headers)?,
            method: request.method,
            body: request.body.map(Bytes::from).unwrap_or_default(),
            place,
        })
    }

    /// Sends the request on this connection, or on a new one where there is none that can be used, and reads the answer
    /// to its end. The connection is left there if it can be used again.
    ///
    /// Dropping the future closes the connection.
    pub(super) async fn ask(&self, connection: &mut Option<Connection>) -> Result<Answer, Failure> {
        if let Some(mut open) = connection.take() {
            match open.ask(self).await {
                Ok(answer) => {
                    *connection = open.kept();
                    return Ok(answer);
                }
                Err(Attempt { failure, sent: true }) => return Err(failure),
                // The other side had closed it while it was idle, which it may.
                Err(Attempt { sent: false, .. }) => {}
            }
        }
        let mut open = Connection::open(self).await?;
        let answer = open.ask(self).await.map_err(|attempt| attempt.failure)?;
        *connection = open.kept();
        Ok(answer)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}

impl Connection {
    /// Dials the target.
    pub(super) async fn open(target: &Target) -> Result<Self, Failure> {
        let stream = reach::dial(&target.place, &target.addresses)
            .await
            .map_err(Failure::Unconnected)?;
        // Where this cannot be set, requests are only slower.
        let _ = stream.set_nodelay(true);
        let stream: Box<dyn Stream> = match &target.tls {
            None => Box::new(stream),
            Some(tls) => Box::new(
                tls.connector
                    .connect(tls.name.clone(), stream)
                    .await
                    .map_err(|error| Failure::Tls(error.to_string()))?,
            ),
        };
        let (sender, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|_| Failure::Unanswered)?;
        Ok(Self {
            sender,
            driver,
            ended: false,
        })
    }

    async fn ask(&mut self, target: &Target) -> Result<Answer, Attempt> {
        let unsent = || Attempt {
            failure: Failure::Unanswered,
            sent: false,
        };
        let sent = |failure| Attempt { failure, sent: true };
        let Self {
            sender,
            driver,
            ended,
        } = self;
        driven(driver, ended, sender.ready())
            .await
            .and_then(Result::ok)
            .ok_or_else(unsent)?;

        let mut request = Request::new(Full::new(target.body.clone()));
        request.method_mut().clone_from(&target.method);
        request.uri_mut().clone_from(&target.path);
        request.headers_mut().clone_from(&target.headers);
        let answered = driven(driver, ended, sender.try_send_request(request)).await;
        let (head, mut body) = match answered {
            Some(Ok(response)) => response.into_parts(),
            Some(Err(error)) if error.message().is_some() => return Err(unsent()),
            Some(Err(error)) if error.error().is_parse() => return Err(sent(Failure::NotHttp)),
            Some(Err(_)) | None => return Err(sent(Failure::Unanswered)),
        };
        loop {
            match driven(driver, ended, body.frame()).await {
                Some(Some(Ok(_))) => {}
                Some(None) => break,
                Some(Some(Err(_))) | None => return Err(sent(Failure::BrokenOff)),
            }
        }
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
        })
    }

    /// The connection, if it can be used again.
    fn kept(self) -> Option<Self> {
        (!self.ended && !self.sender.is_closed()).then_some(self)
    }
}

impl Failure {
    /// What became of the request, as it is said of several.
    pub(super) fn fate(&self) -> &'static str {
        match self {
            Self::Unconnected(_) => "found no connection",
            Self::Tls(_) => "could not be sent by TLS",
            Self::Unanswered => "got no answer before the connection was closed",
            Self::BrokenOff => "were broken off in the middle of the answer",
            Self::NotHttp => "were not answered in HTTP",
        }
    }

    /// The sentence for a probe that got no further.
    pub(super) fn hindrance(self, run: &Run<'_>, target: &Target) -> Hindrance {
        match self {
            Self::Unconnected(unconnected) => unconnected.hindrance(run, &target.place),
            Self::Tls(text) => {
                let lower = text.to_lowercase();
                Hindrance::new(if lower.contains("certificate") {
                    format!(
                        "the certificate of {target} is not accepted: {}",
                        exchange::certificate_trouble(&lower)
                    )
                } else {
                    format!(
                        "{target} could not be spoken to by TLS ({text}); check that it serves https there"
                    )
                })
            }
            Self::Unanswered => Hindrance::new(format!(
                "{target} closed the connection without an answer; look at its log"
            )),
            Self::BrokenOff => Hindrance::new(format!(
                "{target} broke the connection off in the middle of its answer; look at its log"
            )),
            Self::NotHttp => Hindrance::new(format!(
                "{target} did not answer in HTTP; check the port, and whether it wants https"
            )),
        }
    }
}

/// What the work on a connection gives, while the connection is driven; nothing when it ended before.
async fn driven<Work: Future>(
    driver: &mut http1::Connection<TokioIo<Box<dyn Stream>>, Full<Bytes>>,
    ended: &mut bool,
    work: Work,
) -> Option<Work::Output> {
    let mut work = pin!(work);
    poll_fn(|context| {
        // The connection first: what it brings in is then found in the same turn. How it ended is told to the work.
        if !*ended && Pin::new(&mut *driver).poll(context).is_ready() {
            *ended = true;
        }
        match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if *ended => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// The headers of every request: those of the check, and what HTTP or good manners want besides.
fn headers(url: &Url, mut headers: HeaderMap) -> Result<HeaderMap, Hindrance> {
    let value = |text: String| {
        HeaderValue::try_from(text)
            .map_err(|_| Hindrance::new("`url` has characters that cannot be sent; mend it"))
    };
    if !headers.contains_key(HOST) {
        let host = url.host_str().unwrap_or_default();
        headers.insert(
            HOST,
            value(match url.port() {
                Some(port) => format!("{host}:{port}"),
                None => host.to_owned(),
            })?,
        );
    }
    if !headers.contains_key(AUTHORIZATION) && (!url.username().is_empty() || url.password().is_some()) {
        let mut pair = percent_decode_str(url.username()).collect::<Vec<u8>>();
        pair.push(b':');
        pair.extend(percent_decode_str(url.password().unwrap_or_default()));
        // RFC 7617, 2.
        headers.insert(AUTHORIZATION, value(format!("Basic {}", BASE64.encode(pair)))?);
    }
    headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
    headers
        .entry(USER_AGENT)
        .or_insert(HeaderValue::from_static(exchange::AGENT));
    Ok(headers)
}

#[cfg(test)]
mod tests;
