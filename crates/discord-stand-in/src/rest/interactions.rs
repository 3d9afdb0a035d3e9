//! Callbacks, and the webhook routes that an interaction's token opens.

use serde_json::Value;

use super::error::ApiError;
use super::messages::says_nothing;
use super::{Reply, Visit};
use crate::snowflake::Snowflake;
use crate::validate::message;
use crate::world::World;
use crate::world::interaction::InteractionKind;

pub(super) fn callback(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let id = visit.id("interaction")?;
    let token = visit.text("token");
    let interaction = world.awaiting(id, token)?;
    let (channel, kind) = (interaction.channel, interaction.kind);
    let from_component = interaction.component_message.is_some();
    let body = &visit.body.json;
    message::callback(body, visit.body.files.len())?;
    let response = body["type"].as_u64().unwrap_or_default();
    let fits = match response {
        1 => return Ok(Reply::Empty),
        8 => kind == InteractionKind::Autocomplete,
        9 => matches!(kind, InteractionKind::Command | InteractionKind::Component),
        6 | 7 => kind != InteractionKind::Autocomplete && from_component,
        _ => kind != InteractionKind::Autocomplete,
    };
    if !fits {
        let mut issues = crate::validate::Issues::default();
        issues.add(
            "type",
            "INTERACTION_CALLBACK_TYPE_INVALID",
            format!("A response of type {response} does not fit this interaction."),
        );
        return issues.finish().map(|()| Reply::Empty);
    }
    let listed = &body["data"]["attachments"];
    let attachments = world.store_files(channel, listed, &visit.body.files, &[]);
    world.respond(id, token, body, attachments)?;
    if visit.is_true("with_response") {
        return Reply::ok(world.callback_json(id, response));
    }
    Ok(Reply::Empty)
}

pub(super) fn follow_up(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let (application, token) = (visit.id("application")?, visit.text("token"));
    let channel = world.by_token(application, token)?.channel;
    let body = visit.body.json.clone();
    message::new_message(&body, visit.body.files.len())?;
    let listed = &body["attachments"];
    let attachments = world.store_files(channel, listed, &visit.body.files, &[]);
    let (channel, id) = world.follow_up(application, token, body, attachments)?;
    shown(world, channel, id)
}

fn named(world: &World, visit: &Visit<'_>) -> Result<(Snowflake, Snowflake), ApiError> {
    let (application, token) = (visit.id("application")?, visit.text("token"));
    world.webhook_message(application, token, visit.text("message"))
}

pub(super) fn get(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let (channel, id) = named(world, visit)?;
    shown(world, channel, id)
}

pub(super) fn edit(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let (channel, id) = named(world, visit)?;
    edit_message(world, visit, channel, id)?;
    let interaction = world.by_token(visit.id("application")?, visit.text("token"))?.id;
    world.tell_of_interaction(interaction, "done", None);
    shown(world, channel, id)
}

pub(super) fn delete(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let (channel, id) = named(world, visit)?;
    world.delete(channel, id)?;
    Ok(Reply::Empty)
}

/// Lays a PATCH body over a message, unless nothing would be left of it.
pub(super) fn edit_message(
    world: &mut World,
    visit: &Visit<'_>,
    channel: Snowflake,
    id: Snowflake,
) -> Result<(), ApiError> {
    let body = &visit.body.json;
    message::message(body)?;
    let found = world.message(channel, id).ok_or_else(ApiError::unknown_message)?;
    let before = found.attachments.clone();
    if says_nothing(found, body) && visit.body.files.is_empty() {
        return Err(ApiError::empty_message());
    }
    let touched = body.get("attachments").is_some() || !visit.body.files.is_empty();
    let attachments = touched.then(|| {
        let listed = match &body["attachments"] {
            Value::Null => &Value::Null,
            listed => listed,
        };
        // Files added without a list leave those that are there.
        if body.get("attachments").is_some() {
            world.store_files(channel, listed, &visit.body.files, &before)
        } else {
            let mut all = before.clone();
            all.extend(world.store_files(channel, listed, &visit.body.files, &[]));
            all
        }
    });
    world.edit(channel, id, body, attachments)
}

fn shown(world: &World, channel: Snowflake, id: Snowflake) -> Result<Reply, ApiError> {
    let message = world.message(channel, id).ok_or_else(ApiError::unknown_message)?;
    Reply::ok(world.message_json(message))
}
