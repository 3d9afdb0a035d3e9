//! Reading Markdown, beside pulldown-cmark alone on the same text with the same extensions.

use std::hint::black_box;

use anyhow::Result;
use holdpoint::domain::ids::ChecklistName;
use holdpoint::markdown;
use pulldown_cmark::{Options, Parser};

use crate::Effort;
use crate::fixture;
use crate::measure::{Paired, each, paired};
use crate::table::{Goal, Row, time, times};

/// Items of the large document.
const MANY: usize = 1501;

pub(crate) async fn rows(effort: Effort) -> Result<Vec<Row>> {
    let documents = fixture::five_documents()?;
    let bytes: usize = documents.iter().map(String::len).sum();
    let five = compare(&documents, effort.rounds(200), 2).await?;
    let large = [fixture::markdown_of(MANY)];
    let many = compare(&large, effort.rounds(60), 1).await?;
    let speed = |seconds: f64| format!("{:.0} MB/s", bytes as f64 / seconds / 1e6);
    Ok(vec![
        Row {
            name: format!(
                "parse: {} checklists, beside pulldown-cmark alone",
                documents.len()
            ),
            ours: speed(five.ours),
            floor: speed(five.floor),
            ratio: times(five.speed()),
            goal: Goal::AtLeast {
                limit: 0.5,
                seen: five.speed(),
            },
        },
        Row {
            name: format!("parse: one document of {MANY} items"),
            ours: time(many.ours),
            floor: time(many.floor),
            ratio: times(many.speed()),
            goal: Goal::Time {
                words: "≤ 20 ms".to_owned(),
                limit: 20e-3,
                seen: many.ours,
            },
        },
    ])
}

async fn compare(documents: &[String], rounds: usize, repeats: usize) -> Result<Paired> {
    let name = ChecklistName::new("bench");
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
    paired(
        rounds,
        async || {
            each(repeats, || {
                for _ in 0..repeats {
                    for document in documents {
                        black_box(markdown::parse(&name, black_box(document.as_bytes())));
                    }
                }
                Ok(())
            })
        },
        async || {
            each(repeats, || {
                for _ in 0..repeats {
                    for document in documents {
                        for event in Parser::new_ext(black_box(document), options).into_offset_iter() {
                            black_box(event);
                        }
                    }
                }
                Ok(())
            })
        },
    )
    .await
}
