//! Turns what a person types into the options that Discord's client sends.

use serde_json::{Value, json};

use crate::snowflake::Snowflake;
use crate::world::World;
use crate::world::given::ATTACHMENT;
use crate::world::invoke::Refusal;

/// The command's id and its options, nested in the subcommands that its name goes through. The options that are given a
/// file have its number for their value.
pub(super) fn command(
    world: &World,
    channel: Snowflake,
    typed: &str,
    options: &[(&str, &str)],
    files: &[&str],
    focused: Option<(&str, &str)>,
) -> Result<(Snowflake, Value), Refusal> {
    let guild = world.channels.get(&channel).and_then(|found| found.guild);
    let mut words = typed.trim_start_matches('/').split_whitespace();
    let name = words.next().unwrap_or_default();
    let command = world
        .command_named(guild, name)
        .ok_or_else(|| Refusal::new(format!("There is no command /{name}.")))?;
    let mut level = &command.json;
    let mut path = Vec::new();
    for word in words {
        level = nested(level, word, &[1, 2])
            .ok_or_else(|| Refusal::new(format!("/{name} has no subcommand {word}.")))?;
        path.push((level["type"].clone(), word));
    }
    let mut values = Vec::new();
    for &(option, text) in options {
        let registered = named(level, option)?;
        let value = value(world, guild, registered, text)?;
        values.push(json!({ "name": option, "type": registered["type"], "value": value }));
    }
    for (number, &option) in files.iter().enumerate() {
        if named(level, option)?["type"] != ATTACHMENT {
            return Err(Refusal::new(format!("The option {option} takes no file.")));
        }
        values.push(json!({ "name": option, "type": ATTACHMENT, "value": number.to_string() }));
    }
    if let Some((option, text)) = focused {
        let registered = named(level, option)?;
        values.push(json!({
            "name": option,
            "type": registered["type"],
            "value": text,
            "focused": true,
        }));
    }
    let nested = path.into_iter().rev().fold(
        Value::Array(values),
        |inner, (kind, word)| json!([{ "name": word, "type": kind, "options": inner }]),
    );
    Ok((command.id, nested))
}

fn nested<'a>(level: &'a Value, name: &str, kinds: &[u64]) -> Option<&'a Value> {
    level["options"].as_array()?.iter().find(|option| {
        option["name"] == name && option["type"].as_u64().is_some_and(|kind| kinds.contains(&kind))
    })
}

fn named<'a>(level: &'a Value, option: &str) -> Result<&'a Value, Refusal> {
    nested(level, option, &[3, 4, 5, 6, 7, 8, 9, 10, ATTACHMENT]).ok_or_else(|| {
        Refusal::new(format!(
            "{} has no option {option}.",
            level["name"].as_str().unwrap_or_default()
        ))
    })
}

/// A typed text as a value of its option's type.
fn value(world: &World, guild: Option<Snowflake>, option: &Value, text: &str) -> Result<Value, Refusal> {
    if option["type"] == ATTACHMENT {
        return Err(Refusal::new(format!(
            "The option {} takes a file, not a text.",
            option["name"].as_str().unwrap_or_default()
        )));
    }
    let choices = option["choices"].as_array().map_or(&[][..], Vec::as_slice);
    if let Some(choice) = choices.iter().find(|choice| choice["name"] == text) {
        return Ok(choice["value"].clone());
    }
    let found = match option["type"].as_u64() {
        Some(3) => Some(json!(text)),
        Some(4) => text.parse::<i64>().ok().map(|number| json!(number)),
        Some(5) => text.parse::<bool>().ok().map(|truth| json!(truth)),
        Some(10) => text.parse::<f64>().ok().map(|number| json!(number)),
        Some(kind) => id(world, guild, kind, text).map(|id| json!(id)),
        None => None,
    };
    found.ok_or_else(|| {
        Refusal::new(format!(
            "{text} is not a value for the option {}.",
            option["name"].as_str().unwrap_or_default()
        ))
    })
}

/// The user, channel or role that a text names, by name, id or mention.
fn id(world: &World, guild: Option<Snowflake>, kind: u64, text: &str) -> Option<Snowflake> {
    let bare = text.trim_matches(['<', '>', '@', '#', '&', '!']);
    let guild = guild.and_then(|guild| world.guilds.get(&guild));
    let user = || {
        world
            .users
            .values()
            .find(|user| user.display == bare || user.username == bare)
            .map(|user| user.id)
    };
    let role = || Some(guild?.role_named(bare)?.id);
    let channel = || {
        world
            .channels
            .values()
            .find(|channel| channel.name == bare && channel.guild == guild.map(|guild| guild.id))
            .map(|channel| channel.id)
    };
    bare.parse().ok().or_else(|| match kind {
        6 => user(),
        7 => channel(),
        8 => role(),
        9 => user().or_else(role),
        _ => None,
    })
}
