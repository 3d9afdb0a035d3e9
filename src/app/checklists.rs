//! `holdpoint checklist show` and `lint`: what Holdpoint understands of a file.

use std::io::{self, BufWriter, IsTerminal, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::Ended;
use crate::cli::ShowFormat;
use crate::domain::checklist::Checklist;
use crate::engine::{checklist_files, problems_of, read_checklist};
use crate::markdown::{self, Colour, Parsed, Severity};

/// Shows what a file holds, whatever is wrong with it.
pub(super) fn show(file: &Path, format: ShowFormat) -> anyhow::Result<Ended> {
    let mut parsed = read(file)?;
    add_problems(&mut parsed);
    let mut out = BufWriter::new(io::stdout().lock());
    match format {
        ShowFormat::Json => writeln!(out, "{:#}", markdown::json(&parsed))?,
        ShowFormat::Text => {
            write_outline(&mut out, &parsed.checklist)?;
            // What goes to the terminal by two ways should come in the order in which it was written.
            out.flush()?;
            let err = io::stderr();
            let colour = colour_for(&err);
            write_diagnostics(&mut BufWriter::new(err.lock()), file, &parsed, colour)?;
        }
    }
    out.flush()?;
    Ok(Ended::Well)
}

/// Says what is wrong with files. One that cannot be read keeps none of the others from being looked at.
pub(super) fn lint(files: &[PathBuf]) -> anyhow::Result<Ended> {
    let mut broken = false;
    let mut unread = Vec::new();
    let stdout = io::stdout();
    let colour = colour_for(&stdout);
    let mut out = BufWriter::new(stdout.lock());
    for file in files {
        let mut parsed = match read(file) {
            Ok(parsed) => parsed,
            Err(error) => {
                unread.push(format!("{error:#}"));
                continue;
            }
        };
        add_problems(&mut parsed);
        write_diagnostics(&mut out, file, &parsed, colour)?;
        broken |= parsed.has_errors();
        let count = |severity| {
            parsed
                .diagnostics
                .iter()
                .filter(|found| found.severity == severity)
                .count()
        };
        let checklist = &parsed.checklist;
        let decided = checklist
            .items
            .iter()
            .filter(|item| !item.checks.is_empty())
            .count();
        writeln!(
            out,
            "{}: {}, {decided} of them decided by checks; {}, {}",
            file.display(),
            counted(checklist.items.len(), "item"),
            counted(count(Severity::Error), "error"),
            counted(count(Severity::Warning), "warning"),
        )?;
    }
    out.flush()?;
    if !unread.is_empty() {
        bail!("{}", unread.join(".\nholdpoint: "));
    }
    Ok(if broken { Ended::Badly } else { Ended::Well })
}

/// The checklists of a directory.
pub(super) fn of_directory(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    checklist_files(directory).with_context(|| {
        format!(
            "the directory {} cannot be read; create it, set `checklists.directory`, or name the files to lint",
            directory.display()
        )
    })
}

fn read(file: &Path) -> anyhow::Result<Parsed> {
    match read_checklist(file) {
        Ok(read) => Ok(read.parsed),
        Err(why) => bail!("{} {why}", file.display()),
    }
}

fn add_problems(parsed: &mut Parsed) {
    parsed.diagnostics.extend(problems_of(&parsed.checklist));
    parsed
        .diagnostics
        .sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
}

/// As `1 item` and `2 items`.
fn counted(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

fn write_outline(out: &mut impl io::Write, checklist: &Checklist) -> io::Result<()> {
    writeln!(out, "{}", checklist.title)?;
    let mut section = None;
    for item in &checklist.items {
        if item.section != section {
            section = item.section;
            let heading = section.and_then(|index| checklist.sections.get(index));
            if let Some(heading) = heading.filter(|heading| !heading.id.as_str().is_empty()) {
                writeln!(out, "\n{} {}", heading.id, heading.title)?;
            }
        }
        let mark = if item.checked { 'x' } else { ' ' };
        let indent = "  ".repeat(item.depth);
        let mut notes: Vec<String> = item.checks.iter().map(|check| format!("check {check}")).collect();
        notes.extend(item.sign_off.iter().map(|role| format!("sign-off {role}")));
        if item.decision {
            notes.push("decision".to_owned());
        }
        if item.optional {
            notes.push("optional".to_owned());
        }
        let notes = if notes.is_empty() {
            String::new()
        } else {
            format!("  ({})", notes.join(", "))
        };
        writeln!(out, "{indent}[{mark}] {} {}{notes}", item.id, item.text)?;
    }
    Ok(())
}

/// Colours where a person looks, unless they asked for none (<https://no-color.org>).
fn colour_for(stream: &impl IsTerminal) -> Colour {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if !unwanted && stream.is_terminal() {
        Colour::Ansi
    } else {
        Colour::Plain
    }
}

fn write_diagnostics(
    out: &mut impl io::Write,
    file: &Path,
    parsed: &Parsed,
    colour: Colour,
) -> io::Result<()> {
    let name = file.display().to_string();
    for diagnostic in &parsed.diagnostics {
        writeln!(
            out,
            "{}",
            markdown::render_diagnostic(&name, &parsed.checklist.source, diagnostic, colour)
        )?;
    }
    out.flush()
}
