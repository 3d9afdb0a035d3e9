//! What is measured on.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use holdpoint::domain::checklist::Checklist;
use holdpoint::domain::deployment::Deployment;
use holdpoint::domain::ids::{ChecklistName, ItemId};
use holdpoint::markdown;

/// How many items the deployments of the figures have.
pub(crate) const ITEMS: usize = 200;
/// What the generated checklist is called.
pub(crate) const NAME: &str = "two-hundred";

const SECTIONS: usize = 10;
/// Every so many items, one has two nested in it.
const NESTING: usize = 10;

/// A checklist of that many items, in ten sections, with nested items, sign-offs and a gate before the last section.
pub(crate) fn markdown_of(items: usize) -> String {
    let mut text = String::from(
        "---\n\
         title: A release of two hundred steps\n\
         sign-offs:\n  tech-lead: { role: Tech Lead }\n  qa-lead: { role: QA Lead }\n\
         gates:\n  Release: { needs: [items, checks, tech-lead, qa-lead, go] }\n\
         ---\n\n# A release of two hundred steps\n",
    );
    let each = items.div_ceil(SECTIONS);
    for number in 0..items {
        if number % each == 0 {
            let section = number / each + 1;
            let heading = if section == SECTIONS {
                "Release".to_owned()
            } else {
                format!("Part {section}")
            };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "\n## {heading}\n");
        }
        let indent = if matches!(number % each % NESTING, 1 | 2) {
            "  "
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "{indent}- [ ] Step {number}: **confirm** that `service-{number}` answers, and note the [result](https://example.com/{number})"
        );
    }
    text
}

/// The same, read.
pub(crate) fn checklist() -> Result<(Arc<Checklist>, Vec<u8>)> {
    let bytes = markdown_of(ITEMS).into_bytes();
    let parsed = markdown::parse(&ChecklistName::new(NAME), &bytes);
    ensure!(
        !parsed.has_errors(),
        "the generated checklist is wrong: {:?}",
        parsed.diagnostics
    );
    ensure!(
        parsed.checklist.items.len() == ITEMS,
        "the generated checklist has not {ITEMS} items"
    );
    Ok((Arc::new(parsed.checklist), bytes))
}

/// The items that a person can tick, in the order of the document.
pub(crate) fn tickable(deployment: &Deployment) -> Vec<ItemId> {
    deployment
        .next_items()
        .filter_map(|index| deployment.checklist.items.get(index))
        .map(|item| item.id.clone())
        .collect()
}

/// Five real checklists: the ones that the design was made from where they are at hand, else the shipped ones.
pub(crate) fn five_documents() -> Result<Vec<String>> {
    let root = root();
    let seeds = files(&root.join("../shared/seeds"), "txt").unwrap_or_default();
    let files = if seeds.len() == 5 {
        seeds
    } else {
        files(&root.join("checklists"), "md")?
    };
    files
        .iter()
        .filter(|file| file.file_stem().is_none_or(|stem| stem != "README"))
        .map(|file| {
            let bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
            Ok(markdown_alone(&String::from_utf8_lossy(&bytes)))
        })
        .collect()
}

/// A document without its front matter, which the floor's reader does not know.
fn markdown_alone(document: &str) -> String {
    let rest = document
        .strip_prefix("---\n")
        .and_then(|front_matter| front_matter.split_once("\n---\n"));
    rest.map_or(document, |(_, rest)| rest).to_owned()
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files of a directory that end so, by name.
pub(crate) fn files(directory: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let listing =
        std::fs::read_dir(directory).with_context(|| format!("{} cannot be read", directory.display()))?;
    let mut files: Vec<PathBuf> = listing
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == ending))
        .collect();
    files.sort();
    Ok(files)
}
