//! `holdpoint audit verify`, `report` and `backup`: what the database says, read beside a bot that may be running.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};

use super::Ended;
use crate::cli::{ReportArguments, ReportFormat};
use crate::domain::deployment::Deployment;
use crate::domain::ids::{DeploymentId, UserId};
use crate::markdown;
use crate::report;
use crate::store::{AuditError, Store};

/// Proves that no event was changed, removed or slipped in.
pub(super) async fn verify(database: &Path) -> anyhow::Result<Ended> {
    let store = Store::open_read_only(database).await?;
    match store.verify().await {
        Ok(verified) => {
            writeln!(
                io::stdout(),
                "The audit log holds: {} events of {} deployments, head {}.",
                verified.events,
                verified.deployments,
                verified.head
            )?;
            Ok(Ended::Well)
        }
        Err(AuditError::Broken(broken)) => {
            writeln!(io::stdout(), "The audit log is BROKEN: {broken}")?;
            Ok(Ended::Badly)
        }
        Err(error) => Err(error.into()),
    }
}

/// Writes the report of a deployment.
pub(super) async fn report(database: &Path, arguments: ReportArguments) -> anyhow::Result<Ended> {
    let store = Store::open_read_only(database).await?;
    let deployment = read(&store, arguments.deployment).await?;
    // Names are Discord's to tell, and this command does not speak to it.
    let name = |user: UserId| format!("user {user}");
    let text = match arguments.format {
        ReportFormat::Markdown => report::document(&deployment, &name),
        ReportFormat::Json => format!("{:#}\n", serde_json::to_value(report::summary(&deployment))?),
    };
    match arguments.output {
        Some(file) => {
            std::fs::write(&file, text).with_context(|| {
                format!(
                    "{} cannot be written; check that its directory is there, that this user may write to it, and that \
                     there is room",
                    file.display()
                )
            })?;
        }
        None => io::stdout().write_all(text.as_bytes())?,
    }
    Ok(Ended::Well)
}

/// Copies the database.
pub(super) async fn backup(database: &Path, to: &Path) -> anyhow::Result<Ended> {
    let store = Store::open_read_only(database).await?;
    store.backup(to).await?;
    writeln!(io::stdout(), "The database was copied to {}.", to.display())?;
    Ok(Ended::Well)
}

async fn read(store: &Store, id: DeploymentId) -> anyhow::Result<Deployment> {
    let Some(history) = store.history(id).await? else {
        bail!(
            "there is no deployment {id} in {}; `/deploy list` in Discord shows them",
            store.path().display()
        );
    };
    let source = store
        .checklist_source(&history.checklist)
        .await?
        .with_context(|| format!("the checklist of deployment {id} is not in the database"))?;
    let checklist = markdown::parse(&history.name, &source).checklist;
    Ok(Deployment::fold(id, Arc::new(checklist), &history.recorded)?)
}
