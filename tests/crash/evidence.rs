//! What the kills left behind, and the proof that nothing is missing and nothing is there twice.

use std::collections::BTreeMap;
use std::fmt;

use holdpoint::domain::effects::Owed;
use holdpoint::domain::event::{Actor, Event, How, Recorded};
use holdpoint::domain::ids::{DeploymentId, InputId};

/// The sign-off role that nobody answers for, so that each of its pings must come.
pub(crate) const UNANSWERED: &str = "watch";
/// How many pings its ladder has: deputy, lead, and the lead's five repeats.
pub(crate) const LADDER: u32 = 7;

/// What a person did.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deed {
    /// Started a deployment of this version, which no other has.
    Start { version: String },
    /// Wrote a note that no other says.
    Note { deployment: i64, text: String },
    /// Ticked an item.
    Tick { deployment: i64, item: String },
    /// Opened it again.
    Untick { deployment: i64, item: String },
}

/// What they saw of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// That it was done.
    Done,
    /// That it was not.
    Refused,
    /// Nothing: the bot was killed meanwhile.
    None,
}

/// Something done, and what was seen of it.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) interaction: String,
    pub(crate) person: u64,
    pub(crate) deed: Deed,
    pub(crate) answer: Answer,
}

/// A message that the log owes.
#[derive(Clone, Debug)]
pub(crate) struct OwedMessage {
    pub(crate) id: i64,
    pub(crate) deployment: i64,
    pub(crate) owed: Owed,
    pub(crate) settled: Settled,
}

/// What the outbox says of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It is done with.
    Yes,
    /// It is still owed.
    No,
    /// It was given up, for this reason.
    GivenUp(String),
}

/// Everything there is to compare.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) actions: Vec<Action>,
    /// The history of each deployment.
    pub(crate) log: BTreeMap<DeploymentId, Vec<Recorded>>,
    /// Which inputs were applied: to which deployment, up to which event.
    pub(crate) applied: BTreeMap<InputId, (DeploymentId, u64)>,
    pub(crate) owed: Vec<OwedMessage>,
    /// The numbers of the messages that were posted, one for each time.
    pub(crate) posted: Vec<i64>,
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Somebody saw that it was done, and it is not in the log.
    Lost(Deed),
    /// Somebody saw that it was refused, and it is in the log.
    DoneThoughRefused(Deed),
    /// It is in the log more than once.
    DoneTwice(Deed),
    /// It was owed and is nowhere.
    NeverPosted(i64),
    /// It was posted so many times.
    PostedOften(i64, usize),
    /// It is still owed, or was given up.
    NotSettled(i64),
    /// A message was posted that nothing owes.
    UncalledFor(i64),
    /// A ping that was due fired so many times.
    Ping(i64, u32, usize),
    /// A ping fired before it was due.
    PingEarly(i64, u32),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Evidence {
    /// Every promise that was broken.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.check_actions(&mut findings);
        self.check_messages(&mut findings);
        self.check_pings(&mut findings);
        findings
    }

    fn check_actions(&self, findings: &mut Vec<Finding>) {
        for action in &self.actions {
            let deed = &action.deed;
            // Notes and versions are unique, so that they are counted over the whole log; a tick may be made again and
            // again, so that its place is found by its input.
            let times = match deed {
                Deed::Start { .. } | Deed::Note { .. } => self
                    .log
                    .iter()
                    .flat_map(|(id, history)| history.iter().map(move |recorded| (*id, recorded)))
                    .filter(|(id, recorded)| is_the_event(action, *id, recorded))
                    .count(),
                Deed::Tick { .. } | Deed::Untick { .. } => {
                    let input = InputId::new(format!("interaction:{}", action.interaction));
                    usize::from(self.applied.get(&input).is_some_and(|(id, seq)| {
                        let history = self.log.get(id);
                        history.into_iter().flatten().any(|recorded| {
                            recorded.seq <= *seq
                                && recorded.seq + 4 > *seq
                                && is_the_event(action, *id, recorded)
                        })
                    }))
                }
            };
            match (action.answer, times) {
                (Answer::Done, 0) => findings.push(Finding::Lost(deed.clone())),
                (Answer::Refused, 1..) => findings.push(Finding::DoneThoughRefused(deed.clone())),
                (_, 2..) => findings.push(Finding::DoneTwice(deed.clone())),
                (Answer::Done | Answer::None, 1) | (Answer::Refused | Answer::None, 0) => {}
            }
        }
        self.check_toggles(findings);
    }

    /// Ticks of one item by one person: as many in the log as were made, give or take those nobody saw the end of.
    fn check_toggles(&self, findings: &mut Vec<Finding>) {
        let mut made: BTreeMap<(Deed, u64), usize> = BTreeMap::new();
        for action in self
            .actions
            .iter()
            .filter(|action| action.answer != Answer::Refused)
        {
            if let Deed::Tick { .. } | Deed::Untick { .. } = action.deed {
                *made.entry((action.deed.clone(), action.person)).or_default() += 1;
            }
        }
        for (id, history) in &self.log {
            for recorded in history {
                let Actor::Person(person) = recorded.actor else {
                    continue;
                };
                let deployment = id.0;
                let deed = match &recorded.event {
                    Event::Ticked {
                        item,
                        how: How::ByHand,
                    } => Deed::Tick {
                        deployment,
                        item: item.as_str().to_owned(),
                    },
                    Event::Unticked {
                        item,
                        how: How::ByHand,
                    } => Deed::Untick {
                        deployment,
                        item: item.as_str().to_owned(),
                    },
                    _ => continue,
                };
                match made.get_mut(&(deed.clone(), person.0)) {
                    Some(left) if *left > 0 => *left -= 1,
                    Some(_) | None => findings.push(Finding::DoneTwice(deed)),
                }
            }
        }
    }

    fn check_messages(&self, findings: &mut Vec<Finding>) {
        let mut posted: BTreeMap<i64, usize> = BTreeMap::new();
        for id in &self.posted {
            *posted.entry(*id).or_default() += 1;
        }
        let mut boards: BTreeMap<i64, (i64, usize)> = self.log.keys().map(|id| (id.0, (0, 0))).collect();
        for owed in &self.owed {
            let times = posted.remove(&owed.id).unwrap_or_default();
            if owed.settled != Settled::Yes {
                findings.push(Finding::NotSettled(owed.id));
            }
            if times > 1 {
                findings.push(Finding::PostedOften(owed.id, times));
            }
            match &owed.owed {
                Owed::Board => {
                    let board = boards.entry(owed.deployment).or_default();
                    *board = (owed.id, board.1 + times);
                }
                Owed::Opening => {
                    if times == 0 {
                        findings.push(Finding::NeverPosted(owed.id));
                    }
                }
                Owed::SignOffCard { role, .. } | Owed::Ping { role, .. } => {
                    if times == 0 && role.as_str() == UNANSWERED {
                        findings.push(Finding::NeverPosted(owed.id));
                    }
                }
                // A thread and an edit are no messages of their own; the others are not made in this test.
                Owed::Thread
                | Owed::SignOffCardEdit { .. }
                | Owed::AskedAgain { .. }
                | Owed::Rejection { .. }
                | Owed::Void { .. }
                | Owed::WatchTurned { .. }
                | Owed::WatchPing { .. }
                | Owed::WatchRecovered { .. }
                | Owed::ReadyForGo
                | Owed::Decision
                | Owed::Report => {}
            }
        }
        for (last, times) in boards.into_values() {
            match times {
                0 => findings.push(Finding::NeverPosted(last)),
                1 => {}
                times => findings.push(Finding::PostedOften(last, times)),
            }
        }
        findings.extend(posted.into_keys().map(Finding::UncalledFor));
    }

    fn check_pings(&self, findings: &mut Vec<Finding>) {
        for (id, history) in &self.log {
            let mut fired: BTreeMap<u32, usize> = (1..=LADDER).map(|ping| (ping, 0)).collect();
            for recorded in history {
                if let Event::Pinged { role, ping, due } = &recorded.event {
                    if recorded.at < *due {
                        findings.push(Finding::PingEarly(id.0, *ping));
                    }
                    if role.as_str() == UNANSWERED {
                        *fired.entry(*ping).or_default() += 1;
                    }
                }
            }
            findings.extend(
                fired
                    .into_iter()
                    .filter(|(ping, times)| *times != 1 || *ping > LADDER)
                    .map(|(ping, times)| Finding::Ping(id.0, ping, times)),
            );
        }
    }
}

fn is_the_event(action: &Action, id: DeploymentId, recorded: &Recorded) -> bool {
    let Actor::Person(person) = recorded.actor else {
        return false;
    };
    person.0 == action.person
        && match (&action.deed, &recorded.event) {
            (Deed::Start { version }, Event::Started { version: started, .. }) => version == started,
            (Deed::Note { deployment, text }, Event::Noted { text: noted, .. }) => {
                *deployment == id.0 && text == noted
            }
            (Deed::Tick { deployment, item }, Event::Ticked { item: ticked, .. }) => {
                *deployment == id.0 && item == ticked.as_str()
            }
            (Deed::Untick { deployment, item }, Event::Unticked { item: opened, .. }) => {
                *deployment == id.0 && item == opened.as_str()
            }
            _ => false,
        }
}

/// The checker is worth nothing unless it finds what was put there for it to find.
pub(crate) fn controls(sound: &Evidence) -> Vec<String> {
    let wrong = std::cell::RefCell::new(Vec::new());
    let expect = |what: &str, evidence: &Evidence, expected: Vec<Finding>| {
        let found = evidence.findings();
        if found != expected {
            wrong
                .borrow_mut()
                .push(format!("{what}: expected {expected:?}, found {found:?}"));
        }
    };
    expect("nothing wrong", sound, Vec::new());

    let note = sound
        .actions
        .iter()
        .find(|action| action.answer == Answer::Done && matches!(action.deed, Deed::Note { .. }));
    if let Some(note) = note {
        let mut cut = sound.clone();
        for (id, history) in &mut cut.log {
            history.retain(|recorded| !is_the_event(note, *id, recorded));
        }
        expect(
            "an acknowledged event removed",
            &cut,
            vec![Finding::Lost(note.deed.clone())],
        );

        let mut twice = sound.clone();
        for (id, history) in &mut twice.log {
            let again: Vec<_> = history
                .iter()
                .filter(|recorded| is_the_event(note, *id, recorded))
                .cloned()
                .collect();
            history.extend(again);
        }
        expect(
            "an event written twice",
            &twice,
            vec![Finding::DoneTwice(note.deed.clone())],
        );

        let mut refused = sound.clone();
        for action in refused
            .actions
            .iter_mut()
            .filter(|action| action.deed == note.deed)
        {
            action.answer = Answer::Refused;
        }
        let expected = vec![Finding::DoneThoughRefused(note.deed.clone())];
        expect("a refused action in the log", &refused, expected);
    } else {
        wrong.borrow_mut().push("no note was acknowledged".to_owned());
    }

    let ping = sound
        .owed
        .iter()
        .find(|owed| matches!(&owed.owed, Owed::Ping { role, .. } if role.as_str() == UNANSWERED));
    if let Some(ping) = ping {
        let mut doubled = sound.clone();
        doubled.posted.push(ping.id);
        expect(
            "a message posted twice",
            &doubled,
            vec![Finding::PostedOften(ping.id, 2)],
        );

        let mut missing = sound.clone();
        missing.posted.retain(|posted| *posted != ping.id);
        expect(
            "a message that was never posted",
            &missing,
            vec![Finding::NeverPosted(ping.id)],
        );

        let mut forgotten = sound.clone();
        let mut lost = 0;
        if let Some(history) = forgotten.log.get_mut(&DeploymentId(ping.deployment)) {
            history.retain(|recorded| match &recorded.event {
                Event::Pinged { role, ping, .. } if role.as_str() == UNANSWERED && *ping == 2 => {
                    lost += 1;
                    false
                }
                _ => true,
            });
        }
        assert_eq!(lost, 1, "the ladder has a second ping");
        expect(
            "a ping that never fired",
            &forgotten,
            vec![Finding::Ping(ping.deployment, 2, 0)],
        );
    } else {
        wrong.borrow_mut().push("nobody was pinged".to_owned());
    }
    wrong.into_inner()
}
