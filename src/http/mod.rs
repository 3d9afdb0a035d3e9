//! What is served over HTTP: whether Holdpoint is alive, whether it is ready, its figures, and the way in
//! for results that are posted.

mod ask;
mod health;
mod hooks;
mod server;

pub use self::{
    ask::{AskError, ask_health},
    health::{Readiness, ReadinessPart, router},
    hooks::Hooks,
    server::{BindError, Server},
};
