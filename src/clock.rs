//! What time it is, and waiting for a time to come.
//!
//! Everything that asks for the date asks a [`Clock`], so that tests move time instead of waiting for it and
//! `holdpoint try` can show tomorrow's escalation today. How long a piece of work took is another matter:
//! that is measured with [`std::time::Instant`], which no clock of ours moves.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// A clock that can be read and waited for.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// Returns once [`Clock::now`] is at or past `deadline`; at once when it already is.
    ///
    /// Moving the clock wakes those who wait. Dropping the future gives the wait up.
    async fn sleep_until(&self, deadline: Timestamp);
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// The machine's clock, moved by as many milliseconds as a channel says.
#[derive(Clone, Debug)]
pub struct OffsetClock {
    offset_ms: watch::Receiver<i64>,
}

/// A clock that stands still until it is moved. Clones share their time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: watch::Sender<Timestamp>,
}

/// The longest single sleep on the machine's clock. The timer underneath stands still while the machine is
/// suspended and is not told when its date is set, so a longer wait looks at the date this often.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        system_now()
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        while let Some(left) = left_until(deadline, self.now()) {
            tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
        }
    }
}

impl OffsetClock {
    /// A clock that is ahead of the machine's by the channel's milliseconds, or behind it when they are negative.
    ///
    /// When the sender is gone, the last offset stays.
    pub fn new(offset_ms: watch::Receiver<i64>) -> Self {
        Self { offset_ms }
    }
}

#[async_trait]
impl Clock for OffsetClock {
    fn now(&self) -> Timestamp {
        moved(
            system_now(),
            SignedDuration::from_millis(*self.offset_ms.borrow()),
        )
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        let mut offset_ms = self.offset_ms.clone();
        loop {
            // The value is marked as seen before it is used, so that a move between here and the sleep wakes it.
            let offset = SignedDuration::from_millis(*offset_ms.borrow_and_update());
            let Some(left) = left_until(deadline, moved(system_now(), offset)) else {
                return;
            };
            let sleep = tokio::time::sleep(left.min(LONGEST_SLEEP));
            tokio::select! {
                () = sleep => {}
                // Without a sender the offset cannot change any more, and only the sleep is left.
                Ok(()) = offset_ms.changed() => {}
            }
        }
    }
}

impl ManualClock {
    /// A clock that stands at this moment.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now: watch::Sender::new(now),
        }
    }

    /// Moves the clock by this much, backwards when it is negative, and wakes whoever's time has come.
    pub fn advance(&self, by: SignedDuration) {
        self.now.send_modify(|now| *now = moved(*now, by));
    }

    /// Sets the clock and wakes whoever's time has come.
    pub fn set(&self, now: Timestamp) {
        self.now.send_replace(now);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        let mut now = self.now.subscribe();
        // The sender is held by `self`, which outlives this future, so waiting cannot fail.
        let _ = now.wait_for(|now| *now >= deadline).await;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the machine's clock is read"
)]
fn system_now() -> Timestamp {
    Timestamp::now()
}

/// The time moved by a duration; at the ends of what a timestamp can say, it stops there.
fn moved(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(if by.is_negative() {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// How long until the deadline; nothing when it has come. Never zero.
fn left_until(deadline: Timestamp, now: Timestamp) -> Option<Duration> {
    let left = Duration::try_from(deadline.duration_since(now)).ok()?;
    (!left.is_zero()).then_some(left)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt;

    use super::*;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn hours(hours: i64) -> SignedDuration {
        SignedDuration::from_hours(hours)
    }

    #[tokio::test]
    async fn a_manual_clock_wakes_those_whose_time_has_come_and_no_others() {
        let clock = ManualClock::new(START);
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let mut first = shared.sleep_until(START + hours(1));
        let mut second = shared.sleep_until(START + hours(2));
        assert_eq!((&mut first).now_or_never(), None);
        assert_eq!((&mut second).now_or_never(), None);

        clock.advance(hours(1));
        assert_eq!(first.now_or_never(), Some(()), "a deadline that is now has come");
        assert_eq!((&mut second).now_or_never(), None);

        clock.set(START + hours(5));
        assert_eq!(second.now_or_never(), Some(()));
        assert_eq!(shared.now(), START + hours(5));
    }

    #[tokio::test]
    async fn moving_an_offset_clock_wakes_a_task_that_waits_for_tomorrow() {
        let (offset_ms, receiver) = watch::channel(0);
        let clock = Arc::new(OffsetClock::new(receiver));
        let tomorrow = clock.now() + hours(24);
        let waiting = tokio::spawn({
            let clock = Arc::clone(&clock);
            async move { clock.sleep_until(tomorrow).await }
        });

        offset_ms.send_replace(hours(12).as_millis() as i64);
        assert!(!waiting.is_finished());
        assert!(clock.now() < tomorrow);
        offset_ms.send_replace(hours(25).as_millis() as i64);
        waiting.await.expect("the waiting task ends well");
        assert!(clock.now() >= tomorrow);
    }

    #[tokio::test]
    async fn an_offset_clock_keeps_going_when_nobody_can_move_it_any_more() {
        let (offset_ms, receiver) = watch::channel(0);
        drop(offset_ms);
        let clock = OffsetClock::new(receiver);
        clock
            .sleep_until(clock.now() + SignedDuration::from_millis(5))
            .await;
        assert_eq!(clock.sleep_until(clock.now()).now_or_never(), Some(()));
    }

    #[tokio::test]
    async fn the_machines_clock_returns_at_its_deadline() {
        let deadline = SystemClock.now() + SignedDuration::from_millis(5);
        SystemClock.sleep_until(deadline).await;
        assert!(SystemClock.now() >= deadline);
        assert_eq!(SystemClock.sleep_until(Timestamp::MIN).now_or_never(), Some(()));
    }

    #[test]
    fn a_clock_moved_beyond_the_end_of_time_stands_at_it() {
        let clock = ManualClock::new(START);
        clock.advance(SignedDuration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
        clock.advance(SignedDuration::MIN);
        clock.advance(SignedDuration::MIN);
        assert_eq!(clock.now(), Timestamp::MIN);
    }
}
