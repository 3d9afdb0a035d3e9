//! Runs a stand-in by itself, for looking at the page or pointing a bot of any kind at it.
//!
//! `cargo run -p discord-stand-in --example serve -- 8787`

use std::error::Error;
use std::io::Write as _;

use discord_stand_in::{GuildSeed, Options, RoleSeed, StandIn};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    let stand_in = StandIn::start(Options {
        port,
        guilds: vec![
            GuildSeed::new("Pier")
                .channel("releases")
                .channel("general")
                .role(RoleSeed::new("Pilot").color(0x34_98_DB))
                .person("Ana", &["Pilot"])
                .person("Ben", &[]),
        ],
        ..Options::default()
    })
    .await?;
    let mut out = std::io::stdout();
    writeln!(out, "page   {}", stand_in.page_url())?;
    writeln!(out, "api    {}", stand_in.api_base())?;
    writeln!(out, "proxy  {}", stand_in.proxy_url())?;
    tokio::signal::ctrl_c().await?;
    stand_in.shutdown().await;
    Ok(())
}
