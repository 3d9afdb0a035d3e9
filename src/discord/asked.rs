//! What somebody asks for by a slash command: Discord's options, parsed once at the edge.

use std::time::Duration;

use serenity::all::{CommandDataOption, CommandDataOptionValue, CommandInteraction};

use super::upload::Upload;
use crate::domain::event::Outcome;
use crate::domain::ids::{DeploymentId, DiscordRoleId, RoleKey, UserId};
use crate::domain::sign_off::{Holder, Rank};

/// How long `/deploy ack` and 👀 let pings wait.
pub(super) const SNOOZE: Duration = Duration::from_mins(30);

/// What is asked for. Items, sections and blanks are still as typed: what they mean depends on the deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Start {
        checklist: String,
        version: String,
        environment: String,
        variables: Option<String>,
    },
    Of {
        deployment: Option<DeploymentId>,
        wish: Wish,
    },
    Deployments {
        all: bool,
    },
    Help {
        topic: Option<String>,
    },
    OfCatalog(AskedOfCatalog),
    SetOwner {
        role: RoleKey,
        holder: Holder,
        rank: Rank,
    },
    ClearOwner {
        role: RoleKey,
        holder: Option<Holder>,
        rank: Option<Rank>,
    },
    Owners,
}

/// What is asked of the checklists of a Discord server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AskedOfCatalog {
    List,
    Show { name: String },
    Lint { name: String },
    Export { name: String },
    Import { file: Upload, name: Option<String> },
    Remove { name: String },
}

/// What is asked of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Status {
        section: Option<String>,
    },
    Check {
        what: Option<String>,
    },
    Tick {
        item: String,
        evidence: Option<String>,
    },
    Untick {
        item: String,
    },
    Skip {
        item: String,
        reason: String,
    },
    Block {
        item: String,
        reason: String,
    },
    Unblock {
        item: String,
        reason: Option<String>,
    },
    Fill {
        blank: String,
        value: String,
    },
    Assign {
        item: String,
        to: Option<UserId>,
    },
    Note {
        item: Option<String>,
        text: String,
    },
    SignOffs,
    RequestSignOff {
        role: RoleKey,
    },
    Go,
    NoGo {
        reason: String,
    },
    Finish {
        outcome: Outcome,
        reason: Option<String>,
    },
    Acknowledge {
        role: Option<RoleKey>,
        snooze: Duration,
    },
    Log {
        page: usize,
    },
    Report,
}

impl Asked {
    /// Reads a command; `None` for one we do not know, which an older or newer version of us may have registered.
    pub(super) fn of(command: &CommandInteraction) -> Option<Self> {
        let subcommand = command.data.options.first()?;
        let CommandDataOptionValue::SubCommand(options) = &subcommand.value else {
            return None;
        };
        let given = Given(options);
        match (command.data.name.as_str(), subcommand.name.as_str()) {
            ("deploy", "start") => Some(Self::Start {
                checklist: given.text("checklist")?,
                version: given.text("version")?,
                environment: given.text("environment")?,
                variables: given.text("variables"),
            }),
            ("deploy", "list") => Some(Self::Deployments {
                all: given.text("which").as_deref() == Some("all"),
            }),
            ("deploy", "help") => Some(Self::Help {
                topic: given.text("topic"),
            }),
            ("deploy", word) => Some(Self::Of {
                deployment: given.number("deployment").map(DeploymentId),
                wish: Wish::of(word, &given)?,
            }),
            ("checklist", word) => AskedOfCatalog::of(word, &given, command).map(Self::OfCatalog),
            ("owner", "set") => Some(Self::SetOwner {
                role: given.role()?,
                holder: given.holder(command, "holder")?,
                rank: given.rank().unwrap_or(Rank::Owner),
            }),
            ("owner", "clear") => Some(Self::ClearOwner {
                role: given.role()?,
                holder: given.holder(command, "holder"),
                rank: given.rank(),
            }),
            ("owner", "list") => Some(Self::Owners),
            _ => None,
        }
    }
}

impl AskedOfCatalog {
    fn of(word: &str, given: &Given<'_>, command: &CommandInteraction) -> Option<Self> {
        let name = || given.text("checklist");
        Some(match word {
            "list" => Self::List,
            "show" => Self::Show { name: name()? },
            "lint" => Self::Lint { name: name()? },
            "export" => Self::Export { name: name()? },
            "import" => Self::Import {
                file: given.file(command, "file")?,
                name: given.text("name"),
            },
            "remove" => Self::Remove { name: name()? },
            _ => return None,
        })
    }
}

impl Wish {
    fn of(word: &str, given: &Given<'_>) -> Option<Self> {
        Some(match word {
            "status" => Self::Status {
                section: given.text("section"),
            },
            "check" => Self::Check {
                what: given.text("what"),
            },
            "tick" => Self::Tick {
                item: given.text("item")?,
                evidence: given.text("evidence"),
            },
            "untick" => Self::Untick {
                item: given.text("item")?,
            },
            "skip" => Self::Skip {
                item: given.text("item")?,
                reason: given.text("reason")?,
            },
            "block" => Self::Block {
                item: given.text("item")?,
                reason: given.text("reason")?,
            },
            "unblock" => Self::Unblock {
                item: given.text("item")?,
                reason: given.text("reason"),
            },
            "fill" => Self::Fill {
                blank: given.text("blank")?,
                value: given.text("value")?,
            },
            "assign" => Self::Assign {
                item: given.text("item")?,
                to: given.member("to"),
            },
            "note" => Self::Note {
                item: given.text("item"),
                text: given.text("text")?,
            },
            "signoff" => given
                .role()
                .map_or(Self::SignOffs, |role| Self::RequestSignOff { role }),
            "go" => Self::Go,
            "no-go" => Self::NoGo {
                reason: given.text("reason")?,
            },
            "finish" => Self::Finish {
                outcome: match given.text("outcome")?.as_str() {
                    "complete" => Outcome::Complete,
                    "failed" => Outcome::Failed,
                    _ => return None,
                },
                reason: given.text("reason"),
            },
            "ack" => Self::Acknowledge {
                role: given.role(),
                snooze: SNOOZE,
            },
            "snooze" => Self::Acknowledge {
                role: given.role(),
                snooze: Duration::from_secs(u64::try_from(given.number("minutes")?).ok()? * 60),
            },
            "log" => Self::Log {
                page: usize::try_from(given.number("page").unwrap_or(1))
                    .ok()?
                    .saturating_sub(1),
            },
            "report" => Self::Report,
            _ => return None,
        })
    }
}

/// The options of a subcommand.
struct Given<'a>(&'a [CommandDataOption]);

impl Given<'_> {
    fn value(&self, name: &str) -> Option<&CommandDataOptionValue> {
        self.0
            .iter()
            .find(|option| option.name == name)
            .map(|option| &option.value)
    }

    fn text(&self, name: &str) -> Option<String> {
        match self.value(name)? {
            CommandDataOptionValue::String(text) => Some(text.clone()),
            _ => None,
        }
    }

    fn number(&self, name: &str) -> Option<i64> {
        match self.value(name)? {
            CommandDataOptionValue::Integer(number) => Some(*number),
            _ => None,
        }
    }

    fn member(&self, name: &str) -> Option<UserId> {
        match self.value(name)? {
            CommandDataOptionValue::User(user) => Some(UserId(user.get())),
            _ => None,
        }
    }

    fn role(&self) -> Option<RoleKey> {
        self.text("role").map(|typed| RoleKey::new(typed.trim()))
    }

    fn rank(&self) -> Option<Rank> {
        match self.text("rank")?.as_str() {
            "owner" => Some(Rank::Owner),
            "deputy" => Some(Rank::Deputy),
            "lead" => Some(Rank::Lead),
            _ => None,
        }
    }

    /// A file is an id too.
    fn file(&self, command: &CommandInteraction, name: &str) -> Option<Upload> {
        let CommandDataOptionValue::Attachment(id) = self.value(name)? else {
            return None;
        };
        let file = command.data.resolved.attachments.get(id)?;
        Some(Upload {
            name: file.filename.clone(),
            size: u64::from(file.size),
            url: file.url.clone(),
        })
    }

    /// A mentionable is an id; what it is of stands in the resolved data.
    fn holder(&self, command: &CommandInteraction, name: &str) -> Option<Holder> {
        let CommandDataOptionValue::Mentionable(id) = self.value(name)? else {
            return None;
        };
        let is_role = command
            .data
            .resolved
            .roles
            .keys()
            .any(|role| role.get() == id.get());
        Some(if is_role {
            Holder::DiscordRole(DiscordRoleId(id.get()))
        } else {
            Holder::Member(UserId(id.get()))
        })
    }
}
