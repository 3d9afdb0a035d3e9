//! Plain text: white space made one, and the nearest of several names.

/// Longest word that is compared with others, in bytes, and most names it is compared with: a document must not make
/// its reader compare everything with everything.
const COMPARED_LENGTH: usize = 64;
const COMPARED_NAMES: usize = 256;

/// Appends text with every run of white space as one space, none at the beginning, and no control characters.
pub(super) fn collapse_into(collapsed: &mut String, text: &str) {
    let text = if collapsed.is_empty() || collapsed.ends_with(' ') {
        text.trim_start()
    } else {
        text
    };
    if is_collapsed(text.as_bytes()) {
        collapsed.push_str(text);
        return;
    }
    for character in text.chars() {
        if character.is_whitespace() {
            if !collapsed.is_empty() && !collapsed.ends_with(' ') {
                collapsed.push(' ');
            }
        } else if !character.is_control() {
            collapsed.push(character);
        }
    }
}

/// Whether a text is ASCII that can be taken as it is: most is, and this is the reader's innermost loop.
fn is_collapsed(bytes: &[u8]) -> bool {
    // Without a branch for each byte, which compilers turn into vector instructions.
    let is_plain = bytes
        .iter()
        .fold(true, |plain, byte| plain & (b' '..0x7f).contains(byte));
    // How far two neighbours are from both being a space, at the least.
    let apart = bytes
        .iter()
        .zip(bytes.iter().skip(1))
        .fold(u8::MAX, |least, (one, next)| {
            least.min((one ^ b' ') | (next ^ b' '))
        });
    is_plain && apart != 0
}

/// The known name that a wrong one was most likely meant to be; none when none is like it. Of names that are longer than
/// any in use, and of more than a few hundred, the rest is not looked at.
pub fn nearest<'name>(wrong: &str, known: impl IntoIterator<Item = &'name str>) -> Option<&'name str> {
    if wrong.len() > COMPARED_LENGTH {
        return None;
    }
    let wrong = wrong.to_lowercase();
    known
        .into_iter()
        .take(COMPARED_NAMES)
        .filter(|name| name.len() <= COMPARED_LENGTH)
        .map(|name| (strsim::jaro_winkler(&wrong, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_made_one() {
        let mut text = String::new();
        collapse_into(&mut text, "  a \t b");
        collapse_into(&mut text, "\n");
        collapse_into(&mut text, " c\u{a0}d\u{7}");
        assert_eq!(text, "a b c d");
    }

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        assert_eq!(nearest("helth", ["tests", "health"]), Some("health"));
        assert_eq!(nearest("Health", ["tests", "health"]), Some("health"));
        assert_eq!(nearest("database", ["tests", "health"]), None);
    }
}
