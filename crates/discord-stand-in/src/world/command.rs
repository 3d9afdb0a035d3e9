//! The commands that the application has registered.

use serde_json::{Map, Value, json};

use super::World;
use crate::snowflake::Snowflake;

/// How many chat-input commands a scope can have.
pub(crate) const MAX_COMMANDS: usize = 100;

/// A registered command, in Discord's JSON.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) id: Snowflake,
    pub(crate) guild: Option<Snowflake>,
    pub(crate) name: String,
    pub(crate) kind: u64,
    pub(crate) json: Value,
}

impl World {
    pub(crate) fn commands_of(&self, guild: Option<Snowflake>) -> Vec<&Command> {
        self.commands
            .values()
            .filter(|command| command.guild == guild)
            .collect()
    }

    /// The command of that name that people see in the guild: the guild's own before the global one.
    pub(crate) fn command_named(&self, guild: Option<Snowflake>, name: &str) -> Option<&Command> {
        let find = |scope| {
            self.commands
                .values()
                .find(|command| command.guild == scope && command.name == name && command.kind == 1)
        };
        guild.and_then(|guild| find(Some(guild))).or_else(|| find(None))
    }

    /// Registers a valid command; one of the same name and type in the scope is replaced and keeps its id.
    pub(crate) fn register(&mut self, guild: Option<Snowflake>, body: &Value) -> (Snowflake, Fresh) {
        let name = body["name"].as_str().unwrap_or_default().to_owned();
        let kind = body["type"].as_u64().unwrap_or(1);
        let known = self
            .commands
            .values()
            .find(|command| command.guild == guild && command.name == name && command.kind == kind)
            .map(|command| command.id);
        let fresh = if known.is_some() { Fresh::No } else { Fresh::Yes };
        let id = known.unwrap_or_else(|| self.new_id());
        self.store_command(id, guild, body);
        (id, fresh)
    }

    /// Stores a command under its id with every field that Discord fills in.
    pub(crate) fn store_command(&mut self, id: Snowflake, guild: Option<Snowflake>, body: &Value) {
        let version = self.new_id();
        let mut json = json!({
            "id": id,
            "application_id": self.application,
            "version": version,
            "type": 1,
            "default_member_permissions": null,
            "dm_permission": true,
            "name_localizations": null,
            "description": "",
            "description_localizations": null,
            "nsfw": false,
            "integration_types": [0],
            "contexts": null,
        });
        for (key, value) in body.as_object().into_iter().flatten() {
            let stored = key == "options" || key == "name" || !value.is_null();
            if stored && !matches!(key.as_str(), "id" | "application_id" | "version" | "guild_id") {
                json[key] = value.clone();
            }
        }
        if let Some(guild) = guild {
            json["guild_id"] = json!(guild);
        }
        let name = body["name"].as_str().unwrap_or_default().to_owned();
        let kind = json["type"].as_u64().unwrap_or(1);
        self.commands.insert(
            id,
            Command {
                id,
                guild,
                name,
                kind,
                json,
            },
        );
    }

    /// Replaces all commands of a scope.
    pub(crate) fn overwrite_commands(&mut self, guild: Option<Snowflake>, bodies: &[Value]) -> Vec<Value> {
        let kept: Vec<Snowflake> = bodies.iter().map(|body| self.register(guild, body).0).collect();
        self.commands
            .retain(|id, command| command.guild != guild || kept.contains(id));
        kept.iter()
            .filter_map(|id| self.commands.get(id))
            .map(|command| command.json.clone())
            .collect()
    }
}

/// Whether a registration made a new command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fresh {
    Yes,
    No,
}

/// Lays a PATCH body over a command.
pub(crate) fn patched(command: &Value, body: &Value) -> Value {
    let mut merged: Map<String, Value> = command.as_object().cloned().unwrap_or_default();
    for (key, value) in body.as_object().into_iter().flatten() {
        merged.insert(key.clone(), value.clone());
    }
    Value::Object(merged)
}
