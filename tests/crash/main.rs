//! The crash test: the real binary is killed with SIGKILL at random moments while people work, again and again. At the
//! end every action that somebody saw done is in the log, every message owed was posted once, every ping that was due
//! fired once, every reaction that stands is a signature, and the audit log proves.
//!
//! `HOLDPOINT_CRASH_ROUNDS` says how often it is killed (200 unless it is set), `HOLDPOINT_CRASH_SEED` makes a run again.
//!
//! SIGKILL ends a process and not its machine: what was written is still written, whether it was synced or not. That
//! `synchronous=FULL` is needed can only be shown by cutting the power, and this test does not claim it.

#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test may panic, in its helpers too, and tell its figures"
)]

mod chance;
mod evidence;
mod load;
mod machine;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, Hasher as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use holdpoint::clock::{Clock as _, SystemClock};
use holdpoint::domain::deployment::Deployment;
use holdpoint::domain::ids::{DeploymentId, GuildId, InputId, RoleKey, UserId};
use holdpoint::domain::sign_off::{Holder, Rank};
use holdpoint::markdown;
use holdpoint::store::{ProjectionRow, Store};
use sqlx::{ConnectOptions as _, Connection as _};

use chance::Chance;
use evidence::{Answer, Evidence, OwedMessage, Settled, controls};
use load::{Load, tech_leads_card};
use machine::{CHANNEL, Machine, options, stop};

/// How often the binary is killed unless the environment says otherwise.
const ROUNDS: usize = 200;
/// After so many rounds another deployment is started.
const ROUNDS_PER_DEPLOYMENT: usize = 6;
/// How long the last start has to bring everything to rest.
const REST: Duration = Duration::from_secs(90);
/// How often the database is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(100);

/// Number, deployment, what is owed, when it was settled, whether it was given up, and why.
type OutboxRow = (i64, i64, String, Option<i64>, i64, Option<String>);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_when_the_process_is_killed_at_any_moment() {
    let rounds: usize = from_environment("HOLDPOINT_CRASH_ROUNDS").unwrap_or(ROUNDS);
    let seed: u64 = from_environment("HOLDPOINT_CRASH_SEED").unwrap_or_else(any_seed);
    eprintln!("crash test: {rounds} rounds, HOLDPOINT_CRASH_SEED={seed}");
    let begun = Instant::now();
    let machine = Machine::new().await;
    give_roles(&machine).await;
    let mut chance = Chance::new(seed);
    let machine = Arc::new(machine);
    let load = Load::new(Arc::clone(&machine.stand_in));
    load.begin(seed);

    let mut ready = Vec::new();
    let mut early = 0;
    for round in 0..rounds {
        let gateway = machine.stand_in.gateway();
        let identified = gateway.identified();
        let started = Instant::now();
        let mut child = machine.start();
        if round % ROUNDS_PER_DEPLOYMENT == 0 {
            load.allow_a_start();
        }
        if round > 0 && chance.below(6) == 0 {
            // While it starts: the database is opened, migrated, read; the gateway is opened, cards are looked at.
            early += 1;
            tokio::time::sleep(Duration::from_millis(chance.below(300) as u64)).await;
        } else {
            tokio::select! {
                connected = gateway.wait_for_identifies(identified + 1) => {
                    connected.unwrap_or_else(|error| panic!("seed {seed}, round {round}: {error}\n{}", machine.log()));
                }
                ended = child.wait() => panic!("seed {seed}, round {round}: it ended by itself: {ended:?}\n{}", machine.log()),
            }
            ready.push(started.elapsed());
            tokio::time::sleep(Duration::from_millis(20 + chance.below(500) as u64)).await;
        }
        child.kill().await.expect("the child can be killed");
    }

    let child = machine.start();
    let actions = load.end().await;
    let rest = Instant::now();
    let mut unsettled = unsettled(&machine, &load).await;
    while !unsettled.is_empty() {
        assert!(
            rest.elapsed() < REST,
            "seed {seed}: it does not come to rest: {unsettled:#?}\n{}",
            machine.log()
        );
        tokio::time::sleep(LOOK).await;
        unsettled = self::unsettled(&machine, &load).await;
    }
    let ended = stop(child).await;
    assert!(
        ended.success(),
        "seed {seed}: told to stop, it ended with {ended}\n{}",
        machine.log()
    );
    let verified = machine.run(&["audit", "verify"]).await;
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success(), "seed {seed}: {said}");

    let evidence = gather(&machine, actions).await;
    let findings = evidence.findings();
    assert!(
        findings.is_empty(),
        "seed {seed}: {} broken promises: {findings:#?}\n{}",
        findings.len(),
        machine.log()
    );
    let wrong = controls(&evidence);
    assert!(
        wrong.is_empty(),
        "seed {seed}: the checker does not find what is there: {wrong:#?}"
    );
    assert_projection_is_that_of_the_events(&machine).await;

    ready.sort();
    let count = |answer| {
        evidence
            .actions
            .iter()
            .filter(|action| action.answer == answer)
            .count()
    };
    eprintln!(
        "crash test: {rounds} kills ({early} during a start), {} actions ({} acknowledged, {} refused, {} unanswered), \
         {} deployments, {} events, {} owed, {} posted, ready after {:?} (median), {:?} in all; {}",
        evidence.actions.len(),
        count(Answer::Done),
        count(Answer::Refused),
        count(Answer::None),
        evidence.log.len(),
        evidence.log.values().map(Vec::len).sum::<usize>(),
        evidence.owed.len(),
        evidence.posted.len(),
        ready.get(ready.len() / 2),
        begun.elapsed(),
        said.trim(),
    );
    assert!(
        count(Answer::Done) > rounds,
        "seed {seed}: so little work proves nothing"
    );
}

/// Theo and Dana may sign for the tech lead; whoever may for the watch never does.
async fn give_roles(machine: &Machine) {
    let now = SystemClock.now();
    let store = Store::open(&machine.database(), now)
        .await
        .expect("a new database");
    let guild = GuildId(machine.stand_in.guild_id("Northwind").expect("the guild").into());
    for (name, role, rank) in [
        ("Theo", "tech-lead", Rank::Owner),
        ("Dana", "tech-lead", Rank::Deputy),
        ("Lee", "watch", Rank::Owner),
        ("Petra", "watch", Rank::Deputy),
        ("Mara", "watch", Rank::Lead),
    ] {
        let person = UserId(
            machine
                .stand_in
                .person(name)
                .expect("everybody is there")
                .id()
                .into(),
        );
        store
            .set_owner(
                guild,
                &RoleKey::new(role),
                rank,
                Holder::Member(person),
                person,
                now,
            )
            .await
            .expect("a role is given");
    }
    store.close().await;
}

/// What still has to happen before everything can be compared.
async fn unsettled(machine: &Machine, load: &Load) -> Vec<String> {
    let mut unsettled = Vec::new();
    let store = Store::open_read_only(&machine.database())
        .await
        .expect("the database can be read");
    let outbox = store.outbox_state().await.expect("the outbox can be read");
    if outbox.owed > 0 {
        unsettled.push(format!("{} messages are owed", outbox.owed));
    }
    if let Some(due) = store.next_due().await.expect("the timers can be read")
        && due < SystemClock.now() + jiff::SignedDuration::from_mins(5)
    {
        unsettled.push(format!("a timer is due at {due}"));
    }
    let signers: BTreeSet<u64> = ["Theo", "Dana"]
        .map(|name| {
            machine
                .stand_in
                .person(name)
                .expect("everybody is there")
                .id()
                .into()
        })
        .into();
    for live in load.live() {
        let deployment = folded(&store, DeploymentId(live.id)).await;
        let signed: BTreeSet<u64> = deployment
            .sign_offs
            .get(&RoleKey::new("tech-lead"))
            .into_iter()
            .flat_map(|sign_off| &sign_off.signatures)
            .map(|signature| signature.by.0)
            .collect();
        let reacting: BTreeSet<u64> = tech_leads_card(&live.thread)
            .iter()
            .filter_map(|card| card.json()["reactions"].as_array())
            .flatten()
            .filter(|reaction| reaction["emoji"]["name"] == "✅")
            .filter_map(|reaction| reaction["users"].as_array())
            .flatten()
            .filter_map(|user| {
                user.as_str()
                    .and_then(|id| id.parse().ok())
                    .or_else(|| user.as_u64())
            })
            .filter(|user| signers.contains(user))
            .collect();
        // One signature is enough for the role; who reacts after it may or may not be counted with it.
        if signed.is_empty() != reacting.is_empty() || !signed.is_subset(&reacting) {
            unsettled.push(format!(
                "on {} {reacting:?} react and {signed:?} have signed",
                deployment.id
            ));
        }
    }
    store.close().await;
    unsettled
}

async fn gather(machine: &Machine, actions: Vec<evidence::Action>) -> Evidence {
    let mut evidence = Evidence {
        actions,
        ..Evidence::default()
    };
    let store = Store::open_read_only(&machine.database())
        .await
        .expect("the database can be read");
    let mut channels = vec![machine.stand_in.channel(CHANNEL).expect("the channel")];
    for id in store.recorded().await.expect("the deployments can be read") {
        let history = store
            .history(id)
            .await
            .expect("a history can be read")
            .expect("it is there");
        evidence.log.insert(id, history.recorded);
        let thread = store
            .posted(id, "thread")
            .await
            .expect("messages can be read")
            .expect("every thread was opened");
        channels.push(machine.stand_in.channel_by_id(thread.channel.0.into()));
    }
    store.close().await;
    let bot = machine.stand_in.application_id().to_string();
    evidence.posted = channels
        .iter()
        .flat_map(discord_stand_in::Channel::messages)
        .filter(|message| message.json()["author"]["id"] == bot.as_str())
        .filter_map(|message| {
            let (_, number) = message.json()["nonce"]
                .as_str()?
                .strip_prefix("hp")?
                .split_once('-')?;
            i64::from_str_radix(number, 16).ok()
        })
        .collect();
    read_rows(&machine.database(), &mut evidence).await;
    evidence
}

async fn read_rows(database: &Path, evidence: &mut Evidence) {
    let mut connection = options(database)
        .connect()
        .await
        .expect("the database can be read");
    let rows: Vec<(String, i64, i64)> =
        sqlx::query_as("SELECT input, deployment_id, seq FROM inbox WHERE deployment_id IS NOT NULL")
            .fetch_all(&mut connection)
            .await
            .expect("the inbox can be read");
    evidence.applied = rows
        .into_iter()
        .map(|(input, id, seq)| {
            (
                InputId::new(input),
                (DeploymentId(id), u64::try_from(seq).unwrap_or_default()),
            )
        })
        .collect();
    let rows: Vec<OutboxRow> = sqlx::query_as(
        "SELECT id, deployment_id, owed, settled_at_ms, given_up, why FROM outbox ORDER BY id",
    )
    .fetch_all(&mut connection)
    .await
    .expect("the outbox can be read");
    evidence.owed = rows
        .into_iter()
        .map(|(id, deployment, owed, settled_at, given_up, why)| OwedMessage {
            id,
            deployment,
            owed: serde_json::from_str(&owed).expect("what is owed can be read"),
            settled: match (settled_at, given_up) {
                (None, _) => Settled::No,
                (Some(_), 0) => Settled::Yes,
                (Some(_), _) => Settled::GivenUp(why.unwrap_or_default()),
            },
        })
        .collect();
    connection.close().await.expect("the database can be closed");
}

/// The projection that grew with the events is the one that is made from them afresh.
async fn assert_projection_is_that_of_the_events(machine: &Machine) {
    let grown = listed(&machine.database()).await;
    let store = Store::open(&machine.database(), SystemClock.now())
        .await
        .expect("the database is free again");
    let mut rows = Vec::new();
    for id in store.recorded().await.expect("the deployments can be read") {
        rows.push(ProjectionRow::of(&folded(&store, id).await));
    }
    store
        .rebuild_projection(&rows)
        .await
        .expect("the projection can be rebuilt");
    store.close().await;
    assert_eq!(grown, listed(&machine.database()).await);
    assert!(!grown.is_empty());
}

async fn listed(database: &Path) -> BTreeMap<i64, (String, i64, i64, i64, i64)> {
    let mut connection = options(database)
        .connect()
        .await
        .expect("the database can be read");
    let rows: Vec<(i64, String, i64, i64, i64, i64)> =
        sqlx::query_as("SELECT id, phase, running, closed, total, seq FROM deployments")
            .fetch_all(&mut connection)
            .await
            .expect("the projection can be read");
    connection.close().await.expect("the database can be closed");
    rows.into_iter()
        .map(|(id, phase, running, closed, total, seq)| (id, (phase, running, closed, total, seq)))
        .collect()
}

async fn folded(store: &Store, id: DeploymentId) -> Deployment {
    let history = store
        .history(id)
        .await
        .expect("a history can be read")
        .expect("it is there");
    let source = store
        .checklist_source(&history.checklist)
        .await
        .expect("a checklist can be read")
        .expect("it is there");
    let checklist = Arc::new(markdown::parse(&history.name, &source).checklist);
    Deployment::fold(id, checklist, &history.recorded).expect("its history fits its checklist")
}

fn from_environment<T: std::str::FromStr>(name: &str) -> Option<T> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is {value:?}, which is no number")),
    )
}

fn any_seed() -> u64 {
    std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish()
}
