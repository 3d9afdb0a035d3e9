//! The choices that open as somebody types.

use serenity::all::{
    AutocompleteChoice, CommandDataOptionValue, CommandInteraction, CommandOptionType,
    CreateAutocompleteResponse, CreateInteractionResponse, Http,
};
use tracing::error;

use super::Bot;
use super::find::{self, Choice, For};
use super::reply::Asker;
use crate::domain::ids::{ChannelId, DeploymentId, GuildId};
use crate::domain::text::Environment;
use crate::engine::{Fault, Filter, HandleError, Origin};

impl Bot {
    pub(super) async fn autocomplete(&self, http: &Http, command: CommandInteraction) {
        let asker = Asker {
            id: command.id,
            token: command.token.clone(),
        };
        let choices = match self.choices(&command).await {
            Ok(choices) => choices,
            Err(HandleError::Refused(_)) => Vec::new(),
            Err(HandleError::Fault(fault)) => {
                error!(error = %fault, "choices could not be found");
                Vec::new()
            }
        };
        let kind = command.data.autocomplete().map(|focused| focused.kind);
        let choices = choices
            .into_iter()
            .map(|choice| match choice.value.parse::<u64>() {
                // Discord wants the value of a number's choice to be a number.
                Ok(number) if kind == Some(CommandOptionType::Integer) => {
                    AutocompleteChoice::new(choice.name, number)
                }
                _ => AutocompleteChoice::new(choice.name, choice.value),
            })
            .collect();
        let response =
            CreateInteractionResponse::Autocomplete(CreateAutocompleteResponse::new().set_choices(choices));
        asker.choices(http, response).await;
    }

    async fn choices(&self, command: &CommandInteraction) -> Result<Vec<Choice>, HandleError> {
        let Some(focused) = command.data.autocomplete() else {
            return Ok(Vec::new());
        };
        let Some(guild) = command.guild_id.map(|guild| GuildId(guild.get())) else {
            return Ok(Vec::new());
        };
        let word = command
            .data
            .options
            .first()
            .map_or("", |subcommand| subcommand.name.as_str());
        let typed = focused.value;
        match focused.name {
            "checklist" => {
                let entries = self.engine.catalog().entries_in(guild);
                let named: Vec<_> = entries
                    .iter()
                    .filter(|entry| match word {
                        "start" => entry.first_error().is_none(),
                        "remove" => matches!(entry.origin, Origin::Imported { .. }),
                        _ => true,
                    })
                    .map(|entry| {
                        let name = entry.checklist.name.as_str();
                        (format!("{name} · {}", entry.checklist.title), name)
                    })
                    .collect();
                return Ok(find::choices(typed, &named));
            }
            "environment" => return Ok(self.environments(guild, typed).await?),
            "role" if command.data.name == "owner" => return Ok(self.roles_anywhere(guild, typed).await?),
            _ => {}
        }
        if focused.name == "deployment" {
            return Ok(self.running(guild, typed).await?);
        }
        let named = command
            .data
            .options
            .first()
            .and_then(|subcommand| match &subcommand.value {
                CommandDataOptionValue::SubCommand(options) => options
                    .iter()
                    .find(|option| option.name == "deployment")
                    .and_then(|option| match option.value {
                        CommandDataOptionValue::Integer(id) => Some(DeploymentId(id)),
                        _ => None,
                    }),
                _ => None,
            });
        let channel = ChannelId(command.channel_id.get());
        let id = match named {
            Some(id) => Some(id),
            None => self.engine.deployment_of_channel(channel).await?,
        };
        let Some(id) = id else { return Ok(Vec::new()) };
        let deployment = self.engine.deployment(id, guild).await?;
        Ok(match (focused.name, word) {
            ("item", "untick") => find::items(&deployment, typed, For::Reopening),
            ("item", "note" | "assign" | "unblock") => find::items(&deployment, typed, For::Anything),
            ("item", _) => find::items(&deployment, typed, For::Closing),
            ("section", _) => find::sections(&deployment.checklist, typed),
            ("what", _) => {
                let mut choices = find::sections(&deployment.checklist, typed);
                let checked = find::items(&deployment, typed, For::Anything)
                    .into_iter()
                    .filter(|choice| {
                        let id = crate::domain::ids::ItemId::new(&choice.value);
                        deployment
                            .checklist
                            .item(&id)
                            .is_some_and(|(_, item)| !item.checks.is_empty())
                    });
                choices.truncate(12);
                choices.extend(checked.take(13));
                choices
            }
            ("blank", _) => find::blanks(&deployment, typed),
            ("role", _) => {
                let named: Vec<_> = deployment
                    .checklist
                    .sign_offs
                    .values()
                    .map(|rule| (format!("{} · {}", rule.key, rule.title), rule.key.as_str()))
                    .collect();
                find::choices(typed, &named)
            }
            _ => Vec::new(),
        })
    }

    async fn running(&self, guild: GuildId, typed: &str) -> Result<Vec<Choice>, Fault> {
        let listed = self.engine.deployments(guild, Filter::All, 100).await?;
        let named: Vec<(String, String)> = listed
            .into_iter()
            .map(|listed| {
                (
                    format!(
                        "{} {} {} → {}",
                        listed.id, listed.title, listed.version, listed.environment
                    ),
                    listed.id.0.to_string(),
                )
            })
            .collect();
        let named: Vec<(String, &str)> = named
            .iter()
            .map(|(name, id)| (name.clone(), id.as_str()))
            .collect();
        Ok(find::choices(typed, &named))
    }

    /// Environments that were deployed to before, and the usual ones.
    async fn environments(&self, guild: GuildId, typed: &str) -> Result<Vec<Choice>, Fault> {
        let listed = self.engine.deployments(guild, Filter::All, 100).await?;
        let mut names: Vec<String> = Vec::new();
        let known = listed.into_iter().map(|listed| listed.environment);
        for name in known.chain(["staging", "production"].map(str::to_owned)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let named: Vec<(String, &str)> = names.iter().map(|name| (name.clone(), name.as_str())).collect();
        let mut choices = find::choices(typed, &named);
        // What is typed is as good as what is known.
        let fits = typed.trim().chars().count() <= Environment::LIMIT;
        if fits && !typed.trim().is_empty() && !choices.iter().any(|choice| choice.value == typed) {
            choices.truncate(24);
            choices.insert(0, Choice::new(typed, typed.trim()));
        }
        Ok(choices)
    }

    /// Sign-off roles of all checklists, and those that somebody holds already.
    async fn roles_anywhere(&self, guild: GuildId, typed: &str) -> Result<Vec<Choice>, Fault> {
        let owners = self.engine.owners(guild).await?;
        let entries = self.engine.catalog().entries_in(guild);
        let mut named: Vec<(String, &str)> = Vec::new();
        for rule in entries
            .iter()
            .flat_map(|entry| entry.checklist.sign_offs.values())
        {
            if !named.iter().any(|(_, key)| *key == rule.key.as_str()) {
                named.push((format!("{} · {}", rule.key, rule.title), rule.key.as_str()));
            }
        }
        for role in owners.0.keys() {
            if !named.iter().any(|(_, key)| *key == role.as_str()) {
                named.push((role.as_str().to_owned(), role.as_str()));
            }
        }
        Ok(find::choices(typed, &named))
    }
}
