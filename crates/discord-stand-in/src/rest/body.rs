//! Request bodies: JSON, or `multipart/form-data` with `payload_json` and `files[n]`.

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::BYTES;
use super::error::ApiError;
use crate::snowflake::Snowflake;
use crate::world::given::MAX_FILE_BYTES;
use crate::world::{StoredFile, World};

/// How many files a message can have.
const MAX_FILES: usize = 10;

/// A request's body.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) json: Value,
    pub(crate) files: Vec<Upload>,
}

/// A file of a multipart body.
#[derive(Debug)]
pub(crate) struct Upload {
    /// The `n` of `files[n]`.
    pub(crate) index: Option<u64>,
    pub(crate) file: StoredFile,
}

/// One part of a multipart body.
struct Part<'a> {
    name: String,
    file_name: Option<String>,
    content_type: Option<String>,
    content: &'a [u8],
}

impl Body {
    /// Reads a body by its content type. No body is null.
    pub(crate) fn read(headers: &HeaderMap, bytes: &Bytes) -> Result<Self, ApiError> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let kind = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if let Some(boundary) = kind
            .strip_prefix("multipart/form-data")
            .and_then(|rest| rest.split("boundary=").nth(1))
        {
            return Self::multipart(boundary.split(';').next().unwrap_or_default(), bytes);
        }
        if !kind.is_empty() && !kind.starts_with("application/json") {
            return Err(ApiError::bad_request());
        }
        Ok(Self {
            json: serde_json::from_slice(bytes).map_err(|_| ApiError::invalid_json())?,
            files: Vec::new(),
        })
    }

    /// Gives the files the names that the body's `attachments` have for them, in which every letter comes through.
    pub(crate) fn rename_files(&mut self) {
        let listed = self.json["attachments"].as_array().map_or(&[][..], Vec::as_slice);
        for upload in &mut self.files {
            let name = upload
                .listed_in(listed)
                .and_then(|entry| entry["filename"].as_str());
            if let Some(name) = name {
                upload.file.name = name.to_owned();
            }
        }
    }

    fn multipart(boundary: &str, bytes: &Bytes) -> Result<Self, ApiError> {
        let mut body = Self::default();
        for part in parts(boundary.trim_matches('"'), bytes)? {
            if part.name == "payload_json" {
                body.json = serde_json::from_slice(part.content).map_err(|_| ApiError::invalid_json())?;
            } else if let Some(file_name) = part.file_name {
                if part.content.len() > MAX_FILE_BYTES || body.files.len() == MAX_FILES {
                    return Err(ApiError::request_too_large());
                }
                let index = part
                    .name
                    .strip_prefix("files[")
                    .and_then(|rest| rest.strip_suffix(']'))
                    .and_then(|number| number.parse().ok());
                let content_type = part.content_type.or_else(|| Some(BYTES.to_owned()));
                body.files.push(Upload {
                    index,
                    file: StoredFile {
                        name: file_name,
                        content_type,
                        bytes: bytes.slice_ref(part.content),
                    },
                });
            }
        }
        Ok(body)
    }
}

impl World {
    /// Keeps the uploaded files and describes them as attachments. The body's own list names those kept from before.
    pub(crate) fn store_files(
        &mut self,
        channel: Snowflake,
        listed: &Value,
        files: &[Upload],
        before: &[Value],
    ) -> Vec<Value> {
        let listed = listed.as_array().map_or(&[][..], Vec::as_slice);
        let mut attachments: Vec<Value> = before
            .iter()
            .filter(|old| {
                let id = old["id"].as_str().unwrap_or_default();
                listed.iter().any(|entry| names(&entry["id"], id))
            })
            .cloned()
            .collect();
        for upload in files {
            let id = self.new_id();
            let entry = upload.listed_in(listed);
            let name = entry
                .and_then(|entry| entry["filename"].as_str())
                .unwrap_or(&upload.file.name)
                .replace(['/', ' '], "_");
            let url = format!("{}/attachments/{channel}/{id}/{name}", self.base);
            let mut attachment = json!({
                "id": id,
                "filename": name,
                "size": upload.file.bytes.len(),
                "url": url,
                "proxy_url": url,
                "content_type": upload.file.content_type,
            });
            if let Some(description) = entry.and_then(|entry| entry["description"].as_str()) {
                attachment["description"] = json!(description);
            }
            attachments.push(attachment);
            let stored = StoredFile {
                name,
                ..upload.file.clone()
            };
            self.files.insert(id, stored);
        }
        attachments
    }
}

impl Upload {
    /// What a body's `attachments` say of this file.
    fn listed_in<'a>(&self, listed: &'a [Value]) -> Option<&'a Value> {
        let number = self.index?.to_string();
        listed.iter().find(|entry| names(&entry["id"], &number))
    }
}

/// Whether an id of a body's `attachments`, a text or a number, is this one.
fn names(id: &Value, number: &str) -> bool {
    match id {
        Value::String(id) => id == number,
        other => other.as_u64().is_some_and(|id| number.parse() == Ok(id)),
    }
}

/// Takes a multipart body apart (RFC 7578).
fn parts<'a>(boundary: &str, bytes: &'a [u8]) -> Result<Vec<Part<'a>>, ApiError> {
    let delimiter = format!("--{boundary}");
    let mut rest = find(bytes, delimiter.as_bytes())
        .map(|at| &bytes[at + delimiter.len()..])
        .ok_or_else(ApiError::bad_request)?;
    let next = format!("\r\n{delimiter}");
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let body = rest.strip_prefix(b"\r\n").ok_or_else(ApiError::bad_request)?;
        let end = find(body, next.as_bytes()).ok_or_else(ApiError::bad_request)?;
        parts.push(part(&body[..end])?);
        rest = &body[end + next.len()..];
    }
    Ok(parts)
}

fn part(bytes: &[u8]) -> Result<Part<'_>, ApiError> {
    let head_end = find(bytes, b"\r\n\r\n").ok_or_else(ApiError::bad_request)?;
    let head = String::from_utf8_lossy(&bytes[..head_end]);
    let header = |wanted: &str| {
        head.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim().to_owned())
    };
    let disposition = header("content-disposition").ok_or_else(ApiError::bad_request)?;
    let parameter = |wanted: &str| {
        disposition
            .split(';')
            .filter_map(|piece| piece.trim().split_once('='))
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| value.trim_matches('"').to_owned())
    };
    Ok(Part {
        name: parameter("name").ok_or_else(ApiError::bad_request)?,
        file_name: parameter("filename"),
        content_type: header("content-type"),
        content: &bytes[head_end + 4..],
    })
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
