//! The listener and its life.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    health::{Readiness, router},
    hooks::{self, Hooks},
};
use crate::telemetry::Metrics;

/// How long the head of a request may take to come, and how long a connection is kept for the next request. Proxies let
/// theirs rest for 60 seconds as a rule (nginx, `keepalive_timeout` of an upstream), and are to close them first.
const HEAD_LIMIT: Duration = Duration::from_secs(75);
/// How long the listener rests when the system has no connection for it, as where no file can be opened any more.
const REST: Duration = Duration::from_secs(1);

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

    /// Answers until `stop`, then finishes the requests in hand. Whoever stops it decides how long to wait for those. A
    /// connection on which no whole head of a request comes within 75 seconds is closed.
    pub async fn serve(
        self,
        readiness: Arc<dyn Readiness>,
        hooks: Arc<dyn Hooks>,
        metrics: Metrics,
        stop: CancellationToken,
    ) {
        let routes = router(readiness, metrics.clone()).merge(hooks::router(hooks));
        let answering = answer(self.listener, routes, HEAD_LIMIT, stop.clone());
        let upkeep = metrics.upkeep(stop);
        tokio::join!(answering, upkeep);
    }
}

/// Takes connections until `stop`. axum's own way to serve waits for a head for ever.
async fn answer(listener: TcpListener, routes: Router, head_limit: Duration, stop: CancellationToken) {
    let in_hand = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(fault) if is_of_one_connection(&fault) => continue,
            Err(fault) => {
                tracing::error!(%fault, "no connection can be taken; it is tried again in a second");
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_limit)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes.clone()));
        let answered = in_hand.watch(connection);
        // How a connection ends is the other side's affair.
        tokio::spawn(async move { drop(answered.await) });
    }
    drop(listener);
    in_hand.shutdown().await;
}

/// Whether a connection was gone before it was taken.
fn is_of_one_connection(fault: &io::Error) -> bool {
    matches!(
        fault.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn a_head_that_does_not_end_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let limit = Duration::from_millis(100);
        let stop = CancellationToken::new();
        let answering = tokio::spawn(answer(listener, Router::new(), limit, stop.clone()));

        let began = Instant::now();
        let stream = TcpStream::connect(address).await.expect("a connection");
        let (mut answer, mut request) = stream.into_split();
        request
            .write_all(b"GET /health HTTP/1.1\r\nx-long: ")
            .await
            .expect("the beginning is taken");
        // One byte after another, until nobody takes them any more.
        let dripping = tokio::spawn(async move {
            let mut every = tokio::time::interval(limit / 10);
            while request.write_all(b"a").await.is_ok() {
                every.tick().await;
            }
        });
        let mut told = Vec::new();
        // Closed with bytes unread, the connection may end as one that was reset.
        let _ = answer.read_to_end(&mut told).await;
        assert!(began.elapsed() >= limit, "it was closed at once");
        assert_eq!(told, b"");
        dripping.await.expect("the connection is closed in the end");
        stop.cancel();
        answering.await.expect("the server ends");
    }
}
