//! What is served over HTTP, asked over a real connection.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod posts;
mod signing;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use holdpoint::{
    engine::{IncomingPost, Taken},
    http::{Hooks, Readiness, ReadinessPart, Server, ask_health},
    telemetry::{COMMAND_SECONDS, COMMANDS_TOTAL, Metrics},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Answers what it was last told.
struct Told {
    parts: Mutex<Vec<ReadinessPart>>,
}

#[async_trait]
impl Readiness for Told {
    async fn probe(&self) -> Vec<ReadinessPart> {
        self.parts.lock().unwrap().clone()
    }
}

/// Takes nothing.
struct Closed;

#[async_trait]
impl Hooks for Closed {
    async fn take(&self, _post: IncomingPost) -> Taken {
        Taken::Unwelcome
    }
}

struct Running {
    address: SocketAddr,
    told: Arc<Told>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    async fn start() -> Self {
        Self::start_with(Arc::new(Closed)).await
    }

    async fn start_with(hooks: Arc<dyn Hooks>) -> Self {
        let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = server.address();
        let told = Arc::new(Told {
            parts: Mutex::new(vec![ReadinessPart::ready("database")]),
        });
        let stop = CancellationToken::new();
        let metrics = Metrics::of_process().unwrap();
        let task = tokio::spawn(server.serve(told.clone(), hooks, metrics, stop.clone()));
        Self {
            address,
            told,
            stop,
            task,
        }
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        reqwest::get(format!("http://{}{path}", self.address))
            .await
            .unwrap()
    }

    async fn post<const N: usize>(
        &self,
        path: &str,
        headers: [(&'static str, String); N],
        body: String,
    ) -> (u16, String) {
        let mut request = reqwest::Client::new().post(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn finish(self) {
        self.stop.cancel();
        self.task.await.unwrap();
        assert!(
            tokio::net::TcpStream::connect(self.address).await.is_err(),
            "the port is still open"
        );
    }
}

#[tokio::test]
async fn it_is_alive_and_ready_while_every_part_is() {
    let running = Running::start().await;
    let health = running.get("/health").await;
    assert_eq!(health.status(), 200);
    assert_eq!(health.json::<Value>().await.unwrap()["status"], "alive");

    let ready = running.get("/ready").await;
    assert_eq!(ready.status(), 200);
    let expected = json!({ "ready": true, "parts": [{ "name": "database", "ok": true }] });
    assert_eq!(ready.json::<Value>().await.unwrap(), expected);
    running.finish().await;
}

#[tokio::test]
async fn one_part_that_is_not_ready_makes_it_503_and_says_why() {
    let running = Running::start().await;
    *running.told.parts.lock().unwrap() = vec![
        ReadinessPart::ready("database"),
        ReadinessPart::not_ready("gateway", "it is not connected to Discord"),
    ];
    let ready = running.get("/ready").await;
    assert_eq!(ready.status(), 503);
    let answer: Value = ready.json().await.unwrap();
    assert_eq!(answer["ready"], false);
    assert_eq!(
        answer["parts"][1],
        json!({ "name": "gateway", "ok": false, "why": "it is not connected to Discord" })
    );
    assert_eq!(
        running.get("/health").await.status(),
        200,
        "it is alive all the same"
    );
    running.finish().await;
}

#[tokio::test]
async fn figures_are_served_with_their_descriptions() {
    let running = Running::start().await;
    metrics::counter!(COMMANDS_TOTAL, "outcome" => "refused").increment(2);
    metrics::histogram!(COMMAND_SECONDS).record(0.002);
    let response = running.get("/metrics").await;
    assert!(
        response.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    let figures = response.text().await.unwrap();
    assert!(
        figures.contains("# HELP holdpoint_commands_total Commands decided"),
        "{figures}"
    );
    assert!(
        figures.contains("holdpoint_commands_total{outcome=\"refused\"} 2"),
        "{figures}"
    );
    // The figures are the process's: engines of other tests here decide commands as well, and refuse none.
    let counted = figures.lines().find_map(|line| {
        let count = line.strip_prefix("holdpoint_command_seconds_bucket{le=\"0.0025\"} ")?;
        count.parse::<u64>().ok()
    });
    assert!(counted.is_some_and(|counted| counted >= 1), "{figures}");
    running.finish().await;
}

#[tokio::test]
async fn an_address_in_use_is_refused_in_words() {
    let running = Running::start().await;
    let refused = Server::bind(running.address).await.unwrap_err().to_string();
    assert!(refused.starts_with(&format!(
        "http.listen is {}, which cannot be listened on",
        running.address
    )));
    running.finish().await;
}

#[tokio::test]
async fn the_health_check_of_a_container_finds_it_alive() {
    let running = Running::start().await;
    let everywhere = SocketAddr::new("0.0.0.0".parse().unwrap(), running.address.port());
    let asked = tokio::task::spawn_blocking(move || ask_health(everywhere))
        .await
        .unwrap();
    assert!(asked.is_ok(), "{asked:?}");
    running.finish().await;
}
