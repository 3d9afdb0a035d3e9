//! Parameters of the `github` probe.

/// Parameters of a question to GitHub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GithubProbe {
    /// Owner and name, as `acme/portal`.
    pub repository: String,
    /// What is asked.
    pub question: GithubQuestion,
    /// A token that may read it.
    pub token: Option<String>,
    /// The base of the API.
    pub base_url: String,
}

/// What can be asked about a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GithubQuestion {
    /// The check runs of a commit, branch or tag.
    Checks {
        /// The commit, branch or tag.
        reference: String,
        /// The runs that count; all of them when empty.
        names: Vec<String>,
    },
    /// The last run of a workflow.
    Workflow {
        /// Its file in `.github/workflows`, as `deploy.yml`.
        file: String,
        /// The branch it ran on; any when there is none.
        branch: Option<String>,
    },
    /// How far a branch is from another.
    Compare {
        /// The other one.
        base: String,
        /// The one that is ahead or behind.
        head: String,
    },
    /// Open security alerts.
    Alerts {
        /// Whose.
        source: GithubAlerts,
        /// The branch, tag or pull request; the default branch when there is none.
        reference: Option<String>,
    },
}

/// Who raises alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GithubAlerts {
    /// Code scanning.
    CodeScanning,
    /// Dependabot.
    Dependabot,
}
