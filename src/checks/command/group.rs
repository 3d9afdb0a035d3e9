//! A program while it runs, with all its descendants.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncRead;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use super::capped::{Capped, Flood};
use super::launch::{Launch, Limited, Wanted};
use super::leftovers::{MARK, Mark};
use crate::checks::blocking;
use crate::checks::probe::{Hindrance, Run};

/// How long to go on reading after the program has ended: a descendant outside its group can hold the output open.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Variables that tell who one is. They are the user's own where a program runs as somebody else than the bot.
const OF_A_USER: [&str; 3] = ["HOME", "LOGNAME", "USER"];

/// What became of a program.
pub(in crate::checks) struct Ran {
    pub(in crate::checks) ending: Ending,
    pub(in crate::checks) duration: Duration,
    pub(in crate::checks) stdout: Capped,
    pub(in crate::checks) stderr: Capped,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::checks) enum Ending {
    /// By itself, or by a signal that was not ours.
    Exited(ExitStatus),
    /// It had to be stopped, for its time was up.
    OutOfTime,
    /// It had to be stopped, for it would not stop writing.
    Flooded,
}

/// Runs a program, the first of the words, and keeps so many bytes of each of its outputs.
pub(in crate::checks) async fn run_words(
    run: &Run<'_>,
    words: &[String],
    directory: Option<&str>,
    keep: usize,
) -> Result<Ran, Hindrance> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(Hindrance::new("`run` is empty; name a program and its arguments"));
    };
    let path = run
        .guard
        .vet_program(program)
        .map_err(|refusal| Hindrance::new(refusal.to_string()))?;
    if let Some(directory) = directory.filter(|directory| !Path::new(directory).is_dir()) {
        return Err(Hindrance::new(format!(
            "the directory {directory} is not there; create it, or mend `cwd` (it is relative to the bot's working directory)"
        )));
    }
    let wanted = Wanted::by(run.guard, run.limits);
    let (file, given) = (path.clone(), arguments.to_vec());
    let launch = blocking::work(
        run,
        || format!("{program} was not started"),
        move |_| wanted.launch(&file, &given),
    );
    let launch = launch.await??;

    let started = Instant::now();
    let mut group = Group::start(run, program, &launch, directory)?;
    let mut stdout = Capped::new(keep);
    let mut stderr = Capped::new(keep);
    let most = run.limits.flood_bytes;

    let ending = {
        let (out, err) = (group.stdout.as_mut(), group.stderr.as_mut());
        let reading = async { tokio::try_join!(stdout.fill(out, most), stderr.fill(err, most)) };
        tokio::pin!(reading);
        let mut read = false;
        let ending = loop {
            tokio::select! {
                biased;
                ended = tokio::time::timeout_at(run.deadline, group.child.wait()) => break match ended {
                    Ok(Ok(status)) => Ending::Exited(status),
                    Ok(Err(error)) => {
                        return Err(Hindrance::new(format!(
                            "the program {program} was lost sight of: {error}; run the check again"
                        )));
                    }
                    Err(_) => Ending::OutOfTime,
                },
                result = &mut reading, if !read => match result {
                    Ok(_) => read = true,
                    Err(Flood) => break Ending::Flooded,
                },
            }
        };
        if let Ending::Exited(_) = ending {
            // What the program leaves behind would hold the output open, and has no business going on.
            kill(&mut group.id);
            if !read {
                let _ = tokio::time::timeout(LAST_WORDS, reading).await;
            }
        }
        ending
    };
    let ran = Ran {
        ending,
        duration: started.elapsed(),
        stdout,
        stderr,
    };
    match ending {
        Ending::OutOfTime => group.end_softly(run.limits.stop_grace),
        Ending::Flooded => {}
        Ending::Exited(status) => {
            if launch.limited == Limited::Yes {
                started_at_all(program, &launch, status, &ran.stderr)?;
            }
        }
    }
    Ok(ran)
}

/// What `prlimit` says where it could not become the program, as a hindrance: it ends with 126 or 127 then, as shells
/// do, or with 1 where it could not set a limit.
fn started_at_all(
    program: &str,
    launch: &Launch,
    status: ExitStatus,
    stderr: &Capped,
) -> Result<(), Hindrance> {
    let said = stderr.text();
    let Some(fault) = said.strip_prefix("prlimit: ") else {
        return Ok(());
    };
    match status.code() {
        Some(127) => Err(no_interpreter(program)),
        Some(126) => Err(not_permitted(program, launch)),
        // What was said is not repeated: it may be the program that said it, and of that `env` shows nothing.
        Some(1) if fault.starts_with("failed to set ") => Err(Hindrance::new(format!(
            "the program {program} was not started, for its limits could not be set; the operator can change checks.commands.memory_limit_bytes and checks.commands.process_limit"
        ))),
        _ => Ok(()),
    }
}

fn no_interpreter(program: &str) -> Hindrance {
    Hindrance::new(format!(
        "the program {program} cannot be started: its interpreter is not on this machine"
    ))
}

fn not_permitted(program: &str, launch: &Launch) -> Hindrance {
    Hindrance::new(match &launch.user {
        Some(user) => format!(
            "the program {program} may not be run by {}, as whom commands run where Holdpoint itself runs as root; change the permissions of the program or of its directory, or checks.commands.user",
            user.name
        ),
        None => format!("the program {program} may not be run by the bot; change its permissions"),
    })
}

/// A program and all its descendants. Dropping it kills them all.
struct Group {
    child: Child,
    id: Option<Pid>,
    mark: Option<Mark>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
}

impl Group {
    fn start(
        run: &Run<'_>,
        program: &str,
        launch: &Launch,
        directory: Option<&str>,
    ) -> Result<Self, Hindrance> {
        let mark = Mark::new();
        let mut command = Command::new(&launch.file);
        command
            .args(&launch.arguments)
            .env_clear()
            .envs(run.guard.environment_passed_on())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(mark) = &mark {
            command.env(MARK, mark.as_str());
        }
        if let Some(directory) = directory {
            command.current_dir(directory);
        }
        if let Some(user) = &launch.user {
            // Leaves the bot's other groups too.
            command.uid(user.uid).gid(user.gid);
            for (name, _) in run.guard.environment_passed_on() {
                if !OF_A_USER.contains(&name) {
                    continue;
                }
                match (name, &user.home) {
                    ("HOME", Some(home)) => command.env(name, home),
                    ("HOME", None) => command.env_remove(name),
                    _ => command.env(name, user.name.split(':').next().unwrap_or_default()),
                };
            }
        }
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::PermissionDenied if directory.is_some() && launch.user.is_some() => {
                Hindrance::new(format!(
                    "the program {program} cannot be started in its `cwd` by {}, as whom commands run where Holdpoint itself runs as root; change the directory's permissions, or checks.commands.user",
                    launch.user.as_ref().map_or("nobody", |user| user.name.as_str())
                ))
            }
            std::io::ErrorKind::PermissionDenied => not_permitted(program, launch),
            std::io::ErrorKind::NotFound => no_interpreter(program),
            _ => Hindrance::new(format!("the program {program} cannot be started: {error}")),
        })?;
        // A child just started leads the group of its own number.
        let id = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Self {
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            child,
            id,
            mark,
        })
    }

    /// Asks the group to end, and kills in the background what has not done so in time.
    fn end_softly(mut self, grace: Duration) {
        if let Some(id) = self.id {
            let _ = kill_process_group(id, Signal::TERM);
            tokio::spawn(async move {
                // A program that tidies up and says so must not be ended by an output that nobody reads.
                let (out, err) = (self.stdout.as_mut(), self.stderr.as_mut());
                let reading = async { tokio::join!(drain(out), drain(err)) };
                // Once the leader is gone, or the time is up, the rest of the group has had its chance.
                let leader = async {
                    tokio::select! {
                        biased;
                        _ = self.child.wait() => {}
                        () = async { reading.await; std::future::pending().await } => {}
                    }
                };
                let _ = tokio::time::timeout(grace, leader).await;
                kill(&mut self.id);
                let _ = self.child.wait().await;
            });
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        kill(&mut self.id);
        if let Some(mark) = self.mark.take() {
            mark.sweep_in_background();
        }
    }
}

/// Kills whatever is left of a group. One that is gone is as good as killed.
fn kill(group: &mut Option<Pid>) {
    // Taken, so that a number given to somebody else's group since is never used again.
    if let Some(id) = group.take() {
        let _ = kill_process_group(id, Signal::KILL);
    }
}

async fn drain(source: Option<&mut (impl AsyncRead + Unpin)>) {
    if let Some(source) = source {
        // An error ends the output like its end does.
        let _ = tokio::io::copy(source, &mut tokio::io::sink()).await;
    }
}
