//! What a program says, of which no more is kept than there is room for.

use std::collections::VecDeque;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// A program said more than any program has reason to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flood;

/// An output that is read to its end, of which the beginning and the end are kept.
pub(in crate::checks) struct Capped {
    half: usize,
    beginning: Vec<u8>,
    end: VecDeque<u8>,
    total: usize,
}

impl Capped {
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            half: bytes / 2,
            beginning: Vec::new(),
            end: VecDeque::new(),
            total: 0,
        }
    }

    /// Reads to the end, unless that is further than `most` bytes away.
    pub(super) async fn fill(
        &mut self,
        source: Option<&mut (impl AsyncRead + Unpin)>,
        most: usize,
    ) -> Result<(), Flood> {
        let Some(source) = source else { return Ok(()) };
        let mut chunk = vec![0; 64 << 10];
        // An error ends the output like its end does; what was read until then counts.
        while let Ok(length @ 1..) = source.read(&mut chunk).await {
            self.take(&chunk[..length]);
            if self.total > most {
                return Err(Flood);
            }
        }
        Ok(())
    }

    fn take(&mut self, chunk: &[u8]) {
        self.total += chunk.len();
        let room = self.half.saturating_sub(self.beginning.len()).min(chunk.len());
        self.beginning.extend_from_slice(&chunk[..room]);
        let rest = &chunk[room..];
        let kept = &rest[rest.len().saturating_sub(self.half)..];
        let over = (self.end.len() + kept.len()).saturating_sub(self.half);
        self.end.drain(..over);
        self.end.extend(kept);
    }

    pub(in crate::checks) fn left_out(&self) -> usize {
        self.total - self.beginning.len() - self.end.len()
    }

    /// What was kept. Where something was left out between the halves, the broken lines beside the gap go too, so
    /// that no half of a word is taken for a whole one.
    pub(in crate::checks) fn text(&self) -> String {
        let end: Vec<u8> = self.end.iter().copied().collect();
        if self.left_out() == 0 {
            return String::from_utf8_lossy(&[self.beginning.as_slice(), &end].concat()).into_owned();
        }
        let whole = self
            .beginning
            .iter()
            .rposition(|byte| *byte == b'\n')
            .unwrap_or(0);
        let next = end.iter().position(|byte| *byte == b'\n').unwrap_or(end.len());
        format!(
            "{}\n[… {} bytes left out …]{}",
            String::from_utf8_lossy(&self.beginning[..whole]),
            self.left_out() + (self.beginning.len() - whole) + next,
            String::from_utf8_lossy(&end[next..])
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_output_keeps_its_beginning_and_end_in_whole_lines() {
        let mut capped = Capped::new(20);
        for chunk in ["one\ntwo\nthree\n", "four\nfive\nsix\n", "seven\n"] {
            capped.take(chunk.as_bytes());
        }
        // Whether "six" is a whole line cannot be told any more, so it goes too.
        assert_eq!(capped.text(), "one\ntwo\n[… 20 bytes left out …]\nseven\n");
        assert_eq!(capped.left_out(), 14);
    }

    #[test]
    fn a_short_output_is_kept_whole() {
        let mut capped = Capped::new(20);
        capped.take("grün ".as_bytes());
        capped.take(&"ä\n".as_bytes()[..1]);
        capped.take(&"ä\n".as_bytes()[1..]);
        assert_eq!((capped.text().as_str(), capped.left_out()), ("grün ä\n", 0));
    }

    #[test]
    fn output_without_a_line_break_does_not_show_its_broken_halves() {
        let mut capped = Capped::new(8);
        capped.take(b"0123456789abcdef");
        assert_eq!(capped.text(), "\n[… 16 bytes left out …]");
    }
}
