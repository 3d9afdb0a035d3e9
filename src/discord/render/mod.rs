//! All wording, as pure functions from how things are to messages; nothing here sends anything.

pub(crate) mod answer;
pub(crate) mod board;
pub(crate) mod card;
pub(crate) mod check_table;
pub(crate) mod escape;
mod holding;
pub(crate) mod item_list;
pub(crate) mod log;
pub(crate) mod message;
pub(crate) mod modal;
pub(crate) mod notice;
mod observed;
mod parts;
mod people;
mod told;
mod words;

#[cfg(test)]
mod tests;
