//! What holds for any checklist and any sequence of commands.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::kit::*;
use super::sketches::*;
use crate::domain::check::CheckStatus;
use crate::domain::checklist::Checklist;
use crate::domain::command::{ActingAs, CardAnswer, Command, Context, FourEyes, Start};
use crate::domain::decide::{decide, start};
use crate::domain::deployment::{Deployment, ItemState, Phase};
use crate::domain::effects::{Then, Timer, TimerKey, effects};
use crate::domain::event::{Event, How, Outcome, Recorded};
use crate::domain::ids::{BlankId, ChannelId, DeploymentId, DiscordRoleId, GuildId, ItemId, RoleKey, UserId};
use crate::domain::refusal::Refusal;
use crate::domain::rights::{Allowed, Person, Rights};
use crate::domain::sign_off::{Holder, Owners, Rank};
use crate::domain::text::{Environment, Reason, Remark, Version};

/// A deployment with everything that is owed for it.
struct World {
    live: Deployment,
    history: Vec<Recorded>,
    timers: BTreeMap<TimerKey, Timer>,
    rights: Rights,
    owners: Owners,
    now: jiff::Timestamp,
}

fn person_of(id: u64) -> Person {
    Person {
        id: UserId(id),
        discord_roles: if id == 6 {
            vec![DiscordRoleId(70)]
        } else {
            Vec::new()
        },
        manages_server: id == 5,
    }
}

fn world(checklist: Checklist) -> World {
    let rights = Rights {
        work: vec![Allowed::Everyone],
        decide: vec![Allowed::Everyone],
        ..Rights::default()
    };
    let holders = |people: &[u64]| {
        people
            .iter()
            .map(|person| (Rank::Owner, Holder::Member(UserId(*person))))
            .collect::<Vec<_>>()
    };
    let owners = Owners(BTreeMap::from([
        (RoleKey::new("tech-lead"), holders(&[1, 2, 3])),
        (RoleKey::new("qa"), holders(&[2, 4])),
        (
            RoleKey::new("ops"),
            vec![
                (Rank::Deputy, Holder::Member(UserId(1))),
                (Rank::Owner, Holder::DiscordRole(DiscordRoleId(70))),
            ],
        ),
    ]));
    let now = friday();
    let actor = ActingAs::Person(person_of(1));
    let wish = Start {
        checklist: Arc::new(checklist),
        checklist_bytes: Arc::from([].as_slice()),
        guild: GuildId(10),
        channel: ChannelId(20),
        version: parsed(Version::parse("2.4.1")),
        environment: parsed(Environment::parse("production")),
        variables: BTreeMap::new(),
    };
    let context = Context {
        now,
        actor: &actor,
        rights: &rights,
        owners: &owners,
        four_eyes: FourEyes::Required,
    };
    let started = match start(DeploymentId(7), wish, &context) {
        Ok(started) => started,
        Err(refusal) => panic!("the start was refused: {refusal}"),
    };
    let mut world = World {
        live: started.after.clone(),
        history: Vec::new(),
        timers: BTreeMap::new(),
        rights,
        owners,
        now,
    };
    world.pay(None, &started.events, started.after);
    world
}

impl World {
    fn command(&self, made: &Move) -> (ActingAs, Command) {
        let items = &self.live.checklist.items;
        let item = if items.is_empty() || made.status == 4 {
            ItemId::new(made.text.clone())
        } else {
            made.item.get(items).id.clone()
        };
        let role = if made.status == 4 {
            RoleKey::new(made.text.clone())
        } else {
            RoleKey::new(*made.role.get::<&str>(&ROLES))
        };
        let reason = || Reason::parse(&made.text).ok();
        let said = || reason().unwrap_or_else(|| parsed(Reason::parse("why")));
        let snooze = Duration::from_mins(u64::from(made.minutes));
        let person = ActingAs::Person(person_of(made.who));
        let command = match made.what {
            0..6 => Command::Tick { item },
            6..8 => Command::Untick { item },
            8..10 => Command::Skip { item, reason: said() },
            10 => Command::Block { item, reason: said() },
            11 => Command::Unblock {
                item,
                reason: reason(),
            },
            12 => Command::Fill {
                blank: BlankId::new(made.text.clone()),
                value: fill_value(),
            },
            13 => Command::Assign {
                item,
                to: Some(UserId(made.who)),
            },
            14 => Command::Note {
                item: None,
                text: Remark::parse(&made.text).unwrap_or_else(|_| parsed(Remark::parse("so"))),
            },
            15..19 => {
                let status = match made.status {
                    0 => CheckStatus::Failed,
                    1 => CheckStatus::Error,
                    2 => CheckStatus::Skipped,
                    _ => CheckStatus::Passed,
                };
                return (
                    ActingAs::CheckRunner,
                    record(made.check.get::<&str>(&CHECKS), status, self.now),
                );
            }
            19 => Command::RequestSignOff { role },
            20..23 => Command::Approve { role },
            23 => Command::Reject {
                role,
                reason: reason().filter(|_| made.status > 1),
            },
            24 => Command::ExplainRejection { role, reason: said() },
            25 => Command::Withdraw { role },
            26 => Command::Go,
            27 if made.status > 2 => Command::NoGo { reason: said() },
            27 => Command::AnswerCard {
                role,
                request: made.request,
                answer: match made.status {
                    0 => CardAnswer::Approve,
                    1 => CardAnswer::Withdraw,
                    _ => CardAnswer::Reject { reason: None },
                },
            },
            28 => Command::Finish {
                outcome: if made.status == 3 {
                    Outcome::Failed
                } else {
                    Outcome::Complete
                },
                reason: reason(),
            },
            29 => Command::Acknowledge {
                role: Some(role).filter(|_| made.status > 1),
                snooze,
            },
            _ => {
                let timer = self.timers.values().next();
                let command = timer.map_or(
                    Command::PingDue {
                        role,
                        ping: made.request,
                        due: self.now,
                    },
                    |timer| {
                        let Then::Ping { role, ping } = timer.then.clone() else {
                            panic!("no check of these has a rhythm: {timer:?}");
                        };
                        Command::PingDue {
                            role,
                            ping,
                            due: timer.due,
                        }
                    },
                );
                return (ActingAs::Timer, command);
            }
        };
        (person, command)
    }

    fn play(&mut self, made: &Move) -> Result<(), TestCaseError> {
        self.now += SignedDuration::from_mins(i64::from(made.minutes));
        let (actor, command) = self.command(made);
        let context = Context {
            now: self.now,
            actor: &actor,
            rights: &self.rights,
            owners: &self.owners,
            four_eyes: FourEyes::Required,
        };
        let before = self.live.clone();
        match decide(&before, command.clone(), &context) {
            Ok(decided) => {
                if let Phase::Finished(_) = before.phase {
                    for recorded in &decided.events {
                        let is_note = matches!(recorded.event, Event::Noted { .. });
                        prop_assert!(is_note, "only notes follow the end");
                    }
                }
                self.pay(Some(&before), &decided.events, decided.after);
                if let Command::PingDue { .. } = command {
                    prop_assert!(!decided.events.is_empty());
                }
                self.is_consistent()
            }
            Err(refusal) => is_safe(&refusal),
        }
    }

    fn pay(&mut self, before: Option<&Deployment>, events: &[Recorded], after: Deployment) {
        let owed = effects(before, events, &after);
        for key in &owed.stop {
            assert!(owed.set.iter().all(|timer| timer.key != *key));
            self.timers.remove(key);
        }
        for timer in owed.set {
            self.timers.insert(timer.key.clone(), timer);
        }
        self.history.extend(events.iter().cloned());
        self.live = after;
    }

    fn is_consistent(&self) -> Result<(), TestCaseError> {
        let live = &self.live;
        let items = &live.checklist.items;
        if let Phase::Preparing | Phase::Held | Phase::Releasing = live.phase {
            for index in 0..items.len() {
                let ticked = match live.item_state(index) {
                    ItemState::Open => false,
                    ItemState::Ticked { how, .. } if *how != How::InTheDocument => true,
                    ItemState::Ticked { .. } | ItemState::Skipped { .. } | ItemState::Blocked { .. } => {
                        continue;
                    }
                };
                if let Some(should) = live.follows_as(index) {
                    let held = live.held(index);
                    prop_assert!(
                        ticked == should || (!ticked && held.is_some()),
                        "{:?} is {ticked} and should be {should}; {held:?}",
                        items.get(index)
                    );
                    prop_assert_eq!(held.is_some(), live.is_behind(index, live.first_closed_gate()));
                }
            }
            for role in live.checklist.sign_offs.keys() {
                let Some(sign_off) = live.sign_offs.get(role) else {
                    return Err(TestCaseError::fail("a role without a sign-off"));
                };
                let ready = live.holds_of_sign_off(role).is_empty();
                prop_assert_eq!(ready, live.is_ready_to_sign(role));
                if sign_off.rejection.is_none() && !live.is_approved(role) {
                    prop_assert_eq!(sign_off.request.is_some(), ready, "asked exactly when ready");
                }
            }
        }
        if let Phase::Preparing | Phase::Held = live.phase {
            for signature in live.sign_offs.values().flat_map(|sign_off| &sign_off.signatures) {
                prop_assert_eq!(&signature.checks, &live.checks_seen());
            }
        }
        if live.phase == Phase::Finished(Outcome::Complete) {
            for (index, item) in items.iter().enumerate() {
                prop_assert!(
                    live.item_state(index).is_closed() || live.checklist.is_optional(index),
                    "{} is open",
                    item.id
                );
            }
            for role in live.checklist.sign_offs.keys() {
                prop_assert!(live.is_approved(role));
            }
        }
        let waiting: Vec<Timer> = live
            .checklist
            .sign_offs
            .keys()
            .filter_map(|role| live.ping_timer(role))
            .collect();
        prop_assert_eq!(self.timers.values().cloned().collect::<Vec<_>>(), waiting);
        for timer in self.timers.values() {
            let Then::Ping { role, .. } = &timer.then else {
                return Err(TestCaseError::fail("no check of these has a rhythm"));
            };
            prop_assert!(live.waits_for(role));
            prop_assert!(!matches!(live.phase, Phase::Finished(_)));
        }
        Ok(())
    }
}

fn fill_value() -> crate::domain::text::BlankValue {
    parsed(crate::domain::text::BlankValue::parse("Anna"))
}

/// Outside code spans and quotes, a sentence is the program's own.
fn is_safe(refusal: &Refusal) -> Result<(), TestCaseError> {
    let sentence = refusal.to_string();
    prop_assert!(
        !sentence.contains("@everyone") && !sentence.contains("@here"),
        "{sentence}"
    );
    prop_assert!(!sentence.chars().any(char::is_control), "{sentence:?}");
    prop_assert!(
        !sentence.contains(['\u{2028}', '\u{202e}', '\u{200b}']),
        "{sentence:?}"
    );
    prop_assert_eq!(
        sentence.matches('`').count() % 2,
        0,
        "a code span is left open: {}",
        sentence
    );
    prop_assert!(sentence.chars().count() <= 2000, "Discord takes no more");
    prop_assert!(sentence.ends_with('.'), "{sentence}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_keeps_the_promises(
        checklist in any_checklist(),
        moves in prop::collection::vec(any_move(), 0..60),
    ) {
        let mut world = world(checklist);
        world.is_consistent()?;
        for made in &moves {
            world.play(made)?;
        }
        for (position, recorded) in world.history.iter().enumerate() {
            prop_assert_eq!(recorded.seq, position as u64 + 1);
        }
        let written = serde_json::to_string(&world.history)
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        let read: Vec<Recorded> = serde_json::from_str(&written)
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&read, &world.history);
        let folded = Deployment::fold(world.live.id, Arc::clone(&world.live.checklist), &read);
        prop_assert_eq!(folded.as_ref(), Ok(&world.live));
    }

    /// Whoever plays by the rules reaches the end: no checklist waits for itself.
    #[test]
    fn every_checklist_can_be_completed(checklist in any_checklist()) {
        let mut world = world(checklist);
        let everyone = 1u64..7;
        for _ in 0..40 {
            let seq = world.live.seq;
            for check in CHECKS {
                world.attempt(&ActingAs::CheckRunner, record(check, CheckStatus::Passed, world.now));
            }
            for item in &world.live.checklist.clone().items {
                world.attempt(&ActingAs::Person(person_of(1)), Command::Tick { item: item.id.clone() });
            }
            for role in ROLES.map(RoleKey::new) {
                for person in everyone.clone().rev() {
                    world.attempt(&ActingAs::Person(person_of(person)), Command::Approve { role: role.clone() });
                }
            }
            world.attempt(&ActingAs::Person(person_of(2)), Command::Go);
            world.attempt(&ActingAs::Person(person_of(2)), complete());
            if world.live.seq == seq || matches!(world.live.phase, Phase::Finished(_)) {
                break;
            }
        }
        prop_assert_eq!(
            world.live.phase,
            Phase::Finished(Outcome::Complete),
            "held by {:?}, GO by {:?}",
            world.live.holds_of_finish(),
            world.live.holds_of_go()
        );
    }
}

impl World {
    /// Does something, or is refused; checks record anew each time, which is no progress.
    fn attempt(&mut self, actor: &ActingAs, command: Command) {
        if let Command::RecordCheck { result } = &command
            && self.live.has_passed(&result.check)
        {
            return;
        }
        let context = Context {
            now: self.now,
            actor,
            rights: &self.rights,
            owners: &self.owners,
            four_eyes: FourEyes::Required,
        };
        let before = self.live.clone();
        if let Ok(decided) = decide(&before, command, &context) {
            self.pay(Some(&before), &decided.events, decided.after);
        }
    }
}
