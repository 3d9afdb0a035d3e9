//! Where a trial keeps its things: a directory that goes with it, or one that stays.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// The checklists that are shipped.
const SHIPPED: [(&str, &str); 5] = [
    (
        "staging-telehealth.md",
        include_str!("../../../checklists/staging-telehealth.md"),
    ),
    (
        "staging-crm.md",
        include_str!("../../../checklists/staging-crm.md"),
    ),
    (
        "production-booking.md",
        include_str!("../../../checklists/production-booking.md"),
    ),
    (
        "production-client-platform.md",
        include_str!("../../../checklists/production-client-platform.md"),
    ),
    (
        "staged-rollout-portal.md",
        include_str!("../../../checklists/staged-rollout-portal.md"),
    ),
];
/// The short checklist of the trial's own.
const FRIDAY: &str = include_str!("friday-release.md");

/// A trial's directory.
pub(super) struct Place {
    directory: PathBuf,
    stay: Stay,
    age: Age,
}

/// Whether the directory outlives the trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stay {
    /// The person named it.
    Kept,
    /// It goes with the trial.
    Forgotten,
}

/// Whether there has been a trial here before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// This is the first.
    New,
    /// There is a database already.
    UsedBefore,
}

/// What the next trial in the same directory needs of this one, beside the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Remembered {
    /// The demo service's port, which the checks of kept deployments go on probing; 0 for any.
    pub(super) demo_port: u16,
    /// How far ahead of the machine's clock the trial's was moved, in milliseconds. Going back would put what
    /// happened into the future.
    pub(super) clock_offset_ms: i64,
}

impl Place {
    /// The directory that was named, or a temporary one.
    pub(super) fn prepare(named: Option<&Path>) -> anyhow::Result<Self> {
        let (directory, stay) = if let Some(directory) = named {
            (directory.to_owned(), Stay::Kept)
        } else {
            let name = format!("holdpoint-try-{}", std::process::id());
            (std::env::temp_dir().join(name), Stay::Forgotten)
        };
        let place = Self {
            age: if directory.join(DATABASE).exists() {
                Age::UsedBefore
            } else {
                Age::New
            },
            directory,
            stay,
        };
        std::fs::create_dir_all(place.checklists())
            .with_context(|| format!("the directory {} cannot be made", place.directory.display()))?;
        Ok(place)
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn stay(&self) -> Stay {
        self.stay
    }

    pub(super) fn age(&self) -> Age {
        self.age
    }

    pub(super) fn database(&self) -> PathBuf {
        self.directory.join(DATABASE)
    }

    pub(super) fn checklists(&self) -> PathBuf {
        self.directory.join("checklists")
    }

    /// What the trial before this one left; nothing of a first trial, or where it cannot be read.
    pub(super) fn remembered(&self) -> Remembered {
        std::fs::read(self.directory.join(REMEMBERED))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// Leaves it to the next trial here.
    pub(super) fn remember(&self, remembered: Remembered) -> anyhow::Result<()> {
        let path = self.directory.join(REMEMBERED);
        let text = serde_json::to_string(&remembered)?;
        std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
    }

    /// Writes the checklists that are not there yet. Those that are may have been changed by a person, and stay; only
    /// the demo service's address is brought up to date.
    pub(super) fn write_checklists(&self, demo_before: u16, demo: u16) -> anyhow::Result<()> {
        let address = |port: u16| format!("http://127.0.0.1:{port}");
        let path = self.checklists().join("friday-release.md");
        let friday = match std::fs::read_to_string(&path) {
            Ok(kept) => kept.replace(&address(demo_before), &address(demo)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                FRIDAY.replace(&address(0), &address(demo))
            }
            Err(error) => {
                return Err(error).with_context(|| format!("{} cannot be read", path.display()));
            }
        };
        write(&path, &friday)?;
        for (name, text) in SHIPPED {
            let path = self.checklists().join(name);
            if !path.exists() {
                write(&path, text)?;
            }
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.stay == Stay::Forgotten {
            // What cannot be removed now, the system removes in its time.
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}

const DATABASE: &str = "holdpoint.db";
const REMEMBERED: &str = "trial.json";

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_changed_stays_and_only_the_address_follows() {
        let directory = std::env::temp_dir().join(format!("holdpoint-place-{}", std::process::id()));
        let place = Place::prepare(Some(&directory)).expect("a directory in the temporary one can be made");
        assert_eq!((place.stay(), place.age()), (Stay::Kept, Age::New));
        assert_eq!(place.remembered(), Remembered::default());
        place.write_checklists(0, 4001).expect("it can be written to");
        let friday = place.checklists().join("friday-release.md");
        let crm = place.checklists().join("staging-crm.md");
        let text = std::fs::read_to_string(&friday).expect("it was written");
        assert!(text.contains("http://127.0.0.1:4001"), "{text}");
        std::fs::write(&friday, format!("{text}\n- [ ] mine\n")).expect("it can be changed");
        std::fs::write(&crm, "- [ ] mine\n").expect("it can be changed");

        let remembered = Remembered {
            demo_port: 4001,
            clock_offset_ms: 3_600_000,
        };
        place.remember(remembered).expect("it can be written");
        assert_eq!(place.remembered(), remembered);
        place.write_checklists(4001, 4002).expect("it can be written to");
        let text = std::fs::read_to_string(&friday).expect("it is there");
        assert!(
            text.contains("http://127.0.0.1:4002") && text.ends_with("- [ ] mine\n"),
            "{text}"
        );
        assert_eq!(
            std::fs::read_to_string(&crm).expect("it is there"),
            "- [ ] mine\n"
        );
        std::fs::remove_dir_all(&directory).expect("it can be removed");
    }
}
