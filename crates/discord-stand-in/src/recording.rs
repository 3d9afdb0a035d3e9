//! The record of every REST request.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;

/// One REST request and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordedRequest {
    /// When it came in, ISO 8601 in stand-in time.
    pub at: String,
    /// The HTTP method.
    pub method: String,
    /// The path as it was asked for, with `/api/v10` and without the query.
    pub path: String,
    /// The JSON body; of a multipart one its `payload_json`; null when there was none.
    pub body: Value,
    /// The status answered; none when the connection was cut instead.
    pub status: Option<u16>,
    /// The route by its template, such as `POST /channels/{channel}/messages`.
    pub name: String,
}

/// Keeps the newest requests, and all of them in a file when there is one.
#[derive(Debug)]
pub(crate) struct Recording {
    kept: Mutex<Kept>,
    limit: usize,
}

#[derive(Debug)]
struct Kept {
    requests: VecDeque<RecordedRequest>,
    file: Option<File>,
}

impl Recording {
    /// Opens the file for appending, when one is named.
    pub(crate) fn new(file: Option<&Path>, limit: usize) -> io::Result<Self> {
        let file = file
            .map(|path| OpenOptions::new().create(true).append(true).open(path))
            .transpose()?;
        Ok(Self {
            kept: Mutex::new(Kept {
                requests: VecDeque::new(),
                file,
            }),
            limit,
        })
    }

    pub(crate) fn add(&self, request: RecordedRequest) {
        let mut kept = self.locked();
        if let Some(file) = &mut kept.file {
            let line = serde_json::to_string(&request).unwrap_or_default() + "\n";
            if let Err(error) = file.write_all(line.as_bytes()) {
                tracing::warn!(%error, "the recording could not be written; it ends here");
                kept.file = None;
            }
        }
        kept.requests.push_back(request);
        while kept.requests.len() > self.limit {
            kept.requests.pop_front();
        }
    }

    pub(crate) fn all(&self) -> Vec<RecordedRequest> {
        self.locked().requests.iter().cloned().collect()
    }

    pub(crate) fn newest(&self, count: usize) -> Vec<RecordedRequest> {
        let kept = self.locked();
        let skipped = kept.requests.len().saturating_sub(count);
        kept.requests.iter().skip(skipped).cloned().collect()
    }

    fn locked(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
