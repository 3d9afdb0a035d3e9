//! `holdpoint checklist show` and `lint`: what Holdpoint understands of a file.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, BufWriter, IsTerminal, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::json;

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

/// Says what is wrong with files, and how much of each is decided by checks. One that cannot be read keeps none of the
/// others from being looked at.
pub(super) fn lint(files: &[PathBuf], format: ShowFormat) -> anyhow::Result<Ended> {
    let mut broken = false;
    let mut unread = Vec::new();
    let mut documents = Vec::new();
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
        broken |= parsed.has_errors();
        let count = |severity| {
            parsed
                .diagnostics
                .iter()
                .filter(|found| found.severity == severity)
                .count()
        };
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        let coverage = Coverage::of(&parsed.checklist);
        match format {
            ShowFormat::Json => documents.push(json!({
                "file": file.display().to_string(),
                "items": coverage.items,
                "bound": coverage.bound,
                "probes": coverage.probes,
                "errors": errors,
                "warnings": warnings,
                "diagnostics": parsed.diagnostics,
            })),
            ShowFormat::Text => {
                write_diagnostics(&mut out, file, &parsed, colour)?;
                writeln!(
                    out,
                    "{}: {coverage}; {}, {}",
                    file.display(),
                    counted(errors, "error"),
                    counted(warnings, "warning"),
                )?;
            }
        }
    }
    if format == ShowFormat::Json {
        writeln!(out, "{:#}", json!({ "files": documents }))?;
    }
    out.flush()?;
    if !unread.is_empty() {
        bail!("{}", unread.join(".\nholdpoint: "));
    }
    Ok(if broken { Ended::Badly } else { Ended::Well })
}

/// How much of a checklist is decided by checks.
struct Coverage {
    items: usize,
    /// Items bound to a check that a machine makes.
    bound: usize,
    /// How many of those by which probe; an item bound to checks of two probes counts for both.
    probes: BTreeMap<&'static str, usize>,
}

impl Coverage {
    fn of(checklist: &Checklist) -> Self {
        let mut probes = BTreeMap::new();
        let mut bound = 0;
        for item in &checklist.items {
            let made = item.checks.iter().filter(|id| !checklist.is_attested(id));
            let checks = made.filter_map(|id| checklist.checks.get(id));
            let named: BTreeSet<&str> = checks.map(|check| check.probe.name()).collect();
            bound += usize::from(!named.is_empty());
            for name in named {
                *probes.entry(name).or_default() += 1;
            }
        }
        Self {
            items: checklist.items.len(),
            bound,
            probes,
        }
    }
}

/// As `201 items, 61 bound to a check (30 %): command 25, http 24, env 12`. A share is rounded down, so that it is only 100
/// when all are.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = (self.bound * 100).checked_div(self.items).unwrap_or(0);
        write!(
            f,
            "{}, {} bound to a check ({share} %)",
            counted(self.items, "item"),
            self.bound
        )?;
        let mut probes: Vec<_> = self.probes.iter().collect();
        probes.sort_by_key(|(_, count)| Reverse(**count));
        let probes: Vec<String> = probes
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        if !probes.is_empty() {
            write!(f, ": {}", probes.join(", "))?;
        }
        Ok(())
    }
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

/// Reads a checklist; why it is none is a sentence.
pub(super) fn read(file: &Path) -> anyhow::Result<Parsed> {
    match read_checklist(file) {
        Ok(read) => Ok(read.parsed),
        Err(why) => bail!("{} {why}", file.display()),
    }
}

/// Adds what is wrong with the checks to what the reader found.
pub(super) fn add_problems(parsed: &mut Parsed) {
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
pub(super) fn colour_for(stream: &impl IsTerminal) -> Colour {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if !unwanted && stream.is_terminal() {
        Colour::Ansi
    } else {
        Colour::Plain
    }
}

/// Writes what was found, as a compiler would.
pub(super) fn write_diagnostics(
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
