//! Reads one setting after the other out of the merged layers, and remembers which it was asked for.
//!
//! What was never asked for is unknown; so there is no second list of the settings to keep in step.

use std::{
    collections::BTreeSet, fmt::Display, num::NonZeroUsize, ops::RangeInclusive, path::PathBuf, str::FromStr,
    time::Duration,
};

use config::{Value, ValueKind};
use secrecy::SecretString;

use super::{
    origin::Origin,
    problem::{InvalidSettings, Problem},
    show::{EffectiveSetting, EffectiveSettings, ShownValue},
    sources::{Layers, variable_of_key},
};

/// There was something wrong, and the reader has noted what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noted;

/// Reads settings by their dotted keys.
#[derive(Debug)]
pub(super) struct Reader {
    root: Value,
    asked: BTreeSet<String>,
    sections: BTreeSet<String>,
    shown: Vec<EffectiveSetting>,
    problems: Vec<Problem>,
}

impl Reader {
    pub(super) fn new(layers: Layers) -> Self {
        Self {
            root: layers.root,
            asked: BTreeSet::new(),
            sections: BTreeSet::new(),
            shown: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Notes something that is wrong beyond one value.
    pub(super) fn refuse(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// A path; empty is refused.
    pub(super) fn path(&mut self, key: &str) -> Result<PathBuf, Noted> {
        self.required(key, "the path of a file or directory", |found| {
            found.text().filter(|text| !text.is_empty()).map(PathBuf::from)
        })
    }

    /// A path that may be left out.
    pub(super) fn optional_path(&mut self, key: &str) -> Result<Option<(PathBuf, Origin)>, Noted> {
        self.optional(key, "the path of a file", |found| {
            found.text().filter(|text| !text.is_empty()).map(PathBuf::from)
        })
    }

    /// A text that must parse and that may be left out.
    pub(super) fn optional_parsed<T>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<(T, Origin)>, Noted> {
        self.optional(key, expected, |found| found.text().and_then(parse))
    }

    /// A secret that may be left out. Its value is never shown, not even when it is wrong.
    pub(super) fn secret(&mut self, key: &str) -> Result<Option<(SecretString, Origin)>, Noted> {
        self.note_sections(key);
        self.asked.insert(key.to_owned());
        let Some(value) = self.find(key).cloned() else {
            self.show(key, ShownValue::NotSet, Origin::Default);
            return Ok(None);
        };
        let origin = Origin::from_mark(value.origin());
        self.show(key, ShownValue::Masked, origin.clone());
        if let ValueKind::String(text) = value.kind {
            return Ok(Some((SecretString::from(text), origin)));
        }
        let found = format!("{}, which is not shown", kind_in_words(&value.kind));
        self.problems.push(Problem::WrongValue {
            key: key.to_owned(),
            found,
            expected: "a text".to_owned(),
            origin,
        });
        Err(Noted)
    }

    /// A text; empty is refused.
    pub(super) fn text(&mut self, key: &str) -> Result<String, Noted> {
        self.required(key, "a text", |found| {
            found.text().filter(|text| !text.is_empty()).map(str::to_owned)
        })
    }

    /// A list of texts, none of them empty.
    pub(super) fn texts(&mut self, key: &str) -> Result<Vec<String>, Noted> {
        self.required(key, "a list of texts", texts)
    }

    /// A text that must parse.
    pub(super) fn parsed<T: FromStr>(&mut self, key: &str, expected: &str) -> Result<T, Noted> {
        self.required(key, expected, |found| {
            found.text().and_then(|text| text.parse().ok())
        })
    }

    /// A list of texts that must each parse.
    pub(super) fn parsed_list<T>(&mut self, key: &str, expected: &str) -> Result<Vec<T>, Noted>
    where
        T: FromStr,
        T::Err: Display,
    {
        match self.optional_list(key, expected)? {
            Some(list) => Ok(list),
            None => Err(self.note_missing(key, expected)),
        }
    }

    /// A list of texts that must each parse, and that may be left out; then it is not shown either.
    pub(super) fn optional_list<T>(&mut self, key: &str, expected: &str) -> Result<Option<Vec<T>>, Noted>
    where
        T: FromStr,
        T::Err: Display,
    {
        if self.find(key).is_none() {
            self.note_sections(key);
            self.asked.insert(key.to_owned());
            return Ok(None);
        }
        let Some((texts, origin)) = self.optional(key, "a list of texts", texts)? else {
            return Ok(None);
        };
        let mut items = Vec::with_capacity(texts.len());
        for text in texts {
            match text.parse() {
                Ok(item) => items.push(item),
                Err(fault) => {
                    self.problems.push(Problem::WrongValue {
                        key: key.to_owned(),
                        found: format!("a list with {text:?} in it ({fault})"),
                        expected: format!("a list of {expected}"),
                        origin,
                    });
                    return Err(Noted);
                }
            }
        }
        Ok(Some(items))
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Result<T, Noted> {
        let words: Vec<String> = choices.iter().map(|(word, _)| format!("{word:?}")).collect();
        let expected = format!("one of {}", words.join(", "));
        self.required(key, &expected, |found| {
            let text = found.text()?;
            choices
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, choice)| *choice)
        })
    }

    /// `true` or `false`.
    pub(super) fn yes_or_no(&mut self, key: &str) -> Result<bool, Noted> {
        self.required(key, "true or false", |found| {
            match (&found.value.kind, &found.origin) {
                (ValueKind::Boolean(answer), _) => Some(*answer),
                (ValueKind::String(text), Origin::Variable(_)) => text.parse().ok(),
                _ => None,
            }
        })
    }

    /// A number of things within a range that begins at one or more.
    pub(super) fn count(&mut self, key: &str, range: RangeInclusive<usize>) -> Result<NonZeroUsize, Noted> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        self.required(key, &expected, |found| {
            let number = usize::try_from(found.whole_number()?).ok()?;
            NonZeroUsize::new(number).filter(|number| range.contains(&number.get()))
        })
    }

    /// A number of things within a range, or 0 for no limit.
    pub(super) fn limit(
        &mut self,
        key: &str,
        range: RangeInclusive<usize>,
    ) -> Result<Option<NonZeroUsize>, Noted> {
        let expected = format!(
            "a whole number from {} to {}, or 0 for no limit",
            range.start(),
            range.end()
        );
        self.required(key, &expected, |found| {
            let number = usize::try_from(found.whole_number()?).ok()?;
            (number == 0 || range.contains(&number)).then(|| NonZeroUsize::new(number))
        })
    }

    /// A duration with its unit.
    pub(super) fn duration(&mut self, key: &str) -> Result<Duration, Noted> {
        self.required(
            key,
            "a duration with its unit, such as \"30s\" or \"5m\"",
            |found| {
                let signed: jiff::SignedDuration = found.text()?.parse().ok()?;
                Duration::try_from(signed).ok()
            },
        )
    }

    /// The names under a section whose names are the user's.
    pub(super) fn names_under(&mut self, section: &str) -> Vec<(String, Origin)> {
        self.sections.insert(section.to_owned());
        let Some(value) = self.find(section) else {
            return Vec::new();
        };
        let ValueKind::Table(table) = &value.kind else {
            let problem = wrong_section(section, value);
            self.problems.push(problem);
            return Vec::new();
        };
        let mut names: Vec<(String, Origin)> = table
            .iter()
            .map(|(name, value)| (name.clone(), first_origin(value)))
            .collect();
        names.sort_by(|left, right| left.0.cmp(&right.0));
        names
    }

    /// Marks a key as dealt with, so that it is not also reported as unknown.
    pub(super) fn set_aside(&mut self, key: &str) {
        self.asked.insert(key.to_owned());
    }

    /// What was made of the settings and what is in force, unless something was wrong.
    pub(super) fn finish<T>(
        mut self,
        made: Result<T, Noted>,
    ) -> Result<(T, EffectiveSettings), InvalidSettings> {
        let root = std::mem::take(&mut self.root);
        self.look_for_unknown("", &root);
        match made {
            Ok(made) if self.problems.is_empty() => Ok((made, EffectiveSettings::new(self.shown))),
            Ok(_) | Err(Noted) => Err(self.problems.into_iter().collect()),
        }
    }

    /// Notes that nothing stands under a key, unless it is already said why.
    fn note_missing(&mut self, key: &str, expected: &str) -> Noted {
        if !self.problems.iter().any(|problem| covers(problem, key)) {
            self.problems.push(missing(key, expected));
        }
        Noted
    }

    fn required<T>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&Found<'_>) -> Option<T>,
    ) -> Result<T, Noted> {
        match self.optional(key, expected, parse)? {
            Some((value, _)) => Ok(value),
            None => Err(self.note_missing(key, expected)),
        }
    }

    fn optional<T>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&Found<'_>) -> Option<T>,
    ) -> Result<Option<(T, Origin)>, Noted> {
        self.note_sections(key);
        self.asked.insert(key.to_owned());
        let Some(value) = self.find(key).cloned() else {
            self.show(key, ShownValue::NotSet, Origin::Default);
            return Ok(None);
        };
        let origin = Origin::from_mark(value.origin());
        let found = Found {
            value: &value,
            origin: &origin,
        };
        if let Some(parsed) = parse(&found) {
            self.show(key, found.shown(), origin.clone());
            return Ok(Some((parsed, origin)));
        }
        self.problems.push(Problem::WrongValue {
            key: key.to_owned(),
            found: value_in_words(&value),
            expected: expected.to_owned(),
            origin: first_origin(&value),
        });
        Err(Noted)
    }

    fn find(&self, key: &str) -> Option<&Value> {
        key.split('.')
            .try_fold(&self.root, |value, part| match &value.kind {
                ValueKind::Table(table) => table.get(part),
                _ => None,
            })
    }

    fn show(&mut self, key: &str, value: ShownValue, origin: Origin) {
        self.shown.push(EffectiveSetting {
            key: key.to_owned(),
            value,
            origin,
        });
    }

    /// Remembers the sections above a key, and notes once where a value stands in place of one.
    fn note_sections(&mut self, key: &str) {
        for (dot, _) in key.match_indices('.') {
            let Some(section) = key.get(..dot) else { continue };
            if !self.sections.insert(section.to_owned()) {
                continue;
            }
            if let Some(value) = self.find(section)
                && !matches!(value.kind, ValueKind::Table(_))
            {
                let problem = wrong_section(section, value);
                self.problems.push(problem);
            }
        }
    }

    fn look_for_unknown(&mut self, above: &str, value: &Value) {
        let ValueKind::Table(table) = &value.kind else {
            return;
        };
        let mut names: Vec<&String> = table.keys().collect();
        names.sort();
        for name in names {
            let Some(value) = table.get(name) else { continue };
            let key = if above.is_empty() {
                name.clone()
            } else {
                format!("{above}.{name}")
            };
            if self.asked.contains(&key) {
                continue;
            }
            if self.sections.contains(&key) {
                self.look_for_unknown(&key, value);
            } else {
                self.unknown(&key, first_origin(value));
            }
        }
    }

    fn unknown(&mut self, key: &str, origin: Origin) {
        let nearest = self.nearest(key);
        let problem = match &origin {
            Origin::Variable(name) => Problem::UnknownKey {
                key: name.clone(),
                nearest: nearest.map(|key| variable_of_key(&key)),
                origin,
            },
            Origin::Default | Origin::File(_) => Problem::UnknownKey {
                key: key.to_owned(),
                nearest,
                origin,
            },
        };
        self.problems.push(problem);
    }

    /// The known key or section that is spelt most like this one, if any is near enough to have been meant. A key
    /// that is right but stands in the wrong section is found by its last part.
    fn nearest(&self, key: &str) -> Option<String> {
        let last = |key: &str| key.rsplit('.').next().unwrap_or(key).to_owned();
        let closeness = |known: &str| {
            let whole = strsim::normalized_damerau_levenshtein(key, known);
            let end = 0.9 * strsim::normalized_damerau_levenshtein(&last(key), &last(known));
            whole.max(end)
        };
        self.asked
            .iter()
            .chain(&self.sections)
            .map(|known| (closeness(known), known))
            .filter(|(closeness, _)| *closeness >= 0.65)
            .max_by(|left, right| left.0.total_cmp(&right.0))
            .map(|(_, known)| known.clone())
    }
}

/// A value and where it came from. A variable's value is always a text, and is taken for what the setting expects;
/// a file's value has a type of its own, which must be the right one.
struct Found<'a> {
    value: &'a Value,
    origin: &'a Origin,
}

impl Found<'_> {
    fn text(&self) -> Option<&str> {
        match &self.value.kind {
            ValueKind::String(text) => Some(text),
            _ => None,
        }
    }

    fn whole_number(&self) -> Option<u64> {
        match (&self.value.kind, self.origin) {
            (ValueKind::I64(number), _) => u64::try_from(*number).ok(),
            (ValueKind::U64(number), _) => Some(*number),
            (ValueKind::String(text), Origin::Variable(_)) => text.trim().parse().ok(),
            _ => None,
        }
    }

    fn shown(&self) -> ShownValue {
        match &self.value.kind {
            ValueKind::Array(_) => ShownValue::List(texts(self).unwrap_or_default()),
            ValueKind::Boolean(answer) => ShownValue::YesOrNo(*answer),
            ValueKind::I64(_) | ValueKind::U64(_) => match self.whole_number() {
                Some(number) => ShownValue::Number(number),
                None => ShownValue::Text(self.value.to_string()),
            },
            _ => ShownValue::Text(self.value.to_string()),
        }
    }
}

fn texts(found: &Found<'_>) -> Option<Vec<String>> {
    match (&found.value.kind, found.origin) {
        (ValueKind::Array(items), _) => items
            .iter()
            .map(|item| match &item.kind {
                ValueKind::String(text) if !text.is_empty() => Some(text.clone()),
                _ => None,
            })
            .collect(),
        (ValueKind::String(text), Origin::Variable(_)) => Some(comma_separated(text)),
        _ => None,
    }
}

fn comma_separated(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

fn missing(key: &str, expected: &str) -> Problem {
    Problem::WrongValue {
        key: key.to_owned(),
        found: "not set".to_owned(),
        expected: expected.to_owned(),
        origin: Origin::Default,
    }
}

fn wrong_section(section: &str, value: &Value) -> Problem {
    Problem::WrongValue {
        key: section.to_owned(),
        found: kind_in_words(&value.kind).to_owned(),
        expected: "a section with settings in it".to_owned(),
        origin: Origin::from_mark(value.origin()),
    }
}

/// Whether a problem already says why there is nothing under a key.
fn covers(problem: &Problem, key: &str) -> bool {
    matches!(problem, Problem::WrongValue { key: section, .. }
        if key.strip_prefix(section.as_str()).is_some_and(|rest| rest.starts_with('.')))
}

/// A table has no origin of its own once layers are merged; what is in it has.
fn first_origin(value: &Value) -> Origin {
    match (&value.kind, value.origin()) {
        (ValueKind::Table(table), None) => {
            let first = table.iter().min_by(|left, right| left.0.cmp(right.0));
            first.map_or(Origin::Default, |(_, value)| first_origin(value))
        }
        (_, mark) => Origin::from_mark(mark),
    }
}

fn kind_in_words(kind: &ValueKind) -> &'static str {
    match kind {
        ValueKind::Nil => "nothing",
        ValueKind::Boolean(_) => "true or false",
        ValueKind::I64(_) | ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) => "a whole number",
        ValueKind::Float(_) => "a number with a fraction",
        ValueKind::String(_) => "a text",
        ValueKind::Table(_) => "a section",
        ValueKind::Array(_) => "a list",
    }
}

fn value_in_words(value: &Value) -> String {
    match &value.kind {
        ValueKind::String(text) => format!("the text {:?}", shortened(text)),
        ValueKind::I64(_)
        | ValueKind::I128(_)
        | ValueKind::U64(_)
        | ValueKind::U128(_)
        | ValueKind::Float(_) => format!("the number {value}"),
        ValueKind::Boolean(answer) => answer.to_string(),
        ValueKind::Array(items) => match items
            .iter()
            .find(|item| !matches!(&item.kind, ValueKind::String(text) if !text.is_empty()))
        {
            Some(odd) => format!("a list with {} in it", value_in_words(odd)),
            None => "a list".to_owned(),
        },
        ValueKind::Nil | ValueKind::Table(_) => kind_in_words(&value.kind).to_owned(),
    }
}

fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text.to_owned(),
    }
}
