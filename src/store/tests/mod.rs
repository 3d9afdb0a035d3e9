//! The store's promises, each with a case that tries to break it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::{Store, Unit};
use crate::domain::checklist::{Checklist, Item};
use crate::domain::deployment::Deployment;
use crate::domain::effects::Owed;
use crate::domain::event::{Actor, Event, How, Recorded};
use crate::domain::ids::{
    ChannelId, ChecklistHash, ChecklistName, DeploymentId, GuildId, InputId, ItemId, UserId,
};

mod auditing;
mod committing;
mod opening;
mod owing;
mod remembering;

/// What a test returns: a question mark fails it.
type Outcome = Result<(), Box<dyn std::error::Error>>;

const GUILD: GuildId = GuildId(900_000_000_000_000_001);
const CHANNEL: ChannelId = ChannelId(900_000_000_000_000_002);
const ALICE: UserId = UserId(900_000_000_000_000_003);
const SOURCE: &[u8] = b"# Release\n\n- [ ] Tell everybody\n";

/// A directory for one test's database.
struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            directory: tempfile::tempdir()?,
        })
    }

    fn database(&self) -> PathBuf {
        self.directory.path().join("holdpoint.db")
    }

    async fn open(&self) -> Result<Store, super::OpenError> {
        Store::open(&self.database(), at(0)).await
    }

    /// A connection past the store, as an attacker or another program has it.
    async fn raw(&self) -> Result<SqliteConnection, sqlx::Error> {
        SqliteConnectOptions::new()
            .filename(self.database())
            .foreign_keys(false)
            .connect()
            .await
    }

    async fn raw_sql(&self, sql: &'static str) -> Result<(), sqlx::Error> {
        let mut connection = self.raw().await?;
        sqlx::raw_sql(sql).execute(&mut connection).await?;
        connection.close().await
    }

    async fn count(&self, sql: &'static str) -> Result<i64, sqlx::Error> {
        let mut connection = self.raw().await?;
        let count = sqlx::query_scalar(sql).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(count)
    }
}

/// So many seconds after the tests' beginning of time.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap_or(Timestamp::MAX)
}

fn hash() -> ChecklistHash {
    ChecklistHash::new(format!("{:x}", Sha256::digest(SOURCE)))
}

fn checklist() -> Arc<Checklist> {
    Arc::new(Checklist {
        name: ChecklistName::new("release"),
        hash: hash(),
        title: "Release".to_owned(),
        source: String::from_utf8_lossy(SOURCE).into_owned(),
        sections: Vec::new(),
        items: vec![Item {
            id: item(),
            line: 3,
            checked: false,
            depth: 1,
            text: "Tell everybody".to_owned(),
            section: None,
            parent: None,
            ordered: false,
            marker: 14..15,
            optional: false,
            checks: Vec::new(),
            sign_off: None,
            decision: false,
        }],
        blanks: Vec::new(),
        variables: BTreeMap::new(),
        checks: BTreeMap::new(),
        sign_offs: BTreeMap::new(),
        gates: Vec::new(),
        escalations: BTreeMap::new(),
    })
}

fn item() -> ItemId {
    ItemId::new("1.1")
}

fn started() -> Event {
    Event::Started {
        checklist: hash(),
        name: ChecklistName::new("release"),
        version: "1.2.3".to_owned(),
        environment: "production".to_owned(),
        guild: GUILD,
        channel: CHANNEL,
        variables: BTreeMap::new(),
    }
}

fn noted(text: &str) -> Event {
    Event::Noted {
        item: None,
        text: text.to_owned(),
    }
}

fn ticked() -> Event {
    Event::Ticked {
        item: item(),
        how: How::ByHand,
    }
}

/// A deployment as a test goes through it: every unit follows the one before.
struct Course {
    id: DeploymentId,
    history: Vec<Recorded>,
}

impl Course {
    fn new(id: i64) -> Self {
        Self {
            id: DeploymentId(id),
            history: Vec::new(),
        }
    }

    fn folded(&self) -> Result<Deployment, crate::domain::deployment::Foreign> {
        Deployment::fold(self.id, checklist(), &self.history)
    }

    /// The unit of a start, which owes nothing here.
    fn start(&mut self) -> Result<Unit, crate::domain::deployment::Foreign> {
        let mut unit = self.unit("start", vec![started()])?;
        unit.checklist = Some((hash(), ChecklistName::new("release"), SOURCE.to_vec()));
        Ok(unit)
    }

    /// A unit with these events, from an input of this name.
    fn unit(&mut self, input: &str, events: Vec<Event>) -> Result<Unit, crate::domain::deployment::Foreign> {
        let first = self.history.len() as u64 + 1;
        let events: Vec<Recorded> = (first..)
            .zip(events)
            .map(|(seq, event)| Recorded {
                seq,
                at: at(seq.cast_signed()),
                actor: Actor::Person(ALICE),
                event,
            })
            .collect();
        self.history.extend(events.iter().cloned());
        Ok(Unit {
            input: InputId::new(format!("{}:{input}", self.id.0)),
            at: at(self.history.len() as i64),
            deployment: self.id,
            events: events.into(),
            owed: Vec::new(),
            set: Vec::new(),
            stop: Vec::new(),
            fired: None,
            after: Arc::new(self.folded()?),
            checklist: None,
        })
    }

    /// A unit with one remark that owes these.
    fn owing(&mut self, input: &str, owed: &[Owed]) -> Result<Unit, crate::domain::deployment::Foreign> {
        let mut unit = self.unit(input, vec![noted(input)])?;
        unit.owed = owed.to_vec();
        Ok(unit)
    }
}
