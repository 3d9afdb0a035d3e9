//! The `command` probe: a program, run without a shell, and what it says.
//!
//! The program leads a process group of its own, and the whole group is ended when the program has ended, runs out
//! of time, or nobody waits for it any more. A descendant that leaves the group on purpose (`setsid`) is beyond
//! what a probe can reach.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use regex::Regex;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use super::observation::{Kind, Observation, Observed};
use super::probe::{Hindrance, Run, Seen};
use super::{kinds, written};
use crate::domain::check::CommandProbe;

/// How long to go on reading after the program has ended: a descendant outside its group can hold the output open.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// The most characters of each output that are kept as evidence: its end, where programs say how it went.
const EVIDENCE: usize = 300;
/// The most characters of a captured text that are kept as evidence.
const CAPTURE_EVIDENCE: usize = 100;

/// What every program is observed by. No capture may take these names.
const NAMES: [(&str, Kind); 4] = [
    ("exit_code", Kind::Whole),
    ("stdout", Kind::Text),
    ("stderr", Kind::Text),
    ("duration", Kind::Duration),
];

/// What a program is observed by. The named groups of a capture count; where it is not a regular expression, there
/// are none.
pub(super) fn names(probe: &CommandProbe) -> Vec<(String, Kind)> {
    let capture = probe
        .capture
        .as_deref()
        .and_then(|capture| Regex::new(capture).ok());
    NAMES
        .into_iter()
        .chain(
            capture
                .iter()
                .flat_map(Regex::capture_names)
                .flatten()
                .map(|name| (name, Kind::Text)),
        )
        .map(|(name, kind)| (name.to_owned(), kind))
        .collect()
}

/// The names of what its output is captured by.
pub(super) fn captures(probe: &CommandProbe) -> Vec<String> {
    names(probe)
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| NAMES.iter().all(|(own, _)| own != name))
        .collect()
}

/// What is wrong with the parameters, as far as can be told beforehand.
pub(super) fn flaws(probe: &CommandProbe) -> Vec<String> {
    let mut found = Vec::new();
    if probe.run.first().is_none_or(|program| program.trim().is_empty()) {
        found.push("`run` names no program; write it as in [npm, test]".to_owned());
    }
    if let Some(program) = probe.run.first().filter(|program| is_relative(program)) {
        found.push(format!(
            "`run` names the program {program} by a relative path, which no setting can allow; write [sh, {program}], or its absolute path"
        ));
    }
    let Some(pattern) = &probe.capture else {
        return found;
    };
    match Regex::new(pattern) {
        Ok(capture) => {
            let names: Vec<&str> = capture.capture_names().flatten().collect();
            if names.is_empty() {
                found.push(
                    r"`capture` has no named group, so it captures nothing; write one as in (?<passed>\d+)"
                        .to_owned(),
                );
            }
            for taken in names
                .iter()
                .filter(|name| NAMES.iter().any(|(own, _)| own == *name))
            {
                found.push(format!("`capture` names a group {taken}, which every command observes already; choose another name"));
            }
        }
        Err(error) => {
            found.push(format!(
                "`capture` is not a regular expression: {}",
                kinds::last_line(&error.to_string())
            ));
        }
    }
    found
}

/// Whether a program is named by a path that depends on the directory it is looked for from.
fn is_relative(program: &str) -> bool {
    program.contains('/') && !program.starts_with('/') && !program.contains("{{")
}

/// The texts that may name variables.
pub(super) fn texts(probe: &CommandProbe) -> Vec<&str> {
    probe
        .run
        .iter()
        .map(String::as_str)
        .chain(probe.cwd.as_deref())
        .collect()
}

/// Runs the program.
pub(super) async fn probe(run: &Run<'_>, probe: &CommandProbe) -> Result<Seen, Hindrance> {
    let words: Vec<String> = probe
        .run
        .iter()
        .map(|word| run.expand(word))
        .collect::<Result<_, _>>()?;
    let Some((program, arguments)) = words.split_first() else {
        return Err(Hindrance::new("`run` is empty; name a program and its arguments"));
    };
    let capture = match &probe.capture {
        Some(pattern) => Some(Regex::new(pattern).map_err(|_| {
            Hindrance::new("`capture` is not a regular expression; mend it in the front matter")
        })?),
        None => None,
    };
    let path = run
        .guard
        .vet_program(program)
        .map_err(|refusal| Hindrance::new(refusal.to_string()))?;
    let directory = probe.cwd.as_deref().map(|cwd| run.expand(cwd)).transpose()?;

    let started = Instant::now();
    let mut group = Group::start(run, program, &path, arguments, directory.as_deref())?;
    let mut stdout = Capped::new(run.limits.output_bytes);
    let mut stderr = Capped::new(run.limits.output_bytes);

    let ended = {
        let (out, err) = (group.stdout.as_mut(), group.stderr.as_mut());
        let reading = async { tokio::join!(stdout.fill(out), stderr.fill(err)) };
        tokio::pin!(reading);
        let mut read = false;
        let ended = loop {
            tokio::select! {
                biased;
                ended = tokio::time::timeout_at(run.deadline, group.child.wait()) => break ended,
                _ = &mut reading, if !read => read = true,
            }
        };
        if ended.is_ok() {
            // What the program leaves behind would hold the output open, and has no business going on.
            kill(&mut group.id);
            if !read {
                let _ = tokio::time::timeout(LAST_WORDS, reading).await;
            }
        }
        ended
    };
    let duration = started.elapsed();
    let status = match ended {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => {
            return Err(Hindrance::new(format!(
                "the program {program} was lost sight of: {error}"
            )));
        }
        Err(_) => {
            let last = last_line(run, &stdout, &stderr);
            group.end_softly(run.limits.stop_grace);
            return Err(Hindrance::new(format!(
                "{program} had not ended after {} and was stopped{last}; raise `timeout` if that is too short",
                written::duration(run.timeout)
            )));
        }
    };
    Ok(seen(
        run,
        program,
        status,
        duration,
        &stdout,
        &stderr,
        capture.as_ref(),
    ))
}

fn seen(
    run: &Run<'_>,
    program: &str,
    status: ExitStatus,
    duration: Duration,
    stdout: &Capped,
    stderr: &Capped,
    capture: Option<&Regex>,
) -> Seen {
    let exit_code = exit_code(status);
    let (out, err) = (stdout.text(), stderr.text());
    let mut evidence = BTreeMap::from([
        ("exit_code".to_owned(), json!(exit_code)),
        ("duration_ms".to_owned(), json!(duration.as_millis() as u64)),
    ]);
    for (name, text, capped) in [("stdout", &out, stdout), ("stderr", &err, stderr)] {
        if !text.trim().is_empty() {
            evidence.insert(
                name.to_owned(),
                Value::from(run.redactor.end(text.trim_end(), EVIDENCE)),
            );
        }
        if capped.left_out() > 0 {
            evidence.insert(format!("{name}_bytes_left_out"), json!(capped.left_out()));
        }
    }

    let mut observation = Observation::default();
    if let Some(capture) = capture {
        let found = capture.captures(&out).or_else(|| capture.captures(&err));
        for name in capture.capture_names().flatten() {
            let text = found.as_ref().and_then(|found| found.name(name));
            let observed = match text {
                Some(text) => {
                    let shown = run.redactor.beginning(text.as_str(), CAPTURE_EVIDENCE);
                    evidence.entry(name.to_owned()).or_insert(Value::from(shown));
                    run.captures.take_plain(name, text.as_str());
                    Observed::Text(text.as_str().to_owned())
                }
                None => Observed::Nothing(format!(
                    "{name} was not captured: `capture` does not match the output of {program} (exit code {exit_code})"
                )),
            };
            observation = observation.with(name, observed);
        }
    }
    // What every command has goes in last, so that no capture can stand in for it.
    let observation = observation
        .with("exit_code", Observed::Whole(exit_code))
        .with("duration", Observed::Duration(duration))
        .with("stdout", Observed::Text(out.clone()))
        .with("stderr", Observed::Text(err.clone()));

    let took = written::duration(duration);
    let why = if exit_code == 0 {
        format!("{program} ended with exit code 0 after {took}")
    } else {
        let last = last_line(run, stdout, stderr);
        format!("exit_code is {exit_code}, expected 0{last}")
    };
    Seen {
        observation,
        evidence,
        holds: exit_code == 0,
        why,
    }
}

/// The last line a program said, standard error first, as an ending for a sentence.
fn last_line(run: &Run<'_>, stdout: &Capped, stderr: &Capped) -> String {
    [stderr, stdout]
        .into_iter()
        .find_map(|output| {
            // Secrets go before the line is cut out: one of several lines is no longer found in one of them.
            let text = run.redactor.redact(&output.text());
            let line = text.lines().rev().find(|line| !line.trim().is_empty())?.trim();
            Some(format!("; it last said {:?}", run.redactor.beginning(line, 120)))
        })
        .unwrap_or_default()
}

/// The exit code; for a program ended by a signal, 128 more than its number, as shells have it.
fn exit_code(status: ExitStatus) -> i64 {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    i64::from(code.unwrap_or(-1))
}

/// A program and all its descendants. Dropping it kills them all.
struct Group {
    child: Child,
    id: Option<Pid>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
}

impl Group {
    fn start(
        run: &Run<'_>,
        program: &str,
        path: &Path,
        arguments: &[String],
        directory: Option<&str>,
    ) -> Result<Self, Hindrance> {
        if let Some(directory) = directory.filter(|directory| !Path::new(directory).is_dir()) {
            return Err(Hindrance::new(format!(
                "the directory {directory} is not there; create it, or mend `cwd` (it is relative to the bot's working directory)"
            )));
        }
        let mut command = Command::new(path);
        command
            .args(arguments)
            .env_clear()
            .envs(run.guard.environment_passed_on())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(directory) = directory {
            command.current_dir(directory);
        }
        let mut child = command.spawn().map_err(|error| {
            Hindrance::new(match error.kind() {
                std::io::ErrorKind::PermissionDenied => {
                    format!("the program {program} may not be run by the bot; change its permissions")
                }
                std::io::ErrorKind::NotFound => {
                    format!("the program {program} cannot be started: its interpreter is not on this machine")
                }
                _ => format!("the program {program} cannot be started: {error}"),
            })
        })?;
        // A child just started leads the group of its own number.
        let id = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Self {
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            child,
            id,
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

/// An output that is read to its end, of which the beginning and the end are kept.
struct Capped {
    half: usize,
    beginning: Vec<u8>,
    end: VecDeque<u8>,
    total: usize,
}

impl Capped {
    fn new(bytes: usize) -> Self {
        Self {
            half: bytes / 2,
            beginning: Vec::new(),
            end: VecDeque::new(),
            total: 0,
        }
    }

    async fn fill(&mut self, source: Option<&mut (impl AsyncRead + Unpin)>) {
        let Some(source) = source else { return };
        let mut chunk = vec![0; 16 << 10];
        // An error ends the output like its end does; what was read until then counts.
        while let Ok(length @ 1..) = source.read(&mut chunk).await {
            self.take(&chunk[..length]);
        }
    }

    fn take(&mut self, chunk: &[u8]) {
        self.total += chunk.len();
        let room = self.half.saturating_sub(self.beginning.len()).min(chunk.len());
        self.beginning.extend_from_slice(&chunk[..room]);
        self.end.extend(&chunk[room..]);
        let over = self.end.len().saturating_sub(self.half);
        self.end.drain(..over);
    }

    fn left_out(&self) -> usize {
        self.total - self.beginning.len() - self.end.len()
    }

    /// What was kept. Where something was left out between the halves, the broken lines beside the gap go too, so
    /// that no half of a word is taken for a whole one.
    fn text(&self) -> String {
        let end: Vec<u8> = self.end.iter().copied().collect();
        if self.left_out() == 0 {
            return String::from_utf8_lossy(&[self.beginning.as_slice(), &end].concat()).into_owned();
        }
        let whole = self
            .beginning
            .iter()
            .rposition(|byte| *byte == b'\n')
            .unwrap_or(0);
        let next = end.iter().position(|byte| *byte == b'\n').unwrap_or(end.len());
        format!(
            "{}\n[… {} bytes left out …]{}",
            String::from_utf8_lossy(&self.beginning[..whole]),
            self.left_out() + (self.beginning.len() - whole) + next,
            String::from_utf8_lossy(&end[next..])
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_output_keeps_its_beginning_and_end_in_whole_lines() {
        let mut capped = Capped::new(20);
        for chunk in ["one\ntwo\nthree\n", "four\nfive\nsix\n", "seven\n"] {
            capped.take(chunk.as_bytes());
        }
        // Whether "six" is a whole line cannot be told any more, so it goes too.
        assert_eq!(capped.text(), "one\ntwo\n[… 20 bytes left out …]\nseven\n");
        assert_eq!(capped.left_out(), 14);
    }

    #[test]
    fn a_short_output_is_kept_whole() {
        let mut capped = Capped::new(20);
        capped.take("grün ".as_bytes());
        capped.take(&"ä\n".as_bytes()[..1]);
        capped.take(&"ä\n".as_bytes()[1..]);
        assert_eq!((capped.text().as_str(), capped.left_out()), ("grün ä\n", 0));
    }

    #[test]
    fn output_without_a_line_break_does_not_show_its_broken_halves() {
        let mut capped = Capped::new(8);
        capped.take(b"0123456789abcdef");
        assert_eq!(capped.text(), "\n[… 16 bytes left out …]");
    }
}
