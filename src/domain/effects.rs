//! What events owe the world: messages, and timers to set or stop. Committed with the events, paid by workers.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::deployment::{Deployment, Phase};
use super::escalation::EscalationPolicy;
use super::event::{Actor, Event, Recorded};
use super::ids::{CheckId, RoleKey, UserId};

/// What a commit owes besides its events.
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
    /// A card that asks a role to sign.
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
            Self::Opening
            | Self::Thread
            | Self::SignOffCard { .. }
            | Self::Ping { .. }
            | Self::Rejection { .. }
            | Self::Void { .. }
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
            Self::Rejection { .. } | Self::Void { .. } | Self::ReadyForGo | Self::Decision => None,
        }
    }
}

/// A timer's name within its deployment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimerKey(pub String);

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
}

/// What these events owe. `before` is absent for a start.
pub fn effects(before: Option<&Deployment>, events: &[Recorded], after: &Deployment) -> Effects {
    let mut effects = Effects::default();
    for recorded in events {
        effects.of_event(recorded, after);
    }
    let ready = |deployment: &Deployment| {
        deployment.asks_for_go()
            && matches!(deployment.phase, Phase::Preparing | Phase::Held)
            && deployment.holds_of_go().is_empty()
    };
    let was_ready = before.is_some_and(ready);
    if !events.is_empty() && !was_ready && ready(after) {
        effects.owed.push(Owed::ReadyForGo);
    }
    if !events.is_empty() {
        effects.owed.push(Owed::Board);
    }
    effects
}

impl Effects {
    fn of_event(&mut self, recorded: &Recorded, after: &Deployment) {
        match &recorded.event {
            Event::Started { .. } => self.owed.extend([Owed::Opening, Owed::Thread, Owed::Board]),
            Event::SignOffRequested { role } => {
                let request = request_number(after, role);
                self.owed.push(Owed::SignOffCard {
                    role: role.clone(),
                    request,
                });
                if request > 1 {
                    self.edit_card(role, request - 1);
                }
                self.set_ping(after, role, 1, recorded.at);
            }
            Event::SignOffRecalled { role } => {
                self.edit_card(role, request_number(after, role));
                self.stop_ping(role);
            }
            Event::Pinged { role, ping, due } => {
                let request = request_number(after, role);
                self.owed.push(Owed::Ping {
                    role: role.clone(),
                    request,
                    ping: *ping,
                    due: *due,
                });
                self.set_ping(after, role, *ping + 1, recorded.at);
            }
            Event::Acknowledged { role, until } => {
                self.edit_card(role, request_number(after, role));
                let pings = after
                    .sign_offs
                    .get(role)
                    .and_then(|sign_off| sign_off.request.as_ref())
                    .map_or(0, |request| request.pings);
                self.set.push(Timer {
                    key: ping_key(role),
                    due: *until,
                    then: Then::Ping {
                        role: role.clone(),
                        ping: pings + 1,
                    },
                });
            }
            Event::Approved { role, .. } => {
                self.edit_card(role, request_number(after, role));
                if after.is_approved(role) {
                    self.stop_ping(role);
                }
            }
            Event::Rejected { role, .. } => {
                self.edit_card(role, request_number(after, role));
                self.stop_ping(role);
                if let Actor::Person(by) = recorded.actor {
                    self.owed.push(Owed::Rejection {
                        role: role.clone(),
                        by,
                    });
                }
            }
            Event::RejectionExplained { role, .. } => self.edit_card(role, request_number(after, role)),
            Event::Withdrawn { role } => {
                self.edit_card(role, request_number(after, role));
                self.set_ping(after, role, 1, recorded.at);
            }
            Event::Voided { role, by, check } => {
                self.edit_card(role, request_number(after, role));
                self.stop_ping(role);
                self.owed.push(Owed::Void {
                    role: role.clone(),
                    by: *by,
                    check: check.clone(),
                });
            }
            Event::Decided { .. } => self.owed.push(Owed::Decision),
            Event::Finished { .. } => {
                for (role, sign_off) in &after.sign_offs {
                    self.stop_ping(role);
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
            | Event::CheckRecorded { .. } => {}
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

    /// The `ping`th ping follows when the people pinged before it have had their time; none follows the ladder's end.
    fn set_ping(&mut self, after: &Deployment, role: &RoleKey, ping: u32, from: Timestamp) {
        let policy = after.policy_of(role);
        let wait = policy
            .level(ping - 1)
            .filter(|_| policy.level(ping).is_some())
            .map(|level| level.wait);
        let due = wait
            .and_then(|wait| SignedDuration::try_from(wait).ok())
            .and_then(|wait| from.checked_add(wait).ok());
        match due {
            Some(due) => {
                self.set.push(Timer {
                    key: ping_key(role),
                    due,
                    then: Then::Ping {
                        role: role.clone(),
                        ping,
                    },
                });
            }
            None => self.stop_ping(role),
        }
    }

    fn stop_ping(&mut self, role: &RoleKey) {
        self.set.retain(|timer| timer.key != ping_key(role));
        self.stop.push(ping_key(role));
    }
}

impl Deployment {
    /// The escalation policy of a role: the one its rule names, else the built-in one.
    pub fn policy_of(&self, role: &RoleKey) -> EscalationPolicy {
        self.checklist
            .sign_offs
            .get(role)
            .and_then(|rule| rule.escalate.as_ref())
            .and_then(|name| self.checklist.escalations.get(name))
            .cloned()
            .unwrap_or_else(EscalationPolicy::built_in)
    }
}

fn ping_key(role: &RoleKey) -> TimerKey {
    TimerKey(format!("ping:{role}"))
}

fn request_number(after: &Deployment, role: &RoleKey) -> u32 {
    after.sign_offs.get(role).map_or(0, |sign_off| sign_off.requests)
}
