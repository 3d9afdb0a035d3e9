//! What a person waits for, and what a machine has to spare: `/deploy tick` from the key to the answer, memory, start-up.
//! Beside a bare serenity bot that echoes, on a stand-in for Discord of its own, in turns.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use discord_stand_in::{GuildSeed, Options, RateLimits, StandIn};

use crate::Effort;
use crate::fixture;
use crate::floor::Floor;
use crate::measure::{Paired, median, paired, per};
use crate::process::Process;
use crate::table::{Goal, Row, time, times};

/// How many ticks follow one another before the floor has its turn.
const TURN: usize = 3;
/// How long a bot is left alone before its memory is read.
const SETTLING: Duration = Duration::from_secs(2);
const MEBIBYTE: f64 = 1024.0 * 1024.0;

pub(crate) async fn rows(directory: &Path, effort: Effort) -> Result<Vec<Row>> {
    let checklists = checklists(directory)?;
    let (with_us, with_bare) = (stand_in().await?, stand_in().await?);
    let mut starts = (Vec::new(), Vec::new());
    let mut running = None;
    for round in 0..effort.rounds(10) {
        if let Some((serve, bare)) = running.take() {
            end(serve).await?;
            end(bare).await?;
        }
        let serve = Process::serve(&with_us, &directory.join(format!("serve-{round}")), &checklists).await?;
        let bare = Process::bare(&with_bare, &directory.join("bare")).await?;
        starts.0.push(serve.took);
        starts.1.push(bare.took);
        running = Some((serve, bare));
    }
    let (serve, bare) = running.context("nothing was started")?;
    tokio::time::sleep(SETTLING).await;
    let (ours_resident, bare_resident) = (serve.resident()?, bare.resident()?);
    let (ticks, beside_kept) = ticks(directory, &with_us, &with_bare, effort).await?;
    end(serve).await?;
    end(bare).await?;
    with_us.shutdown().await;
    with_bare.shutdown().await;
    let (ours_start, bare_start) = (median(starts.0)?, median(starts.1)?);
    let mebibytes = |bytes: f64| format!("{:.1} MiB", bytes / MEBIBYTE);
    Ok(vec![
        Row {
            name: format!(
                "/deploy tick of {} items, beside a bare bot's echo",
                fixture::ITEMS
            ),
            ours: time(ticks.ours),
            floor: time(ticks.floor),
            ratio: times(ticks.ratio),
            // A slow disk is no fault of ours: the tick waits for it, and the echo does not.
            goal: Goal::Open {
                goal: Box::new(Goal::AtMost {
                    limit: 3.0,
                    seen: ticks.ratio,
                }),
                gate: Box::new(Goal::AtMost {
                    limit: 4.0,
                    seen: beside_kept,
                }),
            },
        },
        Row {
            name: "idle memory of serve, beside a bare bot".to_owned(),
            ours: mebibytes(ours_resident),
            floor: mebibytes(bare_resident),
            ratio: times(ours_resident / bare_resident),
            // Most of it are the pages of the program itself.
            goal: Goal::memory_with_gate(30.0, 34.0, ours_resident / MEBIBYTE),
        },
        Row {
            name: "start of serve until ready, beside a bare bot".to_owned(),
            ours: time(ours_start),
            floor: time(bare_start),
            ratio: times(ours_start / bare_start),
            goal: Goal::None,
        },
    ])
}

async fn end(process: Process) -> Result<()> {
    process.end().await
}

/// A stand-in with one channel and one person. Nothing is counted against a rate limit: that would measure the limit.
async fn stand_in() -> Result<StandIn> {
    let guild = GuildSeed::new("Northwind").channel("releases").person("Ana", &[]);
    Ok(StandIn::start(Options {
        guilds: vec![guild],
        rate_limits: RateLimits::Off,
        ..Options::default()
    })
    .await?)
}

/// The shipped checklists and the generated one.
fn checklists(directory: &Path) -> Result<PathBuf> {
    let checklists = directory.join("checklists");
    std::fs::create_dir_all(&checklists)?;
    for file in fixture::files(&fixture::root().join("checklists"), "md")? {
        let name = file.file_name().context("a checklist has no name")?;
        std::fs::copy(&file, checklists.join(name))?;
    }
    std::fs::write(
        checklists.join(fixture::NAME).with_extension("md"),
        fixture::markdown_of(fixture::ITEMS),
    )?;
    Ok(checklists)
}

/// Seconds from sending an interaction to seeing its answer: a tick, and the bare bot's echo.
///
/// The last is what the tick takes beside the echo and one durable row of rusqlite's, on the disk that the tick waits for.
async fn ticks(
    directory: &Path,
    with_us: &StandIn,
    with_bare: &StandIn,
    effort: Effort,
) -> Result<(Paired, f64)> {
    let ana = with_us.person("Ana")?;
    with_us.wait_for_command("deploy").await?;
    let start = [
        ("checklist", fixture::NAME),
        ("version", "2.4.1"),
        ("environment", "staging"),
    ];
    ana.slash(&with_us.channel("releases")?, "deploy start", &start)?
        .message()
        .await?;
    let thread = with_us.wait_for_thread(|_| true).await?;
    // The bot knows the thread for the deployment's once it has written down where it is, and posts into it after that.
    thread
        .wait_for_message(|message| !message.text().is_empty())
        .await?;
    let (checklist, _) = fixture::checklist()?;
    let items: Vec<String> = checklist
        .items
        .iter()
        .enumerate()
        .filter(|(index, _)| checklist.children(*index).next().is_none())
        .map(|(_, item)| item.id.as_str().to_owned())
        // The last section is behind a gate.
        .take(checklist.items.len() / 2)
        .collect();

    let ben = with_bare.person("Ana")?;
    with_bare.wait_for_command("echo").await?;
    let channel = with_bare.channel("releases")?;

    let floor = Floor::build(&directory.join("kept.db"), 1)?;
    let (mut ticked, mut kept) = (Vec::new(), Vec::new());
    let mut open = items.iter();
    let pair = paired(
        effort.rounds(30),
        async || {
            let mut took = Vec::with_capacity(TURN);
            for item in open.by_ref().take(TURN) {
                let begun = Instant::now();
                let answer = ana
                    .slash(&thread, "deploy tick", &[("item", item)])?
                    .message()
                    .await?;
                took.push(per(begun.elapsed(), 1));
                ensure!(
                    answer.text().contains(item.as_str()),
                    "the tick was answered with: {}",
                    answer.text()
                );
            }
            let took = median(took)?;
            ticked.push(took);
            Ok(took)
        },
        async || {
            let mut took = Vec::with_capacity(TURN);
            for _ in 0..TURN {
                let begun = Instant::now();
                let answer = ben.slash(&channel, "echo", &[("text", "3.1")])?.message().await?;
                took.push(per(begun.elapsed(), 1));
                ensure!(
                    answer.content() == "3.1",
                    "the echo was answered with: {}",
                    answer.text()
                );
            }
            let took = median(took)?;
            kept.push(took + floor.command(1, TURN, 1).await?);
            Ok(took)
        },
    )
    .await?;
    floor.close()?;
    let rounds = ticked.iter().zip(&kept).skip(1);
    let beside_kept = median(rounds.map(|(ticked, kept)| ticked / kept).collect())?;
    Ok((pair, beside_kept))
}
