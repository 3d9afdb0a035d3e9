//! What holds of any bytes.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::{BoxState, Colour, Filling, ItemFilling, choices, export, json, render_diagnostic};
use super::{read, read_bytes};
use crate::domain::checklist::Checklist;

/// Bits of documents that mean something next to each other.
const BITS: [&str; 58] = [
    "- [ ] ",
    "- [x] ",
    "* [ ] ",
    "1. ",
    "- ",
    "  ",
    "\t",
    "\n",
    "\n\n",
    "\r",
    "\r\n",
    "# ",
    "## ",
    "===\n",
    "---\n",
    "...\n",
    "> ",
    "```\n",
    "`",
    "*",
    "**",
    "_",
    "___",
    "____",
    "[",
    "]",
    "](",
    ")",
    "<!-- ",
    " -->",
    "<!-- check: a -->",
    "<div>\n",
    "|",
    "|---|\n",
    "a",
    "word ",
    "é",
    "✅",
    "[ ] GO ",
    "☐ NO-GO ",
    "âœ…",
    "‚úÖ",
    "\\",
    "&amp;",
    "title: ",
    "checks:\n",
    "  a: { env: { required: [A] } }\n",
    "gates:\n",
    "&a ",
    "*a",
    "{",
    "}",
    "\u{feff}",
    "\u{0}",
    "https://",
    "[x]: y\n",
    "[^1]: z\n",
    "    ",
];

fn document() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(BITS.to_vec()), 0..60).prop_map(|bits| bits.concat())
}

/// Bits of front matter, none of which is a line that ends it.
const FRONT_BITS: [&str; 34] = [
    "title: ",
    "checks:\n",
    "  a: ",
    "  a: { env: { required: [A] } }\n",
    "gates:\n",
    "  T: { needs: [items, x] }\n",
    "sections:\n",
    "sign-offs:\n",
    "  lead: { quorum: 2 }\n",
    "&a ",
    "*a",
    "{",
    "}",
    "[",
    "]",
    ",",
    "'",
    "\"",
    "|\n",
    ">\n",
    "- ",
    "? ",
    ": ",
    "#",
    "\t",
    "  ",
    "a",
    "é",
    "\n",
    "!x ",
    "%",
    "@",
    "\u{0}",
    "\r\n",
];

fn front() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(FRONT_BITS.to_vec()), 0..40)
        .prop_map(|bits| format!("---\ntitle: a\n{}\n---\n- [ ] item\n", bits.concat()))
}

/// Reads, writes and reads again, whatever it is.
fn holds(bytes: &[u8]) -> Result<(), TestCaseError> {
    let parsed = read_bytes(bytes);
    let checklist = &parsed.checklist;
    for diagnostic in &parsed.diagnostics {
        prop_assert!(diagnostic.line >= 1 && diagnostic.column >= 1);
        let text = render_diagnostic("x", &checklist.source, diagnostic, Colour::Ansi);
        prop_assert!(text.contains(&diagnostic.message));
    }
    prop_assert!(json(&parsed)["items"].is_array());
    let mut ids: Vec<&str> = checklist.items.iter().map(|item| item.id.as_str()).collect();
    ids.extend(
        checklist
            .sections
            .iter()
            .map(|section| section.id.as_str())
            .filter(|id| !id.is_empty()),
    );
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    prop_assert_eq!(ids.len(), count, "ids are unique");
    for item in &checklist.items {
        let mark = checklist.source.get(item.marker.clone());
        prop_assert!(matches!(mark, Some("x" | "X" | " " | "\t")), "{:?}", mark);
        prop_assert!(item.slug().chars().count() <= 60);
    }
    for blank in &checklist.blanks {
        let span = checklist.source.get(blank.span.clone());
        prop_assert!(span.is_some_and(|text| text.len() >= 3 && text.bytes().all(|byte| byte == b'_')));
    }

    let exported = export(checklist, &Filling::default());
    prop_assert_eq!(&exported, &checklist.source);
    let again = read(&exported).checklist;
    prop_assert_eq!(&again.items, &checklist.items);
    prop_assert_eq!(&again.sections, &checklist.sections);
    prop_assert_eq!(&again.blanks, &checklist.blanks);

    let mut filling = Filling::default();
    for item in &checklist.items {
        let filled = ItemFilling {
            state: Some(BoxState::Ticked),
            annotation: None,
        };
        filling.items.insert(item.id.clone(), filled);
    }
    let ticked = read(&export(checklist, &filling)).checklist;
    prop_assert_eq!(ticked.items.len(), checklist.items.len());
    prop_assert!(ticked.items.iter().all(|item| item.checked));

    let answers: Vec<_> = choices(checklist)
        .into_iter()
        .flat_map(|choice| choice.answers)
        .map(|answer| answer.span)
        .collect();
    for answer in &answers {
        let mark = checklist.source.get(answer.clone());
        prop_assert!(matches!(mark, Some("[ ]" | "☐" | "□")), "{:?}", mark);
    }
    let filling = Filling {
        answers,
        ..Filling::default()
    };
    let answered = read(&export(checklist, &filling)).checklist;
    let boxes = |checklist: &Checklist| {
        let items = checklist.items.iter();
        items
            .map(|item| (item.id.clone(), item.checked))
            .collect::<Vec<_>>()
    };
    prop_assert_eq!(boxes(&answered), boxes(checklist));
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        holds(&bytes)?;
    }

    #[test]
    fn any_text_is_read(text in any::<String>()) {
        holds(text.as_bytes())?;
    }

    #[test]
    fn any_document_is_read(text in document()) {
        holds(text.as_bytes())?;
    }

    #[test]
    fn any_front_matter_is_read(text in front()) {
        holds(text.as_bytes())?;
        let items = read(&text).checklist.items;
        prop_assert_eq!(items.iter().map(|item| item.text.as_str()).collect::<Vec<_>>(), ["item"]);
    }
}

/// How long this thread has had a processor, so that a busy machine is not taken for slow code. Only Linux tells; on
/// others it is the time that has passed.
fn processor_time(start: Instant) -> Duration {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// The shorter of two runs.
fn shortest(text: &str) -> Duration {
    let run = || {
        let start = Instant::now();
        let before = processor_time(start);
        let parsed = read(text);
        let answers = choices(&parsed.checklist).len();
        let took = processor_time(start).saturating_sub(before);
        assert!(parsed.checklist.source.len() <= text.len() && answers <= text.len());
        took
    };
    run().min(run())
}

#[test]
fn time_grows_with_length_and_no_faster() {
    type Make = fn(usize) -> String;
    let families: [(&str, Make); 20] = [
        ("[", |n| "[".repeat(n)),
        ("[a](", |n| "[a](".repeat(n / 4)),
        ("*a ", |n| "*a ".repeat(n / 3)),
        ("**a_", |n| "**a_".repeat(n / 4)),
        (">", |n| ">".repeat(n)),
        ("> and lazy lines", |n| {
            format!("{}a\n{}", ">".repeat(n / 2), "b\n".repeat(n / 4))
        }),
        ("- and empty lines", |n| {
            format!("{}a\n{}", "- ".repeat(n / 4), "\n".repeat(n / 2))
        }),
        ("___", |n| "a ___ ".repeat(n / 6)),
        ("____ that say the same", |n| "- [ ] by: ____\n".repeat(n / 15)),
        ("a URL of ____", |n| format!("https://{}", "-____".repeat(n / 5))),
        ("<!--", |n| "a <!-- ".repeat(n / 7)),
        ("comments in one line", |n| {
            format!("- [ ] a {}", "<!-- check: b -->".repeat(n / 17))
        }),
        ("`", |n| "a `` b ` ".repeat(n / 9)),
        ("table", |n| {
            format!(
                "{}\n{}\n{}",
                "|a".repeat(n / 8),
                "|-".repeat(n / 8),
                "|\n".repeat(n / 4)
            )
        }),
        ("references", |n| {
            format!("[a]: {}\n\n{}", "b".repeat(n / 2), "[a] ".repeat(n / 8))
        }),
        ("tasks", |n| "- [ ] a\r".repeat(n / 8)),
        ("answers among code", |n| "[ ] a `b` ".repeat(n / 10)),
        ("answers below a long heading", |n| {
            format!("|{}|\n|-|\n{}", "a".repeat(n / 2), "|[ ]|\n".repeat(n / 12))
        }),
        ("mojibake", |n| "âœ… é ".repeat(n / 12)),
        ("front matter", |n| {
            format!("---\nchecks:\n{}---\n", "  a: 1\n".repeat(n / 7))
        }),
    ];
    for (family, make) in families {
        // Linear time would be four times as long for four times as much, quadratic time sixteen times. What is
        // added is how coarsely processor time is counted.
        let few = shortest(&make(25_000)) + Duration::from_millis(4);
        let many = shortest(&make(100_000));
        assert!(
            many < few * 9,
            "{family}: {few:?}, then {many:?} for four times as much"
        );
    }
}

#[test]
fn nested_lists_of_any_depth_are_read_in_good_time() {
    let mut text = String::new();
    for depth in 0..1000 {
        text.push_str(&"  ".repeat(depth));
        text.push_str("- [ ] a\n");
    }
    let items = read(&text).checklist.items.len();
    assert!((60..=1000).contains(&items), "{items}");
}
