//! The permission bits that the stand-in knows, by Discord's names.

/// Everything, whatever else is said.
pub const ADMINISTRATOR: u64 = 1 << 3;
/// Change and delete channels.
pub const MANAGE_CHANNELS: u64 = 1 << 4;
/// Change the guild.
pub const MANAGE_GUILD: u64 = 1 << 5;
/// Add a reaction that is not there yet.
pub const ADD_REACTIONS: u64 = 1 << 6;
/// See a channel.
pub const VIEW_CHANNEL: u64 = 1 << 10;
/// Post in a channel.
pub const SEND_MESSAGES: u64 = 1 << 11;
/// Delete the messages of others.
pub const MANAGE_MESSAGES: u64 = 1 << 13;
/// Post embeds.
pub const EMBED_LINKS: u64 = 1 << 14;
/// Post files.
pub const ATTACH_FILES: u64 = 1 << 15;
/// Read what was said before.
pub const READ_MESSAGE_HISTORY: u64 = 1 << 16;
/// Ping everyone, and roles that not everyone may ping.
pub const MENTION_EVERYONE: u64 = 1 << 17;
/// Change roles.
pub const MANAGE_ROLES: u64 = 1 << 28;
/// Use slash commands.
pub const USE_APPLICATION_COMMANDS: u64 = 1 << 31;
/// Archive, rename and delete the threads of others.
pub const MANAGE_THREADS: u64 = 1 << 34;
/// Start public threads.
pub const CREATE_PUBLIC_THREADS: u64 = 1 << 35;
/// Post in threads.
pub const SEND_MESSAGES_IN_THREADS: u64 = 1 << 38;
/// Pin and unpin messages; a permission of its own since February 2026.
pub const PIN_MESSAGES: u64 = 1 << 51;

/// Every bit that Discord's documentation names, up to `BYPASS_SLOWMODE`.
pub const ALL: u64 = (1 << 53) - 1;

/// What `@everyone` has in a seeded guild.
pub const USUAL_FOR_EVERYONE: u64 = ADD_REACTIONS
    | VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_MESSAGE_HISTORY
    | USE_APPLICATION_COMMANDS
    | CREATE_PUBLIC_THREADS
    | SEND_MESSAGES_IN_THREADS;

/// What a bot's own role has in a seeded guild unless the seed says otherwise.
pub const USUAL_FOR_A_BOT: u64 =
    USUAL_FOR_EVERYONE | MANAGE_MESSAGES | MENTION_EVERYONE | MANAGE_THREADS | MANAGE_CHANNELS | PIN_MESSAGES;
