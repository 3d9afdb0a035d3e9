//! The checklists that can be started: a directory of Markdown files, read at start-up and again on request, and in each
//! Discord server those that were imported there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use jiff::Timestamp;

use crate::checks::{Checks, Trust};
use crate::domain::checklist::Checklist;
use crate::domain::ids::{ChecklistHash, ChecklistName, GuildId, UserId};
use crate::markdown::{self, Diagnostic, Parsed, Severity};

/// The largest file that is read as a checklist, in bytes. A list of 1,500 items has some 100 KB.
pub const LARGEST_FILE: u64 = 2 * 1024 * 1024;

/// The checklists that can be started. Cheap to clone.
#[derive(Clone)]
pub struct Catalog {
    inner: Arc<Inner>,
}

struct Inner {
    directory: PathBuf,
    entries: RwLock<BTreeMap<ChecklistName, Arc<CatalogEntry>>>,
    imported: RwLock<Imported>,
    /// What was read and is still held by an entry or a deployment, so that they share what was parsed.
    by_hash: RwLock<HashMap<ChecklistHash, Weak<Checklist>>>,
}

/// What came from chat, and how far it is trusted.
#[derive(Default)]
struct Imported {
    entries: BTreeMap<(GuildId, ChecklistName), Arc<CatalogEntry>>,
    /// All that ever came from chat: a deployment may still go by what has another name by now, or none.
    hashes: HashSet<ChecklistHash>,
    approved: HashSet<ChecklistHash>,
}

/// A checklist of the catalog.
#[derive(Clone, Debug)]
pub struct CatalogEntry {
    /// Where it came from.
    pub origin: Origin,
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

/// Where a checklist came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The operator's directory.
    File(PathBuf),
    /// Chat.
    Imported {
        /// Who brought it.
        by: UserId,
        /// When.
        at: Timestamp,
    },
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
                imported: RwLock::default(),
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

    /// A checklist of the directory by its name, usable or not.
    pub fn entry(&self, name: &str) -> Option<Arc<CatalogEntry>> {
        let entries = self.inner.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(&ChecklistName::new(name)).cloned()
    }

    /// Every checklist of the directory, by name, usable or not.
    pub fn entries(&self) -> Vec<Arc<CatalogEntry>> {
        let entries = self.inner.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.values().cloned().collect()
    }

    /// A checklist by its name in a Discord server, usable or not. The directory's come first.
    pub fn entry_in(&self, guild: GuildId, name: &str) -> Option<Arc<CatalogEntry>> {
        self.entry(name)
            .or_else(|| self.imported_entry(guild, &ChecklistName::new(name)))
    }

    /// Every checklist of a Discord server by name, usable or not: the directory's, and those imported there.
    pub fn entries_in(&self, guild: GuildId) -> Vec<Arc<CatalogEntry>> {
        let mut entries = self.entries();
        let imported = self.imported();
        for ((of, name), entry) in &imported.entries {
            if *of == guild && self.entry(name.as_str()).is_none() {
                entries.push(Arc::clone(entry));
            }
        }
        entries.sort_by(|one, other| one.checklist.name.cmp(&other.checklist.name));
        entries
    }

    /// What a name stands for among those imported into a Discord server.
    pub(super) fn imported_entry(&self, guild: GuildId, name: &ChecklistName) -> Option<Arc<CatalogEntry>> {
        self.imported().entries.get(&(guild, name.clone())).cloned()
    }

    /// How many checklists were imported into a Discord server.
    pub(super) fn imported_into(&self, guild: GuildId) -> usize {
        let imported = self.imported();
        imported.entries.keys().filter(|(of, _)| *of == guild).count()
    }

    /// Takes the operator's word for checklists, whoever brings them.
    pub fn approve(&self, hashes: impl IntoIterator<Item = ChecklistHash>) {
        self.imported_to_change().approved.extend(hashes);
    }

    /// How far a checklist is trusted: what came from chat is not, unless it was approved or the directory has the very
    /// same.
    pub fn trust(&self, hash: &ChecklistHash) -> Trust {
        let imported = self.imported();
        if !imported.hashes.contains(hash) || imported.approved.contains(hash) {
            return Trust::Operator;
        }
        let entries = self.inner.entries.read().unwrap_or_else(PoisonError::into_inner);
        if entries.values().any(|entry| entry.checklist.hash == *hash) {
            Trust::Operator
        } else {
            Trust::Imported
        }
    }

    /// Knows these for imported once, see [`Catalog::trust`].
    pub(super) fn know_imported(&self, hashes: impl IntoIterator<Item = ChecklistHash>) {
        self.imported_to_change().hashes.extend(hashes);
    }

    /// Takes in a checklist from chat, in place of the one that had its name there.
    pub(super) fn take_in(&self, guild: GuildId, entry: CatalogEntry) -> Arc<CatalogEntry> {
        let entry = Arc::new(entry);
        let checklist = &entry.checklist;
        let mut imported = self.imported_to_change();
        imported.hashes.insert(checklist.hash.clone());
        imported
            .entries
            .insert((guild, checklist.name.clone()), Arc::clone(&entry));
        entry
    }

    /// Gives up the name of a checklist from chat.
    pub(super) fn let_go(&self, guild: GuildId, name: &ChecklistName) {
        self.imported_to_change().entries.remove(&(guild, name.clone()));
    }

    fn imported(&self) -> RwLockReadGuard<'_, Imported> {
        self.inner.imported.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn imported_to_change(&self) -> RwLockWriteGuard<'_, Imported> {
        self.inner
            .imported
            .write()
            .unwrap_or_else(PoisonError::into_inner)
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
        Ok(self.entry_of(Origin::File(file.to_owned()), read_checklist(file)?))
    }

    /// What was read, as it stands in the catalog.
    pub(super) fn entry_of(&self, origin: Origin, read: ChecklistFile) -> CatalogEntry {
        CatalogEntry {
            origin,
            diagnostics: read.problems(),
            checklist: self.keep(Arc::new(read.parsed.checklist)),
            bytes: read.bytes.into(),
        }
    }
}

impl ChecklistFile {
    /// Reads bytes as a checklist.
    ///
    /// # Errors
    /// When there is no text to read; what is wrong with a text is among its diagnostics.
    pub fn of(name: &ChecklistName, bytes: Vec<u8>) -> Result<Self, UnreadChecklist> {
        if bytes.len() as u64 > LARGEST_FILE {
            return Err(UnreadChecklist::TooLarge);
        }
        let parsed = markdown::parse(name, &bytes);
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
        Ok(Self { bytes, parsed })
    }

    /// All that is wrong with it, by line.
    pub fn problems(&self) -> Vec<Diagnostic> {
        let mut diagnostics = self.parsed.diagnostics.clone();
        diagnostics.extend(problems_of(&self.parsed.checklist));
        diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
        diagnostics
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
    let stem = file
        .file_stem()
        .map(|stem| stem.to_string_lossy())
        .unwrap_or_default();
    ChecklistFile::of(&ChecklistName::new(stem), bytes)
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
