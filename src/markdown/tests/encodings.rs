//! Bytes that are not plain UTF-8.

use encoding_rs::{Encoding, MACINTOSH, WINDOWS_1252};
use proptest::prelude::*;

use super::super::Severity;
use super::super::mojibake::repair;
use super::{read, read_bytes};

/// What a program makes of UTF-8 that it takes for another encoding.
fn misread(text: &str, encoding: &'static Encoding) -> String {
    encoding
        .decode_without_bom_handling(text.as_bytes())
        .0
        .into_owned()
}

const LEGIT: [&str; 24] = [
    "Été à Orléans : « déjà vu… » — l’été, où ça ?",
    "« été… »",
    "NOËL À ÎLE-DE-FRANCE",
    "„Spaß“, Fuß“ und „Größe“ – Maß…",
    "Straße über Äpfel, ÖFFNEN",
    "Zażółć gęślą jaźń, „Ó” i «będę»",
    "Příliš žluťoučký kůň",
    "São João, AMANHÃ, pão e maçã",
    "Año nuevo, ¿qué? ¡Olé!",
    "Æblegrød på Ærø, »Å«",
    "✅ Ship it 🚀 → 100 % ≥ 80 % • 5 °C ± 1",
    "⚠️ ❌ 🔐 📝 ™ © ® € £",
    "日本語のチェックリスト「完了」",
    "技术负责人，确认。",
    "배포 체크리스트",
    "Проверка «готова» — да",
    "Έλεγχος έτοιμος",
    "Ít nhất một người duyệt",
    "Café”…",
    "√π ≈ 1,77; ¬∃x",
    "mot—été–fin",
    "l’été “être” ‘à’",
    "┌─ ○ /home λ ●",
    "Ça coûte 10 € ; naïf, cœur, ŒUVRE, ÿ",
];

#[test]
fn text_that_is_not_mojibake_stays() {
    for text in LEGIT {
        assert_eq!(repair(text.to_owned()).text, text);
    }
    let all = LEGIT.join("\n");
    assert_eq!(repair(all.clone()).text, all);
}

#[test]
fn mojibake_of_either_code_page_comes_back() {
    for text in LEGIT {
        for encoding in [WINDOWS_1252, MACINTOSH] {
            let broken = misread(text, encoding);
            assert_eq!(repair(broken.clone()).text, text, "{} {broken}", encoding.name());
        }
    }
}

#[test]
fn mojibake_upon_mojibake_comes_back() {
    let text = "✅ Größe → é";
    let twice = misread(&misread(text, WINDOWS_1252), WINDOWS_1252);
    assert_eq!(repair(twice).text, text);
}

#[test]
fn broken_runs_are_repaired_among_sound_text() {
    let sound = "Größe, „Spaß“ und l’été… 日本";
    assert_eq!(
        repair(format!("{sound}\nâœ… done ‚úÖ dâ€™accord cafÃ©")).text,
        format!("{sound}\n✅ done ✅ d’accord café")
    );
}

#[test]
fn lost_bytes_are_guessed_where_one_sign_fits_and_marked_where_not() {
    assert_eq!(repair("â€œquotedâ€ and âŒ".to_owned()).text, "“quoted” and ❌");
    assert_eq!(repair("âš\u{a0}ï¸ careful".to_owned()).text, "⚠\u{fe0f} careful");
    assert_eq!(repair("â€œquotedâ€\u{fffd} x".to_owned()).text, "“quoted” x");
    let ambiguous = repair("ðŸ” keys".to_owned());
    assert_eq!(ambiguous.text, "\u{fffd} keys");
    assert_eq!(ambiguous.told.map(|told| told.severity), Some(Severity::Warning));
}

#[test]
fn a_repair_is_told_once_with_its_count() {
    let parsed = read("# A\n\n- [ ] âœ… one â†’ two\n");
    assert_eq!(parsed.checklist.items[0].text, "✅ one → two");
    let told: Vec<_> = parsed
        .diagnostics
        .iter()
        .map(|told| (told.severity, told.line, told.column, told.message.as_str()))
        .collect();
    assert_eq!(
        told,
        [(
            Severity::Note,
            3,
            7,
            "The file was once UTF-8 that a program read as Windows-1252 and saved again; 2 characters were repaired."
        )]
    );
}

#[test]
fn other_encodings_are_read_and_told() {
    let text = "# Größe\n- [ ] é\n";
    let (windows, _, _) = WINDOWS_1252.encode(text);
    let little: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let big: Vec<u8> = [0xfe, 0xff]
        .into_iter()
        .chain(text.encode_utf16().flat_map(u16::to_be_bytes))
        .collect();
    for bytes in [&windows, &little[..], &big] {
        let parsed = read_bytes(bytes);
        assert_eq!(parsed.checklist.source, text);
        assert_eq!(parsed.diagnostics.len(), 1, "{:?}", parsed.diagnostics);
    }
}

#[test]
fn broken_utf_8_loses_only_what_is_broken() {
    let mut bytes = "- [ ] größer → ü\n- [ ] b\n".as_bytes().to_vec();
    bytes.extend(b"- [ ] \xe2\x86 cut\n");
    let parsed = read_bytes(&bytes);
    let texts: Vec<&str> = parsed
        .checklist
        .items
        .iter()
        .map(|item| item.text.as_str())
        .collect();
    assert_eq!(texts, ["größer → ü", "b", "\u{fffd} cut"]);
    assert_eq!(
        (parsed.diagnostics[0].severity, parsed.diagnostics[0].line),
        (Severity::Warning, 3)
    );
}

#[test]
fn control_characters_are_told_and_not_shown() {
    let parsed = read("- [ ] a\u{0}b\u{1b}[31mc\n");
    assert!(!parsed.checklist.items[0].text.contains('\u{1b}'));
    assert_eq!(
        parsed.diagnostics[0].message,
        "The file holds 2 control characters, which are left out of what is shown."
    );
}

fn legit() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(LEGIT.to_vec()), 1..6).prop_map(|parts| parts.join(" "))
}

proptest! {
    #[test]
    fn sound_text_is_never_changed(text in legit()) {
        prop_assert_eq!(repair(text.clone()).text, text);
    }

    #[test]
    fn whatever_was_misread_comes_back(text in legit(), mac in any::<bool>()) {
        let encoding = if mac { MACINTOSH } else { WINDOWS_1252 };
        prop_assert_eq!(repair(misread(&text, encoding)).text, text);
    }
}
