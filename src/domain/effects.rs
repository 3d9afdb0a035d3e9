//! What events owe the world: messages, and timers to set or stop. Committed with the events, paid by workers.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::deployment::{Deployment, Phase};
use super::escalation::EscalationPolicy;
use super::event::{Actor, Event, Recorded};
use super::ids::{CheckId, RoleKey, UserId};

/// What a commit owes besides its events. No timer is both set and stopped, so the order of the two does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Messages to post or edit, in order.
    pub owed: Vec<Owed>,
    /// Timers to set, in place of an earlier one of the same key.
    pub set: Vec<Timer>,
    /// Timers to stop.
    pub stop: Vec<TimerKey>,
}

/// A message owed. It says what about, not its words: those are found when it is sent, from how things are then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "owed", rename_all = "snake_case")]
pub enum Owed {
    /// The message in the channel that the thread hangs on.
    Opening,
    /// The thread.
    Thread,
    /// The board, posted and pinned the first time and edited from then on.
    Board,
    /// A card that asks a role to sign; edited where it was posted before.
    SignOffCard {
        /// Which role.
        role: RoleKey,
        /// Which of its requests, from 1.
        request: u32,
    },
    /// An edit of the role's last card.
    SignOffCardEdit {
        /// Which role.
        role: RoleKey,
        /// Which of its requests.
        request: u32,
    },
    /// A ping of the next people, as a request was not answered.
    Ping {
        /// Which role.
        role: RoleKey,
        /// Which of its requests.
        request: u32,
        /// Which ping of it, from 1.
        ping: u32,
        /// When it was due.
        due: Timestamp,
    },
    /// A ping of those who were asked last, as somebody asks again.
    AskedAgain {
        /// Which role.
        role: RoleKey,
        /// Which of its requests.
        request: u32,
        /// Who asks.
        by: Actor,
    },
    /// Word of a rejection, which asks for the reason where none was given.
    Rejection {
        /// Which role.
        role: RoleKey,
        /// Whose.
        by: UserId,
    },
    /// Word to a signer that their signature no longer counts.
    Void {
        /// Which role.
        role: RoleKey,
        /// Whose.
        by: UserId,
        /// The check whose result changed.
        check: CheckId,
    },
    /// A ping of those who answer for the release, as a check that is watched no longer passes.
    WatchTurned {
        /// Which check.
        check: CheckId,
    },
    /// A ping of the next people, as it still does not pass.
    WatchPing {
        /// Which check.
        check: CheckId,
        /// Which ping since it turned, from 1.
        ping: u32,
        /// When it was due.
        due: Timestamp,
    },
    /// Word to the same that it passes again.
    WatchRecovered {
        /// Which check.
        check: CheckId,
    },
    /// Word that nothing holds GO any more.
    ReadyForGo,
    /// Word of the decision.
    Decision,
    /// The end, with the report.
    Report,
}

impl Owed {
    /// Two messages owed with the same key are one: an edit shows how things are when it is made.
    pub fn coalesces_as(&self) -> Option<String> {
        match self {
            Self::Board => Some("board".to_owned()),
            Self::SignOffCardEdit { role, request } => Some(format!("card:{role}:{request}")),
            Self::AskedAgain { role, request, .. } => Some(format!("again:{role}:{request}")),
            Self::Opening
            | Self::Thread
            | Self::SignOffCard { .. }
            | Self::Ping { .. }
            | Self::Rejection { .. }
            | Self::Void { .. }
            | Self::WatchTurned { .. }
            | Self::WatchPing { .. }
            | Self::WatchRecovered { .. }
            | Self::ReadyForGo
            | Self::Decision
            | Self::Report => None,
        }
    }

    /// What the posted message is remembered as, where it is looked for again.
    pub fn remembered_as(&self) -> Option<String> {
        match self {
            Self::Opening => Some("opening".to_owned()),
            Self::Thread => Some("thread".to_owned()),
            Self::Board => Some("board".to_owned()),
            Self::SignOffCard { role, request } | Self::SignOffCardEdit { role, request } => {
                Some(format!("card:{role}:{request}"))
            }
            Self::Ping {
                role, request, ping, ..
            } => Some(format!("ping:{role}:{request}:{ping}")),
            Self::Report => Some("report".to_owned()),
            Self::AskedAgain { .. }
            | Self::Rejection { .. }
            | Self::Void { .. }
            | Self::WatchTurned { .. }
            | Self::WatchPing { .. }
            | Self::WatchRecovered { .. }
            | Self::ReadyForGo
            | Self::Decision => None,
        }
    }
}

/// A timer's name within its deployment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimerKey(pub String);

impl TimerKey {
    /// The name of the timer of a role's next ping.
    pub fn of_ping(role: &RoleKey) -> Self {
        Self(format!("ping:{role}"))
    }

    /// The name of the timer of the next ping for a check that turned.
    pub fn of_watch(check: &CheckId) -> Self {
        Self(format!("watch:{check}"))
    }

    /// The name of the timer of a check's next observation; the store tells them from others by its beginning.
    pub fn of_observation(check: &CheckId) -> Self {
        Self(format!("observe:{check}"))
    }
}

/// Something that comes due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Its name within its deployment.
    pub key: TimerKey,
    /// When.
    pub due: Timestamp,
    /// What happens then.
    pub then: Then,
}

/// What happens when a timer comes due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "then", rename_all = "snake_case")]
pub enum Then {
    /// The next ping of a request.
    Ping {
        /// Which role.
        role: RoleKey,
        /// Which ping, from 1.
        ping: u32,
    },
    /// The next ping for a check whose watch turned.
    WatchPing {
        /// Which check.
        check: CheckId,
        /// Which ping, from 1.
        ping: u32,
    },
    /// The next observation of a check. The timer stays until what was observed is recorded.
    Observe {
        /// Which check.
        check: CheckId,
        /// Which series of it, from 1.
        series: u32,
        /// Which observation of the series, from 1.
        number: u32,
    },
}

/// What these events owe. `before` is absent for a start.
pub fn effects(before: Option<&Deployment>, events: &[Recorded], after: &Deployment) -> Effects {
    let mut effects = Effects::default();
    for (position, recorded) in events.iter().enumerate() {
        effects.of_event(recorded, &events[position + 1..], after);
    }
    for role in after.sign_offs.keys() {
        effects.of_timer(
            before.and_then(|before| before.ping_timer(role)),
            after.ping_timer(role),
        );
    }
    for (check, _) in after
        .checklist
        .checks
        .iter()
        .filter(|(_, check)| check.rhythm.is_some())
    {
        effects.of_timer(
            before.and_then(|before| before.observation_timer(check)),
            after.observation_timer(check),
        );
        effects.of_timer(
            before.and_then(|before| before.watch_timer(check)),
            after.watch_timer(check),
        );
    }
    // Whoever has just decided needs no word that they can.
    let decided = events
        .iter()
        .any(|recorded| matches!(recorded.event, Event::Decided { .. }));
    if !events.is_empty()
        && !decided
        && after.is_ready_for_go()
        // Asked last, since a deployment is seldom ready and both answers cost a walk over its items.
        && !before.is_some_and(Deployment::is_ready_for_go)
    {
        effects.owed.push(Owed::ReadyForGo);
    }
    if !events.is_empty() {
        effects.owed.push(Owed::Board);
    }
    effects
}

impl Effects {
    fn of_event(&mut self, recorded: &Recorded, later: &[Recorded], after: &Deployment) {
        let request = |role: &RoleKey| request_number(after, role, later);
        match &recorded.event {
            Event::Started { .. } => self.owed.extend([Owed::Opening, Owed::Thread, Owed::Board]),
            Event::SignOffRequested { role } => {
                let request = request(role);
                self.owed.push(Owed::SignOffCard {
                    role: role.clone(),
                    request,
                });
                self.edit_card(role, request.saturating_sub(1));
            }
            // The card may not have been posted before the request came to rest.
            Event::SignOffResumed { role } => self.owed.push(Owed::SignOffCard {
                role: role.clone(),
                request: request(role),
            }),
            Event::AskedAgain { role } => {
                self.owed.push(Owed::AskedAgain {
                    role: role.clone(),
                    request: request(role),
                    by: recorded.actor,
                });
                self.edit_card(role, request(role));
            }
            Event::Pinged { role, ping, due } => {
                self.owed.push(Owed::Ping {
                    role: role.clone(),
                    request: request(role),
                    ping: *ping,
                    due: *due,
                });
                self.edit_card(role, request(role));
            }
            Event::SignOffRecalled { role }
            | Event::Acknowledged { role, .. }
            | Event::Approved { role, .. }
            | Event::RejectionExplained { role, .. }
            | Event::Withdrawn { role } => self.edit_card(role, request(role)),
            Event::Rejected { role, .. } => {
                self.edit_card(role, request(role));
                if let Actor::Person(by) = recorded.actor {
                    self.owed.push(Owed::Rejection {
                        role: role.clone(),
                        by,
                    });
                }
            }
            Event::Voided { role, by, check } => {
                self.edit_card(role, request(role));
                self.owed.push(Owed::Void {
                    role: role.clone(),
                    by: *by,
                    check: check.clone(),
                });
            }
            Event::WatchTurned { check } => self.owed.push(Owed::WatchTurned { check: check.clone() }),
            Event::WatchPinged { check, ping, due } => self.owed.push(Owed::WatchPing {
                check: check.clone(),
                ping: *ping,
                due: *due,
            }),
            Event::WatchRecovered { check } => self.owed.push(Owed::WatchRecovered { check: check.clone() }),
            Event::Decided { .. } => self.owed.push(Owed::Decision),
            Event::Finished { .. } => {
                for (role, sign_off) in &after.sign_offs {
                    if sign_off.request.is_some() {
                        self.edit_card(role, sign_off.requests);
                    }
                }
                self.owed.push(Owed::Report);
            }
            Event::Ticked { .. }
            | Event::Unticked { .. }
            | Event::Skipped { .. }
            | Event::Blocked { .. }
            | Event::Unblocked { .. }
            | Event::Filled { .. }
            | Event::Assigned { .. }
            | Event::Noted { .. }
            | Event::CheckRecorded { .. }
            | Event::CheckObserved { .. }
            | Event::WatchAcknowledged { .. } => {}
        }
    }

    fn edit_card(&mut self, role: &RoleKey, request: u32) {
        if request > 0 {
            self.owed.push(Owed::SignOffCardEdit {
                role: role.clone(),
                request,
            });
        }
    }

    /// Sets or stops a timer where it is no longer what it was. A key is never both set and stopped.
    fn of_timer(&mut self, before: Option<Timer>, after: Option<Timer>) {
        match (before, after) {
            (before, Some(after)) if before.as_ref() != Some(&after) => self.set.push(after),
            (Some(before), None) => self.stop.push(before.key),
            (Some(_) | None, Some(_)) | (None, None) => {}
        }
    }
}

impl Deployment {
    /// The escalation policy of a role: the one its rule names, else the built-in one.
    pub fn policy_of(&self, role: &RoleKey) -> EscalationPolicy {
        self.named_policy_of(role)
            .cloned()
            .unwrap_or_else(EscalationPolicy::built_in)
    }

    /// The timer of a role's next ping: none where no answer is waited for, or the ladder has ended.
    ///
    /// It comes due when those pinged last have had their time, or when an acknowledgement runs out, whichever is later.
    pub fn ping_timer(&self, role: &RoleKey) -> Option<Timer> {
        if matches!(self.phase, Phase::Finished(_)) || !self.waits_for(role) {
            return None;
        }
        let request = self.sign_offs.get(role)?.request.as_ref()?;
        let ping = request.pings.checked_add(1)?;
        let built_in;
        let policy = if let Some(named) = self.named_policy_of(role) {
            named
        } else {
            built_in = EscalationPolicy::built_in();
            &built_in
        };
        policy.level(ping)?;
        let wait = SignedDuration::try_from(policy.level(request.pings)?.wait).ok()?;
        let due = request.waits_since.checked_add(wait).ok()?;
        let due = request.acknowledged.map_or(due, |(_, until)| due.max(until));
        Some(Timer {
            key: TimerKey::of_ping(role),
            due,
            then: Then::Ping {
                role: role.clone(),
                ping,
            },
        })
    }

    fn named_policy_of(&self, role: &RoleKey) -> Option<&EscalationPolicy> {
        let name = self.checklist.sign_offs.get(role)?.escalate.as_ref()?;
        self.checklist.escalations.get(name)
    }
}

fn request_number(after: &Deployment, role: &RoleKey, later: &[Recorded]) -> u32 {
    let asked_later = later
        .iter()
        .filter(
            |recorded| matches!(&recorded.event, Event::SignOffRequested { role: asked } if asked == role),
        )
        .count();
    let requests = after.sign_offs.get(role).map_or(0, |sign_off| sign_off.requests);
    requests.saturating_sub(u32::try_from(asked_later).unwrap_or(u32::MAX))
}
