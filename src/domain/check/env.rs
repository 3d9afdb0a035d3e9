//! Parameters of the `env` probe.

/// Parameters of a look at environment variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvProbe {
    /// A file in `.env` form, relative to the bot's working directory; else the bot's own environment.
    pub file: Option<String>,
    /// Must be there and not empty.
    pub required: Vec<EnvVariable>,
    /// Reported when missing, without failing.
    pub recommended: Vec<EnvVariable>,
    /// Looked at only when there.
    pub optional: Vec<EnvVariable>,
}

/// An environment variable and the form its value must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvVariable {
    /// Its name.
    pub name: String,
    /// The form of its value.
    pub format: Option<EnvFormat>,
}

/// Forms a value can be held to without being shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvFormat {
    /// An absolute URL; with a scheme, of that scheme.
    Url(Option<String>),
    /// This many hexadecimal digits.
    Hex(usize),
    /// Begins with this text.
    Prefix(String),
    /// Is this text.
    Equals(String),
    /// At least this many characters.
    MinLength(usize),
    /// Decodes from base64 to a JSON document.
    Base64Json,
    /// A whole number.
    Integer,
}
