//! Plain text: white space made one, slugs, and the nearest of several names.

/// Longest slug, in characters.
const SLUG_LENGTH: usize = 60;

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
    let mut before = 0;
    for &byte in bytes {
        if !(b' '..0x7f).contains(&byte) || (byte == b' ' && before == b' ') {
            return false;
        }
        before = byte;
    }
    true
}

/// The words of a text in lower case, joined by hyphens, at most 60 characters; cut between words where it can be.
pub(super) fn slug(text: &str) -> String {
    if text.is_ascii() {
        return ascii_slug(text.as_bytes());
    }
    let mut slug = String::with_capacity(SLUG_LENGTH);
    // Characters in the slug, and bytes up to the end of its last whole word.
    let mut length = 0;
    let mut whole = 0;
    let mut in_word = false;
    for character in text.chars() {
        if !character.is_alphanumeric() {
            // An apostrophe does not part a word: "don't" is one.
            if in_word && !matches!(character, '\'' | '’') {
                in_word = false;
                whole = slug.len();
            }
            continue;
        }
        if !in_word && length > 0 {
            slug.push('-');
            length += 1;
        }
        in_word = true;
        for lower in character.to_lowercase() {
            slug.push(lower);
            length += 1;
        }
        if length > SLUG_LENGTH {
            // A first word that is longer than a slug is cut; any other is left out.
            let cut = slug
                .char_indices()
                .nth(SLUG_LENGTH)
                .map_or(slug.len(), |(index, _)| index);
            slug.truncate(if whole == 0 { cut } else { whole });
            break;
        }
    }
    slug
}

/// What an ASCII character is in a slug; 0 for what parts words.
const IN_SLUG: [u8; 128] = {
    let mut table = [0; 128];
    let mut byte: u8 = 0;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            table[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    table
};

/// The same for ASCII, which nearly every text is.
fn ascii_slug(text: &[u8]) -> String {
    let mut slug = [0; SLUG_LENGTH];
    let mut length = 0;
    let mut whole = 0;
    let mut in_word = false;
    for &byte in text {
        let part = IN_SLUG[usize::from(byte & 0x7f)];
        if part == 0 {
            if in_word && byte != b'\'' {
                in_word = false;
                whole = length;
            }
            continue;
        }
        let parted = !in_word && length > 0;
        if length + usize::from(parted) >= SLUG_LENGTH {
            if whole > 0 {
                length = whole;
            }
            break;
        }
        if parted {
            slug[length] = b'-';
            length += 1;
        }
        in_word = true;
        slug[length] = part;
        length += 1;
    }
    // Letters, digits and hyphens are UTF-8.
    std::str::from_utf8(&slug[..length])
        .map(str::to_owned)
        .unwrap_or_default()
}

/// The known name that a wrong one was most likely meant to be.
pub(super) fn nearest<'name>(wrong: &str, known: impl IntoIterator<Item = &'name str>) -> Option<&'name str> {
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
    fn slugs_are_words_joined_by_hyphens() {
        assert_eq!(slug("`DATABASE_URL` - don't (URL)"), "database-url-dont-url");
        assert_eq!(slug("Größe prüfen 技术"), "größe-prüfen-技术");
        assert_eq!(slug("✅"), "");
        assert_eq!(slug(&"ab ".repeat(40)).len(), 59);
        assert_eq!(slug(&"x".repeat(90)).len(), 60);
        assert_eq!(slug(&format!("{} b", "x".repeat(60))).len(), 60);
        assert_eq!(slug(&format!("{} bc", "x".repeat(58))).len(), 58);
    }

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        assert_eq!(nearest("helth", ["tests", "health"]), Some("health"));
        assert_eq!(nearest("Health", ["tests", "health"]), Some("health"));
        assert_eq!(nearest("database", ["tests", "health"]), None);
    }
}
