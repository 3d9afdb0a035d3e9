//! serenity as it is, its rate limiter on, through the CONNECT proxy: it takes the stand-in for Discord.

use std::sync::Arc;
use std::time::Duration;

use discord_stand_in::{GivenFile, Options, RateLimits, StandIn};
use serenity::all::{
    ButtonStyle, Command, CommandOptionType, CreateActionRow, CreateAllowedMentions,
    CreateAutocompleteResponse, CreateButton, CreateCommand, CreateCommandOption, CreateEmbed,
    CreateInputText, CreateInteractionResponse, CreateInteractionResponseFollowup,
    CreateInteractionResponseMessage, CreateMessage, CreateModal, CreateThread, EditInteractionResponse,
    EventHandler, GatewayIntents, Interaction, Reaction,
};
use serenity::http::HttpBuilder;
use serenity::model::gateway::Ready;

use crate::support::{Outcome, options};

struct Bot;

#[serenity::async_trait]
impl EventHandler for Bot {
    async fn ready(&self, context: serenity::all::Context, _ready: Ready) {
        let item = CreateCommandOption::new(CommandOptionType::String, "item", "Which item")
            .required(true)
            .set_autocomplete(true);
        let tick = CreateCommandOption::new(CommandOptionType::SubCommand, "tick", "Tick an item")
            .add_sub_option(item);
        let note = CreateCommandOption::new(CommandOptionType::SubCommand, "note", "Write a note");
        let list =
            CreateCommandOption::new(CommandOptionType::Attachment, "list", "Which list").required(true);
        let read = CreateCommandOption::new(CommandOptionType::SubCommand, "read", "Read a list")
            .add_sub_option(list);
        let command = CreateCommand::new("deploy")
            .description("Deploy")
            .add_option(tick)
            .add_option(note)
            .add_option(read);
        let registered = Command::set_global_commands(&context.http, vec![command]).await;
        assert!(registered.is_ok(), "{registered:?}");
    }

    async fn interaction_create(&self, context: serenity::all::Context, interaction: Interaction) {
        let answered = match interaction {
            Interaction::Command(command) => {
                if command.data.options[0].name == "read" {
                    read(&context, &command).await
                } else if command.data.options[0].name == "note" {
                    let input = CreateInputText::new(serenity::all::InputTextStyle::Short, "Note", "text");
                    let modal = CreateModal::new("note", "A note")
                        .components(vec![CreateActionRow::InputText(input)]);
                    command
                        .create_response(&context.http, CreateInteractionResponse::Modal(modal))
                        .await
                } else {
                    tick(&context, &command).await
                }
            }
            Interaction::Autocomplete(typed) => {
                let response = CreateAutocompleteResponse::new().add_string_choice("3.2 Backup", "3.2");
                typed
                    .create_response(&context.http, CreateInteractionResponse::Autocomplete(response))
                    .await
            }
            Interaction::Component(component) => {
                let message = CreateInteractionResponseMessage::new()
                    .content("pressed")
                    .components(Vec::new());
                component
                    .create_response(&context.http, CreateInteractionResponse::UpdateMessage(message))
                    .await
            }
            Interaction::Modal(modal) => {
                let message = CreateInteractionResponseMessage::new().content("noted");
                modal
                    .create_response(&context.http, CreateInteractionResponse::Message(message))
                    .await
            }
            _ => Ok(()),
        };
        assert!(answered.is_ok(), "{answered:?}");
    }

    async fn reaction_add(&self, context: serenity::all::Context, reaction: Reaction) {
        let roles = reaction.member.as_ref().map_or(0, |member| member.roles.len());
        let said = reaction
            .channel_id
            .say(
                &context.http,
                format!("{} roles react with {}", roles, reaction.emoji),
            )
            .await;
        assert!(said.is_ok(), "{said:?}");
    }
}

async fn read(
    context: &serenity::all::Context,
    command: &serenity::all::CommandInteraction,
) -> serenity::Result<()> {
    let found: Vec<String> = command
        .data
        .resolved
        .attachments
        .iter()
        .map(|(id, file)| {
            let kind = file.content_type.as_deref().unwrap_or("no type");
            let same = *id == file.id;
            format!(
                "{} of {}, {kind}, {same}, {}",
                file.filename, file.size, file.ephemeral
            )
        })
        .collect();
    let message = CreateInteractionResponseMessage::new().content(found.join("; "));
    command
        .create_response(&context.http, CreateInteractionResponse::Message(message))
        .await
}

async fn tick(
    context: &serenity::all::Context,
    command: &serenity::all::CommandInteraction,
) -> serenity::Result<()> {
    command.defer(&context.http).await?;
    let button = CreateButton::new("undo").label("Undo").style(ButtonStyle::Danger);
    let edit = EditInteractionResponse::new()
        .content("ticked")
        .embed(CreateEmbed::new().title("3.2").field("By", "Ana", true))
        .components(vec![CreateActionRow::Buttons(vec![button])]);
    command.edit_response(&context.http, edit).await?;
    let follow_up = CreateInteractionResponseFollowup::new()
        .content("only you see this")
        .ephemeral(true);
    command.create_followup(&context.http, follow_up).await?;
    let message = CreateMessage::new()
        .content("<@1> @everyone")
        .allowed_mentions(CreateAllowedMentions::new());
    let posted = command.channel_id.send_message(&context.http, message).await?;
    posted.pin(&context.http).await?;
    let thread = CreateThread::new("Deploy 1");
    let thread = command
        .channel_id
        .create_thread_from_message(&context.http, posted.id, thread)
        .await?;
    thread.say(&context.http, "in the thread").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serenity_reaches_ready_and_answers_everything() -> Outcome {
    let stand_in = StandIn::start(Options {
        rate_limits: RateLimits::Scaled(0.01),
        ..options()
    })
    .await?;
    let http_client = reqwest::Client::builder()
        .proxy(reqwest::Proxy::https(stand_in.proxy_url())?)
        .add_root_certificate(reqwest::Certificate::from_pem(
            stand_in.ca_certificate_pem().as_bytes(),
        )?)
        .timeout(Duration::from_secs(10))
        .build()?;
    let http = HttpBuilder::new("Bot token").client(http_client).build();
    let intents = GatewayIntents::GUILDS | GatewayIntents::GUILD_MESSAGE_REACTIONS;
    let mut client = serenity::client::ClientBuilder::new_with_http(http, intents)
        .event_handler(Bot)
        .await?;
    let shards = Arc::clone(&client.shard_manager);
    let running = tokio::spawn(async move { client.start().await });

    stand_in.gateway().wait_until_connected().await?;
    stand_in.wait_for_command("deploy").await?;
    let ana = stand_in.person("Ana")?;
    let channel = stand_in.channel("releases")?;

    let choices = ana
        .autocomplete(&channel, "deploy tick", &[], ("item", "3"))
        .await?;
    assert_eq!(choices[0].name, "3.2 Backup");

    let interaction = ana.slash(&channel, "deploy tick", &[("item", "3.2")])?;
    let answer = interaction.until(|message| message.content() == "ticked").await?;
    assert_eq!(answer.embeds()[0]["fields"][0]["value"], "Ana");
    let whisper = interaction.follow_up(|_| true).await?;
    assert!(whisper.is_ephemeral());
    let thread = stand_in.wait_for_thread(|name| name == "Deploy 1").await?;
    thread
        .wait_for_message(|message| message.content() == "in the thread")
        .await?;
    let pinned = &channel.pins()[0];
    assert_eq!(stand_in.pings_of(pinned), discord_stand_in::Pings::default());

    ana.press(&answer, "undo")?;
    channel
        .wait_for_edit(answer.id(), |message| message.content() == "pressed")
        .await?;

    let modal = ana.slash(&channel, "deploy note", &[])?.modal().await?;
    assert_eq!(modal.title(), "A note");
    let noted = ana.submit(&modal, &[("text", "All well")])?.message().await?;
    assert_eq!(noted.content(), "noted");

    let list = GivenFile::new("list.md", "- [ ] Backup\n").content_type("text/markdown");
    let read = ana.slash_with_files(&channel, "deploy read", &[], &[("list", list)])?;
    assert_eq!(
        read.message().await?.content(),
        "list.md of 13, text/markdown, true, true"
    );

    ana.react(&noted, "✅")?;
    channel
        .wait_for_message(|message| message.content() == "1 roles react with ✅")
        .await?;

    stand_in.gateway().drop_sockets();
    stand_in.gateway().wait_for_resumes(1).await?;
    let modal = ana.slash(&channel, "deploy note", &[])?.modal().await?;
    assert_eq!(modal.custom_id(), "note");

    assert!(
        stand_in
            .requests()
            .iter()
            .all(|request| request.status.is_some_and(|status| status < 500))
    );
    shards.shutdown_all().await;
    running.await??;
    stand_in.shutdown().await;
    Ok(())
}
