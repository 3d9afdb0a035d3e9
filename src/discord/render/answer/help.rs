//! Help, for somebody who has never seen this.

use super::super::message::{Colour, Embed, Message};

/// What help is wanted on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Topic {
    /// How a deployment goes, and where to begin.
    #[default]
    FirstSteps,
    /// Every command.
    Commands,
    /// Who signs, how, and what pings them.
    SignOffs,
    /// What a checklist is, and how to write one.
    Checklists,
}

impl Topic {
    /// All of them, in the order they are offered.
    pub(crate) const ALL: [Self; 4] = [Self::FirstSteps, Self::Commands, Self::SignOffs, Self::Checklists];

    /// Its value as an option of the command.
    pub(crate) fn value(self) -> &'static str {
        match self {
            Self::FirstSteps => "first-steps",
            Self::Commands => "commands",
            Self::SignOffs => "sign-offs",
            Self::Checklists => "checklists",
        }
    }

    /// Its name for people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::FirstSteps => "First steps",
            Self::Commands => "All commands",
            Self::SignOffs => "Sign-offs",
            Self::Checklists => "Checklists",
        }
    }

    /// The topic of an option's value.
    pub(crate) fn of(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.value() == value)
    }
}

/// Help on a topic.
pub(crate) fn help(topic: Topic) -> Message {
    let text = match topic {
        Topic::FirstSteps => FIRST_STEPS,
        Topic::Commands => COMMANDS,
        Topic::SignOffs => SIGN_OFFS,
        Topic::Checklists => CHECKLISTS,
    };
    Message {
        embed: Some(Embed {
            title: topic.title().to_owned(),
            description: text.to_owned(),
            colour: Colour::Blue,
            footer: "More: /deploy help with a topic".to_owned(),
            ..Embed::default()
        }),
        ..Message::default()
    }
}

const FIRST_STEPS: &str = "\
Holdpoint takes a deployment checklist through a release and holds the release until the right people have signed.

1\\. `/deploy start` picks a checklist, a version and an environment, and opens a thread with the **board**.
2\\. In the thread, `/deploy check` runs what a machine can check and ticks what passes.
3\\. `/deploy tick` ticks the rest; it offers the open items as you type. The board's buttons and menus do the same.
4\\. When a role's part is ready, its owner gets a card: ✅ approves, ❌ rejects.
5\\. `/deploy go` releases, `/deploy no-go` holds. `/deploy finish` ends it and posts the report.

Lost? `/deploy status` shows where things stand and what is next.";

const COMMANDS: &str = "\
**See**
`/deploy status` the board, and what is next
`/deploy log` what happened, newest first
`/deploy list` deployments of this server
`/deploy report` the checklist, filled in

**Work**
`/deploy start` begin a deployment
`/deploy check` run the checks
`/deploy tick` · `/deploy untick` an item is done, or not after all
`/deploy skip` close an item without doing it, with a reason
`/deploy block` · `/deploy unblock` an item cannot go on, or can again
`/deploy fill` fill a blank in
`/deploy assign` give an item to somebody
`/deploy note` write something down

**Sign and decide**
`/deploy signoff` see the sign-offs, or ask for one
`/deploy ack` · `/deploy snooze` you have seen a request; its pings pause
`/deploy go` · `/deploy no-go` the decision
`/deploy finish` end it, complete or failed

**Set up**
`/checklist list` · `/checklist show` what can be started
`/checklist lint` · `/checklist export` what is wrong with one, and its file
`/checklist import` · `/checklist remove` bring your own, or take it away
`/owner list` · `/owner set` · `/owner clear` who signs for which role";

const SIGN_OFFS: &str = "\
A checklist names the **roles** that must approve. `/owner set` says who holds each, as owner, deputy or lead.

**Asked once.** When everything a role waits for is done, its owners are mentioned on a card that shows what they need.
**Answered by reaction.** ✅ approves. ❌ rejects and asks why. Taking the reaction away takes the answer back. \
Reactions of people who do not hold the role do not count.
**Reminded.** Without an answer the deputies are pinged, then the leads. 👀 or `/deploy ack` pauses the pings; only an \
answer ends them.
**Void on change.** When a check's result changes, approvals no longer count, and their givers are told and asked again.
**Four eyes.** Whoever started a deployment cannot be its only signer, unless this server says otherwise.

`/deploy signoff` shows how far each role is.";

const CHECKLISTS: &str = "\
Any Markdown file with task items (`- [ ]`) is a checklist. Headings are its sections, and nesting is kept.

What more a team wants goes into the front matter: **checks** with the condition they must meet, **sign-offs** by role, \
**gates** that hold a section until something is done. `<!-- check: health -->` binds an item to a check, \
`<!-- sign-off: tech-lead -->` to a role.

`/checklist list` shows those that can be started, and what is wrong with those that cannot.
`/checklist show` shows one of them.
`/checklist import` brings a file of yours. Its checks reach public addresses only, until the operator has approved it.";
