//! One timer for one deadline after the other.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Poll, Waker};

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is not set anew for every deadline. To set one and to take it back costs more than much of what it watches
/// over, and what is watched over ends long before its deadline as a rule: so the timer stays where it was set first, and
/// is moved when it rings too early, or would ring too late.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    timer: Option<Pin<Box<Sleep>>>,
    /// Whom it wakes, as far as it was told.
    wakes: Option<Waker>,
}

impl Alarm {
    /// What the work gives, if it is done by then. It is pinned already, as to move it here would be to copy all that it
    /// will ever hold.
    pub(super) async fn before<Work: Future>(
        &mut self,
        until: Instant,
        mut work: Pin<&mut Work>,
    ) -> Option<Work::Output> {
        poll_fn(|context| {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(Some(done));
            }
            let is_known = |wakes: &Waker| wakes.will_wake(context.waker());
            let knows_whom = self.wakes.as_ref().is_some_and(is_known);
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
            if timer.deadline() > until {
                timer.as_mut().reset(until);
            } else if knows_whom && !timer.is_elapsed() {
                // To tell it again costs as much as to set it.
                return Poll::Pending;
            }
            while timer.as_mut().poll(context).is_ready() {
                if Instant::now() >= until {
                    return Poll::Ready(None);
                }
                timer.as_mut().reset(until);
            }
            self.wakes = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::pin::pin;
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use tokio::task::yield_now;

    use super::*;

    fn after(milliseconds: u64) -> Instant {
        Instant::now() + Duration::from_millis(milliseconds)
    }

    /// What is done at that time.
    async fn done_at(then: Instant) {
        assert_eq!(Alarm::default().before(then, pin!(pending::<()>())).await, None);
    }

    #[tokio::test]
    async fn it_rings_at_each_deadline_whichever_came_before() {
        let mut alarm = Alarm::default();
        for patience in [30, 30, 5, 60, 1, 0] {
            let until = after(patience);
            assert_eq!(alarm.before(until, pin!(ready("done"))).await, Some("done"));
            assert_eq!(alarm.before(until, pin!(pending::<()>())).await, None);
            assert!(Instant::now() >= until);
        }
    }

    #[tokio::test]
    async fn work_that_outlasts_an_earlier_deadline_is_waited_for() {
        let mut alarm = Alarm::default();
        let until = after(30);
        assert_eq!(alarm.before(until, pin!(done_at(after(5)))).await, Some(()));
        // The first deadline rings in the middle of it.
        let then = until + Duration::from_millis(20);
        assert_eq!(alarm.before(after(30_000), pin!(done_at(then))).await, Some(()));
        assert!(Instant::now() >= then);
    }

    #[tokio::test]
    async fn work_that_is_looked_at_again_and_again_is_not_waited_for_longer() {
        let restless = async {
            for _ in 0..3 {
                yield_now().await;
            }
            pending::<()>().await;
        };
        assert_eq!(Alarm::default().before(after(30), pin!(restless)).await, None);
    }

    #[tokio::test]
    async fn it_wakes_whoever_waits_now() {
        let mut alarm = Alarm::default();
        let until = after(30);
        let silent = pin!(pending::<()>());
        // Somebody who cannot be woken looks first.
        assert_eq!(alarm.before(until, silent).now_or_never(), None);
        let waiting = tokio::spawn(async move { alarm.before(until, pin!(pending::<()>())).await });
        assert_eq!(waiting.await.expect("a task"), None);
    }

    #[tokio::test]
    async fn the_timer_is_set_once_for_work_that_ends_in_time() {
        let mut alarm = Alarm::default();
        let mut deadlines = Vec::new();
        for _ in 0..3 {
            let worked = alarm.before(after(30_000), pin!(done_at(after(1)))).await;
            assert_eq!(worked, Some(()));
            deadlines.extend(alarm.timer.as_ref().map(|timer| timer.deadline()));
        }
        assert_eq!(deadlines, [deadlines[0]; 3]);
    }
}
