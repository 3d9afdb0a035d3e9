//! As whom a program runs, and within which limits.
//!
//! Limits must hold before the program's first step: one that has forked already is not held by what its first process
//! is told afterwards. So the program is started through `prlimit` of util-linux, which sets limits on itself and then
//! becomes the program, under the same number and in the same process group.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, geteuid, getrlimit, getuid};

use crate::checks::Limits;
use crate::checks::guard::Guard;
use crate::checks::probe::Hindrance;

/// Where `prlimit` is looked for besides the bot's `PATH`.
const PRLIMIT: [&str; 2] = ["/usr/bin/prlimit", "/bin/prlimit"];

/// How to start a program.
pub(super) struct Launch {
    /// The file to run.
    pub(super) file: PathBuf,
    /// What it is given.
    pub(super) arguments: Vec<OsString>,
    /// Somebody else than the bot to run as.
    pub(super) user: Option<User>,
    /// Whether `prlimit` stands in front of the program.
    pub(super) limited: Limited,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limited {
    Yes,
    No,
}

/// Somebody to run a program as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    /// As configured.
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Where they live, when they are known to this machine.
    pub(super) home: Option<String>,
}

/// What has to be known before, so that the rest can be done on another thread.
pub(super) struct Wanted {
    user: String,
    prlimit: Option<PathBuf>,
    memory_bytes: Option<u64>,
    processes: Option<u64>,
}

impl Wanted {
    /// By the settings.
    pub(super) fn by(guard: &Guard, limits: &Limits) -> Self {
        let named = guard.look_up("prlimit");
        Self {
            user: guard.command_user().to_owned(),
            prlimit: named.or_else(|| PRLIMIT.map(PathBuf::from).into_iter().find(|path| path.is_file())),
            memory_bytes: limits.memory_bytes,
            processes: limits.processes,
        }
    }

    /// How to start a program. Blocks for as long as the machine's processes take to be counted.
    pub(super) fn launch(self, program: &Path, arguments: &[String]) -> Result<Launch, Hindrance> {
        let user = if geteuid().is_root() {
            user(&self.user)?
        } else {
            None
        };
        let mut limits = Vec::new();
        if let Some(bytes) = self.memory_bytes {
            limits.push(format!("--data={}", at_most(bytes, Resource::Data)));
        }
        if let Some(processes) = self.processes {
            // The kernel holds a user, not a command, to a number of processes and threads, so those that are there
            // already are added.
            let uid = user.as_ref().map_or_else(|| getuid().as_raw(), |user| user.uid);
            let most = processes.saturating_add(tasks_of(uid));
            limits.push(format!("--nproc={}", at_most(most, Resource::Nproc)));
        }
        let arguments = arguments.iter().map(OsString::from);
        if limits.is_empty() {
            return Ok(Launch {
                file: program.to_owned(),
                arguments: arguments.collect(),
                user,
                limited: Limited::No,
            });
        }
        let prlimit = self.prlimit.ok_or_else(|| {
            Hindrance::new(
                "commands run within limits of memory and processes, which the program prlimit sets, and it is not on this machine; install util-linux, or set checks.commands.memory_limit_bytes and checks.commands.process_limit to 0",
            )
        })?;
        // A program that dies writes no picture of its memory to the disk.
        limits.push("--core=0".to_owned());
        limits.push("--".to_owned());
        Ok(Launch {
            file: prlimit,
            arguments: limits
                .into_iter()
                .map(OsString::from)
                .chain(std::iter::once(program.as_os_str().to_owned()))
                .chain(arguments)
                .collect(),
            user,
            limited: Limited::Yes,
        })
    }
}

/// A limit that is no higher than the bot's own, which nobody but root can raise.
fn at_most(wanted: u64, resource: Resource) -> u64 {
    getrlimit(resource).maximum.map_or(wanted, |own| own.min(wanted))
}

/// Whom a bot that runs as root starts programs as; nobody else where that is root.
fn user(configured: &str) -> Result<Option<User>, Hindrance> {
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let Some(user) = find_user(configured, &known) else {
        return Err(Hindrance::new(format!(
            "Holdpoint runs as root, and commands are to run as {configured}, which is no user of this machine; create the user, or set checks.commands.user to one that there is"
        )));
    };
    Ok((user.uid != 0).then_some(user))
}

/// A user by name or number, as `deploy`, `10001` or `10001:10001`, with what `/etc/passwd` knows of them.
fn find_user(configured: &str, known: &str) -> Option<User> {
    let (user, group) = match configured.split_once(':') {
        Some((user, group)) => (user, Some(group.parse::<u32>().ok()?)),
        None => (configured, None),
    };
    let number = user.parse::<u32>().ok();
    let entry = known.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, uid, gid, _, home) = (
            fields.next()?,
            fields.next()?,
            fields.next()?.parse::<u32>().ok()?,
            fields.next()?.parse::<u32>().ok()?,
            fields.next()?,
            fields.next()?,
        );
        (name == user || number == Some(uid)).then(|| (uid, gid, home.to_owned()))
    });
    let (uid, gid, home) = match (entry, number) {
        (Some((uid, gid, home)), _) => (uid, gid, Some(home)),
        // A container often has users that nothing names.
        (None, Some(number)) => (number, number, None),
        (None, None) => return None,
    };
    Some(User {
        name: configured.to_owned(),
        uid,
        gid: group.unwrap_or(gid),
        home,
    })
}

/// How many processes and threads a user has. Where `/proc` is not there, none can be told.
fn tasks_of(uid: u32) -> u64 {
    super::leftovers::processes()
        .filter_map(|process| {
            let status = std::fs::read_to_string(format!("/proc/{}/status", process.as_raw_pid())).ok()?;
            let field = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name))?;
                line.split_whitespace().next()?.parse::<u64>().ok()
            };
            (field("Uid:")? == u64::from(uid)).then(|| field("Threads:").unwrap_or(1))
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_name_and_number() {
        let known =
            "root:x:0:0:root:/root:/bin/bash\nbroken\nnobody:x:65534:65533:nobody:/nonexistent:/bin/false\n";
        let found = |configured: &str| {
            find_user(configured, known).map(|user| (user.uid, user.gid, user.home.unwrap_or_default()))
        };
        let nobody = |gid| Some((65534, gid, "/nonexistent".to_owned()));
        assert_eq!(found("nobody"), nobody(65533));
        assert_eq!(found("65534"), nobody(65533));
        assert_eq!(found("nobody:7"), nobody(7));
        assert_eq!(found("10001"), Some((10001, 10001, String::new())));
        assert_eq!(found("10001:7"), Some((10001, 7, String::new())));
        assert_eq!(found("root"), Some((0, 0, "/root".to_owned())));
        for unknown in ["somebody", "", "nobody:", "nobody:users", "-1"] {
            assert_eq!(found(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn a_limit_is_never_above_the_bots_own() {
        let own = getrlimit(Resource::Nproc).maximum;
        assert_eq!(at_most(1, Resource::Nproc), own.map_or(1, |own| own.min(1)));
        assert_eq!(at_most(u64::MAX, Resource::Nproc), own.unwrap_or(u64::MAX));
    }
}
