//! The world as the options describe it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::broadcast;

use super::World;
use super::channel::{Channel, ChannelKind};
use super::guild::{Guild, Member, Role, User, UserKind};
use crate::clock::Clock;
use crate::gateway::session::Sessions;
use crate::options::{BotMembership, GuildSeed, Mentionable, Options};
use crate::permissions;
use crate::snowflake::Snowflake;

/// How many page events a slow page may fall behind before it is told to fetch again.
const PAGE_BACKLOG: usize = 4096;

/// Builds the world that the options describe.
pub(crate) fn new_world(clock: Arc<Clock>, options: &Arc<Options>, base: String) -> World {
    let mut world = World {
        clock,
        base,
        application: Snowflake::new(0),
        bot: Snowflake::new(0),
        users: BTreeMap::new(),
        guilds: BTreeMap::new(),
        channels: BTreeMap::new(),
        messages: HashMap::new(),
        commands: BTreeMap::new(),
        interactions: BTreeMap::new(),
        tokens: HashMap::new(),
        files: HashMap::new(),
        given: HashMap::new(),
        nonces: HashMap::new(),
        gateway: Sessions::new(options.resume_buffer, options.resume_window),
        page: broadcast::Sender::new(PAGE_BACKLOG),
        last_id: 0,
        founding_ms: options.founded_ms,
        options: Arc::clone(options),
    };
    // Discord gives an application and its bot user the same id since 2017.
    let bot = world.add_user(&options.bot_name, UserKind::Bot);
    world.bot = bot;
    world.application = bot;
    for seed in &options.guilds {
        world.add_guild(seed);
    }
    world.founding_ms = None;
    world
}

impl World {
    pub(crate) fn add_user(&mut self, name: &str, kind: UserKind) -> Snowflake {
        let id = self.new_id();
        self.users.insert(id, User::new(id, name, kind));
        id
    }

    fn add_guild(&mut self, seed: &GuildSeed) {
        let guild_id = self.new_id();
        let joined_ms = self.clock.now_ms();
        let mut roles = vec![Role {
            id: guild_id,
            name: "@everyone".to_owned(),
            color: 0,
            permissions: permissions::USUAL_FOR_EVERYONE,
            mentionable: false,
            position: 0,
            managed_by: None,
        }];
        for (position, role) in (1..).zip(&seed.roles) {
            roles.push(Role {
                id: self.new_id(),
                name: role.name.clone(),
                color: role.color,
                permissions: role.permissions,
                mentionable: role.mentionable == Mentionable::ByEveryone,
                position,
                managed_by: None,
            });
        }
        let mut members = BTreeMap::new();
        let mut owner = None;
        for person in &seed.people {
            let known = self
                .users
                .values()
                .find(|user| user.display == person.name && user.kind == UserKind::Person);
            let user = match known {
                Some(user) => user.id,
                None => self.add_user(&person.name, UserKind::Person),
            };
            owner.get_or_insert(user);
            let role_ids = person
                .roles
                .iter()
                .filter_map(|name| roles.iter().find(|role| role.name == *name))
                .map(|role| role.id)
                .collect();
            members.insert(user, Member::new(role_ids, joined_ms));
        }
        if seed.bot == BotMembership::Member {
            let role = Role {
                id: self.new_id(),
                name: self.options.bot_name.clone(),
                color: 0,
                permissions: seed.bot_permissions,
                mentionable: false,
                position: roles.len() as u32,
                managed_by: Some(self.bot),
            };
            members.insert(self.bot, Member::new(vec![role.id], joined_ms));
            roles.push(role);
        }
        for (position, name) in (0..).zip(&seed.channels) {
            let id = self.new_id();
            let mut channel = Channel::new(id, ChannelKind::Text, name);
            channel.guild = Some(guild_id);
            channel.position = position;
            self.channels.insert(id, channel);
        }
        // A guild without people has an owner all the same; it is nobody who is seen.
        let owner = match owner {
            Some(owner) => owner,
            None => self.add_user("Owner", UserKind::Person),
        };
        self.guilds.insert(
            guild_id,
            Guild {
                id: guild_id,
                name: seed.name.clone(),
                owner,
                roles,
                members,
            },
        );
    }
}
