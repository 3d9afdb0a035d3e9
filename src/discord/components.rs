//! Buttons, menus and dialogs: a press carries all it needs, so it works after a restart, too.

use std::sync::Arc;

use serenity::all::{
    ActionRowComponent, ComponentInteraction, ComponentInteractionDataKind, Http, ModalInteraction,
};

use super::Bot;
use super::asked::SNOOZE;
use super::custom_id::Press;
use super::interactions::{From, changed, or_refused, refused};
use super::render::{answer, card, item_list, modal};
use super::reply::{Asker, Reply};
use super::wire::Seen;
use crate::domain::command::Command;
use crate::domain::deployment::Deployment;
use crate::domain::ids::{ItemId, SectionId};
use crate::domain::refusal::Refusal;
use crate::domain::text::{Reason, Remark};
use crate::engine::{HandleError, Selection};

impl Bot {
    pub(super) async fn component(&self, http: &Arc<Http>, component: ComponentInteraction) {
        let asker = Asker {
            id: component.id,
            token: component.token.clone(),
        };
        let member = component.member.as_ref();
        let from = From::of(component.id, component.guild_id, component.channel_id, member);
        let Some((press, from)) = Press::parse(&component.data.custom_id).zip(from) else {
            return not_understood(http, &asker).await;
        };
        let selection = match press {
            Press::Check { .. } => Some(Selection::All),
            Press::CheckAgain { .. } => Some(Selection::NotPassed),
            Press::Tick { .. }
            | Press::Untick { .. }
            | Press::Skip { .. }
            | Press::Block { .. }
            | Press::Note { .. }
            | Press::SignOffs { .. }
            | Press::Log { .. }
            | Press::Sections { .. }
            | Press::Items { .. }
            | Press::ItemOf { .. }
            | Press::Acknowledge { .. }
            | Press::Explain { .. } => None,
        };
        if let Some(selection) = selection {
            if asker.promise(http, Seen::ByAll).await {
                match self.engine.deployment(press.deployment(), from.guild).await {
                    Ok(deployment) => {
                        self.run_checks(http, &asker, &from, &deployment, &selection)
                            .await;
                    }
                    Err(error) => {
                        let refused = Reply::to_asker(refused(error));
                        asker.after_promise(http, Seen::ByAll, refused).await;
                    }
                }
            }
            return;
        }
        let chosen = match &component.data.kind {
            ComponentInteractionDataKind::StringSelect { values } => values.first().cloned(),
            _ => None,
        };
        // A walk through items goes on in the message only its walker sees; from the board it begins a new one.
        let walks = component
            .message
            .flags
            .is_some_and(|flags| flags.contains(serenity::all::MessageFlags::EPHEMERAL));
        let work = async { or_refused(self.pressed(&from, press, chosen, Walk::of(walks)).await) };
        asker.answer(http, Seen::ByAsker, work).await;
    }

    async fn pressed(
        &self,
        from: &From,
        press: Press,
        chosen: Option<String>,
        walk: Walk,
    ) -> Result<Reply, HandleError> {
        let deployment = self.engine.deployment(press.deployment(), from.guild).await?;
        let id = deployment.id;
        match press {
            Press::Tick { item, .. } => {
                match self.change(from, id, Command::Tick { item }).await {
                    // A form asks for what a command would have brought along.
                    Err(HandleError::Refused(Refusal::EvidenceNeeded { item })) => {
                        Ok(Reply::Ask(modal::evidence(&deployment, &item)))
                    }
                    handled => Ok(Reply::to_all(changed(&handled?))),
                }
            }
            Press::Untick { item, .. } => {
                let handled = self.change(from, id, Command::Untick { item }).await?;
                Ok(Reply::to_all(changed(&handled)))
            }
            Press::Skip { item, .. } => Ok(Reply::Ask(modal::skip(&deployment, &item))),
            Press::Block { item, .. } => Ok(Reply::Ask(modal::block(&deployment, &item))),
            Press::Note { item, .. } => Ok(Reply::Ask(modal::note(&deployment, &item))),
            Press::Explain { role, .. } => Ok(Reply::Ask(modal::explain(&deployment, &role))),
            Press::SignOffs { .. } => {
                let owners = self.engine.owners(from.guild).await?;
                Ok(Reply::to_asker(card::sign_offs(
                    &deployment,
                    &owners,
                    self.engine.now(),
                )))
            }
            Press::Log { page, .. } => {
                let message = self.log(&deployment, page).await?;
                Ok(walk.on(message))
            }
            Press::Sections { .. } => {
                let section = chosen.map(SectionId::new);
                Ok(walk.on(item_list::page(&deployment, section.as_ref(), 0)))
            }
            Press::Items { section, page, .. } => {
                Ok(walk.on(item_list::page(&deployment, section.as_ref(), page)))
            }
            Press::ItemOf { .. } => {
                let item = chosen.map(ItemId::new);
                Ok(walk.on(item_card(&deployment, item.as_ref())))
            }
            Press::Acknowledge { role, .. } => {
                let command = Command::Acknowledge {
                    role: Some(role),
                    snooze: SNOOZE,
                };
                let handled = self.change(from, id, command).await?;
                Ok(Reply::to_asker(changed(&handled)))
            }
            // Runs were answered before, as they go.
            Press::Check { .. } | Press::CheckAgain { .. } => Ok(Reply::to_asker(answer::unknown_press())),
        }
    }

    pub(super) async fn modal(&self, http: &Http, submitted: ModalInteraction) {
        let asker = Asker {
            id: submitted.id,
            token: submitted.token.clone(),
        };
        let text = submitted
            .data
            .components
            .iter()
            .flat_map(|row| &row.components)
            .find_map(|component| match component {
                ActionRowComponent::InputText(input) if input.custom_id == modal::TEXT => input.value.clone(),
                _ => None,
            })
            .unwrap_or_default();
        let member = submitted.member.as_ref();
        let from = From::of(submitted.id, submitted.guild_id, submitted.channel_id, member);
        let Some((press, from)) = Press::parse(&submitted.data.custom_id).zip(from) else {
            return not_understood(http, &asker).await;
        };
        let work = async {
            let done = async {
                let command = match &press {
                    Press::Skip { item, .. } => Command::Skip {
                        item: item.clone(),
                        reason: Reason::parse(&text)?,
                    },
                    Press::Block { item, .. } => Command::Block {
                        item: item.clone(),
                        reason: Reason::parse(&text)?,
                    },
                    Press::Tick { item, .. } => Command::Attest {
                        item: item.clone(),
                        evidence: Remark::parse(&text)?,
                    },
                    Press::Note { item, .. } => Command::Note {
                        item: Some(item.clone()),
                        text: Remark::parse(&text)?,
                    },
                    Press::Explain { role, .. } => Command::ExplainRejection {
                        role: role.clone(),
                        reason: Reason::parse(&text)?,
                    },
                    Press::Check { .. }
                    | Press::CheckAgain { .. }
                    | Press::Untick { .. }
                    | Press::SignOffs { .. }
                    | Press::Log { .. }
                    | Press::Sections { .. }
                    | Press::Items { .. }
                    | Press::ItemOf { .. }
                    | Press::Acknowledge { .. } => return Ok(Reply::to_asker(answer::unknown_press())),
                };
                let handled = self.change(&from, press.deployment(), command).await?;
                Ok::<_, HandleError>(Reply::to_all(changed(&handled)))
            };
            or_refused(done.await)
        };
        asker.answer(http, Seen::ByAll, work).await;
    }
}

/// Answers what bears no press of ours, or comes from outside of a server.
async fn not_understood(http: &Http, asker: &Asker) {
    asker
        .answer(http, Seen::ByAsker, async {
            Reply::to_asker(answer::unknown_press())
        })
        .await;
}

/// Whether somebody walks through items already, in a message of their own.
#[derive(Clone, Copy)]
enum Walk {
    Begins,
    GoesOn,
}

impl Walk {
    fn of(walks: bool) -> Self {
        if walks { Self::GoesOn } else { Self::Begins }
    }

    fn on(self, message: super::render::message::Message) -> Reply {
        match self {
            Self::Begins => Reply::to_asker(message),
            Self::GoesOn => Reply::Change(message),
        }
    }
}

fn item_card(deployment: &Deployment, item: Option<&ItemId>) -> super::render::message::Message {
    let found = item.and_then(|item| deployment.checklist.item(item));
    match found {
        Some((index, _)) => item_list::item(deployment, index),
        None => answer::unknown_press(),
    }
}
