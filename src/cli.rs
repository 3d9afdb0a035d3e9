//! What can be written on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use jiff::SignedDuration;

use crate::domain::ids::DeploymentId;

/// Makes a Markdown deployment checklist live in a Discord server: it checks what a machine can check, has the rest
/// signed by the right people, and holds the release until it is.
#[derive(Debug, Parser)]
#[command(
    name = "holdpoint",
    version,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub struct CommandLine {
    /// The settings file; without it, holdpoint.toml is read where there is one.
    #[arg(long, global = true, value_name = "FILE", env = "HOLDPOINT_CONFIG", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the bot until it is told to stop.
    ///
    /// It connects to Discord with the configured token and serves /health, /ready and /metrics. SIGTERM and Ctrl-C
    /// stop it cleanly; SIGHUP reads the checklists again.
    Serve,

    /// Try everything out in the browser, without an account or a token.
    ///
    /// Starts a stand-in for Discord on this machine, the real bot beside it and a small service for the checks to
    /// probe, and opens a page that looks like a channel.
    #[cfg(feature = "try")]
    Try(TryArguments),

    /// Run the checks of a checklist here, without Discord; the exit code tells what they came to.
    ///
    /// A CI job runs it before it announces a deployment. What checks may reach and run is configured as for `serve`:
    /// programs are run once checks.commands.allow names them.
    ///
    /// Standard output has the result, standard error what is wrong and how far it is. On a terminal the result is a
    /// table that fills in place; elsewhere each check has a line as soon as it has ended, and the last line counts them.
    ///
    /// The exit code is 0 when all passed, 1 when some failed, and 2 when some could not be run, or the file, an option
    /// or a setting is wrong. After Ctrl-C it is 130 and after SIGTERM 143, and what is known so far is told; with
    /// --watch it is that of the last round.
    #[command(after_long_help = CHECK_EXAMPLES)]
    Check(CheckArguments),

    /// Look at checklists in Markdown files.
    #[command(subcommand)]
    Checklist(ChecklistCommand),

    /// Examine the audit log.
    #[command(subcommand)]
    Audit(AuditCommand),

    /// Write the report of a deployment: the checklist, filled in.
    Report(ReportArguments),

    /// Copy the database to a file while the bot runs.
    Backup(BackupArguments),

    /// Show the settings in force and where each came from, with secrets masked.
    Config(ConfigArguments),

    /// Ask a running bot on this machine whether it is alive; the exit code is 0 if it is and 1 if it is not.
    ///
    /// It asks /health at the configured http.listen, and is what a container's health check calls.
    Health,

    /// Write the completions for a shell to standard output.
    Completions(CompletionsArguments),
}

/// Lines to begin with, below the long help of `holdpoint check`.
const CHECK_EXAMPLES: &str = "Examples:
  holdpoint check deploy/staging.md
  holdpoint check deploy/staging.md --only health,3.2 --var base_url=https://staging.example.com
  holdpoint check deploy/staging.md --var-file staging.env --format junit > checks.xml
  holdpoint check deploy/staging.md --watch --every 10s";

/// Arguments of `holdpoint try`.
#[cfg(feature = "try")]
#[derive(Debug, Args)]
pub struct TryArguments {
    /// Keep the database in this directory, so that the next try goes on where this one ends; without it, everything
    /// is forgotten at the end.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data: Option<PathBuf>,

    /// Serve the page on this port of 127.0.0.1; without it, on one that is free.
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,

    /// Print the page's address, but do not open a browser.
    #[arg(long)]
    pub no_open: bool,
}

/// Arguments of `holdpoint check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// The Markdown file, with checks in its front matter.
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// Run these checks alone: keys of checks, or numbers of items for the checks bound to them and to what is nested
    /// in them. Several are separated by commas, or given one by one.
    #[arg(long, value_name = "ID", value_delimiter = ',', num_args = 1)]
    pub only: Vec<String>,

    /// Give a variable of the file a value, in place of its environment variable and its default.
    ///
    /// Others on a machine can read a command line, so secret variables are not taken here. They come from the
    /// environment variable that the front matter names with `env`, or from --var-file, or are asked for on a terminal.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = assignment)]
    pub variables: Vec<Assignment>,

    /// Give variables the values in a file: NAME=VALUE lines as in .env files, or TOML or JSON where its name ends so.
    ///
    /// A later file wins over an earlier one, and --var over them all.
    #[arg(long = "var-file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub variable_files: Vec<PathBuf>,

    /// Run them again and again until Ctrl-C, and show the last 20 results of each.
    ///
    /// In a pipe, the first round is told whole and then only what changes. JSON is one object a line, for each round.
    #[arg(long)]
    pub watch: bool,

    /// How long from the beginning of one round to that of the next, at least 1s.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = interval, requires = "watch")]
    pub every: Duration,

    /// How to write the result.
    #[arg(long, value_enum, default_value_t)]
    pub format: CheckFormat,
}

/// A value for a variable, from the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The variable.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What to do with checklists.
#[derive(Debug, Subcommand)]
pub enum ChecklistCommand {
    /// Show what Holdpoint understands of a checklist: its sections, items and whatever is wrong with it.
    ///
    /// The exit code only tells whether the file could be read. Whether a deployment can start from it is for `lint` to say.
    Show {
        /// The Markdown file.
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,

        /// How to write it.
        #[arg(long, value_enum, default_value_t)]
        format: ShowFormat,
    },

    /// Say what is wrong with checklists, and how much of each is decided by checks.
    ///
    /// The exit code is 1 when there is an error in any, so that no deployment can start from it. Warnings leave it 0: a
    /// check that no item is bound to, one that can never fail.
    Lint {
        /// The Markdown files; without any, all of the configured directory.
        #[arg(value_hint = ValueHint::FilePath)]
        files: Vec<PathBuf>,

        /// How to write it.
        #[arg(long, value_enum, default_value_t)]
        format: ShowFormat,
    },
}

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Prove that no event was changed, removed or slipped in; the exit code is 1 when one was.
    ///
    /// It is 2 when that could not be told, as the database cannot be read.
    Verify {
        /// The database; without it, the configured one.
        #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
        database: Option<PathBuf>,
    },
}

/// Arguments of `holdpoint report`.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// The number of the deployment, such as 12 or '#12'.
    #[arg(value_parser = deployment)]
    pub deployment: DeploymentId,

    /// How to write it.
    #[arg(long, value_enum, default_value_t)]
    pub format: ReportFormat,

    /// Write it to this file instead of standard output.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

/// Arguments of `holdpoint backup`.
#[derive(Debug, Args)]
pub struct BackupArguments {
    /// The file to write. It must not be there yet.
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
}

/// Arguments of `holdpoint config`.
#[derive(Debug, Args)]
pub struct ConfigArguments {
    /// How to write it.
    #[arg(long, value_enum, default_value_t)]
    pub format: ShowFormat,
}

/// Arguments of `holdpoint completions`.
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell to write them for.
    pub shell: Shell,
}

/// How something is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ShowFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// How the result of checks is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
    /// JUnit XML, which GitLab, Jenkins and GitHub's actions show as a test report.
    Junit,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// The checklist as a document, filled in.
    #[default]
    Markdown,
    /// The facts, for programs.
    Json,
}

fn deployment(text: &str) -> Result<DeploymentId, String> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    match digits.parse() {
        Ok(number) if number > 0 => Ok(DeploymentId(number)),
        Ok(_) | Err(_) => {
            Err("a deployment has a number, such as 12; /deploy list in Discord shows them".to_owned())
        }
    }
}

fn assignment(text: &str) -> Result<Assignment, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok(Assignment {
            name: name.trim().to_owned(),
            value: value.to_owned(),
        }),
        Some(_) | None => {
            Err("write it as NAME=VALUE, such as base_url=https://staging.example.com".to_owned())
        }
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    let read: Option<SignedDuration> = text.parse().ok();
    read.and_then(|read| Duration::try_from(read).ok())
        .filter(|every| *every >= Duration::from_secs(1))
        .ok_or_else(|| "write a number and a unit, at least 1s, such as 30s, 5m or 1h".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_holds_together() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn a_deployment_may_be_written_with_its_sign() {
        for text in ["12", "#12"] {
            let line = CommandLine::try_parse_from(["holdpoint", "report", text]).unwrap();
            let Command::Report(arguments) = line.command else {
                panic!("{text} was no report")
            };
            assert_eq!(arguments.deployment, DeploymentId(12));
        }
        for text in ["twelve", "0", "", "##1"] {
            assert!(
                CommandLine::try_parse_from(["holdpoint", "report", text]).is_err(),
                "{text} was taken"
            );
        }
    }

    #[test]
    fn a_value_may_hold_what_separates_it() {
        assert_eq!(
            assignment("base_url=https://a.example/?a=b"),
            Ok(Assignment {
                name: "base_url".to_owned(),
                value: "https://a.example/?a=b".to_owned(),
            })
        );
        assert_eq!(assignment("empty=").map(|given| given.value), Ok(String::new()));
        for wrong in ["base_url", "=x", ""] {
            assert!(assignment(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_interval_has_a_unit_and_an_end() {
        for (text, seconds) in [("30s", 30), ("1m 30s", 90), ("2h", 7200), ("1s", 1)] {
            assert_eq!(interval(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["30", "500ms", "-5s", "soon", ""] {
            assert!(interval(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_settings_file_may_be_named_after_the_command() {
        let line = CommandLine::try_parse_from(["holdpoint", "serve", "--config", "other.toml"]).unwrap();
        assert_eq!(line.config, Some(PathBuf::from("other.toml")));
    }
}
