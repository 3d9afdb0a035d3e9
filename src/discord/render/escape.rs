//! Text of people and checklists, made harmless before it stands in a message.

/// The text with nothing in it that Discord would format, mention or link, and nothing invisible; line breaks become spaces.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if is_unseen(c) => {}
            c if c.is_whitespace() || c.is_control() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            // A word joiner after these keeps mentions, links and emoji names from forming, and cannot be seen.
            '@' | '#' | ':' | '/' => {
                out.push(c);
                if matches!(c, '@' | '#') || (c == '/' && out.ends_with("://")) {
                    out.push('\u{2060}');
                }
            }
            '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '>' | '[' | ']' | '(' | ')' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    let trimmed = out.trim();
    // At the start of a line these make headings, lists and quotes.
    if trimmed.starts_with(['-', '+']) {
        return format!("\\{trimmed}");
    }
    match numbered(trimmed) {
        Some((number, rest)) => format!("{number}\\.{rest}"),
        None => trimmed.to_owned(),
    }
}

/// The text as it stands within backticks.
pub(crate) fn code(text: &str) -> String {
    let inner: String = text
        .chars()
        .filter(|c| !is_unseen(*c))
        .map(|c| match c {
            '`' => 'ˋ',
            c if c.is_control() || c.is_whitespace() => ' ',
            c => c,
        })
        .collect();
    let inner = inner.trim();
    if inner.is_empty() {
        "` `".to_owned()
    } else {
        format!("`{inner}`")
    }
}

/// The text as it stands where Discord formats nothing: labels, option names, file names, thread names.
pub(crate) fn label(text: &str, limit: usize) -> String {
    let flat: String = text
        .chars()
        .filter(|c| !is_unseen(*c))
        .map(|c| {
            if c.is_control() || c.is_whitespace() {
                ' '
            } else {
                c
            }
        })
        .collect();
    let flat = flat
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let short = shortened(&flat, limit);
    if short.is_empty() { "–".to_owned() } else { short }
}

/// At most this many characters, the last of them an ellipsis where something was left out.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(limit.saturating_sub(1)).collect();
    // Half an escape would show its backslash.
    while short.ends_with('\\') {
        short.pop();
    }
    short.push('…');
    short
}

/// Characters that take no room but change what is read: zero-width ones and directions.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// The number that would begin a list, and what follows its stop; a version such as `2.4.1` begins none.
fn numbered(text: &str) -> Option<(&str, &str)> {
    let (number, rest) = text.split_once('.')?;
    let is_number = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
    (is_number && (rest.is_empty() || rest.starts_with(' '))).then_some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_becomes_harmless() {
        let hostile = "@everyone <@1> `x` **bold** [a](https://b) \u{202e}abc\u{200b} ||s||\n# head";
        insta::assert_snapshot!(plain(hostile).replace('\u{2060}', "·"), @r"@·everyone \<@·1\> \`x\` \*\*bold\*\* \[a\]\(https://·b\) abc \|\|s\|\| #· head");
        insta::assert_snapshot!(code("a`b\nc\u{200b}"), @"`aˋb c`");
        insta::assert_snapshot!(plain("1. first"), @r"1\. first");
        assert_eq!(plain("2.4.1"), "2.4.1");
    }

    #[test]
    fn shortening_counts_characters_and_splits_no_escape() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöüß", 3), "äö…");
        assert_eq!(shortened(r"ab\*c", 4), "ab…");
    }
}
