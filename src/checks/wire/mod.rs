//! HTTP: requests sent and answers read, for every probe that asks by it.
//!
//! Only addresses are dialled that the guard lets through. No proxy is used, no redirect followed, no cookie kept and
//! nothing unpacked.

mod connection;
mod failure;
mod message;
mod pool;
mod target;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::HeaderMap;
use hyper::{Method, StatusCode, Version};
use tokio::time::Instant;
use tokio_rustls::rustls::{self, RootCertStore};
use url::Url;

use self::connection::{Attempt, Connection, Tls};
pub(super) use self::failure::Failure;
use self::message::Message;
use self::pool::{Origin, Pool};
pub(super) use self::target::{Glimpse, Target, Way};
use super::guard::Guard;
use super::reach::{self, Place};
use super::tls::public_roots;

/// What sends requests, and keeps connections for the next ones.
pub(super) struct Client {
    guard: Arc<Guard>,
    tls: Tls,
    pool: Arc<Pool>,
}

/// What is to be sent.
#[derive(Clone, Copy)]
pub(super) struct Outgoing<'a> {
    pub(super) method: &'a Method,
    pub(super) url: &'a Url,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: Option<&'a str>,
}

/// An answer whose body has not been read yet. Dropping it closes the connection.
pub(super) struct Response<'a> {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) version: Version,
    body: Incoming,
    connection: Connection,
    origin: Origin,
    pool: &'a Arc<Pool>,
}

impl Client {
    /// A client that reaches what the guard lets it reach, trusts the authorities that browsers trust, and keeps so many
    /// connections to one place.
    ///
    /// # Errors
    /// When TLS cannot be initialised.
    pub(super) fn new(guard: Arc<Guard>, per_origin: usize) -> Result<Self, rustls::Error> {
        Self::trusting(guard, per_origin, public_roots())
    }

    /// The same with other authorities.
    pub(super) fn trusting(
        guard: Arc<Guard>,
        per_origin: usize,
        roots: RootCertStore,
    ) -> Result<Self, rustls::Error> {
        Ok(Self {
            guard,
            tls: Tls::trusting(roots)?,
            pool: Arc::new(Pool::new(per_origin, pool::KEPT)),
        })
    }

    /// Sends a request, and waits for the head of its answer until then.
    ///
    /// Where a connection that was kept turns out to be closed, the request is sent on another one: if nothing of it can
    /// have arrived, or if it changes nothing to ask twice (RFC 9110, 9.2.2).
    ///
    /// Dropping the future closes the connection.
    pub(super) async fn send(&self, outgoing: Outgoing<'_>, until: Instant) -> Result<Response<'_>, Failure> {
        self.guard.vet_url(outgoing.url)?;
        let origin = Origin {
            is_secure: outgoing.url.scheme() == "https",
            place: Place::of_url(outgoing.url),
        };
        while let Some(mut kept) = self.pool.take(&origin) {
            match kept.ask_until(until, outgoing.message()?).await {
                Ok(head) => return Ok(self.response(head, kept, origin)),
                Err(Attempt { sent: false, .. }) => {}
                Err(Attempt {
                    failure: Failure::Unanswered,
                    ..
                }) if outgoing.method.is_idempotent() => {}
                Err(attempt) => return Err(attempt.failure),
            }
        }
        let mut connection = tokio::time::timeout_at(until, self.connect(&origin))
            .await
            .unwrap_or(Err(Failure::Silent))?;
        match connection.ask_until(until, outgoing.message()?).await {
            Ok(head) => Ok(self.response(head, connection, origin)),
            Err(attempt) => Err(attempt.failure),
        }
    }

    async fn connect(&self, origin: &Origin) -> Result<Connection, Failure> {
        let place = &origin.place;
        let addresses = reach::addresses(&self.guard, &place.host, place.port)
            .await
            .map_err(Failure::Unreached)?;
        let tls = origin.is_secure.then_some(&self.tls);
        Connection::open(place, &addresses, tls).await
    }

    fn response(
        &self,
        head: hyper::Response<Incoming>,
        connection: Connection,
        origin: Origin,
    ) -> Response<'_> {
        let (head, body) = head.into_parts();
        Response {
            status: head.status,
            headers: head.headers,
            version: head.version,
            body,
            connection,
            origin,
            pool: &self.pool,
        }
    }
}

impl Outgoing<'_> {
    fn message(&self) -> Result<Message, Failure> {
        let body = self
            .body
            .map(|body| Bytes::copy_from_slice(body.as_bytes()))
            .unwrap_or_default();
        Message::new(self.method, self.url, self.headers, body)
    }
}

impl Response<'_> {
    /// The address of who answered.
    pub(super) fn address(&self) -> &str {
        &self.connection.address
    }

    /// Does without the body.
    pub(super) fn leave(self) {
        // The connection can be used again if there is none.
        if self.body.is_end_stream() {
            self.pool.keep(self.origin, self.connection);
        }
    }

    /// Reads the body into `bytes`, and tells whether there was more of it than that many. What came stays there when
    /// this fails or is dropped.
    pub(super) async fn read(mut self, bytes: &mut Vec<u8>, most: usize) -> Result<bool, Failure> {
        while let Some(data) = self.connection.next(&mut self.body).await? {
            let room = most - bytes.len();
            bytes.extend_from_slice(&data[..room.min(data.len())]);
            if data.len() > room {
                // What is left is never read.
                return Ok(true);
            }
        }
        self.pool.keep(self.origin, self.connection);
        Ok(false)
    }
}
