//! Telling a run as it goes: a live table, lines, or a document at the end.

use std::io::{self, IsTerminal as _, Stdout, Write as _};
use std::path::PathBuf;
use std::time::Instant;

use super::board::{Board, News, Row};
use super::junit::{self, Span};
use super::screen::{Screen, size};
use super::table::{self, Drawn, Extent, Pace};
use super::text::{cut, printable, took};
use super::{Again, json};
use crate::app::checklists::colour_for;
use crate::cli::CheckFormat;
use crate::domain::checklist::Checklist;

/// Tells a run.
pub(super) struct Teller {
    form: Form,
    again: Again,
    file: PathBuf,
    round: usize,
    began: Instant,
    turn: usize,
    /// Whether somebody still reads what is told.
    out: Out,
}

enum Form {
    /// A table that is drawn over in place.
    Table(Screen),
    /// A line for each check that has ended.
    Lines,
    /// A JSON object at the end of a round, and how far it is on standard error where that is a terminal.
    Json(Option<Screen>),
    /// A report at the end, likewise.
    Junit(Option<Screen>),
}

/// Standard output, until nobody reads it any more: that is no error, and the exit code still tells.
struct Out {
    stdout: Stdout,
    open: bool,
}

impl Teller {
    /// Chooses the form: a table is for a terminal that can move its cursor.
    pub(super) fn new(format: CheckFormat, again: Again, file: PathBuf) -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|kind| kind.is_empty() || kind == "dumb");
        let progress = || (io::stderr().is_terminal() && !dumb).then(Screen::new);
        let form = match format {
            CheckFormat::Text if io::stdout().is_terminal() && !dumb => Form::Table(Screen::new()),
            CheckFormat::Text => Form::Lines,
            CheckFormat::Json => Form::Json(progress()),
            CheckFormat::Junit => Form::Junit(progress()),
        };
        Self {
            form,
            again,
            file,
            round: 0,
            began: Instant::now(),
            turn: 0,
            out: Out {
                stdout: io::stdout(),
                open: true,
            },
        }
    }

    /// Whether anything moves while nothing happens.
    pub(super) fn is_live(&self) -> bool {
        matches!(
            self.form,
            Form::Table(_) | Form::Json(Some(_)) | Form::Junit(Some(_))
        )
    }

    /// Whether nobody reads any more.
    pub(super) fn is_unread(&self) -> bool {
        !self.out.open
    }

    /// A round begins.
    pub(super) fn begin(&mut self, board: &Board) -> io::Result<()> {
        self.round += 1;
        self.began = Instant::now();
        self.redraw(board, None)
    }

    /// A check has ended.
    pub(super) fn ended(&mut self, row: &Row, news: News) -> io::Result<()> {
        if !matches!(self.form, Form::Lines) || (self.round > 1 && news == News::Same) {
            return Ok(());
        }
        let line = self.line(row);
        self.out.say(&line)
    }

    /// Draws again what moves. `rests` are the seconds until the next round, between two.
    pub(super) fn redraw(&mut self, board: &Board, rests: Option<u64>) -> io::Result<()> {
        self.turn += 1;
        let pace = match (self.again, rests) {
            (Again::No, _) => Pace::Once,
            (Again::Yes, None) => Pace::Round(self.round),
            (Again::Yes, Some(seconds)) => Pace::Rests(self.round, seconds),
        };
        let (turn, seconds) = (self.turn, self.began.elapsed().as_secs());
        match &mut self.form {
            Form::Table(screen) => {
                let (columns, rows) = size(io::stdout());
                let drawn = Drawn {
                    columns,
                    rows,
                    colour: colour_for(&io::stdout()),
                    extent: Extent::Screen,
                    pace,
                    seconds,
                    turn,
                };
                let lines = table::lines(board, &drawn);
                let drawn = screen.draw(&mut self.out.stdout, &lines, columns);
                self.out.unless_closed(drawn)
            }
            Form::Json(Some(screen)) | Form::Junit(Some(screen)) => {
                let (columns, _) = size(io::stderr());
                let line = match pace {
                    Pace::Rests(round, seconds) => format!("round {round} has ended, next in {seconds} s"),
                    Pace::Once | Pace::Round(_) => {
                        format!(
                            "{} of {} checks done, {seconds} s",
                            board.ended(),
                            board.rows.len()
                        )
                    }
                };
                screen.draw(&mut io::stderr(), &[cut(&line, columns)], columns)
            }
            Form::Lines | Form::Json(None) | Form::Junit(None) => Ok(()),
        }
    }

    /// The round that began last ended before its end, and is not told.
    pub(super) fn take_back(&mut self) {
        self.round -= 1;
    }

    /// A round has ended. `changed` says whether anything in it is news.
    pub(super) fn end(
        &mut self,
        board: &Board,
        checklist: &Checklist,
        span: Span,
        changed: News,
    ) -> anyhow::Result<()> {
        let document = match &mut self.form {
            // The table of a watch stays on the screen, and is told whole when it ends.
            Form::Table(_) => return Ok(()),
            Form::Lines if changed == News::Same => return Ok(()),
            Form::Lines => format!("{}\n", board.summary()),
            Form::Json(progress) => {
                take_away(progress)?;
                let document = json::document(&self.file, board, span.milliseconds)?;
                match self.again {
                    Again::No => format!("{document:#}\n"),
                    Again::Yes => format!("{document}\n"),
                }
            }
            Form::Junit(progress) => {
                take_away(progress)?;
                junit::document(&self.file, checklist, board, span)?
            }
        };
        self.out.say(&document)?;
        Ok(())
    }

    /// The run has ended: what was drawn over gives way to what stays.
    pub(super) fn finish(&mut self, board: &Board) -> io::Result<()> {
        match &mut self.form {
            Form::Table(screen) => {
                let (columns, rows) = size(io::stdout());
                let cleared = screen.clear(&mut self.out.stdout, columns);
                self.out.unless_closed(cleared)?;
                let drawn = Drawn {
                    columns,
                    rows,
                    colour: colour_for(&io::stdout()),
                    extent: Extent::Whole,
                    pace: match self.again {
                        Again::No => Pace::Once,
                        Again::Yes => Pace::Round(self.round),
                    },
                    seconds: self.began.elapsed().as_secs(),
                    turn: self.turn,
                };
                let whole = table::lines(board, &drawn).join("\n") + "\n";
                self.out.say(&whole)
            }
            Form::Json(progress) | Form::Junit(progress) => take_away(progress),
            Form::Lines => Ok(()),
        }
    }

    /// One check as a line of its own.
    fn line(&self, row: &Row) -> String {
        let Some(look) = row.look() else {
            return String::new();
        };
        let at = match (self.again, row.result()) {
            (Again::Yes, Some(result)) => result.at.strftime("%Y-%m-%dT%H:%M:%SZ ").to_string(),
            (Again::No, _) | (_, None) => String::new(),
        };
        let time = row
            .result()
            .map(|result| format!(" ({})", took(result.duration_ms)))
            .unwrap_or_default();
        let why = row
            .why_told()
            .map(|why| format!(": {}", printable(why)))
            .unwrap_or_default();
        let earlier = if self.round > 1 {
            format!(" [{}]", row.sparkline())
        } else {
            String::new()
        };
        format!("{at}{} {} {}{time}{why}{earlier}\n", look.sign, look.word, row.id)
    }
}

impl Out {
    fn say(&mut self, text: &str) -> io::Result<()> {
        if !self.open {
            return Ok(());
        }
        let said = self
            .stdout
            .write_all(text.as_bytes())
            .and_then(|()| self.stdout.flush());
        self.unless_closed(said)
    }

    /// Notes that nobody reads any more, which is no error.
    fn unless_closed(&mut self, said: io::Result<()>) -> io::Result<()> {
        match said {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.open = false;
                Ok(())
            }
            said => said,
        }
    }
}

fn take_away(progress: &mut Option<Screen>) -> io::Result<()> {
    match progress {
        Some(screen) => screen.clear(&mut io::stderr(), size(io::stderr()).0),
        None => Ok(()),
    }
}
