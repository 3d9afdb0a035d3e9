//! A directory of its own to run the program in, with an environment of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use holdpoint::clock::{Clock as _, ManualClock};
use holdpoint::domain::command::{ActingAs, Command as Act, FourEyes, Start};
use holdpoint::domain::ids::{ChannelId, DeploymentId, GuildId, InputId, ItemId, UserId};
use holdpoint::domain::rights::{Person, Rights};
use holdpoint::domain::text::{Environment, Reason, Version};
use holdpoint::engine::{Catalog, Engine, Input, Rules, Wish};
use holdpoint::store::Store;
use jiff::Timestamp;
use regex::Regex;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Most seconds a run may take; what hangs is then ended by `timeout`, with exit code 124.
const PATIENCE: &str = "60";

/// A checklist that is started in [`Place::with_a_deployment`].
pub(crate) const SMALL: &str = "# Small release\n\n## Before\n\n- [ ] Make a backup\n- [x] Agree on a time\n\n## Release\n\n- [ ] Switch over\n";

/// Where the program runs.
pub(crate) struct Place {
    directory: TempDir,
    environment: BTreeMap<String, String>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let kept = ["PATH", "HOME", "TMPDIR"];
        Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
            environment: std::env::vars()
                .filter(|(name, _)| kept.contains(&name.as_str()))
                .collect(),
        }
    }

    /// One with the database `holdpoint.db`, in which deployment #1 runs and its first item is ticked.
    pub(crate) async fn with_a_deployment() -> Self {
        let place = Self::new();
        place.write("checklists/small.md", SMALL);
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let store = Store::open(&place.path("holdpoint.db"), clock.now())
            .await
            .expect("a new database");
        let (catalog, _) = Catalog::load(&place.path("checklists"));
        let entry = catalog.entry("small").expect("it was just written");
        let rules = Rules {
            rights: Rights::default(),
            rights_by_guild: std::collections::HashMap::new(),
            four_eyes: FourEyes::Required,
        };
        let stop = CancellationToken::new();
        let (engine, desk) = Engine::open(store, clock, catalog, rules, stop.clone())
            .await
            .expect("it opens");
        let start = Wish::Start(Start {
            checklist: Arc::clone(&entry.checklist),
            checklist_bytes: Arc::clone(&entry.bytes),
            guild: GuildId(1),
            channel: ChannelId(2),
            version: Version::parse("2.4.1").expect("a version"),
            environment: Environment::parse("staging").expect("an environment"),
            variables: BTreeMap::new(),
        });
        let change = |command| Wish::Change {
            deployment: DeploymentId(1),
            command,
        };
        let item = |id: &str| ItemId::new(id);
        let reason = Reason::parse("the window is closed").expect("a reason");
        let wishes = [
            start,
            change(Act::Tick { item: item("1.1") }),
            change(Act::Skip {
                item: item("2.1"),
                reason,
            }),
        ];
        for (number, wish) in wishes.into_iter().enumerate() {
            let input = Input {
                id: InputId::new(format!("test-{number}")),
                guild: Some(GuildId(1)),
                actor: ActingAs::Person(Person {
                    id: UserId(7),
                    discord_roles: Vec::new(),
                    manages_server: false,
                }),
                wish,
            };
            engine.handle(input).await.expect("it is applied");
        }
        stop.cancel();
        desk.await.expect("the desk ends");
        engine.store().clone().close().await;
        place
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let file = self.path(name);
        fs::create_dir_all(file.parent().expect("a file has a directory")).expect("it can be made");
        fs::write(file, content).expect("it can be written");
    }

    #[must_use]
    pub(crate) fn having(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// Runs the program.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let mut line = vec!["timeout", PATIENCE, env!("CARGO_BIN_EXE_holdpoint")];
        line.extend(arguments);
        self.run_program(&line)
    }

    /// Runs a shell line in which `holdpoint` is the program, and `$1` and so on are the arguments.
    pub(crate) fn shell(&self, script: &str) -> Ran {
        let named = format!(
            "holdpoint() {{ timeout {PATIENCE} {} \"$@\"; }}\n{script}",
            env!("CARGO_BIN_EXE_holdpoint")
        );
        self.run_program(&["bash", "-c", &named])
    }

    /// Begins any program here, its three streams in the hands of the test.
    pub(crate) fn begin(&self, line: &[&str]) -> Child {
        let (program, arguments) = line.split_first().expect("a program is named");
        Command::new(program)
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it can be run")
    }

    /// Waits for a program to end, and tells what has not been read yet.
    pub(crate) fn end(&self, child: Child) -> Ran {
        self.told(&child.wait_with_output().expect("it ends"))
    }

    /// Runs any program here.
    pub(crate) fn run_program(&self, line: &[&str]) -> Ran {
        let (program, arguments) = line.split_first().expect("a program is named");
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .envs(&self.environment)
            .output()
            .expect("it can be run");
        self.told(&output)
    }

    fn told(&self, output: &Output) -> Ran {
        Ran {
            code: output.status.code(),
            out: self.plain(&output.stdout),
            err: self.plain(&output.stderr),
        }
    }

    /// Text with what differs from run to run made the same.
    fn plain(&self, bytes: &[u8]) -> String {
        let text =
            String::from_utf8_lossy(bytes).replace(&self.directory.path().display().to_string(), "DIR");
        let process = Regex::new(r"process \d+, since [0-9T:.-]+Z").expect("a regular expression");
        process.replace_all(&text, "process N, since WHEN").into_owned()
    }
}

impl Ran {
    /// What it said on standard error, when it could do nothing and printed nothing else.
    #[track_caller]
    pub(crate) fn refusal(&self) -> &str {
        assert_eq!((self.code, self.out.as_str()), (Some(2), ""), "{self:?}");
        assert_eq!(self.err.lines().count(), 1, "more than a sentence: {self:?}");
        self.err.trim_end()
    }
}
