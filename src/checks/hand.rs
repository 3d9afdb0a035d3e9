//! What is at hand for checks that are made one after the other, so that it is not looked for or made anew for each.

use super::alarm::Alarm;
use super::condition::LastCondition;
use super::redact::Redactor;
use super::wire::{Caller, Client};

/// What one check after the other uses.
pub(super) struct Hand<'a> {
    pub(super) alarm: Alarm,
    pub(super) caller: Caller<'a>,
    pub(super) condition: LastCondition,
    /// That of the check before.
    pub(super) redactor: Option<Redactor>,
}

impl<'a> Hand<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self {
            alarm: Alarm::default(),
            caller: client.caller(),
            condition: LastCondition::default(),
            redactor: None,
        }
    }
}
