//! What is served over HTTP: whether Holdpoint is alive, whether it is ready, and its figures.

mod ask;
mod health;
mod server;

pub use self::{
    ask::{AskError, ask_health},
    health::{Readiness, ReadinessPart, router},
    server::{BindError, Server},
};
