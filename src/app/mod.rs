//! The only wiring: from a command line to the parts that do it.

pub mod bot;
mod check;
mod checklists;
mod records;
mod serve;
#[cfg(feature = "try")]
mod trial;

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::cli::{AuditCommand, ChecklistCommand, Command, CommandLine, ShowFormat};
use crate::config::{Configuration, Environment, LogFormat, SettingsFile};
use crate::http::ask_health;
use crate::telemetry::{self, LogStyle};

/// How a command ended, when nothing stood in its way.
pub(crate) enum Ended {
    /// As it should.
    Well,
    /// It found what it was to look for, and that is not good.
    Badly,
    /// It could not look at all of it, and has said why.
    Unable,
    /// It was told to stop by the signal of this number.
    BySignal(u8),
}

/// Does what the command line says. What goes wrong is one sentence on standard error, and exit code 2; exit code 1 means
/// that a command looked and found something wrong. After a signal it is 128 more than the signal's number, as shells have
/// it.
pub fn run(line: CommandLine) -> ExitCode {
    match carry_out(line) {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::Badly) => ExitCode::from(1),
        Ok(Ended::Unable) => ExitCode::from(2),
        Ok(Ended::BySignal(signal)) => ExitCode::from(128 + signal),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::from(2)
        }
    }
}

fn carry_out(line: CommandLine) -> anyhow::Result<Ended> {
    let file = SettingsFile::named_or_default(line.config.as_deref());
    match line.command {
        Command::Completions(arguments) => {
            let mut command = CommandLine::command();
            // Written to memory first: clap_complete panics when whoever reads them has gone.
            let mut script = Vec::new();
            clap_complete::generate(arguments.shell, &mut command, "holdpoint", &mut script);
            io::stdout().write_all(&script)?;
            Ok(Ended::Well)
        }
        Command::Checklist(ChecklistCommand::Show { file, format }) => checklists::show(&file, format),
        Command::Checklist(ChecklistCommand::Lint { files, format }) if !files.is_empty() => {
            checklists::lint(&files, format)
        }
        #[cfg(feature = "try")]
        Command::Try(arguments) => {
            let configuration = Configuration::load(&file, Environment::of_process())?;
            run_async(trial::run(&configuration, arguments))
        }
        command => {
            let configuration = Configuration::load(&file, Environment::of_process())?;
            let settings = &configuration.settings;
            match command {
                Command::Serve => {
                    let log = &settings.log;
                    telemetry::start_log(&log.filter, log_style(log.format))?;
                    run_async(serve::run(settings))
                }
                Command::Check(arguments) => run_async(check::run(settings, arguments)),
                Command::Checklist(ChecklistCommand::Lint { format, .. }) => {
                    checklists::lint(&checklists::of_directory(&settings.checklists.directory)?, format)
                }
                Command::Audit(AuditCommand::Verify { database }) => run_async(records::verify(
                    database.as_deref().unwrap_or(&settings.database.path),
                )),
                Command::Report(arguments) => run_async(records::report(&settings.database.path, arguments)),
                Command::Backup(arguments) => {
                    run_async(records::backup(&settings.database.path, &arguments.file))
                }
                Command::Config(arguments) => {
                    let effective = &configuration.effective;
                    match arguments.format {
                        ShowFormat::Text => write!(io::stdout(), "{effective}")?,
                        ShowFormat::Json => writeln!(io::stdout(), "{:#}", effective.to_json())?,
                    }
                    Ok(Ended::Well)
                }
                Command::Health => {
                    let Err(error) = ask_health(settings.http.listen) else {
                        return Ok(Ended::Well);
                    };
                    complain(&error.into());
                    Ok(Ended::Badly)
                }
                // Done above, before any setting was read.
                Command::Completions(_) | Command::Checklist(ChecklistCommand::Show { .. }) => {
                    Ok(Ended::Well)
                }
                #[cfg(feature = "try")]
                Command::Try(_) => Ok(Ended::Well),
            }
        }
    }
}

/// Says on standard error, in a sentence, what went wrong.
fn complain(error: &anyhow::Error) {
    let mut sentence = String::new();
    for cause in error.chain().map(ToString::to_string) {
        // Many an error says in its own sentence what it came from.
        if !sentence.contains(&cause) {
            let between = if sentence.is_empty() { "" } else { ": " };
            sentence.push_str(between);
            sentence.push_str(&cause);
        }
    }
    let end = if sentence.ends_with(['.', '?', '!']) {
        ""
    } else {
        "."
    };
    // When standard error is gone too, the exit code has to do.
    let _ = writeln!(io::stderr(), "holdpoint: {sentence}{end}");
}

fn run_async(work: impl Future<Output = anyhow::Result<Ended>>) -> anyhow::Result<Ended> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

fn log_style(format: LogFormat) -> LogStyle {
    match format {
        LogFormat::Pretty => LogStyle::Pretty,
        LogFormat::Auto if io::stderr().is_terminal() => LogStyle::Pretty,
        LogFormat::Auto | LogFormat::Json => LogStyle::Json,
    }
}

/// Whether whoever read our output has gone, as `head` does. That is no error of ours.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
