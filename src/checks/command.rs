//! The `command` probe: a program, run without a shell, and what it says.
//!
//! The program leads a process group of its own, and the whole group is ended when the program has ended, runs out
//! of time, says too much, or nobody waits for it any more; what has left the group on purpose is looked for and ended
//! as well. It runs within limits of memory and processes, and as an unprivileged user where the bot runs as root.

mod capped;
mod group;
mod launch;
mod leftovers;

use std::collections::BTreeMap;
use std::process::ExitStatus;
use std::time::Duration;

use regex::Regex;
use serde_json::{Value, json};

use self::capped::Capped;
pub(super) use self::group::{Ending, run_words};
pub(super) use self::leftovers::MARK;
use super::observation::{Kind, Observation, Observed};
use super::probe::{Hindrance, Run, Seen};
use super::{kinds, written};
use crate::domain::check::CommandProbe;

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
    let mut found: Vec<String> = program_flaw("run", &probe.run).into_iter().collect();
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

/// What is wrong with the program that the words of a parameter begin with.
pub(super) fn program_flaw(parameter: &str, words: &[String]) -> Option<String> {
    match words.first().map(|program| program.trim()) {
        None | Some("") => Some(format!(
            "`{parameter}` names no program; write it as in [npm, test]"
        )),
        Some(program) if is_relative(program) => Some(format!(
            "`{parameter}` names the program {program} by a relative path, which no setting can allow; write [sh, {program}], or its absolute path"
        )),
        Some(_) => None,
    }
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
    let words = run.expand_all(&probe.run)?;
    let program = words.first().map(String::as_str).unwrap_or_default();
    let capture = match &probe.capture {
        Some(pattern) => Some(Regex::new(pattern).map_err(|_| {
            Hindrance::new("`capture` is not a regular expression; mend it in the front matter")
        })?),
        None => None,
    };
    let directory = probe.cwd.as_deref().map(|cwd| run.expand(cwd)).transpose()?;
    let ran = run_words(run, &words, directory.as_deref(), run.limits.output_bytes).await?;
    let (duration, stdout, stderr) = (ran.duration, ran.stdout, ran.stderr);
    let status = match ran.ending {
        Ending::Exited(status) => status,
        Ending::OutOfTime => {
            let last = last_line(run, &stdout, &stderr);
            return Err(Hindrance::new(format!(
                "{program} had not ended after {} and was stopped{last}; raise `timeout` if that is too short",
                written::duration(run.timeout)
            )));
        }
        Ending::Flooded => {
            return Err(Hindrance::new(format!(
                "{program} wrote more than {} and was stopped; have it write less",
                written::bytes(run.limits.flood_bytes as u64)
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
            observation = observation.with(name.to_owned(), observed);
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
            let text = run.redactor.redact(output.text());
            let line = text.lines().rev().find(|line| !line.trim().is_empty())?.trim();
            Some(format!("; it last said {:?}", run.redactor.beginning(line, 120)))
        })
        .unwrap_or_default()
}

/// The exit code; for a program ended by a signal, 128 more than its number, as shells have it.
pub(super) fn exit_code(status: ExitStatus) -> i64 {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    i64::from(code.unwrap_or(-1))
}
