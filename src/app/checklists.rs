//! `holdpoint checklist show` and `lint`: what Holdpoint understands of a file.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Ended;
use crate::cli::ShowFormat;
use crate::domain::checklist::Checklist;
use crate::domain::ids::ChecklistName;
use crate::engine::problems_of;
use crate::markdown::{self, Colour, Parsed, Severity};

/// Shows what a file holds.
pub(super) fn show(file: &Path, format: ShowFormat) -> anyhow::Result<Ended> {
    let parsed = read(file)?;
    let mut out = io::stdout().lock();
    match format {
        ShowFormat::Json => writeln!(out, "{:#}", markdown::json(&parsed))?,
        ShowFormat::Text => {
            write_outline(&mut out, &parsed.checklist)?;
            write_diagnostics(&mut io::stderr().lock(), file, &parsed)?;
        }
    }
    Ok(if parsed.has_errors() {
        Ended::Badly
    } else {
        Ended::Well
    })
}

/// Says what is wrong with files.
pub(super) fn lint(files: &[PathBuf]) -> anyhow::Result<Ended> {
    let mut broken = false;
    let mut out = io::stdout().lock();
    for file in files {
        let parsed = read(file)?;
        write_diagnostics(&mut out, file, &parsed)?;
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
            "{}: {} items, {decided} of them decided by checks; {} errors, {} warnings",
            file.display(),
            checklist.items.len(),
            count(Severity::Error),
            count(Severity::Warning),
        )?;
    }
    Ok(if broken { Ended::Badly } else { Ended::Well })
}

/// The checklists of a directory.
pub(super) fn of_directory(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let listing = std::fs::read_dir(directory).with_context(|| {
        format!(
            "the directory {} cannot be read; set `checklists.directory`",
            directory.display()
        )
    })?;
    let mut files: Vec<PathBuf> = listing
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|ending| ending.eq_ignore_ascii_case("md"))
        })
        .filter(|path| {
            path.file_stem()
                .is_some_and(|stem| !stem.eq_ignore_ascii_case("readme"))
        })
        .collect();
    files.sort();
    Ok(files)
}

fn read(file: &Path) -> anyhow::Result<Parsed> {
    let bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let name = ChecklistName::new(
        file.file_stem()
            .map(|stem| stem.to_string_lossy())
            .unwrap_or_default(),
    );
    let mut parsed = markdown::parse(&name, &bytes);
    parsed.diagnostics.extend(problems_of(&parsed.checklist));
    parsed
        .diagnostics
        .sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    Ok(parsed)
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

fn write_diagnostics(out: &mut impl io::Write, file: &Path, parsed: &Parsed) -> io::Result<()> {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colour = if !plain && io::stdout().is_terminal() {
        Colour::Ansi
    } else {
        Colour::Plain
    };
    for diagnostic in &parsed.diagnostics {
        let name = file.display().to_string();
        writeln!(
            out,
            "{}",
            markdown::render_diagnostic(&name, &parsed.checklist.source, diagnostic, colour)
        )?;
    }
    Ok(())
}
