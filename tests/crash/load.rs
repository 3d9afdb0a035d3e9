//! People who work all the time, and remember what they saw.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use discord_stand_in::{Channel, Message, StandIn};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::chance::Chance;
use super::evidence::{Action, Answer, Deed};
use super::machine::{CHANNEL, ITEMS, PEOPLE};

/// How many work at once.
const HANDS: usize = 16;
/// How many of the newest deployments they work on.
const NEWEST: usize = 10;

/// A deployment that people work on.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) id: i64,
    pub(crate) thread: Channel,
}

/// What the people share.
#[derive(Clone)]
pub(crate) struct Load {
    stand_in: Arc<StandIn>,
    actions: Arc<Mutex<Vec<Action>>>,
    live: Arc<Mutex<Vec<Live>>>,
    stop: CancellationToken,
    tasks: TaskTracker,
    starts: Arc<Semaphore>,
}

impl Load {
    pub(crate) fn new(stand_in: Arc<StandIn>) -> Self {
        Self {
            stand_in,
            actions: Arc::default(),
            live: Arc::default(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            starts: Arc::new(Semaphore::new(0)),
        }
    }

    /// Puts everybody to work.
    pub(crate) fn begin(&self, seed: u64) {
        for hand in 0..HANDS {
            let (load, chance) = (self.clone(), Chance::new(seed.wrapping_add(hand as u64)));
            self.tasks.spawn(load.work(hand, chance));
        }
        self.tasks.spawn(self.clone().start_deployments());
        self.tasks.spawn(self.clone().find_threads());
        for (signer, name) in ["Theo", "Dana", "Quinn"].into_iter().enumerate() {
            let (load, chance) = (self.clone(), Chance::new(seed.wrapping_add(1000 + signer as u64)));
            self.tasks.spawn(load.sign(name, chance));
        }
    }

    /// Lets one more deployment be started.
    pub(crate) fn allow_a_start(&self) {
        self.starts.add_permits(1);
    }

    /// Starts deployments as they are allowed; one whose answer did not come is made up for.
    async fn start_deployments(self) {
        let channel = self.stand_in.channel(CHANNEL).expect("the channel is there");
        for number in 0_usize.. {
            let Some(Ok(allowed)) = self.stop.run_until_cancelled(self.starts.acquire()).await else {
                return;
            };
            let gateway = self.stand_in.gateway();
            let Some(connected) = self
                .stop
                .run_until_cancelled(gateway.wait_until_connected())
                .await
            else {
                return;
            };
            let version = format!("1.0.{number}");
            let person = self
                .stand_in
                .person(PEOPLE[number % PEOPLE.len()])
                .expect("everybody is there");
            let typed = [
                ("checklist", "rehearsal"),
                ("version", &version),
                ("environment", "staging"),
            ];
            let (Ok(()), Ok(asked)) = (connected, person.slash(&channel, "deploy start", &typed)) else {
                tokio::task::yield_now().await;
                continue;
            };
            // A start is answered to who asked, so that the answer's look says nothing of its outcome.
            let answer = match asked.message().await {
                Ok(said) if said.text().contains(&version) => Answer::Done,
                Ok(_) => Answer::Refused,
                Err(_) => Answer::None,
            };
            if answer == Answer::Done {
                allowed.forget();
            }
            self.remember(Action {
                interaction: asked.id().to_string(),
                person: person.id().into(),
                deed: Deed::Start { version },
                answer,
            });
        }
    }

    /// Finds the thread of each deployment as it is opened.
    async fn find_threads(self) {
        let mut known = HashSet::new();
        while let Some(found) = self
            .stop
            .run_until_cancelled(self.stand_in.wait_for_thread(|name| !known.contains(name)))
            .await
        {
            let Ok(thread) = found else { continue };
            let name = thread.name();
            if let Some(id) = name
                .split(' ')
                .next()
                .and_then(|word| word.trim_start_matches('#').parse().ok())
            {
                self.live
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(Live { id, thread });
            }
            known.insert(name);
        }
    }

    /// Lets everybody finish what they are at, and gives what they remember.
    pub(crate) async fn end(&self) -> Vec<Action> {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.actions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn live(&self) -> Vec<Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, action: Action) {
        self.actions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(action);
    }

    /// A deployment to do something in; nothing when the work is over.
    async fn some_deployment(&self, chance: &mut Chance) -> Option<Live> {
        self.stop.run_until_cancelled(self.any_deployment(chance)).await
    }

    async fn any_deployment(&self, chance: &mut Chance) -> Live {
        loop {
            // Nothing is typed while the bot is away; what it misses proves nothing.
            if self.stand_in.gateway().wait_until_connected().await.is_err() {
                continue;
            }
            let live = self.live();
            let newest = &live[live.len().saturating_sub(NEWEST)..];
            if let Some(live) = chance.one_of(newest) {
                return live.clone();
            }
            let _ = self.stand_in.wait_for_thread(|_| true).await;
            tokio::task::yield_now().await;
        }
    }

    /// Writes notes, ticks and unticks, one thing after the other.
    async fn work(self, hand: usize, mut chance: Chance) {
        let person = self
            .stand_in
            .person(PEOPLE[hand % PEOPLE.len()])
            .expect("everybody is there");
        let mut ticked: HashMap<(i64, usize), bool> = HashMap::new();
        let mut turn = 0_u64;
        while let Some(live) = self.some_deployment(&mut chance).await {
            turn += 1;
            let deployment = live.id;
            // Each hand has two items of its own, so that its ticks are in nobody's way.
            let item = hand * (ITEMS / HANDS) + chance.below(ITEMS / HANDS);
            let number = format!("2.{}", item + 1);
            let is_ticked = ticked.get(&(deployment, item)).copied().unwrap_or_default();
            let deed = match (chance.below(3), is_ticked) {
                (0, _) => Deed::Note {
                    deployment,
                    text: format!("note {hand} {turn}"),
                },
                (_, false) => Deed::Tick {
                    deployment,
                    item: number,
                },
                (_, true) => Deed::Untick {
                    deployment,
                    item: number,
                },
            };
            let asked = match &deed {
                Deed::Note { text, .. } => person.slash(&live.thread, "deploy note", &[("text", text)]),
                Deed::Tick { item, .. } => person.slash(&live.thread, "deploy tick", &[("item", item)]),
                Deed::Untick { item, .. } => person.slash(&live.thread, "deploy untick", &[("item", item)]),
                Deed::Start { .. } => continue,
            };
            let Ok(interaction) = asked else {
                tokio::task::yield_now().await;
                continue;
            };
            // Whoever began something sees it through; the load ends between two things.
            let answer = match interaction.message().await {
                Ok(said) if said.is_ephemeral() => Answer::Refused,
                Ok(_) => Answer::Done,
                Err(_) => Answer::None,
            };
            match (&deed, answer) {
                (Deed::Tick { .. }, Answer::Done) | (Deed::Untick { .. }, Answer::Refused) => {
                    ticked.insert((deployment, item), true);
                }
                (Deed::Untick { .. }, Answer::Done) | (Deed::Tick { .. }, Answer::Refused) => {
                    ticked.insert((deployment, item), false);
                }
                _ => {}
            }
            // After a refusal the belief was wrong: the next try is the other way round.
            if answer == Answer::Refused {
                ticked
                    .entry((deployment, item))
                    .and_modify(|ticked| *ticked = !is_ticked);
            }
            self.remember(Action {
                interaction: interaction.id().to_string(),
                person: person.id().into(),
                deed,
                answer,
            });
        }
    }

    /// Signs and takes it back. Quinn has no role and is told so.
    async fn sign(self, name: &str, mut chance: Chance) {
        let person = self.stand_in.person(name).expect("everybody is there");
        while let Some(live) = self.some_deployment(&mut chance).await {
            if let Some(card) = tech_leads_card(&live.thread) {
                // The stand-in refuses neither; the reactions as they stand at the end are what is compared.
                let _ = if chance.below(2) == 0 {
                    person.react(&card, "✅")
                } else {
                    person.unreact(&card, "✅")
                };
            }
            let Ok(asked) = person.slash(&live.thread, "deploy signoff", &[]) else {
                tokio::task::yield_now().await;
                continue;
            };
            // The answer sets the pace.
            let _ = asked.message().await;
        }
    }
}

/// The card that asks the tech lead to sign.
pub(crate) fn tech_leads_card(thread: &Channel) -> Option<Message> {
    let is_card = |message: &Message| message.reactions("❌") > 0 && message.text().contains("Tech Lead");
    thread.messages().into_iter().rfind(is_card)
}
