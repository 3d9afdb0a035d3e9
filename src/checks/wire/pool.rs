//! Connections that nobody asks over, kept a while for the next request to the same place.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use super::connection::Connection;
use crate::checks::reach::Place;

/// How long a connection is kept that nobody comes back for. Servers close theirs after 60 to 75 seconds as a rule.
pub(super) const KEPT: Duration = Duration::from_secs(90);
/// How often those that were kept too long are looked for.
const SWEEP: Duration = Duration::from_secs(30);

/// Where a connection leads, and whether by TLS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    pub(super) is_secure: bool,
    pub(super) place: Place,
}

/// A connection, and where it leads.
pub(super) struct Link {
    pub(super) origin: Origin,
    pub(super) connection: Connection,
}

/// The connections of a client.
pub(super) struct Pool {
    /// The most that are kept for one origin.
    per_origin: usize,
    kept_for: Duration,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    connections: BTreeMap<Origin, Vec<Resting>>,
    is_swept: bool,
}

struct Resting {
    connection: Connection,
    since: Instant,
}

impl Origin {
    pub(super) fn of_url(url: &Url) -> Self {
        Self {
            is_secure: is_secure(url),
            place: Place::of_url(url),
        }
    }

    /// Whether that is where a URL leads.
    pub(super) fn is_of_url(&self, url: &Url) -> bool {
        self.is_secure == is_secure(url) && self.place.is_of_url(url)
    }
}

fn is_secure(url: &Url) -> bool {
    url.scheme() == "https"
}

impl Pool {
    pub(super) fn new(per_origin: usize, kept_for: Duration) -> Self {
        Self {
            per_origin,
            kept_for,
            kept: Mutex::default(),
        }
    }

    /// The connection that was used last. Whether it is still open is not known until something is sent on it.
    pub(super) fn take(&self, origin: Origin) -> Option<Link> {
        let mut kept = self.kept();
        let resting = kept.connections.get_mut(&origin)?.pop()?;
        let connection = Some(resting.connection).filter(|_| resting.since.elapsed() < self.kept_for)?;
        Some(Link { origin, connection })
    }

    /// Keeps a connection that can be used again.
    pub(super) fn keep(self: &Arc<Self>, link: Link) {
        let Link { origin, connection } = link;
        if !connection.is_open() {
            return;
        }
        let mut kept = self.kept();
        let of_origin = kept.connections.entry(origin).or_default();
        if of_origin.len() < self.per_origin {
            of_origin.push(Resting {
                connection,
                since: Instant::now(),
            });
        }
        if !std::mem::replace(&mut kept.is_swept, true) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Closes what was kept too long, and tells whether anything is left.
    pub(super) fn close_old(&self) -> bool {
        let mut kept = self.kept();
        kept.connections.retain(|_, of_origin| {
            of_origin.retain(|resting| resting.since.elapsed() < self.kept_for);
            !of_origin.is_empty()
        });
        kept.is_swept = !kept.connections.is_empty();
        kept.is_swept
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // A panic while the lock is held loses a connection at most.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes connections that nobody came back for, until there are none.
async fn sweep(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        match pool.upgrade() {
            Some(pool) if pool.close_old() => {}
            _ => return,
        }
    }
}
