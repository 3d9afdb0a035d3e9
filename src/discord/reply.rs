//! Answers to interactions, in time: Discord takes the first within three seconds and lets it be edited for fifteen minutes.

use std::future::Future;
use std::time::Duration;

use serenity::all::{
    Builder, CreateInteractionResponse, CreateInteractionResponseMessage, EditInteractionResponse, Http,
    InteractionId,
};
use tracing::warn;

use super::connect::with_sources;
use super::courier::code_of;
use super::render::message::Message;
use super::render::modal::Modal;
use super::wire::{self, Seen};

/// When an answer that is not there yet is promised instead. Half of Discord's three seconds, as the way there counts too.
const PROMISE_AFTER: Duration = Duration::from_millis(1500);

/// An interaction that waits for its answer.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    pub(super) id: InteractionId,
    pub(super) token: String,
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// A message.
    Say(Message, Seen),
    /// The message whose component was pressed, changed.
    Change(Message),
    /// A dialog. It can only be a first answer, so nothing slow may come before it.
    Ask(Modal),
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It is there.
    Yes,
    /// Its fifteen minutes are over; no other will be taken either.
    TooLate,
    /// It did not arrive.
    No,
}

/// What Discord says once an interaction can be answered no more (Discord's documentation, "JSON Error Codes"): an invalid
/// webhook token, or an unknown webhook.
const ANSWERED_NO_MORE: [isize; 2] = [50_027, 10_015];

impl Reply {
    /// A message that everybody sees.
    pub(super) fn to_all(message: Message) -> Self {
        Self::Say(message, Seen::ByAll)
    }

    /// A message that only the asker sees.
    pub(super) fn to_asker(message: Message) -> Self {
        Self::Say(message, Seen::ByAsker)
    }
}

impl Asker {
    /// Answers with what the work comes to; where it takes long, an answer is promised first, to be seen as `promised`.
    pub(super) async fn answer(&self, http: &Http, promised: Seen, work: impl Future<Output = Reply>) {
        let mut work = std::pin::pin!(work);
        let done = tokio::select! {
            biased;
            reply = &mut work => Some(reply),
            () = tokio::time::sleep(PROMISE_AFTER) => None,
        };
        match done {
            Some(reply) => self.first(http, reply).await,
            None => {
                if self.promise(http, promised).await {
                    let reply = work.await;
                    self.after_promise(http, promised, reply).await;
                } else {
                    // The promise was not taken; the work is still done, and the board tells of it.
                    work.await;
                }
            }
        }
    }

    /// Promises an answer. Whether others see it is settled by this.
    pub(super) async fn promise(&self, http: &Http, seen: Seen) -> bool {
        let message = CreateInteractionResponseMessage::new().ephemeral(seen == Seen::ByAsker);
        self.send_first(http, CreateInteractionResponse::Defer(message))
            .await
            == Told::Yes
    }

    /// Puts a message in the place of the promise, or of an earlier answer.
    pub(super) async fn edit(&self, http: &Http, message: &Message) -> Told {
        let sent = match wire::body(&wire::edit_response(message)) {
            Ok(body) => {
                http.edit_original_interaction_response(&self.token, &body, wire::files(message))
                    .await
            }
            Err(error) => Err(error.into()),
        };
        told(sent.map(|_| ()))
    }

    /// Says something more.
    pub(super) async fn follow_up(&self, http: &Http, message: &Message, seen: Seen) {
        let sent = match wire::body(&wire::follow_up(message, seen)) {
            Ok(body) => {
                http.create_followup_message(&self.token, &body, wire::files(message))
                    .await
            }
            Err(error) => Err(error.into()),
        };
        told(sent.map(|_| ()));
    }

    /// Sends choices; too late is no harm.
    pub(super) async fn choices(&self, http: &Http, response: CreateInteractionResponse) {
        self.send_first(http, response).await;
    }

    async fn first(&self, http: &Http, reply: Reply) {
        let (response, files) = match reply {
            Reply::Say(message, seen) => (
                CreateInteractionResponse::Message(wire::respond(&message, seen)),
                wire::files(&message),
            ),
            Reply::Change(message) => (
                CreateInteractionResponse::UpdateMessage(wire::respond(&message, Seen::ByAll)),
                wire::files(&message),
            ),
            Reply::Ask(modal) => (CreateInteractionResponse::Modal(wire::modal(&modal)), Vec::new()),
        };
        let sent = match wire::body(&response) {
            Ok(body) => {
                http.create_interaction_response(self.id, &self.token, &body, files)
                    .await
            }
            Err(error) => Err(error.into()),
        };
        told(sent);
    }

    /// Puts an answer in the place of what was promised.
    pub(super) async fn after_promise(&self, http: &Http, promised: Seen, reply: Reply) {
        match reply {
            // What only the asker should see must not stand where all were promised an answer.
            Reply::Say(message, Seen::ByAsker) if promised == Seen::ByAll => {
                let deleted = http.delete_original_interaction_response(&self.token).await;
                told(deleted);
                self.follow_up(http, &message, Seen::ByAsker).await;
            }
            Reply::Say(message, _) | Reply::Change(message) => {
                self.edit(http, &message).await;
            }
            Reply::Ask(_) => {
                let late = Message::text("That took too long for a dialog to open. Press again.");
                let sent = EditInteractionResponse::new()
                    .content(late.content)
                    .execute(http, &self.token)
                    .await;
                told(sent.map(|_| ()));
            }
        }
    }

    async fn send_first(&self, http: &Http, response: CreateInteractionResponse) -> Told {
        let sent = response.execute(http, (self.id, &self.token)).await;
        told(sent)
    }
}

/// What became of an answer. One that did not arrive is no loss: what was done is on the board.
fn told(sent: Result<(), serenity::Error>) -> Told {
    match sent {
        Ok(()) => Told::Yes,
        Err(error) => {
            warn!(error = with_sources(&error), "an answer did not reach Discord");
            match code_of(&error) {
                Some(code) if ANSWERED_NO_MORE.contains(&code) => Told::TooLate,
                Some(_) | None => Told::No,
            }
        }
    }
}
