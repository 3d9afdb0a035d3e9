//! The slash commands, as a table, and how they are made known to Discord.

use serenity::all::{
    CommandOptionType, CreateCommand, CreateCommandOption, InstallationContext, InteractionContext,
};

/// A command with its subcommands. Discord allows 25 of them, and 8000 characters in all.
pub(super) struct CommandSpec {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) subcommands: &'static [Subcommand],
}

/// A subcommand.
pub(super) struct Subcommand {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) options: &'static [Opt],
}

/// An option. Required ones come first (Discord's rule).
pub(super) struct Opt {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) kind: Kind,
    pub(super) needed: Needed,
}

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Free text of at most this many characters.
    Text(u16),
    /// Text picked from what opens as one types.
    Picked,
    /// A number from this to this.
    Number(u64, u64),
    /// A deployment's number, picked from what opens as one types.
    Deployment,
    /// A member.
    Member,
    /// A member or a role of the server.
    Mentionable,
    /// A file.
    File,
    /// One of these.
    OneOf(&'static [&'static str]),
}

/// Whether an option must be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needed {
    Yes,
    No,
}

const fn must(name: &'static str, description: &'static str, kind: Kind) -> Opt {
    Opt {
        name,
        description,
        kind,
        needed: Needed::Yes,
    }
}

const fn may(name: &'static str, description: &'static str, kind: Kind) -> Opt {
    Opt {
        name,
        description,
        kind,
        needed: Needed::No,
    }
}

const ITEM: Opt = must("item", "Number or words of the item", Kind::Picked);
const ROLE: Opt = must("role", "The sign-off role, as tech-lead", Kind::Picked);
const WHICH: Opt = may(
    "deployment",
    "Only needed outside the deployment's thread",
    Kind::Deployment,
);
/// Longer texts are taken here and refused with a sentence, so that nothing a person typed is lost.
const TYPED: u16 = 6000;

/// All commands.
pub(super) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "deploy",
        description: "Run a deployment checklist",
        subcommands: &[
            Subcommand {
                name: "start",
                description: "Start a checklist for a version and an environment, in a thread of its own",
                options: &[
                    must("checklist", "Which checklist", Kind::Picked),
                    must("version", "What is released, as 2.4.1", Kind::Text(TYPED)),
                    must("environment", "Where to, as staging", Kind::Picked),
                    may(
                        "variables",
                        "Values for its checks, as base_url=https://… name=value",
                        Kind::Text(TYPED),
                    ),
                ],
            },
            Subcommand {
                name: "status",
                description: "Show the items of the deployment or of one section",
                options: &[may("section", "Which section", Kind::Picked), WHICH],
            },
            Subcommand {
                name: "check",
                description: "Run the automated checks: all, or those of a section or an item",
                options: &[
                    may("what", "A section or an item; all without it", Kind::Picked),
                    WHICH,
                ],
            },
            Subcommand {
                name: "tick",
                description: "Tick an item",
                options: &[
                    ITEM,
                    may(
                        "evidence",
                        "What shows that it is done: a link, or what you saw",
                        Kind::Text(TYPED),
                    ),
                    WHICH,
                ],
            },
            Subcommand {
                name: "untick",
                description: "Open a ticked or skipped item again",
                options: &[ITEM, WHICH],
            },
            Subcommand {
                name: "skip",
                description: "Close an item without doing it, and say why",
                options: &[ITEM, must("reason", "Why", Kind::Text(TYPED)), WHICH],
            },
            Subcommand {
                name: "block",
                description: "Say that an item cannot go on, and why",
                options: &[
                    ITEM,
                    must("reason", "What stands in the way", Kind::Text(TYPED)),
                    WHICH,
                ],
            },
            Subcommand {
                name: "unblock",
                description: "Say that a blocked item can go on",
                options: &[ITEM, may("reason", "What has changed", Kind::Text(TYPED)), WHICH],
            },
            Subcommand {
                name: "fill",
                description: "Fill in a blank of the document",
                options: &[
                    must("blank", "Which blank", Kind::Picked),
                    must("value", "What stands in it", Kind::Text(TYPED)),
                    WHICH,
                ],
            },
            Subcommand {
                name: "assign",
                description: "Give an item to somebody; to nobody without a member",
                options: &[ITEM, may("to", "Who", Kind::Member), WHICH],
            },
            Subcommand {
                name: "note",
                description: "Write a note down, on an item or on the whole",
                options: &[
                    must("text", "What should be remembered", Kind::Text(TYPED)),
                    may("item", "On which item", Kind::Picked),
                    WHICH,
                ],
            },
            Subcommand {
                name: "signoff",
                description: "Show the sign-offs, or ask a role to sign, now or again",
                options: &[may("role", "Which role to ask", Kind::Picked), WHICH],
            },
            Subcommand {
                name: "go",
                description: "Decide GO",
                options: &[WHICH],
            },
            Subcommand {
                name: "no-go",
                description: "Decide NO-GO, and say why",
                options: &[must("reason", "Why", Kind::Text(TYPED)), WHICH],
            },
            Subcommand {
                name: "finish",
                description: "End the deployment and get the document back, filled in",
                options: &[
                    must("outcome", "How it ended", Kind::OneOf(&["complete", "failed"])),
                    may("reason", "Why, when it failed", Kind::Text(TYPED)),
                    WHICH,
                ],
            },
            Subcommand {
                name: "ack",
                description: "Say that you have seen a request to sign; its pings wait 30 minutes",
                options: &[
                    may("role", "For which role; all of yours without it", Kind::Picked),
                    WHICH,
                ],
            },
            Subcommand {
                name: "snooze",
                description: "Let the pings of your requests to sign wait",
                options: &[
                    must("minutes", "How long, at most 8 hours", Kind::Number(1, 480)),
                    may("role", "For which role; all of yours without it", Kind::Picked),
                    WHICH,
                ],
            },
            Subcommand {
                name: "log",
                description: "Show what happened, newest first",
                options: &[may("page", "Which page", Kind::Number(1, 10_000)), WHICH],
            },
            Subcommand {
                name: "report",
                description: "Get the document as it stands now, filled in",
                options: &[WHICH],
            },
            Subcommand {
                name: "list",
                description: "Show the deployments of this server",
                options: &[may(
                    "which",
                    "Running ones unless said otherwise",
                    Kind::OneOf(&["running", "all"]),
                )],
            },
            Subcommand {
                name: "help",
                description: "Show what can be done and how it works",
                options: &[may(
                    "topic",
                    "About what",
                    Kind::OneOf(&["first-steps", "commands", "sign-offs", "checklists"]),
                )],
            },
        ],
    },
    CommandSpec {
        name: "checklist",
        description: "Look at the checklists that can be started, and bring your own",
        subcommands: &[
            Subcommand {
                name: "list",
                description: "Show all checklists",
                options: &[],
            },
            Subcommand {
                name: "show",
                description: "Show what is in a checklist",
                options: &[must("checklist", "Which checklist", Kind::Picked)],
            },
            Subcommand {
                name: "lint",
                description: "Show what is wrong with a checklist, by line",
                options: &[must("checklist", "Which checklist", Kind::Picked)],
            },
            Subcommand {
                name: "export",
                description: "Get a checklist's Markdown file",
                options: &[must("checklist", "Which checklist", Kind::Picked)],
            },
            Subcommand {
                name: "import",
                description: "Bring a Markdown checklist, so that it can be started in this server",
                options: &[
                    must("file", "The Markdown file", Kind::File),
                    may(
                        "name",
                        "What it is called here; its file's name unless given",
                        Kind::Text(60),
                    ),
                ],
            },
            Subcommand {
                name: "remove",
                description: "Take away a checklist that was imported",
                options: &[must("checklist", "Which checklist", Kind::Picked)],
            },
        ],
    },
    CommandSpec {
        name: "owner",
        description: "Say who signs for which role",
        subcommands: &[
            Subcommand {
                name: "set",
                description: "Let a member, or whoever has a Discord role, hold a sign-off role",
                options: &[
                    ROLE,
                    must("holder", "A member or a role of the server", Kind::Mentionable),
                    may(
                        "rank",
                        "Owner unless said otherwise",
                        Kind::OneOf(&["owner", "deputy", "lead"]),
                    ),
                ],
            },
            Subcommand {
                name: "clear",
                description: "Take a sign-off role from its holders, or from one of them",
                options: &[
                    ROLE,
                    may("holder", "From whom; from all without it", Kind::Mentionable),
                    may(
                        "rank",
                        "In which rank; in all without it",
                        Kind::OneOf(&["owner", "deputy", "lead"]),
                    ),
                ],
            },
            Subcommand {
                name: "list",
                description: "Show who holds which role",
                options: &[],
            },
        ],
    },
];

/// The commands as Discord takes them: for servers only, as nothing here makes sense elsewhere.
pub(super) fn to_register() -> Vec<CreateCommand> {
    COMMANDS
        .iter()
        .map(|command| {
            let subcommands = command.subcommands.iter().map(|subcommand| {
                subcommand.options.iter().fold(
                    CreateCommandOption::new(
                        CommandOptionType::SubCommand,
                        subcommand.name,
                        subcommand.description,
                    ),
                    |created, option| created.add_sub_option(option_to_register(option)),
                )
            });
            CreateCommand::new(command.name)
                .description(command.description)
                .contexts(vec![InteractionContext::Guild])
                .integration_types(vec![InstallationContext::Guild])
                .set_options(subcommands.collect())
        })
        .collect()
}

fn option_to_register(option: &Opt) -> CreateCommandOption {
    let create = |kind| {
        CreateCommandOption::new(kind, option.name, option.description).required(option.needed == Needed::Yes)
    };
    match option.kind {
        Kind::Text(most) => create(CommandOptionType::String).max_length(most),
        Kind::Picked => create(CommandOptionType::String).set_autocomplete(true),
        Kind::Number(least, most) => create(CommandOptionType::Integer)
            .min_int_value(least)
            .max_int_value(most),
        Kind::Deployment => create(CommandOptionType::Integer).set_autocomplete(true),
        Kind::Member => create(CommandOptionType::User),
        Kind::Mentionable => create(CommandOptionType::Mentionable),
        Kind::File => create(CommandOptionType::Attachment),
        Kind::OneOf(words) => words
            .iter()
            .fold(create(CommandOptionType::String), |create, word| {
                create.add_string_choice(*word, *word)
            }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_keeps_discords_limits() {
        for command in COMMANDS {
            assert!(command.subcommands.len() <= 25, "{}", command.name);
            let mut characters = command.name.len() + command.description.chars().count();
            for subcommand in command.subcommands {
                assert!(
                    subcommand.description.chars().count() <= 100,
                    "{}",
                    subcommand.name
                );
                assert!(subcommand.options.len() <= 25, "{}", subcommand.name);
                characters += subcommand.name.len() + subcommand.description.chars().count();
                let needed: Vec<_> = subcommand
                    .options
                    .iter()
                    .map(|option| option.needed == Needed::Yes)
                    .collect();
                assert!(
                    needed.is_sorted_by(|before, after| before >= after),
                    "{}: needed ones first",
                    subcommand.name
                );
                for option in subcommand.options {
                    assert!(option.description.chars().count() <= 100, "{}", option.name);
                    characters += option.name.len() + option.description.chars().count();
                }
            }
            assert!(characters <= 8000, "{} has {characters} characters", command.name);
        }
    }
}
