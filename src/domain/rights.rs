//! Who may do what. Signing is apart from this: it takes the role itself, see [`super::sign_off::Owners`].

use super::ids::{DiscordRoleId, UserId};

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
    /// Say who holds which role.
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
    /// Who may say who holds which role.
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
