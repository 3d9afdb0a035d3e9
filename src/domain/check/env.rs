//! Parameters of the `env` probe.

/// Parameters of a look at environment variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvProbe {
    /// Where the variables are.
    pub source: EnvSource,
    /// Must be there and not empty.
    pub required: Vec<EnvVariable>,
    /// Reported when missing, without failing.
    pub recommended: Vec<EnvVariable>,
    /// Looked at only when there.
    pub optional: Vec<EnvVariable>,
    /// Another file in `.env` form, in which every required variable must have another value.
    pub differs_from: Option<String>,
    /// A file in `.env` form whose names must all be there, such as `.env.example`.
    pub template: Option<String>,
}

/// Where variables are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EnvSource {
    /// The bot's own environment.
    #[default]
    Bot,
    /// A file in `.env` form, relative to the bot's working directory.
    File(String),
    /// What a program says in `.env` form: the program and its arguments.
    Command(Vec<String>),
}

/// An environment variable and the forms its value must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvVariable {
    /// Its name.
    pub name: String,
    /// The forms of its value, all of which it must have.
    pub formats: Vec<EnvFormat>,
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
    /// Is the value of this other variable.
    SameAs(String),
    /// Matches this regular expression somewhere; `^` and `$` hold it to the whole.
    Matches(String),
    /// At least this many characters.
    MinLength(usize),
    /// Decodes from base64 to a JSON document.
    Base64Json,
    /// A whole number.
    Integer,
}
