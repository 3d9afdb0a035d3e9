//! What the workers have in common: they look at their rows, and rest until there may be more.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::error::Fault;
use crate::clock::Clock;

/// How long a worker waits after the database failed.
const AFTER_FAULT: Duration = Duration::from_secs(5);

/// How a rest ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rested {
    /// There may be something to do.
    Enough,
    /// The worker was stopped.
    Stopped,
}

/// Rests after a look at the rows, until woken or until what they named as next; after a fault for a while.
pub(super) async fn rest(
    worker: &'static str,
    looked: Result<Option<Timestamp>, Fault>,
    woken: impl Future<Output = ()>,
    clock: &Arc<dyn Clock>,
    stop: &CancellationToken,
) -> Rested {
    let next = match looked {
        Ok(next) => next,
        Err(fault) => {
            error!(worker, error = %fault, "the database failed a worker; it tries again");
            return tokio::select! {
                () = tokio::time::sleep(AFTER_FAULT) => Rested::Enough,
                () = stop.cancelled() => Rested::Stopped,
            };
        }
    };
    tokio::select! {
        () = stop.cancelled() => Rested::Stopped,
        () = woken => Rested::Enough,
        () = until(clock, next) => Rested::Enough,
    }
}

/// Waits until an instant; for ever where there is none.
pub(super) async fn until(clock: &Arc<dyn Clock>, instant: Option<Timestamp>) {
    match instant {
        Some(instant) => clock.sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
