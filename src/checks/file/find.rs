//! Files by a path or a glob.
//!
//! A glob is walked part by part, so that no directory is opened that cannot hold a match. How many entries that
//! may be is bounded.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use jiff::Timestamp;

use crate::checks::blocking::{Ended, Until};
use crate::checks::readable::{self, Presence, Scope, Unreadable};

/// A glob, taken apart.
#[derive(Debug)]
pub(super) struct Pattern {
    /// What stands before the first part with a wildcard.
    root: PathBuf,
    parts: Vec<Part>,
    exclude: Vec<Exclude>,
}

#[derive(Debug)]
enum Part {
    Name(String),
    Wild {
        matcher: GlobMatcher,
        hidden: Hidden,
    },
    /// `**`: any number of directories.
    AnyDepth,
}

/// Whether names that begin with a dot are meant: only where the glob has the dot, as in a shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hidden {
    Meant,
    LeftOut,
}

#[derive(Debug)]
enum Exclude {
    Name(GlobMatcher),
    Path(GlobMatcher),
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// Its path, as the check would have written it.
    pub(super) path: PathBuf,
    /// What it is, when it is no regular file.
    pub(super) kind: Option<&'static str>,
    /// In bytes.
    pub(super) size: u64,
    /// When it was last modified, where the file system says so.
    pub(super) modified: Option<Timestamp>,
}

/// What there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) count: u64,
    /// The one that was modified last; of several, the last by name.
    pub(super) newest: Option<Match>,
    /// How many would have matched and are not for checks to see.
    pub(super) out_of_bounds: u64,
}

/// Why the search came to no end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Ended,
    TooMany,
    Unreadable(Unreadable),
}

impl From<Ended> for Trouble {
    fn from(_: Ended) -> Self {
        Self::Ended
    }
}

impl From<Unreadable> for Trouble {
    fn from(unreadable: Unreadable) -> Self {
        Self::Unreadable(unreadable)
    }
}

/// Whether a path is a glob by its looks.
pub(super) fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '[', '{'])
}

impl Match {
    fn of(path: &Path, metadata: &std::fs::Metadata) -> Self {
        Self {
            path: path.to_owned(),
            kind: readable::kind(metadata),
            size: metadata.len(),
            modified: metadata
                .modified()
                .ok()
                .and_then(|time| Timestamp::try_from(time).ok()),
        }
    }
}

impl Tally {
    fn add(&mut self, found: Match) {
        self.count += 1;
        let newer = |known: &Match| (known.modified, &known.path) < (found.modified, &found.path);
        if self.newest.as_ref().is_none_or(newer) {
            self.newest = Some(found);
        }
    }
}

/// What stands at a path.
pub(super) fn one(scope: &Scope, path: &Path) -> Result<Tally, Trouble> {
    let mut tally = Tally::default();
    let place = scope.place(path)?;
    if place.presence == Presence::There {
        let metadata = std::fs::metadata(&place.path).map_err(|fault| Unreadable::of(path, &fault))?;
        if scope.is_secret(&metadata) {
            return Err(Unreadable::Secret(path.display().to_string()).into());
        }
        tally.add(Match::of(path, &metadata));
    }
    Ok(tally)
}

impl Pattern {
    /// Takes a glob apart; else a sentence says what is wrong with it.
    pub(super) fn parse(path: &str, exclude: &[String]) -> Result<Self, String> {
        let mut root = PathBuf::new();
        if path.starts_with('/') {
            root.push("/");
        }
        let mut parts = Vec::new();
        let mut depths = 0;
        let written: Vec<&str> = path
            .split('/')
            .filter(|part| !matches!(*part, "" | "."))
            .collect();
        for (at, part) in written.iter().enumerate() {
            if *part == "**" {
                depths += 1;
                parts.push(Part::AnyDepth);
                if at + 1 == written.len() {
                    parts.push(wild("*")?);
                }
            } else if is_glob(part) {
                parts.push(wild(part)?);
            } else if parts.is_empty() {
                root.push(part);
            } else {
                parts.push(Part::Name((*part).to_owned()));
            }
        }
        if depths > 1 {
            return Err("`**` stands twice in `path`; once is enough for any depth".to_owned());
        }
        let exclude = exclude
            .iter()
            .map(|glob| {
                let matcher = matcher(glob)?;
                Ok(if glob.contains('/') {
                    Exclude::Path(matcher)
                } else {
                    Exclude::Name(matcher)
                })
            })
            .collect::<Result<_, String>>()?;
        if root.as_os_str().is_empty() {
            root.push(".");
        }
        Ok(Self { root, parts, exclude })
    }

    /// Looks for regular files, at so many entries of directories at most. Symbolic links count for what they lead to, and `**` does not go through them.
    pub(super) fn find(&self, scope: &Scope, until: &Until, most_entries: usize) -> Result<Tally, Trouble> {
        let mut tally = Tally::default();
        let mut entries = 0;
        // What is outside is told even where nothing is there.
        scope.place(&self.root)?;
        let mut open = vec![(self.root.clone(), 0)];
        while let Some((directory, at)) = open.pop() {
            until.go_on()?;
            let (Some(part), last) = (self.parts.get(at), at + 1 == self.parts.len()) else {
                continue;
            };
            if let Part::Name(name) = part {
                let path = joined(&directory, name);
                if last {
                    self.candidate(scope, &path, &mut tally)?;
                } else {
                    open.push((path, at + 1));
                }
                continue;
            }
            if *part == Part::AnyDepth {
                open.push((directory.clone(), at + 1));
            }
            for entry in read(scope, &directory)? {
                until.go_on()?;
                entries += 1;
                if entries > most_entries {
                    return Err(Trouble::TooMany);
                }
                let entry = entry.map_err(|fault| Unreadable::of(&directory, &fault))?;
                let name = entry.file_name();
                let is_hidden = name.as_encoded_bytes().starts_with(b".");
                let path = joined(&directory, &name);
                match part {
                    Part::AnyDepth => {
                        if !is_hidden && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                            open.push((path, at));
                        }
                    }
                    Part::Wild { matcher, hidden } => {
                        if (is_hidden && *hidden == Hidden::LeftOut) || !matcher.is_match(&name) {
                            continue;
                        }
                        if last {
                            self.candidate(scope, &path, &mut tally)?;
                        } else if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
                            open.push((path, at + 1));
                        }
                    }
                    Part::Name(_) => {}
                }
            }
        }
        Ok(tally)
    }

    fn candidate(&self, scope: &Scope, path: &Path, tally: &mut Tally) -> Result<(), Trouble> {
        let name = path.file_name().unwrap_or_default();
        let excluded = self.exclude.iter().any(|exclude| match exclude {
            Exclude::Name(matcher) => matcher.is_match(name),
            Exclude::Path(matcher) => matcher.is_match(path),
        });
        if excluded {
            return Ok(());
        }
        let place = match scope.place(path) {
            Ok(place) if place.presence == Presence::There => place,
            // A link that leads nowhere, or a file that has just gone.
            Ok(_) | Err(Unreadable::NotThere(_)) => return Ok(()),
            Err(Unreadable::Outside(_) | Unreadable::OfTheSystem(_)) => {
                tally.out_of_bounds += 1;
                return Ok(());
            }
            Err(fault) => return Err(fault.into()),
        };
        match std::fs::metadata(&place.path) {
            Ok(metadata) if scope.is_secret(&metadata) => tally.out_of_bounds += 1,
            Ok(metadata) if metadata.is_file() => tally.add(Match::of(path, &metadata)),
            Ok(_) => {}
            Err(fault) => match Unreadable::of(path, &fault) {
                Unreadable::NotThere(_) => {}
                fault => return Err(fault.into()),
            },
        }
        Ok(())
    }
}

impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(one), Self::Name(other)) => one == other,
            (Self::AnyDepth, Self::AnyDepth) => true,
            _ => false,
        }
    }
}

/// The entries of a directory; none of one that is not there, is no directory, or was led to from outside.
fn read(
    scope: &Scope,
    directory: &Path,
) -> Result<impl Iterator<Item = std::io::Result<std::fs::DirEntry>> + use<>, Unreadable> {
    let read = match scope.place(directory) {
        Ok(place) if place.presence == Presence::There => std::fs::read_dir(place.path),
        Ok(_) | Err(Unreadable::NotThere(_) | Unreadable::Outside(_) | Unreadable::OfTheSystem(_)) => {
            return Ok(None.into_iter().flatten());
        }
        Err(fault) => return Err(fault),
    };
    match read {
        Ok(entries) => Ok(Some(entries).into_iter().flatten()),
        Err(fault) => match Unreadable::of(directory, &fault) {
            Unreadable::NotThere(_) => Ok(None.into_iter().flatten()),
            fault => Err(fault),
        },
    }
}

/// Without the `./` that the working directory has in front.
fn joined(directory: &Path, name: impl AsRef<Path>) -> PathBuf {
    if directory == Path::new(".") {
        name.as_ref().to_owned()
    } else {
        directory.join(name)
    }
}

fn wild(part: &str) -> Result<Part, String> {
    Ok(Part::Wild {
        matcher: matcher(part)?,
        hidden: if part.starts_with('.') {
            Hidden::Meant
        } else {
            Hidden::LeftOut
        },
    })
}

fn matcher(glob: &str) -> Result<GlobMatcher, String> {
    GlobBuilder::new(glob)
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| {
            format!(
                "{glob:?} is not a glob: {}; a `/` cannot stand between brackets or braces, and a bracket in a name is written `\\[`",
                error.kind()
            )
        })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::checks::readable::Readable;

    fn tree(files: usize) -> (tempfile::TempDir, Scope) {
        let directory = tempfile::tempdir().expect("a directory");
        for name in 0..files {
            std::fs::write(directory.path().join(name.to_string()), "").expect("a file");
        }
        let scope = Readable::new(&[directory.path().to_owned()], &[]).scope();
        (directory, scope)
    }

    fn found(directory: &Path, scope: &Scope, glob: &str, most: usize) -> Result<u64, Trouble> {
        let path = directory.join(glob).display().to_string();
        let pattern = Pattern::parse(&path, &[]).expect("a glob");
        Ok(pattern.find(scope, &Until::never(), most)?.count)
    }

    #[test]
    fn no_more_entries_are_looked_at_than_allowed() {
        let (directory, scope) = tree(10);
        for glob in ["*", "**", "[0-9]", "**/?"] {
            assert_eq!(found(directory.path(), &scope, glob, 20), Ok(10), "{glob}");
            assert_eq!(
                found(directory.path(), &scope, glob, 9),
                Err(Trouble::TooMany),
                "{glob}"
            );
        }
        // What cannot match is counted as well: it is the looking that takes time.
        assert_eq!(found(directory.path(), &scope, "x*", 9), Err(Trouble::TooMany));
    }

    #[test]
    fn links_that_lead_round_come_to_an_end() {
        let (directory, scope) = tree(2);
        for name in ["a", "b"] {
            symlink(directory.path(), directory.path().join(name)).expect("a link");
        }
        assert_eq!(found(directory.path(), &scope, "**", 1000), Ok(2));
        assert_eq!(found(directory.path(), &scope, "*/*/*/0", 1000), Ok(8));
        assert_eq!(found(directory.path(), &scope, "a/**", 1000), Ok(2));
    }

    #[test]
    fn a_name_with_a_bracket_is_written_with_a_stroke() {
        let (directory, scope) = tree(0);
        std::fs::write(directory.path().join("[id].tsx"), "").expect("a file");
        assert_eq!(found(directory.path(), &scope, "\\[id\\].*", 1000), Ok(1));
        assert_eq!(found(directory.path(), &scope, "[id].*", 1000), Ok(0));
    }
}
