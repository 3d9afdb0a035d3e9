//! A bot on serenity that does nothing but echo: what any bot of its kind weighs and takes.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use serenity::all::{
    CommandOptionType, Context, CreateCommand, CreateCommandOption, CreateInteractionResponse,
    CreateInteractionResponseMessage, EventHandler, GatewayIntents, HttpBuilder, Interaction, Ready,
};
use serenity::async_trait;

struct Echo;

#[async_trait]
impl EventHandler for Echo {
    async fn ready(&self, _: Context, _: Ready) {
        let mut out = std::io::stdout();
        // Whoever does not listen needs no word.
        let _ = writeln!(out, "ready").and_then(|()| out.flush());
    }

    async fn interaction_create(&self, context: Context, interaction: Interaction) {
        let Interaction::Command(command) = interaction else {
            return;
        };
        let text = command
            .data
            .options
            .first()
            .and_then(|option| option.value.as_str())
            .unwrap_or_default();
        let message = CreateInteractionResponseMessage::new().content(text);
        // An answer that fails is an answer that is missed where it is waited for.
        let _ = command
            .create_response(&context.http, CreateInteractionResponse::Message(message))
            .await;
    }
}

/// Runs it until it is killed. The environment says where Discord is: `BARE_BOT_PROXY`, and the file `BARE_BOT_CERTIFICATE`.
pub(crate) async fn run() -> Result<()> {
    let variable = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
    let certificate = std::fs::read(variable("BARE_BOT_CERTIFICATE")?)?;
    let client = reqwest::Client::builder()
        .use_rustls_tls()
        .proxy(reqwest::Proxy::https(variable("BARE_BOT_PROXY")?)?)
        .add_root_certificate(reqwest::Certificate::from_pem(&certificate)?)
        .build()?;
    let http = HttpBuilder::new("bare").client(client).build();
    let application = http.get_current_application_info().await?;
    http.set_application_id(application.id);
    let text = CreateCommandOption::new(CommandOptionType::String, "text", "What to say").required(true);
    let echo = CreateCommand::new("echo")
        .description("Say it again")
        .add_option(text);
    serenity::all::Command::set_global_commands(&http, vec![echo]).await?;
    let intents = GatewayIntents::GUILDS | GatewayIntents::GUILD_MESSAGE_REACTIONS;
    let mut bot = serenity::all::ClientBuilder::new_with_http(http, intents)
        .event_handler(Echo)
        .await?;
    Ok(bot.start().await?)
}
