//! Discord's counting of requests: a window for each route and one over all.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::{instant, unix_seconds};
use crate::options::RateLimits;

/// How many requests a second a bot may make over all routes.
const GLOBAL_LIMIT: u32 = 50;
const GLOBAL_WINDOW: Duration = Duration::from_secs(1);

/// How often a route may be used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Allowance {
    /// So many requests in so long; counted against the global limit too.
    Bucket(u32, Duration),
    /// So many requests in so long, apart from the global limit, as for webhooks.
    OwnBucket(u32, Duration),
    /// Not counted at all, as for interaction callbacks.
    Free,
}

/// Who a 429 is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateLimitScope {
    /// The bot on this route.
    #[default]
    User,
    /// The bot on every route.
    Global,
    /// Everyone on this resource.
    Shared,
}

/// What the rate-limit headers say of a counted request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Count {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    pub(crate) reset_after: Duration,
    pub(crate) bucket: String,
}

/// Whether a request may go on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    Passed(Option<Count>),
    Limited {
        scope: RateLimitScope,
        retry_after: Duration,
        count: Option<Count>,
    },
}

/// Counts requests.
#[derive(Debug)]
pub(crate) struct Limiter {
    scale: Option<f64>,
    windows: Mutex<HashMap<String, Window>>,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    used: u32,
}

impl RateLimitScope {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Global => "global",
            Self::Shared => "shared",
        }
    }
}

impl Count {
    /// The headers that go with every counted answer.
    pub(crate) fn headers(&self) -> [(&'static str, String); 5] {
        let after = self.reset_after.as_secs_f64();
        [
            ("x-ratelimit-limit", self.limit.to_string()),
            ("x-ratelimit-remaining", self.remaining.to_string()),
            ("x-ratelimit-reset", format!("{:.3}", unix_seconds() + after)),
            ("x-ratelimit-reset-after", format!("{after:.3}")),
            ("x-ratelimit-bucket", self.bucket.clone()),
        ]
    }
}

impl Limiter {
    pub(crate) fn new(limits: RateLimits) -> Self {
        Self {
            scale: match limits {
                RateLimits::Discord => Some(1.0),
                RateLimits::Scaled(factor) => Some(factor),
                RateLimits::Off => None,
            },
            windows: Mutex::default(),
        }
    }

    /// Counts a request on a route, for one channel, guild or webhook.
    pub(crate) fn count(&self, route: &str, major: &str, allowance: Allowance) -> Verdict {
        self.count_at(instant(), route, major, allowance)
    }

    fn count_at(&self, now: Instant, route: &str, major: &str, allowance: Allowance) -> Verdict {
        let Some(scale) = self.scale else {
            return Verdict::Passed(None);
        };
        let (limit, window, global) = match allowance {
            Allowance::Free => return Verdict::Passed(None),
            Allowance::Bucket(limit, window) => (limit, window, true),
            Allowance::OwnBucket(limit, window) => (limit, window, false),
        };
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if global {
            let global_window = GLOBAL_WINDOW.mul_f64(scale);
            if let (_, Err(retry_after)) = take(&mut windows, String::new(), now, GLOBAL_LIMIT, global_window)
            {
                return Verdict::Limited {
                    scope: RateLimitScope::Global,
                    retry_after,
                    count: None,
                };
            }
        }
        let bucket = bucket_name(route);
        let key = format!("{bucket}:{major}");
        let (remaining, outcome) = take(&mut windows, key, now, limit, window.mul_f64(scale));
        let (Ok(reset_after) | Err(reset_after)) = outcome;
        let count = Some(Count {
            limit,
            remaining,
            reset_after,
            bucket,
        });
        match outcome {
            Ok(_) => Verdict::Passed(count),
            Err(retry_after) => Verdict::Limited {
                scope: RateLimitScope::User,
                retry_after,
                count,
            },
        }
    }
}

/// Uses one of a window's requests. Gives what remains and, as the result, the time until the window ends.
fn take(
    windows: &mut HashMap<String, Window>,
    key: String,
    now: Instant,
    limit: u32,
    length: Duration,
) -> (u32, Result<Duration, Duration>) {
    let window = windows.entry(key).or_insert(Window { began: now, used: 0 });
    if now.duration_since(window.began) >= length {
        window.began = now;
        window.used = 0;
    }
    let left = length.saturating_sub(now.duration_since(window.began));
    if window.used >= limit {
        return (0, Err(left));
    }
    window.used += 1;
    (limit - window.used, Ok(left))
}

/// A name for a route's bucket that tells nothing, as Discord's do not (FNV-1a of the route).
fn bucket_name(route: &str) -> String {
    let hash = route.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGES: Allowance = Allowance::Bucket(5, Duration::from_secs(5));

    fn passes(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Passed(_))
    }

    #[test]
    fn a_window_opens_again_when_it_has_passed() {
        let limiter = Limiter::new(RateLimits::Discord);
        let start = instant();
        for _ in 0..5 {
            assert!(passes(&limiter.count_at(start, "messages", "1", MESSAGES)));
        }
        let early = start + Duration::from_secs(2);
        let limited = limiter.count_at(early, "messages", "1", MESSAGES);
        assert!(
            matches!(limited, Verdict::Limited { retry_after, .. } if retry_after == Duration::from_secs(3)),
            "{limited:?}"
        );
        assert!(passes(&limiter.count_at(early, "messages", "2", MESSAGES)));
        let later = start + Duration::from_secs(5);
        assert!(passes(&limiter.count_at(later, "messages", "1", MESSAGES)));
    }

    #[test]
    fn fifty_a_second_is_all_that_a_bot_has() {
        let limiter = Limiter::new(RateLimits::Discord);
        let start = instant();
        let count =
            |number: u32, allowance| limiter.count_at(start, "messages", &number.to_string(), allowance);
        assert!((0..50).all(|number| passes(&count(number, MESSAGES))));
        let limited = count(50, MESSAGES);
        assert!(
            matches!(
                limited,
                Verdict::Limited {
                    scope: RateLimitScope::Global,
                    ..
                }
            ),
            "{limited:?}"
        );
        assert!(passes(&count(51, Allowance::Free)));
        assert!(passes(&count(
            52,
            Allowance::OwnBucket(1, Duration::from_secs(1))
        )));
    }
}
