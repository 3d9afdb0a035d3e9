//! Discord on loopback: REST v10, Gateway v10, a CONNECT proxy with TLS for Discord's hosts, and a page that looks like a
//! channel, all on one port of 127.0.0.1. For tests of a bot, and for trying one out without Discord.
//!
//! The bot is pointed at [`StandIn::api_base`] when it lets its API address be set, or else at
//! [`StandIn::proxy_url`] with [`StandIn::ca_certificate_pem`] trusted: it then speaks to what it takes for
//! `https://discord.com`, and fetches the files that people give to its commands from what it takes for
//! `https://cdn.discordapp.com`, which is behind the proxy alone. People act through [`Person`], or by hand on [`StandIn::page_url`].

mod clock;
mod faults;
mod gateway;
mod listener;
mod options;
mod page;
mod people;
pub mod permissions;
mod rate_limit;
mod recording;
mod rest;
mod server;
mod snowflake;
mod tls;
mod validate;
mod world;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{self, Next};
use axum::routing::{any, get};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use faults::{Fault, Faults, RateLimitScope, Requests};
pub use gateway::faults::{GatewayControls, Resumable};
pub use gateway::session::{Greeting, HeartbeatAnswers};
pub use options::{
    AcceptedToken, BotMembership, GuildSeed, Mentionable, Options, PersonSeed, PrivilegedIntents, RateLimits,
    RoleSeed, SwitchPosition, SwitchSeed, Welcome,
};
pub use people::{
    Channel, Choice, GivenFile, Interaction, Message, Modal, Person, Pings, Response, Unanswered,
};
pub use recording::RecordedRequest;
pub use server::TimedOut;
pub use snowflake::Snowflake;
pub use world::invoke::Refusal;

use listener::{Line, Site};
use server::Core;
use world::guild::UserKind;

/// The environment variable that names a recording when the options do not.
const RECORDING_VARIABLE: &str = "DISCORD_STAND_IN_RECORDING";
/// How long a shutdown waits for connections to end before it leaves them.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(2);

/// A running stand-in. Dropping it stops it too, without waiting.
#[derive(Debug)]
pub struct StandIn {
    core: Arc<Core>,
    ca_pem: String,
    server: JoinHandle<()>,
}

/// Why a stand-in did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken, or may not be opened.
    #[error("port {port} on 127.0.0.1 cannot be opened; name another one, or 0 for any")]
    Bind {
        /// The port asked for.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The recording's file cannot be written.
    #[error("the recording {path} cannot be opened for writing")]
    Recording {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No certificate could be made.
    #[error("the certificate for discord.com could not be made")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refused the certificate.
    #[error("TLS for discord.com could not be set up")]
    Tls(#[from] tokio_rustls::rustls::Error),
}

impl StandIn {
    /// Starts a stand-in on 127.0.0.1 alone.
    ///
    /// # Errors
    /// [`StartError`] when the port or the recording cannot be opened.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let tls = tls::Tls::new()?;
        let path = options
            .recording
            .clone()
            .or_else(|| std::env::var_os(RECORDING_VARIABLE).map(PathBuf::from));
        let recording =
            recording::Recording::new(path.as_deref(), options.recorded_requests).map_err(|source| {
                StartError::Recording {
                    path: path.unwrap_or_default(),
                    source,
                }
            })?;
        let port = options.port;
        let bind = |source| StartError::Bind { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let core = Arc::new(Core::new(options, address, recording));
        let door = listener::open(
            listener,
            address,
            tls.acceptor,
            core.stopping.clone(),
            &core.tasks,
        );
        let router = router(Arc::clone(&core));
        let service = router.into_make_service_with_connect_info::<Line>();
        let stopping = core.stopping.clone();
        let server = tokio::spawn(async move {
            let serving =
                axum::serve(door, service).with_graceful_shutdown(async move { stopping.cancelled().await });
            if let Err(error) = serving.await {
                tracing::error!(%error, "the stand-in's server has ended");
            }
        });
        Ok(Self {
            core,
            ca_pem: tls.ca_pem,
            server,
        })
    }

    /// Stops: closes the gateway with 1001, ends what is under way, and gives the port back.
    pub async fn shutdown(mut self) {
        self.core.stopping.cancel();
        self.core.tasks.close();
        let ended = async {
            // A panic in the server has been reported where it happened.
            drop((&mut self.server).await);
            self.core.tasks.wait().await;
        };
        if tokio::time::timeout(SHUTDOWN_PATIENCE, ended).await.is_err() {
            tracing::debug!("connections were still open after the stand-in's shutdown");
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.core.address
    }

    /// The base of the REST API, `http://127.0.0.1:port/api`; `/v10` may follow.
    pub fn api_base(&self) -> String {
        format!("http://{}/api", self.core.address)
    }

    /// The proxy for `https://discord.com`, `https://cdn.discordapp.com` and `https://media.discordapp.net`:
    /// `http://127.0.0.1:port`. Any other host gets a 403.
    pub fn proxy_url(&self) -> String {
        format!("http://{}", self.core.address)
    }

    /// The certificate, in PEM, of the authority that signed for the proxy's hosts. Made anew at every start.
    pub fn ca_certificate_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The page.
    pub fn page_url(&self) -> String {
        format!("http://{}/page/", self.core.address)
    }

    /// The offset of stand-in time from the machine's, in milliseconds, as the page and tests move it.
    pub fn clock(&self) -> watch::Receiver<i64> {
        self.core.clock.watch()
    }

    /// Moves stand-in time by so many milliseconds, and with it the life of interactions' tokens; rate limits and the
    /// deadline of a first response stay in real time.
    pub fn advance_clock(&self, milliseconds: i64) {
        self.core.advance_clock(milliseconds);
    }

    /// A switch's position, true for on. `None` when the options have no such switch.
    pub fn switch(&self, id: &str) -> Option<watch::Receiver<bool>> {
        self.core.switches.watch(id)
    }

    /// Moves a switch as the page does. False when there is none of that name.
    pub fn set_switch(&self, id: &str, position: SwitchPosition) -> bool {
        self.core.set_switch(id, position)
    }

    /// What the REST side shall do wrong.
    pub fn faults(&self) -> &Faults {
        &self.core.faults
    }

    /// What the gateway shall do.
    pub fn gateway(&self) -> GatewayControls {
        GatewayControls::new(Arc::clone(&self.core))
    }

    /// Every REST request so far, oldest first, up to [`Options::recorded_requests`].
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.core.recording.all()
    }

    /// The application's id, which is the bot's user id too.
    pub fn application_id(&self) -> Snowflake {
        self.core.read(|world| world.application)
    }

    /// A person by the shown name.
    ///
    /// # Errors
    /// A sentence when there is none.
    pub fn person(&self, name: &str) -> Result<Person, Refusal> {
        self.core
            .read(|world| {
                world
                    .users
                    .values()
                    .find(|user| user.display == name && user.kind == UserKind::Person)
                    .map(|user| user.id)
            })
            .map(|id| Person::new(Arc::clone(&self.core), id))
            .ok_or_else(|| Refusal::new(format!("There is nobody named {name}.")))
    }

    /// A channel or thread by its name; of several, the oldest.
    ///
    /// # Errors
    /// A sentence when there is none.
    pub fn channel(&self, name: &str) -> Result<Channel, Refusal> {
        self.core
            .read(|world| {
                world
                    .channels
                    .values()
                    .find(|channel| channel.name == name)
                    .map(|channel| channel.id)
            })
            .map(|id| Channel::new(Arc::clone(&self.core), id))
            .ok_or_else(|| Refusal::new(format!("There is no channel named {name}.")))
    }

    /// Every channel and thread of every guild, and everybody's direct messages, oldest first.
    pub fn channels(&self) -> Vec<Channel> {
        let ids: Vec<Snowflake> = self.core.read(|world| world.channels.keys().copied().collect());
        ids.into_iter()
            .map(|id| Channel::new(Arc::clone(&self.core), id))
            .collect()
    }

    /// A channel by its id, whether or not there is one.
    pub fn channel_by_id(&self, id: Snowflake) -> Channel {
        Channel::new(Arc::clone(&self.core), id)
    }

    /// A guild's id by its name.
    ///
    /// # Errors
    /// A sentence when there is none.
    pub fn guild_id(&self, name: &str) -> Result<Snowflake, Refusal> {
        self.core
            .read(|world| {
                world
                    .guilds
                    .values()
                    .find(|guild| guild.name == name)
                    .map(|guild| guild.id)
            })
            .ok_or_else(|| Refusal::new(format!("There is no guild named {name}.")))
    }

    /// A role's id by its name; of several guilds', the oldest.
    ///
    /// # Errors
    /// A sentence when there is none.
    pub fn role_id(&self, name: &str) -> Result<Snowflake, Refusal> {
        self.core
            .read(|world| {
                world
                    .guilds
                    .values()
                    .find_map(|guild| guild.role_named(name))
                    .map(|role| role.id)
            })
            .ok_or_else(|| Refusal::new(format!("There is no role named {name}.")))
    }

    /// Waits for a thread whose name satisfies a predicate, now or later.
    ///
    /// # Errors
    /// [`TimedOut`] when none comes.
    pub async fn wait_for_thread(&self, mut wanted: impl FnMut(&str) -> bool) -> Result<Channel, TimedOut> {
        let id = self
            .core
            .until("a thread", |world| {
                world
                    .channels
                    .values()
                    .find(|channel| channel.kind.is_thread() && wanted(&channel.name))
                    .map(|channel| channel.id)
            })
            .await?;
        Ok(Channel::new(Arc::clone(&self.core), id))
    }

    /// Waits until the application has registered a command of that name.
    ///
    /// # Errors
    /// [`TimedOut`] when it does not.
    pub async fn wait_for_command(&self, name: &str) -> Result<(), TimedOut> {
        self.core
            .until("the command", |world| {
                let known = world.commands.values().any(|command| command.name == name);
                known.then_some(())
            })
            .await
    }

    /// Whom a message pinged when it was posted.
    pub fn pings_of(&self, message: &Message) -> Pings {
        self.core
            .read(|world| Pings::of(world, message.channel(), message.id()))
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.core.stopping.cancel();
    }
}

fn router(core: Arc<Core>) -> Router {
    page::routes()
        .route("/gateway", get(gateway::upgrade))
        .route("/gateway/", get(gateway::upgrade))
        .route("/attachments/{channel}/{id}/{name}", get(rest::attachment))
        .route("/api/{*path}", any(rest::serve))
        .layer(middleware::from_fn_with_state(Arc::clone(&core), by_site))
        .with_state(core)
}

/// Keeps the hosts of files apart: what else the stand-in has is not to be found there.
async fn by_site(
    State(core): State<Arc<Core>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
    next: Next,
) -> axum::response::Response {
    match line.site {
        Site::Api => next.run(request).await,
        Site::Cdn => rest::cdn::serve(&core, &request.into_parts().0, &line.cut).await,
    }
}
