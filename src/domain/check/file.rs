//! Parameters of the `file` probe.

/// Parameters of a look at files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileProbe {
    /// A path, or a glob such as `backups/*.sql.gz`, relative to the bot's working directory.
    pub path: String,
    /// Globs of files that a glob is not meant to match: of names, or of whole paths where they have a `/`.
    pub exclude: Vec<String>,
    /// How the content is written; else its name's ending tells.
    pub format: Option<FileFormat>,
}

/// How a file's content is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// JSON (RFC 8259).
    Json,
    /// TOML 1.0.
    Toml,
    /// YAML 1.2. Several documents are a list of them.
    Yaml,
}

impl FileFormat {
    /// As it is written in a checklist.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Toml => "toml",
            Self::Yaml => "yaml",
        }
    }
}
