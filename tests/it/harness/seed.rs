//! How a world begins: who is there, what may be started, and how strict Discord is.

use std::path::PathBuf;
use std::sync::Mutex;

use discord_stand_in::permissions::{MANAGE_GUILD, USUAL_FOR_A_BOT};
use discord_stand_in::{AcceptedToken, GuildSeed, Options, RateLimits, RoleSeed, StandIn};
use holdpoint::clock::ManualClock;
use tempfile::TempDir;

use super::{BEGINNING, PATIENCE, Seen, World, settings_of};

/// The name under which the bot speaks.
pub(super) const BOT: &str = "Holdpoint";

/// The checklists that are shipped, by name.
pub(crate) const SHIPPED: [(&str, &str, usize); 5] = [
    (
        "staging-telehealth",
        include_str!("../../../checklists/staging-telehealth.md"),
        156,
    ),
    (
        "staging-crm",
        include_str!("../../../checklists/staging-crm.md"),
        167,
    ),
    (
        "production-booking",
        include_str!("../../../checklists/production-booking.md"),
        201,
    ),
    (
        "production-client-platform",
        include_str!("../../../checklists/production-client-platform.md"),
        170,
    ),
    (
        "staged-rollout-portal",
        include_str!("../../../checklists/staged-rollout-portal.md"),
        50,
    ),
];

/// A checklist that one role signs as soon as its first item is done.
pub(crate) const ONE_ROLE: &str = "\
---
title: One role
sign-offs:
  tech-lead: { role: Tech Lead, escalate: quick }
escalations:
  quick: { owner: 15m, deputy: 20m, lead: 30m, repeat: 1 }
---
# One role

- [ ] Notes are written
- [ ] Tech Lead: ____________ <!-- sign-off: tech-lead -->
";

/// A checklist with a little of everything but checks.
pub(crate) const SMALL: &str = "\
---
title: Small release
sign-offs:
  tech-lead: { role: Tech Lead, escalate: quick }
  qa-lead: { role: QA Lead, escalate: quick }
escalations:
  quick: { owner: 15m, deputy: 20m, lead: 30m, repeat: 1 }
gates:
  Release: { needs: [items, tech-lead, qa-lead, go] }
---
# Small release

## Before

- [ ] Release notes are written
- [ ] A backup was made
  - [ ] of the database
  - [ ] of the uploads
- [ ] The window is agreed, from ________ on

## Sign-off

- [ ] Tech Lead: ____________ Date: ________ <!-- sign-off: tech-lead -->
- [ ] QA Lead: ____________ Date: ________ <!-- sign-off: qa-lead -->
- [ ] GO or NO-GO <!-- decision -->

## Release

- [ ] Switch the traffic over

---

**Released by**: ____________
";

/// What a world is made from.
pub(crate) struct Seed {
    checklists: Vec<(String, Vec<u8>)>,
    settings: Box<dyn Fn(&StandIn) -> String>,
    rate_limits: RateLimits,
    accepted: AcceptedToken,
    bot_permissions: u64,
    guilds: Vec<GuildSeed>,
}

impl Default for Seed {
    fn default() -> Self {
        Self {
            checklists: Vec::new(),
            settings: Box::new(|_| String::new()),
            rate_limits: RateLimits::Off,
            accepted: AcceptedToken::Any,
            bot_permissions: USUAL_FOR_A_BOT,
            guilds: Vec::new(),
        }
    }
}

impl Seed {
    pub(crate) fn checklist(mut self, name: &str, text: &str) -> Self {
        self.checklists.push((name.to_owned(), text.as_bytes().to_vec()));
        self
    }

    /// The text of `holdpoint.toml`, which may name roles and people by their ids.
    pub(crate) fn settings(mut self, text: impl Fn(&StandIn) -> String + 'static) -> Self {
        self.settings = Box::new(text);
        self
    }

    pub(crate) fn rate_limits(mut self, limits: RateLimits) -> Self {
        self.rate_limits = limits;
        self
    }

    /// Lets this token in and no other.
    pub(crate) fn only_token(mut self, token: &str) -> Self {
        self.accepted = AcceptedToken::Only(token.to_owned());
        self
    }

    pub(crate) fn bot_permissions(mut self, bits: u64) -> Self {
        self.bot_permissions = bits;
        self
    }

    /// Another server beside Northwind.
    pub(crate) fn guild(mut self, guild: GuildSeed) -> Self {
        self.guilds.push(guild);
        self
    }

    /// The world with its bot running.
    pub(crate) async fn start(self) -> World {
        let mut world = self.without_bot().await;
        world.start_bot().await;
        world
    }

    /// The world before its bot is started.
    pub(crate) async fn without_bot(self) -> World {
        let directory = TempDir::new().unwrap();
        let checklists = directory.path().join("checklists");
        std::fs::create_dir(&checklists).unwrap();
        for (name, bytes) in &self.checklists {
            std::fs::write(checklists.join(format!("{name}.md")), bytes).unwrap();
        }
        let mut guilds = vec![northwind().bot_permissions(self.bot_permissions)];
        guilds.extend(self.guilds);
        let stand_in = StandIn::start(Options {
            bot_name: BOT.to_owned(),
            token: self.accepted,
            guilds,
            rate_limits: self.rate_limits,
            patience: PATIENCE,
            recording: std::env::var_os("HOLDPOINT_RECORDING").map(PathBuf::from),
            recorded_requests: 100_000,
            ..Options::default()
        })
        .await
        .unwrap();
        let settings = settings_of(directory.path(), &(self.settings)(&stand_in));
        World {
            stand_in,
            clock: ManualClock::new(BEGINNING.parse().unwrap()),
            directory,
            settings,
            token: "a-token".to_owned(),
            running: None,
            seen: Mutex::new(Seen::default()),
        }
    }
}

/// The server of every test: a release manager, those who sign, their deputy and lead, and Sam, who holds nothing.
fn northwind() -> GuildSeed {
    GuildSeed::new("Northwind")
        .channel("releases")
        .channel("general")
        .role(RoleSeed::new("Release Manager").permissions(MANAGE_GUILD))
        .role(RoleSeed::new("Reviewers"))
        .person("Olga", &[])
        .person("Mara", &["Release Manager"])
        .person("Theo", &[])
        .person("Quinn", &[])
        .person("Petra", &[])
        .person("Dana", &[])
        .person("Lee", &[])
        .person("Rita", &["Reviewers"])
        .person("Sam", &[])
}
