//! Files in `.env` form.
//!
//! There is no standard; what is read here is what the common readers agree on: `NAME=value`, `export NAME=value`,
//! comments, single quotes (as is, with `'\''` for one of them), double quotes (with escapes), values over several lines
//! inside quotes, LF or CRLF, a byte order mark. `$NAME` is left as it is: a check wants to know what is written.

use std::collections::BTreeMap;

/// A file that has been read. It holds values, so it can be neither printed nor compared.
pub struct DotEnv {
    /// The last value of each name.
    pub values: BTreeMap<String, String>,
    /// The 1-based line of each name's last value.
    pub(super) lines: BTreeMap<String, usize>,
    /// Names that stand there more than once.
    pub repeated: Vec<String>,
    /// 1-based lines that say nothing in this form.
    pub unreadable: Vec<usize>,
}

/// Reads a file's bytes: UTF-8, or what its byte order mark says, for the shell of Windows writes UTF-16.
pub(super) fn read_bytes(bytes: &[u8]) -> DotEnv {
    let (text, _, _) = encoding_rs::UTF_8.decode(bytes);
    read(&text)
}

/// Reads a file. Never fails: lines that cannot be read are numbered.
pub fn read(text: &str) -> DotEnv {
    let mut file = DotEnv {
        values: BTreeMap::new(),
        lines: BTreeMap::new(),
        repeated: Vec::new(),
        unreadable: Vec::new(),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rest = text;
    while !rest.is_empty() {
        let (line, after) = split_line(rest);
        let number = 1 + text[..text.len() - rest.len()].matches('\n').count();
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            rest = after;
            continue;
        }
        let assignment = trimmed
            .strip_prefix("export")
            .filter(|after| after.starts_with(char::is_whitespace))
            .map_or(trimmed, str::trim_start);
        let Some((name, _)) = assignment
            .split_once('=')
            .filter(|(name, _)| is_name(name.trim_end()))
        else {
            file.unreadable.push(number);
            rest = after;
            continue;
        };
        // The value is read from the whole rest, as quotes may go on over several lines.
        let from = offset_in(rest, assignment) + name.len() + 1;
        let Some((value, length)) = value(&rest[from..]) else {
            file.unreadable.push(number);
            rest = after;
            continue;
        };
        let name = name.trim_end().to_owned();
        file.lines.insert(name.clone(), number);
        if file.values.insert(name.clone(), value).is_some() && !file.repeated.contains(&name) {
            file.repeated.push(name);
        }
        rest = split_line(&rest[from + length..]).1;
    }
    file
}

/// The value at the beginning of the text, and how much of the text it takes; nothing when a quote does not end,
/// or something stands behind it.
fn value(text: &str) -> Option<(String, usize)> {
    let blank = text.len() - text.trim_start_matches([' ', '\t']).len();
    let after_blank = &text[blank..];
    let Some(quote) = after_blank
        .chars()
        .next()
        .filter(|quote| matches!(quote, '"' | '\'' | '`'))
    else {
        let (line, _) = split_line(text);
        // A `#` begins a comment only behind a blank: it stands in colours and passwords too.
        let end = line
            .char_indices()
            .find(|(at, character)| {
                *character == '#' && (*at == 0 || line[..*at].ends_with(char::is_whitespace))
            })
            .map_or(line.len(), |(at, _)| at);
        return Some((line[..end].trim().to_owned(), line.len()));
    };
    let mut value = String::new();
    let mut characters = after_blank.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            // As shells write a quote between quotes: `'it'\''s'`.
            '\'' if quote == '\'' && after_blank[at + 1..].starts_with("\\''") => {
                value.push('\'');
                characters.nth(2);
            }
            _ if character == quote => {
                let length = blank + at + quote.len_utf8();
                let (behind, _) = split_line(&text[length..]);
                let behind_trimmed = behind.trim();
                return (behind_trimmed.is_empty() || behind_trimmed.starts_with('#'))
                    .then_some((value, length));
            }
            '\\' if quote == '"' => match characters.next()?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                escaped @ ('"' | '\\' | '$' | '`') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            '\r' if after_blank[at + 1..].starts_with('\n') => {}
            other => value.push(other),
        }
    }
    None
}

/// The first line without its end, and what follows.
fn split_line(text: &str) -> (&str, &str) {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    (line.strip_suffix('\r').unwrap_or(line), rest)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '-'))
}

/// Where a part that was sliced out of a text begins in it.
fn offset_in(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(text: &str) -> Vec<(String, String)> {
        read(text).values.into_iter().collect()
    }

    fn one(text: &str) -> String {
        let mut found = values(text);
        assert_eq!(found.len(), 1, "{text:?}");
        found.remove(0).1
    }

    #[test]
    fn every_common_form_is_read() {
        for (text, value) in [
            ("A=1", "1"),
            ("A = 1  ", "1"),
            ("export A=1\r\n", "1"),
            ("export\tA=1", "1"),
            ("\u{feff}A=1", "1"),
            ("A=", ""),
            ("A=''", ""),
            ("A=x # comment", "x"),
            ("A=x#y", "x#y"),
            ("A=#x", ""),
            ("A='x # y' # comment", "x # y"),
            ("A='x\\n'", "x\\n"),
            ("A=\"x\\n\\\"y\\\" \\q\"", "x\n\"y\" \\q"),
            ("A=\"one\r\ntwo\"\n", "one\ntwo"),
            ("A=a=b=c", "a=b=c"),
            ("A=it's", "it's"),
            ("A=$HOME", "$HOME"),
            ("A=`x`", "x"),
            ("A=\t'x'\t# comment", "x"),
            ("A= \"x\"#comment", "x"),
            ("A='it'\\''s'", "it's"),
            ("A='\\'", "\\"),
            ("A=\"it's \\$5\"", "it's $5"),
            ("A='say \"x\"'", "say \"x\""),
            ("A=\"\"", ""),
            ("A=\"  x \"", "  x "),
            ("A=x  y", "x  y"),
            ("A=\\n", "\\n"),
            ("  export   A=1", "1"),
            ("# A=0\r\nA=1\r\n# A=2", "1"),
            ("A=https://me:p%23@db/x?y=z#part", "https://me:p%23@db/x?y=z#part"),
        ] {
            assert_eq!(one(text), value, "{text:?}");
        }
    }

    #[test]
    fn the_last_of_several_counts_and_is_told() {
        let file = read("A=1\nB=2\nA=3\nA=4\n");
        assert_eq!(file.values["A"], "4");
        assert_eq!(file.repeated, ["A"]);
        assert_eq!(file.unreadable, [] as [usize; 0]);
    }

    #[test]
    fn lines_that_cannot_be_read_are_numbered_and_do_not_hide_the_next() {
        let file = read("# fine\n\nnonsense\nA=1\n1B=2\nC=\"open\nD='x' y\nexport\nE=5");
        assert_eq!(file.unreadable, [3, 5, 6, 7, 8]);
        assert_eq!(file.values.keys().collect::<Vec<_>>(), ["A", "E"]);
    }

    #[test]
    fn every_line_ending_gives_the_same_names_values_and_lines() {
        let text = "# head\nA=1\n\nexport B='two\nlines'\nC=\"x\" # note\nA=4\n";
        let expected = [("A", "4", 7), ("B", "two\nlines", 4), ("C", "x", 6)];
        for (ending, mark) in [("\n", ""), ("\r\n", ""), ("\n", "\u{feff}"), ("\r\n", "\u{feff}")] {
            let file = read(&format!("{mark}{}", text.replace('\n', ending)));
            let found: Vec<(&str, &str, usize)> = file
                .values
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str(), file.lines[name]))
                .collect();
            // Single quotes keep what is between them, line breaks of one kind.
            assert_eq!(found, expected, "{ending:?} {mark:?}");
            assert_eq!((file.repeated, file.unreadable), (vec!["A".to_owned()], vec![]));
        }
    }

    #[test]
    fn what_the_shell_of_windows_writes_is_read() {
        let text = "\u{feff}A=grün\r\nB=2\r\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [little.as_slice(), &big, text.as_bytes(), b"A=gr\xc3\xbcn\nB=2"] {
            let file = read_bytes(bytes);
            assert_eq!(file.values["A"], "grün");
            assert_eq!(file.values["B"], "2");
        }
        assert_eq!(read_bytes(b"A=\xff\xfe1").values["A"], "\u{fffd}\u{fffd}1");
    }

    #[test]
    fn a_line_after_a_value_of_several_lines_has_its_own_number() {
        let file = read("KEY=\"-----BEGIN\nabc\n-----END\"\nnonsense\nA=1");
        assert_eq!(file.values["KEY"], "-----BEGIN\nabc\n-----END");
        assert_eq!(file.unreadable, [4]);
        assert_eq!(file.values["A"], "1");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in r#"([A-B=#'"`\\ \r\n]|export |\PC){0,80}"#) {
            let file = read(&text);
            let lines = text.matches('\n').count() + 1;
            prop_assert!(file.unreadable.iter().all(|line| (1..=lines).contains(line)));
        }

        #[test]
        fn a_quoted_value_comes_back(value in r"[^'\r\x00]{0,40}") {
            prop_assert_eq!(&read(&format!("export A='{value}' # x\nB=1")).values["A"], &value);
        }
    }
}
