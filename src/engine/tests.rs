//! What only the engine sees of itself: what it holds in memory, and for how long.

use std::error::Error;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Catalog, Engine, Input, Rules, Wish};
use crate::clock::ManualClock;
use crate::domain::command::{ActingAs, Command, FourEyes, Start};
use crate::domain::ids::{ChannelId, GuildId, InputId, ItemId, UserId};
use crate::domain::rights::{Person, Rights};
use crate::domain::text::{Environment, Version};
use crate::store::Store;

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn what_is_in_memory_is_read_again_when_the_database_is_known_to_be_ahead() -> Outcome {
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("short.md"), "# Short\n\n- [ ] Work\n")?;
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
    let mara = ActingAs::Person(Person {
        id: UserId(1),
        discord_roles: Vec::new(),
        manages_server: false,
    });
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
    let input = |id: &str, wish| Input {
        id: InputId::new(id),
        guild: None,
        actor: mara.clone(),
        wish,
    };
    let earlier = engine.handle(input("start", Wish::Start(start))).await?.after;
    let tick = Wish::Change {
        deployment: earlier.id,
        command: Command::Tick {
            item: ItemId::new("1"),
        },
    };
    let later = engine.handle(input("tick", tick)).await?.after;
    assert!(later.seq > earlier.seq);

    // As it is between the commit and the publication.
    engine.shared().residents.forget(earlier.id);
    engine.shared().residents.keep(Arc::clone(&earlier));
    let held = engine.shared().resident(earlier.id).await?;
    assert_eq!(held.map(|held| held.seq), Some(earlier.seq));
    let read = engine.shared().resident_since(earlier.id, later.seq).await?;
    assert_eq!(read.as_deref(), Some(&*later));
    let held = engine.shared().resident(earlier.id).await?;
    assert_eq!(held.map(|held| held.seq), Some(later.seq));
    stop.cancel();
    desk.await?;
    Ok(())
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
