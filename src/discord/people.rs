//! People, as Discord describes them: who acts, with which roles, and under which name.

use std::collections::{BTreeSet, HashMap};
use std::sync::{PoisonError, RwLock};

use serenity::all::{Http, HttpError, Member};

use crate::domain::deployment::{Deployment, ItemState};
use crate::domain::event::Actor;
use crate::domain::ids::{DiscordRoleId, GuildId, UserId};
use crate::domain::rights::Person;

/// Names of people, as last seen.
#[derive(Default)]
pub(super) struct People(RwLock<HashMap<(GuildId, UserId), String>>);

impl People {
    /// Who a member is when they act. Discord sends an interaction's member with the permissions they have there.
    pub(super) fn acting(&self, guild: GuildId, member: &Member) -> Person {
        self.saw(guild, member);
        Person {
            id: UserId(member.user.id.get()),
            discord_roles: member
                .roles
                .iter()
                .map(|role| DiscordRoleId(role.get()))
                .collect(),
            manages_server: member
                .permissions
                .is_some_and(serenity::all::Permissions::manage_guild),
        }
    }

    /// Looks a member up, with the roles they have now. No bot is anybody, nor is who has left the server.
    pub(super) async fn look_up(
        &self,
        http: &Http,
        guild: GuildId,
        user: UserId,
    ) -> Result<Option<Person>, serenity::Error> {
        let member = http
            .get_member(
                serenity::all::GuildId::new(guild.0),
                serenity::all::UserId::new(user.0),
            )
            .await;
        let member = match member {
            Err(serenity::Error::Http(HttpError::UnsuccessfulRequest(response)))
                if response.status_code.as_u16() == 404 =>
            {
                return Ok(None);
            }
            member => member?,
        };
        if member.user.bot {
            return Ok(None);
        }
        Ok(Some(self.acting(guild, &member)))
    }

    fn saw(&self, guild: GuildId, member: &Member) {
        let key = (guild, UserId(member.user.id.get()));
        let name = member.display_name();
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if known.get(&key).is_some_and(|known| known == name) {
            return;
        }
        drop(known);
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, name.to_owned());
    }
}

/// The names of all who had a part in a deployment, for a document that leaves Discord. Who has left keeps their number.
pub(super) async fn names_in(http: &Http, deployment: &Deployment) -> HashMap<UserId, String> {
    let mut names = HashMap::new();
    for user in taking_part(deployment) {
        let member = http
            .get_member(
                serenity::all::GuildId::new(deployment.guild.0),
                serenity::all::UserId::new(user.0),
            )
            .await;
        let name = member.map_or_else(
            |_| format!("user {user}"),
            |member| member.display_name().to_owned(),
        );
        names.insert(user, name);
    }
    names
}

fn taking_part(deployment: &Deployment) -> BTreeSet<UserId> {
    let of_items = deployment.items.iter().flat_map(|progress| {
        let by = match &progress.state {
            ItemState::Open => None,
            ItemState::Ticked { by, .. } | ItemState::Skipped { by, .. } | ItemState::Blocked { by, .. } => {
                Some(*by)
            }
        };
        by.and_then(person).into_iter().chain(progress.assignee)
    });
    let of_blanks = deployment.blanks.values().filter_map(|filled| person(filled.by));
    let of_notes = deployment.notes.iter().filter_map(|note| person(note.by));
    let of_sign_offs = deployment.sign_offs.values().flat_map(|sign_off| {
        let rejection = sign_off.rejection.as_ref().map(|rejection| rejection.by);
        sign_off
            .signatures
            .iter()
            .map(|signature| signature.by)
            .chain(rejection)
    });
    let of_decision = deployment
        .decision
        .as_ref()
        .and_then(|decided| person(decided.by));
    let of_end = deployment
        .finished
        .as_ref()
        .and_then(|finished| person(finished.by));
    deployment
        .started_by
        .into_iter()
        .chain(of_items)
        .chain(of_blanks)
        .chain(of_notes)
        .chain(of_sign_offs)
        .chain(of_decision)
        .chain(of_end)
        .collect()
}

fn person(actor: Actor) -> Option<UserId> {
    match actor {
        Actor::Person(person) => Some(person),
        Actor::CheckRunner | Actor::Timer | Actor::Document => None,
    }
}
