//! Every figure of Holdpoint's beside its floor, both measured here and now. `benches/run` builds and starts this.

mod bare;
mod bots;
mod checks;
mod commands;
mod core;
mod fixture;
mod floor;
mod fold;
mod house;
mod measure;
mod parse;
mod peers;
mod process;
mod service;
mod table;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use table::Row;

/// The same as the bot's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) enum Effort {
    /// As many rounds as settle a figure.
    Full,
    /// A third of them.
    Quick,
}

impl Effort {
    /// How many rounds are measured where a full run measures so many.
    pub(crate) fn rounds(self, full: usize) -> usize {
        match self {
            Self::Full => full,
            Self::Quick => full.div_ceil(3),
        }
    }
}

/// What to do.
enum Task {
    Measure {
        directory: PathBuf,
        effort: Effort,
        only: Option<String>,
    },
    Count {
        database: PathBuf,
        each: usize,
    },
    BareBot,
    Peers {
        programs: PathBuf,
    },
    Service,
}

fn main() -> Result<ExitCode> {
    let task = task(std::env::args().skip(1))?;
    let runtime = tokio::runtime::Runtime::new()?;
    match task {
        Task::Measure {
            directory,
            effort,
            only,
        } => {
            let rows = runtime.block_on(measure(&directory, effort, only.as_deref()))?;
            write!(std::io::stdout(), "\n{}", table::render(&rows))?;
            Ok(if table::is_missed(&rows) {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            })
        }
        Task::Peers { programs } => {
            let rows = runtime.block_on(peers::rows(&programs))?;
            write!(std::io::stdout(), "\n{}", table::render(&rows))?;
            Ok(ExitCode::SUCCESS)
        }
        Task::Service => {
            let address = service::start()?;
            writeln!(std::io::stdout(), "http://{address}/health")?;
            runtime.block_on(std::future::pending())
        }
        Task::BareBot => {
            runtime.block_on(bare::run())?;
            Ok(ExitCode::SUCCESS)
        }
        Task::Count { database, each } => {
            let counted = runtime.block_on(commands::do_counted(&database, each))?;
            writeln!(std::io::stdout(), "{counted}")?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn task(mut arguments: impl Iterator<Item = String>) -> Result<Task> {
    let (mut directory, mut effort, mut only) = (None, Effort::Full, None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => effort = Effort::Quick,
            "--directory" => {
                directory = Some(PathBuf::from(arguments.next().context("--directory names none")?));
            }
            "--only" => only = Some(arguments.next().context("--only names no figure")?),
            "bare-bot" => return Ok(Task::BareBot),
            "service" => return Ok(Task::Service),
            "peers" => {
                let programs = PathBuf::from(arguments.next().context("peers names no directory")?);
                return Ok(Task::Peers { programs });
            }
            "count" => {
                let database = PathBuf::from(arguments.next().context("count names no database")?);
                let each = arguments.next().context("count names no number")?.parse()?;
                return Ok(Task::Count { database, each });
            }
            other => bail!("there is no argument {other}; start with benches/run"),
        }
    }
    let directory = directory.context("--directory is missing; start with benches/run")?;
    Ok(Task::Measure {
        directory,
        effort,
        only,
    })
}

async fn measure(directory: &Path, effort: Effort, only: Option<&str>) -> Result<Vec<Row>> {
    if directory.exists() {
        std::fs::remove_dir_all(directory)
            .with_context(|| format!("{} of an earlier run cannot be removed", directory.display()))?;
    }
    std::fs::create_dir_all(directory)?;
    let mut rows = Vec::new();
    for figure in [
        "parse", "deciding", "timers", "fold", "commands", "checks", "bots",
    ] {
        if only.is_some_and(|only| only != figure) {
            continue;
        }
        let begun = Instant::now();
        rows.extend(match figure {
            "parse" => parse::rows(effort).await?,
            "deciding" => core::deciding(directory, effort).await?,
            "timers" => core::timers(directory, effort).await?,
            "fold" => fold::rows(directory, effort).await?,
            "commands" => commands::rows(directory, effort).await?,
            "checks" => checks::rows(effort).await?,
            _ => bots::rows(directory, effort).await?,
        });
        writeln!(
            std::io::stderr(),
            "{figure}: measured in {:.0} s",
            begun.elapsed().as_secs_f64()
        )?;
    }
    Ok(rows)
}
