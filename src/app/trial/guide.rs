//! What a trial tells a newcomer: on the terminal, and on the page above the first message.

use std::io::{self, Write};

use discord_stand_in::Welcome;

use super::place::{Place, Stay};

/// What the page says before anything has happened.
pub(super) fn welcome() -> Welcome {
    Welcome {
        text: WELCOME.to_owned(),
        command: "deploy start".to_owned(),
    }
}

/// Says on the terminal where the page is, what to do there, and what becomes of it.
pub(super) fn announce(out: &mut impl Write, page: &str, place: &Place, kept: Kept) -> io::Result<()> {
    writeln!(out, "Holdpoint is ready to try at {page}\n")?;
    writeln!(
        out,
        "  1. Open it in a browser. You are Mara, who runs the release."
    )?;
    writeln!(out, "  2. Type /deploy start, and choose friday-release.")?;
    writeln!(out, "  3. The page says what comes next. Ctrl-C here stops it.\n")?;
    match place.stay() {
        Stay::Forgotten => {
            writeln!(
                out,
                "Nothing is kept after the end; holdpoint try --data DIR keeps it."
            )?;
        }
        Stay::Kept => writeln!(
            out,
            "Deployments, owners and checklists are kept in {}; what is said in the channels is not.",
            place.directory().display()
        )?,
    }
    if kept.all > 0 {
        let (are, them) = match kept.all {
            1 => ("1 deployment is".to_owned(), "it"),
            all => (format!("{all} deployments are"), "them"),
        };
        writeln!(
            out,
            "{are} here from earlier tries, {} still running: /deploy list shows {them} (which: all for those that have\n\
             ended). Their threads are gone; the option deployment names one from any channel, as in /deploy status.",
            kept.running,
        )?;
    }
    out.flush()
}

/// How many deployments of earlier trials there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    /// All of them.
    pub(super) all: usize,
    /// Those that have not ended.
    pub(super) running: usize,
}

const WELCOME: &str = "\
You are **Mara**, who runs the release. Everything here runs on this machine alone. Five minutes to play:

1. Type `/deploy start`, choose **friday-release**, and give version `2.4.1` and environment `production`. A thread opens with the board.
2. In the thread, `/deploy check`. One check fails: turn on **Demo database** at the top (on a phone: **Clock**), then press **Run failed again**.
3. Do the rest with `/deploy tick`, or with the board's buttons and menu.
4. Become **Theo**, **Quinn** and **Petra** below, and sign their cards with ✅. Or move the clock ahead, and see who is pinged.
5. As Mara again: `/deploy go`, tick what is left, and `/deploy finish` for the report.";
