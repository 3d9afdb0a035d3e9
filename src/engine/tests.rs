//! What only the engine sees of itself: what it holds in memory, and what it decides before it is on disk.

use std::error::Error;
use std::sync::Arc;

use futures_util::FutureExt as _;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Catalog, Engine, Fault, HandleError, Handled, Input, Repeated, Rules, WAITING_INPUTS, Wish};
use crate::clock::ManualClock;
use crate::domain::command::{ActingAs, Command, FourEyes, Start};
use crate::domain::deployment::Deployment;
use crate::domain::ids::{ChannelId, DeploymentId, GuildId, InputId, ItemId, UserId};
use crate::domain::refusal::Refusal;
use crate::domain::rights::{Person, Rights};
use crate::domain::text::{Environment, Remark, Version};
use crate::store::Store;

type Outcome = Result<(), Box<dyn Error>>;

/// What the database of a stage does not take: as if its disk failed just then.
const POISON: &str = "the disk fails";

/// An engine on a database of its own, with one deployment.
struct Stage {
    directory: TempDir,
    engine: Engine,
    desk: JoinHandle<()>,
    stop: CancellationToken,
    deployment: DeploymentId,
}

impl Stage {
    async fn build() -> Result<Self, Box<dyn Error>> {
        let directory = tempfile::tempdir()?;
        let checklist = "# Short\n\n- [ ] First\n- [ ] Second\n- [ ] Third\n";
        std::fs::write(directory.path().join("short.md"), checklist)?;
        let now = "2026-03-06T09:00:00Z".parse()?;
        let store = Store::open(&directory.path().join("holdpoint.db"), now).await?;
        let (catalog, _) = Catalog::load(directory.path());
        let rules = Rules {
            rights: Rights::default(),
            rights_by_guild: std::iter::empty().collect(),
            four_eyes: FourEyes::Waived,
        };
        let stop = CancellationToken::new();
        let clock = Arc::new(ManualClock::new(now));
        let (engine, desk) = Engine::open(store, clock, catalog, rules, stop.clone()).await?;
        let entry = engine.catalog().entry("short").ok_or("no checklist")?;
        let start = Start {
            checklist: Arc::clone(&entry.checklist),
            checklist_bytes: Arc::clone(&entry.bytes),
            guild: GuildId(2),
            channel: ChannelId(3),
            version: Version::parse("1.0.0")?,
            environment: Environment::parse("staging")?,
            variables: std::iter::empty().collect(),
        };
        let deployment = engine.handle(input("start", Wish::Start(start))).await?.after.id;
        Ok(Self {
            directory,
            engine,
            desk,
            stop,
            deployment,
        })
    }

    async fn now(&self) -> Result<Arc<Deployment>, Box<dyn Error>> {
        let deployment = self.engine.any_deployment(self.deployment).await?;
        Ok(deployment.ok_or("the deployment is not there")?)
    }

    async fn change(&self, id: &str, command: Command) -> Result<Handled, HandleError> {
        self.engine.handle(self.input(id, command)).await
    }

    /// Sends a change, and returns once the desk has decided it. Only for a runtime of one thread, on which the desk does
    /// not rest between taking an input and having decided it.
    async fn sent(&self, id: &str, command: Command) -> JoinHandle<Result<Handled, HandleError>> {
        let (engine, input) = (self.engine.clone(), self.input(id, command));
        let answer = tokio::spawn(async move { engine.handle(input).await });
        // It is on the desk's queue after one turn of the others, and off it after the desk's.
        tokio::task::yield_now().await;
        while self.engine.shared().jobs.capacity() < WAITING_INPUTS {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
        answer
    }

    fn input(&self, id: &str, command: Command) -> Input {
        let deployment = self.deployment;
        input(id, Wish::Change { deployment, command })
    }

    /// A connection past the engine, as another program has it.
    async fn past_the_engine(&self) -> Result<SqliteConnection, sqlx::Error> {
        SqliteConnectOptions::new()
            .filename(self.directory.path().join("holdpoint.db"))
            .connect()
            .await
    }

    /// Holds back what is being written until the connection is let go of.
    async fn hold_writing(&self) -> Result<SqliteConnection, sqlx::Error> {
        let mut other = self.past_the_engine().await?;
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await?;
        Ok(other)
    }

    /// Has the database refuse to take a remark that says [`POISON`].
    async fn poison(&self) -> Result<(), sqlx::Error> {
        let mut other = self.past_the_engine().await?;
        sqlx::raw_sql(
            "CREATE TRIGGER poisoned BEFORE INSERT ON events WHEN NEW.body LIKE '%the disk fails%'
             BEGIN SELECT RAISE(ABORT, 'the disk fails'); END",
        )
        .execute(&mut other)
        .await?;
        other.close().await
    }

    /// The kinds of what has happened, as it is on disk and proves.
    async fn kinds(&self) -> Result<Vec<&'static str>, Box<dyn Error>> {
        self.engine.store().verify().await?;
        let history = self.engine.history(self.deployment).await?;
        Ok(history.iter().map(|recorded| recorded.event.kind()).collect())
    }

    async fn close(self) -> Outcome {
        self.stop.cancel();
        self.desk.await?;
        Ok(())
    }
}

fn input(id: &str, wish: Wish) -> Input {
    Input {
        id: InputId::new(id),
        guild: None,
        actor: ActingAs::Person(Person {
            id: UserId(1),
            discord_roles: Vec::new(),
            manages_server: false,
        }),
        wish,
    }
}

fn tick(item: &str) -> Command {
    let item = ItemId::new(item);
    Command::Tick { item }
}

fn untick(item: &str) -> Command {
    let item = ItemId::new(item);
    Command::Untick { item }
}

fn note(text: &str) -> Result<Command, Refusal> {
    let text = Remark::parse(text)?;
    Ok(Command::Note { item: None, text })
}

#[tokio::test]
async fn what_is_in_memory_is_read_again_when_the_database_is_known_to_be_ahead() -> Outcome {
    let stage = Stage::build().await?;
    let earlier = stage.now().await?;
    let later = stage.change("tick", tick("1")).await?.after;
    assert!(later.seq > earlier.seq);

    // As it is between the commit and the publication.
    let shared = stage.engine.shared();
    shared.residents.forget(earlier.id);
    shared.residents.keep(Arc::clone(&earlier));
    let held = shared.resident(earlier.id).await?;
    assert_eq!(held.map(|held| held.seq), Some(earlier.seq));
    let read = shared.resident_since(earlier.id, later.seq).await?;
    assert_eq!(read.as_deref(), Some(&*later));
    let held = shared.resident(earlier.id).await?;
    assert_eq!(held.map(|held| held.seq), Some(later.seq));
    stage.close().await
}

#[tokio::test]
async fn nobody_is_answered_before_it_is_on_disk_though_the_next_is_decided_meanwhile() -> Outcome {
    let stage = Stage::build().await?;
    // Given that something is being written,
    let held = stage.hold_writing().await?;
    let mut first = stage.sent("first", tick("1")).await;
    // when more is decided on it: what can be, and what it forbids,
    let mut second = stage.sent("second", tick("2")).await;
    let mut refused = stage.sent("again", tick("1")).await;
    // then nobody hears of it, not even who is refused, and nothing of it can be seen,
    assert!((&mut first).now_or_never().is_none());
    assert!((&mut second).now_or_never().is_none());
    assert!((&mut refused).now_or_never().is_none());
    assert_eq!(stage.now().await?.seq, 1);
    // until it is on disk.
    held.close().await?;
    let (first, second) = (first.await??, second.await??);
    assert_eq!((first.after.seq, second.after.seq), (2, 3));
    assert_eq!(second.before, Some(first.after));
    let refused = refused.await?;
    assert!(
        matches!(refused, Err(HandleError::Refused(Refusal::AlreadyClosed { .. }))),
        "{refused:?}"
    );
    assert_eq!(stage.kinds().await?, ["started", "ticked", "ticked"]);
    stage.close().await
}

#[tokio::test]
async fn what_was_decided_on_a_batch_that_is_not_written_is_decided_again_without_it() -> Outcome {
    let stage = Stage::build().await?;
    stage.change("ticked before", tick("2")).await?;
    stage.poison().await?;
    // Given a batch that will not be written,
    let held = stage.hold_writing().await?;
    let failing = stage.sent("failing", note(POISON)?).await;
    // when others are decided on it,
    let second = stage.sent("second", tick("1")).await;
    let refused = stage.sent("refused", tick("2")).await;
    let third = stage.sent("third", untick("2")).await;
    held.close().await?;
    // then who was in it is told that nothing was kept,
    let told = failing.await?;
    assert!(
        matches!(told, Err(HandleError::Fault(Fault::CommitFailed { .. }))),
        "{told:?}"
    );
    // and the others are as if it had never been.
    let (second, third) = (second.await??, third.await??);
    assert_eq!((second.after.seq, third.after.seq), (3, 4));
    assert!(second.after.notes.is_empty());
    assert!(matches!(refused.await?, Err(HandleError::Refused(_))));
    assert_eq!(stage.kinds().await?, ["started", "ticked", "ticked", "unticked"]);
    assert_eq!(stage.now().await?, third.after);
    stage.close().await
}

#[tokio::test]
async fn a_repeat_is_told_so_whether_its_first_is_decided_being_written_or_on_disk() -> Outcome {
    let stage = Stage::build().await?;
    let is_repeat = |handled: &Handled| handled.repeated == Repeated::Yes && handled.events.is_empty();
    // Given inputs that are being written, and decided,
    let held = stage.hold_writing().await?;
    let writing = stage.sent("writing", tick("1")).await;
    let decided = stage.sent("decided", tick("2")).await;
    // when they come again,
    let writing_again = stage.sent("writing", tick("1")).await;
    let decided_again = stage.sent("decided", tick("2")).await;
    held.close().await?;
    // then each is applied once, and told that it is.
    assert!(!is_repeat(&writing.await??));
    assert!(!is_repeat(&decided.await??));
    assert!(is_repeat(&writing_again.await??));
    assert!(is_repeat(&decided_again.await??));
    // When one comes again whose first is on disk, and which would be refused by now, it is told so, too.
    assert!(is_repeat(&stage.change("writing", tick("1")).await?));
    assert_eq!(stage.kinds().await?, ["started", "ticked", "ticked"]);
    stage.close().await
}

#[tokio::test]
async fn a_repeat_that_could_be_done_again_is_not_and_takes_nobody_with_it() -> Outcome {
    let stage = Stage::build().await?;
    // Given an input that was applied, and what it did was undone,
    stage.change("tick", tick("1")).await?;
    stage.change("untick", untick("1")).await?;
    // when it comes again, with one beside it and one decided on both,
    let held = stage.hold_writing().await?;
    let repeat = stage.sent("tick", tick("1")).await;
    let beside = stage.sent("beside", tick("2")).await;
    let after = stage.sent("after", tick("1")).await;
    held.close().await?;
    // then it is told that it was done, and changes nothing; the others are decided without it.
    let repeat = repeat.await??;
    assert_eq!(repeat.repeated, Repeated::Yes);
    assert!(repeat.events.is_empty());
    assert_eq!(beside.await??.events.len(), 1);
    assert_eq!(after.await??.events.len(), 1);
    assert_eq!(
        stage.kinds().await?,
        ["started", "ticked", "unticked", "ticked", "ticked"]
    );
    stage.close().await
}

#[test]
fn a_checklist_is_kept_for_as_long_as_it_is_held() -> Outcome {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("one.md");
    std::fs::write(&file, "- [ ] First\n")?;
    let (catalog, _) = Catalog::load(directory.path());
    let first = catalog
        .entry("one")
        .ok_or("it is not there")?
        .checklist
        .hash
        .clone();
    let held = catalog.by_hash(&first).ok_or("it is not kept")?;

    std::fs::write(&file, "- [ ] Second\n")?;
    catalog.reload();
    assert!(
        catalog
            .by_hash(&first)
            .is_some_and(|same| Arc::ptr_eq(&same, &held))
    );
    drop(held);
    assert!(catalog.by_hash(&first).is_none());
    let second = catalog
        .entry("one")
        .ok_or("it is not there")?
        .checklist
        .hash
        .clone();
    assert!(catalog.by_hash(&second).is_some());
    Ok(())
}
