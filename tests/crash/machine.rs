//! The real binary as a child process, and a stand-in for Discord that outlives it.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use discord_stand_in::permissions::MANAGE_GUILD;
use discord_stand_in::{GuildSeed, Options, RateLimits, RoleSeed, StandIn};
use tokio::process::{Child, Command};

/// The one channel.
pub(crate) const CHANNEL: &str = "releases";
/// Everybody who works.
pub(crate) const PEOPLE: [&str; 6] = ["Mara", "Theo", "Quinn", "Petra", "Dana", "Lee"];
/// How many items a deployment has, besides the sign-offs.
pub(crate) const ITEMS: usize = 32;

/// Where everything lives.
pub(crate) struct Machine {
    pub(crate) stand_in: Arc<StandIn>,
    directory: tempfile::TempDir,
}

impl Machine {
    pub(crate) async fn new() -> Self {
        let mut guild = GuildSeed::new("Northwind")
            .role(RoleSeed::new("Manager").permissions(MANAGE_GUILD))
            .channel(CHANNEL);
        for name in PEOPLE {
            guild = guild.person(name, if name == "Mara" { &["Manager"] } else { &[] });
        }
        let stand_in = StandIn::start(Options {
            guilds: vec![guild],
            // What is proved here is not the pace.
            rate_limits: RateLimits::Off,
            // Whoever asks a bot that is dead need not wait for the three seconds to end.
            interaction_deadline: Duration::from_secs(1),
            // Shorter than any start, so that no nonce hides a message that is sent again.
            nonce_memory: Duration::from_millis(50),
            patience: Duration::from_secs(30),
            recorded_requests: 16,
            ..Options::default()
        })
        .await
        .expect("the stand-in starts");
        let directory = tempfile::tempdir().expect("a directory for the test");
        std::fs::create_dir(directory.path().join("checklists")).expect("a directory for checklists");
        std::fs::write(directory.path().join("checklists/rehearsal.md"), checklist()).expect("a checklist");
        std::fs::write(
            directory.path().join("authority.pem"),
            stand_in.ca_certificate_pem(),
        )
        .expect("a file");
        Self {
            stand_in: Arc::new(stand_in),
            directory,
        }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("holdpoint.db")
    }

    /// Starts `holdpoint serve`.
    pub(crate) fn start(&self) -> Child {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_file())
            .expect("the log can be written");
        self.command(&["serve"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts")
    }

    /// Runs a command of the binary to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().await.expect("the binary runs")
    }

    /// The end of what all children have logged.
    pub(crate) fn log(&self) -> String {
        let log = std::fs::read_to_string(self.log_file()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    fn log_file(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let place = |name: &str| self.directory.path().join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdpoint"));
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env("RUST_LOG", "warn")
            .env("HOLDPOINT__DISCORD__TOKEN", "rehearsal")
            .env("HOLDPOINT__DISCORD__LOCAL_PROXY", self.stand_in.proxy_url())
            .env("HOLDPOINT__DISCORD__LOCAL_CERTIFICATE", place("authority.pem"))
            .env("HOLDPOINT__DATABASE__PATH", self.database())
            .env("HOLDPOINT__CHECKLISTS__DIRECTORY", place("checklists"))
            .env("HOLDPOINT__HTTP__LISTEN", "127.0.0.1:0");
        command
    }
}

/// Asks a child to stop as a supervisor does, and waits until it has.
pub(crate) async fn stop(mut child: Child) -> ExitStatus {
    let pid = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(rustix::process::Pid::from_raw);
    let pid = pid.expect("the child runs");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("the child can be told");
    tokio::time::timeout(Duration::from_secs(30), child.wait())
        .await
        .expect("the child stops in time")
        .expect("the child can be waited for")
}

/// Where a database's files stand, for whoever looks at it from outside.
pub(crate) fn options(database: &Path) -> sqlx::sqlite::SqliteConnectOptions {
    sqlx::sqlite::SqliteConnectOptions::new()
        .filename(database)
        .read_only(true)
}

/// Two roles are asked at once: one signs and takes it back all the time, the other never answers.
fn checklist() -> String {
    let items = (1..=ITEMS).fold(String::new(), |items, item| {
        items + &format!("- [ ] Piece of work {item}\n")
    });
    format!(
        "---
title: Crash rehearsal
sign-offs:
  watch: {{ role: Watch, escalate: quick }}
  tech-lead: {{ role: Tech Lead, escalate: slow }}
escalations:
  quick: {{ owner: 700ms, deputy: 700ms, lead: 700ms, repeat: 5 }}
  slow: {{ owner: 1h }}
---

# Crash rehearsal

## Sign-off

- [ ] Watch: ____________ <!-- sign-off: watch -->
- [ ] Tech Lead: ____________ <!-- sign-off: tech-lead -->

## Work

{items}
"
    )
}
