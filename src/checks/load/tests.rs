use std::collections::BTreeMap;

use super::*;
use crate::domain::check::HttpProbe;

fn load(extent: LoadExtent, rate: Option<u32>) -> LoadProbe {
    LoadProbe {
        request: HttpProbe {
            url: "http://app.example/".to_owned(),
            method: "GET".to_owned(),
            headers: BTreeMap::new(),
            body: None,
            json: None,
            follow: 0,
            capture: Vec::new(),
        },
        connections: 1,
        extent,
        rate,
        warm_up: Duration::ZERO,
        baseline: None,
    }
}

/// What one connection measures, on time that is reckoned, of a service that answers in a millisecond, but stands still from
/// the third second of ten to the fifth.
fn stalled(rate: Option<u32>) -> Figures {
    let start = Instant::now();
    let schedule = Schedule::new(&load(LoadExtent::Duration(Duration::from_secs(10)), rate), start);
    let [stands, goes_on] = [3, 5].map(|second| start + Duration::from_secs(second));
    let mut figures = Figures::new().expect("a histogram");
    let mut now = start;
    while let Some(turn) = schedule.turn(now) {
        let sent = now.max(turn.at);
        let begins = if (stands..goes_on).contains(&sent) {
            goes_on
        } else {
            sent
        };
        let answered = begins + Duration::from_millis(1);
        figures.answer(200, turn.waits_from(now, sent), answered, schedule.stop());
        now = answered;
    }
    figures
}

#[test]
fn a_stall_counts_for_every_request_that_was_due_in_it() {
    let (paced, unpaced) = (stalled(Some(100)), stalled(None));
    let near = |wait: Duration, milliseconds: u64| {
        let off = wait.abs_diff(Duration::from_millis(milliseconds));
        assert!(
            off <= Duration::from_millis(milliseconds / 50 + 1),
            "{wait:?}, expected {milliseconds} ms"
        );
    };
    // Of 1,000 requests, 200 were due in the stall and waited for its end: the one at its middle a second. The connection
    // then works off 199 at 1 ms each, while one more is due every 10 ms: 22 of them wait as well.
    assert_eq!(paced.requests(), 1000);
    near(paced.quantile(0.5), 1);
    near(paced.quantile(0.9), 1100);
    near(paced.quantile(0.99), 1911);
    near(paced.longest(), 2001);
    // Without a rate, the one request that met the stall is one in 8,000.
    assert!(
        (7990..=8010).contains(&unpaced.requests()),
        "{}",
        unpaced.requests()
    );
    near(unpaced.quantile(0.99), 1);
    near(unpaced.longest(), 2001);
}

#[test]
fn a_timer_that_rings_late_is_not_the_service_being_slow() {
    let start = Instant::now();
    let at = |milliseconds| start + Duration::from_millis(milliseconds);
    let turn = schedule::Turn {
        at: at(10),
        counts: true,
    };
    // Free in time and woken 2 ms late: waits from when it is sent.
    assert_eq!(turn.waits_from(at(5), at(12)), at(12));
    // Free too late, because an answer was: waits from when it was due.
    assert_eq!(turn.waits_from(at(30), at(30)), at(10));
}

#[test]
fn turns_follow_the_rate_and_end_with_the_load() {
    let start = Instant::now();
    let at = |milliseconds| start + Duration::from_millis(milliseconds);
    let mut probe = load(LoadExtent::Duration(Duration::from_secs(1)), Some(3));
    probe.warm_up = Duration::from_millis(500);
    let schedule = Schedule::new(&probe, start);
    let turns: Vec<(u128, bool)> = std::iter::from_fn(|| schedule.turn(start))
        .map(|turn| ((turn.at - start).as_millis(), turn.counts))
        .collect();
    assert_eq!(
        turns,
        [(0, false), (333, false), (666, true), (1000, true), (1333, true)]
    );
    assert_eq!((schedule.warm(), schedule.stop()), (at(500), Some(at(1500))));

    // Who is free when it is over gets no turn, however many were due before.
    let schedule = Schedule::new(&probe, start);
    assert_eq!(schedule.turn(at(1500)), None);

    // By number: the warm-up comes on top, and then so many count.
    let mut probe = load(LoadExtent::Requests(2), None);
    probe.warm_up = Duration::from_millis(500);
    let schedule = Schedule::new(&probe, start);
    let counts: Vec<bool> = [0, 499, 500, 900, 901]
        .iter()
        .filter_map(|now| schedule.turn(at(*now)))
        .map(|turn| turn.counts)
        .collect();
    assert_eq!(counts, [false, false, true, true]);
}

#[test]
fn a_load_takes_as_long_as_can_be_told() {
    let mut by_time = load(LoadExtent::Duration(Duration::from_secs(30)), None);
    by_time.warm_up = Duration::from_secs(5);
    assert_eq!(by_time.takes(), Some(Duration::from_secs(35)));
    let by_number = load(LoadExtent::Requests(1000), Some(50));
    assert_eq!(by_number.takes(), Some(Duration::from_secs(20)));
    assert_eq!(load(LoadExtent::Requests(1000), None).takes(), None);
}

#[test]
fn a_rate_is_of_the_answers_that_came_in_time() {
    let start = Instant::now();
    let at = |milliseconds| start + Duration::from_millis(milliseconds);
    let mut figures = Figures::new().expect("a histogram");
    for milliseconds in [500, 1000, 1500, 2500] {
        figures.answer(200, start, at(milliseconds), Some(at(2000)));
    }
    let near = |rate: f64, expected: f64| assert!((rate - expected).abs() < 1e-9, "{rate}");
    near(figures.rate(start, Some(at(2000))), 1.5);
    near(figures.rate(start, None), 1.6);
    near(Figures::new().expect("a histogram").rate(start, None), 0.0);
}

#[test]
fn a_rate_that_is_not_reached_is_no_pass() {
    let start = Instant::now();
    let mut figures = Figures::new().expect("a histogram");
    figures.answer(200, start, start + Duration::from_millis(10), None);
    let paced = load(LoadExtent::Duration(Duration::from_secs(1)), Some(100));
    assert!(verdict(&paced, &figures, 95.0).0);
    let (holds, why) = verdict(&paced, &figures, 94.9);
    assert!(!holds);
    assert_eq!(
        why,
        "rate is 94.9 a second, expected 100: the one connection was waiting for answers; raise `connections`, or see what the service can bear"
    );
}

#[test]
fn a_wait_past_a_minute_is_a_minute() {
    let start = Instant::now();
    let mut figures = Figures::new().expect("a histogram");
    figures.given_up(start, start + Duration::from_mins(3));
    assert_eq!(figures.longest(), LONGEST_WAIT);
    assert!(figures.quantile(0.5) <= LONGEST_WAIT);
    assert_eq!(figures.error_clauses(), ["1 got no answer in time"]);
}
