//! Numbers: direct items and subsections of a section share one series from 1.

use crate::domain::checklist::{Item, Section, SectionIndex};
use crate::domain::ids::{ItemId, SectionId};

/// Gives every section and item its id. `section_offsets` says where each heading starts.
///
/// A single level-one heading is the document's title: its id is empty, it takes no number, and what stands in it is
/// numbered from the top.
pub(super) fn number(sections: &mut [Section], section_offsets: &[usize], items: &mut [Item]) {
    let title = title(sections);
    let mut top = 0;
    let mut in_section = vec![0_usize; sections.len()];
    let mut in_item = vec![0_usize; items.len()];
    let mut next_section = 0;
    for index in 0..=items.len() {
        let offset = items.get(index).map_or(usize::MAX, |item| item.marker.start);
        while section_offsets
            .get(next_section)
            .is_some_and(|start| *start < offset)
        {
            if Some(next_section) != title {
                let parent = sections.get(next_section).and_then(|section| section.parent);
                let id = within(sections, title, parent, &mut top, &mut in_section);
                if let Some(section) = sections.get_mut(next_section) {
                    section.id = SectionId::new(id);
                }
            }
            next_section += 1;
        }
        let Some(item) = items.get(index) else { break };
        let id = match item
            .parent
            .and_then(|parent| Some((items.get(parent)?, in_item.get_mut(parent)?)))
        {
            Some((parent, count)) => {
                *count += 1;
                child(parent.id.as_str(), *count)
            }
            None => within(sections, title, item.section, &mut top, &mut in_section),
        };
        if let Some(item) = items.get_mut(index) {
            item.id = ItemId::new(id);
        }
    }
}

/// The heading that is the document's title: the only one of level one.
pub(super) fn title(sections: &[Section]) -> Option<SectionIndex> {
    let mut first_level = sections
        .iter()
        .enumerate()
        .filter(|(_, section)| section.level == 1);
    let (index, _) = first_level.next()?;
    first_level.next().is_none().then_some(index)
}

/// The next id in a section, or at the top.
fn within(
    sections: &[Section],
    title: Option<SectionIndex>,
    section: Option<SectionIndex>,
    top: &mut usize,
    in_section: &mut [usize],
) -> String {
    let numbered = section.filter(|index| Some(*index) != title);
    if let Some((section, count)) =
        numbered.and_then(|index| Some((sections.get(index)?, in_section.get_mut(index)?)))
    {
        *count += 1;
        child(section.id.as_str(), *count)
    } else {
        *top += 1;
        top.to_string()
    }
}

/// The id of the `count`th child. Written by hand, since formatting would be a tenth of the reader's time.
fn child(parent: &str, count: usize) -> String {
    let mut id = String::with_capacity(parent.len() + 4);
    id.push_str(parent);
    id.push('.');
    let digits = count.checked_ilog10().unwrap_or(0);
    for place in (0..=digits).rev() {
        // A digit is below ten.
        id.push(char::from(b'0' + (count / 10_usize.pow(place) % 10) as u8));
    }
    id
}
