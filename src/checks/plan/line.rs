//! Checks of one run that crowd the same, one behind the other, and the tasks that take them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::Ended;
use crate::checks::share::Queue;

/// A check that has not begun.
pub(super) struct Waiting {
    /// Its place among the checks of the run.
    pub(super) index: usize,
    /// Who waits for it, where there is anybody.
    pub(super) needed_by: Option<oneshot::Sender<Ended>>,
}

/// A line.
pub(super) struct Line {
    /// Where each of them waits for its place.
    pub(super) queue: Queue,
    standing: Mutex<Standing>,
}

#[derive(Default)]
struct Standing {
    checks: VecDeque<Waiting>,
    /// Tasks that take one after the other.
    takers: usize,
}

impl Waiting {
    /// Tells everybody how it ended.
    pub(super) fn tell(self, teller: &mpsc::UnboundedSender<Ended>, ended: Ended) {
        // Whoever waited may have been ended.
        if let Some(needed_by) = self.needed_by {
            let _ = needed_by.send(ended.clone());
        }
        let _ = teller.send(ended);
    }
}

impl Line {
    pub(super) fn new(queue: Queue) -> Self {
        Self {
            queue,
            standing: Mutex::default(),
        }
    }

    /// Puts a check at the end. Whether there has to be one more task to take it: there are as many as there can be places.
    pub(super) fn push(&self, waiting: Waiting) -> bool {
        let mut standing = self.standing();
        standing.checks.push_back(waiting);
        let wanted = standing.takers < self.queue.width;
        standing.takers += usize::from(wanted);
        wanted
    }

    /// The next check; nothing for a task that is no longer needed.
    pub(super) fn next(&self) -> Option<Waiting> {
        let mut standing = self.standing();
        let next = standing.checks.pop_front();
        standing.takers -= usize::from(next.is_none());
        next
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        // A panic while the lock is held cannot leave the line half changed.
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
