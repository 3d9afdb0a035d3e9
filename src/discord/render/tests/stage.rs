//! A deployment that is played through the domain, as the bot plays it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::check::{CheckResult, CheckStatus};
use crate::domain::checklist::Checklist;
use crate::domain::command::{ActingAs, Command, Context, FourEyes, Start};
use crate::domain::decide;
use crate::domain::deployment::Deployment;
use crate::domain::event::Recorded;
use crate::domain::ids::{ChannelId, CheckId, ChecklistName, DeploymentId, GuildId, ItemId, RoleKey, UserId};
use crate::domain::refusal::Refusal;
use crate::domain::rights::{Person, Rights};
use crate::domain::sign_off::{Holder, Owners, Rank};
use crate::domain::text::{Environment, Reason, Version};

pub(super) const STARTER: UserId = UserId(1);
pub(super) const TECH_LEAD: UserId = UserId(2);
pub(super) const QA: UserId = UserId(3);
pub(super) const SECOND_QA: UserId = UserId(4);
pub(super) const DEPUTY: UserId = UserId(5);

/// A small release with everything in it.
pub(super) const STAGING: &str = r#"---
title: Staging release
checks:
  health: { http: { url: "https://staging.example.com/health" }, pass: status == 200 }
  tests: { command: { run: [npm, test] } }
sign-offs:
  tech-lead: { role: Tech Lead, escalate: fast }
  qa-lead: { role: QA Lead, quorum: 2 }
escalations:
  fast: { owner: 10m, deputy: 10m, lead: 20m, repeat: 1 }
gates:
  Deployment: { needs: [items, checks, tech-lead, qa-lead, go] }
sections:
  Rollback: { optional: true }
---
# Staging
## Pre-deployment
- [ ] Health endpoint answers <!-- check: health -->
- [ ] The database is ready
  - [ ] Migrations can be undone
  - [ ] A backup was taken
- [ ] Tests pass <!-- check: tests -->
- [x] The branch is protected
- [ ] Tell support (nice to have) <!-- optional -->
## Approval
- [ ] Approved by the Tech Lead: ________ Date: ________ <!-- sign-off: tech-lead -->
- [ ] QA has looked <!-- sign-off: qa-lead -->
- [ ] GO or NO-GO <!-- decision -->
## Deployment
- [ ] Deploy the build
- [ ] Watch the errors for an hour
## Rollback
- [ ] Put the last build back
"#;

/// A deployment with its history.
pub(super) struct Stage {
    pub(super) deployment: Deployment,
    pub(super) events: Vec<Recorded>,
    pub(super) owners: Owners,
    pub(super) now: Timestamp,
}

/// What came of an act.
pub(super) struct Act {
    pub(super) before: Option<Deployment>,
    pub(super) events: Vec<Recorded>,
}

impl Stage {
    /// The small release, just started.
    pub(super) fn staging() -> Self {
        Self::of(checklist("staging", STAGING.as_bytes()))
    }

    /// The small release, with all its work done and both roles asked.
    pub(super) fn asked() -> Self {
        let mut stage = Self::staging();
        stage.tick("1.2.1");
        stage.tick("1.2.2");
        stage.check("health", CheckStatus::Passed, "status was 200");
        stage.check("tests", CheckStatus::Passed, "exit_code was 0");
        stage
    }

    /// The small release, ready for GO.
    pub(super) fn ready() -> Self {
        let mut stage = Self::asked();
        stage.later(5);
        stage.does(
            TECH_LEAD,
            Command::Approve {
                role: role("tech-lead"),
            },
        );
        stage.does(
            QA,
            Command::Approve {
                role: role("qa-lead"),
            },
        );
        stage.does(
            SECOND_QA,
            Command::Approve {
                role: role("qa-lead"),
            },
        );
        stage
    }

    pub(super) fn of(checklist: Checklist) -> Self {
        let now: Timestamp = "2026-11-21T00:40:00Z".parse().expect("a moment");
        let member = |rank, id| (rank, Holder::Member(id));
        let owners = Owners(BTreeMap::from([
            (
                role("tech-lead"),
                vec![member(Rank::Owner, TECH_LEAD), member(Rank::Deputy, DEPUTY)],
            ),
            (
                role("qa-lead"),
                vec![member(Rank::Owner, QA), member(Rank::Owner, SECOND_QA)],
            ),
        ]));
        let starter = ActingAs::Person(person(STARTER));
        let start = Start {
            checklist: Arc::new(checklist),
            checklist_bytes: Arc::from(&b""[..]),
            guild: GuildId(100),
            channel: ChannelId(200),
            version: Version::parse("2.4.1").expect("a version"),
            environment: Environment::parse("staging").expect("an environment"),
            variables: BTreeMap::new(),
        };
        let context = context(&starter, &owners, now);
        let decided = decide::start(DeploymentId(12), start, &context).expect("it starts");
        Self {
            deployment: decided.after,
            events: decided.events,
            owners,
            now,
        }
    }

    pub(super) fn later(&mut self, minutes: i64) {
        self.now += SignedDuration::from_mins(minutes);
    }

    /// A person does something that is allowed.
    pub(super) fn does(&mut self, who: UserId, command: Command) -> Act {
        self.act(&ActingAs::Person(person(who)), command)
            .expect("it is allowed")
    }

    /// A person tries something that is refused.
    pub(super) fn is_refused(&mut self, who: UserId, command: Command) -> Refusal {
        match self.act(&ActingAs::Person(person(who)), command) {
            Ok(_) => panic!("it was allowed"),
            Err(refusal) => refusal,
        }
    }

    pub(super) fn tick(&mut self, id: &str) -> Act {
        self.does(STARTER, Command::Tick { item: item(id) })
    }

    pub(super) fn check(&mut self, check: &str, status: CheckStatus, why: &str) -> Act {
        let result = result(check, status, why, self.now);
        self.act(&ActingAs::CheckRunner, Command::RecordCheck { result })
            .expect("results are taken")
    }

    pub(super) fn ping(&mut self, key: &str, ping: u32) -> Act {
        let due = self.now;
        self.act(
            &ActingAs::Timer,
            Command::PingDue {
                role: role(key),
                ping,
                due,
            },
        )
        .expect("it is due")
    }

    /// Somebody does something, or is refused.
    pub(super) fn act(&mut self, actor: &ActingAs, command: Command) -> Result<Act, Refusal> {
        let decided = decide::decide(&self.deployment, command, &context(actor, &self.owners, self.now))?;
        let before = std::mem::replace(&mut self.deployment, decided.after);
        self.events.extend(decided.events.iter().cloned());
        Ok(Act {
            before: Some(before),
            events: decided.events,
        })
    }
}

pub(super) fn checklist(name: &str, bytes: &[u8]) -> Checklist {
    let parsed = crate::markdown::parse(&ChecklistName::new(name), bytes);
    assert!(!parsed.has_errors(), "{:?}", parsed.diagnostics);
    parsed.checklist
}

pub(super) fn person(id: UserId) -> Person {
    Person {
        id,
        discord_roles: Vec::new(),
        manages_server: true,
    }
}

pub(super) fn item(id: &str) -> ItemId {
    ItemId::new(id)
}

pub(super) fn role(key: &str) -> RoleKey {
    RoleKey::new(key)
}

pub(super) fn reason(text: &str) -> Reason {
    Reason::parse(text).expect("a reason")
}

pub(super) fn result(check: &str, status: CheckStatus, why: &str, at: Timestamp) -> CheckResult {
    CheckResult {
        check: CheckId::new(check),
        status,
        why: why.to_owned(),
        observed: BTreeMap::new(),
        at,
        duration_ms: 120,
    }
}

fn context<'a>(actor: &'a ActingAs, owners: &'a Owners, now: Timestamp) -> Context<'a> {
    static RIGHTS: std::sync::LazyLock<Rights> = std::sync::LazyLock::new(Rights::default);
    Context {
        now,
        actor,
        rights: &RIGHTS,
        owners,
        four_eyes: FourEyes::Required,
    }
}
