//! Ctrl-C and SIGTERM: the run is ended, and what is known so far is told.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Whether the run is to stop, and by what.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    /// Cancelled when a signal came.
    pub(super) token: CancellationToken,
    number: Arc<AtomicU8>,
}

impl Stop {
    /// Listens for the signals from now on, in the background.
    pub(super) fn listen() -> io::Result<Self> {
        let stop = Self {
            token: CancellationToken::new(),
            number: Arc::default(),
        };
        for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
            let mut signals = signal(kind)?;
            let stop = stop.clone();
            tokio::spawn(async move {
                if signals.recv().await.is_some() {
                    let number = u8::try_from(kind.as_raw_value()).unwrap_or_default();
                    stop.number.store(number, Ordering::SeqCst);
                    stop.token.cancel();
                }
            });
        }
        Ok(stop)
    }

    /// The number of the signal that came.
    pub(super) fn signal(&self) -> Option<u8> {
        self.token
            .is_cancelled()
            .then(|| self.number.load(Ordering::SeqCst))
    }
}
