//! Which files checks may read, and how they are opened.
//!
//! A path is followed to where it leads before it is held against the directories, so that no symbolic link leads
//! out of them. Only regular files are opened, and never in a way that waits: opening a FIFO or a device can hang, or
//! do something.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;

use super::blocking;
use super::probe::{Hindrance, Run};

/// Where the kernel shows itself as files, the bot's own environment among them.
const NEVER: [&str; 3] = ["/proc", "/sys", "/dev"];

/// What SQLite puts beside a database, by what is added to its name: the journals hold what the database holds.
const BESIDE_A_DATABASE: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// What may be read, as configured. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Readable {
    directories: Arc<[PathBuf]>,
    secret: Arc<[PathBuf]>,
}

/// What may be read as the file system is now.
#[derive(Debug)]
pub(super) struct Scope {
    directories: Vec<PathBuf>,
    /// Device and number of each file that is never read, whatever its name.
    secret: Vec<(u64, u64)>,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Without symbolic links as far as it is there.
    pub(super) path: PathBuf,
    /// Whether something is there.
    pub(super) presence: Presence,
}

/// Whether something stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    There,
    NotThere,
}

/// Why a file is not read. Reads as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error(
        "the file {0} is not there; create it, or mend its path (it is relative to the bot's working directory)"
    )]
    NotThere(String),
    #[error(
        "{0} lies outside of the directories that checks may read; the operator can add its directory to checks.files.readable"
    )]
    Outside(String),
    #[error("{0} is a part of the system and no file that checks read; name another")]
    OfTheSystem(String),
    #[error("{0} holds what Holdpoint alone may see, and no check reads it; name another file")]
    Secret(String),
    #[error("{path} is {what}, not a file that can be read; name a file")]
    NotAFile { path: String, what: &'static str },
    #[error("{0} may not be read by the bot; change its permissions")]
    Forbidden(String),
    #[error("{0} was replaced while it was opened; run the check again")]
    Replaced(String),
    #[error("{path} cannot be read: {fault}; mend its path or its file system")]
    Faulty { path: String, fault: String },
}

impl Unreadable {
    /// What the operating system said of a path, as it is written.
    pub(super) fn of(written: &Path, fault: &io::Error) -> Self {
        let path = written.display().to_string();
        match fault.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NotThere(path),
            io::ErrorKind::PermissionDenied => Self::Forbidden(path),
            _ => Self::Faulty {
                path,
                fault: fault.to_string(),
            },
        }
    }
}

impl Readable {
    /// These directories with all below them, relative ones from the working directory, but for the secret files.
    pub(super) fn new(directories: &[PathBuf], secret: &[PathBuf]) -> Self {
        Self {
            directories: directories.into(),
            secret: secret.into(),
        }
    }

    /// The same as the file system is now. Blocks.
    pub(super) fn scope(&self) -> Scope {
        let beside = |path: &PathBuf| {
            BESIDE_A_DATABASE.map(|ending| {
                let mut name = path.clone().into_os_string();
                name.push(ending);
                name
            })
        };
        Scope {
            directories: self
                .directories
                .iter()
                .filter_map(|directory| Some(place(directory).ok()?.path))
                .collect(),
            secret: self
                .secret
                .iter()
                .flat_map(beside)
                .filter_map(|path| Some(identity(&std::fs::metadata(path).ok()?)))
                .collect(),
        }
    }
}

impl Scope {
    /// Where a path leads, if that is inside.
    pub(super) fn place(&self, written: &Path) -> Result<Place, Unreadable> {
        let place = place(written).map_err(|fault| Unreadable::of(written, &fault))?;
        let inside = self
            .directories
            .iter()
            .any(|directory| place.path.starts_with(directory));
        if NEVER.iter().any(|never| place.path.starts_with(never)) {
            return Err(Unreadable::OfTheSystem(written.display().to_string()));
        }
        if !inside {
            return Err(Unreadable::Outside(written.display().to_string()));
        }
        Ok(place)
    }

    /// Whether a file is one that no check reads.
    pub(super) fn is_secret(&self, metadata: &Metadata) -> bool {
        self.secret.contains(&identity(metadata))
    }

    /// Opens a regular file.
    pub(super) fn open(&self, written: &Path) -> Result<(File, Metadata), Unreadable> {
        let path = self.place(written)?.path;
        let of = |fault: io::Error| Unreadable::of(written, &fault);
        // The path has no symbolic links any more, unless somebody has put one there since.
        let seen = std::fs::symlink_metadata(&path).map_err(of)?;
        self.must_be_file(written, &seen)?;
        let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(&path)
            .map_err(of)?;
        let metadata = file.metadata().map_err(of)?;
        if identity(&seen) != identity(&metadata) {
            return Err(Unreadable::Replaced(written.display().to_string()));
        }
        Ok((file, metadata))
    }

    fn must_be_file(&self, written: &Path, metadata: &Metadata) -> Result<(), Unreadable> {
        let path = written.display().to_string();
        if self.is_secret(metadata) {
            return Err(Unreadable::Secret(path));
        }
        match kind(metadata) {
            None => Ok(()),
            Some(what) => Err(Unreadable::NotAFile { path, what }),
        }
    }
}

/// A file's bytes, and one more than `most` where there are more.
pub(super) async fn bytes_of(run: &Run<'_>, path: &str, most: usize) -> Result<Vec<u8>, Hindrance> {
    let readable = run.guard.readable()?.clone();
    let written = PathBuf::from(path);
    let reading = blocking::work(
        run,
        || format!("the file {path} could not be read"),
        move |_| {
            let (file, _) = readable.scope().open(&written)?;
            let mut bytes = Vec::new();
            file.take(most as u64 + 1)
                .read_to_end(&mut bytes)
                .map_err(|fault| Unreadable::of(&written, &fault))?;
            Ok(bytes)
        },
    );
    reading
        .await?
        .map_err(|unreadable: Unreadable| Hindrance::new(unreadable.to_string()))
}

/// What something is that is no regular file.
pub(super) fn kind(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("a directory")
    } else if kind.is_fifo() {
        Some("a FIFO")
    } else if kind.is_socket() {
        Some("a socket")
    } else {
        Some("a device")
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Where a path leads. Of one that is not there, the part that is decides where the rest would be.
fn place(written: &Path) -> io::Result<Place> {
    let absent = |fault: &io::Error| {
        matches!(
            fault.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        )
    };
    let not_there = match std::fs::canonicalize(written) {
        Ok(path) => {
            return Ok(Place {
                path,
                presence: Presence::There,
            });
        }
        Err(fault) if absent(&fault) => fault,
        Err(fault) => return Err(fault),
    };
    let absolute = std::path::absolute(written)?;
    let mut rest = absolute.as_path();
    let mut missing = Vec::new();
    while let (Some(above), Some(Component::Normal(name))) = (rest.parent(), rest.components().next_back()) {
        missing.push(name);
        match std::fs::canonicalize(above) {
            Ok(mut path) => {
                path.extend(missing.iter().rev());
                return Ok(Place {
                    path,
                    presence: Presence::NotThere,
                });
            }
            Err(fault) if absent(&fault) => rest = above,
            Err(fault) => return Err(fault),
        }
    }
    // What follows `..` behind something that is not there is nowhere.
    Err(not_there)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("a directory");
        let root = std::fs::canonicalize(directory.path()).expect("its path");
        for below in ["in/deep", "out"] {
            std::fs::create_dir_all(root.join(below)).expect("a directory");
        }
        for name in [
            "in/a",
            "in/deep/b",
            "out/c",
            "in/bot.db",
            "in/bot.db-wal",
            "in/token",
        ] {
            std::fs::write(root.join(name), "x").expect("a file");
        }
        (directory, root)
    }

    fn scope(root: &Path) -> Scope {
        let secret = [root.join("in/bot.db"), root.join("in/token")];
        Readable::new(&[root.join("in")], &secret).scope()
    }

    #[test]
    fn what_is_inside_is_opened_and_nothing_else() {
        let (_directory, root) = tree();
        symlink(root.join("out"), root.join("in/away")).expect("a link");
        symlink(root.join("in/deep"), root.join("out/back")).expect("a link");
        symlink(root.join("in/token"), root.join("in/innocent")).expect("a link");
        std::fs::hard_link(root.join("in/bot.db-wal"), root.join("in/hard")).expect("a link");
        let scope = scope(&root);
        let told = |name: &str| match scope.open(&root.join(name)) {
            Ok(_) => "opened".to_owned(),
            Err(fault) => format!("{fault:?}").replace(&root.display().to_string(), ""),
        };
        for inside in ["in/a", "in/deep/b", "in/deep/../a", "out/back/b"] {
            assert_eq!(told(inside), "opened", "{inside}");
        }
        for outside in ["out/c", "in/../out/c", "in/away/c", "in/away/no/such", "out/no"] {
            assert_eq!(told(outside), format!("Outside(\"/{outside}\")"));
        }
        for secret in ["in/bot.db", "in/bot.db-wal", "in/token", "in/innocent", "in/hard"] {
            assert_eq!(told(secret), format!("Secret(\"/{secret}\")"));
        }
        assert_eq!(told("in/no"), "NotThere(\"/in/no\")");
        assert_eq!(told("in/a/b"), "NotThere(\"/in/a/b\")");
        assert_eq!(told("in/no/../../out/c"), "NotThere(\"/in/no/../../out/c\")");
        assert!(told("in/deep").contains("a directory"));
    }

    #[test]
    fn a_fifo_or_device_is_never_opened() {
        let (_directory, root) = tree();
        rustix::fs::mkfifoat(rustix::fs::CWD, root.join("in/fifo"), rustix::fs::Mode::RWXU).expect("a FIFO");
        assert_eq!(
            scope(&root).open(&root.join("in/fifo")).map(|_| ()).unwrap_err(),
            Unreadable::NotAFile {
                path: root.join("in/fifo").display().to_string(),
                what: "a FIFO"
            }
        );
        let all = Readable::new(&[PathBuf::from("/")], &[]).scope();
        for never in [
            "/dev/null",
            "/proc/self/environ",
            "/proc/thread-self/../../self/environ",
        ] {
            let refused = all.open(Path::new(never)).map(|_| ()).unwrap_err();
            assert_eq!(refused, Unreadable::OfTheSystem(never.to_owned()));
        }
    }

    #[test]
    fn a_directory_that_comes_later_counts_and_one_with_the_same_beginning_does_not() {
        let (_directory, root) = tree();
        let later = Readable::new(&[root.join("later")], &[]);
        assert_eq!(
            later
                .scope()
                .place(&root.join("later/x"))
                .map(|place| place.presence),
            Ok(Presence::NotThere)
        );
        std::fs::create_dir(root.join("later-not")).expect("a directory");
        let beside = root.join("later-not/x");
        assert_eq!(
            later.scope().place(&beside),
            Err(Unreadable::Outside(beside.display().to_string()))
        );
    }
}
