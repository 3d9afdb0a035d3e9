//! What the chat side asks of the database: which deployment a thread or a message belongs to, lists, histories.

use super::Engine;
use super::error::Fault;
use crate::domain::event::Recorded;
use crate::domain::ids::{ChannelId, DeploymentId, GuildId, InputId, MessageId};
use crate::store::{Filter, Listed, Posted};

impl Engine {
    /// The deployment whose thread a channel is.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn deployment_of_channel(&self, channel: ChannelId) -> Result<Option<DeploymentId>, Fault> {
        let threads = &self.shared().threads;
        if let Some(known) = threads.get(channel) {
            return Ok(Some(known));
        }
        let found = self.store().deployment_of_channel(channel).await?;
        if let Some(deployment) = found {
            threads.keep(channel, deployment);
        }
        Ok(found)
    }

    /// The deployment a message was posted for, and what the message is remembered as.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn deployment_of_message(
        &self,
        message: MessageId,
    ) -> Result<Option<(DeploymentId, String)>, Fault> {
        Ok(self.store().deployment_of_message(message).await?)
    }

    /// Where something that was posted for a deployment stands.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn posted(&self, id: DeploymentId, remembered_as: &str) -> Result<Option<Posted>, Fault> {
        Ok(self.store().posted(id, remembered_as).await?)
    }

    /// Remembers where something that was posted for a deployment stands.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn remember(&self, id: DeploymentId, remembered_as: &str, posted: Posted) -> Result<(), Fault> {
        Ok(self.store().remember(id, remembered_as, posted).await?)
    }

    /// The sign-off cards of running deployments, with what each is remembered as.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn posted_cards(&self) -> Result<Vec<(DeploymentId, String, Posted)>, Fault> {
        Ok(self.store().posted_like("card:", Filter::Running).await?)
    }

    /// Deployments of a Discord server, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn deployments(
        &self,
        guild: GuildId,
        filter: Filter,
        limit: u32,
    ) -> Result<Vec<Listed>, Fault> {
        Ok(self.store().deployments(guild, filter, limit).await?)
    }

    /// All that happened to a deployment, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn history(&self, id: DeploymentId) -> Result<Vec<Recorded>, Fault> {
        let history = self.store().history(id).await?;
        Ok(history.map(|history| history.recorded).unwrap_or_default())
    }

    /// Remembers an input that changes nothing, so that it is answered once; answers whether it is new.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn is_first(&self, input: &InputId) -> Result<bool, Fault> {
        Ok(self.store().remember_input(input, self.now()).await?)
    }

    /// Whether such an input is remembered.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn is_remembered(&self, input: &InputId) -> Result<bool, Fault> {
        Ok(self.store().remembers_input(input).await?)
    }

    /// Forgets all such inputs whose ids begin so.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn forget_all(&self, beginning: &str) -> Result<(), Fault> {
        Ok(self.store().forget_inputs_that_begin(beginning).await?)
    }

    /// Forgets such an input, so that it is answered when it comes again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn forget(&self, input: &InputId) -> Result<(), Fault> {
        Ok(self.store().forget_input(input).await?)
    }
}
