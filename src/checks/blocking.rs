//! Work that blocks, on a thread of its own, that ends with its check.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::probe::{Hindrance, Run};

/// When work on another thread has to end: at the check's deadline, or as soon as nobody waits for it.
#[derive(Clone)]
pub(super) struct Until {
    deadline: Instant,
    given_up: Arc<AtomicBool>,
}

/// The work was told to end before it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended;

impl Until {
    /// To be asked between any two steps that may take long.
    pub(super) fn go_on(&self) -> Result<(), Ended> {
        if self.given_up.load(Ordering::Relaxed) || Instant::now() >= self.deadline {
            return Err(Ended);
        }
        Ok(())
    }
}

/// What the work gives. It is told to end when the check is over, however that comes; where it hangs in the system
/// all the same, as on a network drive that is gone, the check does not wait for it.
pub(super) async fn work<Done: Send + 'static>(
    run: &Run<'_>,
    otherwise: impl FnOnce() -> String,
    work: impl FnOnce(&Until) -> Done + Send + 'static,
) -> Result<Done, Hindrance> {
    let until = Until {
        deadline: run.deadline.into_std(),
        given_up: Arc::default(),
    };
    let _gives_up = GivesUp(Arc::clone(&until.given_up));
    let done = tokio::task::spawn_blocking(move || work(&until));
    match run.in_time(done, otherwise).await? {
        Ok(done) => Ok(done),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that is being shut down drops work that has not begun.
            Err(_) => Err(Hindrance::new("Holdpoint is stopping; run the check again")),
        },
    }
}

struct GivesUp(Arc<AtomicBool>);

impl Drop for GivesUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
impl Until {
    /// For work that nothing ends but its own end.
    pub(super) fn never() -> Self {
        Self {
            deadline: Instant::now() + std::time::Duration::from_hours(1),
            given_up: Arc::default(),
        }
    }
}
