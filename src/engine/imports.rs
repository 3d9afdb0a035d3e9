//! Checklists that are brought from chat, into one Discord server each.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use super::catalog::{CatalogEntry, ChecklistFile, Origin};
use super::error::{Fault, HandleError};
use super::{Catalog, Engine};
use crate::checks::Trust;
use crate::domain::ids::{ChecklistHash, ChecklistName, GuildId};
use crate::domain::refusal::Refusal;
use crate::domain::rights::Person;
use crate::store::{Import, Store};

/// The most checklists that are imported into one Discord server. All of them are held in memory.
const MOST_IMPORTS: usize = 100;
/// The most characters of a name: it is offered as a choice, which Discord gives 100.
const LONGEST_NAME: usize = 60;

/// What came of an import.
#[derive(Clone, Debug)]
pub enum Imported {
    /// It can be started from now on.
    Now {
        /// As it is in the catalog.
        entry: Arc<CatalogEntry>,
        /// What its name stood for before.
        replaced: Option<Arc<CatalogEntry>>,
        /// What its checks may do.
        trust: Trust,
    },
    /// Its name stands for the very same already.
    Before {
        /// As it is in the catalog.
        entry: Arc<CatalogEntry>,
    },
    /// It has errors, so nothing was kept.
    Broken {
        /// As it would be in the catalog.
        entry: Arc<CatalogEntry>,
    },
}

/// Takes in what was imported before this start.
pub(super) async fn take_in(store: &Store, catalog: &Catalog) -> Result<(), Fault> {
    catalog.know_imported(store.imported_hashes().await?);
    for mut import in store.imports().await? {
        // It was text with items when it was imported; should a newer reader not think so, it is not offered.
        if let Ok(read) = ChecklistFile::of(&import.name, std::mem::take(&mut import.source)) {
            catalog.take_in(import.guild, catalog.entry_of(origin(&import), read));
        }
    }
    Ok(())
}

fn origin(import: &Import) -> Origin {
    Origin::Imported {
        by: import.by,
        at: import.at,
    }
}

/// The name of a checklist that somebody gives, or else its file's: letters, digits, hyphens and underscores. What stands
/// between them becomes a hyphen.
fn name_of(file: &str, given: Option<&str>) -> ChecklistName {
    let stem = Path::new(file).file_stem().and_then(OsStr::to_str);
    let words: Vec<&str> = given
        .or(stem)
        .unwrap_or_default()
        .split(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    let name: String = words.join("-").chars().take(LONGEST_NAME).collect();
    ChecklistName::new(name.trim_end_matches('-'))
}

impl Engine {
    /// Imports a checklist into a Discord server, under the name given or else its file's.
    ///
    /// # Errors
    /// Refuses who may not manage the server's checklists, a file that cannot be read as one, and a name that stands for a
    /// checklist of the operator's.
    pub async fn import(
        &self,
        guild: GuildId,
        by: &Person,
        file: &str,
        given: Option<&str>,
        bytes: Vec<u8>,
    ) -> Result<Imported, HandleError> {
        self.may_manage(guild, by)?;
        let unread = |why: String| Refusal::NotImported {
            file: file.to_owned(),
            why,
        };
        let name = name_of(file, given);
        if name.as_str().is_empty() {
            return Err(unread("would have no name; give it one as `name`".to_owned()).into());
        }
        let catalog = self.catalog();
        if catalog.entry(name.as_str()).is_some() {
            return Err(Refusal::NameTaken { name }.into());
        }
        // One at a time, so that what is in memory is what is on disk.
        let _alone = self.shared().importing.lock().await;
        let read = ChecklistFile::of(&name, bytes).map_err(|why| unread(why.to_string()))?;
        let hash = read.parsed.checklist.hash.clone();
        let import = Import {
            guild,
            name,
            hash,
            source: read.bytes.clone(),
            by: by.id,
            at: self.now(),
        };
        let replaced = catalog.imported_entry(guild, &import.name);
        if let Some(entry) = &replaced
            && entry.checklist.hash == import.hash
        {
            return Ok(Imported::Before {
                entry: Arc::clone(entry),
            });
        }
        let entry = catalog.entry_of(origin(&import), read);
        if entry.first_error().is_some() {
            return Ok(Imported::Broken {
                entry: Arc::new(entry),
            });
        }
        if replaced.is_none() && catalog.imported_into(guild) >= MOST_IMPORTS {
            return Err(Refusal::TooManyImports { most: MOST_IMPORTS }.into());
        }
        self.store().import(&import).await.map_err(Fault::from)?;
        Ok(Imported::Now {
            entry: catalog.take_in(guild, entry),
            replaced,
            trust: catalog.trust(&import.hash),
        })
    }

    /// Takes an imported checklist out of a Discord server's catalog. Deployments that go by it go on.
    ///
    /// # Errors
    /// Refuses who may not, and a name that stands for none that was imported there.
    pub async fn remove_import(
        &self,
        guild: GuildId,
        by: &Person,
        name: &str,
    ) -> Result<Arc<CatalogEntry>, HandleError> {
        self.may_manage(guild, by)?;
        let name = ChecklistName::new(name.trim());
        let _alone = self.shared().importing.lock().await;
        let catalog = self.catalog();
        let Some(entry) = catalog.imported_entry(guild, &name) else {
            return Err(if catalog.entry(name.as_str()).is_some() {
                Refusal::NotAnImport { name }
            } else {
                self.unknown_checklist(guild, name.as_str())
            }
            .into());
        };
        self.store()
            .end_import(guild, &name, self.now())
            .await
            .map_err(Fault::from)?;
        catalog.let_go(guild, &name);
        Ok(entry)
    }

    /// How far a deployment's checklist is trusted.
    pub fn trust(&self, checklist: &ChecklistHash) -> Trust {
        self.catalog().trust(checklist)
    }

    /// That a name stands for no checklist in a Discord server.
    pub fn unknown_checklist(&self, guild: GuildId, typed: &str) -> Refusal {
        Refusal::UnknownChecklist {
            typed: typed.to_owned(),
            known: self
                .catalog()
                .entries_in(guild)
                .iter()
                .map(|entry| entry.checklist.name.as_str().to_owned())
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_files() {
        let name = |file: &str, given| name_of(file, given).as_str().to_owned();
        assert_eq!(name("DEPLOYMENT_CHECKLIST.md", None), "DEPLOYMENT_CHECKLIST");
        assert_eq!(name("release list (final).v2.md", None), "release-list-final-v2");
        assert_eq!(
            name("x.md", Some(" Nächste Auslieferung ")),
            "Nächste-Auslieferung"
        );
        assert_eq!(name("../../etc/passwd", None), "passwd");
        assert_eq!(name("@everyone `x`.md", None), "everyone-x");
        assert_eq!(name("….md", None), "");
        assert_eq!(name(&"long ".repeat(50), None).chars().count(), 59);
    }
}
