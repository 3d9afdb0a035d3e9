//! `/checklist`: what can be started in a Discord server, and what people bring into it.

use std::sync::Arc;

use super::Bot;
use super::asked::AskedOfCatalog;
use super::interactions::From;
use super::render::answer::{self, Approved, Finding, Provenance, Replaced};
use super::reply::Reply;
use crate::domain::ids::GuildId;
use crate::domain::refusal::Refusal;
use crate::engine::{CatalogEntry, Diagnostic, HandleError, Imported, Origin, Severity, Trust};

impl Bot {
    pub(super) async fn of_catalog(&self, from: &From, asked: AskedOfCatalog) -> Result<Reply, HandleError> {
        Ok(match asked {
            AskedOfCatalog::List => {
                let entries = self.engine.catalog().entries_in(from.guild);
                let rows: Vec<_> = entries.iter().map(|entry| row(entry)).collect();
                Reply::to_asker(answer::checklists(&rows))
            }
            AskedOfCatalog::Show { name } => {
                let entry = self.checklist(from.guild, &name)?;
                Reply::to_asker(answer::checklist(
                    &entry.checklist,
                    self.provenance(&entry),
                    &findings(&entry),
                ))
            }
            AskedOfCatalog::Lint { name } => {
                let entry = self.checklist(from.guild, &name)?;
                Reply::to_asker(answer::findings(&entry.checklist, &findings(&entry)))
            }
            AskedOfCatalog::Export { name } => {
                let entry = self.checklist(from.guild, &name)?;
                Reply::to_asker(answer::exported(&entry.checklist, entry.bytes.to_vec()))
            }
            AskedOfCatalog::Import { file, name } => {
                // Before anything is fetched for somebody who may not import it.
                self.engine.may_manage(from.guild, &from.person)?;
                let bytes = file.fetch(&self.files).await?;
                let came = self
                    .engine
                    .import(from.guild, &from.person, &file.name, name.as_deref(), bytes)
                    .await?;
                match came {
                    Imported::Now {
                        entry,
                        replaced,
                        trust,
                    } => Reply::to_all(answer::imported(
                        &entry.checklist,
                        if replaced.is_some() {
                            Replaced::Another
                        } else {
                            Replaced::Nothing
                        },
                        approved(trust),
                        &findings(&entry),
                    )),
                    Imported::Before { entry } => Reply::to_asker(answer::imported_before(&entry.checklist)),
                    Imported::Broken { entry } => {
                        Reply::to_asker(answer::not_imported(&file.name, &findings(&entry)))
                    }
                }
            }
            AskedOfCatalog::Remove { name } => {
                let removed = self.engine.remove_import(from.guild, &from.person, &name).await?;
                Reply::to_all(answer::removed(&removed.checklist))
            }
        })
    }

    /// A checklist that can be started in a Discord server.
    pub(super) fn usable_checklist(&self, guild: GuildId, name: &str) -> Result<Arc<CatalogEntry>, Refusal> {
        let entry = self.checklist(guild, name)?;
        match entry.first_error() {
            None => Ok(entry),
            Some(error) => Err(Refusal::BrokenChecklist {
                name: entry.checklist.name.as_str().to_owned(),
                line: error.line,
                why: said(error),
            }),
        }
    }

    fn checklist(&self, guild: GuildId, name: &str) -> Result<Arc<CatalogEntry>, Refusal> {
        self.engine
            .catalog()
            .entry_in(guild, name.trim())
            .ok_or_else(|| self.engine.unknown_checklist(guild, name))
    }

    fn provenance(&self, entry: &CatalogEntry) -> Provenance {
        match entry.origin {
            Origin::File(_) => Provenance::Operator,
            Origin::Imported { by, at } => Provenance::Imported {
                by,
                at,
                approved: approved(self.engine.trust(&entry.checklist.hash)),
            },
        }
    }
}

fn approved(trust: Trust) -> Approved {
    match trust {
        Trust::Operator => Approved::Yes,
        Trust::Imported => Approved::NotYet,
    }
}

fn row(entry: &CatalogEntry) -> answer::ChecklistRow {
    answer::ChecklistRow {
        name: entry.checklist.name.as_str().to_owned(),
        title: entry.checklist.title.clone(),
        items: entry.checklist.items.len(),
        checks: entry.checklist.checks.len(),
        sign_offs: entry.checklist.sign_offs.len(),
        imported: matches!(entry.origin, Origin::Imported { .. }),
        error: entry.first_error().map(|error| error.message.clone()),
    }
}

/// What is wrong with a checklist, as it is shown.
fn findings(entry: &CatalogEntry) -> Vec<Finding> {
    entry
        .diagnostics
        .iter()
        .map(|found| Finding {
            line: found.line,
            column: found.column,
            severity: match found.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "note",
            },
            message: said(found),
        })
        .collect()
}

/// What is wrong, and what to do about it where that is known.
fn said(found: &Diagnostic) -> String {
    match &found.help {
        Some(help) => format!("{} {help}", found.message),
        None => found.message.clone(),
    }
}
