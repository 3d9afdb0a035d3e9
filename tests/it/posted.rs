//! A check whose result a CI job posts, from the first look at it to the hour in which nothing comes any more.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use discord_stand_in::Message;
use holdpoint::domain::deployment::ItemState;
use holdpoint::domain::ids::CheckId;
use holdpoint::engine::{CheckRuns, IncomingPost, Taken};
use holdpoint::http::{Hooks, Readiness, ReadinessPart, Server};
use holdpoint::telemetry::Metrics;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::harness::{Run, World};
use crate::signing::{SECRET, signed};

/// The checklist; its secret stands in it as no checklist should have it.
fn posted() -> String {
    format!(
        r#"---
title: Posted release
variables:
  ci_secret: {{ secret: true, default: {SECRET} }}
checks:
  e2e:
    push: {{ secret: "{{{{ ci_secret }}}}", within: 1h }}
  coverage:
    push: {{ secret: "{{{{ ci_secret }}}}" }}
    pass: status == "success" && json.coverage >= 80
---
# Posted release

## Tests

- [ ] The end-to-end tests passed <!-- check: e2e -->
- [ ] Enough is covered <!-- check: coverage -->
- [ ] The notes are written
"#
    )
}

/// The bot's listener.
struct Listener {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

struct Posts(CheckRuns);

#[async_trait]
impl Hooks for Posts {
    async fn take(&self, post: IncomingPost) -> Taken {
        self.0.take_post(post).await
    }
}

struct Always;

#[async_trait]
impl Readiness for Always {
    async fn probe(&self) -> Vec<ReadinessPart> {
        Vec::new()
    }
}

impl Listener {
    async fn of(world: &World) -> Self {
        let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = server.address();
        let stop = CancellationToken::new();
        let hooks = Arc::new(Posts(world.check_runs().clone()));
        let metrics = Metrics::of_process().unwrap();
        let task = tokio::spawn(server.serve(Arc::new(Always), hooks, metrics, stop.clone()));
        Self { address, stop, task }
    }

    /// Posts what a CI job signs now.
    async fn post(&self, world: &World, path: &str, id: &str, body: &str) -> String {
        let mut request = reqwest::Client::new().post(format!("http://{}{path}", self.address));
        for (name, value) in signed(id, world.now(), body) {
            request = request.header(name, value);
        }
        let answer = request.body(body.to_owned()).send().await.unwrap();
        let status = answer.status().as_u16();
        format!("{status} {}", answer.text().await.unwrap())
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

/// Mara looks at what has come; the answer has to say this.
async fn check(world: &World, run: &Run, what: &str, says: &str) -> Message {
    let checking = world
        .mara()
        .person
        .slash(&run.thread, "deploy check", &[("what", what)])
        .unwrap();
    let answered = checking.until(|message| message.text().contains(says)).await;
    let answer = answered.unwrap_or_else(|error| panic!("{says:?} was waited for: {error}"));
    world.read(&answer, &[]);
    answer
}

/// Whether the item of the end-to-end tests is done.
async fn is_tested(world: &World, run: &Run) -> bool {
    *world.deployment(run).await.item_state(0) != ItemState::Open
}

/// The sentence about the end-to-end tests that the history keeps.
async fn why(world: &World, run: &Run) -> String {
    world.deployment(run).await.checks[&CheckId::new("e2e")]
        .why
        .clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_is_posted_ticks_its_item_until_nothing_comes_any_more() {
    let world = World::with(&[("posted", &posted())]).await;
    let listener = Listener::of(&world).await;
    let run = world.mara().start("posted", "2.4.1", "staging").await;
    let path = format!("/hooks/{}/e2e", run.number);
    let waiting = format!("nothing has come yet, expected a post within 1 h; POST to {path}");
    let first = check(&world, &run, "1.1", "1 check").await;
    assert!(
        first.text().replace('\\', "").contains(&waiting),
        "{}",
        first.text()
    );

    let failed = listener
        .post(&world, &path, "build-1", r#"{"status":"failed"}"#)
        .await;
    assert_eq!(failed, r#"200 {"recorded":true}"#);
    assert!(!is_tested(&world, &run).await);
    let passed = listener
        .post(&world, &path, "build-2", r#"{"status":"passed"}"#)
        .await;
    assert_eq!(passed, r#"200 {"recorded":true}"#);
    // It counts when it comes, and the board shows it without anybody asking.
    let board = world.board(&run).await;
    assert!(board.text().contains("1/3"), "{}", board.text());
    world.advance(59);
    check(&world, &run, "1.1", "The check passed").await;
    assert_eq!(
        why(&world, &run).await,
        r#"status is "passed", posted 59 min ago"#
    );
    assert!(is_tested(&world, &run).await);

    // Overdue: the item opens again until something comes.
    world.advance(2);
    let overdue = check(&world, &run, "1.1", "nothing has come within 1 h").await;
    assert!(
        overdue
            .text()
            .contains("the last post came at 2026-03-06T09:00:00Z"),
        "{}",
        overdue.text()
    );
    assert!(!is_tested(&world, &run).await);
    let again = listener
        .post(&world, &path, "build-3", r#"{"status":"ok"}"#)
        .await;
    assert_eq!(again, r#"200 {"recorded":true}"#);
    assert!(is_tested(&world, &run).await);

    let covered = format!("/hooks/{}/coverage", run.number);
    for (id, body) in [
        ("one", r#"{"status":"success","coverage":79}"#),
        ("two", r#"{"status":"success","coverage":80}"#),
    ] {
        assert_eq!(
            listener.post(&world, &covered, id, body).await,
            r#"200 {"recorded":true}"#
        );
        let is_covered = *world.deployment(&run).await.item_state(1) != ItemState::Open;
        assert_eq!(is_covered, id == "two");
    }
    // The secret is known to whoever signs, and to nobody who reads.
    for message in run.thread.messages_seen_by(&world.mara().person) {
        assert!(!message.text().contains(SECRET), "{}", message.text());
    }
    listener.stop().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_a_restart_counts_after_it_and_is_taken_once() {
    let mut world = World::with(&[("posted", &posted())]).await;
    let listener = Listener::of(&world).await;
    let run = world.mara().start("posted", "2.4.1", "staging").await;
    let path = format!("/hooks/{}/e2e", run.number);
    let body = r#"{"status":"passed"}"#;
    assert_eq!(
        listener.post(&world, &path, "build-1", body).await,
        r#"200 {"recorded":true}"#
    );
    world.settle().await;
    listener.stop().await;
    world.stop_bot().await;
    world.advance(30);
    world.start_bot().await;
    let listener = Listener::of(&world).await;
    assert_eq!(
        listener.post(&world, &path, "build-1", body).await,
        r#"200 {"recorded":false,"repeated":true}"#
    );
    // It is as old as it was when it came first.
    check(&world, &run, "1.1", "The check passed").await;
    assert_eq!(
        why(&world, &run).await,
        r#"status is "passed", posted 30 min ago"#
    );
    world.advance(31);
    check(&world, &run, "1.1", "nothing has come within 1 h").await;
    listener.stop().await;
    world.finish().await;
}
