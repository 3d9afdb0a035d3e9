//! Promises 1, 2 and 5, for a check that is observed for a while: no observation is lost, none counts twice, and what nobody
//! saw does not count as seen.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::StatusCode;
use holdpoint::clock::Clock as _;
use holdpoint::domain::deployment::{Deployment, SeriesProgress};
use holdpoint::domain::event::Event;
use holdpoint::domain::ids::{CheckId, DeploymentId};
use holdpoint::engine::{CheckRuns, Observations, RunWish, Selection};
use tokio::sync::Semaphore;

use super::house::{CHANNEL, GUILD, House, Open, events, history, minutes, until_events};
use super::late_is_not_never::GoesBack;

/// What is observed. Each request takes the permit and gives it back.
struct Service {
    address: String,
    asked: Arc<AtomicUsize>,
    open: Arc<Semaphore>,
}

impl Service {
    async fn start() -> Self {
        let (asked, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(1)));
        let router = axum::Router::new()
            .route("/", axum::routing::get(answer))
            .with_state((Arc::clone(&asked), Arc::clone(&open)));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a port");
        let address = format!("http://{}/", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, asked, open }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn until_asked(&self, times: usize) {
        let asking = async {
            while self.asked() < times {
                tokio::task::yield_now().await;
            }
        };
        let asked = tokio::time::timeout(std::time::Duration::from_secs(30), asking).await;
        asked.unwrap_or_else(|_| panic!("it was asked {} times, not {times}", self.asked()));
    }

    /// A house whose checklist wants it to answer for five minutes.
    fn house(&self) -> House {
        let check = format!(
            "gate: {{ http: {{ url: \"{}\" }}, pass: status == 200, for: 5m, every: 1m }}",
            self.address
        );
        House::with(&format!(
            "---\ntitle: Promises\nchecks:\n  {check}\n---\n# Promises\n- [ ] It answers <!-- check: gate -->\n"
        ))
    }
}

async fn answer(State((asked, open)): State<(Arc<AtomicUsize>, Arc<Semaphore>)>) -> StatusCode {
    asked.fetch_add(1, Ordering::SeqCst);
    match open.acquire().await {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::GONE,
    }
}

/// Somebody asks for the check, which is observed once at once.
async fn ask(runs: &CheckRuns, deployment: &Arc<Deployment>) {
    match runs.begin(deployment, &Selection::All) {
        RunWish::Running(mut run) => run.ended().await,
        RunWish::NothingToRun => panic!("there is a check"),
    }
}

/// How far the check is, by all that is on disk: what is in memory follows a moment later.
async fn progress(open: &Open, id: DeploymentId) -> SeriesProgress {
    let history = history(&open.engine, id).await;
    let entry = open
        .engine
        .catalog()
        .entry("promises")
        .expect("the checklist is there");
    let deployment = Deployment::fold(id, Arc::clone(&entry.checklist), &history.recorded).expect("it folds");
    deployment
        .series_progress(&CheckId::new("gate"))
        .expect("it is under way")
}

/// Which observations count, and how often the check was decided.
async fn counted(open: &Open, id: DeploymentId) -> (Vec<u32>, usize) {
    let numbers = history(&open.engine, id)
        .await
        .recorded
        .iter()
        .filter_map(|recorded| match &recorded.event {
            Event::CheckObserved { number, .. } => Some(*number),
            _ => None,
        })
        .collect();
    (numbers, events(open, id, "check_recorded").await)
}

/// Moves the clock and has what is due observed, until there are so many observations.
async fn observe_until(
    house: &House,
    open: &Open,
    observations: &Observations,
    id: DeploymentId,
    until: usize,
) {
    while events(open, id, "check_observed").await < until {
        let next = events(open, id, "check_observed").await + 1;
        house.clock.advance(minutes(1));
        observations.pass().await.expect("the timers can be read");
        until_events(open, id, "check_observed", next).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_goes_on_after_a_restart_and_is_longer_by_what_nobody_saw() {
    let service = Service::start().await;
    let house = service.house();
    let open = house.open().await;
    let deployment = open.start(1, GUILD, CHANNEL).await;
    let id = deployment.id;
    let runs = open.runs();
    ask(&runs, &deployment).await;
    observe_until(
        &house,
        &open,
        &Observations::new(open.engine.clone(), runs.clone()),
        id,
        3,
    )
    .await;
    assert_eq!(progress(&open, id).await.passed, 3);
    runs.stop_and_drain().await;
    open.close().await;

    house.clock.advance(minutes(10));
    let open = house.open().await;
    let runs = open.runs();
    let observations = Observations::new(open.engine.clone(), runs.clone());
    observations.pass().await.expect("the timers can be read");
    until_events(&open, id, "check_observed", 4).await;
    // It was due a minute after the third.
    let so_far = progress(&open, id).await;
    assert_eq!((so_far.passed, so_far.needed), (4, 6));
    assert_eq!(so_far.missed, minutes(9));
    assert_eq!(so_far.until, house.clock.now() + minutes(2));
    observe_until(&house, &open, &observations, id, 6).await;
    until_events(&open, id, "check_recorded", 1).await;
    assert_eq!(counted(&open, id).await, (vec![1, 2, 3, 4, 5, 6], 1));
    assert_eq!(service.asked(), 6);
    let pending = open
        .engine
        .store()
        .timers_pending()
        .await
        .expect("they are counted");
    assert_eq!(pending, 0, "nothing is left to observe");
    runs.stop_and_drain().await;
    open.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_observation_that_is_cut_off_before_it_is_recorded_is_made_again_and_counts_once() {
    let service = Service::start().await;
    let house = service.house();
    let open = house.open().await;
    let deployment = open.start(1, GUILD, CHANNEL).await;
    let id = deployment.id;
    let runs = open.runs();
    ask(&runs, &deployment).await;
    house.clock.advance(minutes(1));
    let held = service.open.acquire().await.expect("it is open");
    let observations = Observations::new(open.engine.clone(), runs.clone());
    observations.pass().await.expect("the timers can be read");
    service.until_asked(2).await;
    // A second look begins nothing while it is in hand.
    observations.pass().await.expect("the timers can be read");
    assert_eq!(counted(&open, id).await, (vec![1], 0));
    open.cut_off().await;
    runs.stop_and_drain().await;
    drop(held);

    let open = house.open().await;
    let runs = open.runs();
    let observations = Observations::new(open.engine.clone(), runs.clone());
    observations.pass().await.expect("the timers can be read");
    until_events(&open, id, "check_observed", 2).await;
    assert_eq!(service.asked(), 3, "once in vain");
    observe_until(&house, &open, &observations, id, 6).await;
    until_events(&open, id, "check_recorded", 1).await;
    assert_eq!(counted(&open, id).await, (vec![1, 2, 3, 4, 5, 6], 1));
    runs.stop_and_drain().await;
    open.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_observation_that_two_make_counts_once() {
    let service = Service::start().await;
    let house = service.house();
    let open = house.open().await;
    let deployment = open.start(1, GUILD, CHANNEL).await;
    let id = deployment.id;
    let runs = open.runs();
    ask(&runs, &deployment).await;
    house.clock.advance(minutes(1));
    let held = service.open.acquire().await.expect("it is open");
    // Neither knows of the other, as a run that was cut off and the next start do not.
    for _ in 0..2 {
        let observations = Observations::new(open.engine.clone(), runs.clone());
        observations.pass().await.expect("the timers can be read");
    }
    service.until_asked(3).await;
    drop(held);
    until_events(&open, id, "check_observed", 2).await;
    house.clock.advance(minutes(1));
    let observations = Observations::new(open.engine.clone(), runs.clone());
    observations.pass().await.expect("the timers can be read");
    until_events(&open, id, "check_observed", 3).await;
    runs.stop_and_drain().await;
    assert_eq!(counted(&open, id).await, (vec![1, 2, 3], 0));
    open.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_goes_back_makes_no_window_shorter_and_loses_no_observation() {
    let service = Service::start().await;
    let house = service.house();
    let clock = Arc::new(GoesBack {
        clock: house.clock.clone(),
        ahead: Mutex::new(None),
    });
    let open = house.open_by(Arc::<GoesBack>::clone(&clock)).await;
    let deployment = open.start(1, GUILD, CHANNEL).await;
    let id = deployment.id;
    let runs = open.runs();
    ask(&runs, &deployment).await;
    let due = house.clock.now() + minutes(1);
    *clock.ahead.lock().expect("no look panics") = Some(due);
    let observations = Observations::new(open.engine.clone(), runs.clone());
    let next = observations.pass().await.expect("the timers can be read");
    assert_eq!(next, None, "it was taken to be due");
    service.until_asked(2).await;

    // What was made too early does not count, and is made again when its time has come.
    house.clock.set(due);
    let again = async {
        while events(&open, id, "check_observed").await < 2 {
            observations.pass().await.expect("the timers can be read");
            tokio::task::yield_now().await;
        }
    };
    let observed = tokio::time::timeout(std::time::Duration::from_secs(30), again).await;
    observed.expect("the observation is made again");
    assert_eq!(counted(&open, id).await, (vec![1, 2], 0));
    assert_eq!(service.asked(), 3);
    runs.stop_and_drain().await;
    open.close().await;
}
