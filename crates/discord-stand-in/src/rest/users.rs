//! Users and direct messages.

use serde_json::{Value, json};

use super::error::ApiError;
use super::{Reply, Visit};
use crate::snowflake::Snowflake;
use crate::validate::Issues;
use crate::world::World;
use crate::world::guild::UserKind;

pub(super) fn me(world: &mut World, _visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let mut user = world.user_json(world.bot);
    user["verified"] = json!(true);
    user["mfa_enabled"] = json!(false);
    user["locale"] = json!("en-US");
    user["premium_type"] = json!(0);
    user["email"] = Value::Null;
    Reply::ok(user)
}

pub(super) fn guilds(world: &mut World, _visit: &Visit<'_>) -> Result<Reply, ApiError> {
    Reply::ok(
        world
            .guilds
            .values()
            .filter(|guild| guild.members.contains_key(&world.bot))
            .map(|guild| {
                json!({
                    "id": guild.id,
                    "name": guild.name,
                    "icon": null,
                    "banner": null,
                    "owner": guild.owner == world.bot,
                    "permissions": guild.permissions_of(world.bot).to_string(),
                    "features": [],
                })
            })
            .collect(),
    )
}

pub(super) fn get(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let id = visit.id("user")?;
    let user = world.users.get(&id).ok_or_else(ApiError::unknown_user)?;
    Reply::ok(user.json())
}

pub(super) fn open_direct_channel(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let asked = &visit.body.json["recipient_id"];
    let id = match asked {
        Value::String(id) => id.parse().ok(),
        Value::Number(id) => id.as_u64().map(Snowflake::new),
        _ => None,
    };
    let Some(id) = id else {
        let mut issues = Issues::default();
        issues.required("recipient_id");
        return issues.finish().map(|()| Reply::Empty);
    };
    let user = world.users.get(&id).ok_or_else(ApiError::unknown_user)?;
    if user.kind == UserKind::Bot {
        return Err(ApiError::cannot_message_user());
    }
    let channel = world.direct_channel(id);
    Reply::ok(world.channel_json(channel))
}
