//! `holdpoint try`: the real bot on a stand-in for Discord, played in the browser.

mod demo;
mod guide;
mod place;

use std::io;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use discord_stand_in::permissions::MANAGE_GUILD;
use discord_stand_in::{GuildSeed, Options, RoleSeed, StandIn, StartError, SwitchPosition, SwitchSeed};
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use self::guide::Kept;
use self::place::{Age, Place, Remembered};
use super::Ended;
use super::bot::{Bot, Plan};
use crate::cli::TryArguments;
use crate::clock::{Clock, OffsetClock};
use crate::config::{Configuration, EffectiveSetting, Origin};
use crate::discord::{Endpoint, GatewayState};
use crate::domain::ids::{GuildId, RoleKey, UserId};
use crate::domain::sign_off::{Holder, Rank};
use crate::store::{Filter, Store};
use crate::telemetry::{self, LogStyle};

/// Somebody who plays: their name, their role on the server, and the sign-off role they hold in which rank; `*` is every one.
type Player = (&'static str, &'static str, Option<(&'static str, Rank)>);

/// Who plays.
const CAST: [Player; 6] = [
    ("Mara", "Release Manager", None),
    ("Theo", "Tech Lead", Some(("tech-lead", Rank::Owner))),
    ("Quinn", "QA Lead", Some(("qa-lead", Rank::Owner))),
    ("Petra", "Product Owner", Some(("product-owner", Rank::Owner))),
    ("Dana", "Deputy", Some(("*", Rank::Deputy))),
    ("Lee", "Head of Engineering", Some(("*", Rank::Lead))),
];

/// The switch that mends the demo service.
const MEND: &str = "demo-database";

/// When the stand-in's server was founded: 1 January 2026. Its ids come from it, so that what one trial keeps is found by
/// the next.
const FOUNDED_MS: i64 = 1_767_225_600_000;

/// What a trial logs unless a filter is configured: what goes wrong, but not that a connection of serenity's was closed
/// in the middle of its own closing.
const QUIET: &str = "warn,serenity=error";

/// Runs until Ctrl-C.
pub(super) async fn run(configuration: &Configuration, arguments: TryArguments) -> anyhow::Result<Ended> {
    let settings = &configuration.settings;
    let is_default = |setting: &EffectiveSetting| *setting.origin() == Origin::Default;
    let quiet = configuration.effective.get("log.filter").is_some_and(is_default);
    let filter = if quiet { QUIET } else { &settings.log.filter };
    telemetry::start_log(filter, LogStyle::Pretty)?;
    let place = Place::prepare(arguments.data.as_deref())?;
    let remembered = place.remembered();
    let stand_in = start_stand_in(arguments.port.unwrap_or(0)).await?;
    stand_in.advance_clock(remembered.clock_offset_ms);
    let clock: Arc<dyn Clock> = Arc::new(OffsetClock::new(stand_in.clock()));
    let stop = CancellationToken::new();
    let heeding = tokio::spawn(heed_signals(stop.clone())?);
    // The database first: another trial that has it open must keep its checklists as they are.
    let kept = open_database(&stand_in, &place, &*clock).await?;
    let mended = stand_in
        .switch(MEND)
        .context("the stand-in has lost the demo's switch")?;
    let demo = demo::start(remembered.demo_port, mended, stop.clone()).await?;
    place.write_checklists(remembered.demo_port, demo.address.port())?;
    let to_remember = |clock_offset_ms: i64| Remembered {
        demo_port: demo.address.port(),
        clock_offset_ms,
    };
    place.remember(to_remember(remembered.clock_offset_ms))?;
    let bot = Bot::prepare(Plan {
        settings,
        database: &place.database(),
        checklists: &place.checklists(),
        token: SecretString::from("try"),
        endpoint: Endpoint::Local {
            proxy: stand_in.proxy_url(),
            certificate_authority: stand_in.ca_certificate_pem().to_owned(),
        },
        clock,
    })
    .await?;
    let mut gateway = bot.gateway();
    let page = stand_in.page_url();
    let open = !arguments.no_open && has_a_screen();
    let announced = async {
        // A page that opens before the bot is there would say that no bot is connected.
        if gateway
            .wait_for(|state| *state == GatewayState::Up)
            .await
            .is_err()
        {
            return Ok(());
        }
        guide::announce(&mut io::stdout(), &page, &place, kept)?;
        if open {
            // A browser that does not open is no loss: the address is on the terminal.
            let _ = open::that_detached(&page);
        }
        Ok::<_, io::Error>(())
    };
    let running = async {
        let outcome = bot.run(stop.clone()).await;
        // Also when it ended by itself, so that nobody waits for it to come up.
        stop.cancel();
        outcome
    };
    let announced = async {
        tokio::select! {
            biased;
            () = stop.cancelled() => Ok(()),
            outcome = announced => {
                if outcome.is_err() {
                    stop.cancel();
                }
                outcome
            }
        }
    };
    let (outcome, announced) = tokio::join!(running, announced);
    heeding.abort();
    let clock_offset_ms = *stand_in.clock().borrow();
    stand_in.shutdown().await;
    place.remember(to_remember(clock_offset_ms))?;
    outcome?;
    announced?;
    Ok(Ended::Well)
}

async fn start_stand_in(port: u16) -> anyhow::Result<StandIn> {
    match StandIn::start(options(port)).await {
        Err(StartError::Bind { port, source }) if source.kind() == io::ErrorKind::AddrInUse => bail!(
            "Port {port} of 127.0.0.1 is in use by another program. Name another one with --port, or leave --port out \
             and take one that is free."
        ),
        started => Ok(started?),
    }
}

/// Listens from now on for Ctrl-C and SIGTERM, which stop the trial.
fn heed_signals(stop: CancellationToken) -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stop.cancel();
    })
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
        welcome: Some(guide::welcome()),
        founded_ms: Some(FOUNDED_MS),
        switches: vec![
            SwitchSeed::new(MEND, "Demo database")
                .texts("up: its health check passes", "down: its health check fails")
                .at(SwitchPosition::Off),
        ],
        ..Options::default()
    }
}

/// Opens the database, gives the cast their roles when it is new, so that the first deployment has somebody to ask, and
/// counts what earlier trials left.
async fn open_database(stand_in: &StandIn, place: &Place, clock: &dyn Clock) -> anyhow::Result<Kept> {
    let store = Store::open(&place.database(), clock.now()).await?;
    let guild = GuildId(stand_in.guild_id("Northwind")?.into());
    if place.age() == Age::New {
        cast_roles(stand_in, &store, guild, clock.now()).await?;
    }
    let kept = Kept {
        all: store.deployments(guild, Filter::All, u32::MAX).await?.len(),
        running: store.deployments(guild, Filter::Running, u32::MAX).await?.len(),
    };
    store.close().await;
    Ok(kept)
}

async fn cast_roles(stand_in: &StandIn, store: &Store, guild: GuildId, now: Timestamp) -> anyhow::Result<()> {
    let roles = ["tech-lead", "backend", "frontend", "qa-lead", "product-owner"];
    for (name, _, holds) in CAST {
        let Some((role, rank)) = holds else { continue };
        let person = UserId(stand_in.person(name)?.id().into());
        for role in roles.iter().filter(|known| role == "*" || role == **known) {
            let holder = Holder::Member(person);
            store
                .set_owner(guild, &RoleKey::new(*role), rank, holder, person, now)
                .await?;
        }
    }
    Ok(())
}

/// Whether there is somewhere to open a browser.
fn has_a_screen() -> bool {
    cfg!(target_os = "macos")
        || std::env::var_os("DISPLAY").is_some()
        || std::env::var_os("WAYLAND_DISPLAY").is_some()
}
