//! A world to test in: the stand-in with people, the bot as it is shipped, files of its own, and a clock that is moved.
//!
//! Every test ends with [`World::finish`], which fails on what the test has not looked at: a message nobody read, somebody
//! pinged whom the test did not expect, a request that Discord refused, a message still owed, a history that does not verify.

mod member;
mod seed;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use discord_stand_in::{Channel, Interaction, Message, Pings, Response, Snowflake, StandIn};
use holdpoint::app::bot::{Bot, Plan};
use holdpoint::clock::{Clock as _, ManualClock};
use holdpoint::config::{Configuration, Environment, Settings, SettingsFile};
use holdpoint::discord::{Endpoint, GatewayState};
use holdpoint::domain::deployment::Deployment;
use holdpoint::domain::ids::DeploymentId;
use holdpoint::engine::{CheckRuns, Engine};
use holdpoint::store::Store;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) use member::Member;
pub(crate) use seed::{ONE_ROLE, SHIPPED, SMALL, Seed};

/// When every test begins, as far as the bot knows.
const BEGINNING: &str = "2026-03-06T09:00:00Z";
/// How long is waited for what the database alone shows, before a test is given up.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often the database is looked at: it tells nobody of its changes.
const LOOK_EVERY: Duration = Duration::from_millis(3);

/// Everything a test needs.
pub(crate) struct World {
    pub(crate) stand_in: StandIn,
    clock: ManualClock,
    directory: TempDir,
    settings: Settings,
    token: String,
    running: Option<Running>,
    seen: Mutex<Seen>,
}

/// A bot that runs.
struct Running {
    engine: Engine,
    check_runs: CheckRuns,
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

/// What the test has looked at, and what it said would happen.
#[derive(Default)]
struct Seen {
    messages: BTreeSet<(Snowflake, Snowflake)>,
    /// How often each refusal was announced: the status and the route.
    refusals: BTreeMap<(u16, String), Expected>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// So many times exactly.
    Times(usize),
    /// At least once.
    Some,
}

/// A deployment as people see it.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// Its number.
    pub(crate) number: i64,
    /// Its thread.
    pub(crate) thread: Channel,
}

impl World {
    /// A world with these checklists, each by its name, and the usual people.
    pub(crate) async fn with(checklists: &[(&str, &str)]) -> Self {
        let mut seed = Seed::default();
        for (name, text) in checklists {
            seed = seed.checklist(name, text);
        }
        seed.start().await
    }

    /// A person by name.
    pub(crate) fn member(&self, name: &str) -> Member<'_> {
        Member::new(self, self.stand_in.person(name).unwrap())
    }

    pub(crate) fn mara(&self) -> Member<'_> {
        self.member("Mara")
    }

    pub(crate) fn theo(&self) -> Member<'_> {
        self.member("Theo")
    }

    pub(crate) fn quinn(&self) -> Member<'_> {
        self.member("Quinn")
    }

    pub(crate) fn sam(&self) -> Member<'_> {
        self.member("Sam")
    }

    /// A channel by name.
    pub(crate) fn channel(&self, name: &str) -> Channel {
        self.stand_in.channel(name).unwrap()
    }

    /// The channel in which deployments are started.
    pub(crate) fn releases(&self) -> Channel {
        self.channel("releases")
    }

    /// The engine of the bot that runs.
    pub(crate) fn engine(&self) -> &Engine {
        &self.running.as_ref().expect("the bot runs").engine
    }

    /// What takes posts for the bot that runs.
    pub(crate) fn check_runs(&self) -> &CheckRuns {
        &self.running.as_ref().expect("the bot runs").check_runs
    }

    /// A deployment as the engine has it.
    pub(crate) async fn deployment(&self, run: &Run) -> Arc<Deployment> {
        self.engine()
            .any_deployment(DeploymentId(run.number))
            .await
            .unwrap()
            .expect("it is there")
    }

    /// Where the checklists are.
    pub(crate) fn checklists(&self) -> PathBuf {
        self.directory.path().join("checklists")
    }

    /// The database.
    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("holdpoint.db")
    }

    /// What the bot takes for now.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the bot's clock and Discord's ahead.
    pub(crate) fn advance(&self, minutes: i64) {
        self.advance_seconds(minutes * 60);
    }

    pub(crate) fn advance_seconds(&self, seconds: i64) {
        self.stand_in.advance_clock(seconds * 1000);
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Starts the bot on the files of this world.
    pub(crate) async fn start_bot(&mut self) {
        self.try_start_bot().await.expect("the bot starts");
    }

    /// Starts the bot; what stands in its way is what its operator would read.
    pub(crate) async fn try_start_bot(&mut self) -> anyhow::Result<()> {
        assert!(self.running.is_none(), "the bot runs already");
        let bot = Bot::prepare(Plan {
            settings: &self.settings,
            database: &self.database(),
            checklists: &self.checklists(),
            token: SecretString::from(self.token.clone()),
            endpoint: Endpoint::Local {
                proxy: self.stand_in.proxy_url(),
                certificate_authority: self.stand_in.ca_certificate_pem().to_owned(),
            },
            clock: Arc::new(self.clock.clone()),
        })
        .await?;
        let engine = bot.engine().clone();
        let check_runs = bot.check_runs().clone();
        let mut gateway = bot.gateway();
        let stop = CancellationToken::new();
        let task = tokio::spawn(bot.run(stop.clone()));
        self.running = Some(Running {
            engine,
            check_runs,
            stop,
            task,
        });
        let up = gateway.wait_for(|state| *state == GatewayState::Up);
        tokio::time::timeout(PATIENCE, up)
            .await
            .expect("it connects in time")
            .expect("it lives");
        Ok(())
    }

    /// Stops the bot as its operator would.
    pub(crate) async fn stop_bot(&mut self) {
        let Running {
            engine,
            check_runs,
            stop,
            task,
        } = self.running.take().expect("the bot runs");
        drop((engine, check_runs));
        stop.cancel();
        task.await.expect("it does not panic").expect("it stops well");
    }

    /// Waits until no timer is due and every message owed has been delivered.
    pub(crate) async fn settle(&self) {
        let store = self.engine().store().clone();
        self.until("the messages owed to be delivered", async || {
            let due = store.next_due().await.unwrap();
            if due.is_some_and(|due| due <= self.now()) {
                return false;
            }
            store.outbox_state().await.unwrap().owed == 0
        })
        .await;
    }

    /// Waits until a delivery has failed, and moves the clocks to its next try.
    pub(crate) async fn retry(&self) {
        let store = self.engine().store().clone();
        self.until("a delivery that has to be tried again", async || {
            store
                .next_owed()
                .await
                .unwrap()
                .is_some_and(|next| next > self.now())
        })
        .await;
        let next = store.next_owed().await.unwrap().expect("something is owed");
        self.advance_seconds(next.duration_since(self.now()).as_secs() + 1);
    }

    /// Waits until something holds that only the database shows.
    pub(crate) async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let waited = async {
            loop {
                looks.tick().await;
                if holds().await {
                    return;
                }
            }
        };
        assert!(
            tokio::time::timeout(PATIENCE, waited).await.is_ok(),
            "{what} was waited for in vain"
        );
    }

    /// The board of a deployment as it is when all is delivered.
    pub(crate) async fn board(&self, run: &Run) -> Message {
        self.settle().await;
        let pins = run.thread.pins();
        let [board] = &pins[..] else {
            panic!("one message is pinned, not {}", pins.len())
        };
        board.clone()
    }

    /// Waits for a message that nobody has read yet and that says this. It has to ping these people and nobody else.
    pub(crate) async fn hear(&self, channel: &Channel, says: &str, pinged: &[&str]) -> Message {
        let heard = channel
            .wait_for_message(|message| message.text().contains(says) && !self.is_read(message))
            .await;
        let Ok(message) = heard else {
            panic!("nobody said {says:?}; unread is: {:#?}", self.unread(channel));
        };
        self.read(&message, pinged);
        message
    }

    /// The card that asks a role to sign, pinging these people.
    pub(crate) async fn card(&self, run: &Run, role: &str, pinged: &[&str]) -> Message {
        let title = format!("Sign-off · {role}");
        let card = self.hear(&run.thread, &title, pinged).await;
        // It counts once the bot has offered its three reactions.
        run.thread
            .wait_for_edit(card.id(), |card| card.reactions("👀") > 0)
            .await
            .unwrap()
    }

    /// A message as it is now.
    pub(crate) fn again(&self, message: &Message) -> Message {
        self.stand_in
            .channel_by_id(message.channel())
            .message(message.id())
            .expect("it is still there")
    }

    /// Waits until a message says this, now or after an edit.
    pub(crate) async fn until_it_says(&self, message: &Message, says: &str) -> Message {
        let channel = self.stand_in.channel_by_id(message.channel());
        let edited = channel
            .wait_for_edit(message.id(), |message| message.text().contains(says))
            .await;
        edited.unwrap_or_else(|_| panic!("it never said {says:?}: {}", self.again(message).text()))
    }

    /// Sends a request to Discord under the bot's own token, as an administrator's tool might, and gives its status.
    pub(crate) async fn asks_discord(
        &self,
        method: reqwest::Method,
        path: &str,
        body: serde_json::Value,
    ) -> reqwest::StatusCode {
        let url = format!("{}/v10{path}", self.stand_in.api_base());
        let request = reqwest::Client::new()
            .request(method, url)
            .header("authorization", format!("Bot {}", self.token))
            .json(&body);
        request.send().await.unwrap().status()
    }

    /// Marks a message as read, which has pinged these people and nobody else.
    pub(crate) fn read(&self, message: &Message, pinged: &[&str]) {
        let Pings {
            reached, everyone, ..
        } = self.stand_in.pings_of(message);
        let mut wanted: Vec<&str> = pinged.to_vec();
        let mut reached: Vec<&str> = reached.iter().map(String::as_str).collect();
        wanted.sort_unstable();
        reached.sort_unstable();
        assert_eq!(reached, wanted, "pinged by: {}", message.text());
        assert!(!everyone, "everyone was pinged by: {}", message.text());
        self.seen
            .lock()
            .unwrap()
            .messages
            .insert((message.channel(), message.id()));
    }

    /// Waits for the answer to an interaction. Answers ping nobody.
    pub(crate) async fn answer(&self, interaction: &Interaction) -> Response {
        let response = interaction.response().await.expect("the bot answers");
        if let Response::Message(message) = &response {
            self.read(message, &[]);
        }
        response
    }

    /// Says that Discord will refuse requests of a route with a status so many times.
    pub(crate) fn expect_refusals(&self, times: usize, status: u16, route: &str) {
        self.seen
            .lock()
            .unwrap()
            .refusals
            .insert((status, route.to_owned()), Expected::Times(times));
    }

    /// Says that Discord will refuse requests of a route with a status at least once.
    pub(crate) fn expect_some_refusals(&self, status: u16, route: &str) {
        self.seen
            .lock()
            .unwrap()
            .refusals
            .insert((status, route.to_owned()), Expected::Some);
    }

    /// How many requests of a route were answered well.
    pub(crate) fn requests(&self, route: &str) -> usize {
        self.stand_in
            .requests()
            .iter()
            .filter(|request| request.name == route && request.status.is_some_and(|status| status < 300))
            .count()
    }

    /// What an attachment of a message holds.
    pub(crate) async fn attachment(&self, message: &Message) -> String {
        let [file] = message.attachments() else {
            panic!("one file is attached: {}", message.text())
        };
        let url = file["url"].as_str().expect("it has an address");
        reqwest::get(url).await.unwrap().text().await.unwrap()
    }

    /// Ends the test: stops the bot, and fails on everything that was left behind.
    pub(crate) async fn finish(mut self) {
        self.settle().await;
        self.stop_bot().await;
        self.verify_history().await;
        let unread: Vec<String> = self
            .stand_in
            .channels()
            .iter()
            .flat_map(|channel| self.unread(channel))
            .collect();
        assert!(
            unread.is_empty(),
            "messages that the test has not read: {unread:#?}"
        );
        self.verify_refusals();
        self.stand_in.shutdown().await;
    }

    async fn verify_history(&self) {
        let store = Store::open_read_only(&self.database()).await.unwrap();
        store.verify().await.expect("the history verifies");
        let outbox = store.outbox_state().await.unwrap();
        assert_eq!(outbox.owed, 0, "messages are still owed");
        assert_eq!(outbox.given_up, 0, "messages were given up");
        store.close().await;
    }

    fn verify_refusals(&self) {
        let mut counted: BTreeMap<(u16, String), usize> = BTreeMap::new();
        let refused = self.stand_in.requests().into_iter().filter_map(|request| {
            request
                .status
                .filter(|status| *status >= 400)
                .map(|status| (status, request.name))
        });
        for refusal in refused {
            *counted.entry(refusal).or_default() += 1;
        }
        let expected = &self.seen.lock().unwrap().refusals;
        for (refusal, times) in &counted {
            match expected.get(refusal) {
                Some(Expected::Some) => {}
                Some(Expected::Times(wanted)) => assert_eq!(times, wanted, "refused with {refusal:?}"),
                None => panic!("Discord refused what the test did not expect: {refusal:?}, {times} times"),
            }
        }
        for refusal in expected.keys() {
            assert!(
                counted.contains_key(refusal),
                "Discord never refused with {refusal:?}"
            );
        }
    }

    fn is_read(&self, message: &Message) -> bool {
        self.seen
            .lock()
            .unwrap()
            .messages
            .contains(&(message.channel(), message.id()))
    }

    /// The bot's messages in a channel that the test has not read.
    fn unread(&self, channel: &Channel) -> Vec<String> {
        channel
            .messages()
            .iter()
            .filter(|message| message.author() == seed::BOT && !self.is_read(message))
            .map(|message| format!("#{}: {}", channel.name(), message.text()))
            .collect()
    }
}

fn settings_of(directory: &Path, text: &str) -> Settings {
    let file = directory.join("holdpoint.toml");
    std::fs::write(&file, text).unwrap();
    Configuration::load(&SettingsFile::Named(file), Environment::default())
        .expect("the settings make sense")
        .settings
}
