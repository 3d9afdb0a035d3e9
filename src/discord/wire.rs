//! Our messages as serenity's builders. `allowed_mentions` is always said, so that no text can ping by itself.

use serenity::all::{
    ButtonStyle, CreateActionRow, CreateAllowedMentions, CreateAttachment, CreateButton, CreateEmbed,
    CreateEmbedFooter, CreateInputText, CreateInteractionResponseFollowup, CreateInteractionResponseMessage,
    CreateMessage, CreateModal, CreateSelectMenu, CreateSelectMenuKind, CreateSelectMenuOption,
    EditInteractionResponse, EditMessage, InputTextStyle,
};

use super::render::message::{Button, Embed, Message, Row, Style, Usable};
use super::render::modal::{InputStyle, Modal, Needed};
use crate::domain::sign_off::Holder;

/// Who sees an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Everybody in the channel.
    ByAll,
    /// Only whoever asked.
    ByAsker,
}

/// Puts a message into one of serenity's builders: they have these setters in common, and no trait that says so.
macro_rules! filled {
    ($builder:expr, $message:expr) => {
        $builder
            .content(&$message.content)
            .embeds(embeds($message))
            .components(rows($message))
            .allowed_mentions(allowed($message))
    };
}

/// A new message.
pub(super) fn create(message: &Message) -> CreateMessage {
    filled!(CreateMessage::new(), message).add_files(files(message))
}

/// The body of a message. Discord describes the ids of its attachments as strings; serenity writes numbers.
pub(super) fn body(message: &impl serde::Serialize) -> serde_json::Result<serde_json::Value> {
    let mut body = serde_json::to_value(message)?;
    // An answer to an interaction has its message one level further in.
    for place in ["/attachments", "/data/attachments"] {
        let attachments = body.pointer_mut(place).and_then(|list| list.as_array_mut());
        for id in attachments
            .into_iter()
            .flatten()
            .filter_map(|attachment| attachment.get_mut("id"))
        {
            if let Some(number) = id.as_u64() {
                *id = number.to_string().into();
            }
        }
    }
    Ok(body)
}

/// A message in place of another.
pub(super) fn edit(message: &Message) -> EditMessage {
    filled!(EditMessage::new(), message)
}

/// A first answer.
pub(super) fn respond(message: &Message, seen: Seen) -> CreateInteractionResponseMessage {
    filled!(CreateInteractionResponseMessage::new(), message)
        .add_files(files(message))
        .ephemeral(seen == Seen::ByAsker)
}

/// An answer in place of the first.
pub(super) fn edit_response(message: &Message) -> EditInteractionResponse {
    let edit = filled!(EditInteractionResponse::new(), message);
    files(message)
        .into_iter()
        .fold(edit, EditInteractionResponse::new_attachment)
}

/// A further answer.
pub(super) fn follow_up(message: &Message, seen: Seen) -> CreateInteractionResponseFollowup {
    filled!(CreateInteractionResponseFollowup::new(), message)
        .add_files(files(message))
        .ephemeral(seen == Seen::ByAsker)
}

/// A dialog.
pub(super) fn modal(modal: &Modal) -> CreateModal {
    let rows = modal
        .inputs
        .iter()
        .map(|input| {
            let style = match input.style {
                InputStyle::Short => InputTextStyle::Short,
                InputStyle::Paragraph => InputTextStyle::Paragraph,
            };
            let mut text = CreateInputText::new(style, &input.label, &input.custom_id)
                .required(input.needed == Needed::Yes)
                .max_length(input.max as u16);
            if input.min > 0 {
                text = text.min_length(input.min as u16);
            }
            if !input.placeholder.is_empty() {
                text = text.placeholder(&input.placeholder);
            }
            CreateActionRow::InputText(text)
        })
        .collect();
    CreateModal::new(&modal.custom_id, &modal.title).components(rows)
}

/// Nobody is pinged.
pub(super) fn nobody() -> CreateAllowedMentions {
    CreateAllowedMentions::new().replied_user(false)
}

fn allowed(message: &Message) -> CreateAllowedMentions {
    let members = message.pings.iter().filter_map(|holder| match holder {
        Holder::Member(member) => Some(serenity::all::UserId::new(member.0)),
        Holder::DiscordRole(_) => None,
    });
    let roles = message.pings.iter().filter_map(|holder| match holder {
        Holder::DiscordRole(role) => Some(serenity::all::RoleId::new(role.0)),
        Holder::Member(_) => None,
    });
    nobody().users(members).roles(roles)
}

fn embeds(message: &Message) -> Vec<CreateEmbed> {
    message.embed.iter().map(embed).collect()
}

fn embed(embed: &Embed) -> CreateEmbed {
    let mut create = CreateEmbed::new().colour(embed.colour.rgb());
    if !embed.title.is_empty() {
        create = create.title(&embed.title);
    }
    if !embed.description.is_empty() {
        create = create.description(&embed.description);
    }
    if !embed.footer.is_empty() {
        create = create.footer(CreateEmbedFooter::new(&embed.footer));
    }
    create.fields(embed.fields.iter().map(|(name, value)| (name, value, false)))
}

fn rows(message: &Message) -> Vec<CreateActionRow> {
    message
        .rows
        .iter()
        .map(|row| match row {
            Row::Buttons(buttons) => CreateActionRow::Buttons(buttons.iter().map(button).collect()),
            Row::Select {
                custom_id,
                placeholder,
                options,
            } => {
                let options = options
                    .iter()
                    .map(|choice| {
                        let option = CreateSelectMenuOption::new(&choice.label, &choice.value);
                        if choice.description.is_empty() {
                            option
                        } else {
                            option.description(&choice.description)
                        }
                    })
                    .collect();
                CreateActionRow::SelectMenu(
                    CreateSelectMenu::new(custom_id, CreateSelectMenuKind::String { options })
                        .placeholder(placeholder),
                )
            }
        })
        .collect()
}

fn button(button: &Button) -> CreateButton {
    let style = match button.style {
        Style::Primary => ButtonStyle::Primary,
        Style::Secondary => ButtonStyle::Secondary,
        Style::Success => ButtonStyle::Success,
        Style::Danger => ButtonStyle::Danger,
    };
    CreateButton::new(&button.custom_id)
        .label(&button.label)
        .style(style)
        .disabled(button.usable == Usable::No)
}

/// The files that go with it.
pub(super) fn files(message: &Message) -> Vec<CreateAttachment> {
    message
        .files
        .iter()
        .map(|file| CreateAttachment::bytes(file.bytes.clone(), &file.name))
        .collect()
}
