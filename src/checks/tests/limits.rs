use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::sync::Notify;

use super::server::{Behaviour, Server};
use super::*;
use crate::domain::check::Retry;
use crate::domain::ids::DeploymentId;

fn numbered(count: usize, url: &str) -> Vec<Check> {
    (0..count)
        .map(|number| Check {
            id: CheckId::new(format!("check-{number}")),
            ..check(Probe::Http(get(url)), None)
        })
        .collect()
}

/// A server that never answers, and tells when it has been asked so many times.
async fn silent(asked_times: usize) -> (Server, Arc<AtomicUsize>, Arc<Notify>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let reached = Arc::new(Notify::new());
    let server = Server::answering({
        let (asked, reached) = (Arc::clone(&asked), Arc::clone(&reached));
        move |_| {
            if asked.fetch_add(1, Ordering::SeqCst) + 1 == asked_times {
                reached.notify_one();
            }
            Behaviour::SayAndHang(Vec::new())
        }
    })
    .await;
    (server, asked, reached)
}

#[tokio::test]
async fn every_check_gives_its_result_once() {
    let server = Server::saying("ok").await;
    let all = checks().run_all(
        numbered(40, &server.url("/")),
        Arc::new(Variables::new()),
        CancellationToken::new(),
    );
    let results: Vec<CheckResult> = all.collect().await;
    let ids: BTreeSet<&str> = results.iter().map(|result| result.check.as_str()).collect();
    assert_eq!((results.len(), ids.len()), (40, 40));
    assert!(results.iter().all(|result| result.status == CheckStatus::Passed));
    assert_eq!(server.requests().len(), 40);
}

#[tokio::test]
async fn one_crowded_host_keeps_nobody_else_waiting() {
    let (crowded, asked, reached) = silent(4).await;
    let free = Server::saying("ok").await;
    let checker = checks();
    let cancel = CancellationToken::new();
    let mut wanted = numbered(30, &crowded.url("/"));
    wanted.extend(numbered(1, &free.url("/")));
    let results = checker.run_all(wanted, Arc::new(Variables::new()), cancel.clone());
    let mut results = std::pin::pin!(results);

    let first = results.next().await.expect("the free host's result");
    assert_eq!(
        (first.check.as_str(), first.status),
        ("check-0", CheckStatus::Passed)
    );
    tokio::select! {
        result = results.next() => panic!("a silent host answered: {result:?}"),
        () = reached.notified() => {}
    }
    // Whoever waits for a place has been polled by now, and has not asked.
    assert_eq!(results.next().now_or_never(), None);
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    cancel.cancel();
    assert_eq!(results.next().now_or_never(), Some(None));
}

#[tokio::test]
async fn no_more_run_at_once_than_allowed_in_all() {
    let (one, asked_one, _) = silent(usize::MAX).await;
    let (two, asked_two, _) = silent(usize::MAX).await;
    let checker = checks_with(|_, limits| limits.at_once = 3);
    let mut wanted = numbered(3, &one.url("/"));
    wanted.extend(numbered(3, &two.url("/")));
    let wanted = wanted.into_iter().map(in_short).collect();
    let results = checker.run_all(wanted, Arc::new(Variables::new()), CancellationToken::new());
    let mut results = std::pin::pin!(results);
    let first = results.next().await.expect("a result");
    assert_eq!(first.status, CheckStatus::Error);
    // The first three have come to their time-out; at most they had asked.
    assert!(asked_one.load(Ordering::SeqCst) + asked_two.load(Ordering::SeqCst) <= 3);
    // Waiting for a place is not counted against a check's time-out, so each one asks in the end.
    assert_eq!(results.count().await, 5);
    assert_eq!(
        asked_one.load(Ordering::SeqCst) + asked_two.load(Ordering::SeqCst),
        6
    );
}

/// The paths in the order in which they were asked for, where twenty checks of one run wait for a host's only place when
/// another run's one comes. Those that are tried again have a task of their own, and others stand in line.
async fn asked_in_order(
    retry: Option<Retry>,
    one: impl Fn(&Checks) -> Checks,
    other: impl Fn(&Checks) -> Checks,
) -> Vec<String> {
    let server = Server::saying("ok").await;
    let checker = checks_with(|_, limits| limits.per_host = 1);
    let run = |checker: Checks, path: &str, count| {
        let checks = numbered(count, &server.url(path));
        let checks = checks.into_iter().map(|check| Check { retry, ..check }).collect();
        Box::pin(checker.run_all(checks, Arc::new(Variables::new()), CancellationToken::new()))
    };
    let mut many = run(one(&checker), "/many", 20);
    let mut single = run(other(&checker), "/one", 1);
    // They begin in this order, and nothing has ended yet.
    assert!(many.next().now_or_never().is_none() && single.next().now_or_never().is_none());
    let (many, single) = tokio::join!(many.count(), single.count());
    assert_eq!((many, single), (20, 1));
    let requests = server.requests();
    let paths = requests.iter().filter_map(|head| head.split(' ').nth(1));
    paths.map(str::to_owned).collect()
}

#[tokio::test]
async fn deployments_take_turns_at_a_host() {
    let of = |deployment| move |checker: &Checks| checker.of_deployment(DeploymentId(deployment));
    let retry = Some(Retry {
        times: 1,
        wait: Duration::from_secs(1),
    });
    let apart = asked_in_order(retry, of(1), of(2)).await;
    assert_eq!(apart.iter().position(|path| path == "/one"), Some(1), "{apart:?}");
    // The checks of one deployment come in the order in which they were asked for.
    let together = asked_in_order(retry, of(1), of(1)).await;
    assert_eq!(together.last().map(String::as_str), Some("/one"), "{together:?}");
}

#[tokio::test]
async fn a_place_is_kept_for_the_next_in_line_only_while_nobody_else_waits() {
    let of = |deployment| move |checker: &Checks| checker.of_deployment(DeploymentId(deployment));
    for other in [1, 2] {
        let asked = asked_in_order(None, of(1), of(other)).await;
        assert_eq!(asked.iter().position(|path| path == "/one"), Some(1), "{asked:?}");
    }
}

/// How many of eight hosts that never answer were asked for one deployment, two at once, before another's only check had its
/// turn.
async fn asked_before_the_other(one: i64, other: i64) -> usize {
    let checker = checks_with(|_, limits| limits.at_once = 2);
    let hosts = join_all((0..8).map(|_| silent(usize::MAX))).await;
    let (last, _, reached) = silent(1).await;
    let run = |deployment, urls: Vec<String>| {
        let checks = urls.into_iter().enumerate();
        let checks = checks.map(|(number, url)| Check {
            id: CheckId::new(format!("check-{number}")),
            ..in_short(check(Probe::Http(get(url)), None))
        });
        let checker = checker.of_deployment(DeploymentId(deployment));
        Box::pin(checker.run_all(
            checks.collect(),
            Arc::new(Variables::new()),
            CancellationToken::new(),
        ))
    };
    let mut many = run(one, hosts.iter().map(|(host, ..)| host.url("/")).collect());
    let mut single = run(other, vec![last.url("/")]);
    // They begin in this order, and nothing has ended yet.
    assert!(many.next().now_or_never().is_none() && single.next().now_or_never().is_none());
    reached.notified().await;
    let asked = hosts.iter().map(|(_, asked, _)| asked.load(Ordering::SeqCst));
    asked.sum()
}

#[tokio::test]
async fn deployments_take_turns_where_no_host_is_crowded() {
    let apart = asked_before_the_other(1, 2).await;
    assert!(apart <= 3, "{apart} were asked before it");
    let together = asked_before_the_other(1, 1).await;
    assert!(together > 6, "{together} were asked before it");
}

#[tokio::test]
async fn a_condition_that_loops_for_long_is_ended_in_time() {
    let body = format!("[{}1]", "1,".repeat(60_000));
    let server = Server::saying(&body).await;
    let result = run(&in_short(check(
        Probe::Http(get(server.url("/"))),
        Some("json.all(a, json.all(b, a + b > 0))"),
    )))
    .await;
    assert_eq!(
        told(&result),
        "Error: the condition could not be worked out within 200 ms; raise `timeout` if that is too short"
    );
}
