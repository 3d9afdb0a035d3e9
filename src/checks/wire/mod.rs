//! HTTP: requests sent and answers read, for every probe that asks by it.
//!
//! Only addresses are dialled that the guard lets through. No proxy is used, no redirect followed, no cookie kept and
//! nothing unpacked.

mod caller;
mod connection;
mod failure;
mod message;
mod pool;
mod target;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio_rustls::rustls::{self, RootCertStore};

pub(super) use self::caller::{Caller, Outgoing, Response};
use self::connection::{Connection, Tls};
pub(super) use self::failure::Failure;
use self::pool::{Origin, Pool};
pub(super) use self::target::{Glimpse, Target, Way};
use super::guard::Guard;
use super::reach;
use super::tls::public_roots;

/// What those who send requests have in common: whom they may reach and whom they trust, and connections that are kept for the
/// next request.
pub(super) struct Client {
    guard: Arc<Guard>,
    tls: Tls,
    pool: Arc<Pool>,
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

    /// Somebody who sends requests over it.
    pub(super) fn caller(&self) -> Caller<'_> {
        Caller::new(self)
    }

    async fn connect(&self, origin: &Origin) -> Result<Connection, Failure> {
        let place = &origin.place;
        let addresses = reach::addresses(&self.guard, &place.host, place.port)
            .await
            .map_err(Failure::Unreached)?;
        let tls = origin.is_secure.then_some(&self.tls);
        Connection::open(place, &addresses, tls).await
    }
}
