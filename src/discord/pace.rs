//! Waiting for Discord's rate limits, and letting go of work that waits when the bot stops.

use serenity::all::RatelimitInfo;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What the work of a scope waits for before it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// For nothing but answers.
    None,
    /// For a rate limit, which ends then.
    Until(Instant),
    /// For others who are before it.
    InLine,
}

tokio::task_local! {
    static WAIT: watch::Sender<Wait>;
}

impl Wait {
    fn lasts(self) -> bool {
        match self {
            Self::None => false,
            Self::Until(end) => end > Instant::now(),
            Self::InLine => true,
        }
    }
}

/// Does work of which nothing is lost when it is not done now. Once `stop` is cancelled, it is dropped as soon as it waits
/// for a rate limit or in line; a request that is on its way is seen through. `None` when it was dropped.
pub(super) async fn unless_it_waits<T>(stop: &CancellationToken, work: impl Future<Output = T>) -> Option<T> {
    let (sender, mut wait) = watch::channel(Wait::None);
    let told_to_stop = async {
        stop.cancelled().await;
        if wait.wait_for(|wait| wait.lasts()).await.is_err() {
            // The work has ended, and says so itself.
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        done = WAIT.scope(sender, work) => Some(done),
        () = told_to_stop => None,
    }
}

/// Waits for its turn, which somebody else may have.
pub(super) async fn in_line<T>(turn: impl Future<Output = T>) -> T {
    now_waits(Wait::InLine);
    let turn = turn.await;
    now_waits(Wait::None);
    turn
}

/// Hears from serenity that a request begins to wait for a rate limit.
#[expect(
    clippy::needless_pass_by_value,
    reason = "this is what serenity calls, and it gives the description away"
)]
pub(super) fn limited(info: RatelimitInfo) {
    now_waits(Wait::Until(Instant::now() + info.timeout));
}

fn now_waits(wait: Wait) {
    // Answers to people are given in no such scope: they are waited for, whatever they wait for.
    let _ = WAIT.try_with(|sender| sender.send_replace(wait));
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::time::Duration;

    use tokio::task::yield_now;

    use super::*;

    /// A wait that no test sees the end of.
    const LONG: Duration = Duration::from_hours(1);

    #[tokio::test]
    async fn work_that_waits_is_dropped_when_the_bot_stops() {
        let stop = CancellationToken::new();
        let limited_before = unless_it_waits(&stop, async {
            now_waits(Wait::Until(Instant::now() + LONG));
            stop.cancel();
            pending::<()>().await;
        });
        assert_eq!(limited_before.await, None);
        let limited_afterwards = unless_it_waits(&stop, async {
            yield_now().await;
            now_waits(Wait::Until(Instant::now() + LONG));
            pending::<()>().await;
        });
        assert_eq!(limited_afterwards.await, None);
        let never_first = unless_it_waits(&stop, in_line(pending::<()>()));
        assert_eq!(never_first.await, None);
    }

    #[tokio::test]
    async fn work_that_is_on_its_way_is_seen_through() {
        let stop = CancellationToken::new();
        let limited_once = unless_it_waits(&stop, async {
            now_waits(Wait::Until(Instant::now()));
            stop.cancel();
            yield_now().await;
            in_line(ready(())).await;
            yield_now().await;
            7
        });
        assert_eq!(limited_once.await, Some(7));
    }
}
