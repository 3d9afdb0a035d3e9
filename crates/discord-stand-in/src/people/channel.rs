//! A channel as people see it.

use std::sync::Arc;

use super::{Message, Person};
use crate::server::{Core, TimedOut};
use crate::snowflake::Snowflake;
use crate::world::message::Message as Stored;

/// A channel, a thread or somebody's direct messages.
#[derive(Clone, Debug)]
pub struct Channel {
    core: Arc<Core>,
    id: Snowflake,
}

impl Channel {
    pub(crate) fn new(core: Arc<Core>, id: Snowflake) -> Self {
        Self { core, id }
    }

    /// Its id.
    pub fn id(&self) -> Snowflake {
        self.id
    }

    /// Its name now.
    pub fn name(&self) -> String {
        self.core.read(|world| {
            world
                .channels
                .get(&self.id)
                .map(|channel| channel.name.clone())
                .unwrap_or_default()
        })
    }

    /// Whether it is an archived thread.
    pub fn is_archived(&self) -> bool {
        self.core.read(|world| {
            world
                .channels
                .get(&self.id)
                .is_some_and(|channel| channel.archived)
        })
    }

    /// The messages that everyone sees, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.chosen(|message| !message.is_ephemeral())
    }

    /// The messages that this person sees, ephemeral ones of theirs included, oldest first.
    pub fn messages_seen_by(&self, person: &Person) -> Vec<Message> {
        self.chosen(|message| message.visible_to(person.id()))
    }

    /// A message as it is now, whoever may see it.
    pub fn message(&self, id: Snowflake) -> Option<Message> {
        self.core.read(|world| Message::find(world, self.id, id))
    }

    /// The pinned messages, the last pinned first.
    pub fn pins(&self) -> Vec<Message> {
        self.core.read(|world| {
            world
                .pins(self.id)
                .into_iter()
                .map(|message| Message::of(world, message))
                .collect()
        })
    }

    /// Waits for a message that everyone sees and that satisfies a predicate, now or later; the oldest one counts.
    ///
    /// # Errors
    /// [`TimedOut`] when none comes.
    pub async fn wait_for_message(
        &self,
        mut wanted: impl FnMut(&Message) -> bool,
    ) -> Result<Message, TimedOut> {
        self.core
            .until("a message", |world| {
                world
                    .messages
                    .get(&self.id)?
                    .values()
                    .filter(|message| !message.is_ephemeral())
                    .map(|message| Message::of(world, message))
                    .find(|message| wanted(message))
            })
            .await
    }

    /// Waits until one message satisfies a predicate, now or after an edit.
    ///
    /// # Errors
    /// [`TimedOut`] when it never does.
    pub async fn wait_for_edit(
        &self,
        id: Snowflake,
        mut wanted: impl FnMut(&Message) -> bool,
    ) -> Result<Message, TimedOut> {
        self.core
            .until("an edit of the message", |world| {
                Message::find(world, self.id, id).filter(|message| wanted(message))
            })
            .await
    }

    fn chosen(&self, wanted: impl Fn(&Stored) -> bool) -> Vec<Message> {
        self.core.read(|world| {
            world
                .messages
                .get(&self.id)
                .into_iter()
                .flat_map(|messages| messages.values())
                .filter(|message| wanted(message))
                .map(|message| Message::of(world, message))
                .collect()
        })
    }
}
