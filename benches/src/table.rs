//! The table at the end: each figure, its floor, and whether the goal is met.

use std::fmt::Write as _;

/// How much worse than its goal a ratio may come out before the run fails. What is measured in the same round differs by
/// a few per cent on a machine that has other things to do.
const TOLERANCE: f64 = 0.15;

/// A figure.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) ours: String,
    pub(crate) floor: String,
    /// How ours stands to the floor, as it is shown.
    pub(crate) ratio: String,
    pub(crate) goal: Goal,
}

/// What a figure should come to.
pub(crate) enum Goal {
    /// A ratio that was measured within one run: at least this.
    AtLeast { limit: f64, seen: f64 },
    /// The same: at most this.
    AtMost { limit: f64, seen: f64 },
    /// A goal that a good machine shows to be reached or nearly, and that a disk or another program can put out of reach.
    /// What falls behind the gate has become worse than that explains, and fails the run; the rest is said to be open.
    Open { goal: Box<Goal>, gate: Box<Goal> },
    /// Something that was counted and not timed: at most this, without tolerance.
    Counted { words: String, limit: f64, seen: f64 },
    /// A time. It is compared, but the machine decides it as much as we do, so that it fails no run.
    Time { words: String, limit: f64, seen: f64 },
    /// None: the figure is for the reader.
    None,
    /// Could not be measured here.
    NotMeasured { words: String },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Met,
    WithinTolerance,
    Missed,
    Open,
    OverButOnlyShown,
    Shown,
    NotMeasured,
}

impl Goal {
    /// A ratio that should be at least `goal`, and fails the run below `gate`.
    pub(crate) fn at_least_with_gate(goal: f64, gate: f64, seen: f64) -> Self {
        Self::Open {
            goal: Box::new(Self::AtLeast { limit: goal, seen }),
            gate: Box::new(Self::AtLeast { limit: gate, seen }),
        }
    }

    /// An amount of memory in MiB that is to be at most `limit`.
    pub(crate) fn memory(limit: f64, seen: f64) -> Self {
        Self::Counted {
            words: format!("≤ {limit} MiB"),
            limit,
            seen,
        }
    }

    /// The same, where the run fails above `gate` only.
    pub(crate) fn memory_with_gate(goal: f64, gate: f64, seen: f64) -> Self {
        Self::Open {
            goal: Box::new(Self::memory(goal, seen)),
            gate: Box::new(Self::memory(gate, seen)),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::AtLeast { limit, .. } => format!("≥ {limit}×"),
            Self::AtMost { limit, .. } => format!("≤ {limit}×"),
            Self::Counted { words, .. } | Self::Time { words, .. } | Self::NotMeasured { words } => {
                words.clone()
            }
            Self::Open { goal, .. } => goal.words(),
            Self::None => "–".to_owned(),
        }
    }

    fn verdict(&self) -> Verdict {
        // How many times the goal is missed by; 1 and below is met.
        let (excess, tolerance) = match self {
            Self::AtLeast { limit, seen } => (limit / seen, TOLERANCE),
            Self::AtMost { limit, seen } => (seen / limit, TOLERANCE),
            Self::Counted { limit, seen, .. } => (seen / limit, 0.0),
            Self::Open { goal, gate } => {
                return match (goal.verdict(), gate.verdict()) {
                    (Verdict::Missed, Verdict::Missed) => Verdict::Missed,
                    (Verdict::Missed, _) => Verdict::Open,
                    (reached, _) => reached,
                };
            }
            Self::Time { limit, seen, .. } if seen > limit => return Verdict::OverButOnlyShown,
            Self::Time { .. } => return Verdict::Met,
            Self::None => return Verdict::Shown,
            Self::NotMeasured { .. } => return Verdict::NotMeasured,
        };
        if excess <= 1.0 {
            Verdict::Met
        } else if excess <= 1.0 + tolerance {
            Verdict::WithinTolerance
        } else {
            Verdict::Missed
        }
    }
}

impl Verdict {
    fn words(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::WithinTolerance => "within tolerance",
            Self::Missed => "MISSED",
            Self::Open => "not reached here",
            Self::OverButOnlyShown => "over (a time: shown, not gated)",
            Self::Shown => "–",
            Self::NotMeasured => "not measured",
        }
    }
}

/// Whether a goal was missed by more than the tolerance.
pub(crate) fn is_missed(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.goal.verdict() == Verdict::Missed)
}

/// The table, for a terminal.
pub(crate) fn render(rows: &[Row]) -> String {
    let head = ["figure", "ours", "floor", "ratio", "goal", "verdict"].map(str::to_owned);
    let lines: Vec<[String; 6]> = std::iter::once(head)
        .chain(rows.iter().map(|row| {
            [
                row.name.clone(),
                row.ours.clone(),
                row.floor.clone(),
                row.ratio.clone(),
                row.goal.words(),
                row.goal.verdict().words().to_owned(),
            ]
        }))
        .collect();
    let widths: Vec<usize> = (0..6)
        .map(|column| {
            lines
                .iter()
                .map(|line| line[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut table = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let fill = " ".repeat(width - cell.chars().count());
            // Words stand on the left, figures on the right. Writing to a string cannot fail.
            let _ = match column {
                0 | 5 => write!(table, "{cell}{fill}  "),
                _ => write!(table, "{fill}{cell}  "),
            };
        }
        table.truncate(table.trim_end().len());
        table.push('\n');
        if number == 0 {
            table.push_str(&"─".repeat(widths.iter().sum::<usize>() + 10));
            table.push('\n');
        }
    }
    let _ = writeln!(
        table,
        "\nA ratio may be {:.0} % worse than its goal before the run fails; what is counted may not be. Times say\n\
         something about this machine alone; what counts is how ours stands to the floor of the same run.",
        TOLERANCE * 100.0
    );
    table
}

/// A time as people write it.
pub(crate) fn time(seconds: f64) -> String {
    if seconds >= 1.0 {
        format!("{seconds:.2} s")
    } else if seconds >= 1e-3 {
        format!("{:.2} ms", seconds * 1e3)
    } else {
        format!("{:.2} µs", seconds * 1e6)
    }
}

/// How often a second.
pub(crate) fn rate(seconds_each: f64) -> String {
    format!("{:.0}/s", 1.0 / seconds_each)
}

/// A ratio as the table shows it.
pub(crate) fn times(ratio: f64) -> String {
    format!("{ratio:.2}×")
}
