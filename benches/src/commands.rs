//! Durable commands, end to end: through the door, decided on 200 items, and on disk when the answer is there. Beside
//! rusqlite writing the same rows with the same number of callers.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::Effort;
use crate::floor::Floor;
use crate::house::House;
use crate::measure::paired;
use crate::table::{Goal, Row, rate, times};

/// Callers where there are many.
const MANY: usize = 64;
/// Over how many deployments they spread.
const SPREAD: usize = 8;
/// Many short rounds, since another program may have the machine for some of them: the median is of those it leaves alone.
const ROUNDS: usize = 120;
/// How many commands the counting does.
const COUNTED_EACH: usize = 100;

pub(crate) async fn rows(directory: &Path, effort: Effort) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (callers, deployments, each, goal, gate) in [
        (1, 1, 50, 0.55, 0.3),
        (MANY, SPREAD, 10, 0.5, 0.3),
        (MANY, 1, 10, 0.5, 0.3),
    ] {
        let name = format!("commands-{callers}-{deployments}");
        let house = House::build(&directory.join(format!("{name}.db")), deployments).await?;
        let floor = Floor::build(&directory.join(format!("{name}-floor.db")), deployments)?;
        let pair = paired(
            effort.rounds(ROUNDS),
            async || house.command(callers, each).await,
            async || floor.command(callers, each, deployments).await,
        )
        .await?;
        house.close().await?;
        floor.close()?;
        let on = if deployments == 1 {
            "1 deployment".to_owned()
        } else {
            format!("{deployments} deployments")
        };
        let callers = if callers == 1 {
            "1 caller".to_owned()
        } else {
            format!("{callers} callers")
        };
        rows.push(Row {
            name: format!("durable commands: {callers}, {on}, beside rusqlite"),
            ours: rate(pair.ours),
            floor: rate(pair.floor),
            ratio: times(pair.speed()),
            goal: Goal::at_least_with_gate(goal, gate, pair.speed()),
        });
    }
    rows.extend(counted(directory)?);
    Ok(rows)
}

/// What a process of its own does with 64 callers, counted by the kernel.
fn counted(directory: &Path) -> Result<Vec<Row>> {
    let idle = count(directory, 0)?;
    let busy = count(directory, COUNTED_EACH)?;
    let commands = (MANY * COUNTED_EACH) as f64;
    let each = |of: fn(&Counted) -> Option<f64>| Some((of(&busy)? - of(&idle)?) / commands);
    let row = |name: &str, words: &str, limit: f64, seen: Option<f64>, shown: fn(f64) -> String| Row {
        name: format!("{name} a durable command, {MANY} callers"),
        ours: seen.map_or_else(|| "not counted: strace is missing".to_owned(), shown),
        floor: "–".to_owned(),
        ratio: "–".to_owned(),
        goal: match seen {
            Some(seen) => Goal::Counted {
                words: words.to_owned(),
                limit,
                seen,
            },
            None => Goal::NotMeasured {
                words: words.to_owned(),
            },
        },
    };
    Ok(vec![
        row("fsyncs", "≤ 0.05", 0.05, each(|counted| counted.syncs), |seen| {
            format!("{seen:.4}")
        }),
        row(
            "bytes written",
            "≤ 24 KiB",
            24.0 * 1024.0,
            each(|counted| Some(counted.bytes)),
            |seen| format!("{:.1} KiB", seen / 1024.0),
        ),
    ])
}

struct Counted {
    bytes: f64,
    syncs: Option<f64>,
}

fn count(directory: &Path, each: usize) -> Result<Counted> {
    let database = directory.join(format!("counted-{each}.db"));
    let traced = directory.join("syncs.txt");
    let program = std::env::current_exe()?;
    let arguments = ["count".into(), database.into_os_string(), each.to_string().into()];
    // Only what is counted stops the process.
    let with_strace = Command::new("strace")
        .args([
            "-f",
            "--seccomp-bpf",
            "-qq",
            "-e",
            "trace=fsync,fdatasync,sync_file_range",
            "-o",
        ])
        .arg(&traced)
        .arg(&program)
        .args(&arguments)
        .output();
    if let Ok(output) = with_strace
        && output.status.success()
    {
        let lines = std::fs::read_to_string(&traced)?;
        // A call that another thread interrupts in the log has a second line, where it is resumed.
        let syncs = lines
            .lines()
            .filter(|line| line.contains("sync") && !line.contains("resumed>"))
            .count();
        return Ok(Counted {
            bytes: bytes_of(&output.stdout)?,
            syncs: Some(syncs as f64),
        });
    }
    for leftover in ["", "-wal", "-shm", ".lock"] {
        // What a run that was cut short has left, if anything.
        let _ = std::fs::remove_file(format!("{}{leftover}", Path::new(&arguments[1]).display()));
    }
    let output = Command::new(&program).args(&arguments).output()?;
    ensure!(
        output.status.success(),
        "counting failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(Counted {
        bytes: bytes_of(&output.stdout)?,
        syncs: None,
    })
}

fn bytes_of(stdout: &[u8]) -> Result<f64> {
    let counted: Value = serde_json::from_slice(stdout)?;
    counted["bytes"]
        .as_f64()
        .context("the counting process said nothing")
}

/// What the counting process does.
pub(crate) async fn do_counted(database: &Path, each: usize) -> Result<Value> {
    let house = House::build(database, SPREAD).await?;
    house.command(MANY, each).await?;
    house.close().await?;
    let io = std::fs::read_to_string("/proc/self/io")?;
    let field = |name: &str| {
        io.lines()
            .find_map(|line| line.strip_prefix(name))
            .and_then(|value| value.trim().parse::<u64>().ok())
            .with_context(|| format!("/proc/self/io has no {name}"))
    };
    // What was asked to be written, or what reached the disk, whichever is more: not every file system counts the latter.
    Ok(json!({ "bytes": field("wchar:")?.max(field("write_bytes:")?) }))
}
