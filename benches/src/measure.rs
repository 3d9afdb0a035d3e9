//! Measuring two things side by side on a machine that has other things to do.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// Ours and the floor, each in seconds an operation, and how they stand to each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paired {
    pub(crate) ours: f64,
    pub(crate) floor: f64,
    /// Ours divided by the floor: the median over the rounds, in each of which the two stand next to each other, so
    /// that what slows the machine down slows both.
    pub(crate) ratio: f64,
}

impl Paired {
    /// How fast ours is, the floor being 1.
    pub(crate) fn speed(self) -> f64 {
        1.0 / self.ratio
    }
}

/// Measures in rounds, ours and the floor in turns, after one round that does not count.
pub(crate) async fn paired(
    rounds: usize,
    mut ours: impl AsyncFnMut() -> Result<f64>,
    mut floor: impl AsyncFnMut() -> Result<f64>,
) -> Result<Paired> {
    let mut all = Vec::with_capacity(rounds);
    for round in 0..=rounds {
        // Who goes first changes, so that neither always finds the other's dirt.
        let pair = if round % 2 == 0 {
            let ours = ours().await?;
            (ours, floor().await?)
        } else {
            let floor = floor().await?;
            (ours().await?, floor)
        };
        if round > 0 {
            all.push(pair);
        }
    }
    Ok(Paired {
        ours: median(all.iter().map(|(ours, _)| *ours).collect())?,
        floor: median(all.iter().map(|(_, floor)| *floor).collect())?,
        ratio: median(all.iter().map(|(ours, floor)| ours / floor).collect())?,
    })
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> Result<f64> {
    values.sort_by(f64::total_cmp);
    values
        .get(values.len() / 2)
        .copied()
        .context("nothing was measured")
}

/// The least: what it takes when nothing is in the way.
pub(crate) fn least(values: impl IntoIterator<Item = f64>) -> Result<f64> {
    values
        .into_iter()
        .min_by(f64::total_cmp)
        .context("nothing was measured")
}

/// Seconds that one of `operations` takes.
pub(crate) fn each(operations: usize, work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let begun = Instant::now();
    work()?;
    Ok(per(begun.elapsed(), operations))
}

/// Seconds an operation.
pub(crate) fn per(elapsed: Duration, operations: usize) -> f64 {
    elapsed.as_secs_f64() / operations as f64
}
