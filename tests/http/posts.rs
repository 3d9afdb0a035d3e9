//! Results that are posted, to an engine without Discord.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
use holdpoint::checks::{Checks, Environment, Guard, GuardSettings, Limits};
use holdpoint::clock::{Clock as _, ManualClock};
use holdpoint::domain::check::{CheckResult, CheckStatus};
use holdpoint::domain::command::{ActingAs, Command, FourEyes, Start};
use holdpoint::domain::deployment::Deployment;
use holdpoint::domain::event::Outcome;
use holdpoint::domain::ids::{ChannelId, CheckId, DeploymentId, GuildId, InputId, UserId};
use holdpoint::domain::rights::{Person, Rights};
use holdpoint::domain::text::{self, Reason, Version};
use holdpoint::engine::{Catalog, CheckRuns, Engine, IncomingPost, Input, Rules, Taken, Wish, hook_path};
use holdpoint::http::Hooks;
use holdpoint::store::Store;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::Running;
use crate::signing::{SECRET, signed};

/// The bot's engine, without Discord, with one deployment of a checklist that takes posts.
struct Posted {
    running: Running,
    engine: Engine,
    desk: JoinHandle<()>,
    clock: ManualClock,
    deployment: DeploymentId,
    stop: CancellationToken,
    directory: TempDir,
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

const PASSED: &str = r#"{"status":"passed"}"#;
const FAILED: &str = r#"{"status":"failed"}"#;
const RECORDED: &str = r#"{"recorded":true}"#;
const REPEATED: &str = r#"{"recorded":false,"repeated":true}"#;

impl Posted {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let checklist = format!(
            "---\nvariables:\n  ci: {{ secret: true, default: {SECRET} }}\nchecks:\n  \
             e2e: {{ push: {{ secret: '{{{{ ci }}}}', within: 1h }} }}\n  \
             other: {{ http: {{ url: 'http://127.0.0.1:9' }} }}\n---\n\
             # L\n\n- [ ] Tested <!-- check: e2e -->\n- [ ] Up <!-- check: other -->\n"
        );
        std::fs::write(directory.path().join("posted.md"), checklist).unwrap();
        let now = Timestamp::from_second(SIGNED_AT.parse().unwrap()).unwrap();
        let clock = ManualClock::new(now);
        let mut posted = Self::open(directory, clock).await;
        let entry = posted.engine.catalog().entry("posted").unwrap();
        let start = Wish::Start(Start {
            checklist: Arc::clone(&entry.checklist),
            checklist_bytes: Arc::clone(&entry.bytes),
            guild: GuildId(2),
            channel: ChannelId(3),
            version: Version::parse("1.0.0").unwrap(),
            environment: text::Environment::parse("staging").unwrap(),
            variables: std::iter::empty().collect(),
        });
        posted.deployment = posted.handle("start", person(), start).await;
        posted
    }

    async fn open(directory: TempDir, clock: ManualClock) -> Self {
        let store = Store::open(&directory.path().join("holdpoint.db"), clock.now())
            .await
            .unwrap();
        let (catalog, _) = Catalog::load(directory.path());
        let rules = Rules {
            rights: Rights::default(),
            rights_by_guild: std::iter::empty().collect(),
            four_eyes: FourEyes::Waived,
        };
        let stop = CancellationToken::new();
        let (engine, desk) = Engine::open(store, Arc::new(clock.clone()), catalog, rules, stop.clone())
            .await
            .unwrap();
        let guard = Guard::new(GuardSettings::default(), Environment::default()).unwrap();
        let checks = Checks::new(Limits::default(), guard, Arc::new(clock.clone())).unwrap();
        let runs = CheckRuns::new(engine.clone(), checks, Environment::default(), stop.clone()).unwrap();
        Self {
            running: Running::start_with(Arc::new(Runs(runs))).await,
            engine,
            desk,
            clock,
            deployment: DeploymentId(0),
            stop,
            directory,
        }
    }

    /// Stops everything and starts it again on the same files.
    async fn restarted(self) -> Self {
        let deployment = self.deployment;
        self.stop.cancel();
        self.running.finish().await;
        self.desk.await.unwrap();
        self.engine.store().clone().close().await;
        Self {
            deployment,
            ..Self::open(self.directory, self.clock).await
        }
    }

    async fn handle(&self, id: &str, actor: ActingAs, wish: Wish) -> DeploymentId {
        let input = Input {
            id: InputId::new(id),
            guild: Some(GuildId(2)),
            actor,
            wish,
        };
        self.engine.handle(input).await.unwrap().after.id
    }

    async fn command(&self, id: &str, actor: ActingAs, command: Command) {
        let deployment = self.deployment;
        self.handle(id, actor, Wish::Change { deployment, command }).await;
    }

    async fn post(&self, path: &str, signature: &str, body: String) -> (u16, String) {
        let headers = [
            ("webhook-id", "build-1234".to_owned()),
            ("webhook-timestamp", SIGNED_AT.to_owned()),
            ("webhook-signature", signature.to_owned()),
        ];
        self.running.post(path, headers, body).await
    }

    /// Posts what is signed now.
    async fn post_signed(&self, id: &str, body: &str) -> (u16, String) {
        let headers = signed(id, self.clock.now(), body);
        self.running.post(&self.path(), headers, body.to_owned()).await
    }

    fn path(&self) -> String {
        hook_path(self.deployment, &CheckId::new("e2e"))
    }

    async fn now(&self) -> Arc<Deployment> {
        let found = self.engine.any_deployment(self.deployment).await.unwrap();
        found.unwrap()
    }

    /// What the check has come to.
    async fn result(&self) -> CheckResult {
        self.now().await.checks[&CheckId::new("e2e")].clone()
    }

    async fn finish(self) {
        self.stop.cancel();
        self.running.finish().await;
    }
}

fn person() -> ActingAs {
    ActingAs::Person(Person {
        id: UserId(1),
        discord_roles: Vec::new(),
        manages_server: true,
    })
}

fn told(status: u16, text: &str) -> (u16, String) {
    (status, text.to_owned())
}

#[tokio::test]
async fn a_signed_post_is_recorded_once() {
    let posted = Posted::start().await;
    let path = posted.path();
    let first = posted.post(&path, SIGNATURE, BODY.to_owned()).await;
    assert_eq!(first, told(200, RECORDED));
    let recorded = posted.now().await;
    let result = &recorded.checks[&CheckId::new("e2e")];
    assert!(result.has_passed(), "{result:?}");
    let again = posted.post(&path, SIGNATURE, BODY.to_owned()).await;
    assert_eq!(again, told(200, REPEATED));
    assert_eq!(
        posted.now().await.seq,
        recorded.seq,
        "a repeated post changed something"
    );
    posted.finish().await;
}

#[tokio::test]
async fn what_is_not_believed_is_answered_alike_and_changes_nothing() {
    let posted = Posted::start().await;
    let before = posted.now().await;
    let path = posted.path();
    let of_check = |name| hook_path(posted.deployment, &CheckId::new(name));
    let mut answers = vec![
        posted.post(&path, SIGNATURE, "{}".to_owned()).await,
        posted.post(&path, "", BODY.to_owned()).await,
        posted.post(&path, SIGNATURE, "no JSON".to_owned()).await,
        posted
            .post(&of_check("no-such"), SIGNATURE, BODY.to_owned())
            .await,
        // There is a check of that name, and it asks by itself.
        posted.post(&of_check("other"), SIGNATURE, BODY.to_owned()).await,
        posted.post("/hooks/999/e2e", SIGNATURE, BODY.to_owned()).await,
        posted.post("/hooks/x/e2e", SIGNATURE, BODY.to_owned()).await,
    ];
    posted.clock.advance(SignedDuration::from_mins(6));
    answers.push(posted.post(&path, SIGNATURE, BODY.to_owned()).await);
    let expected = told(
        401,
        r#"{"error":"no post is taken here with this signature; Holdpoint's log says why"}"#,
    );
    for answer in &answers {
        assert_eq!(*answer, expected);
    }
    let (status, _) = posted.post(&path, SIGNATURE, "x".repeat((64 << 10) + 1)).await;
    assert_eq!(status, 413);
    assert_eq!(posted.now().await.seq, before.seq);
    posted.finish().await;
}

#[tokio::test]
async fn a_signed_body_that_is_no_json_is_told_so() {
    let posted = Posted::start().await;
    let expected = told(
        400,
        r#"{"error":"the body must be JSON, nested at most 64 deep"}"#,
    );
    assert_eq!(posted.post_signed("text", "all is well").await, expected);
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    assert_eq!(posted.post_signed("deep", &deep).await, expected);
    assert_eq!(
        posted.post_signed("less-deep", &deep[1..129]).await,
        told(200, RECORDED)
    );
    posted.finish().await;
}

#[tokio::test]
async fn a_deployment_that_has_ended_is_told_to_those_who_sign_and_to_nobody_else() {
    let posted = Posted::start().await;
    assert_eq!(posted.post_signed("before", PASSED).await, told(200, RECORDED));
    let finish = Command::Finish {
        outcome: Outcome::Failed,
        reason: Some(Reason::parse("called off").unwrap()),
    };
    posted.command("finish", person(), finish).await;
    let ended = posted.now().await;
    let expected =
        r#"{"error":"the deployment has ended and takes no posts any more; post to the one that runs now"}"#;
    assert_eq!(posted.post_signed("after", FAILED).await, told(410, expected));
    // Whoever never had the answer to what was taken gets it all the same.
    assert_eq!(posted.post_signed("before", PASSED).await, told(200, REPEATED));
    let (status, _) = posted.post(&posted.path(), "v1,AAAA", BODY.to_owned()).await;
    assert_eq!(status, 401);
    assert_eq!(posted.now().await.seq, ended.seq);
    posted.finish().await;
}

#[tokio::test]
async fn what_was_taken_before_a_restart_is_known_after_it() {
    let posted = Posted::start().await;
    assert_eq!(posted.post_signed("first", FAILED).await, told(200, RECORDED));
    let before = posted.result().await;
    let posted = posted.restarted().await;
    assert_eq!(posted.result().await, before);
    posted.clock.advance(SignedDuration::from_mins(1));
    // Signed afresh, as a sender does that tries again, and about something else even.
    assert_eq!(posted.post_signed("first", PASSED).await, told(200, REPEATED));
    assert_eq!(posted.result().await, before);
    assert_eq!(posted.post_signed("second", PASSED).await, told(200, RECORDED));
    assert_eq!(posted.result().await.status, CheckStatus::Passed);
    posted.finish().await;
}

#[tokio::test]
async fn a_run_that_looked_at_an_older_post_does_not_take_the_place_of_a_newer_one() {
    let posted = Posted::start().await;
    let run = async |id: &str, result: &CheckResult| {
        let command = Command::RecordCheck {
            result: result.clone(),
        };
        posted.command(id, ActingAs::CheckRunner, command).await;
    };
    // A run that began before anything came.
    let nothing = CheckResult {
        observed: std::iter::empty().collect(),
        status: CheckStatus::Failed,
        why: "nothing has come yet".to_owned(),
        ..some_result(posted.clock.now())
    };
    posted.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(posted.post_signed("older", PASSED).await, told(200, RECORDED));
    let older = posted.result().await;
    run("saw-nothing", &nothing).await;
    assert_eq!(posted.result().await, older);

    posted.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(posted.post_signed("newer", FAILED).await, told(200, RECORDED));
    let newer = posted.result().await;
    assert_eq!(newer.status, CheckStatus::Failed);
    // Begun after it came, with what was there a moment before, and ended now.
    posted.clock.advance(SignedDuration::from_secs(1));
    let late = CheckResult {
        at: posted.clock.now(),
        ..older
    };
    run("saw-the-older", &late).await;
    assert_eq!(posted.result().await, newer);
    // A run that looked at the newest counts: it knows its age by now.
    let aged = CheckResult {
        at: posted.clock.now(),
        why: "by now it is older".to_owned(),
        ..newer
    };
    run("saw-the-newest", &aged).await;
    assert_eq!(posted.result().await, aged);
    // Of two that come in the same moment, the second is the news.
    assert_eq!(posted.post_signed("one", FAILED).await, told(200, RECORDED));
    assert_eq!(posted.post_signed("two", PASSED).await, told(200, RECORDED));
    assert_eq!(posted.result().await.status, CheckStatus::Passed);
    posted.finish().await;
}

fn some_result(at: Timestamp) -> CheckResult {
    CheckResult {
        check: CheckId::new("e2e"),
        status: CheckStatus::Passed,
        why: String::new(),
        observed: [("received".to_owned(), json!(at.to_string()))]
            .into_iter()
            .collect(),
        at,
        duration_ms: 0,
    }
}

/// Says when a post has come, and lets it go when it is told to.
struct Slow {
    came: mpsc::UnboundedSender<()>,
    gate: Arc<Semaphore>,
}

#[async_trait]
impl Hooks for Slow {
    async fn take(&self, _post: IncomingPost) -> Taken {
        self.came.send(()).unwrap();
        self.gate.acquire().await.unwrap().forget();
        Taken::Recorded
    }
}

#[tokio::test]
async fn whoever_comes_when_too_many_are_there_is_asked_to_come_again() {
    let (came, mut coming) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let running = Running::start_with(Arc::new(Slow {
        came,
        gate: Arc::clone(&gate),
    }))
    .await;
    let post = || running.post("/hooks/1/it", [], "{}".to_owned());
    let many = join_all((0..16).map(|_| post()));
    let one_more = async {
        for _ in 0..16 {
            coming.recv().await.unwrap();
        }
        let client = reqwest::Client::new();
        let url = format!("http://{}/hooks/1/it", running.address);
        let refused = tokio::select! {
            refused = client.post(url).body("{}").send() => refused.unwrap(),
            _ = coming.recv() => panic!("one more than there are places for was looked at"),
        };
        assert_eq!(refused.headers()["retry-after"], "1");
        let refused = (refused.status().as_u16(), refused.text().await.unwrap());
        let expected = r#"{"error":"too many posts at once; send it again"}"#;
        assert_eq!(refused, told(503, expected));
        gate.add_permits(17);
    };
    let (answers, ()) = tokio::join!(many, one_more);
    assert_eq!(answers, vec![told(200, RECORDED); 16]);
    assert_eq!(post().await, told(200, RECORDED), "a place is free again");
    running.finish().await;
}
