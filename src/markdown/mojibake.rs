//! Mojibake: UTF-8 that some program read as Windows-1252 or Mac Roman and saved again, as `âœ…` or `‚úÖ` for `✅`.
//!
//! A run of characters is a candidate when the bytes that the wrong code page gives it are well-formed UTF-8. That
//! alone proves little: "Spaß“" and "été… »" hold such runs and are German and French. So a candidate is repaired
//! when what comes out is something that is never written in the wrong way by accident (emoji, arrows, typographic
//! signs), or when nearly everything in the document that is not ASCII is a candidate.

use std::fmt::Write as _;
use std::sync::LazyLock;

use encoding_rs::{Encoding, MACINTOSH, WINDOWS_1252};

use super::diagnostic::Severity;
use super::encoding::Finding;

/// Text that may have been repaired.
pub(super) struct Repaired {
    pub(super) text: String,
    /// What was repaired, when something was.
    pub(super) told: Option<Finding>,
}

/// What begins a character of four bytes in UTF-8, or is above: U+10000 and all that follow.
const FOUR_BYTES: u8 = 0xf0;

/// How often text may have been read wrongly, one time upon another.
const ROUNDS: usize = 3;

/// Repairs mojibake; leaves every other text as it is.
pub(super) fn repair(mut text: String) -> Repaired {
    let mut repaired = 0;
    let mut lost = 0;
    let mut first = usize::MAX;
    let mut names: Vec<&'static str> = Vec::new();
    for _ in 0..ROUNDS {
        if text.is_ascii() {
            break;
        }
        let Some(round) = PAGES
            .iter()
            .filter_map(|page| page.round(&text))
            .max_by_key(|round| round.weight)
        else {
            break;
        };
        text = round.text;
        repaired += round.repaired;
        lost += round.lost;
        first = first.min(round.first);
        if !names.contains(&round.page) {
            names.push(round.page);
        }
    }
    let told = (repaired + lost > 0).then(|| told(&names, repaired, lost, first.min(text.len())));
    Repaired { text, told }
}

fn told(names: &[&str], repaired: usize, lost: usize, offset: usize) -> Finding {
    let pages = names.join(" and ");
    let noun = if repaired == 1 { "character" } else { "characters" };
    let mut message = format!(
        "The file was once UTF-8 that a program read as {pages} and saved again; {repaired} {noun} were repaired."
    );
    if repaired == 1 {
        message = message.replace("character were", "character was");
    }
    if lost > 0 {
        message.pop();
        // Writing to a `String` cannot fail.
        let _ = write!(message, ", and {lost} had lost bytes and stand as \u{fffd}.");
    }
    Finding {
        severity: if lost > 0 {
            Severity::Warning
        } else {
            Severity::Note
        },
        offset,
        message,
        help: "Nothing need be done; `holdpoint checklist export` writes the repaired text.".to_owned(),
    }
}

/// A code page that UTF-8 is often read as.
struct Page {
    name: &'static str,
    /// Whether letters stand for the first bytes of what Latin text is made of, so that case tells.
    is_1252: bool,
    /// The byte of each character below U+0300, and of each from U+2000 to U+26FF; 0 where there is none.
    letters: [u8; 0x300],
    signs: [u8; 0x700],
    /// The characters elsewhere, and their bytes.
    others: Vec<(char, u8)>,
}

static PAGES: LazyLock<[Page; 2]> = LazyLock::new(|| {
    [
        Page::of("Windows-1252", WINDOWS_1252),
        Page::of("Mac Roman", MACINTOSH),
    ]
});

/// What a repaired character says about whether it was mojibake at all.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likelihood {
    /// No script of a checklist: left alone.
    Never,
    /// Ordinary text of another script.
    Possible,
    /// An accented letter or a sign of Latin-1.
    Likely,
    /// An emoji, an arrow, a typographic sign.
    Certain,
}

/// A run of two to four characters that would be one.
#[derive(Clone, Copy)]
struct Candidate {
    /// Offset after it.
    end: usize,
    character: char,
    /// How many characters it is now.
    length: usize,
    likelihood: Likelihood,
}

/// One repair of a whole text.
struct Round {
    page: &'static str,
    text: String,
    repaired: usize,
    lost: usize,
    first: usize,
    weight: usize,
}

/// What a first look at a text found.
#[derive(Default)]
struct Survey {
    /// Characters that are not ASCII and part of no candidate.
    strays: usize,
    /// Characters that are part of a candidate.
    covered: usize,
    certain: usize,
    likely: usize,
    lossy: bool,
}

impl Page {
    fn of(name: &'static str, encoding: &'static Encoding) -> Self {
        let mut page = Self {
            name,
            is_1252: encoding == WINDOWS_1252,
            letters: [0; 0x300],
            signs: [0; 0x700],
            others: Vec::new(),
        };
        for byte in 0x80..=0xff_u8 {
            let (text, _) = encoding.decode_without_bom_handling(std::slice::from_ref(&byte));
            for character in text.chars() {
                match page.slot(character) {
                    Some(slot) => *slot = byte,
                    None => page.others.push((character, byte)),
                }
            }
        }
        page
    }

    fn slot(&mut self, character: char) -> Option<&mut u8> {
        let code = usize::try_from(u32::from(character)).ok()?;
        match code {
            ..0x300 => self.letters.get_mut(code),
            _ => self.signs.get_mut(code.checked_sub(0x2000)?),
        }
    }

    fn byte(&self, character: char) -> Option<u8> {
        let code = usize::try_from(u32::from(character)).ok()?;
        let byte = match code {
            ..0x300 => self.letters.get(code).copied()?,
            0x2000..0x2700 => self.signs.get(code - 0x2000).copied()?,
            _ => self.others.iter().find(|(known, _)| *known == character)?.1,
        };
        (byte != 0).then_some(byte)
    }

    /// The candidate that begins with the character at an offset.
    fn candidate(&self, text: &str, at: usize) -> Option<Candidate> {
        // Emoji are what most of a checklist's text that is not ASCII is, and stand in no code page.
        if *text.as_bytes().get(at)? >= FOUR_BYTES {
            return None;
        }
        let rest = text.get(at..)?;
        let mut characters = rest.char_indices();
        let (_, lead) = characters.next()?;
        let lead = self.byte(lead)?;
        let length = sequence_length(lead)?;
        let mut sequence = [lead, 0, 0, 0];
        let mut has_control = false;
        for slot in sequence.iter_mut().take(length).skip(1) {
            let (_, character) = characters.next()?;
            *slot = self.byte(character).filter(|byte| (0x80..0xc0).contains(byte))?;
            has_control |= character.is_control();
        }
        let character = std::str::from_utf8(sequence.get(..length)?)
            .ok()?
            .chars()
            .next()?;
        Some(Candidate {
            end: at + characters.next().map_or(rest.len(), |(offset, _)| offset),
            character,
            length,
            likelihood: likelihood(character, has_control),
        })
    }

    fn survey(&self, text: &str) -> Survey {
        let mut survey = Survey::default();
        let mut at = 0;
        let mut run_start = usize::MAX;
        let mut run_end = usize::MAX;
        while let Some(next) = next_non_ascii(text, at) {
            if let Some(candidate) = self.candidate(text, next) {
                if run_end != next {
                    run_start = next;
                }
                run_end = candidate.end;
                let alone = || run_start == next && self.candidate(text, candidate.end).is_none();
                match candidate.likelihood {
                    Likelihood::Never => survey.strays += candidate.length,
                    Likelihood::Possible if alone() && self.reads_well(text, next, &candidate) => {
                        survey.strays += candidate.length;
                    }
                    Likelihood::Possible => survey.covered += candidate.length,
                    Likelihood::Likely => {
                        survey.covered += candidate.length;
                        survey.likely += 1;
                    }
                    Likelihood::Certain => {
                        survey.covered += candidate.length;
                        survey.certain += 1;
                    }
                }
                at = candidate.end;
            } else if let Some((_, end)) = self.lossy(text, next) {
                survey.covered += 2;
                survey.lossy = true;
                at = end;
            } else {
                let length = text[next..].chars().next().map_or(1, char::len_utf8);
                survey.strays += 1;
                at = next + length;
            }
        }
        survey
    }

    /// Repairs what can be; `None` when there is nothing.
    fn round(&self, text: &str) -> Option<Round> {
        let survey = self.survey(text);
        let whole = survey.covered > 0 && survey.covered >= 4 * survey.strays;
        if !whole && survey.certain == 0 && survey.likely == 0 && !survey.lossy {
            return None;
        }
        let evidence = survey.certain > 0 || (whole && survey.likely > 0);
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        let mut at = 0;
        let mut repaired = 0;
        let mut lost = 0;
        let mut first = usize::MAX;
        while let Some(next) = next_non_ascii(text, at) {
            let replacement = if let Some(candidate) = self.candidate(text, next) {
                let taken = match candidate.likelihood {
                    Likelihood::Never => false,
                    Likelihood::Possible => whole,
                    Likelihood::Likely => whole || evidence || self.in_a_word(text, next, candidate.end),
                    Likelihood::Certain => true,
                };
                taken.then_some((Some(candidate.character), candidate.end))
            } else {
                let certain = |lead: &str| text[next..].starts_with(lead);
                let plain = certain("ðŸ") || certain("â€") || certain("ï¸");
                self.lossy(text, next).filter(|_| evidence || plain)
            };
            let Some((character, end)) = replacement else {
                at = next + text[next..].chars().next().map_or(1, char::len_utf8);
                continue;
            };
            first = first.min(next);
            out.push_str(&text[copied..next]);
            if let Some(character) = character {
                out.push(character);
                repaired += 1;
            } else {
                out.push('\u{fffd}');
                lost += 1;
            }
            copied = end;
            at = end;
        }
        if repaired + lost == 0 {
            return None;
        }
        out.push_str(&text[copied..]);
        Some(Round {
            page: self.name,
            text: out,
            repaired,
            lost,
            first,
            weight: survey.covered + 8 * survey.certain,
        })
    }

    /// Whether a candidate is also what somebody may have written: a word that ends in an accented letter, and the
    /// punctuation after it.
    fn reads_well(&self, text: &str, start: usize, candidate: &Candidate) -> bool {
        let before = text[..start].chars().next_back();
        let after = text[candidate.end..].chars().next();
        let near_letters = before.is_some_and(|character| character.is_ascii_alphabetic())
            || after.is_some_and(|character| character.is_ascii_alphabetic());
        let is_latin = matches!(candidate.character, ..'\u{250}' | '\u{1e00}'..='\u{1eff}');
        if !self.is_1252 {
            return near_letters && !is_latin;
        }
        let mut characters = text[start..candidate.end].chars();
        let lead = characters.next().unwrap_or_default();
        let punctuated = characters.all(|character| {
            matches!(
                character,
                '…' | '“' | '”' | '’' | '‘' | '–' | '—' | '»' | '«' | '›' | '\u{a0}'
            )
        });
        let same_case = before.is_none_or(|character| {
            !character.is_ascii_alphabetic() || character.is_ascii_lowercase() == lead.is_lowercase()
        });
        punctuated
            && same_case
            && (before.is_some_and(|character| character.is_ascii_alphabetic()) || !is_latin)
    }

    /// Whether a candidate stands in a word in a way that nobody writes: "cafÃ©", "Ã©tat".
    fn in_a_word(&self, text: &str, start: usize, end: usize) -> bool {
        let before = text[..start]
            .chars()
            .next_back()
            .is_some_and(|character| character.is_ascii_lowercase());
        let after = text[end..]
            .chars()
            .next()
            .is_some_and(|character| character.is_ascii_lowercase());
        before || (self.is_1252 && after)
    }

    /// A character that lost one of the bytes that Windows-1252 leaves undefined, and where it ends. `None` in its
    /// place when more than one could have been meant.
    fn lossy(&self, text: &str, at: usize) -> Option<(Option<char>, usize)> {
        if !self.is_1252 {
            return None;
        }
        let rest = text.get(at..)?;
        let mut characters = rest.char_indices().peekable();
        let (_, lead) = characters.next()?;
        let lead = match lead {
            'â' => 0xe2,
            'ï' => 0xef,
            'ð' => 0xf0,
            _ => return None,
        };
        let length = sequence_length(lead)?;
        let mut sequence: Vec<Option<u8>> = vec![Some(lead)];
        while sequence.len() < length {
            let Some((_, character)) = characters.peek() else {
                break;
            };
            let byte = match self.byte(*character) {
                Some(byte) if (0x80..0xc0).contains(&byte) => Some(byte),
                _ if *character == '\u{fffd}' => None,
                _ => break,
            };
            sequence.push(byte);
            characters.next();
        }
        let end = at + characters.peek().map_or(rest.len(), |(offset, _)| *offset);
        let begins_well = match (lead, sequence.get(1)) {
            (0xf0, Some(second)) => *second == Some(0x9f),
            (0xef, Some(second)) => *second == Some(0xb8) && sequence.len() == 2,
            (_, Some(second)) => second.is_some(),
            (_, None) => false,
        };
        let unknown = sequence.iter().filter(|byte| byte.is_none()).count() + (length - sequence.len());
        if !begins_well || unknown == 0 {
            return None;
        }
        if unknown > 1 {
            return (lead == 0xf0).then_some((None, end));
        }
        let meant = one_of_common(&sequence, length);
        (meant.is_some() || lead != 0xef).then_some((meant, end))
    }
}

/// Bytes that Windows-1252 leaves undefined, so that they are lost when text is saved.
const LOST: [u8; 5] = [0x81, 0x8d, 0x8f, 0x90, 0x9d];

/// Signs of checklists whose UTF-8 holds a byte that gets lost.
const COMMON: &str = "”←❌⏳⏰⏱⏲⏸⏩⏭⏹⏺⭐❤❓❗●═✏\u{fe0f}📝📁📍🔍🔐🔁🔝🌐🏁🏆🐍🎁🌍🏠🏢🐛👍👏🍀💡🐳";

/// The only common sign that a sequence with one byte missing can have been.
fn one_of_common(sequence: &[Option<u8>], length: usize) -> Option<char> {
    let mut found = None;
    let mut look = |bytes: &[u8]| {
        let character = std::str::from_utf8(bytes).ok()?.chars().next()?;
        if COMMON.contains(character) && found.is_none_or(|known: Option<char>| known == Some(character)) {
            found = Some(Some(character));
        } else if COMMON.contains(character) {
            found = Some(None);
        }
        Some(())
    };
    for lost in LOST {
        if sequence.len() == length {
            let bytes: Vec<u8> = sequence.iter().map(|byte| byte.unwrap_or(lost)).collect();
            look(&bytes);
        } else {
            for place in 1..=sequence.len() {
                let mut bytes: Vec<u8> = sequence.iter().flatten().copied().collect();
                bytes.insert(place, lost);
                look(&bytes);
            }
        }
    }
    found.flatten()
}

/// How many bytes a UTF-8 sequence has that begins with this one; `None` for a byte that begins none of more than one.
fn sequence_length(lead: u8) -> Option<usize> {
    match lead {
        0xc2..=0xdf => Some(2),
        0xe0..=0xef => Some(3),
        0xf0..=0xf4 => Some(4),
        _ => None,
    }
}

fn likelihood(character: char, has_control: bool) -> Likelihood {
    match character {
        // A control character is in no text; when text was read wrongly twice, it is in what came of the first time.
        '\u{80}'..='\u{9f}' if has_control => Likelihood::Possible,
        '\u{a0}'..='\u{ff}' => Likelihood::Likely,
        '\u{2000}'..='\u{2bff}' | '\u{fe0f}' | '\u{feff}' | '\u{fffd}' | '\u{1f000}'..='\u{1faff}' => {
            Likelihood::Certain
        }
        // Latin of central Europe and Romania, Greek, Cyrillic, Hebrew, Arabic, Indic and Thai, Vietnamese, Chinese,
        // Japanese and Korean.
        '\u{100}'..='\u{17f}'
        | '\u{192}'
        | '\u{1a0}'..='\u{1a1}'
        | '\u{1af}'..='\u{1b0}'
        | '\u{218}'..='\u{21b}'
        | '\u{2c6}'
        | '\u{2dc}'
        | '\u{386}'..='\u{3ce}'
        | '\u{400}'..='\u{45f}'
        | '\u{490}'..='\u{491}'
        | '\u{5d0}'..='\u{5ea}'
        | '\u{600}'..='\u{6ff}'
        | '\u{900}'..='\u{e7f}'
        | '\u{1e00}'..='\u{1eff}'
        | '\u{3000}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{ff00}'..='\u{ffef}'
        | '\u{20000}'..='\u{2fa1f}' => Likelihood::Possible,
        _ => Likelihood::Never,
    }
}

fn next_non_ascii(text: &str, from: usize) -> Option<usize> {
    let mut at = from;
    for chunk in text.as_bytes().get(from..)?.chunks(64) {
        if !chunk.is_ascii() {
            return chunk
                .iter()
                .position(|byte| !byte.is_ascii())
                .map(|index| at + index);
        }
        at += chunk.len();
    }
    None
}
