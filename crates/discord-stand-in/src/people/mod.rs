//! The people's side: what somebody at a Discord client does and sees.

mod channel;
mod given;
mod interaction;
mod message;
mod typed;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::rest::body::Upload;
use crate::server::Core;
use crate::snowflake::Snowflake;
use crate::world::guild::DirectMessages;
use crate::world::invoke::{Purpose, Reacting, Refusal};

pub(crate) use interaction::choices;

pub use channel::Channel;
pub use given::GivenFile;
pub use interaction::{Interaction, Modal, Response, Unanswered};
pub use message::{Message, Pings};

/// A person of the guild.
#[derive(Clone, Debug)]
pub struct Person {
    core: Arc<Core>,
    id: Snowflake,
}

/// A suggestion that an autocompletion gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// What the person sees.
    pub name: String,
    /// What the command gets.
    pub value: Value,
}

impl Person {
    pub(crate) fn new(core: Arc<Core>, id: Snowflake) -> Self {
        Self { core, id }
    }

    /// Their user id.
    pub fn id(&self) -> Snowflake {
        self.id
    }

    /// How a message mentions them.
    pub fn mention(&self) -> String {
        format!("<@{}>", self.id)
    }

    /// Sends a slash command, such as `deploy tick`, with its options as they are typed.
    ///
    /// A user, role or channel is given by name, id or mention; a choice by its name or value.
    ///
    /// # Errors
    /// A sentence when Discord's client would not send it: an unknown command or option, a value of the wrong type,
    /// a required option missing, or no permission.
    pub fn slash(
        &self,
        channel: &Channel,
        command: &str,
        options: &[(&str, &str)],
    ) -> Result<Interaction, Refusal> {
        self.slash_with_files(channel, command, options, &[])
    }

    /// Sends a slash command some of whose options are files. The application fetches them through
    /// [`proxy_url`](crate::StandIn::proxy_url).
    ///
    /// # Errors
    /// As for [`Person::slash`], and when an option takes no file or a file has more than 10 MiB.
    pub fn slash_with_files(
        &self,
        channel: &Channel,
        command: &str,
        options: &[(&str, &str)],
        files: &[(&str, GivenFile)],
    ) -> Result<Interaction, Refusal> {
        let names: Vec<&str> = files.iter().map(|(option, _)| *option).collect();
        let (command, options) = self.typed(channel, command, options, &names, None)?;
        let uploads: Vec<Upload> = (0..)
            .zip(files)
            .map(|(number, (_, file))| file.uploaded(number))
            .collect();
        let id = self.core.interact(|world| {
            world.use_command(self.id, channel.id(), command, &options, &uploads, Purpose::Send)
        })?;
        Ok(Interaction::new(Arc::clone(&self.core), id))
    }

    /// Types into an option of a command and gives what the application suggests.
    ///
    /// # Errors
    /// [`Unanswered::Refused`] when there is no such command or option, or the option has no autocompletion.
    pub async fn autocomplete(
        &self,
        channel: &Channel,
        command: &str,
        options: &[(&str, &str)],
        focused: (&str, &str),
    ) -> Result<Vec<Choice>, Unanswered> {
        let (command, options) = self.typed(channel, command, options, &[], Some(focused))?;
        let id = self.core.interact(|world| {
            world.use_command(self.id, channel.id(), command, &options, &[], Purpose::Complete)
        })?;
        let choices = choices(&self.core, id).await?;
        Ok(choices
            .into_iter()
            .map(|choice| Choice {
                name: choice["name"].as_str().unwrap_or_default().to_owned(),
                value: choice["value"].clone(),
            })
            .collect())
    }

    /// Presses a button of a message.
    ///
    /// # Errors
    /// A sentence when there is no such button, it is disabled, or the message is not to be seen.
    pub fn press(&self, message: &Message, custom_id: &str) -> Result<Interaction, Refusal> {
        self.choose(message, custom_id, &[])
    }

    /// Chooses values of a message's select menu; users, roles and channels by their ids.
    ///
    /// # Errors
    /// A sentence when there is no such menu or value, their number does not fit, or it is disabled.
    pub fn choose(
        &self,
        message: &Message,
        custom_id: &str,
        values: &[&str],
    ) -> Result<Interaction, Refusal> {
        let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
        let id = self.core.interact(|world| {
            world.use_component(self.id, message.channel(), message.id(), custom_id, &values)
        })?;
        Ok(Interaction::new(Arc::clone(&self.core), id))
    }

    /// Sends in a modal with its fields filled in, each by its `custom_id`. A field not named keeps its value.
    ///
    /// # Errors
    /// A sentence when the modal is not open, or a field's limits are broken.
    pub fn submit(&self, modal: &Modal, fields: &[(&str, &str)]) -> Result<Interaction, Refusal> {
        let rows: Value = fields
            .iter()
            .map(|(custom_id, value)| {
                let input = json!({ "type": 4, "custom_id": custom_id, "value": value });
                json!({ "type": 1, "components": [input] })
            })
            .collect();
        let id = self.core.interact(|world| {
            let opener = Some(modal.interaction());
            world.send_modal(self.id, modal.channel(), opener, modal.custom_id(), &rows)
        })?;
        Ok(Interaction::new(Arc::clone(&self.core), id))
    }

    /// Adds a reaction; adding it again changes nothing.
    ///
    /// # Errors
    /// A sentence when the message is not to be seen or has no room for another emoji.
    pub fn react(&self, message: &Message, emoji: &str) -> Result<(), Refusal> {
        self.core.change(|world| {
            let (channel, id) = (message.channel(), message.id());
            world.person_reacts(self.id, channel, id, emoji, Reacting::Adds)
        })
    }

    /// Adds a super reaction; adding it again changes nothing.
    ///
    /// # Errors
    /// A sentence when the message is not to be seen or has no room for another emoji.
    pub fn super_react(&self, message: &Message, emoji: &str) -> Result<(), Refusal> {
        self.core.change(|world| {
            let (channel, id) = (message.channel(), message.id());
            world.person_reacts(self.id, channel, id, emoji, Reacting::AddsSuper)
        })
    }

    /// Takes everybody's reactions away, or everybody's with this emoji, as a moderator does.
    ///
    /// # Errors
    /// A sentence when the person may not manage messages there.
    pub fn clear_reactions(&self, message: &Message, emoji: Option<&str>) -> Result<(), Refusal> {
        self.core
            .change(|world| world.person_clears_reactions(self.id, message.channel(), message.id(), emoji))
    }

    /// Takes a reaction away; one that is not there changes nothing.
    ///
    /// # Errors
    /// A sentence when the message is not to be seen.
    pub fn unreact(&self, message: &Message, emoji: &str) -> Result<(), Refusal> {
        self.core.change(|world| {
            let (channel, id) = (message.channel(), message.id());
            world.person_reacts(self.id, channel, id, emoji, Reacting::TakesAway)
        })
    }

    /// Types a message.
    ///
    /// # Errors
    /// A sentence when it is empty or too long, or the person is not in the channel.
    pub fn say(&self, channel: &Channel, text: &str) -> Result<Message, Refusal> {
        self.core.change(|world| {
            let id = world.say(self.id, channel.id(), text, None)?;
            Message::find(world, channel.id(), id).ok_or_else(|| Refusal::new("The message is gone already."))
        })
    }

    /// Types a reply to a message.
    ///
    /// # Errors
    /// As for [`Person::say`].
    pub fn reply(&self, to: &Message, text: &str) -> Result<Message, Refusal> {
        self.core.change(|world| {
            let id = world.say(self.id, to.channel(), text, Some(to.id()))?;
            Message::find(world, to.channel(), id).ok_or_else(|| Refusal::new("The message is gone already."))
        })
    }

    /// The person's direct messages with the bot.
    pub fn direct_messages(&self) -> Channel {
        let id = self.core.change(|world| world.direct_channel(self.id));
        Channel::new(Arc::clone(&self.core), id)
    }

    /// Takes no direct messages any more: the bot gets 50007.
    pub fn close_direct_messages(&self) {
        self.core.change(|world| {
            if let Some(user) = world.users.get_mut(&self.id) {
                user.direct_messages = DirectMessages::Closed;
            }
        });
    }

    /// Sets the person's roles in a channel's guild, by their names.
    ///
    /// # Errors
    /// A sentence when there is no such role, or the person is no member.
    pub fn set_roles(&self, channel: &Channel, roles: &[&str]) -> Result<(), Refusal> {
        self.core.change(|world| {
            let guild = world
                .place(self.id, channel.id())?
                .ok_or_else(|| Refusal::new("Direct messages have no roles."))?;
            let ids = roles
                .iter()
                .map(|name| {
                    world
                        .guilds
                        .get(&guild)
                        .and_then(|guild| guild.role_named(name))
                        .map(|role| role.id)
                        .ok_or_else(|| Refusal::new(format!("There is no role named {name}.")))
                })
                .collect::<Result<_, _>>()?;
            world
                .set_roles(guild, self.id, ids)
                .map_err(|error| Refusal::new(format!("{}.", error.message)))
        })
    }

    /// Leaves the guild of a channel.
    ///
    /// # Errors
    /// A sentence when the person is no member.
    pub fn leave(&self, channel: &Channel) -> Result<(), Refusal> {
        self.core.change(|world| {
            let guild = world
                .place(self.id, channel.id())?
                .ok_or_else(|| Refusal::new("Direct messages cannot be left."))?;
            world
                .remove_member(guild, self.id)
                .map_err(|error| Refusal::new(format!("{}.", error.message)))
        })
    }

    fn typed(
        &self,
        channel: &Channel,
        command: &str,
        options: &[(&str, &str)],
        files: &[&str],
        focused: Option<(&str, &str)>,
    ) -> Result<(Snowflake, Value), Refusal> {
        self.core
            .read(|world| typed::command(world, channel.id(), command, options, files, focused))
    }
}
