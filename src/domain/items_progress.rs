//! How far every item is, shared between a deployment and what it was before.

use std::fmt;
use std::sync::Arc;

use super::checklist::ItemIndex;
use super::deployment::ItemProgress;

/// Items that one piece holds. A command changes one item or a few, so only their pieces are copied.
const PIECE: usize = 16;

/// How far each item is, in the order of the checklist. A clone shares every piece that is not changed afterwards: each
/// command makes a new state of a deployment, and most of that state is as it was.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ItemsProgress {
    /// Every piece is full but the last.
    pieces: Vec<Arc<[ItemProgress]>>,
}

impl ItemsProgress {
    /// An item's progress by its position.
    pub fn get(&self, index: ItemIndex) -> Option<&ItemProgress> {
        self.pieces.get(index / PIECE)?.get(index % PIECE)
    }

    /// An item's progress by its position, to be changed.
    pub fn get_mut(&mut self, index: ItemIndex) -> Option<&mut ItemProgress> {
        Arc::make_mut(self.pieces.get_mut(index / PIECE)?).get_mut(index % PIECE)
    }

    /// Every item's progress, in the order of the checklist.
    pub fn iter(&self) -> impl Iterator<Item = &ItemProgress> {
        self.pieces.iter().flat_map(|piece| piece.iter())
    }
}

impl FromIterator<ItemProgress> for ItemsProgress {
    fn from_iter<I: IntoIterator<Item = ItemProgress>>(items: I) -> Self {
        let mut items = items.into_iter().peekable();
        let mut pieces = Vec::new();
        while items.peek().is_some() {
            pieces.push(items.by_ref().take(PIECE).collect());
        }
        Self { pieces }
    }
}

impl fmt::Debug for ItemsProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::UserId;

    fn assigned_to(person: usize) -> ItemProgress {
        ItemProgress {
            assignee: Some(UserId(person as u64)),
            ..ItemProgress::default()
        }
    }

    #[test]
    fn items_stand_where_the_checklist_has_them() {
        for length in [0, 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 5] {
            let items: ItemsProgress = (0..length).map(assigned_to).collect();
            assert_eq!(items.iter().count(), length);
            for (index, progress) in items.iter().enumerate() {
                assert_eq!(*progress, assigned_to(index));
                assert_eq!(items.get(index), Some(progress));
            }
            assert_eq!(items.get(length), None);
        }
    }

    #[test]
    fn a_change_is_not_seen_by_what_was_before_and_copies_one_piece() {
        let before: ItemsProgress = (0..3 * PIECE).map(assigned_to).collect();
        let mut after = before.clone();
        *after.get_mut(PIECE + 2).expect("there are that many") = assigned_to(1000);
        assert_eq!(before.get(PIECE + 2), Some(&assigned_to(PIECE + 2)));
        assert_eq!(after.get(PIECE + 2), Some(&assigned_to(1000)));
        assert_ne!(before, after);
        let shared: Vec<bool> = before
            .pieces
            .iter()
            .zip(&after.pieces)
            .map(|(one, other)| Arc::ptr_eq(one, other))
            .collect();
        assert_eq!(shared, [true, false, true]);
        assert!(after.get_mut(3 * PIECE).is_none());
    }
}
