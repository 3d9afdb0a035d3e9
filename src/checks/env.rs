//! The `env` probe: are the variables there, and do they have the form they should?
//!
//! Nothing that leaves this module has a value in it, only names, forms and line numbers. Values are compared by their
//! seals.

mod form;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::command::{self, Ending, MARK};
use super::dotenv::{self, DotEnv};
use super::observation::{Kind, Observation, Observed};
use super::probe::{Hindrance, Run, Seen};
use super::seal::Sealer;
use super::variables::Environment;
use super::{readable, written};
use crate::domain::check::{EnvFormat, EnvProbe, EnvSource, EnvVariable};

/// The largest `.env` file that is read, in bytes; of a program, the most that it may say.
const LARGEST_FILE: usize = 1 << 20;
/// The most characters of a name in a file that is told by itself.
const LONGEST_NAME: usize = 64;
/// What the names of the bot's own settings begin with, its token's among them.
const OWN_SETTINGS: &str = "HOLDPOINT__";

/// What the look is observed by: names of variables, never a value.
const NAMES: [&str; 3] = ["missing", "empty", "malformed"];

/// What this look is observed by. What needs something to compare with is there only where that is given.
pub(super) fn names(probe: &EnvProbe) -> Vec<(String, Kind)> {
    let mut names = NAMES.to_vec();
    if probe.differs_from.is_some() {
        names.push("same");
    }
    if probe.template.is_some() {
        names.push("not_set");
        // The bot's own environment has much that no template of an application would name.
        if probe.source != EnvSource::Bot {
            names.push("undocumented");
        }
    }
    names
        .into_iter()
        .map(|name| (name.to_owned(), Kind::Names))
        .collect()
}

/// What is wrong with the parameters, as far as can be told beforehand.
pub(super) fn flaws(probe: &EnvProbe) -> Vec<String> {
    match &probe.source {
        EnvSource::Command(words) => command::program_flaw("command", words).into_iter().collect(),
        EnvSource::Bot | EnvSource::File(_) => Vec::new(),
    }
}

/// The texts that may name variables of the checklist.
pub(super) fn texts(probe: &EnvProbe) -> Vec<&str> {
    let mut texts: Vec<&str> = match &probe.source {
        EnvSource::Bot => Vec::new(),
        EnvSource::File(path) => vec![path],
        EnvSource::Command(words) => words.iter().map(String::as_str).collect(),
    };
    texts.extend(probe.differs_from.as_deref());
    texts.extend(probe.template.as_deref());
    for format in variables(probe).flat_map(|variable| &variable.formats) {
        if let EnvFormat::Prefix(text) | EnvFormat::Equals(text) = format {
            texts.push(text);
        }
    }
    texts
}

/// Whether a program says what the variables are.
pub(super) fn runs_a_command(probe: &EnvProbe) -> bool {
    matches!(probe.source, EnvSource::Command(_))
}

fn variables(probe: &EnvProbe) -> impl Iterator<Item = &EnvVariable> {
    probe
        .required
        .iter()
        .chain(&probe.recommended)
        .chain(&probe.optional)
}

/// Looks at the variables.
pub(super) async fn probe(run: &Run<'_>, probe: &EnvProbe) -> Result<Seen, Hindrance> {
    let look = Look::at(run, probe).await?;
    let other = match &probe.differs_from {
        Some(path) => Some(read_file(run, path).await?),
        None => None,
    };
    let template = match &probe.template {
        Some(path) => Some(read_file(run, path).await?),
        None => None,
    };

    let mut required = Findings::default();
    for variable in &probe.required {
        required.look(&look, variable, look.value_of(&variable.name))?;
    }
    let mut recommended = Findings::default();
    for variable in &probe.recommended {
        recommended.look(&look, variable, look.value_of(&variable.name))?;
    }
    let mut optional = Findings::default();
    for variable in &probe.optional {
        if let Some(value) = look.value_of(&variable.name) {
            optional.look(&look, variable, Some(value))?;
        }
    }
    let same = other
        .as_ref()
        .map_or_else(Vec::new, |(_, other)| look.same_as_in(other, &probe.required));
    let not_set: Vec<String> = template.as_ref().map_or_else(Vec::new, |(_, template)| {
        let names = template.values.keys();
        names
            .filter(|name| look.value_of(name).is_none())
            .map(|name| shown_name(name, template))
            .collect()
    });
    let undocumented: Option<Vec<String>> = template.as_ref().and_then(|(_, template)| {
        let actual = look.written()?;
        let names = actual.values.keys();
        let unknown = names.filter(|name| !template.values.contains_key(*name) && *name != MARK);
        Some(unknown.map(|name| shown_name(name, actual)).collect())
    });

    let place = look.place.as_str();
    let mut evidence = BTreeMap::from([("looked_in".to_owned(), Value::from(place))]);
    required.note("", &mut evidence);
    recommended.note("recommended_", &mut evidence);
    optional.note("optional_", &mut evidence);
    if let Some(file) = look.written() {
        if !file.repeated.is_empty() {
            let names: Vec<String> = file.repeated.iter().map(|name| shown_name(name, file)).collect();
            evidence.insert("repeated".to_owned(), json!(names));
        }
        if !file.unreadable.is_empty() {
            evidence.insert("unreadable_lines".to_owned(), json!(file.unreadable));
        }
    }
    if let Some((path, _)) = &other {
        evidence.insert("differs_from".to_owned(), json!(path));
        evidence.insert("same".to_owned(), json!(same));
    }
    if let Some((path, _)) = &template {
        evidence.insert("template".to_owned(), json!(path));
        evidence.insert("not_set".to_owned(), json!(not_set));
    }
    if let Some(undocumented) = &undocumented {
        evidence.insert("undocumented".to_owned(), json!(undocumented));
    }

    let mut wrong = Vec::new();
    if !required.is_empty() {
        wrong.push(format!("{} in {place}", required.clause()));
    }
    if let (false, Some((other, _))) = (same.is_empty(), &other) {
        let (have, others) = if same.len() == 1 {
            ("has", "another one")
        } else {
            ("have", "other ones")
        };
        let names = written::joined(&same, "and");
        wrong.push(format!(
            "{names} {have} the same value in {other}, expected {others}"
        ));
    }
    if let (false, Some((template, _))) = (not_set.is_empty(), &template) {
        let are = if not_set.len() == 1 { "is" } else { "are" };
        let names = written::joined(&not_set, "and");
        wrong.push(format!("{names} {are} in {template} and not in {place}"));
    }
    let holds = wrong.is_empty();
    let mut why = if holds {
        let mut why = match (probe.required.as_slice(), &template) {
            ([], Some((template, _))) => format!("all that {template} names is in {place}"),
            ([], None) => format!("no variable is required in {place}"),
            ([only], _) => format!("{} is set in {place}", only.name),
            (several, _) => format!("all {} required variables are set in {place}", several.len()),
        };
        if let Some((other, _)) = &other {
            why.push_str("; none has its value of ");
            why.push_str(other);
        }
        why
    } else {
        wrong.join("; ")
    };
    for (tier, findings) in [("recommended", &recommended), ("optional", &optional)] {
        if !findings.is_empty() {
            why.push_str("; of the ");
            why.push_str(tier);
            why.push_str(" ones ");
            why.push_str(&findings.clause());
        }
    }
    if let Some(file) = look.written()
        && !holds
        && !file.unreadable.is_empty()
    {
        let lines: Vec<String> = file.unreadable.iter().map(usize::to_string).collect();
        why.push_str("; not NAME=value: line ");
        why.push_str(&written::joined(&lines, "and"));
    }

    // Only a required variable can be missing. One that is there and unfit is named whatever its tier, so that a
    // condition can hold an optional variable to its form.
    let tiers = [&required, &recommended, &optional];
    let empty = tiers.iter().flat_map(|tier| tier.empty.iter().cloned()).collect();
    let malformed = tiers
        .iter()
        .flat_map(|tier| tier.malformed.iter().map(|(name, _)| name.clone()))
        .collect();
    let mut observation = Observation::default()
        .with("missing", Observed::Names(required.missing.clone()))
        .with("empty", Observed::Names(empty))
        .with("malformed", Observed::Names(malformed))
        .with("same", Observed::Names(same))
        .with("not_set", Observed::Names(not_set));
    if let Some(undocumented) = undocumented {
        observation = observation.with("undocumented", Observed::Names(undocumented));
    }
    Ok(Seen {
        observation,
        evidence,
        holds,
        why,
    })
}

/// Where the variables are.
enum Source<'a> {
    Bot(&'a Environment),
    Written(DotEnv),
}

/// The variables, wherever they are.
struct Look<'a> {
    run: &'a Run<'a>,
    source: Source<'a>,
    /// Where they are, for people.
    place: String,
    sealer: Sealer,
}

impl<'a> Look<'a> {
    async fn at(run: &'a Run<'a>, probe: &EnvProbe) -> Result<Self, Hindrance> {
        let sealer = Sealer::new().ok_or_else(|| {
            Hindrance::new("this machine gives no random numbers, without which no values can be compared; run the check again")
        })?;
        let (place, source) = match &probe.source {
            EnvSource::Bot => {
                let others = variables(probe).flat_map(|variable| &variable.formats);
                let others = others.filter_map(|format| match format {
                    EnvFormat::SameAs(other) => Some(other),
                    _ => None,
                });
                if let Some(own) = variables(probe)
                    .map(|variable| &variable.name)
                    .chain(others)
                    .find(|name| name.to_uppercase().starts_with(OWN_SETTINGS))
                {
                    return Err(Hindrance::new(format!(
                        "{own} is a setting of Holdpoint itself, and no check looks at those; take it out of the check"
                    )));
                }
                (
                    "the bot's environment".to_owned(),
                    Source::Bot(run.guard.environment()?),
                )
            }
            EnvSource::File(path) => {
                let (path, file) = read_file(run, path).await?;
                (path, Source::Written(file))
            }
            EnvSource::Command(words) => {
                let (place, file) = read_command(run, words).await?;
                (place, Source::Written(file))
            }
        };
        Ok(Self {
            run,
            source,
            place,
            sealer,
        })
    }

    /// The file, or what a command printed; nothing for the bot's own environment.
    fn written(&self) -> Option<&DotEnv> {
        match &self.source {
            Source::Written(file) => Some(file),
            Source::Bot(_) => None,
        }
    }

    fn value_of(&self, name: &str) -> Option<&str> {
        match &self.source {
            Source::Written(file) => file.values.get(name).map(String::as_str),
            Source::Bot(environment) => environment.get(name),
        }
    }

    /// The variables whose value is the same in another file. One that is held to a constant is no secret, and one
    /// that is empty is told as that.
    fn same_as_in(&self, other: &DotEnv, variables: &[EnvVariable]) -> Vec<String> {
        variables
            .iter()
            .filter(|variable| {
                let is_constant = |format: &EnvFormat| matches!(format, EnvFormat::Equals(_));
                !variable.formats.iter().any(is_constant)
            })
            .filter(|variable| {
                let here = self
                    .value_of(&variable.name)
                    .filter(|value| !value.trim().is_empty());
                let (Some(here), Some(there)) = (here, other.values.get(&variable.name)) else {
                    return false;
                };
                self.is_the_same(here.trim(), there.trim())
            })
            .map(|variable| variable.name.clone())
            .collect()
    }

    fn is_the_same(&self, one: &str, other: &str) -> bool {
        self.sealer.seal(one).is_of_the_same(&self.sealer.seal(other))
    }
}

/// A name from a file, unless it may not be one: a line of a key that was pasted without quotes can end in `=`, and reads
/// like a name then. People's names are short and of one case.
fn shown_name(name: &str, file: &DotEnv) -> String {
    let mixed = name.contains(char::is_uppercase) && name.contains(char::is_lowercase);
    if !mixed && name.len() <= LONGEST_NAME {
        return name.to_owned();
    }
    match file.lines.get(name) {
        Some(line) => format!("the name in line {line}"),
        None => "a name that is not shown".to_owned(),
    }
}

/// Variables that are not as they should be.
#[derive(Default)]
struct Findings {
    missing: Vec<String>,
    empty: Vec<String>,
    /// Names with what was expected of them.
    malformed: Vec<(String, String)>,
}

impl Findings {
    fn look(
        &mut self,
        look: &Look<'_>,
        variable: &EnvVariable,
        value: Option<&str>,
    ) -> Result<(), Hindrance> {
        match value {
            None => self.missing.push(variable.name.clone()),
            Some(value) if value.trim().is_empty() => self.empty.push(variable.name.clone()),
            Some(value) => {
                let mut unmet = Vec::new();
                for format in &variable.formats {
                    if !form::holds(look, format, value)? {
                        unmet.push(form::expected(format));
                    }
                }
                if !unmet.is_empty() {
                    let expected = written::joined(&unmet, "and");
                    self.malformed.push((variable.name.clone(), expected));
                }
            }
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.empty.is_empty() && self.malformed.is_empty()
    }

    fn note(&self, tier: &str, evidence: &mut BTreeMap<String, Value>) {
        let malformed: Vec<&String> = self.malformed.iter().map(|(name, _)| name).collect();
        for (what, names) in [
            ("missing", json!(self.missing)),
            ("empty", json!(self.empty)),
            ("malformed", json!(malformed)),
        ] {
            // The required ones are always noted: that nothing is missing is evidence too.
            if tier.is_empty() || names != json!([]) {
                evidence.insert(format!("{tier}{what}"), names);
            }
        }
    }

    /// As `A and B are missing, C is empty and D is malformed (expected a URL)`.
    fn clause(&self) -> String {
        let are = |names: &[String]| if names.len() == 1 { "is" } else { "are" };
        let mut clauses = Vec::new();
        for (names, what) in [(&self.missing, "missing"), (&self.empty, "empty")] {
            if !names.is_empty() {
                clauses.push(format!("{} {} {what}", written::joined(names, "and"), are(names)));
            }
        }
        clauses.extend(
            self.malformed
                .iter()
                .map(|(name, expected)| format!("{name} is malformed (expected {expected})")),
        );
        written::joined(&clauses, "and")
    }
}

/// A file in `.env` form, with its path.
async fn read_file(run: &Run<'_>, path: &str) -> Result<(String, DotEnv), Hindrance> {
    let path = run.expand(path)?;
    let bytes = readable::bytes_of(run, &path, LARGEST_FILE).await?;
    if bytes.len() > LARGEST_FILE {
        return Err(Hindrance::new(format!(
            "the file {path} is larger than 1 MiB, which is no `.env` file; mend its path"
        )));
    }
    Ok((path.into_owned(), dotenv::read_bytes(&bytes)))
}

/// What a program says in `.env` form, with where that is. Nothing that it says is told, be it an error.
async fn read_command(run: &Run<'_>, words: &[String]) -> Result<(String, DotEnv), Hindrance> {
    let words = run.expand_all(words)?;
    let program = words.first().map(String::as_str).unwrap_or_default();
    let ran = command::run_words(run, &words, None, LARGEST_FILE).await?;
    let status = match ran.ending {
        Ending::Exited(status) => status,
        Ending::OutOfTime => {
            return Err(run.out_of_time(&format!("{program} had not ended")));
        }
        Ending::Flooded => return Err(said_too_much(program)),
    };
    let exit_code = command::exit_code(status);
    if exit_code != 0 {
        return Err(Hindrance::new(format!(
            "{program} ended with exit code {exit_code}, so its output does not count; run it by hand to see why, as its output is not shown here"
        )));
    }
    if ran.stdout.left_out() > 0 {
        return Err(said_too_much(program));
    }
    Ok((
        format!("the output of {program}"),
        dotenv::read(&ran.stdout.text()),
    ))
}

fn said_too_much(program: &str) -> Hindrance {
    Hindrance::new(format!(
        "{program} said more than 1 MiB, which are no variables; have it print NAME=value and nothing else"
    ))
}
