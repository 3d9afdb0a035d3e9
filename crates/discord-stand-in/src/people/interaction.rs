//! What becomes of something a person did.

use std::sync::Arc;

use serde_json::Value;

use super::Message;
use crate::server::{Core, TimedOut};
use crate::snowflake::Snowflake;
use crate::world::World;
use crate::world::interaction::State;
use crate::world::invoke::Refusal;

/// Something a person did that the application answers.
#[derive(Clone, Debug)]
pub struct Interaction {
    core: Arc<Core>,
    id: Snowflake,
}

/// An application's answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// A message, new or changed.
    Message(Message),
    /// A modal to fill in.
    Modal(Modal),
}

/// A modal that is open for a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Modal {
    interaction: Snowflake,
    channel: Snowflake,
    json: Value,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// Discord's own words when nobody responds in time.
    #[error("The application did not respond")]
    Failed,
    /// The client would not let it through.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The answer was of another kind.
    #[error("The application answered with {0}")]
    Other(&'static str),
    /// What was waited for did not come.
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
}

impl Modal {
    /// The interaction that opened it.
    pub fn interaction(&self) -> Snowflake {
        self.interaction
    }

    /// The channel in which it was opened.
    pub fn channel(&self) -> Snowflake {
        self.channel
    }

    /// Its `custom_id`.
    pub fn custom_id(&self) -> &str {
        self.json["custom_id"].as_str().unwrap_or_default()
    }

    /// Its title.
    pub fn title(&self) -> &str {
        self.json["title"].as_str().unwrap_or_default()
    }

    /// The whole modal in Discord's JSON.
    pub fn json(&self) -> &Value {
        &self.json
    }
}

impl Interaction {
    pub(crate) fn new(core: Arc<Core>, id: Snowflake) -> Self {
        Self { core, id }
    }

    /// Its id.
    pub fn id(&self) -> Snowflake {
        self.id
    }

    /// Waits for the answer. A deferred one is waited for until it is filled in.
    ///
    /// # Errors
    /// [`Unanswered`] says why there is none.
    pub async fn response(&self) -> Result<Response, Unanswered> {
        let waited = self.core.until("a response", |world| {
            let interaction = world.interactions.get(&self.id)?;
            match &interaction.state {
                State::Failed => Some(Err(Unanswered::Failed)),
                State::Choices(_) => Some(Err(Unanswered::Other("choices"))),
                State::Modal(modal) => Some(Ok(Response::Modal(Modal {
                    interaction: self.id,
                    channel: interaction.channel,
                    json: modal.clone(),
                }))),
                State::Message(_) | State::Update(_) => self
                    .original(world)
                    .filter(|message| !message.is_loading())
                    .map(|message| Ok(Response::Message(message))),
                State::Pending => None,
            }
        });
        waited.await?
    }

    /// Waits for the answer, which has to be a message.
    ///
    /// # Errors
    /// [`Unanswered`] says why there is none.
    pub async fn message(&self) -> Result<Message, Unanswered> {
        match self.response().await? {
            Response::Message(message) => Ok(message),
            Response::Modal(_) => Err(Unanswered::Other("a modal")),
        }
    }

    /// Waits for the answer, which has to be a modal.
    ///
    /// # Errors
    /// [`Unanswered`] says why there is none.
    pub async fn modal(&self) -> Result<Modal, Unanswered> {
        match self.response().await? {
            Response::Modal(modal) => Ok(modal),
            Response::Message(_) => Err(Unanswered::Other("a message")),
        }
    }

    /// Waits until the message that answers it satisfies a predicate, now or after an edit.
    ///
    /// # Errors
    /// [`Unanswered`] says why it does not come to that.
    pub async fn until(&self, mut wanted: impl FnMut(&Message) -> bool) -> Result<Message, Unanswered> {
        let waited = self.core.until("the edited response", |world| {
            if world.interactions.get(&self.id)?.state == State::Failed {
                return Some(Err(Unanswered::Failed));
            }
            self.original(world).filter(|message| wanted(message)).map(Ok)
        });
        waited.await?
    }

    /// Waits for a follow-up that satisfies a predicate.
    ///
    /// # Errors
    /// [`Unanswered::TimedOut`] when none comes.
    pub async fn follow_up(&self, mut wanted: impl FnMut(&Message) -> bool) -> Result<Message, Unanswered> {
        let waited = self.core.until("a follow-up", |world| {
            let interaction = world.interactions.get(&self.id)?;
            interaction
                .follow_ups
                .iter()
                .filter_map(|&id| Message::find(world, interaction.channel, id))
                .find(|message| wanted(message))
        });
        Ok(waited.await?)
    }

    fn original(&self, world: &World) -> Option<Message> {
        let interaction = world.interactions.get(&self.id)?;
        Message::find(world, interaction.channel, interaction.original()?)
    }
}

/// Waits for an autocompletion's choices.
pub(crate) async fn choices(core: &Core, id: Snowflake) -> Result<Vec<Value>, Unanswered> {
    let waited = core.until("choices", |world| match &world.interactions.get(&id)?.state {
        State::Choices(choices) => Some(Ok(choices.clone())),
        State::Failed => Some(Err(Unanswered::Failed)),
        State::Pending => None,
        State::Message(_) | State::Update(_) => Some(Err(Unanswered::Other("a message"))),
        State::Modal(_) => Some(Err(Unanswered::Other("a modal"))),
    });
    waited.await?
}
