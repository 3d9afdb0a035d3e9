//! The log: what happened, newest first.

use super::super::custom_id::Press;
use super::message::{Colour, Embed, Message, Style, limit};
use super::parts::button;
use super::told::log_line;
use super::words;
use crate::domain::deployment::Deployment;
use crate::domain::event::{Event, Recorded};

/// How many events a page has.
const PAGE: usize = 15;

/// A page of a deployment's events, which are given in the order they happened. Pages count from 0, the newest; one
/// beyond the last shows the last.
pub(crate) fn page(deployment: &Deployment, events: &[Recorded], page: usize) -> Message {
    if events.is_empty() {
        return Message::text("Nothing has happened yet.");
    }
    // An hour of observations that passed is one piece of news, which the check's result tells.
    let told: Vec<_> = events
        .iter()
        .filter(|recorded| !is_routine(&recorded.event))
        .collect();
    let pages = told.len().div_ceil(PAGE).max(1);
    let page = page.min(pages - 1);
    let shown: Vec<_> = told.iter().rev().skip(page * PAGE).take(PAGE).copied().collect();
    let left_out = match events.len() - told.len() {
        0 => String::new(),
        number => format!(" · {} left out", words::count(number, "passed observation")),
    };
    let span = match (shown.last(), shown.first()) {
        (Some(oldest), Some(newest)) => {
            format!("{} to {}", words::date(oldest.at), words::date(newest.at))
        }
        _ => String::new(),
    };
    let turn = |page: usize, text: &str| {
        button(
            &Press::Log {
                deployment: deployment.id,
                page,
            },
            text,
            Style::Secondary,
        )
    };
    Message {
        embed: Some(Embed {
            title: words::frame_title("Log · ", deployment),
            description: words::shrunk(&[120, 80, 50, 30, 15], limit::DESCRIPTION, |text| {
                let lines = shown.iter().map(|recorded| log_line(deployment, recorded, text));
                std::iter::once(span.clone())
                    .chain(lines)
                    .collect::<Vec<_>>()
                    .join("\n")
            }),
            colour: Colour::Grey,
            fields: Vec::new(),
            footer: format!(
                "Page {} of {pages} · {}{left_out} · {}",
                page + 1,
                words::count(told.len(), "event"),
                words::footer(deployment)
            ),
        }),
        ..Message::default()
    }
    .with_row([
        page.checked_sub(1).and_then(|newer| turn(newer, "← Newer")),
        (page + 1 < pages).then(|| turn(page + 1, "Older →")).flatten(),
    ])
}

/// Whether an event is one of many alike that say nothing new: an observation that passed as the one before it did.
fn is_routine(event: &Event) -> bool {
    matches!(event, Event::CheckObserved { result, number, .. } if *number > 1 && result.has_passed())
}
