//! The application, its gateway and its commands.

use serde_json::{Value, json};

use super::error::ApiError;
use super::{Reply, Visit};
use crate::snowflake::Snowflake;
use crate::validate::{Issues, command};
use crate::world::World;
use crate::world::command::{Command, Fresh, MAX_COMMANDS, patched};

pub(super) fn gateway(world: &mut World, _visit: &Visit<'_>) -> Result<Reply, ApiError> {
    Reply::ok(json!({ "url": world.gateway_url() }))
}

pub(super) fn gateway_bot(world: &mut World, _visit: &Visit<'_>) -> Result<Reply, ApiError> {
    Reply::ok(json!({
        "url": world.gateway_url(),
        "shards": 1,
        "session_start_limit": {
            "total": 1000,
            "remaining": 1000_u64.saturating_sub(world.gateway.identified),
            "reset_after": 86_400_000,
            "max_concurrency": 1,
        },
    }))
}

pub(super) fn current(world: &mut World, _visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let owner = world
        .guilds
        .values()
        .next()
        .map(|guild| world.user_json(guild.owner));
    Reply::ok(json!({
        "id": world.application,
        "name": world.options.bot_name,
        "icon": null,
        "description": "",
        "summary": "",
        "type": null,
        "bot": world.user_json(world.bot),
        "bot_public": false,
        "bot_require_code_grant": false,
        "verify_key": format!("{:064x}", world.application.get()),
        "flags": 0,
        "owner": owner,
        "team": null,
        "redirect_uris": [],
        "interactions_endpoint_url": null,
        "role_connections_verification_url": null,
        "approximate_guild_count": world.guilds.len(),
        "approximate_user_install_count": 0,
        "hook": true,
        "is_monetized": false,
        "integration_types_config": { "0": {} },
    }))
}

/// The scope of a command route: a guild, or everywhere.
fn scope(world: &World, visit: &Visit<'_>) -> Result<Option<Snowflake>, ApiError> {
    if visit.id("application")? != world.application {
        return Err(ApiError::unknown_application());
    }
    if visit.text("guild").is_empty() {
        return Ok(None);
    }
    let guild = visit.id("guild")?;
    world.bot_guild(guild)?;
    Ok(Some(guild))
}

fn found<'a>(world: &'a World, visit: &Visit<'_>) -> Result<&'a Command, ApiError> {
    let guild = scope(world, visit)?;
    world
        .commands
        .get(&visit.id("command")?)
        .filter(|command| command.guild == guild)
        .ok_or_else(ApiError::unknown_command)
}

pub(super) fn list(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let scope = scope(world, visit)?;
    Reply::ok(
        world
            .commands_of(scope)
            .into_iter()
            .map(|command| command.json.clone())
            .collect(),
    )
}

pub(super) fn overwrite(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let scope = scope(world, visit)?;
    let Value::Array(bodies) = &visit.body.json else {
        return Err(ApiError::bad_request());
    };
    if bodies.len() > MAX_COMMANDS {
        return Err(ApiError::too_many_commands());
    }
    let mut issues = Issues::default();
    command::commands(&mut issues, bodies);
    issues.finish()?;
    let commands = world.overwrite_commands(scope, bodies);
    world.tell_page("commands", json!({}));
    Reply::ok(Value::Array(commands))
}

pub(super) fn create(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let scope = scope(world, visit)?;
    let body = &visit.body.json;
    checked(body)?;
    let is_new = !world
        .commands_of(scope)
        .iter()
        .any(|command| body["name"] == command.name.as_str());
    if is_new && world.commands_of(scope).len() >= MAX_COMMANDS {
        return Err(ApiError::too_many_commands());
    }
    let (id, fresh) = world.register(scope, body);
    world.tell_page("commands", json!({}));
    let status = match fresh {
        Fresh::Yes => 201,
        Fresh::No => 200,
    };
    Ok(Reply::Json(status, world.commands[&id].json.clone()))
}

pub(super) fn get(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    Reply::ok(found(world, visit)?.json.clone())
}

pub(super) fn change(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let command = found(world, visit)?;
    let (id, guild) = (command.id, command.guild);
    let merged = patched(&command.json, &visit.body.json);
    checked(&merged)?;
    world.store_command(id, guild, &merged);
    world.tell_page("commands", json!({}));
    Reply::ok(world.commands[&id].json.clone())
}

pub(super) fn delete(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let id = found(world, visit)?.id;
    world.commands.remove(&id);
    world.tell_page("commands", json!({}));
    Ok(Reply::Empty)
}

fn checked(body: &Value) -> Result<(), ApiError> {
    let mut issues = Issues::default();
    command::command(&mut issues, "", body);
    issues.finish()
}
