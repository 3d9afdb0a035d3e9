//! Who looks at a sign-off card, and when.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::ids::{MessageId, UserId};

/// The cards that are looked at now. One look at a card at a time, as two at once could apply what they saw in the wrong
/// order, and at most one that waits: a look sees all that was done before it began.
#[derive(Default)]
pub(super) struct Cards(Mutex<HashMap<MessageId, Option<Hint>>>);

/// What made somebody look at a card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hint {
    /// Who has just reacted; nobody has when it is only looked what was missed.
    pub(super) by: BTreeSet<UserId>,
    /// Whether our own reactions may be gone, so that nobody could answer with a click.
    pub(super) offers: Offers,
}

/// What a look does about our own reactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Offers {
    /// They are there.
    #[default]
    Stand,
    /// Those that are missing are put back.
    MayBeGone,
}

impl Hint {
    /// Somebody has reacted, or taken a reaction away.
    pub(super) fn reacted(by: Option<UserId>) -> Self {
        Self {
            by: by.into_iter().collect(),
            offers: Offers::Stand,
        }
    }

    /// Something may have been missed.
    pub(super) fn missed() -> Self {
        Self {
            by: BTreeSet::new(),
            offers: Offers::MayBeGone,
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.by.extend(other.by);
        if other.offers == Offers::MayBeGone {
            self.offers = Offers::MayBeGone;
        }
        self
    }
}

/// The right to look at a card, which nobody else has meanwhile.
pub(super) struct Turn<'a> {
    cards: &'a Cards,
    message: MessageId,
    over: bool,
}

impl Cards {
    /// Takes a turn at a card. `None` when somebody else has it: they look once more for this.
    pub(super) fn turn(&self, message: MessageId, hint: Hint) -> Option<(Turn<'_>, Hint)> {
        let mut cards = self.held();
        if let Some(waiting) = cards.get_mut(&message) {
            *waiting = Some(match waiting.take() {
                Some(earlier) => earlier.and(hint),
                None => hint,
            });
            return None;
        }
        cards.insert(message, None);
        let turn = Turn {
            cards: self,
            message,
            over: false,
        };
        Some((turn, hint))
    }

    fn held(&self) -> MutexGuard<'_, HashMap<MessageId, Option<Hint>>> {
        // A panic while the lock is held cannot leave the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// What made somebody want another look meanwhile; without that, the turn is over.
    pub(super) fn again(&mut self) -> Option<Hint> {
        let mut cards = self.cards.held();
        let waiting = cards.get_mut(&self.message).and_then(Option::take);
        if waiting.is_none() {
            cards.remove(&self.message);
            self.over = true;
        }
        waiting
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.cards.held().remove(&self.message);
        }
    }
}
