//! The Markdown reader against real checklists, where they lie beside the checkout.
//!
//! They are read from `../shared` or from the directory that `HOLDPOINT_SHARED` names; the tests that need them say
//! so and pass where they are not there, since they are other people's documents and no part of this repository.
#![expect(
    clippy::print_stderr,
    clippy::expect_used,
    reason = "a test that is skipped says why, and broken reference data is a failure"
)]

use std::fs;
use std::path::PathBuf;

use holdpoint::domain::ids::ChecklistName;
use holdpoint::markdown::{self, Filling, Parsed, Severity};
use serde_json::Value;

fn shared() -> Option<PathBuf> {
    let directory = std::env::var_os("HOLDPOINT_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    if directory.join("corpus/truth.jsonl").is_file() {
        return Some(directory);
    }
    eprintln!(
        "skipped: there is no corpus of checklists at {}",
        directory.display()
    );
    None
}

fn parse(bytes: &[u8]) -> Parsed {
    markdown::parse(&ChecklistName::new("checklist"), bytes)
}

/// Text that was UTF-8, was read as Mac Roman and saved again, as it was before. Only for the reference data, which
/// keeps the broken words of the one document of that kind.
fn as_repaired(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let (bytes, _, unmappable) = encoding_rs::MACINTOSH.encode(text);
    if unmappable {
        return text.to_owned();
    }
    String::from_utf8(bytes.into_owned()).unwrap_or_else(|_| text.to_owned())
}

#[test]
fn agrees_item_for_item_with_the_reference() {
    let Some(shared) = shared() else { return };
    let truth = fs::read_to_string(shared.join("corpus/truth.jsonl")).expect("the reference is readable");
    let mut differences = Vec::new();
    let mut files = 0;
    let mut count = 0;
    for record in truth.lines() {
        let record: Value = serde_json::from_str(record).expect("a line of the reference is JSON");
        let file = record["file"]
            .as_str()
            .expect("a record names its file")
            .to_owned();
        let bytes =
            fs::read(shared.join("corpus/files").join(&file)).expect("a file of the corpus is readable");
        let parsed = parse(&bytes);
        // The reference was made from the broken text of this one; ours is repaired.
        let was_broken = file == "904.md";
        let wanted = |value: &Value| {
            let text = value.as_str().unwrap_or_default();
            if was_broken {
                as_repaired(text)
            } else {
                text.to_owned()
            }
        };
        let items = record["items"].as_array().expect("a record has items");
        if items.len() != parsed.checklist.items.len() {
            differences.push(format!(
                "{file}: {} items instead of {}",
                parsed.checklist.items.len(),
                items.len()
            ));
        }
        for (truth, item) in items.iter().zip(&parsed.checklist.items) {
            let headings: Vec<String> = truth["headings"]
                .as_array()
                .expect("an item has headings")
                .iter()
                .map(&wanted)
                .collect();
            let wanted = (
                truth["line"].as_u64().and_then(|line| usize::try_from(line).ok()),
                truth["checked"].as_bool(),
                truth["taskDepth"]
                    .as_u64()
                    .and_then(|depth| usize::try_from(depth).ok()),
                wanted(&truth["text"]),
                headings,
                truth["ordered"].as_bool(),
            );
            let found = (
                Some(item.line),
                Some(item.checked),
                Some(item.depth),
                item.text.clone(),
                parsed
                    .checklist
                    .headings(item)
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
                Some(item.ordered),
            );
            if wanted != found {
                differences.push(format!("{file}:\n  wanted {wanted:?}\n  found  {found:?}"));
            }
            count += 1;
        }
        files += 1;
    }
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
    assert_eq!((files, count), (43, 2683));
}

#[test]
fn finds_every_item_of_the_five_sources_and_repairs_them() {
    let Some(shared) = shared() else { return };
    let mut found = Vec::new();
    for file in sources(&shared) {
        let parsed = parse(&fs::read(&file).expect("a source is readable"));
        let errors: Vec<_> = parsed
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity != Severity::Note)
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}", file.display());
        for broken in ["â", "ð", "‚", "√", "ü", "\u{f8ff}", "\u{fffd}"] {
            assert!(
                !parsed.checklist.source.contains(broken),
                "{} has {broken}",
                file.display()
            );
        }
        let ids: std::collections::HashSet<_> = parsed.checklist.items.iter().map(|item| &item.id).collect();
        assert_eq!(ids.len(), parsed.checklist.items.len(), "ids are unique");
        found.push(parsed.checklist.items.len());
    }
    assert_eq!(found, [156, 167, 201, 170, 50]);
}

#[test]
fn finds_the_blanks_of_the_first_source_and_names_each_differently() {
    let Some(shared) = shared() else { return };
    let file = sources(&shared).remove(0);
    let checklist = parse(&fs::read(&file).expect("a source is readable")).checklist;
    let ids: std::collections::HashSet<_> = checklist.blanks.iter().map(|blank| &blank.id).collect();
    let outside = checklist.blanks.iter().filter(|blank| blank.item.is_none());
    assert_eq!((checklist.blanks.len(), ids.len(), outside.count()), (15, 15, 3));
    let dates = checklist
        .blanks
        .iter()
        .filter(|blank| blank.id.as_str().ends_with("/date"));
    assert_eq!(dates.count(), 5);
}

#[test]
fn exporting_nothing_gives_every_document_back() {
    let Some(shared) = shared() else { return };
    let mut files: Vec<PathBuf> = fs::read_dir(shared.join("corpus/files"))
        .expect("the corpus is readable")
        .map(|entry| entry.expect("an entry is readable").path())
        .collect();
    files.extend(sources(&shared));
    assert_eq!(files.len(), 48);
    for file in files {
        let bytes = fs::read(&file).expect("a document is readable");
        let parsed = parse(&bytes);
        let exported = markdown::export(&parsed.checklist, &Filling::default());
        assert_eq!(exported, parsed.checklist.source, "{}", file.display());
        if parsed
            .diagnostics
            .iter()
            .all(|diagnostic| !diagnostic.message.contains("repaired"))
        {
            assert_eq!(exported.as_bytes(), bytes, "{}", file.display());
        }
        let again = parse(exported.as_bytes());
        assert_eq!(
            again.checklist.items,
            parsed.checklist.items,
            "{}",
            file.display()
        );
    }
}

fn sources(shared: &std::path::Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(shared.join("seeds"))
        .expect("the sources are readable")
        .map(|entry| entry.expect("an entry is readable").path())
        .collect();
    files.sort();
    files
}
