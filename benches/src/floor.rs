//! The floor of everything durable: the same rows in the same tables, by rusqlite on a thread of its own, with as much of
//! what waits in one transaction as there is, and nothing decided.

use std::path::Path;
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow};
use rusqlite::{Connection, OpenFlags, params};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::fixture;
use crate::measure::per;

/// As many as the desk takes at most.
const BATCH: usize = 256;
/// Of the size of a real one.
const HASH: &str = "8c1d0fa3b2a4e7c6915b3d72e40f86ab1c9d5e3f70a2b4c6d8e0f1a2b3c4d5e6";
const ACTOR: &str = r#"{"person":1151230000000000002}"#;
const OWED: &str = r#"{"owed":"board"}"#;
const AT: i64 = 1_763_690_000_000;

/// A writer that does what a durable command cannot do without.
pub(crate) struct Floor {
    jobs: mpsc::Sender<Job>,
    writer: JoinHandle<Result<()>>,
}

struct Job {
    number: i64,
    deployment: i64,
    done: oneshot::Sender<()>,
}

impl Floor {
    /// Opens a database that is not there yet, with the tables, indexes and guards of ours, and rows for deployments.
    pub(crate) fn build(database: &Path, deployments: usize) -> Result<Self> {
        let connection = Connection::open(database)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA busy_timeout = 5000; PRAGMA journal_size_limit = 67108864;",
        )?;
        for migration in fixture::files(&fixture::root().join("migrations"), "sql")? {
            connection.execute_batch(&std::fs::read_to_string(migration)?)?;
        }
        connection.execute(
            "INSERT INTO checklists (hash, name, source, stored_at_ms) VALUES (?, ?, ?, ?)",
            params![
                HASH,
                fixture::NAME,
                fixture::markdown_of(fixture::ITEMS).into_bytes(),
                AT
            ],
        )?;
        let (jobs, waiting) = mpsc::channel(1024);
        let writer = std::thread::spawn(move || write(connection, waiting, deployments));
        Ok(Self { jobs, writer })
    }

    /// Has every caller write so many commands, and answers with the seconds that one took, counted over all.
    pub(crate) async fn command(
        &self,
        callers: usize,
        commands_each: usize,
        deployments: usize,
    ) -> Result<f64> {
        let mut running = JoinSet::new();
        let begun = Instant::now();
        for caller in 0..callers {
            let jobs = self.jobs.clone();
            running.spawn(async move {
                for number in 0..commands_each {
                    let (done, written) = oneshot::channel();
                    let job = Job {
                        number: number as i64,
                        deployment: (caller % deployments) as i64 + 1,
                        done,
                    };
                    jobs.send(job)
                        .await
                        .map_err(|_| anyhow!("the floor's writer has ended"))?;
                    written.await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = running.join_next().await {
            done??;
        }
        Ok(per(begun.elapsed(), callers * commands_each))
    }

    /// Stops, and lets go of the database.
    pub(crate) fn close(self) -> Result<()> {
        drop(self.jobs);
        self.writer
            .join()
            .map_err(|_| anyhow!("the floor's writer has panicked"))?
    }
}

/// Opens a database beside its writer.
pub(crate) fn open_to_read(database: &Path) -> Result<Connection> {
    Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .with_context(|| format!("{} cannot be opened", database.display()))
}

fn write(mut connection: Connection, mut waiting: mpsc::Receiver<Job>, deployments: usize) -> Result<()> {
    let mut position = 0_i64;
    let mut seqs = vec![0_i64; deployments + 1];
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(first) = waiting.blocking_recv() {
        batch.push(first);
        while batch.len() < BATCH
            && let Ok(next) = waiting.try_recv()
        {
            batch.push(next);
        }
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        {
            let mut inbox = transaction
                .prepare_cached("INSERT INTO inbox (input, deployment_id, seq, at_ms) VALUES (?, ?, ?, ?)")?;
            let mut event = transaction.prepare_cached(
                "INSERT INTO events (position, deployment_id, seq, at_ms, actor, kind, body, previous_hash, hash)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?;
            let mut projection = transaction.prepare_cached(
                "INSERT INTO deployments (id, guild_id, channel_id, checklist_hash, checklist_name, title, version,
                     environment, phase, running, closed, total, started_at_ms, started_by, seq)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT (id) DO UPDATE SET
                     phase = excluded.phase, running = excluded.running, closed = excluded.closed,
                     total = excluded.total, seq = excluded.seq",
            )?;
            let mut outbox = transaction.prepare_cached(
                "INSERT INTO outbox (deployment_id, seq, owed, coalesces_as, created_at_ms, not_before_ms)
                 VALUES (?, ?, ?, ?, ?, ?)
                 ON CONFLICT (deployment_id, coalesces_as) WHERE settled_at_ms IS NULL DO UPDATE SET seq = excluded.seq",
            )?;
            for Job {
                number, deployment, ..
            } in &batch
            {
                position += 1;
                let seq = seqs
                    .get_mut(*deployment as usize)
                    .context("there is no such deployment")?;
                *seq += 1;
                let input = format!("interaction:{}", 1_151_240_000_000_000_000 + position);
                let kind = if number % 2 == 0 { "ticked" } else { "unticked" };
                let body = format!(
                    r#"{{"event":"{kind}","item":"3.{}","how":"by_hand"}}"#,
                    number / 2 % 20
                );
                inbox.execute(params![input, deployment, *seq, AT])?;
                event.execute(params![
                    position, deployment, *seq, AT, ACTOR, kind, body, HASH, HASH
                ])?;
                projection.execute(params![
                    deployment,
                    1_151_230_000_000_000_001_i64,
                    1_151_230_000_000_000_003_i64,
                    HASH,
                    fixture::NAME,
                    "A release of two hundred steps",
                    "2.4.1",
                    "staging",
                    "preparing",
                    1,
                    number % 2,
                    200,
                    AT,
                    1_151_230_000_000_000_002_i64,
                    *seq
                ])?;
                outbox.execute(params![deployment, *seq, OWED, "board", AT, AT])?;
            }
        }
        transaction.commit()?;
        for job in batch.drain(..) {
            // Who asked may have gone.
            let _ = job.done.send(());
        }
    }
    Ok(())
}
