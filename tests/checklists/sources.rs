//! Beside the documents they were written after, where those lie beside the checkout: they are other people's, and no part
//! of this repository. Looked for in `../shared`, or in the directory that `HOLDPOINT_SHARED` names.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::PathBuf;

use holdpoint::domain::checklist::{Checklist, Item};
use holdpoint::domain::ids::ChecklistName;
use holdpoint::markdown;
use regex::Regex;

use super::shipped::{Shipped, shipped};

/// What a checklist leaves out of its source, and why.
const LEFT_OUT: [(&str, &str, &str); 1] = [(
    "staging-crm",
    "variable BACKUP_DIR",
    "a shell variable inside a script that was written afresh; nothing outside the script knows it",
)];

/// Each checklist with its source, repaired; nothing where the sources are not there.
fn pairs() -> Vec<(Shipped, Checklist)> {
    let directory = std::env::var_os("HOLDPOINT_SHARED")
        .map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"),
            PathBuf::from,
        )
        .join("seeds");
    let Ok(listing) = fs::read_dir(&directory) else {
        eprintln!(
            "skipped: there are no source documents at {}",
            directory.display()
        );
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = listing
        .map(|entry| entry.expect("an entry is readable").path())
        .collect();
    files.sort();
    let shipped = shipped();
    assert_eq!(files.len(), shipped.len(), "each checklist has one source");
    shipped
        .into_iter()
        .zip(files)
        .map(|(shipped, file)| {
            let bytes = fs::read(&file).expect("a source is readable");
            (
                shipped,
                markdown::parse(&ChecklistName::new("source"), &bytes).checklist,
            )
        })
        .collect()
}

#[test]
fn the_sections_stand_in_the_same_tree() {
    let tree = |checklist: &Checklist| -> Vec<(u8, Option<usize>)> {
        checklist
            .sections
            .iter()
            .map(|section| (section.level, section.parent))
            .collect()
    };
    for (ours, source) in pairs() {
        assert_eq!(tree(&ours.parsed.checklist), tree(&source), "{}", ours.name);
    }
}

#[test]
fn every_item_has_its_counterpart_in_the_same_place() {
    type Place = (Option<usize>, Option<usize>, usize, bool, bool);
    let place =
        |item: &Item| -> Place { (item.section, item.parent, item.depth, item.ordered, item.checked) };
    for (ours, source) in pairs() {
        let items = &ours.parsed.checklist.items;
        for (mine, theirs) in items.iter().zip(&source.items) {
            assert_eq!(
                place(mine),
                place(theirs),
                "{}: {} {} beside {} {}",
                ours.name,
                mine.id,
                mine.text,
                theirs.id,
                theirs.text
            );
        }
        assert_eq!(items.len(), source.items.len(), "{}", ours.name);
    }
}

#[test]
fn every_blank_waits_to_be_filled_in() {
    for (ours, source) in pairs() {
        let of_item = |checklist: &Checklist, item: Option<usize>| {
            checklist.blanks.iter().filter(|blank| blank.item == item).count()
        };
        for blank in &source.blanks {
            assert!(
                of_item(&ours.parsed.checklist, blank.item) >= of_item(&source, blank.item),
                "{}: {}",
                ours.name,
                blank.id
            );
        }
    }
}

#[test]
fn variables_paths_commands_and_figures_are_carried_over() {
    let mut missing = Vec::new();
    let mut seen = 0;
    for (ours, source) in pairs() {
        let text = &ours.parsed.checklist.source;
        let mine = facts(text);
        for fact in facts(&source.source) {
            seen += 1;
            let carried =
                mine.contains(&fact) || (!fact.starts_with("figure ") && text.contains(fact_text(&fact)));
            let left_out = LEFT_OUT
                .iter()
                .any(|(name, without, _)| *name == ours.name && *without == fact);
            if carried == left_out {
                let what = if carried {
                    "is carried, but listed as left out"
                } else {
                    "is lost"
                };
                missing.push(format!("{}: {fact} {what}", ours.name));
            }
        }
    }
    assert!(missing.is_empty(), "of {seen} facts:\n{}", missing.join("\n"));
}

#[test]
fn no_sentence_is_copied() {
    let mut copied = Vec::new();
    for (ours, source) in pairs() {
        let theirs: HashSet<Vec<String>> = runs_of_eight(&source.source).into_iter().collect();
        for run in runs_of_eight(&ours.parsed.checklist.source) {
            if theirs.contains(&run) {
                copied.push(format!("{}: {}", ours.name, run.join(" ")));
            }
        }
    }
    assert!(copied.is_empty(), "{}", copied.join("\n"));
}

/// Names of variables, paths of URLs and figures with a unit, each with its kind before it.
fn facts(text: &str) -> BTreeSet<String> {
    let variable = Regex::new(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b").expect("a regular expression");
    let url = Regex::new(r#"https?://[^/\s"'`)<>\]]+(/[^\s"'`)<>\]?]+)"#).expect("a regular expression");
    let path = Regex::new(r"`(?:GET |POST )?(/[a-z][^\s`]*)`").expect("a regular expression");
    let quoted = Regex::new(r"`([a-z][a-z0-9]*(?:[_-][a-z0-9]+)+)`").expect("a regular expression");
    let mut facts = BTreeSet::new();
    for found in variable.find_iter(text) {
        facts.insert(format!("variable {}", found.as_str()));
    }
    for found in url.captures_iter(text).chain(path.captures_iter(text)) {
        facts.insert(format!("path {}", found[1].trim_end_matches(['.', ',', '/'])));
    }
    for found in quoted.captures_iter(text) {
        facts.insert(format!("name {}", &found[1]));
    }
    facts.extend(figures(text));
    facts
}

/// What stands behind the kind.
fn fact_text(fact: &str) -> &str {
    fact.split_once(' ').map_or(fact, |(_, text)| text)
}

/// Numbers with their unit, as `figure 500 ms`.
fn figures(text: &str) -> BTreeSet<String> {
    let figure = Regex::new(
        r"(?i)(\d+(?:[.,]\d+)?)(?:\s*(?:-|–|to)\s*(\d+(?:[.,]\d+)?))?[\s-]?(%|(?:percent|ms|milliseconds?|s|sec|secs|seconds?|m|min|mins|minutes?|h|hrs?|hours?|d|days?|weeks?|months?|years?|kb|mb|gb|requests?|users?|characters?|chars?|bits?|bytes?|attempts?|times?)\b)",
    )
    .expect("a regular expression");
    let mut figures = BTreeSet::new();
    for found in figure.captures_iter(text) {
        let Some(unit) = unit(&found[3]) else { continue };
        for number in [found.get(1), found.get(2)].into_iter().flatten() {
            let before = text[..number.start()].chars().next_back().unwrap_or(' ');
            if !(before.is_alphanumeric() || before == '_' || before == '.') {
                figures.insert(format!("figure {} {unit}", number.as_str()));
            }
        }
    }
    figures
}

/// One spelling for each unit.
fn unit(written: &str) -> Option<&'static str> {
    Some(match written.to_lowercase().as_str() {
        "%" | "percent" => "%",
        "ms" | "millisecond" | "milliseconds" => "ms",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" => "min",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "d",
        "week" | "weeks" => "weeks",
        "month" | "months" => "months",
        "year" | "years" => "years",
        "kb" => "KB",
        "mb" => "MB",
        "gb" => "GB",
        "request" | "requests" => "requests",
        "user" | "users" => "users",
        "char" | "chars" | "character" | "characters" => "characters",
        "attempt" | "attempts" | "time" | "times" => "times",
        "bit" | "bits" => "bits",
        "byte" | "bytes" => "bytes",
        _ => return None,
    })
}

/// Every eight words of prose that follow each other in one paragraph or item, commands and other code apart.
fn runs_of_eight(text: &str) -> Vec<Vec<String>> {
    let code = Regex::new(r"`[^`]*`").expect("a regular expression");
    let mut runs = Vec::new();
    let mut paragraph: Vec<String> = Vec::new();
    let mut fenced = false;
    let item = Regex::new(r"^\s*(?:[-*+]|\d+[.)]|#+|>|\|)\s").expect("a regular expression");
    for line in text.lines().chain([""]) {
        let fence = line.trim_start().starts_with("```");
        if fence {
            fenced = !fenced;
        }
        if fence || line.trim().is_empty() || item.is_match(line) {
            runs.extend(paragraph.windows(8).map(<[String]>::to_vec));
            paragraph.clear();
        }
        if !fence && !fenced {
            paragraph.extend(
                code.replace_all(line, " ")
                    .split(|letter: char| !letter.is_alphanumeric())
                    .filter(|word| !word.is_empty())
                    .map(str::to_lowercase),
            );
        }
    }
    runs
}
