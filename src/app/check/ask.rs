//! Asking whoever sits at the terminal for the values that are missing.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::thread;

use anyhow::bail;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::oneshot;

use super::given::how_to_give;
use super::stop::Stop;
use super::text::printable;
use crate::domain::checklist::Checklist;
use crate::domain::ids::VariableName;

/// The values of missing variables, when there is somebody to ask; nothing when a signal came first.
///
/// # Errors
/// When nobody can be asked, or does not answer; the sentence names every variable that is missing.
pub(super) async fn ask(
    checklist: &Checklist,
    missing: &[VariableName],
    stop: &Stop,
) -> anyhow::Result<Option<BTreeMap<String, String>>> {
    let mut answers = BTreeMap::new();
    let somebody = io::stdin().is_terminal() && io::stderr().is_terminal();
    for name in missing {
        if !somebody {
            bail!("{}", without_value(checklist, missing));
        }
        let variable = checklist.variables.get(name).cloned().unwrap_or_default();
        let description = match variable.description {
            Some(description) => format!(" ({})", printable(description.trim_end_matches('.'))),
            None => String::new(),
        };
        let unseen = if variable.secret { ", not shown" } else { "" };
        // Before the question, so that not even a quick answer is seen.
        let echo = variable.secret.then(NoEcho::begin).flatten();
        write!(io::stderr(), "{name}{description}{unseen}: ")?;
        let answer = tokio::select! {
            answer = line() => answer,
            () = stop.token.cancelled() => {
                drop(echo);
                writeln!(io::stderr())?;
                return Ok(None);
            }
        };
        if echo.is_some() {
            // The line end that was typed has not been shown either.
            writeln!(io::stderr())?;
        }
        drop(echo);
        match answer {
            Some(answer) => answers.insert(name.as_str().to_owned(), answer),
            None => bail!("{}", without_value(checklist, std::slice::from_ref(name))),
        };
    }
    Ok(Some(answers))
}

/// A line that somebody types; nothing when they end the input.
async fn line() -> Option<String> {
    let (sender, receiver) = oneshot::channel();
    // A thread of its own that nothing waits for, since a read cannot be called back when a signal comes.
    thread::spawn(move || {
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line);
        let answer = matches!(read, Ok(1..)).then(|| line.trim_end_matches(['\r', '\n']).to_owned());
        // Nobody waits any more after a signal.
        let _ = sender.send(answer);
    });
    receiver.await.ok().flatten()
}

fn without_value(checklist: &Checklist, missing: &[VariableName]) -> String {
    let each: Vec<String> = missing
        .iter()
        .map(|name| {
            let variable = checklist.variables.get(name).cloned().unwrap_or_default();
            format!(
                "the variable {name} has no value; {}",
                how_to_give(name.as_str(), &variable)
            )
        })
        .collect();
    each.join(".\nholdpoint: ")
}

/// While it lives, the terminal does not show what is typed.
struct NoEcho {
    before: Termios,
}

impl NoEcho {
    fn begin() -> Option<Self> {
        let before = tcgetattr(io::stdin()).ok()?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Now, &silent).ok()?;
        Some(Self { before })
    }
}

impl Drop for NoEcho {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}
