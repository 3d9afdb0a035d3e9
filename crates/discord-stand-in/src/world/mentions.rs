//! Who a message pings: its content's mentions, held against `allowed_mentions`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::World;
use crate::permissions::MENTION_EVERYONE;
use crate::snowflake::Snowflake;

/// The pings of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mentions {
    pub(crate) users: BTreeSet<Snowflake>,
    pub(crate) roles: BTreeSet<Snowflake>,
    pub(crate) everyone: bool,
}

/// What `allowed_mentions` lets through of one kind of mention.
#[derive(Debug, PartialEq, Eq)]
enum Allowed {
    All,
    These(BTreeSet<Snowflake>),
}

/// The mentions that a text names, before anything is allowed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Named {
    users: BTreeSet<Snowflake>,
    roles: BTreeSet<Snowflake>,
    everyone: bool,
}

impl Allowed {
    /// Reads one kind: no object allows all, `parse` with the kind's name allows all, else the list does.
    fn read(allowed_mentions: &Value, kind: &str) -> Self {
        let Some(object) = allowed_mentions.as_object() else {
            return Self::All;
        };
        let parses = object
            .get("parse")
            .and_then(Value::as_array)
            .is_some_and(|kinds| kinds.iter().any(|name| name == kind));
        if parses {
            return Self::All;
        }
        let listed = object.get(kind).and_then(Value::as_array);
        Self::These(
            listed
                .into_iter()
                .flatten()
                .filter_map(|id| id.as_str()?.parse().ok())
                .collect(),
        )
    }

    fn lets(&self, id: Snowflake) -> bool {
        match self {
            Self::All => true,
            Self::These(ids) => ids.contains(&id),
        }
    }
}

impl World {
    /// Works out whom a message by `author` pings.
    ///
    /// Without `allowed_mentions` every mention does. A role that not everyone may ping, `@everyone` and `@here` need
    /// the author's permission. The author of a message replied to is pinged unless `allowed_mentions` is given
    /// without `replied_user`.
    pub(crate) fn mentions(
        &self,
        channel: Snowflake,
        author: Snowflake,
        content: &str,
        allowed_mentions: &Value,
        replied_to: Option<Snowflake>,
    ) -> Mentions {
        let named = find(content);
        let guild = self
            .channels
            .get(&channel)
            .and_then(|channel| channel.guild)
            .and_then(|guild| self.guilds.get(&guild));
        let may_ping_all = guild.is_none_or(|guild| guild.permissions_of(author) & MENTION_EVERYONE != 0);
        let users = Allowed::read(allowed_mentions, "users");
        let roles = Allowed::read(allowed_mentions, "roles");
        let mut mentions = Mentions {
            users: named
                .users
                .into_iter()
                .filter(|&id| users.lets(id) && self.users.contains_key(&id))
                .collect(),
            roles: named
                .roles
                .into_iter()
                .filter(|&id| {
                    roles.lets(id)
                        && guild
                            .and_then(|guild| guild.role(id))
                            .is_some_and(|role| role.mentionable || may_ping_all)
                })
                .collect(),
            everyone: named.everyone
                && guild.is_some()
                && may_ping_all
                && Allowed::read(allowed_mentions, "everyone") == Allowed::All,
        };
        if let Some(replied_to) = replied_to {
            let pings = allowed_mentions
                .as_object()
                .is_none_or(|object| object.get("replied_user") == Some(&Value::Bool(true)));
            if pings {
                mentions.users.insert(replied_to);
            }
        }
        mentions
    }

    /// Everyone of the guild whom the mentions reach: by name, by role, or with all.
    pub(crate) fn people_pinged(&self, channel: Snowflake, mentions: &Mentions) -> BTreeSet<Snowflake> {
        let mut people = mentions.users.clone();
        let guild = self
            .channels
            .get(&channel)
            .and_then(|channel| channel.guild)
            .and_then(|guild| self.guilds.get(&guild));
        for (&user, member) in guild.into_iter().flat_map(|guild| &guild.members) {
            let by_role = member.roles.iter().any(|role| mentions.roles.contains(role));
            if mentions.everyone || by_role {
                people.insert(user);
            }
        }
        people
    }
}

/// Finds the mentions of a text outside its code spans and code blocks, where Discord finds none.
fn find(content: &str) -> Named {
    let mut named = Named::default();
    let mut rest = content;
    while let Some(letter) = rest.chars().next() {
        if letter == '`' {
            rest = after_code(rest);
        } else if letter == '<' {
            rest = after_mention(rest, &mut named);
        } else if rest.starts_with("@everyone") || rest.starts_with("@here") {
            named.everyone = true;
            rest = &rest[1..];
        } else {
            rest = &rest[letter.len_utf8()..];
        }
    }
    named
}

/// What follows the code that begins here, or what follows the backticks when nothing closes them.
fn after_code(text: &str) -> &str {
    let inside = text.trim_start_matches('`');
    let fence = &text[..text.len() - inside.len()];
    match inside.find(fence) {
        Some(end) => &inside[end + fence.len()..],
        None => inside,
    }
}

/// Notes the mention that begins here, if one does, and gives what follows.
fn after_mention<'a>(text: &'a str, named: &mut Named) -> &'a str {
    let after_bracket = &text[1..];
    let Some(end) = after_bracket.find('>') else {
        return after_bracket;
    };
    let inside = &after_bracket[..end];
    let (ids, number) = if let Some(number) = inside.strip_prefix("@&") {
        (&mut named.roles, number)
    } else if let Some(number) = inside.strip_prefix("@!") {
        (&mut named.users, number)
    } else if let Some(number) = inside.strip_prefix('@') {
        (&mut named.users, number)
    } else {
        return after_bracket;
    };
    match number.parse() {
        Ok(id) => {
            ids.insert(id);
            &after_bracket[end + 1..]
        }
        Err(_) => after_bracket,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_hides_mentions_and_an_open_backtick_does_not() {
        let named = find("`<@1>` <@2> ```\n<@3> @everyone``` <@!4> <@&5> ` <@6>");
        assert_eq!(named.users, [2, 4, 6].map(Snowflake::new).into());
        assert_eq!(named.roles, [5].map(Snowflake::new).into());
        assert!(!named.everyone);
        assert!(find("now @here").everyone);
    }

    #[test]
    fn broken_mentions_name_nobody() {
        assert_eq!(find("<@> <@x> <@1 <#3> <:a:4>"), Named::default());
    }
}
