//! Slugs: words as a name that is typed.

/// Longest slug, in characters.
const SLUG_LENGTH: usize = 60;

/// The words of a text in lower case, joined by hyphens, at most 60 characters; cut between words where it can be.
pub fn slug(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
