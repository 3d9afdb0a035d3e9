//! The checklists that can be started: a directory of Markdown files, read at start-up and again on request.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use crate::checks::Checks;
use crate::domain::checklist::Checklist;
use crate::domain::ids::{ChecklistHash, ChecklistName};
use crate::markdown::{self, Diagnostic, Parsed, Severity};

/// The largest file that is read as a checklist, in bytes. A list of 1,500 items has some 100 KB.
const LARGEST_FILE: u64 = 2 * 1024 * 1024;

/// The checklists that can be started. Cheap to clone.
#[derive(Clone)]
pub struct Catalog {
    inner: Arc<Inner>,
}

struct Inner {
    directory: PathBuf,
    entries: RwLock<BTreeMap<ChecklistName, Arc<CatalogEntry>>>,
    /// What was read and is still held by an entry or a deployment, so that they share what was parsed.
    by_hash: RwLock<HashMap<ChecklistHash, Weak<Checklist>>>,
}

/// A file of the catalog.
#[derive(Clone, Debug)]
pub struct CatalogEntry {
    /// Where it stands.
    pub file: PathBuf,
    /// What was read.
    pub checklist: Arc<Checklist>,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
}

impl CatalogEntry {
    /// The first finding that keeps it from being started.
    pub fn first_error(&self) -> Option<&Diagnostic> {
        self.diagnostics
            .iter()
            .find(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// A Markdown file that was read, whether or not a deployment can start from it.
#[derive(Clone, Debug)]
pub struct ChecklistFile {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What they say, and what the reader found wrong with them.
    pub parsed: Parsed,
}

/// Why a file is not read as a checklist. Each goes on from the file's name, and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum UnreadChecklist {
    /// There is none, or it may not be read.
    #[error("cannot be read ({0}); check the path, and that this user may read it")]
    Unreadable(#[from] io::Error),
    /// It is a directory.
    #[error("is a directory; name a Markdown file in it")]
    Directory,
    /// It is too large.
    #[error("is larger than {LARGEST_FILE} bytes, the most that a checklist may have; split it")]
    TooLarge,
    /// There is nothing in it.
    #[error("is empty; write task items into it, as `- [ ] Make a backup`")]
    Empty,
    /// It is an image, a program or the like.
    #[error("is no text; name a Markdown file")]
    NoText,
}

/// What reading the directory found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatalogReport {
    /// Checklists that can be started.
    pub usable: Vec<ChecklistName>,
    /// Files that cannot, and why, in a sentence each.
    pub broken: Vec<(PathBuf, String)>,
}

impl Catalog {
    /// Reads a directory.
    pub fn load(directory: &Path) -> (Self, CatalogReport) {
        let catalog = Self {
            inner: Arc::new(Inner {
                directory: directory.to_owned(),
                entries: RwLock::default(),
                by_hash: RwLock::default(),
            }),
        };
        let report = catalog.reload();
        (catalog, report)
    }

    /// Reads the directory again. Deployments that run keep to what they were started with.
    pub fn reload(&self) -> CatalogReport {
        let mut report = CatalogReport::default();
        let mut entries = BTreeMap::new();
        for file in self.files(&mut report) {
            match self.read_file(&file) {
                Ok(entry) => {
                    let name = entry.checklist.name.clone();
                    match entry.first_error() {
                        None => report.usable.push(name.clone()),
                        Some(error) => report.broken.push((
                            file,
                            format!("line {}, column {}: {}", error.line, error.column, error.message),
                        )),
                    }
                    entries.insert(name, Arc::new(entry));
                }
                Err(why) => report.broken.push((file, format!("it {why}"))),
            }
        }
        *self.inner.entries.write().unwrap_or_else(PoisonError::into_inner) = entries;
        report
    }

    /// A checklist by its name, usable or not.
    pub fn entry(&self, name: &str) -> Option<Arc<CatalogEntry>> {
        let entries = self.inner.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(&ChecklistName::new(name)).cloned()
    }

    /// Every checklist, by name, usable or not.
    pub fn entries(&self) -> Vec<Arc<CatalogEntry>> {
        let entries = self.inner.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.values().cloned().collect()
    }

    /// Where the files are looked for.
    pub fn directory(&self) -> &Path {
        &self.inner.directory
    }

    /// What was read from these bytes before.
    pub(crate) fn by_hash(&self, hash: &ChecklistHash) -> Option<Arc<Checklist>> {
        self.inner
            .by_hash
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(hash)
            .and_then(Weak::upgrade)
    }

    /// Reads bytes as a checklist, once.
    pub(crate) fn read(&self, name: &ChecklistName, bytes: &[u8]) -> Arc<Checklist> {
        self.keep(Arc::new(markdown::parse(name, bytes).checklist))
    }

    fn keep(&self, checklist: Arc<Checklist>) -> Arc<Checklist> {
        let mut known = self.inner.by_hash.write().unwrap_or_else(PoisonError::into_inner);
        // The same bytes under another name are another checklist to its readers.
        match known.get(&checklist.hash).and_then(Weak::upgrade) {
            Some(same) if same.name == checklist.name => same,
            Some(_) | None => {
                known.retain(|_, held| held.strong_count() > 0);
                known.insert(checklist.hash.clone(), Arc::downgrade(&checklist));
                checklist
            }
        }
    }

    fn files(&self, report: &mut CatalogReport) -> Vec<PathBuf> {
        let directory = &self.inner.directory;
        checklist_files(directory).unwrap_or_else(|error| {
            report.broken.push((
                directory.clone(),
                format!("the directory cannot be read: {error}; create it or set `checklists.directory`"),
            ));
            Vec::new()
        })
    }

    fn read_file(&self, file: &Path) -> Result<CatalogEntry, UnreadChecklist> {
        let ChecklistFile { bytes, parsed } = read_checklist(file)?;
        let mut diagnostics = parsed.diagnostics;
        diagnostics.extend(problems_of(&parsed.checklist));
        diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
        Ok(CatalogEntry {
            file: file.to_owned(),
            checklist: self.keep(Arc::new(parsed.checklist)),
            bytes: bytes.into(),
            diagnostics,
        })
    }
}

/// The checklists of a directory by their names: every Markdown file but a README.
///
/// # Errors
/// When the directory cannot be read.
pub fn checklist_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let has_ending = |path: &PathBuf| {
        path.extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("md"))
    };
    let is_readme = |path: &PathBuf| {
        path.file_stem()
            .is_some_and(|stem| stem.eq_ignore_ascii_case("readme"))
    };
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| has_ending(path) && !is_readme(path))
        .collect();
    files.sort();
    Ok(files)
}

/// Reads a file as a checklist, named after it.
///
/// # Errors
/// When there is no text to read; what is wrong with a text is among its diagnostics.
pub fn read_checklist(file: &Path) -> Result<ChecklistFile, UnreadChecklist> {
    let opened = File::open(file)?;
    if opened.metadata()?.is_dir() {
        return Err(UnreadChecklist::Directory);
    }
    let mut bytes = Vec::new();
    // A pipe does not say how much is in it.
    opened.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(UnreadChecklist::TooLarge);
    }
    let stem = file
        .file_stem()
        .map(|stem| stem.to_string_lossy())
        .unwrap_or_default();
    let parsed = markdown::parse(&ChecklistName::new(stem), &bytes);
    let checklist = &parsed.checklist;
    if checklist.items.is_empty() {
        let text = checklist.source.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Err(UnreadChecklist::Empty);
        }
        // Text has none, in whatever encoding; `source` is what was decoded.
        if text.contains('\0') {
            return Err(UnreadChecklist::NoText);
        }
    }
    Ok(ChecklistFile { bytes, parsed })
}

/// What else keeps a deployment from starting from a checklist: it has no items, or its checks are wrong as far as can be
/// told without running them.
pub fn problems_of(checklist: &Checklist) -> Vec<Diagnostic> {
    let no_items = checklist.items.is_empty().then(|| Diagnostic {
        severity: Severity::Error,
        message: "The file has no task items, so there is nothing to go through.".to_owned(),
        line: 1,
        column: 1,
        help: Some("Write some, as `- [ ] Make a backup`.".to_owned()),
    });
    let wrong_checks = checklist
        .checks
        .values()
        .flat_map(|check| Checks::problems(check, &checklist.variables))
        .chain(Checks::problems_between(&checklist.checks))
        .map(|problem| Diagnostic {
            severity: Severity::Error,
            message: problem.message,
            line: problem.line,
            column: problem.column,
            help: None,
        });
    no_items.into_iter().chain(wrong_checks).collect()
}
