//! From bytes to text, with what had to be guessed or repaired.

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::diagnostic::Severity;
use super::mojibake;

/// A text and what was found on the way to it.
pub(super) struct Decoded {
    /// The text, a byte order mark kept.
    pub(super) text: String,
    /// What was found.
    pub(super) findings: Vec<Finding>,
}

/// Something to tell about the encoding.
pub(super) struct Finding {
    pub(super) severity: Severity,
    /// Where it was first seen in the text.
    pub(super) offset: usize,
    pub(super) message: String,
    pub(super) help: String,
}

/// Bytes that Windows-1252 leaves undefined, so that their presence says that a text is something else.
const UNDEFINED_IN_1252: [u8; 5] = [0x81, 0x8d, 0x8f, 0x90, 0x9d];

/// Decodes a document. Total: whatever cannot be decoded becomes U+FFFD and is told.
pub(super) fn decode(bytes: &[u8]) -> Decoded {
    let mut findings = Vec::new();
    let text = match bytes {
        [0xff, 0xfe, ..] => utf_16(UTF_16LE, "little", bytes, &mut findings),
        [0xfe, 0xff, ..] => utf_16(UTF_16BE, "big", bytes, &mut findings),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(error) => invalid_utf_8(bytes, error.valid_up_to(), &mut findings),
        },
    };
    let repaired = mojibake::repair(text);
    if let Some(told) = repaired.told {
        findings.push(told);
    }
    control_characters(&repaired.text, &mut findings);
    Decoded {
        text: repaired.text,
        findings,
    }
}

fn utf_16(
    encoding: &'static encoding_rs::Encoding,
    order: &str,
    bytes: &[u8],
    findings: &mut Vec<Finding>,
) -> String {
    let (text, broken) = encoding.decode_without_bom_handling(bytes.get(2..).unwrap_or_default());
    findings.push(Finding {
        severity: Severity::Note,
        offset: 0,
        message: format!("The file is UTF-16 ({order}-endian) and was read as such."),
        help: "Save it as UTF-8, which is what other tools expect of Markdown.".to_owned(),
    });
    if broken {
        findings.push(Finding {
            severity: Severity::Warning,
            offset: text.find('\u{fffd}').unwrap_or(0),
            message: "Some of the file's UTF-16 is broken and was replaced by \u{fffd}.".to_owned(),
            help: "Write the replaced characters again and save the file as UTF-8.".to_owned(),
        });
    }
    text.into_owned()
}

fn invalid_utf_8(bytes: &[u8], first: usize, findings: &mut Vec<Finding>) -> String {
    let mut invalid = 0_usize;
    let mut well_formed = 0_usize;
    let mut undefined = false;
    for chunk in bytes.utf8_chunks() {
        well_formed += chunk
            .valid()
            .chars()
            .filter(|character| !character.is_ascii())
            .count();
        invalid += usize::from(!chunk.invalid().is_empty());
        undefined |= chunk
            .invalid()
            .iter()
            .any(|byte| UNDEFINED_IN_1252.contains(byte));
    }
    if invalid > well_formed && !undefined && !bytes.contains(&0) {
        let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
        findings.push(Finding {
            severity: Severity::Warning,
            // What comes before the first invalid byte is ASCII but for sequences that were well formed by chance.
            offset: text.bytes().position(|byte| !byte.is_ascii()).unwrap_or(first),
            message: "The file is not UTF-8; it was read as Windows-1252.".to_owned(),
            help: "Save it as UTF-8.".to_owned(),
        });
        return text.into_owned();
    }
    let places = if invalid == 1 { "place" } else { "places" };
    findings.push(Finding {
        severity: Severity::Warning,
        offset: first,
        message: format!(
            "The file is not valid UTF-8 in {invalid} {places}; what is broken was replaced by \u{fffd}."
        ),
        help: "Write the replaced characters again and save the file as UTF-8.".to_owned(),
    });
    String::from_utf8_lossy(bytes).into_owned()
}

fn control_characters(text: &str, findings: &mut Vec<Finding>) {
    let is_stray = |byte: u8| matches!(byte, 0..=0x08 | 0x0b | 0x0e..=0x1f | 0x7f);
    // Whole chunks without a branch, which compilers turn into vector instructions.
    let clean = text
        .as_bytes()
        .chunks(256)
        .take_while(|chunk| !chunk.iter().fold(false, |stray, byte| stray | is_stray(*byte)))
        .map(<[u8]>::len)
        .sum::<usize>();
    let Some(first) = text
        .bytes()
        .skip(clean)
        .position(is_stray)
        .map(|index| clean + index)
    else {
        return;
    };
    let count = text.bytes().skip(first).filter(|byte| is_stray(*byte)).count();
    let (what, verb) = if count == 1 {
        ("control character", "is")
    } else {
        ("control characters", "are")
    };
    findings.push(Finding {
        severity: Severity::Warning,
        offset: first,
        message: format!("The file holds {count} {what}, which {verb} left out of what is shown."),
        help: "Delete them; an editor that shows invisible characters finds them.".to_owned(),
    });
}
