//! A message as somebody sees it at one moment.

use serde_json::Value;

use crate::snowflake::Snowflake;
use crate::world::World;
use crate::world::message::Message as Stored;

/// A message as it was when it was looked at. Later edits do not change it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    id: Snowflake,
    channel: Snowflake,
    json: Value,
}

/// Whom a message pinged when it was posted, by name and in order of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pings {
    /// The people mentioned themselves.
    pub users: Vec<String>,
    /// The roles mentioned.
    pub roles: Vec<String>,
    /// Whether everyone was.
    pub everyone: bool,
    /// Everybody reached, by whichever of these.
    pub reached: Vec<String>,
}

impl Message {
    pub(crate) fn of(world: &World, message: &Stored) -> Self {
        Self {
            id: message.id,
            channel: message.channel,
            json: world.page_message_json(message),
        }
    }

    pub(crate) fn find(world: &World, channel: Snowflake, id: Snowflake) -> Option<Self> {
        world.message(channel, id).map(|message| Self::of(world, message))
    }

    /// Its id.
    pub fn id(&self) -> Snowflake {
        self.id
    }

    /// The id of its channel.
    pub fn channel(&self) -> Snowflake {
        self.channel
    }

    /// The whole message in Discord's JSON; each reaction names its `users` besides.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// Its content.
    pub fn content(&self) -> &str {
        self.json["content"].as_str().unwrap_or_default()
    }

    /// The shown name of its author.
    pub fn author(&self) -> &str {
        self.json["author"]["global_name"].as_str().unwrap_or_default()
    }

    /// Its embeds.
    pub fn embeds(&self) -> &[Value] {
        self.list("embeds")
    }

    /// Its rows of components.
    pub fn components(&self) -> &[Value] {
        self.list("components")
    }

    /// Its attachments.
    pub fn attachments(&self) -> &[Value] {
        self.list("attachments")
    }

    /// Every text that a reader sees: content, embeds, and the labels of components, a line each.
    pub fn text(&self) -> String {
        let mut lines = vec![self.content().to_owned()];
        for embed in self.embeds() {
            let mut add = |value: &Value| lines.extend(value.as_str().map(str::to_owned));
            add(&embed["author"]["name"]);
            add(&embed["title"]);
            add(&embed["description"]);
            for field in embed["fields"].as_array().into_iter().flatten() {
                add(&field["name"]);
                add(&field["value"]);
            }
            add(&embed["footer"]["text"]);
        }
        for component in self.all_components() {
            lines.extend(component["label"].as_str().map(str::to_owned));
            lines.extend(component["placeholder"].as_str().map(str::to_owned));
        }
        lines.retain(|line| !line.is_empty());
        lines.join("\n")
    }

    /// Whether only the person who asked for it sees it.
    pub fn is_ephemeral(&self) -> bool {
        self.flags() & crate::world::message::EPHEMERAL != 0
    }

    /// Whether it is still "thinking…".
    pub fn is_loading(&self) -> bool {
        self.flags() & crate::world::message::LOADING != 0
    }

    /// Whether it has been edited.
    pub fn is_edited(&self) -> bool {
        !self.json["edited_timestamp"].is_null()
    }

    /// Whether it is pinned.
    pub fn is_pinned(&self) -> bool {
        self.json["pinned"] == true
    }

    /// The `custom_id` of the button with this label.
    pub fn button(&self, label: &str) -> Option<&str> {
        self.all_components()
            .find(|component| component["label"] == label)?["custom_id"]
            .as_str()
    }

    /// The component with this `custom_id`.
    pub fn component(&self, custom_id: &str) -> Option<&Value> {
        self.all_components()
            .find(|component| component["custom_id"] == custom_id)
    }

    /// Every button and menu, row by row.
    pub fn all_components(&self) -> impl Iterator<Item = &Value> {
        self.components()
            .iter()
            .filter_map(|row| row["components"].as_array())
            .flatten()
    }

    /// How many react with this emoji.
    pub fn reactions(&self, emoji: &str) -> u64 {
        self.list("reactions")
            .iter()
            .find(|reaction| reaction["emoji"]["name"] == emoji)
            .and_then(|reaction| reaction["count"].as_u64())
            .unwrap_or_default()
    }

    fn flags(&self) -> u64 {
        self.json["flags"].as_u64().unwrap_or_default()
    }

    fn list(&self, key: &str) -> &[Value] {
        self.json[key].as_array().map_or(&[], Vec::as_slice)
    }
}

impl Pings {
    pub(crate) fn of(world: &World, channel: Snowflake, message: Snowflake) -> Self {
        let Some(message) = world.message(channel, message) else {
            return Self::default();
        };
        let name = |id: &Snowflake| {
            world
                .users
                .get(id)
                .map_or_else(|| id.to_string(), |user| user.display.clone())
        };
        let guild = world
            .channels
            .get(&channel)
            .and_then(|channel| channel.guild)
            .and_then(|guild| world.guilds.get(&guild));
        Self {
            users: message.pings.users.iter().map(name).collect(),
            roles: message
                .pings
                .roles
                .iter()
                .filter_map(|&role| Some(guild?.role(role)?.name.clone()))
                .collect(),
            everyone: message.pings.everyone,
            reached: world
                .people_pinged(channel, &message.pings)
                .iter()
                .map(name)
                .collect(),
        }
    }
}
