//! What tests do to the gateway.

use std::sync::Arc;

use serde_json::json;

use super::session::{Frame, Greeting, HeartbeatAnswers};
use crate::server::{Core, TimedOut};
use crate::world::World;

/// Whether a session that is declared invalid can still be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumable {
    /// The application may RESUME.
    Yes,
    /// The session is forgotten; the application has to IDENTIFY.
    No,
}

/// The gateway's controls.
#[derive(Clone, Debug)]
pub struct GatewayControls {
    core: Arc<Core>,
}

impl GatewayControls {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Whether a bot is connected and identified.
    pub fn is_connected(&self) -> bool {
        self.core.read(|world| world.gateway.connected())
    }

    /// Waits until a bot is connected and identified.
    ///
    /// # Errors
    /// [`TimedOut`] when none comes.
    pub async fn wait_until_connected(&self) -> Result<(), TimedOut> {
        self.core
            .until("a connected bot", |world| world.gateway.connected().then_some(()))
            .await
    }

    /// Waits until no bot is connected.
    ///
    /// # Errors
    /// [`TimedOut`] when one stays.
    pub async fn wait_until_disconnected(&self) -> Result<(), TimedOut> {
        self.core
            .until("the end of the connection", |world| {
                (!world.gateway.connected()).then_some(())
            })
            .await
    }

    /// How many times a bot has identified.
    pub fn identified(&self) -> u64 {
        self.core.read(|world| world.gateway.identified)
    }

    /// How many times a bot has resumed.
    pub fn resumed(&self) -> u64 {
        self.core.read(|world| world.gateway.resumed)
    }

    /// Waits until a bot has resumed so many times in all.
    ///
    /// # Errors
    /// [`TimedOut`] when it does not.
    pub async fn wait_for_resumes(&self, count: u64) -> Result<(), TimedOut> {
        self.core
            .until("a RESUME", |world| (world.gateway.resumed >= count).then_some(()))
            .await
    }

    /// Waits until a bot has identified so many times in all.
    ///
    /// # Errors
    /// [`TimedOut`] when it does not.
    pub async fn wait_for_identifies(&self, count: u64) -> Result<(), TimedOut> {
        self.core
            .until("an IDENTIFY", |world| {
                (world.gateway.identified >= count).then_some(())
            })
            .await
    }

    /// Cuts every socket without a close frame. The sessions can be resumed.
    pub fn drop_sockets(&self) {
        self.send(&Frame::Drop);
    }

    /// Closes every socket with this code.
    pub fn close(&self, code: u16) {
        self.send(&Frame::Close(code));
    }

    /// Asks every bot to reconnect and resume: op 7.
    pub fn request_reconnect(&self) {
        let payload = json!({ "op": 7, "s": null, "t": null, "d": null });
        self.send(&Frame::Text(payload.to_string()));
    }

    /// Declares every session invalid: op 9.
    pub fn invalidate(&self, resumable: Resumable) {
        let resumable = resumable == Resumable::Yes;
        let payload = json!({ "op": 9, "s": null, "t": null, "d": resumable });
        self.send(&Frame::Text(payload.to_string()));
        if !resumable {
            self.core.change(|world| world.gateway.forget_all());
        }
    }

    /// Forgets every session without a word and cuts the sockets, as after a long outage: a RESUME gets op 9.
    pub fn forget_sessions(&self) {
        self.core.change(|world| {
            world.gateway.broadcast(&Frame::Drop);
            world.gateway.forget_all();
        });
    }

    /// Answers heartbeats, or stops to.
    pub fn answer_heartbeats(&self, answers: HeartbeatAnswers) {
        self.core
            .change(|world| world.gateway.heartbeat_answers = answers);
    }

    /// Greets new connections, or accepts them and never says a word.
    pub fn greet(&self, greeting: Greeting) {
        self.core.change(|world| world.gateway.greeting = greeting);
    }

    /// Sends the last interaction once more, under a new sequence number. False when there was none.
    pub fn replay_last_interaction(&self) -> bool {
        self.core.change(World::replay_last_interaction)
    }

    /// Keeps dispatches back until [`GatewayControls::release`].
    pub fn hold(&self) {
        self.core.change(|world| world.gateway.hold());
    }

    /// Sends what was kept back, in order.
    pub fn release(&self) {
        self.core.change(|world| world.gateway.release());
    }

    fn send(&self, frame: &Frame) {
        self.core.change(|world| world.gateway.broadcast(frame));
    }
}
