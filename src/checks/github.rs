//! The `github` probe: what GitHub says about a repository's check runs, workflows, branches and security alerts.
//!
//! Lists are read page by page up to a bound, and only from the server that was asked first: the token goes nowhere
//! else. Names, versions and limits are those of GitHub's REST API, version 2022-11-28.

mod alerts;
mod answers;
mod runs;

use hyper::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::Value;
use url::Url;

use super::exchange::{self, Answer};
use super::observation::Kind;
use super::probe::{Hindrance, Run, Seen};
use super::reach::Place;
use super::template::{self, Written};
use super::wire::Caller;
use crate::domain::check::{GithubProbe, GithubQuestion};

/// The most pages of a list that are read.
const PAGES: usize = 10;

/// Names that a condition may use; they depend on what is asked.
pub(super) fn names(probe: &GithubProbe) -> &'static [(&'static str, Kind)] {
    match probe.question {
        GithubQuestion::Checks { .. } => &runs::CHECK_NAMES,
        GithubQuestion::Workflow { .. } => &runs::WORKFLOW_NAMES,
        GithubQuestion::Compare { .. } => &runs::COMPARE_NAMES,
        GithubQuestion::Alerts { .. } => &alerts::NAMES,
    }
}

/// What is wrong with the parameters, as far as can be told beforehand.
pub(super) fn flaws(probe: &GithubProbe) -> Vec<String> {
    let mut found = Vec::new();
    if template::placeholders(&probe.repository).is_empty() && owner_and_name(&probe.repository).is_none() {
        found.push(no_repository(&probe.repository));
    }
    found.extend(exchange::url_flaw(
        &probe.base_url,
        "base_url",
        "https://github.example/api/v3",
    ));
    if probe
        .token
        .as_ref()
        .is_some_and(|token| template::placeholders(token).is_empty())
    {
        found.push(
            "`token` must not stand in the checklist; declare a secret variable and write it as in \"{{ github_token }}\""
                .to_owned(),
        );
    }
    found
}

/// The texts that may name variables.
pub(super) fn texts(probe: &GithubProbe) -> Vec<&str> {
    let mut texts = vec![probe.repository.as_str(), probe.base_url.as_str()];
    texts.extend(probe.token.as_deref());
    match &probe.question {
        GithubQuestion::Checks { reference, names } => {
            texts.push(reference);
            texts.extend(names.iter().map(String::as_str));
        }
        GithubQuestion::Workflow { file, branch } => {
            texts.push(file);
            texts.extend(branch.as_deref());
        }
        GithubQuestion::Compare { base, head } => texts.extend([base.as_str(), head.as_str()]),
        GithubQuestion::Alerts { reference, .. } => texts.extend(reference.as_deref()),
    }
    texts
}

/// Asks GitHub.
pub(super) async fn probe(
    run: &Run<'_>,
    caller: &Caller<'_>,
    probe: &GithubProbe,
) -> Result<Seen, Hindrance> {
    let api = Api::new(run, caller, probe)?;
    match &probe.question {
        GithubQuestion::Checks { reference, names } => runs::checks(&api, reference, names).await,
        GithubQuestion::Workflow { file, branch } => runs::workflow(&api, file, branch.as_deref()).await,
        GithubQuestion::Compare { base, head } => runs::compare(&api, base, head).await,
        GithubQuestion::Alerts { source, reference } => {
            alerts::alerts(&api, *source, reference.as_deref()).await
        }
    }
}

/// A repository's part of the API.
struct Api<'a> {
    run: &'a Run<'a>,
    caller: &'a Caller<'a>,
    probe: &'a GithubProbe,
    /// `BASE/repos/OWNER/NAME`.
    base: Url,
    /// Owner and name, for sentences.
    repository: String,
    headers: HeaderMap,
}

/// The entries of a list, as far as they were read.
struct List {
    entries: Vec<Value>,
    /// Whether there are no more.
    complete: bool,
    /// How many there are, where the answer says so.
    total: Option<u64>,
}

impl<'a> Api<'a> {
    fn new(run: &'a Run<'a>, caller: &'a Caller<'a>, probe: &'a GithubProbe) -> Result<Self, Hindrance> {
        let repository = run.expand(&probe.repository)?;
        let (owner, name) =
            owner_and_name(&repository).ok_or_else(|| Hindrance::new(no_repository(&repository)))?;
        let base = exchange::url(run, &probe.base_url, "base_url")?;
        let base = exchange::below(&base, ["repos", owner, name]);
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/vnd.github+json"));
        headers.insert("x-github-api-version", HeaderValue::from_static("2022-11-28"));
        if let Some(token) = &probe.token {
            let mut value =
                HeaderValue::from_str(&format!("Bearer {}", run.expand(token)?.trim())).map_err(|_| {
                    Hindrance::new("the token has a character that no token has; check its variable")
                })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(Self {
            run,
            caller,
            probe,
            base,
            repository: repository.into_owned(),
            headers,
        })
    }

    /// The URL of what lies below the repository.
    fn url<'b>(&self, segments: impl IntoIterator<Item = &'b str>, query: &[(&str, &str)]) -> Url {
        let mut url = exchange::below(&self.base, segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// One answer as JSON, with its headers. `what` is what is not there when GitHub says so.
    async fn get(&self, url: &Url, what: &str) -> Result<(Value, HeaderMap), Hindrance> {
        let written = Written {
            parameter: "base_url",
            text: &self.probe.base_url,
        };
        let answer: Answer = exchange::get(self.run, self.caller, url, &self.headers, written).await?;
        if answer.status.is_success()
            && let Some(json) = answer.json()
        {
            return Ok((json, answer.headers));
        }
        Err(Hindrance::new(self.refused(url, &answer, what)))
    }

    /// A list that comes in pages. `key` is where the entries stand when the page is an object.
    async fn list(&self, first: Url, key: Option<&str>, what: &str) -> Result<List, Hindrance> {
        let mut list = List {
            entries: Vec::new(),
            complete: true,
            total: None,
        };
        let mut next = Some(first.clone());
        let mut pages = 0;
        while let Some(url) = next {
            if pages == PAGES {
                list.complete = false;
                break;
            }
            pages += 1;
            let (mut page, headers) = self.get(&url, what).await?;
            let entries = match key {
                Some(key) => {
                    list.total = page["total_count"].as_u64().or(list.total);
                    page[key].take()
                }
                None => page,
            };
            let Value::Array(entries) = entries else {
                return Err(Hindrance::new(answers::not_github(&url)));
            };
            list.entries.extend(entries);
            next = answers::next_page(&headers);
            // The token is for the server that was asked, and for no other.
            if next.as_ref().is_some_and(|next| next.origin() != first.origin()) {
                return Err(Hindrance::new(format!(
                    "{} sends the reader of a long list on to another server, which is not followed; check `base_url`",
                    Place::of_url(&first)
                )));
            }
        }
        Ok(list)
    }
}

/// The two parts of `acme/portal`. GitHub's names are letters, digits, `-`, `_` and `.`.
fn owner_and_name(repository: &str) -> Option<(&str, &str)> {
    let (owner, name) = repository.trim().split_once('/')?;
    let sound = |part: &str| {
        !part.is_empty()
            && !matches!(part, "." | "..")
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    (sound(owner) && sound(name)).then_some((owner, name))
}

fn no_repository(written: &str) -> String {
    format!("`repository` is {written:?}, which is not an owner and a name; write it as in acme/portal")
}
