//! Parameters of the `command` probe.

/// Parameters of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandProbe {
    /// The program and its arguments; never a shell line.
    pub run: Vec<String>,
    /// Its working directory.
    pub cwd: Option<String>,
    /// A regular expression whose named groups are observed, searched in standard output, then standard error.
    pub capture: Option<String>,
}
