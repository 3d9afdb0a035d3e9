//! One connection: dialled, TLS and the version of HTTP agreed on, and requests sent on it one after the other.
//!
//! A connection of HTTP/1.1 is driven by whoever asks over it, in the same task, so that a request costs no hop from
//! task to task. One of HTTP/2 has tasks of its own, as its library wants it.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, LazyLock};
use std::task::Poll;

use futures_util::FutureExt as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use super::failure::Failure;
use super::message::Message;
use crate::checks::alarm::Alarm;
use crate::checks::reach::{self, Place};
use crate::checks::tls::public_roots;

/// A version of HTTP as TLS names it (RFC 7301, 6, and RFC 9113, 11.1).
const HTTP_1: &[u8] = b"http/1.1";
const HTTP_2: &[u8] = b"h2";

type Content = Full<Bytes>;
type Stream = TokioIo<Box<dyn Duplex>>;

/// A connection that requests can be sent on.
pub(super) struct Connection {
    protocol: Protocol,
    /// The address at the other end, without its port.
    pub(super) address: Box<str>,
    alarm: Alarm,
}

enum Protocol {
    One(Box<Http1>),
    Two(http2::SendRequest<Content>),
}

struct Http1 {
    sender: http1::SendRequest<Content>,
    driver: http1::Connection<Stream, Content>,
    ended: bool,
}

/// A failure, and whether the request can be sent again as if nothing had been.
pub(super) struct Attempt {
    pub(super) failure: Failure,
    pub(super) sent: bool,
}

/// Whom to trust, and which versions of HTTP to offer.
#[derive(Clone)]
pub(super) struct Tls(TlsConnector);

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<Any: AsyncRead + AsyncWrite + Send + Unpin> Duplex for Any {}

impl Tls {
    /// TLS 1.2 and 1.3 with these authorities, for the newest version of HTTP that both sides speak.
    pub(super) fn trusting(roots: RootCertStore) -> Result<Self, rustls::Error> {
        Self::offering(&[HTTP_2, HTTP_1], roots)
    }

    /// The same for HTTP/1.1 alone.
    pub(super) fn of_http_1(roots: RootCertStore) -> Result<Self, rustls::Error> {
        Self::offering(&[HTTP_1], roots)
    }

    /// HTTP/1.1 with the authorities that browsers trust.
    pub(super) fn public_of_http_1() -> Result<Self, Failure> {
        static PUBLIC: LazyLock<Result<Tls, rustls::Error>> =
            LazyLock::new(|| Tls::of_http_1(public_roots()));
        PUBLIC
            .clone()
            .map_err(|error| Failure::Unsendable(format!("TLS cannot be spoken here: {error}")))
    }

    fn offering(versions: &[&[u8]], roots: RootCertStore) -> Result<Self, rustls::Error> {
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = versions.iter().map(|version| version.to_vec()).collect();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }
}

impl Connection {
    /// Dials a place at the first of its addresses that answers, all of which the guard has let through.
    pub(super) async fn open(
        place: &Place,
        addresses: &[SocketAddr],
        tls: Option<&Tls>,
    ) -> Result<Self, Failure> {
        let stream = reach::dial(place, addresses)
            .await
            .map_err(Failure::Unconnected)?;
        let address = stream.peer_addr().map_err(|_| Failure::Unanswered)?;
        let address = address.ip().to_string().into();
        // Where this cannot be set, requests are only slower.
        let _ = stream.set_nodelay(true);
        let unspoken = |error: &dyn fmt::Display| Failure::Tls(error.to_string());
        let (stream, is_2): (Box<dyn Duplex>, bool) = match tls {
            None => (Box::new(stream), false),
            Some(Tls(connector)) => {
                let name = ServerName::try_from(place.host.clone()).map_err(|error| unspoken(&error))?;
                let stream = connector
                    .connect(name, stream)
                    .await
                    .map_err(|error| unspoken(&error))?;
                let is_2 = stream.get_ref().1.alpn_protocol() == Some(HTTP_2);
                (Box::new(stream), is_2)
            }
        };
        let stream = TokioIo::new(stream);
        let protocol = if is_2 {
            let (sender, driver) = http2::handshake(TokioExecutor::new(), stream)
                .await
                .map_err(|error| Failure::of(&error))?;
            // It ends when there is no sender any more. How it ends is told to whoever waits for an answer.
            tokio::spawn(driver);
            Protocol::Two(sender)
        } else {
            let (sender, driver) = http1::Builder::new()
                // What is sent is short: one copy costs less than a list of pieces for the kernel.
                .writev(false)
                .handshake(stream)
                .await
                .map_err(|error| Failure::of(&error))?;
            Protocol::One(Box::new(Http1 {
                sender,
                driver,
                ended: false,
            }))
        };
        Ok(Self {
            protocol,
            address,
            alarm: Alarm::default(),
        })
    }

    /// Sends a request, and waits for the head of its answer until then.
    pub(super) async fn ask_until(
        &mut self,
        until: Instant,
        message: Message,
    ) -> Result<Response<Incoming>, Attempt> {
        let asked = pin!(self.protocol.ask(message));
        let answered = self.alarm.before(until, asked).await;
        answered.unwrap_or(Err(Attempt {
            failure: Failure::Silent,
            sent: true,
        }))
    }

    /// The same for however long that takes.
    pub(super) async fn ask(&mut self, message: Message) -> Result<Response<Incoming>, Attempt> {
        self.protocol.ask(message).await
    }

    /// The next piece of an answer's body; nothing at its end.
    pub(super) async fn next(&mut self, body: &mut Incoming) -> Result<Option<Bytes>, Failure> {
        loop {
            let frame = match &mut self.protocol {
                Protocol::One(http) => match body.frame().now_or_never() {
                    // It had come with what came before.
                    Some(frame) => Some(frame),
                    None => driven(&mut http.driver, &mut http.ended, body.frame()).await,
                },
                Protocol::Two(_) => Some(body.frame().await),
            };
            match frame {
                Some(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Some(None) => return Ok(None),
                Some(Some(Err(_))) | None => return Err(Failure::BrokenOff),
            }
        }
    }

    /// Whether another request can be sent, once the last answer is over.
    pub(super) fn is_open(&self) -> bool {
        match &self.protocol {
            Protocol::One(http) => !http.ended && !http.sender.is_closed(),
            Protocol::Two(sender) => !sender.is_closed(),
        }
    }
}

impl Protocol {
    async fn ask(&mut self, message: Message) -> Result<Response<Incoming>, Attempt> {
        let unsent = || Attempt {
            failure: Failure::Unanswered,
            sent: false,
        };
        match self {
            Self::One(http) => {
                let Http1 {
                    sender,
                    driver,
                    ended,
                } = &mut **http;
                driven(driver, ended, sender.ready())
                    .await
                    .and_then(Result::ok)
                    .ok_or_else(unsent)?;
                let request = message.over_http_1();
                let answered = driven(driver, ended, sender.try_send_request(request)).await;
                answered.map_or(
                    Err(Attempt {
                        failure: Failure::Unanswered,
                        sent: true,
                    }),
                    attempted,
                )
            }
            Self::Two(sender) => {
                sender.ready().await.map_err(|_| unsent())?;
                let request = message
                    .over_http_2()
                    .map_err(|failure| Attempt { failure, sent: true })?;
                attempted(sender.try_send_request(request).await)
            }
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

fn attempted(
    answered: Result<Response<Incoming>, TrySendError<Request<Content>>>,
) -> Result<Response<Incoming>, Attempt> {
    answered.map_err(|error| Attempt {
        sent: error.message().is_none(),
        failure: Failure::of(error.error()),
    })
}

/// What the work on a connection gives, while the connection is driven; nothing when it ended before.
async fn driven<Work: Future>(
    driver: &mut http1::Connection<Stream, Content>,
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
