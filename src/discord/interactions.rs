//! Slash commands: what they ask is done, and answered with what changed and what is next.

use std::sync::Arc;

use serenity::all::{ChannelType, CommandInteraction, Http, Interaction, InteractionId, Member};
use tracing::{error, warn};

use super::Bot;
use super::asked::{Asked, AskedOfCatalog, Wish};
use super::courier::report_files;
use super::find;
use super::people::{self, names_in};
use super::render::message::Message;
use super::render::{answer, board, card, item_list, log};
use super::reply::{Asker, Reply};
use super::wire::Seen;
use crate::domain::command::{ActingAs, Command, Start};
use crate::domain::deployment::Deployment;
use crate::domain::ids::{ChannelId, DeploymentId, GuildId, InputId, SectionId};
use crate::domain::refusal::Refusal;
use crate::domain::rights::Person;
use crate::domain::text::{BlankValue, Environment, Reason, Remark, Version};
use crate::engine::{self, Fault, Filter, HandleError, Handled, Input};

/// How many deployments a list shows.
const LISTED: u32 = 15;

/// Who asks, from where.
pub(super) struct From {
    pub(super) input: InputId,
    pub(super) guild: GuildId,
    pub(super) channel: ChannelId,
    pub(super) person: Person,
}

impl From {
    /// Who acts with an interaction, and where; nobody does outside of a server, as there are no members.
    pub(super) fn of(
        interaction: InteractionId,
        guild: Option<serenity::all::GuildId>,
        channel: serenity::all::ChannelId,
        member: Option<&Member>,
    ) -> Option<Self> {
        Some(Self {
            input: InputId::new(format!("interaction:{interaction}")),
            guild: GuildId(guild?.get()),
            channel: ChannelId(channel.get()),
            person: people::acting(member?),
        })
    }
}

impl Bot {
    pub(super) async fn interaction(&self, http: &Arc<Http>, interaction: Interaction) {
        match interaction {
            Interaction::Command(command) => self.command(http, command).await,
            Interaction::Autocomplete(command) => self.autocomplete(http, command).await,
            Interaction::Component(component) => self.component(http, component).await,
            Interaction::Modal(modal) => self.modal(http, modal).await,
            Interaction::Ping(_) => {}
            other => warn!(kind = ?other.kind(), "an interaction of a kind that the bot does not know"),
        }
    }

    async fn command(&self, http: &Arc<Http>, command: CommandInteraction) {
        let asker = Asker {
            id: command.id,
            token: command.token.clone(),
        };
        let member = command.member.as_deref();
        let Some(from) = From::of(command.id, command.guild_id, command.channel_id, member) else {
            return asker
                .answer(http, Seen::ByAsker, async {
                    Reply::to_asker(answer::only_in_servers())
                })
                .await;
        };
        let Some(asked) = Asked::of(&command) else {
            return asker
                .answer(http, Seen::ByAsker, async {
                    Reply::to_asker(answer::unknown_command())
                })
                .await;
        };
        match asked {
            Asked::Of {
                deployment,
                wish: Wish::Check { what },
            } => {
                self.check(http, &asker, &from, deployment, what.as_deref()).await;
            }
            Asked::Start {
                checklist,
                version,
                environment,
                variables,
            } => {
                let home = home_of(http, &command).await;
                let work = async {
                    let Some(channel) = home else {
                        return Reply::to_asker(answer::no_home_here());
                    };
                    let started = self
                        .start(
                            &from,
                            channel,
                            &checklist,
                            &version,
                            &environment,
                            variables.as_deref(),
                        )
                        .await;
                    or_refused(started.map(|handled| Reply::to_asker(changed(&handled))))
                };
                asker.answer(http, Seen::ByAsker, work).await;
            }
            asked => {
                let promised = if is_for_all(&asked) {
                    Seen::ByAll
                } else {
                    Seen::ByAsker
                };
                let work = async { or_refused(self.carry_out(http, &from, asked).await) };
                asker.answer(http, promised, work).await;
            }
        }
    }

    async fn start(
        &self,
        from: &From,
        channel: ChannelId,
        checklist: &str,
        version: &str,
        environment: &str,
        variables: Option<&str>,
    ) -> Result<Handled, HandleError> {
        let entry = self.usable_checklist(from.guild, checklist)?;
        let start = Start {
            checklist: Arc::clone(&entry.checklist),
            checklist_bytes: Arc::clone(&entry.bytes),
            guild: from.guild,
            channel,
            version: Version::parse(version)?,
            environment: Environment::parse(environment)?,
            variables: variables
                .map(engine::typed_variables)
                .transpose()?
                .unwrap_or_default(),
        };
        self.engine
            .handle(Input {
                id: from.input.clone(),
                guild: Some(from.guild),
                actor: ActingAs::Person(from.person.clone()),
                wish: engine::Wish::Start(start),
            })
            .await
    }

    async fn carry_out(&self, http: &Http, from: &From, asked: Asked) -> Result<Reply, HandleError> {
        match asked {
            Asked::Of { deployment, wish } => self.of_deployment(http, from, deployment, wish).await,
            Asked::Deployments { all } => {
                let filter = if all { Filter::All } else { Filter::Running };
                let listed = self.engine.deployments(from.guild, filter, LISTED).await?;
                let rows: Vec<_> = listed
                    .into_iter()
                    .map(|listed| answer::DeploymentRow {
                        id: listed.id,
                        title: listed.title,
                        version: listed.version,
                        environment: listed.environment,
                        phase: listed.phase,
                        closed: listed.closed,
                        total: listed.total,
                        thread: listed.thread,
                    })
                    .collect();
                Ok(Reply::to_asker(answer::deployments(&rows)))
            }
            Asked::Help { topic } => {
                let topic = topic.as_deref().and_then(answer::Topic::of).unwrap_or_default();
                Ok(Reply::to_asker(answer::help(topic)))
            }
            Asked::OfCatalog(asked) => self.of_catalog(from, asked).await,
            Asked::SetOwner { role, holder, rank } => {
                self.engine
                    .set_owner(from.guild, &from.person, &role, rank, holder)
                    .await?;
                let waiting = self.waiting_for(from.guild, &role).await?;
                let mut message = answer::owner_set(&role, rank, holder);
                message.content.push_str(&answer::waiting_for_role(&waiting));
                Ok(Reply::to_all(message))
            }
            Asked::ClearOwner { role, holder, rank } => {
                let removed = self
                    .engine
                    .clear_owner(from.guild, &from.person, &role, rank, holder)
                    .await?;
                Ok(Reply::to_all(answer::owner_cleared(&role, rank, holder, removed)))
            }
            Asked::Owners => {
                let owners = self.engine.owners(from.guild).await?;
                let asked = self
                    .engine
                    .catalog()
                    .entries_in(from.guild)
                    .iter()
                    .flat_map(|entry| entry.checklist.sign_offs.values())
                    .map(|rule| (rule.key.clone(), rule.title.clone()))
                    .collect();
                Ok(Reply::to_asker(answer::owners(&owners, &asked)))
            }
            Asked::Start { .. } => Ok(Reply::to_asker(answer::unknown_command())),
        }
    }

    async fn of_deployment(
        &self,
        http: &Http,
        from: &From,
        named: Option<DeploymentId>,
        wish: Wish,
    ) -> Result<Reply, HandleError> {
        let deployment = self.meant(from, named).await?;
        let checklist = Arc::clone(&deployment.checklist);
        let item = |typed: &str| find::item(&checklist, typed);
        let command = match wish {
            Wish::Status { section } => {
                let section = match &section {
                    None => None,
                    Some(typed) => match section_id(&deployment, typed) {
                        Some(section) => Some(section),
                        None => return Ok(Reply::to_asker(answer::unknown_section(typed))),
                    },
                };
                let owners = self.engine.owners(from.guild).await?;
                let message = match section {
                    None => board::board(&deployment, &owners, self.engine.now()),
                    Some(section) => item_list::page(&deployment, Some(&section), 0),
                };
                return Ok(Reply::to_asker(message));
            }
            Wish::SignOffs => {
                let owners = self.engine.owners(from.guild).await?;
                return Ok(Reply::to_asker(card::sign_offs(
                    &deployment,
                    &owners,
                    self.engine.now(),
                )));
            }
            Wish::Log { page } => return Ok(Reply::to_asker(self.log(&deployment, page).await?)),
            Wish::Report => {
                let names = names_in(http, &deployment).await;
                let files = report_files(&deployment, &names);
                return Ok(Reply::to_asker(answer::report_so_far(&deployment, files)));
            }
            // Runs are answered as they go; see `check`.
            Wish::Check { .. } => return Ok(Reply::to_asker(answer::unknown_command())),
            Wish::Tick {
                item: typed,
                evidence,
            } => match evidence {
                None => Command::Tick { item: item(&typed) },
                Some(evidence) => Command::Attest {
                    item: item(&typed),
                    evidence: Remark::parse(&evidence)?,
                },
            },
            Wish::Untick { item: typed } => Command::Untick { item: item(&typed) },
            Wish::Skip { item: typed, reason } => Command::Skip {
                item: item(&typed),
                reason: Reason::parse(&reason)?,
            },
            Wish::Block { item: typed, reason } => Command::Block {
                item: item(&typed),
                reason: Reason::parse(&reason)?,
            },
            Wish::Unblock { item: typed, reason } => Command::Unblock {
                item: item(&typed),
                reason: reason.as_deref().map(Reason::parse).transpose()?,
            },
            Wish::Fill { blank, value } => Command::Fill {
                blank: find::blank(&checklist, &blank),
                value: BlankValue::parse(&value)?,
            },
            Wish::Assign { item: typed, to } => Command::Assign {
                item: item(&typed),
                to,
            },
            Wish::Note { item: typed, text } => Command::Note {
                item: typed.as_deref().map(item),
                text: Remark::parse(&text)?,
            },
            Wish::RequestSignOff { role } => Command::RequestSignOff { role },
            Wish::Go => Command::Go,
            Wish::NoGo { reason } => Command::NoGo {
                reason: Reason::parse(&reason)?,
            },
            Wish::Finish { outcome, reason } => Command::Finish {
                outcome,
                reason: reason.as_deref().map(Reason::parse).transpose()?,
            },
            Wish::Acknowledge { role, snooze } => Command::Acknowledge { role, snooze },
        };
        let handled = self.change(from, deployment.id, command).await?;
        Ok(Reply::to_all(changed(&handled)))
    }

    /// Takes a person's command through the door.
    pub(super) async fn change(
        &self,
        from: &From,
        deployment: DeploymentId,
        command: Command,
    ) -> Result<Handled, HandleError> {
        self.engine
            .handle(Input {
                id: from.input.clone(),
                guild: Some(from.guild),
                actor: ActingAs::Person(from.person.clone()),
                wish: engine::Wish::Change { deployment, command },
            })
            .await
    }

    /// The deployment that is named, else the one whose thread this is.
    pub(super) async fn meant(
        &self,
        from: &From,
        named: Option<DeploymentId>,
    ) -> Result<Arc<Deployment>, HandleError> {
        let id = match named {
            Some(id) => id,
            None => self
                .engine
                .deployment_of_channel(from.channel)
                .await?
                .ok_or(Refusal::WhichDeployment)?,
        };
        self.engine.deployment(id, from.guild).await
    }

    pub(super) async fn log(&self, deployment: &Deployment, page: usize) -> Result<Message, HandleError> {
        let events = self.engine.history(deployment.id).await?;
        Ok(log::page(deployment, &events, page))
    }

    /// Running deployments of a server that have asked a role and wait for it.
    async fn waiting_for(
        &self,
        guild: GuildId,
        role: &crate::domain::ids::RoleKey,
    ) -> Result<Vec<DeploymentId>, HandleError> {
        let listed = self.engine.deployments(guild, Filter::Running, LISTED).await?;
        let mut waiting = Vec::new();
        for listed in listed {
            if let Some(deployment) = self.engine.any_deployment(listed.id).await?
                && deployment.asked_roles().any(|asked| asked == role)
            {
                waiting.push(listed.id);
            }
        }
        Ok(waiting)
    }
}

/// The channel in which a deployment's thread can open: the text channel a command was used in, or the one whose thread it
/// was used in, as a thread cannot hang on a message of a thread. Forums and voice channels take no such thread.
async fn home_of(http: &Http, command: &CommandInteraction) -> Option<ChannelId> {
    let here = ChannelId(command.channel_id.get());
    let Some(channel) = command.channel.as_ref() else {
        return Some(here);
    };
    match channel.kind {
        ChannelType::Text | ChannelType::News => Some(here),
        ChannelType::PublicThread | ChannelType::PrivateThread | ChannelType::NewsThread => {
            let parent = channel.parent_id?;
            let parent = http.get_channel(parent).await.ok()?.guild()?;
            matches!(parent.kind, ChannelType::Text | ChannelType::News).then(|| ChannelId(parent.id.get()))
        }
        _ => None,
    }
}

/// The words for an error, which is logged here once if it is ours.
pub(super) fn refused(error: HandleError) -> Message {
    match error {
        HandleError::Refused(refusal) => answer::refused(&refusal),
        HandleError::Fault(fault) => faulted(&fault),
    }
}

pub(super) fn faulted(fault: &Fault) -> Message {
    // Whoever is told of it can name it to the operator, who finds it in the log.
    let reference = format!("{:08x}", new_reference());
    error!(reference, error = %fault, "a command failed");
    answer::fault(&reference)
}

/// A number that tells one fault in the log from another.
fn new_reference() -> u32 {
    use std::hash::{BuildHasher, Hasher};
    let hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.finish() as u32
}

pub(super) fn or_refused(done: Result<Reply, HandleError>) -> Reply {
    done.unwrap_or_else(|error| Reply::to_asker(refused(error)))
}

pub(super) fn changed(handled: &Handled) -> Message {
    answer::changed(handled.before.as_deref(), &handled.after, &handled.events)
}

pub(super) fn section_id(deployment: &Deployment, typed: &str) -> Option<SectionId> {
    let index = find::section(&deployment.checklist, typed)?;
    deployment
        .checklist
        .sections
        .get(index)
        .map(|section| section.id.clone())
}

/// Whether what comes of it is for the team, so that a promise of it is seen by all.
fn is_for_all(asked: &Asked) -> bool {
    match asked {
        Asked::Of { wish, .. } => match wish {
            Wish::Status { .. } | Wish::SignOffs | Wish::Log { .. } | Wish::Report => false,
            Wish::Check { .. }
            | Wish::Tick { .. }
            | Wish::Untick { .. }
            | Wish::Skip { .. }
            | Wish::Block { .. }
            | Wish::Unblock { .. }
            | Wish::Fill { .. }
            | Wish::Assign { .. }
            | Wish::Note { .. }
            | Wish::RequestSignOff { .. }
            | Wish::Go
            | Wish::NoGo { .. }
            | Wish::Finish { .. }
            | Wish::Acknowledge { .. } => true,
        },
        Asked::SetOwner { .. }
        | Asked::ClearOwner { .. }
        | Asked::OfCatalog(AskedOfCatalog::Import { .. } | AskedOfCatalog::Remove { .. }) => true,
        Asked::Start { .. }
        | Asked::Deployments { .. }
        | Asked::Help { .. }
        | Asked::OfCatalog(
            AskedOfCatalog::List
            | AskedOfCatalog::Show { .. }
            | AskedOfCatalog::Lint { .. }
            | AskedOfCatalog::Export { .. },
        )
        | Asked::Owners => false,
    }
}
