//! A file in a person's hand.

use crate::rest::body::Upload;
use crate::world::StoredFile;

/// A file that a person gives to an option of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenFile {
    name: String,
    content_type: Option<String>,
    bytes: Vec<u8>,
}

impl GivenFile {
    /// A file by its name and content. The application is told no content type.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            content_type: None,
            bytes: bytes.into(),
        }
    }

    /// The same file with a content type, such as `text/markdown; charset=utf-8`.
    #[must_use]
    pub fn content_type(self, content_type: impl Into<String>) -> Self {
        Self {
            content_type: Some(content_type.into()),
            ..self
        }
    }

    /// The file as the client uploads it, under the number by which the option names it.
    pub(super) fn uploaded(&self, number: u64) -> Upload {
        Upload {
            index: Some(number),
            file: StoredFile {
                name: self.name.clone(),
                content_type: self.content_type.clone(),
                bytes: self.bytes.clone().into(),
            },
        }
    }
}
