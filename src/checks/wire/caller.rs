//! Who sends requests, one after the other, and reads what comes back.

use std::sync::{Mutex, PoisonError};

use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::HeaderMap;
use hyper::{Method, StatusCode, Version};
use tokio::time::Instant;
use url::Url;

use super::Client;
use super::connection::{Attempt, Connection};
use super::failure::Failure;
use super::message::Message;
use super::pool::{Link, Origin};

/// Sends requests. The connection that it used last it keeps at hand, as the next request goes to the same place more often
/// than not; all others, and that one as well once it is put down, are everybody's.
pub(in crate::checks) struct Caller<'a> {
    client: &'a Client,
    at_hand: Mutex<Option<Link>>,
}

/// What is to be sent.
#[derive(Clone, Copy)]
pub(in crate::checks) struct Outgoing<'a> {
    pub(in crate::checks) method: &'a Method,
    pub(in crate::checks) url: &'a Url,
    pub(in crate::checks) headers: &'a HeaderMap,
    pub(in crate::checks) body: Option<&'a str>,
}

/// An answer whose body has not been read yet. Dropping it closes the connection.
pub(in crate::checks) struct Response<'a> {
    pub(in crate::checks) status: StatusCode,
    pub(in crate::checks) headers: HeaderMap,
    pub(in crate::checks) version: Version,
    body: Incoming,
    link: Link,
    caller: &'a Caller<'a>,
}

impl<'a> Caller<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self {
            client,
            at_hand: Mutex::default(),
        }
    }

    /// Sends a request, and waits for the head of its answer until then.
    ///
    /// Where a connection that was kept turns out to be closed, the request is sent on another one: if nothing of it can
    /// have arrived, or if it changes nothing to ask twice (RFC 9110, 9.2.2).
    ///
    /// Dropping the future closes the connection.
    pub(in crate::checks) async fn send(
        &self,
        outgoing: Outgoing<'_>,
        until: Instant,
    ) -> Result<Response<'_>, Failure> {
        self.client.guard.vet_url(outgoing.url)?;
        while let Some(mut kept) = self.kept(outgoing.url) {
            match kept.connection.ask_until(until, outgoing.message()?).await {
                Ok(head) => return Ok(self.response(head, kept)),
                Err(Attempt { sent: false, .. }) => {}
                Err(Attempt {
                    failure: Failure::Unanswered,
                    ..
                }) if outgoing.method.is_idempotent() => {}
                Err(attempt) => return Err(attempt.failure),
            }
        }
        let origin = Origin::of_url(outgoing.url);
        let mut connection = tokio::time::timeout_at(until, self.client.connect(&origin))
            .await
            .unwrap_or(Err(Failure::Silent))?;
        match connection.ask_until(until, outgoing.message()?).await {
            Ok(head) => Ok(self.response(head, Link { origin, connection })),
            Err(attempt) => Err(attempt.failure),
        }
    }

    /// Lets others have the connection that is at hand.
    pub(in crate::checks) fn put_down(&self) {
        if let Some(link) = self.swap(None) {
            self.client.pool.keep(link);
        }
    }

    /// A connection that leads to a URL: the one at hand, or one of everybody's.
    fn kept(&self, url: &Url) -> Option<Link> {
        match self.swap(None) {
            Some(link) if link.origin.is_of_url(url) => return Some(link),
            Some(elsewhere) => self.client.pool.keep(elsewhere),
            None => {}
        }
        self.client.pool.take(Origin::of_url(url))
    }

    /// Takes at hand what can be used again.
    fn keep(&self, link: Link) {
        if link.connection.is_open()
            && let Some(before) = self.swap(Some(link))
        {
            self.client.pool.keep(before);
        }
    }

    fn swap(&self, link: Option<Link>) -> Option<Link> {
        // A panic while the lock is held loses a connection at most.
        let mut at_hand = self.at_hand.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut at_hand, link)
    }

    fn response(&self, head: hyper::Response<Incoming>, link: Link) -> Response<'_> {
        let (head, body) = head.into_parts();
        Response {
            status: head.status,
            headers: head.headers,
            version: head.version,
            body,
            link,
            caller: self,
        }
    }
}

impl Outgoing<'_> {
    pub(super) fn message(&self) -> Result<Message, Failure> {
        let body = self
            .body
            .map(|body| Bytes::copy_from_slice(body.as_bytes()))
            .unwrap_or_default();
        Message::new(self.method, self.url, self.headers, body)
    }
}

impl Response<'_> {
    /// The address of who answered.
    pub(in crate::checks) fn address(&self) -> &str {
        &self.link.connection.address
    }

    /// Does without the body.
    pub(in crate::checks) fn leave(self) {
        // The connection can be used again if there is none.
        if self.body.is_end_stream() {
            self.caller.keep(self.link);
        }
    }

    /// Reads the body into `bytes`, and tells whether there was more of it than that many. What came stays there when
    /// this fails or is dropped.
    pub(in crate::checks) async fn read(mut self, bytes: &mut Vec<u8>, most: usize) -> Result<bool, Failure> {
        let connection: &mut Connection = &mut self.link.connection;
        while let Some(data) = connection.next(&mut self.body).await? {
            let room = most - bytes.len();
            bytes.extend_from_slice(&data[..room.min(data.len())]);
            if data.len() > room {
                // What is left is never read.
                return Ok(true);
            }
        }
        self.caller.keep(self.link);
        Ok(false)
    }
}
