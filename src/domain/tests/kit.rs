//! The stories' words: people, and given / when / then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub(super) use super::commands::*;
pub(super) use super::terse::*;
use crate::domain::check::{CheckStatus, Evidence, ManualProbe, Probe, Rhythm};
use crate::domain::checklist::{Checklist, Variable};
use crate::domain::command::{ActingAs, Command, Context, FourEyes, Start};
use crate::domain::decide::{Decided, decide, start};
use crate::domain::deployment::Deployment;
use crate::domain::effects::{Effects, Owed, Then, Timer, TimerKey, effects};
use crate::domain::escalation::{EscalationPolicy, Level};
use crate::domain::event::{Decision, Event, How, Recorded};
use crate::domain::ids::{
    ChannelId, CheckId, DeploymentId, DiscordRoleId, GuildId, PolicyName, RoleKey, UserId, VariableName,
};
use crate::domain::refusal::Refusal;
use crate::domain::rights::{Person, Rights};
use crate::domain::sign_off::{Holder, Owners, Rank};
use crate::domain::text::{Environment, Version};

/// Starts every deployment; holds no role unless a story says so.
pub(super) const ANNA: UserId = UserId(1);
/// Owner of `tech-lead`.
pub(super) const TESS: UserId = UserId(2);
/// Deputy of `tech-lead`.
pub(super) const DEREK: UserId = UserId(3);
/// Lead of `tech-lead`.
pub(super) const LEA: UserId = UserId(4);
/// Owner of `qa`.
pub(super) const QUINN: UserId = UserId(5);
/// Holds no role but has the Discord role that `ops` is owned by.
pub(super) const OLGA: UserId = UserId(6);
/// Holds nothing.
pub(super) const NORA: UserId = UserId(7);
/// May manage the Discord server.
pub(super) const MAX: UserId = UserId(9);
/// The Discord role that owns `ops`.
pub(super) const OPERATORS: DiscordRoleId = DiscordRoleId(70);

/// 2026-03-06 17:00 UTC, a Friday.
pub(super) fn friday() -> Timestamp {
    Timestamp::from_second(1_772_816_400).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(super) fn person(id: UserId) -> Person {
    Person {
        id,
        discord_roles: if id == OLGA { vec![OPERATORS] } else { Vec::new() },
        manages_server: id == MAX,
    }
}

pub(super) fn owners() -> Owners {
    let member = |rank, person| (rank, Holder::Member(person));
    Owners(BTreeMap::from([
        (
            RoleKey::new("tech-lead"),
            vec![
                member(Rank::Owner, TESS),
                member(Rank::Deputy, DEREK),
                member(Rank::Lead, LEA),
            ],
        ),
        (RoleKey::new("qa"), vec![member(Rank::Owner, QUINN)]),
        (
            RoleKey::new("ops"),
            vec![(Rank::Owner, Holder::DiscordRole(OPERATORS))],
        ),
    ]))
}

/// A deployment under way, and what came of the last command.
pub(super) struct Story {
    pub(super) checklist: Checklist,
    pub(super) owners: Owners,
    pub(super) rights: Rights,
    pub(super) four_eyes: FourEyes,
    pub(super) now: Timestamp,
    pub(super) timers: BTreeMap<TimerKey, Timer>,
    history: Vec<Recorded>,
    deployment: Option<Deployment>,
    last: Result<Vec<Recorded>, Refusal>,
    effects: Effects,
}

/// A checklist that nobody runs yet; the first command starts it, by Anna.
pub(super) fn given(text: &str) -> Story {
    Story {
        checklist: checklist(text),
        owners: owners(),
        rights: Rights::default(),
        four_eyes: FourEyes::Required,
        now: friday(),
        timers: BTreeMap::new(),
        history: Vec::new(),
        deployment: None,
        last: Ok(Vec::new()),
        effects: Effects::default(),
    }
}

impl Story {
    pub(super) fn quorum(mut self, role: &str, quorum: usize) -> Self {
        if let Some(rule) = self.checklist.sign_offs.get_mut(&RoleKey::new(role)) {
            rule.quorum = quorum;
        }
        self
    }

    pub(super) fn ladder(mut self, role: &str, levels: &[(Rank, u64)], repeat: u32) -> Self {
        let name = PolicyName::new("ladder");
        let levels = levels
            .iter()
            .map(|(rank, minutes)| Level {
                rank: *rank,
                wait: Duration::from_mins(*minutes),
            })
            .collect();
        let policy = EscalationPolicy {
            name: name.clone(),
            levels,
            repeat,
        };
        self.checklist.escalations.insert(name.clone(), policy);
        if let Some(rule) = self.checklist.sign_offs.get_mut(&RoleKey::new(role)) {
            rule.escalate = Some(name);
        }
        self
    }

    /// A check of the checklist that several observations decide.
    pub(super) fn rhythm(mut self, check: &str, rhythm: Rhythm) -> Self {
        if let Some(check) = self.checklist.checks.get_mut(&CheckId::new(check)) {
            check.rhythm = Some(rhythm);
        }
        self
    }

    /// A check of the checklist that people attest.
    pub(super) fn attested(mut self, check: &str, evidence: Evidence) -> Self {
        if let Some(check) = self.checklist.checks.get_mut(&CheckId::new(check)) {
            check.probe = Probe::Manual(ManualProbe {
                evidence,
                standing: None,
            });
        }
        self
    }

    /// Lets time pass until a check's next observation is due and so many seconds more, and lets it be made.
    pub(super) fn observed(mut self, check: &str, status: CheckStatus, late: i64) -> Self {
        let key = TimerKey::of_observation(&CheckId::new(check));
        let Some(Timer {
            due,
            then: Then::Observe { series, number, .. },
            ..
        }) = self.timers.get(&key).cloned()
        else {
            panic!("no observation of {check} is due");
        };
        self.now = due + SignedDuration::from_secs(late);
        let command = observe(check, status, self.now, series, number);
        self.and(ActingAs::CheckRunner, command)
    }

    pub(super) fn variable(mut self, name: &str, variable: Variable) -> Self {
        self.checklist.variables.insert(VariableName::new(name), variable);
        self
    }

    pub(super) fn owned_by(mut self, role: &str, holders: &[(Rank, UserId)]) -> Self {
        let holders = holders
            .iter()
            .map(|(rank, member)| (*rank, Holder::Member(*member)))
            .collect();
        self.owners.0.insert(RoleKey::new(role), holders);
        self
    }

    pub(super) fn with_rights(mut self, rights: Rights) -> Self {
        self.rights = rights;
        self
    }

    pub(super) fn four_eyes(mut self, four_eyes: FourEyes) -> Self {
        self.four_eyes = four_eyes;
        self
    }

    /// Starts the deployment, unless it runs.
    pub(super) fn started(self) -> Self {
        if self.deployment.is_some() {
            return self;
        }
        let story = self.start_by(ANNA, &[]);
        if let Err(refusal) = &story.last {
            panic!("the start was refused: {refusal}");
        }
        story
    }

    pub(super) fn start_by(mut self, who: UserId, variables: &[(&str, &str)]) -> Self {
        let actor = ActingAs::Person(person(who));
        let wish = Start {
            checklist: Arc::new(self.checklist.clone()),
            checklist_bytes: Arc::from([].as_slice()),
            guild: GuildId(10),
            channel: ChannelId(20),
            version: parsed(Version::parse("2.4.1")),
            environment: parsed(Environment::parse("production")),
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        let outcome = start(DeploymentId(7), wish, &self.context(&actor));
        self.take(outcome);
        self
    }

    /// Somebody does something, which must be accepted.
    pub(super) fn and(self, who: impl Into<ActingAs>, command: Command) -> Self {
        let story = self.when(who, command);
        if let Err(refusal) = &story.last {
            panic!("refused: {refusal}");
        }
        story
    }

    /// Somebody does something.
    pub(super) fn when(self, who: impl Into<ActingAs>, command: Command) -> Self {
        let mut story = self.started();
        let actor = who.into();
        let outcome = decide(story.deployment(), command, &story.context(&actor));
        story.take(outcome);
        story
    }

    /// A check of the checklist runs.
    pub(super) fn check(self, check: &str, status: CheckStatus) -> Self {
        let at = self.now;
        self.and(ActingAs::CheckRunner, record(check, status, at))
    }

    pub(super) fn passes(self, check: &str) -> Self {
        self.check(check, CheckStatus::Passed)
    }

    pub(super) fn fails(self, check: &str) -> Self {
        self.check(check, CheckStatus::Failed)
    }

    pub(super) fn later(mut self, minutes: i64) -> Self {
        self.now += SignedDuration::from_mins(minutes);
        self
    }

    /// Lets time pass until the next timer of a role comes due, and lets it fire.
    pub(super) fn until_the_next_ping(mut self, role: &str) -> Self {
        let key = TimerKey(format!("ping:{role}"));
        let Some(timer) = self.timers.get(&key).cloned() else {
            panic!("no ping of {role} is set");
        };
        self.now = timer.due;
        let Then::Ping { role, ping } = timer.then else {
            panic!("{key:?} is no ping");
        };
        let due = timer.due;
        self.and(ActingAs::Timer, Command::PingDue { role, ping, due })
    }

    /// What happened, one line an event.
    #[track_caller]
    pub(super) fn then(self, expected: &[&str]) -> Self {
        let events = match &self.last {
            Ok(events) => events,
            Err(refusal) => panic!("refused: {refusal}"),
        };
        let told: Vec<String> = events.iter().map(|recorded| tell(&recorded.event)).collect();
        assert_eq!(told, expected);
        self
    }

    /// The sentence of the refusal.
    #[track_caller]
    pub(super) fn sentence(&self) -> String {
        match &self.last {
            Ok(events) => panic!("it was accepted: {events:?}"),
            Err(refusal) => refusal.to_string(),
        }
    }

    /// What the last command owes, the board left out.
    #[track_caller]
    pub(super) fn owes(self, expected: &[&str]) -> Self {
        let owed = self.effects.owed.iter().filter_map(tell_owed);
        let set = self.effects.set.iter().map(|timer| {
            let minutes = timer.due.duration_since(self.now).as_mins();
            match &timer.then {
                Then::Ping { role, ping } => format!("timer: ping {ping} of {role} in {minutes} min"),
                Then::Observe {
                    check,
                    series,
                    number,
                } => format!("timer: observation {series}.{number} of {check} in {minutes} min"),
            }
        });
        let stop = self.effects.stop.iter().map(|key| format!("no timer {}", key.0));
        assert_eq!(owed.chain(set).chain(stop).collect::<Vec<_>>(), expected);
        self
    }

    pub(super) fn history(&self) -> &[Recorded] {
        &self.history
    }

    pub(super) fn deployment(&self) -> &Deployment {
        match &self.deployment {
            Some(deployment) => deployment,
            None => panic!("nothing was started: {:?}", self.last),
        }
    }

    /// One letter an item: `x` ticked, `s` skipped, `b` blocked, `.` open.
    pub(super) fn boxes(&self) -> String {
        use crate::domain::deployment::ItemState;
        self.deployment()
            .items
            .iter()
            .map(|progress| match progress.state {
                ItemState::Open => '.',
                ItemState::Ticked { .. } => 'x',
                ItemState::Skipped { .. } => 's',
                ItemState::Blocked { .. } => 'b',
            })
            .collect()
    }

    pub(super) fn is_approved(&self, role: &str) -> bool {
        self.deployment().is_approved(&RoleKey::new(role))
    }

    fn context<'a>(&'a self, actor: &'a ActingAs) -> Context<'a> {
        Context {
            now: self.now,
            actor,
            rights: &self.rights,
            owners: &self.owners,
            four_eyes: self.four_eyes,
        }
    }

    fn take(&mut self, outcome: Result<Decided, Refusal>) {
        self.effects = Effects::default();
        self.last = outcome.map(|decided| {
            self.effects = effects(self.deployment.as_ref(), &decided.events, &decided.after);
            for timer in &self.effects.set {
                self.timers.insert(timer.key.clone(), timer.clone());
            }
            for key in &self.effects.stop {
                self.timers.remove(key);
            }
            self.history.extend(decided.events.iter().cloned());
            let folded = Deployment::fold(
                decided.after.id,
                Arc::clone(&decided.after.checklist),
                &self.history,
            );
            assert_eq!(
                folded.as_ref(),
                Ok(&decided.after),
                "replaying the history gives the live state"
            );
            self.deployment = Some(decided.after);
            decided.events
        });
    }
}

impl From<UserId> for ActingAs {
    fn from(id: UserId) -> Self {
        Self::Person(person(id))
    }
}

fn tell(event: &Event) -> String {
    match event {
        Event::Started { version, .. } => format!("started {version}"),
        Event::Ticked { item, how } => match how {
            How::ByHand => format!("{item} ticked"),
            How::ByWhatItFollows => format!("{item} ticks itself"),
            How::InTheDocument => format!("{item} was ticked"),
        },
        Event::Unticked { item, how } => match how {
            How::ByHand => format!("{item} opened"),
            How::ByWhatItFollows | How::InTheDocument => format!("{item} opens itself"),
        },
        Event::Skipped { item, .. } => format!("{item} skipped"),
        Event::Blocked { item, reason } => format!("{item} blocked: {reason}"),
        Event::Unblocked { item, .. } => format!("{item} unblocked"),
        Event::Filled { blank, value } => format!("{blank} = {value}"),
        Event::Assigned { item, to } => match to {
            Some(to) => format!("{item} is {to}'s"),
            None => format!("{item} is nobody's"),
        },
        Event::Noted { item, text } => match item {
            Some(item) => format!("note on {item}: {text}"),
            None => format!("note: {text}"),
        },
        Event::CheckRecorded { result } => format!("{} {:?}", result.check, result.status),
        Event::CheckObserved {
            result,
            series,
            number,
            ..
        } => format!("{} observed {series}.{number} {:?}", result.check, result.status),
        Event::WatchTurned { check } => format!("{check} turned"),
        Event::WatchRecovered { check } => format!("{check} recovered"),
        Event::SignOffRequested { role } => format!("{role} asked"),
        Event::SignOffRecalled { role } => format!("{role} no longer asked"),
        Event::SignOffResumed { role } => format!("{role} asked on"),
        Event::AskedAgain { role } => format!("{role} asked again"),
        Event::Pinged { role, ping, .. } => format!("{role} pinged, {ping}"),
        Event::Acknowledged { role, .. } => format!("{role} acknowledged"),
        Event::Approved { role, signature } => format!("{role} approved by {}", signature.by),
        Event::Rejected { role, .. } => format!("{role} rejected"),
        Event::RejectionExplained { role, reason } => format!("{role} rejected, as {reason}"),
        Event::Withdrawn { role } => format!("{role} withdrawn"),
        Event::Voided { role, by, check } => format!("{role} by {by} void, as {check} changed"),
        Event::Decided { decision, .. } => match decision {
            Decision::Go => "GO".to_owned(),
            Decision::NoGo => "NO-GO".to_owned(),
        },
        Event::Finished { outcome, .. } => format!("finished {outcome:?}"),
    }
}

fn tell_owed(owed: &Owed) -> Option<String> {
    Some(match owed {
        Owed::Board => return None,
        Owed::Opening => "opening".to_owned(),
        Owed::Thread => "thread".to_owned(),
        Owed::SignOffCard { role, request } => format!("card {request} of {role}"),
        Owed::SignOffCardEdit { role, request } => format!("edit card {request} of {role}"),
        Owed::Ping {
            role, request, ping, ..
        } => format!("ping {ping} on card {request} of {role}"),
        Owed::AskedAgain { role, request, .. } => format!("ping again on card {request} of {role}"),
        Owed::Rejection { role, by } => format!("word that {by} rejected for {role}"),
        Owed::Void { role, by, .. } => format!("word to {by} that {role} is void"),
        Owed::WatchTurned { check } => format!("word that {check} turned"),
        Owed::WatchRecovered { check } => format!("word that {check} recovered"),
        Owed::ReadyForGo => "word that GO is free".to_owned(),
        Owed::Decision => "word of the decision".to_owned(),
        Owed::Report => "report".to_owned(),
    })
}

/// A release with work, two sign-offs, a decision, a hold point and a rollback plan.
pub(super) const SHOP: &str = "
Prepare
  [ ] Back up
  [ ] Health | check health
  [ ] Review
    [ ] Code
    [ ] Texts
Approve
  [ ] Tech lead | sign-off tech-lead
  [ ] QA | sign-off qa
  [ ] Decision | decision
Deploy | gate items checks tech-lead qa go
  [ ] Ship
Rollback | optional
  [ ] Restore
";

/// The same with its work done, so that both roles were asked.
pub(super) fn prepared() -> Story {
    prepare(given(SHOP))
}

/// The same where `tech-lead` needs two people.
pub(super) fn prepared_for_two() -> Story {
    prepare(given(SHOP).quorum("tech-lead", 2))
}

fn prepare(story: Story) -> Story {
    story
        .and(ANNA, tick("1.1"))
        .passes("health")
        .and(ANNA, tick("1.3.1"))
        .and(ANNA, tick("1.3.2"))
}

/// The same with both sign-offs given.
pub(super) fn signed() -> Story {
    prepared()
        .and(TESS, approve("tech-lead"))
        .and(QUINN, approve("qa"))
}
