//! Who may do what. Signing is apart from this: it takes the role itself, see [`super::sign_off::Owners`].

use super::checklist::Checklist;
use super::ids::{DiscordRoleId, UserId};
use super::refusal::Refusal;
use super::sign_off::Owners;

/// Somebody who acts, as Discord described them when they acted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub id: UserId,
    /// Their roles in the Discord server.
    pub discord_roles: Vec<DiscordRoleId>,
    /// Whether they hold the server's *Manage Server* permission.
    pub manages_server: bool,
}

/// What a right is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// Start a deployment.
    Start,
    /// Tick, untick, fill, assign, note, block and check.
    Work,
    /// Skip an item.
    Skip,
    /// Decide GO or NO-GO, and finish.
    Decide,
    /// Say who holds which role, and import checklists.
    Manage,
}

/// Somebody to whom a right is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Allowed {
    /// Whoever may use the command.
    Everyone,
    /// Who started the deployment.
    Starter,
    /// Whoever holds one of the checklist's sign-off roles; where it asks nobody to sign, who started the deployment.
    SignOffHolder,
    /// Whoever may manage the Discord server.
    ManageServer,
    /// Everyone with this role of the Discord server.
    DiscordRole(DiscordRoleId),
    /// This member.
    Member(UserId),
}

/// The rights of one Discord server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Who may start a deployment.
    pub start: Vec<Allowed>,
    /// Who may tick and the like.
    pub work: Vec<Allowed>,
    /// Who may skip an item.
    pub skip: Vec<Allowed>,
    /// Who may decide and finish.
    pub decide: Vec<Allowed>,
    /// Who may say who holds which role, and import checklists.
    pub manage: Vec<Allowed>,
}

impl Default for Rights {
    fn default() -> Self {
        Self {
            start: vec![Allowed::Everyone],
            work: vec![Allowed::Everyone],
            skip: vec![Allowed::Everyone],
            decide: vec![Allowed::SignOffHolder, Allowed::ManageServer],
            manage: vec![Allowed::ManageServer],
        }
    }
}

impl Rights {
    /// Those to whom an act is open.
    pub fn of(&self, act: Act) -> &[Allowed] {
        match act {
            Act::Start => &self.start,
            Act::Work => &self.work,
            Act::Skip => &self.skip,
            Act::Decide => &self.decide,
            Act::Manage => &self.manage,
        }
    }

    /// Lets a person act on a deployment of a checklist, or on a new one, which nobody has started.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] for who may not.
    pub fn require(
        &self,
        act: Act,
        person: &Person,
        checklist: &Checklist,
        starter: Option<UserId>,
        owners: &Owners,
    ) -> Result<(), Refusal> {
        let holds = HoldsARole::of(person, checklist, starter, owners);
        if self.permit(act, person, starter, holds) {
            Ok(())
        } else {
            Err(Refusal::NotAllowed {
                act,
                allowed: self.of(act).to_vec(),
            })
        }
    }

    /// Whether a person may act. `starter` is who started the deployment, `holds_a_role` whether the person
    /// holds one of its checklist's sign-off roles; both are false where there is no deployment yet.
    pub fn permit(
        &self,
        act: Act,
        person: &Person,
        starter: Option<UserId>,
        holds_a_role: HoldsARole,
    ) -> bool {
        self.of(act).iter().any(|allowed| match allowed {
            Allowed::Everyone => true,
            Allowed::Starter => starter == Some(person.id),
            Allowed::SignOffHolder => holds_a_role == HoldsARole::Yes,
            Allowed::ManageServer => person.manages_server,
            Allowed::DiscordRole(role) => person.discord_roles.contains(role),
            Allowed::Member(member) => *member == person.id,
        })
    }
}

/// Whether a person holds one of the sign-off roles in question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldsARole {
    /// They do.
    Yes,
    /// They do not.
    No,
}

impl HoldsARole {
    /// Whether a person holds one of a checklist's sign-off roles. Where nobody is asked to sign, whoever started the
    /// deployment answers for it; else only managers could end it.
    pub fn of(person: &Person, checklist: &Checklist, starter: Option<UserId>, owners: &Owners) -> Self {
        let mut roles = checklist.sign_offs.keys();
        let holds = if checklist.sign_offs.is_empty() {
            starter == Some(person.id)
        } else {
            roles.any(|role| owners.rank_of(role, person.id, &person.discord_roles).is_some())
        };
        if holds { Self::Yes } else { Self::No }
    }
}
