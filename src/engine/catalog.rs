//! The checklists that can be started: a directory of Markdown files, read at start-up and again on request.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::checks::Checks;
use crate::domain::checklist::Checklist;
use crate::domain::ids::{ChecklistHash, ChecklistName};
use crate::markdown::{self, Diagnostic, Severity};

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
    /// Everything read so far, so that deployments of earlier versions share what was parsed.
    by_hash: RwLock<HashMap<ChecklistHash, Arc<Checklist>>>,
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
                Err(why) => report.broken.push((file, why)),
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
            .cloned()
    }

    /// Reads bytes as a checklist, once.
    pub(crate) fn read(&self, name: &ChecklistName, bytes: &[u8]) -> Arc<Checklist> {
        self.keep(Arc::new(markdown::parse(name, bytes).checklist))
    }

    fn keep(&self, checklist: Arc<Checklist>) -> Arc<Checklist> {
        let mut known = self.inner.by_hash.write().unwrap_or_else(PoisonError::into_inner);
        // The same bytes under another name are another checklist to its readers.
        match known.get(&checklist.hash) {
            Some(same) if same.name == checklist.name => Arc::clone(same),
            Some(_) | None => {
                known.insert(checklist.hash.clone(), Arc::clone(&checklist));
                checklist
            }
        }
    }

    fn files(&self, report: &mut CatalogReport) -> Vec<PathBuf> {
        let directory = &self.inner.directory;
        let listing = match std::fs::read_dir(directory) {
            Ok(listing) => listing,
            Err(error) => {
                report.broken.push((
                    directory.clone(),
                    format!("the directory cannot be read: {error}; create it or set `checklists.directory`"),
                ));
                return Vec::new();
            }
        };
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
        files
    }

    fn read_file(&self, file: &Path) -> Result<CatalogEntry, String> {
        let size = std::fs::metadata(file)
            .map_err(|error| format!("it cannot be read: {error}"))?
            .len();
        if size > LARGEST_FILE {
            return Err(format!(
                "it has {size} bytes, and a checklist has at most {LARGEST_FILE}; split it"
            ));
        }
        let bytes = std::fs::read(file).map_err(|error| format!("it cannot be read: {error}"))?;
        let stem = file
            .file_stem()
            .map(|stem| stem.to_string_lossy())
            .unwrap_or_default();
        let name = ChecklistName::new(stem);
        let parsed = markdown::parse(&name, &bytes);
        if parsed.checklist.items.is_empty() && !parsed.has_errors() {
            return Err("it has no task items; write some as `- [ ] …`".to_owned());
        }
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

/// What is wrong with the checks of a checklist, as far as it can be told without running them.
pub fn problems_of(checklist: &Checklist) -> Vec<Diagnostic> {
    checklist
        .checks
        .values()
        .flat_map(|check| Checks::problems(check, &checklist.variables))
        .map(|problem| Diagnostic {
            severity: Severity::Error,
            message: problem.message,
            line: problem.line,
            column: problem.column,
            help: None,
        })
        .collect()
}
