//! The listener and its life.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    health::{Readiness, router},
    hooks::{self, Hooks},
};
use crate::telemetry::Metrics;

/// A listener that has its address and answers nobody yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error(
    "http.listen is {address}, which cannot be listened on ({fault}); stop what uses it or configure another"
)]
pub struct BindError {
    address: SocketAddr,
    #[source]
    fault: io::Error,
}

impl Server {
    /// Takes an address; port 0 takes any that is free.
    ///
    /// # Errors
    /// [`BindError`] when it is taken or not this machine's.
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let refused = |fault| BindError { address, fault };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self { listener, address })
    }

    /// The address that was taken, with its real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop`, then finishes the requests in hand. Whoever stops it decides how long to wait for those.
    ///
    /// # Errors
    /// What the operating system says when the listener breaks.
    pub async fn serve(
        self,
        readiness: Arc<dyn Readiness>,
        hooks: Arc<dyn Hooks>,
        metrics: Metrics,
        stop: CancellationToken,
    ) -> io::Result<()> {
        let routes = router(readiness, metrics.clone()).merge(hooks::router(hooks));
        let stopped = stop.clone().cancelled_owned();
        let served = axum::serve(self.listener, routes).with_graceful_shutdown(stopped);
        let upkeep = metrics.upkeep(stop);
        let (served, ()) = tokio::join!(served.into_future(), upkeep);
        served
    }
}
