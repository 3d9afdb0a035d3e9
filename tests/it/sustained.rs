//! A check that is observed for a while, and one that is watched after GO, as people see them in chat.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::harness::World;

const SUSTAINED: &str = r#"---
title: Sustained release
variables:
  base_url: { default: "http://127.0.0.1:9" }
checks:
  steady:
    http: { url: "{{ base_url }}/" }
    pass: status == 200
    for: 3m
    every: 1m
  errors:
    http: { url: "{{ base_url }}/" }
    pass: status == 200
    every: 2m
    failures: 2
    watch: true
gates:
  After: { needs: [go] }
---
# Sustained release

- [ ] The service is steady <!-- check: steady -->
- [ ] Release <!-- decision -->

## After

- [ ] Errors stay away <!-- check: errors -->
"#;

#[derive(Default)]
struct Service {
    broken: AtomicBool,
    asked: AtomicUsize,
}

impl Service {
    async fn start() -> (Arc<Self>, String) {
        let service = Arc::new(Self::default());
        let router = Router::new()
            .route("/", get(answer))
            .with_state(Arc::clone(&service));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (service, address)
    }

    fn is_broken(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn answer(State(service): State<Arc<Service>>) -> StatusCode {
    service.asked.fetch_add(1, Ordering::SeqCst);
    if service.broken.load(Ordering::SeqCst) {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_is_observed_over_a_restart_and_another_watched_until_the_end() {
    let mut world = World::with(&[("sustained", SUSTAINED)]).await;
    let (service, address) = Service::start().await;
    let mara = world.mara();
    let variables = format!("base_url={address}");
    let run = mara
        .start_in(
            &world.releases(),
            "sustained",
            "2.4.1",
            "staging",
            &[("variables", &variables)],
        )
        .await;
    let checking = mara
        .person
        .slash(&run.thread, "deploy check", &[("what", "1")])
        .unwrap();
    let shown = checking
        .until(|message| message.text().contains("1 of 4 observations, all passed, until"))
        .await
        .unwrap();
    world.read(&shown, &[]);
    drop(mara);

    world.advance(1);
    let board = world.board(&run).await;
    assert!(
        board
            .text()
            .contains("🔎 `steady`: 2 of 4 observations, all passed, until")
            && board.text().contains("🟩🟩"),
        "{}",
        board.text()
    );
    // Whoever asks meanwhile sees how far it is, and has nothing run.
    let asked = service.asked();
    let joining = world
        .theo()
        .person
        .slash(&run.thread, "deploy check", &[("what", "1")])
        .unwrap();
    let joined = joining
        .until(|message| message.text().contains("2 of 4 observations"))
        .await
        .unwrap();
    world.read(&joined, &[]);
    assert_eq!(service.asked(), asked);

    world.settle().await;
    world.stop_bot().await;
    world.advance(30);
    world.start_bot().await;
    let board = world.board(&run).await;
    assert!(
        board.text().contains("3 of 4 observations")
            && board.text().contains("29 min later as nobody looked"),
        "{}",
        board.text()
    );
    world.advance(1);
    world
        .hear(&run.thread, "everything that GO waits for is done", &["Mara"])
        .await;
    let board = world.board(&run).await;
    assert!(!board.text().contains("Observed"), "{}", board.text());

    let mara = world.mara();
    mara.deploy_and_hear(&run, "go", &[], "GO").await;
    world.hear(&run.thread, "🚀 **GO** for", &[]).await;
    world.settle().await;
    service.is_broken(true);
    world.advance(2);
    world.settle().await;
    let board = world.board(&run).await;
    assert!(
        board.text().contains("👁 `errors` is watched, every 2 min 🟩🟥"),
        "{}",
        board.text()
    );
    world.advance(2);
    let turned = world
        .hear(&run.thread, "check `errors` no longer passes", &["Mara"])
        .await;
    assert!(
        turned.text().contains("2 observations in a row did not pass") && turned.text().contains("🟩🟥🟥"),
        "{}",
        turned.text()
    );
    world.settle().await;
    // It is told once; the next to hear of it are those on the ladder.
    world.advance(2);
    world.settle().await;
    world.advance(28);
    let pinged = world
        .hear(&run.thread, "check `errors` has not passed since", &["Mara"])
        .await;
    assert!(
        pinged.text().contains("The deputies are pinged"),
        "{}",
        pinged.text()
    );
    world.settle().await;
    mara.deploy_and_hear(&run, "ack", &[], "Has seen that check `errors` does not pass")
        .await;
    world.advance(20);
    world.settle().await;
    service.is_broken(false);
    world.advance(2);
    world
        .hear(&run.thread, "check `errors` passes again", &["Mara"])
        .await;
    world.settle().await;

    mara.deploy_and_hear(&run, "finish", &[("outcome", "complete")], "report")
        .await;
    world.hear(&run.thread, "is complete", &[]).await;
    world.settle().await;
    let asked = service.asked();
    world.advance(60);
    world.settle().await;
    assert_eq!(service.asked(), asked, "nothing is observed after the end");
    drop(mara);
    world.finish().await;
}
