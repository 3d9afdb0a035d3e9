//! The document, filled in.

use super::super::{BoxState, Filling, ItemFilling, export};
use super::{outline, read};
use crate::domain::ids::{BlankId, ItemId};

fn filled(
    text: &str,
    items: &[(&str, Option<BoxState>, Option<&str>)],
    blanks: &[(&str, &str)],
    notes: &[(usize, &str)],
) -> String {
    let mut filling = Filling::default();
    for (id, state, annotation) in items {
        let item = ItemFilling {
            state: *state,
            annotation: annotation.map(str::to_owned),
        };
        filling.items.insert(ItemId::new(*id), item);
    }
    for (id, value) in blanks {
        filling.blanks.insert(BlankId::new(*id), (*value).to_owned());
    }
    for (line, note) in notes {
        filling.notes.entry(*line).or_default().push((*note).to_owned());
    }
    export(&read(text).checklist, &filling)
}

#[test]
fn boxes_blanks_and_notes_are_filled_in() {
    let text = "---\ntitle: a\n---\n# T\n\n- [ ] one <!-- optional -->\n  - [x] two  \n    goes on\n- [X] three: ____ on ____\n\n**By**: ____\n";
    insta::assert_snapshot!(filled(
        text,
        &[
            ("1", Some(BoxState::Ticked), Some("Ann, 2026-01-02")),
            ("1.1", Some(BoxState::Unticked), Some("again")),
            ("2", Some(BoxState::Ticked), None),
        ],
        &[("2/three", "Bob *B*"), ("footer/by", "C|D <!-- `x`")],
        &[(4, "held 2 h"), (11, "signed")],
    ), @r"
    ---
    title: a
    ---
    # T — *held 2 h*

    - [x] one <!-- optional --> — *Ann, 2026-01-02*
      - [ ] two — *again*  
        goes on
    - [X] three: Bob \*B\* on ____

    **By**: C\|D \<!-- \`x\` — *signed*
    ");
}

#[test]
fn line_ends_stay_as_they_are() {
    assert_eq!(
        filled(
            "- [ ] a\r\n- [ ] b\r",
            &[("1", Some(BoxState::Ticked), Some("x")), ("2", None, Some("y"))],
            &[],
            &[]
        ),
        "- [x] a — *x*\r\n- [ ] b — *y*\r"
    );
}

#[test]
fn a_note_is_never_put_into_code_or_a_table() {
    let text = "- [ ] run `a\n  b` now\n\n```\ncode\n```\n\n| a | b |\n|---|---|\n| c | d |\n";
    insta::assert_snapshot!(filled(text, &[("1", None, Some("note"))], &[], &[(5, "in code"), (10, "in table"), (99, "nowhere")]), @"
    - [ ] run `a
      b` — *note* now

    ```
    code
    ```

    | a | b |
    |---|---|
    | c | d |

    *in code*

    *in table*

    *nowhere*
    ");
}

#[test]
fn a_line_break_by_backslash_stays_one() {
    assert_eq!(
        filled("- [ ] a\\\n  b\n", &[("1", None, Some("n"))], &[], &[]),
        "- [ ] a — *n*\\\n  b\n"
    );
}

#[test]
fn values_cannot_break_the_document() {
    let text = "# T\n\n____\n\n- [ ] ____\n- [ ] two\n\n| a | b |\n|---|---|\n| c | ____ |\n| d | e |\n";
    let before = read(text).checklist;
    for value in [
        "# heading",
        "- [ ] task",
        "1. one",
        "1) one",
        "> quote",
        "```",
        "~~~",
        "<!--",
        "--> <b>",
        "a | b | c",
        "a\n\n- [ ] b\n",
        "\r\n# x",
        "---",
        "===",
        "+ x",
        "[a](b)",
        "![a](b)",
        "*a* _b_ __c__",
        "\\",
        "a\\",
        "`",
        "&lt;",
        "[x]: y",
        "[^1]: z",
        "\u{0}",
        "$$",
        "    code",
        "\tcode",
        ": x",
        "____",
    ] {
        let blanks: Vec<(&str, &str)> = before
            .blanks
            .iter()
            .map(|blank| (blank.id.as_str(), value))
            .collect();
        let out = filled(
            text,
            &[
                ("1", Some(BoxState::Ticked), Some(value)),
                ("2", Some(BoxState::Ticked), Some(value)),
            ],
            &blanks,
            &[(1, value)],
        );
        let after = read(&out).checklist;
        assert_eq!(after.items.len(), 2, "{value:?}: {out}");
        assert_eq!(after.sections.len(), 1, "{value:?}: {out}");
        assert!(
            after.items.iter().all(|item| item.checked && item.depth == 1),
            "{value:?}: {out}"
        );
        let lines = |text: &str| text.lines().count();
        assert_eq!(lines(&out), lines(text), "{value:?}: {out}");
        let last = out.lines().last();
        assert_eq!(last, Some("| d | e |"), "{value:?}: {out}");
    }
}

#[test]
fn a_value_reads_back_as_it_was_given() {
    let text = "- [ ] By: ____\n";
    for value in [
        "Ann *the* _lead_",
        "a|b",
        "<b>",
        "1. x",
        "50 % & more",
        "C:\\temp",
        "# 1",
        "x_y_z",
    ] {
        let out = filled(text, &[], &[("1/by", value)], &[]);
        assert!(
            outline(&out).contains(&format!("By: {value}")),
            "{value:?}: {out}"
        );
    }
}
