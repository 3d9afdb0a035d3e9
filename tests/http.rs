//! What is served over HTTP, asked over a real connection.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use holdpoint::{
    checks::{Checks, Environment, Guard, GuardSettings, Limits},
    clock::ManualClock,
    domain::{
        self,
        command::{ActingAs, FourEyes, Start},
        ids::{ChannelId, CheckId, DeploymentId, GuildId, InputId, UserId},
        rights::{Person, Rights},
        text::Version,
    },
    engine::{Catalog, CheckRuns, Engine, IncomingPost, Input, Rules, Taken, Wish, hook_path},
    http::{Hooks, Readiness, ReadinessPart, Server, ask_health},
    store::Store,
    telemetry::{COMMAND_SECONDS, COMMANDS_TOTAL, Metrics},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;
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
    task: JoinHandle<std::io::Result<()>>,
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

    async fn finish(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
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

/// The bot's engine, without Discord, with one deployment of a checklist that takes posts.
struct Posted {
    running: Running,
    engine: Engine,
    clock: ManualClock,
    deployment: DeploymentId,
    stop: CancellationToken,
    _directory: TempDir,
}

struct Runs(CheckRuns);

#[async_trait]
impl Hooks for Runs {
    async fn take(&self, post: IncomingPost) -> Taken {
        self.0.take_post(post).await
    }
}

/// As in the example of `docs/checks/push.md`, and the moment it was signed.
const SIGNED_AT: &str = "1772787600";
const BODY: &str = r#"{"status":"passed","url":"https://ci.example/1234"}"#;
const SIGNATURE: &str = "v1,PDR+J+crcVW6vAnvE9caU2VPxo9Lz3HT2C2aBTpvj6U=";

impl Posted {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let checklist = "---\nvariables:\n  ci: { secret: true, default: holdpoint-example-secret-0001 }\nchecks:\n  e2e: { push: { secret: '{{ ci }}', within: 1h } }\n---\n# L\n\n- [ ] Tested <!-- check: e2e -->\n";
        std::fs::write(directory.path().join("posted.md"), checklist).unwrap();
        let now = Timestamp::from_second(SIGNED_AT.parse().unwrap()).unwrap();
        let clock = ManualClock::new(now);
        let store = Store::open(&directory.path().join("holdpoint.db"), now)
            .await
            .unwrap();
        let (catalog, _) = Catalog::load(directory.path());
        let rules = Rules {
            rights: Rights::default(),
            rights_by_guild: std::iter::empty().collect(),
            four_eyes: FourEyes::Waived,
        };
        let stop = CancellationToken::new();
        let (engine, _desk) = Engine::open(store, Arc::new(clock.clone()), catalog, rules, stop.clone())
            .await
            .unwrap();
        let entry = engine.catalog().entry("posted").unwrap();
        let start = Wish::Start(Start {
            checklist: Arc::clone(&entry.checklist),
            checklist_bytes: Arc::clone(&entry.bytes),
            guild: GuildId(2),
            channel: ChannelId(3),
            version: Version::parse("1.0.0").unwrap(),
            environment: domain::text::Environment::parse("staging").unwrap(),
            variables: std::iter::empty().collect(),
        });
        let input = Input {
            id: InputId::new("start"),
            guild: Some(GuildId(2)),
            actor: ActingAs::Person(Person {
                id: UserId(1),
                discord_roles: Vec::new(),
                manages_server: true,
            }),
            wish: start,
        };
        let deployment = engine.handle(input).await.unwrap().after.id;
        let guard = Guard::new(GuardSettings::default(), Environment::default()).unwrap();
        let checks = Checks::new(Limits::default(), guard, Arc::new(clock.clone())).unwrap();
        let runs = CheckRuns::new(engine.clone(), checks, Environment::default(), stop.clone());
        Self {
            running: Running::start_with(Arc::new(Runs(runs))).await,
            engine,
            clock,
            deployment,
            stop,
            _directory: directory,
        }
    }

    async fn post(&self, path: &str, signature: &str, body: String) -> (u16, String) {
        let answer = reqwest::Client::new()
            .post(format!("http://{}{path}", self.running.address))
            .header("webhook-id", "build-1234")
            .header("webhook-timestamp", SIGNED_AT)
            .header("webhook-signature", signature)
            .body(body)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    fn path(&self) -> String {
        hook_path(self.deployment, &CheckId::new("e2e"))
    }

    async fn finish(self) {
        self.stop.cancel();
        self.running.finish().await;
    }
}

#[tokio::test]
async fn a_signed_post_is_recorded_once() {
    let posted = Posted::start().await;
    let path = posted.path();
    let first = posted.post(&path, SIGNATURE, BODY.to_owned()).await;
    assert_eq!(first, (200, r#"{"recorded":true}"#.to_owned()));
    let recorded = posted
        .engine
        .any_deployment(posted.deployment)
        .await
        .unwrap()
        .unwrap();
    let result = &recorded.checks[&CheckId::new("e2e")];
    assert!(result.has_passed(), "{result:?}");
    let again = posted.post(&path, SIGNATURE, BODY.to_owned()).await;
    assert_eq!(again, (200, r#"{"recorded":false,"repeated":true}"#.to_owned()));
    let after = posted
        .engine
        .any_deployment(posted.deployment)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(after.seq, recorded.seq, "a repeated post changed something");
    posted.finish().await;
}

#[tokio::test]
async fn what_is_not_believed_is_answered_alike_and_changes_nothing() {
    let posted = Posted::start().await;
    let before = posted
        .engine
        .any_deployment(posted.deployment)
        .await
        .unwrap()
        .unwrap();
    let path = posted.path();
    let unknown_check = hook_path(posted.deployment, &CheckId::new("other"));
    let mut answers = vec![
        posted.post(&path, SIGNATURE, "{}".to_owned()).await,
        posted.post(&path, "", BODY.to_owned()).await,
        posted.post(&path, SIGNATURE, "no JSON".to_owned()).await,
        posted.post(&unknown_check, SIGNATURE, BODY.to_owned()).await,
        posted.post("/hooks/999/e2e", SIGNATURE, BODY.to_owned()).await,
        posted.post("/hooks/x/e2e", SIGNATURE, BODY.to_owned()).await,
    ];
    posted.clock.advance(SignedDuration::from_mins(6));
    answers.push(posted.post(&path, SIGNATURE, BODY.to_owned()).await);
    for answer in &answers {
        assert_eq!((answer.0, answer), (401, &answers[0]));
    }
    let (status, _) = posted.post(&path, SIGNATURE, "x".repeat((64 << 10) + 1)).await;
    assert_eq!(status, 413);
    let after = posted
        .engine
        .any_deployment(posted.deployment)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(after.seq, before.seq);
    posted.finish().await;
}

#[tokio::test]
async fn a_signed_body_that_is_no_json_is_told_so() {
    let posted = Posted::start().await;
    // HMAC-SHA256 of `build-1234.1772787600.all is well` with the secret above.
    let answer = posted
        .post(
            &posted.path(),
            "v1,pAFcqP98yxNUk+WGt60RToHzjYgH4om5TnJJ4aVwraU=",
            "all is well".to_owned(),
        )
        .await;
    let expected = r#"{"error":"the body must be JSON, nested at most 64 deep"}"#;
    assert_eq!(answer, (400, expected.to_owned()));
    posted.finish().await;
}
