//! The table on a terminal: a line for each check, and why below those that did not pass.

use super::board::{Board, Row};
use super::look::{Look, look};
use super::text::{cut, padded, printable, took, width, wrapped};
use crate::markdown::Colour;

/// Whether the table is drawn over again, or stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// It has to fit on the screen, so that it can be drawn over.
    Screen,
    /// It is the last: nothing is left out.
    Whole,
}

/// Whether the run is made once or again and again, and how far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Once.
    Once,
    /// The round of this number runs.
    Round(usize),
    /// The round of this number has ended; the next begins in so many seconds.
    Rests(usize, u64),
}

/// What the table is drawn for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drawn {
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) colour: Colour,
    pub(super) extent: Extent,
    pub(super) pace: Pace,
    /// How long the round has run, in seconds.
    pub(super) seconds: u64,
    /// How often it has been drawn, for the sign of what runs.
    pub(super) turn: usize,
}

/// The signs of what runs, in turn.
const TURNING: [char; 4] = ['◜', '◝', '◞', '◟'];
/// How wide the words for statuses are: `could not run`.
const WORD: usize = 13;
/// How wide a time is: `59 min 59 s`.
const TIME: usize = 11;
/// The most columns that the key of a check takes.
const KEY: usize = 40;
/// The fewest columns in which a description says anything.
const DESCRIPTION: usize = 12;
/// How far the reason stands below the key.
const INDENT: usize = 2 + WORD + 2;

/// The lines of the table, none wider than there are columns.
pub(super) fn lines(board: &Board, drawn: &Drawn) -> Vec<String> {
    let layout = Layout::of(board, drawn);
    let mut blocks: Vec<(u8, Vec<String>)> = board
        .rows
        .iter()
        .map(|row| (weight(row), layout.block(row)))
        .collect();
    let mut left_out = 0;
    if drawn.extent == Extent::Screen {
        // A blank line and the last one, one for what is left out, and one for the cursor.
        let mut room = drawn.rows.saturating_sub(4).max(1);
        let mut order: Vec<usize> = (0..blocks.len()).collect();
        order.sort_by_key(|index| blocks[*index].0);
        for index in order {
            let block = &mut blocks[index].1;
            if block.len() > room {
                block.clear();
                left_out += 1;
            } else {
                room -= block.len();
            }
        }
    }
    let mut lines: Vec<String> = blocks.into_iter().flat_map(|(_, block)| block).collect();
    if left_out > 0 {
        let noun = if left_out == 1 { "check" } else { "checks" };
        lines.push(layout.dim(&format!(
            "… and {left_out} more {noun}, for which the screen has no room"
        )));
    }
    lines.push(String::new());
    lines.push(layout.last(board));
    lines
}

/// What did not pass is shown before what runs, and that before what passed, where there is no room for all.
fn weight(row: &Row) -> u8 {
    match row.look() {
        Some(look) if look.element.is_some() => 0,
        None => 1,
        Some(_) => 2,
    }
}

struct Layout<'a> {
    drawn: &'a Drawn,
    key: usize,
    /// None where there is no room for descriptions, or nothing is described.
    description: Option<usize>,
    sparkline: usize,
}

impl<'a> Layout<'a> {
    fn of(board: &Board, drawn: &'a Drawn) -> Self {
        let widest = |width: fn(&Row) -> usize| board.rows.iter().map(width).max().unwrap_or(0);
        let key = widest(|row| width(row.id.as_str())).min(KEY);
        let described = widest(|row| {
            row.description
                .as_deref()
                .map_or(0, |text| width(&printable(text)))
        });
        let sparkline = match drawn.pace {
            Pace::Once => 0,
            Pace::Round(_) | Pace::Rests(..) => widest(|row| row.history.len()),
        };
        let taken = 2 + WORD + 2 + key + 2 + TIME + if sparkline > 0 { 2 + sparkline } else { 0 };
        let room = drawn.columns.saturating_sub(taken + 2);
        Self {
            drawn,
            key,
            description: (described > 0 && room >= DESCRIPTION).then(|| described.min(room)),
            sparkline,
        }
    }

    /// The lines of one check.
    fn block(&self, row: &Row) -> Vec<String> {
        let (sign, word, colour) = match row.look() {
            Some(look) => (look.sign, look.word, look.colour),
            None => (TURNING[self.drawn.turn % TURNING.len()], "running", "2"),
        };
        let status = format!("{sign} {}", padded(word, WORD));
        let mut rest = format!("  {}", padded(row.id.as_str(), self.key));
        if let Some(columns) = self.description {
            let description = printable(row.description.as_deref().unwrap_or_default());
            rest.push_str("  ");
            rest.push_str(&padded(&description, columns));
        }
        let time = row
            .result()
            .map(|result| took(result.duration_ms))
            .unwrap_or_default();
        rest.push_str("  ");
        rest.push_str(&" ".repeat(TIME.saturating_sub(width(&time))));
        rest.push_str(&time);
        let rest = rest.trim_end();
        let room = self.drawn.columns.saturating_sub(width(&status));
        let rest = cut(rest, room);
        let mut line = self.paint(colour, &status) + &rest;
        if self.sparkline > 0 {
            let before = width(&status) + width(&rest);
            let at = 2 + WORD + 2 + self.key + 2 + TIME + self.description.map_or(0, |columns| columns + 2);
            if before <= at && at + 2 + self.sparkline <= self.drawn.columns {
                line.push_str(&" ".repeat(at - before + 2));
                line.push_str(&self.sparkline_of(row));
            }
        }
        let mut block = vec![line];
        if let (Some(look), Some(why)) = (row.look(), row.why_told()) {
            block.extend(self.why(&printable(why), look));
        }
        block
    }

    fn why(&self, why: &str, look: Look) -> Vec<String> {
        let indent = if self.drawn.columns > INDENT + 30 {
            INDENT
        } else {
            4
        };
        let room = self.drawn.columns.saturating_sub(indent).max(1);
        let lines = match self.drawn.extent {
            Extent::Screen => vec![cut(why, room)],
            Extent::Whole => wrapped(why, room),
        };
        lines
            .into_iter()
            .map(|line| format!("{}{}", " ".repeat(indent), self.paint(look.colour, &line)))
            .collect()
    }

    fn sparkline_of(&self, row: &Row) -> String {
        let missing = self.sparkline - row.history.len();
        let signs: String = row
            .history
            .iter()
            .map(|status| {
                let look = look(*status);
                self.paint(look.colour, &look.sign.to_string())
            })
            .collect();
        format!("{}{signs}", " ".repeat(missing))
    }

    fn last(&self, board: &Board) -> String {
        let (all, ended) = (board.rows.len(), board.ended());
        let mut parts = Vec::new();
        if let Pace::Round(number) | Pace::Rests(number, _) = self.drawn.pace {
            parts.push((format!("round {number}"), None));
        }
        if ended < all {
            parts.push((format!("{ended} of {all} done"), None));
        }
        for (look, count) in board.tally() {
            parts.push((format!("{count} {}", look.word), Some(look.colour)));
        }
        match self.drawn.pace {
            Pace::Rests(_, seconds) if self.drawn.extent == Extent::Screen => {
                parts.push((format!("next in {seconds} s"), None));
                parts.push(("Ctrl-C ends".to_owned(), None));
            }
            _ if ended < all => {
                parts.push((format!("{} s", self.drawn.seconds), None));
                parts.push(("Ctrl-C cancels".to_owned(), None));
            }
            _ => {}
        }
        let plain: Vec<&str> = parts.iter().map(|(part, _)| part.as_str()).collect();
        let plain = plain.join(", ");
        if width(&plain) > self.drawn.columns {
            return cut(&plain, self.drawn.columns);
        }
        let painted: Vec<String> = parts
            .iter()
            .map(|(part, colour)| match colour {
                Some(colour) => self.paint(colour, part),
                None => part.clone(),
            })
            .collect();
        painted.join(", ")
    }

    fn dim(&self, text: &str) -> String {
        self.paint("2", &cut(text, self.drawn.columns))
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        match self.drawn.colour {
            Colour::Plain => text.to_owned(),
            Colour::Ansi => format!("\u{1b}[{colour}m{text}\u{1b}[0m"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{board, result};
    use super::*;
    use crate::domain::check::CheckStatus;

    const DRAWN: Drawn = Drawn {
        columns: 80,
        rows: 24,
        colour: Colour::Plain,
        extent: Extent::Screen,
        pace: Pace::Once,
        seconds: 3,
        turn: 0,
    };

    fn some() -> Board {
        let mut board = board(&["health", "tls-version", "backup"]);
        board.rows[0].description = Some("The service answers".to_owned());
        board.note(result("health", CheckStatus::Passed));
        let mut failed = result("tls-version", CheckStatus::Failed);
        failed.why = "`version >= \"TLS 1.3\"`: version is \"TLS 1.2\", expected it to be at least \"TLS 1.3\", as the \
                      security page has it"
            .to_owned();
        board.note(failed);
        board
    }

    #[test]
    fn while_it_runs_each_check_has_a_line_and_a_reason() {
        insta::assert_snapshot!(lines(&some(), &DRAWN).join("\n"), @r#"
        ✓ passed         health       The service answers         7 ms
        ✗ failed         tls-version                              7 ms
                         `version >= "TLS 1.3"`: version is "TLS 1.2", expected it to b…
        ◜ running        backup

        2 of 3 done, 1 passed, 1 failed, 3 s, Ctrl-C cancels
        "#);
    }

    #[test]
    fn the_last_one_tells_the_whole_reason() {
        let mut board = some();
        board.cancel_rest();
        let whole = Drawn {
            columns: 60,
            extent: Extent::Whole,
            ..DRAWN
        };
        insta::assert_snapshot!(lines(&board, &whole).join("\n"), @r#"
        ✓ passed         health       The service answ…         7 ms
        ✗ failed         tls-version                            7 ms
                         `version >= "TLS 1.3"`: version is "TLS
                         1.2", expected it to be at least "TLS 1.3",
                         as the security page has it
        - cancelled      backup
                         the run was cancelled before this check had
                         a result

        1 passed, 1 failed, 1 cancelled
        "#);
    }

    #[test]
    fn a_watch_shows_the_last_results() {
        let mut board = some();
        for status in [CheckStatus::Failed, CheckStatus::Passed] {
            board.note(result("health", status));
        }
        board.note(result("backup", CheckStatus::Error));
        let watched = Drawn {
            pace: Pace::Rests(3, 12),
            ..DRAWN
        };
        insta::assert_snapshot!(lines(&board, &watched).join("\n"), @r#"
        ✓ passed         health       The service answers         7 ms  ✓✗✓
        ✗ failed         tls-version                              7 ms    ✗
                         `version >= "TLS 1.3"`: version is "TLS 1.2", expected it to b…
        ! could not run  backup                                   7 ms    !
                         because

        round 3, 1 passed, 1 failed, 1 could not run, next in 12 s, Ctrl-C ends
        "#);
    }

    #[test]
    fn a_small_screen_shows_what_did_not_pass() {
        let names: Vec<String> = (0..30).map(|number| format!("check-{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut board = board(&names);
        for name in &names[..20] {
            board.note(result(name, CheckStatus::Passed));
        }
        board.note(result("check-25", CheckStatus::Failed));
        let small = Drawn { rows: 8, ..DRAWN };
        let lines = lines(&board, &small);
        assert!(lines.len() < small.rows, "{lines:#?}");
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("✗ failed         check-25")),
            "{lines:#?}"
        );
        insta::assert_snapshot!(lines.join("\n"), @"
        ◜ running        check-20
        ◜ running        check-21
        ✗ failed         check-25         7 ms
                         because
        … and 27 more checks, for which the screen has no room

        21 of 30 done, 20 passed, 1 failed, 3 s, Ctrl-C cancels
        ");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let mut board = some();
        board.rows[0].description = Some("日本".repeat(60));
        for columns in 1..120 {
            for extent in [Extent::Screen, Extent::Whole] {
                for pace in [Pace::Once, Pace::Rests(1, 30)] {
                    let drawn = Drawn {
                        columns,
                        extent,
                        pace,
                        ..DRAWN
                    };
                    for line in lines(&board, &drawn) {
                        // A reason has at least one column, and what is fixed stands before it.
                        assert!(width(&line) <= columns.max(15), "{columns}: {line:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn colours_stand_around_words_and_never_around_widths() {
        let coloured = Drawn {
            colour: Colour::Ansi,
            ..DRAWN
        };
        let plain = lines(&some(), &DRAWN);
        let stripped: Vec<String> = lines(&some(), &coloured)
            .iter()
            .map(|line| {
                regex::Regex::new("\u{1b}\\[[0-9;]*m")
                    .unwrap()
                    .replace_all(line, "")
                    .into_owned()
            })
            .collect();
        assert_eq!(stripped, plain);
    }
}
