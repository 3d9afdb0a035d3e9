//! What a person does, and what comes back.

use discord_stand_in::{Channel, Choice, GivenFile, Message, Modal, Person, Response};

use super::{Run, World};

/// A person in a world.
pub(crate) struct Member<'w> {
    world: &'w World,
    pub(crate) person: Person,
}

impl<'w> Member<'w> {
    pub(super) fn new(world: &'w World, person: Person) -> Self {
        Self { world, person }
    }

    /// Sends a slash command in a channel and reads the answer.
    pub(crate) async fn slash(&self, channel: &Channel, command: &str, options: &[(&str, &str)]) -> Message {
        let interaction = self
            .person
            .slash(channel, command, options)
            .expect("Discord sends it");
        match self.world.answer(&interaction).await {
            Response::Message(message) => message,
            Response::Modal(modal) => panic!("a message was expected, not the dialog {}", modal.title()),
        }
    }

    /// Brings a checklist from a file, into the server of the releases channel, and reads the answer.
    pub(crate) async fn imports(&self, file: GivenFile, options: &[(&str, &str)]) -> Message {
        let releases = self.world.releases();
        let interaction = self
            .person
            .slash_with_files(&releases, "checklist import", options, &[("file", file)])
            .expect("Discord sends it");
        match self.world.answer(&interaction).await {
            Response::Message(message) => message,
            Response::Modal(modal) => panic!("a message was expected, not the dialog {}", modal.title()),
        }
    }

    /// Sends a `/deploy` command in a deployment's thread and reads the answer.
    pub(crate) async fn deploy(&self, run: &Run, word: &str, options: &[(&str, &str)]) -> Message {
        self.slash(&run.thread, &format!("deploy {word}"), options).await
    }

    /// Sends a `/deploy` command whose answer has to say this.
    pub(crate) async fn deploy_and_hear(
        &self,
        run: &Run,
        word: &str,
        options: &[(&str, &str)],
        says: &str,
    ) -> Message {
        let answer = self.deploy(run, word, options).await;
        assert!(
            answer.text().contains(says),
            "{says:?} was expected: {}",
            answer.text()
        );
        answer
    }

    /// Ticks an item by its number or words.
    pub(crate) async fn tick(&self, run: &Run, item: &str) -> Message {
        self.deploy_and_hear(run, "tick", &[("item", item)], "Next").await
    }

    /// What is offered while this is typed.
    pub(crate) async fn is_offered(
        &self,
        channel: &Channel,
        command: &str,
        options: &[(&str, &str)],
        focused: (&str, &str),
    ) -> Vec<Choice> {
        self.person
            .autocomplete(channel, command, options, focused)
            .await
            .expect("the bot offers choices")
    }

    /// Starts a deployment in the releases channel and waits until its thread and its board are there.
    pub(crate) async fn start(&self, checklist: &str, version: &str, environment: &str) -> Run {
        self.start_in(&self.world.releases(), checklist, version, environment, &[])
            .await
    }

    pub(crate) async fn start_in(
        &self,
        channel: &Channel,
        checklist: &str,
        version: &str,
        environment: &str,
        more: &[(&str, &str)],
    ) -> Run {
        let mut options = vec![
            ("checklist", checklist),
            ("version", version),
            ("environment", environment),
        ];
        options.extend_from_slice(more);
        let answer = self.slash(channel, "deploy start", &options).await;
        let number = number_in(answer.content()).unwrap_or_else(|| panic!("not started: {}", answer.text()));
        self.finds(channel, number).await
    }

    /// Waits until a deployment's opening, thread and board are there, and reads them.
    pub(crate) async fn finds(&self, channel: &Channel, number: i64) -> Run {
        self.world
            .hear(channel, &format!("(deployment #{number})"), &[])
            .await;
        let begins = format!("#{number} ");
        let thread = self
            .world
            .stand_in
            .wait_for_thread(|name| name.starts_with(&begins))
            .await
            .expect("a thread opens");
        let run = Run { number, thread };
        let board = run
            .thread
            .wait_for_message(|message| message.button("Log").is_some())
            .await
            .expect("a board is posted");
        self.world.read(&board, &[]);
        run
    }

    /// Presses a button by its label and reads the answer.
    pub(crate) async fn press(&self, message: &Message, label: &str) -> Message {
        match self.pressed(message, label).await {
            Response::Message(message) => message,
            Response::Modal(modal) => panic!("a message was expected, not the dialog {}", modal.title()),
        }
    }

    /// Presses a button that opens a dialog.
    pub(crate) async fn open(&self, message: &Message, label: &str) -> Modal {
        match self.pressed(message, label).await {
            Response::Modal(modal) => modal,
            Response::Message(message) => panic!("a dialog was expected, not: {}", message.text()),
        }
    }

    /// Sends a dialog in with its only field filled in, and reads the answer.
    pub(crate) async fn submit(&self, modal: &Modal, text: &str) -> Message {
        let interaction = self
            .person
            .submit(modal, &[("text", text)])
            .expect("Discord sends it");
        match self.world.answer(&interaction).await {
            Response::Message(message) => message,
            Response::Modal(modal) => panic!("a message was expected, not the dialog {}", modal.title()),
        }
    }

    /// Chooses from a menu and reads the answer.
    pub(crate) async fn choose(&self, message: &Message, menu: &str, value: &str) -> Message {
        let interaction = self
            .person
            .choose(message, menu, &[value])
            .expect("Discord sends it");
        match self.world.answer(&interaction).await {
            Response::Message(message) => message,
            Response::Modal(modal) => panic!("a message was expected, not the dialog {}", modal.title()),
        }
    }

    pub(crate) fn react(&self, message: &Message, emoji: &str) {
        self.person
            .react(message, emoji)
            .expect("Discord takes the reaction");
    }

    pub(crate) fn unreact(&self, message: &Message, emoji: &str) {
        self.person
            .unreact(message, emoji)
            .expect("Discord takes the reaction away");
    }

    /// Lets somebody, or a Discord role, hold a sign-off role.
    pub(crate) async fn lets_hold(&self, role: &str, holder: &str, rank: &str) {
        let options = [("role", role), ("holder", holder), ("rank", rank)];
        let answer = self.slash(&self.world.releases(), "owner set", &options).await;
        assert!(
            answer.content().contains(&format!("is {rank} of `{role}` now")),
            "{}",
            answer.text()
        );
    }

    async fn pressed(&self, message: &Message, label: &str) -> Response {
        let message = self.world.again(message);
        let button = message
            .button(label)
            .unwrap_or_else(|| panic!("no button {label}: {}", message.text()));
        let interaction = self.person.press(&message, button).expect("Discord sends it");
        self.world.answer(&interaction).await
    }
}

/// The number in "Deployment #12 started".
fn number_in(text: &str) -> Option<i64> {
    let (_, after) = text.split_once("Deployment #")?;
    let (number, _) = after.split_once(' ')?;
    number.parse().ok()
}
