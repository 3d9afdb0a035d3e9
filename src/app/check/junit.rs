//! The result as JUnit XML, which GitLab, Jenkins and GitHub's actions show as a test report.
//!
//! There is no standard; what is written here is what these three read, after the schema that Jenkins' plug-in publishes:
//! a check is a `testcase`, with `failure`, `error` or `skipped` in it.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::board::{Board, Row};
use super::look::{CANCELLED, Look, WHY_CANCELLED};
use super::text::printable;
use crate::domain::checklist::Checklist;

/// When a round was, and how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) began: Timestamp,
    pub(super) milliseconds: u64,
}

/// A round as a report.
///
/// # Errors
/// None in practice: it is written to memory.
pub(super) fn document(file: &Path, checklist: &Checklist, board: &Board, span: Span) -> io::Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let of = |element: &str| {
        let counted = board.tally().into_iter();
        let those = counted.filter(|(look, _)| look.element == Some(element));
        those.map(|(_, count)| count).sum::<usize>().to_string()
    };
    let counts = [
        ("tests", board.rows.len().to_string()),
        ("failures", of("failure")),
        ("errors", of("error")),
        ("skipped", of("skipped")),
        ("time", seconds(span.milliseconds)),
    ];
    let mut suites = BytesStart::new("testsuites");
    suites.push_attribute(("name", "holdpoint"));
    let mut suite = BytesStart::new("testsuite");
    suite.push_attribute(("name", attribute(&checklist.title).as_str()));
    for (name, value) in &counts {
        suites.push_attribute((*name, value.as_str()));
        suite.push_attribute((*name, value.as_str()));
    }
    // ISO 8601 in UTC without its letter, as the schema has it.
    let began = span.began.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    suite.push_attribute(("timestamp", began.as_str()));
    writer.write_event(Event::Start(suites))?;
    writer.write_event(Event::Start(suite))?;
    for row in &board.rows {
        case(&mut writer, file, checklist, row)?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuite")))?;
    writer.write_event(Event::End(BytesEnd::new("testsuites")))?;
    let mut text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    text.push('\n');
    Ok(text)
}

fn case(writer: &mut Writer<Vec<u8>>, file: &Path, checklist: &Checklist, row: &Row) -> io::Result<()> {
    let look = row.look().unwrap_or(CANCELLED);
    let time = seconds(row.result().map_or(0, |result| result.duration_ms));
    let mut case = BytesStart::new("testcase");
    for (name, value) in [
        ("name", row.id.as_str()),
        ("classname", attribute(checklist.name.as_str()).as_str()),
        ("file", attribute(&file.display().to_string()).as_str()),
        ("time", time.as_str()),
    ] {
        case.push_attribute((name, value));
    }
    let Some(element) = look.element else {
        return writer.write_event(Event::Empty(case));
    };
    writer.write_event(Event::Start(case))?;
    let why = row.result().map_or(WHY_CANCELLED, |result| result.why.as_str());
    let mut told = BytesStart::new(element);
    told.push_attribute(("message", attribute(why).as_str()));
    told.push_attribute(("type", look.name));
    writer.write_event(Event::Start(told))?;
    writer.write_event(Event::Text(BytesText::new(&details(row, look, why))))?;
    writer.write_event(Event::End(BytesEnd::new(element)))?;
    writer.write_event(Event::End(BytesEnd::new("testcase")))
}

/// What somebody wants to know who opens the report.
fn details(row: &Row, look: Look, why: &str) -> String {
    let mut lines = vec![format!("{} {}: {why}", row.id, look.word)];
    lines.extend(row.description.clone());
    if !row.items.is_empty() {
        let items: Vec<&str> = row.items.iter().map(crate::domain::ids::ItemId::as_str).collect();
        lines.push(format!("items: {}", items.join(", ")));
    }
    if let Some(result) = row.result() {
        lines.extend(
            result
                .observed
                .iter()
                .map(|(name, value)| format!("{name}: {value}")),
        );
    }
    allowed(&lines.join("\n"))
}

/// A text without what XML 1.0 cannot hold even as a reference (its section 2.2).
fn allowed(text: &str) -> String {
    text.chars()
        .filter(|character| {
            matches!(character, '\t' | '\n' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
                && !matches!(character, '\u{7f}'..='\u{9f}')
        })
        .collect()
}

/// A text in one line: a reader makes blanks of the line ends of an attribute anyway.
fn attribute(text: &str) -> String {
    allowed(&printable(text))
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

#[cfg(test)]
mod tests {
    use quick_xml::Reader;
    use quick_xml::XmlVersion;
    use serde_json::json;

    use super::super::tests::{board, checklist, result};
    use super::*;
    use crate::domain::check::CheckStatus;

    #[test]
    fn it_reads_back_as_it_was_whatever_the_checks_saw() {
        let hostile = "a < b && \"c\" ]]> 'd'\u{0}\u{1b}[31m\u{b}\u{fffe}\r\n\ttail 日本 🎉";
        let mut board = board(&["a", "b", "c", "d"]);
        board.note(result("a", CheckStatus::Passed));
        let mut failed = result("b", CheckStatus::Failed);
        failed.why = hostile.to_owned();
        failed.observed.insert("body".to_owned(), json!(hostile));
        board.note(failed);
        board.note(result("c", CheckStatus::Error));
        board.cancel_rest();
        let span = Span {
            began: Timestamp::UNIX_EPOCH,
            milliseconds: 1234,
        };
        let mut checklist = checklist(&["a"]);
        checklist.title = "Staging <\u{1}&> \"us\"".to_owned();
        let text = document(Path::new("list.md"), &checklist, &board, span).unwrap();

        let mut reader = Reader::from_str(&text);
        let mut seen = Vec::new();
        let mut told = String::new();
        loop {
            match reader.read_event().expect("it is XML") {
                Event::Start(tag) | Event::Empty(tag) => {
                    let attributes: Vec<String> = tag
                        .attributes()
                        .map(|attribute| {
                            let attribute = attribute.expect("an attribute");
                            let value = attribute
                                .normalized_value(XmlVersion::Explicit1_0)
                                .expect("a value");
                            format!("{}={value}", attribute.key.as_ref())
                        })
                        .collect();
                    seen.push(format!("{} {}", tag.name().as_ref(), attributes.join(" ")));
                }
                Event::Text(text) => told.push_str(&text),
                Event::GeneralRef(reference) => told.push_str(match &*reference {
                    "lt" => "<",
                    "gt" => ">",
                    "amp" => "&",
                    "quot" => "\"",
                    "apos" => "'",
                    _ => panic!("an unknown reference in {text}"),
                }),
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(
            seen,
            [
                "testsuites name=holdpoint tests=4 failures=1 errors=2 skipped=0 time=1.234",
                "testsuite name=Staging <\u{fffd}&> \"us\" tests=4 failures=1 errors=2 skipped=0 time=1.234 \
                 timestamp=1970-01-01T00:00:00",
                "testcase name=a classname=l file=list.md time=0.007",
                "testcase name=b classname=l file=list.md time=0.007",
                "failure message=a < b && \"c\" ]]> 'd'\u{fffd}\u{fffd}[31m\u{fffd}  \ttail 日本 🎉 type=failed"
                    .replace("  \ttail", "   tail")
                    .as_str(),
                "testcase name=c classname=l file=list.md time=0.007",
                "error message=because type=error",
                "testcase name=d classname=l file=list.md time=0.000",
                "error message=the run was cancelled before this check had a result type=error",
            ]
        );
        assert!(
            told.contains("b failed: a < b && \"c\" ]]> 'd'[31m\n\ttail 日本 🎉"),
            "{told:?}"
        );
        assert!(
            !text.contains(['\u{0}', '\u{1b}', '\u{b}', '\u{fffe}']),
            "{text:?}"
        );
    }
}
