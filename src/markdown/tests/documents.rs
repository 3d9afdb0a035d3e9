//! Headings, tasks, numbers and blanks.

use super::{outline, read, told};

#[test]
fn items_and_subsections_share_one_series_of_numbers() {
    insta::assert_snapshot!(outline("- [ ] before\n\n# Title\n\n- [x] top\n\n## A\n- [ ] one\n  - [ ] one a\n  - [X] one b\n- [ ] two\n\n### A deeper\n- [ ] three\n\n## B\n#### B far deeper\n- [ ] four\n"), @"
     1   [ ] 1 before
     3 #  Title
     5   [x] 2 top
     7 ## 3 A
     8   [ ] 3.1 one
     9     [ ] 3.1.1 one a
    10     [x] 3.1.2 one b
    11   [ ] 3.2 two
    13 ### 3.3 A deeper
    14   [ ] 3.3.1 three
    16 ## 4 B
    17 #### 4.1 B far deeper
    18   [ ] 4.1.1 four
    ");
}

#[test]
fn several_headings_of_level_one_are_all_numbered() {
    insta::assert_snapshot!(outline("# A\n- [ ] one\n# B\n- [ ] two\n"), @"
    1 # 1 A
    2   [ ] 1.1 one
    3 # 2 B
    4   [ ] 2.1 two
    ");
}

#[test]
fn a_heading_of_level_one_that_is_not_the_first_is_still_the_title() {
    insta::assert_snapshot!(outline("## A\n- [ ] one\n# T\n- [ ] two\n## B\n- [ ] three\n"), @"
    1 ## 1 A
    2   [ ] 1.1 one
    3 #  T
    4   [ ] 2 two
    5 ## 3 B
    6   [ ] 3.1 three
    ");
}

#[test]
fn every_kind_of_list_mark_makes_a_task() {
    insta::assert_snapshot!(outline("- [ ] a\n\n* [x] b\n\n+ [X] c\n\n1. [ ] d\n2) [ ] e\n\n1. - [ ] f\n- - [ ] g\n-\n  [ ] h\n"), @"
     1   [ ] 1 a
     3   [x] 2 b
     5   [x] 3 c
     7   [ ] 4 d (ordered)
     8   [ ] 5 e (ordered)
    10   [ ] 6 f
    11   [ ] 7 g
    12   [ ] 8 h
    ");
}

#[test]
fn a_task_stands_in_a_quote_and_in_a_plain_list() {
    insta::assert_snapshot!(outline("> - [ ] quoted\n>   - [ ] nested\n\n- plain\n  - [ ] under plain\n    1. [ ] deeper\n"), @"
    1   [ ] 1 quoted
    2     [ ] 1.1 nested
    5   [ ] 2 under plain
    6     [ ] 2.1 deeper (ordered)
    ");
}

#[test]
fn what_only_looks_like_a_task_is_none() {
    let text = "```\n- [ ] fence\n```\n\n    - [ ] code\n\n<!--\n- [ ] comment\n-->\n\n<div>\n- [ ] html\n</div>\n\n- [] no space\n- [ ]no space after\n- [ ]\n- [~] other\n- text [ ] later\n- > [ ] quote in item\n- `[ ]` code\n\n[ ] no list\n\n| [ ] | cell |\n|---|---|\n| [ ] | cell |\n";
    assert_eq!(outline(text), "");
}

#[test]
fn a_mark_alone_is_no_task_and_what_is_nested_in_it_stays() {
    insta::assert_snapshot!(outline("- [ ]\n  - [ ] nested\n- [ ]\n  on the next line\n"), @"
    2   [ ] 1 nested
    3   [ ] 2 on the next line
    ");
}

#[test]
fn a_task_whose_words_begin_on_the_next_line() {
    insta::assert_snapshot!(outline("- [x]\n  one\n\n- [ ]\n\n  not one\n- [ ]\n  two\n  - [ ] three\n"), @"
     1   [x] 1 one
     7   [ ] 2 two
     9     [ ] 2.1 three
    ");
}

#[test]
fn a_tick_that_is_also_a_link_is_a_tick() {
    insta::assert_snapshot!(outline("- [x] done\n\n[x]: https://example.com\n"), @" 1   [x] 1 done");
}

#[test]
fn text_is_plain_and_of_the_first_paragraph() {
    insta::assert_snapshot!(outline("- [ ] **Bold** `code  two` [link](https://x.y) ![alt](i.png) ~~gone~~ &amp; \\* <b>in</b>\n  second line  \n  third\n\n  Another paragraph.\n"), @" 1   [ ] 1 Bold code two link alt gone & * in second line third");
}

#[test]
fn tabs_and_line_ends_of_every_kind() {
    let text = "# T\n- [ ] a\n\t- [ ] b\n\t\t- [x] c\n\n## S ##\n- [ ]\td\n";
    let wanted = outline(text);
    insta::assert_snapshot!(wanted, @"
    1 #  T
    2   [ ] 1 a
    3     [ ] 1.1 b
    4       [x] 1.1.1 c
    6 ## 2 S
    7   [ ] 2.1 d
    ");
    assert_eq!(outline(&text.replace('\n', "\r\n")), wanted);
    assert_eq!(outline(&text.replace('\n', "\r")), wanted);
    assert_eq!(outline(&format!("\u{feff}{text}")), wanted);
}

#[test]
fn blanks_are_named_by_the_words_before_them() {
    insta::assert_snapshot!(outline("## Signed\n\n**Release**: ____\n\n- [ ] Approved by: _______ **Date:** ____ Date: ___\n  Room: (____) and (____)\n- [ ] Takes ____ms or ____%\n- [ ] _____ is told\n\n**Closed by**: _________\n"), @r#"
     1 ## 1 Signed
     3     ____ 1/release "Release"
     5   [ ] 1.1 Approved by: _______ Date: ____ Date: ___ Room: () and ()
     5     ____ 1.1/approved-by "Approved by"
     5     ____ 1.1/date "Date"
     5     ____ 1.1/date-2 "Date"
     6     ____ 1.1/room "Room"
     6     ____ 1.1/and "and"
     7   [ ] 1.2 Takes ____ms or ____%
     7     ____ 1.2/takes "Takes"
     7     ____ 1.2/ms-or "ms or"
     8   [ ] 1.3 _____ is told
     8     ____ 1.3/is-told "is told"
    10     ____ footer/closed-by "Closed by"
    "#);
}

#[test]
fn blanks_of_a_table_are_named_by_row_and_column() {
    insta::assert_snapshot!(outline("| Role | Name | Date |\n|---|---|---|\n| Lead | ____ | ____ |\n| [ ] | Tester | Seen: ___ |\n"), @r#"
    3     ____ footer/lead-name "Lead Name"
    3     ____ footer/lead-date "Lead Date"
    4     ____ footer/seen "Seen"
    "#);
}

#[test]
fn what_only_looks_like_a_blank_is_none() {
    let text = "a\n\n___\n\n`____`\n\n    ____\n\nFOO___BAR and ___bold___ and __init__ and \\____\n\nhttps://x.y/____ <https://x.y/____> [a](____) <!-- ____ -->\n\n- __\n";
    assert_eq!(outline(text), "");
}

#[test]
fn annotations_bind_items_and_nested_items() {
    let text = "---\nchecks:\n  a: { env: { required: [A] } }\n  b: { env: { required: [B] } }\nsign-offs:\n  lead:\n---\n- [ ] one <!-- check: a, b; sign-off: lead -->\n  - [ ] two <!-- check: b -->\n    <!-- decision ; optional -->\n  <!-- optional -->\n- [ ] three <!-- just a comment: yes -->\n";
    insta::assert_snapshot!(outline(text), @"
     8   [ ] 1 one (optional) (check a) (check b) (sign-off lead)
     9     [ ] 1.1 two (optional) (decision) (check b)
    12   [ ] 2 three
    ");
    assert_eq!(told(text), "");
}

#[test]
fn annotations_that_name_nothing_known_are_told() {
    let text = "---\nchecks:\n  health: { env: { required: [A] } }\nsign-offs:\n  tech-lead:\n  qa:\n---\n- [ ] one <!-- check: helth, , x -->\n- [ ] two <!-- sign-off: tech-lead, qa ; sign-of: qa -->\n- [ ] three <!-- cheks: health -->\n- [ ] four <!-- check: -->\n- [ ] five <!-- decision --> \n- [ ] six <!-- decision; check: health; else -->\n\n<!-- check: health -->\n";
    insta::assert_snapshot!(told(text), @"
    x.md:6:3: warning: Neither an item nor a gate asks for the sign-off `qa`.
      |
    6 |   qa:
      |   ^
      = help: Write `<!-- sign-off: qa -->` into an item, or name it in a gate's `needs`.
    x.md:8:23: error: There is no check `helth`.
      |
    8 | - [ ] one <!-- check: helth, , x -->
      |                       ^
      = help: Did you mean `health`?
    x.md:8:32: error: There is no check `x`.
      |
    8 | - [ ] one <!-- check: helth, , x -->
      |                                ^
      = help: Write it under `checks` in the front matter.
    x.md:9:37: error: The item already has the sign-off `tech-lead`.
      |
    9 | - [ ] two <!-- sign-off: tech-lead, qa ; sign-of: qa -->
      |                                     ^
      = help: An item has one; make an item of the other.
    x.md:9:42: warning: `sign-of` is not an annotation, so the comment binds nothing.
      |
    9 | - [ ] two <!-- sign-off: tech-lead, qa ; sign-of: qa -->
      |                                          ^
      = help: Did you mean `sign-off`?
    x.md:10:18: warning: `cheks` is not an annotation, so the comment binds nothing.
       |
    10 | - [ ] three <!-- cheks: health -->
       |                  ^
       = help: Did you mean `check`?
    x.md:11:17: error: `check` names nothing.
       |
    11 | - [ ] four <!-- check: -->
       |                 ^
       = help: Write a key of the front matter after it, as `check: key`.
    x.md:13:16: error: The GO / NO-GO decision stands twice.
       |
    13 | - [ ] six <!-- decision; check: health; else -->
       |                ^
       = help: The first is in line 12; keep one.
    x.md:13:41: warning: This part of the comment is not an annotation.
       |
    13 | - [ ] six <!-- decision; check: health; else -->
       |                                         ^
       = help: The annotations are `check: …`, `sign-off: …`, `decision` and `optional`.
    x.md:15:6: warning: `check` stands in no item, so it binds nothing.
       |
    15 | <!-- check: health -->
       |      ^
       = help: Move the comment into the item's line.
    ");
}

#[test]
fn the_title_is_the_front_matters_or_the_headings_or_the_name() {
    assert_eq!(read("---\ntitle: A\n---\n# B\n").checklist.title, "A");
    assert_eq!(read("## C\n# B *b*\n# D\n").checklist.title, "B b");
    assert_eq!(read("## C\n").checklist.title, "release");
}

#[test]
fn marks_and_spans_point_into_the_source() {
    let text = "\u{feff}# T\r\n- [x] ünï: ____\r\n";
    let checklist = read(text).checklist;
    assert_eq!(checklist.source.get(checklist.items[0].marker.clone()), Some("x"));
    assert_eq!(
        checklist.source.get(checklist.blanks[0].span.clone()),
        Some("____")
    );
    assert_eq!(checklist.items[0].line, 2);
}

#[test]
fn the_json_has_the_promised_shape() {
    let text = "---\nchecks:\n  a: { env: { required: [A] } }\nsign-offs:\n  lead:\n---\n# T\n## S\n- [x] One ____ <!-- check: a -->\n";
    insta::assert_json_snapshot!(super::super::json(&read(text)), @r#"
    {
      "blanks": [
        {
          "id": "1.1/one",
          "item": "1.1",
          "label": "One",
          "line": 9
        }
      ],
      "checks": [
        "a"
      ],
      "diagnostics": [
        {
          "column": 3,
          "help": "Write `<!-- sign-off: lead -->` into an item, or name it in a gate's `needs`.",
          "line": 5,
          "message": "Neither an item nor a gate asks for the sign-off `lead`.",
          "severity": "warning"
        }
      ],
      "items": [
        {
          "checked": true,
          "checks": [
            "a"
          ],
          "decision": false,
          "depth": 1,
          "id": "1.1",
          "line": 9,
          "optional": false,
          "ordered": false,
          "section": [
            "T",
            "S"
          ],
          "sign_off": null,
          "slug": "one",
          "text": "One ____"
        }
      ],
      "sections": [
        {
          "id": "",
          "level": 1,
          "line": 7,
          "optional": false,
          "title": "T"
        },
        {
          "id": "1",
          "level": 2,
          "line": 8,
          "optional": false,
          "title": "S"
        }
      ],
      "sign_offs": [
        "lead"
      ],
      "title": "T"
    }
    "#);
}

#[test]
fn nesting_beyond_the_limit_is_text_and_is_told() {
    let deep = format!("{}- [ ] a\n- [ ] b\n", "> ".repeat(100));
    let parsed = read(&deep);
    assert_eq!(parsed.checklist.items.len(), 1);
    assert_eq!(parsed.diagnostics.len(), 1);
}
