//! A part of the terminal that is drawn over in place.

use std::io::{self, Write};
use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;

use super::text::width;

/// What a terminal is taken to have that does not say: that of a DEC VT100.
const USUAL: (usize, usize) = (80, 24);

/// The last lines of a terminal, which are drawn over.
#[derive(Debug)]
pub(super) struct Screen {
    /// How wide the lines are that stand there now.
    drawn: Vec<usize>,
}

impl Screen {
    /// Nothing drawn yet.
    pub(super) fn new() -> Self {
        Self { drawn: Vec::new() }
    }

    /// Draws lines in place of those drawn before. `widths` says how wide they look.
    pub(super) fn draw(&mut self, out: &mut impl Write, lines: &[String], columns: usize) -> io::Result<()> {
        // Written at once, and the cursor hidden meanwhile, so that nobody sees it half done.
        let mut frame = String::from("\u{1b}[?25l");
        self.go_back(&mut frame, columns);
        for line in lines {
            frame.push_str(line);
            frame.push_str("\u{1b}[K\n");
        }
        frame.push_str("\u{1b}[J\u{1b}[?25h");
        self.drawn = lines.iter().map(|line| visible(line)).collect();
        out.write_all(frame.as_bytes())?;
        out.flush()
    }

    /// Takes away what was drawn.
    pub(super) fn clear(&mut self, out: &mut impl Write, columns: usize) -> io::Result<()> {
        if self.drawn.is_empty() {
            return Ok(());
        }
        self.draw(out, &[], columns)
    }

    /// Moves the cursor up to where the drawing began. A terminal made narrower since has broken lines in two.
    fn go_back(&self, frame: &mut String, columns: usize) {
        let up: usize = self
            .drawn
            .iter()
            .map(|wide| wide.div_ceil(columns.max(1)).max(1))
            .sum();
        frame.push('\r');
        if up > 0 {
            let move_up = format!("\u{1b}[{up}A");
            frame.push_str(&move_up);
        }
    }
}

/// How many columns and rows a terminal has.
pub(super) fn size(terminal: impl AsFd) -> (usize, usize) {
    match tcgetwinsize(terminal) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
        Ok(_) | Err(_) => USUAL,
    }
}

/// How wide a line looks, its colours left out.
fn visible(line: &str) -> usize {
    let mut wide = 0;
    for (index, part) in line.split('\u{1b}').enumerate() {
        let text = if index == 0 {
            part
        } else {
            part.split_once('m').map_or("", |(_, text)| text)
        };
        wide += width(text);
    }
    wide
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_drawing_goes_over_the_first() {
        let mut screen = Screen::new();
        let mut out = Vec::new();
        let lines = ["one".to_owned(), "\u{1b}[32mtwo\u{1b}[0m".to_owned()];
        screen.draw(&mut out, &lines, 80).unwrap();
        assert!(!String::from_utf8_lossy(&out).contains("[0A"));
        out.clear();
        screen.draw(&mut out, &lines[..1], 80).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&out),
            "\u{1b}[?25l\r\u{1b}[2Aone\u{1b}[K\n\u{1b}[J\u{1b}[?25h"
        );
        out.clear();
        screen.clear(&mut out, 2).unwrap();
        let cleared = String::from_utf8_lossy(&out).into_owned();
        assert!(
            cleared.contains("\u{1b}[2A"),
            "the terminal has broken the line in two: {cleared:?}"
        );
    }
}
