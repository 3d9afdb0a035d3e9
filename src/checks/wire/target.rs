//! Where the same request goes again and again, and what it is: for probes that send many, answers read to their end
//! and thrown away.

use std::fmt;
use std::net::SocketAddr;

use hyper::header::HeaderMap;

use super::caller::Outgoing;
use super::connection::{Attempt, Connection, Tls};
use super::failure::Failure;
use super::message::Message;
use crate::checks::probe::{Hindrance, Run};
use crate::checks::reach::{self, Place};
use crate::checks::template::Written;

/// A request, and where it goes.
pub(in crate::checks) struct Target {
    pub(super) place: Place,
    /// Vetted.
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) tls: Option<Tls>,
    pub(super) message: Message,
    /// The parameter that names it, and what stands there.
    pub(super) parameter: &'static str,
    pub(super) written: String,
}

/// A connection to a target, while there is one that can be used.
#[derive(Debug, Default)]
pub(in crate::checks) struct Way(pub(super) Option<Connection>);

/// What is kept of an answer.
#[derive(Debug)]
pub(in crate::checks) struct Glimpse {
    pub(in crate::checks) status: u16,
    pub(in crate::checks) headers: HeaderMap,
}

impl Target {
    /// Finds the addresses that the request may go to. Nothing is dialled yet. `written` is where the checklist names it.
    pub(in crate::checks) async fn of(
        run: &Run<'_>,
        outgoing: Outgoing<'_>,
        written: Written<'_>,
    ) -> Result<Self, Hindrance> {
        let place = Place::of_url(outgoing.url);
        run.guard.vet_url(outgoing.url)?;
        let found = run.in_time(reach::addresses(run.guard, &place.host, place.port), || {
            format!("the host {} could not be resolved", place.host)
        });
        let told = |failure: Failure| failure.hindrance(run, &place, written);
        let addresses = found
            .await?
            .map_err(|unreached| told(Failure::Unreached(unreached)))?;
        let tls = match outgoing.url.scheme() {
            "https" => Some(Tls::public_of_http_1().map_err(told)?),
            _ => None,
        };
        Ok(Self {
            addresses,
            tls,
            message: outgoing.message().map_err(told)?,
            parameter: written.parameter,
            written: written.text.to_owned(),
            place,
        })
    }

    /// Dials the target.
    pub(in crate::checks) async fn way(&self) -> Result<Way, Failure> {
        Ok(Way(Some(self.open().await?)))
    }

    /// Sends the request on the connection, or on a new one where there is none that can be used, and reads the answer
    /// to its end. The connection is left there if it can be used again.
    ///
    /// Dropping the future closes the connection.
    pub(in crate::checks) async fn ask(&self, way: &mut Way) -> Result<Glimpse, Failure> {
        if let Some(mut open) = way.0.take() {
            match self.ask_over(&mut open).await {
                Ok(glimpse) => {
                    way.0 = Some(open).filter(Connection::is_open);
                    return Ok(glimpse);
                }
                Err(Attempt { failure, sent: true }) => return Err(failure),
                // The other side had closed it while it was idle, which it may.
                Err(Attempt { sent: false, .. }) => {}
            }
        }
        let mut open = self.open().await?;
        let glimpse = self
            .ask_over(&mut open)
            .await
            .map_err(|attempt| attempt.failure)?;
        way.0 = Some(open).filter(Connection::is_open);
        Ok(glimpse)
    }

    /// The sentence for a probe that got no further.
    pub(in crate::checks) fn hindrance(&self, run: &Run<'_>, failure: Failure) -> Hindrance {
        let written = Written {
            parameter: self.parameter,
            text: &self.written,
        };
        failure.hindrance(run, &self.place, written)
    }

    async fn open(&self) -> Result<Connection, Failure> {
        Connection::open(&self.place, &self.addresses, self.tls.as_ref()).await
    }

    async fn ask_over(&self, connection: &mut Connection) -> Result<Glimpse, Attempt> {
        let (head, mut body) = connection.ask(self.message.clone()).await?.into_parts();
        let broken = |failure| Attempt { failure, sent: true };
        while connection.next(&mut body).await.map_err(broken)?.is_some() {}
        Ok(Glimpse {
            status: head.status.as_u16(),
            headers: head.headers,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}
