//! All wording, as pure functions from how things are to messages; nothing here sends anything.

pub(crate) mod answer;
pub(crate) mod board;
pub(crate) mod card;
pub(crate) mod check_table;
pub(crate) mod escape;
pub(crate) mod item_list;
pub(crate) mod log;
pub(crate) mod message;
pub(crate) mod notice;
