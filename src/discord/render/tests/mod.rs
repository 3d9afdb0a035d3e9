//! What people read, as they read it; and that nothing anybody writes breaks a limit or pings whom it should not.

mod answers;
mod boards;
mod cards;
mod items;
mod limits;
mod notices;
mod runs;
mod stage;
