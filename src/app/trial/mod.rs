//! `holdpoint try`: the real bot on a stand-in for Discord, played in the browser.

mod demo;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use discord_stand_in::permissions::MANAGE_GUILD;
use discord_stand_in::{GuildSeed, Options, RoleSeed, StandIn, SwitchPosition, SwitchSeed};
use secrecy::SecretString;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Ended;
use super::bot::{Bot, Plan};
use crate::cli::TryArguments;
use crate::clock::{Clock, OffsetClock};
use crate::config::Settings;
use crate::discord::Endpoint;
use crate::domain::ids::{GuildId, RoleKey, UserId};
use crate::domain::sign_off::{Holder, Rank};
use crate::store::Store;
use crate::telemetry::{self, LogStyle};

/// The checklists a trial offers: a short one of its own, and the five that are shipped.
const SHIPPED: [(&str, &str); 5] = [
    (
        "staging-telehealth.md",
        include_str!("../../../checklists/staging-telehealth.md"),
    ),
    (
        "staging-crm.md",
        include_str!("../../../checklists/staging-crm.md"),
    ),
    (
        "production-booking.md",
        include_str!("../../../checklists/production-booking.md"),
    ),
    (
        "production-client-platform.md",
        include_str!("../../../checklists/production-client-platform.md"),
    ),
    (
        "staged-rollout-portal.md",
        include_str!("../../../checklists/staged-rollout-portal.md"),
    ),
];
const FRIDAY: &str = include_str!("friday-release.md");
/// What stands for the demo service's address in it.
const FRIDAY_ADDRESS: &str = "http://127.0.0.1:0";

/// Who plays, which sign-off role they hold in which rank, and what they may do on the server.
const CAST: [(&str, &str, Option<(&str, Rank)>); 6] = [
    ("Mara", "Release Manager", None),
    ("Theo", "Tech Lead", Some(("tech-lead", Rank::Owner))),
    ("Quinn", "QA Lead", Some(("qa-lead", Rank::Owner))),
    ("Petra", "Product Owner", Some(("product-owner", Rank::Owner))),
    ("Dana", "Deputy", Some(("*", Rank::Deputy))),
    ("Lee", "Head of Engineering", Some(("*", Rank::Lead))),
];

/// The switch that mends the demo service.
const MEND: &str = "demo-database";

/// Runs until Ctrl-C.
pub(super) async fn run(settings: &Settings, arguments: TryArguments) -> anyhow::Result<Ended> {
    let temporary;
    let directory: &Path = match &arguments.data {
        Some(directory) => directory,
        None => {
            temporary = TemporaryDirectory::make()?;
            &temporary.0
        }
    };
    std::fs::create_dir_all(directory)
        .with_context(|| format!("the directory {} cannot be made", directory.display()))?;
    telemetry::start_log(&settings.log.filter, LogStyle::Pretty)?;
    let stand_in = StandIn::start(options(arguments.port.unwrap_or(0))).await?;
    let stop = CancellationToken::new();
    let mended = stand_in
        .switch(MEND)
        .context("the stand-in has lost the demo's switch")?;
    let demo = demo::start(mended, stop.clone()).await?;
    let checklists = directory.join("checklists");
    write_checklists(&checklists, &format!("http://{}", demo.address))?;
    let database = directory.join("holdpoint.db");
    let clock: Arc<dyn Clock> = Arc::new(OffsetClock::new(stand_in.clock()));
    cast_roles(&stand_in, &database, &*clock).await?;
    let bot = Bot::prepare(Plan {
        settings,
        database: &database,
        checklists: &checklists,
        token: SecretString::from("try"),
        endpoint: Endpoint::Local {
            proxy: stand_in.proxy_url(),
            certificate_authority: stand_in.ca_certificate_pem().to_owned(),
        },
        clock,
    })
    .await?;
    let page = stand_in.page_url();
    let mut out = io::stdout();
    writeln!(out, "Holdpoint is at {page}")?;
    writeln!(
        out,
        "Type /deploy start in the channel, as Mara. Switch people at the top. Ctrl-C stops."
    )?;
    out.flush()?;
    if !arguments.no_open && has_a_screen() {
        // A browser that does not open is no loss: the address stands above.
        let _ = open::that_detached(&page);
    }
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stopping = stop.clone();
    let heeding = tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stopping.cancel();
    });
    let outcome = bot.run(stop.clone()).await;
    heeding.abort();
    stop.cancel();
    stand_in.shutdown().await;
    outcome.map(|()| Ended::Well)
}

fn options(port: u16) -> Options {
    let mut guild = GuildSeed::new("Northwind").channel("releases").channel("general");
    for (name, role, _) in CAST {
        let seed = RoleSeed::new(role);
        let seed = if name == "Mara" {
            seed.permissions(MANAGE_GUILD)
        } else {
            seed
        };
        guild = guild.role(seed).person(name, &[role]);
    }
    Options {
        port,
        title: "Holdpoint, tried out".to_owned(),
        bot_name: "Holdpoint".to_owned(),
        guilds: vec![guild],
        switches: vec![
            SwitchSeed::new(MEND, "Demo database")
                .texts("up: its health check passes", "down: its health check fails")
                .at(SwitchPosition::Off),
        ],
        ..Options::default()
    }
}

/// Gives the cast their roles, so that the first deployment has somebody to ask.
async fn cast_roles(stand_in: &StandIn, database: &Path, clock: &dyn Clock) -> anyhow::Result<()> {
    let store = Store::open(database, clock.now()).await?;
    let guild = GuildId(stand_in.guild_id("Northwind")?.into());
    let roles = ["tech-lead", "backend", "frontend", "qa-lead", "product-owner"];
    for (name, _, holds) in CAST {
        let Some((role, rank)) = holds else { continue };
        let person = UserId(stand_in.person(name)?.id().into());
        for role in roles.iter().filter(|known| role == "*" || role == **known) {
            store
                .set_owner(
                    guild,
                    &RoleKey::new(*role),
                    rank,
                    Holder::Member(person),
                    person,
                    clock.now(),
                )
                .await?;
        }
    }
    store.close().await;
    Ok(())
}

fn write_checklists(directory: &Path, address: &str) -> anyhow::Result<()> {
    std::fs::create_dir_all(directory)?;
    std::fs::write(
        directory.join("friday-release.md"),
        FRIDAY.replace(FRIDAY_ADDRESS, address),
    )?;
    for (name, text) in SHIPPED {
        std::fs::write(directory.join(name), text)?;
    }
    Ok(())
}

/// Whether there is somewhere to open a browser.
fn has_a_screen() -> bool {
    cfg!(target_os = "macos")
        || std::env::var_os("DISPLAY").is_some()
        || std::env::var_os("WAYLAND_DISPLAY").is_some()
}

/// A directory that goes with the trial.
struct TemporaryDirectory(PathBuf);

impl TemporaryDirectory {
    fn make() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("holdpoint-try-{}", std::process::id()));
        std::fs::create_dir_all(&path)
            .with_context(|| format!("the directory {} cannot be made", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        // What cannot be removed now, the system removes in its time.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
