//! The limits of application commands.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Issues, Presence, component, length};

/// How many characters a command has over its names, descriptions and choices.
const TOTAL: usize = 8000;
const OPTIONS: usize = 25;
const CHOICES: usize = 25;

const SUBCOMMAND: u64 = 1;
const GROUP: u64 = 2;

/// Checks one command under its path; the empty path is the body itself.
pub(crate) fn command(issues: &mut Issues, path: &str, command: &Value) {
    let at = |part: &str| join(path, part);
    let chat_input = command["type"].as_u64().unwrap_or(1) == 1;
    if chat_input {
        name(issues, &at("name"), &command["name"]);
        let description = &command["description"];
        issues.text(&at("description"), description, 1..=100, Presence::Required);
    } else {
        issues.text(&at("name"), &command["name"], 1..=32, Presence::Required);
        issues.text(
            &at("description"),
            &command["description"],
            0..=0,
            Presence::Optional,
        );
    }
    options(issues, &at("options"), &command["options"], 0);
    if characters(command) > TOTAL {
        issues.add(
            path,
            "APPLICATION_COMMAND_TOO_LARGE",
            format!("Command exceeds maximum size ({TOTAL})"),
        );
    }
}

/// Checks a whole scope's commands, which a PUT replaces.
pub(crate) fn commands(issues: &mut Issues, commands: &[Value]) {
    let mut seen = BTreeSet::new();
    for (index, body) in commands.iter().enumerate() {
        command(issues, &index.to_string(), body);
        let kind = body["type"].as_u64().unwrap_or(1);
        if !seen.insert((kind, body["name"].as_str())) {
            issues.add(
                &format!("{index}/name"),
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                "Application command names must be unique",
            );
        }
    }
}

fn join(path: &str, part: &str) -> String {
    if path.is_empty() {
        part.to_owned()
    } else {
        format!("{path}/{part}")
    }
}

/// Discord's rule for names: 1 to 32 letters, digits, `-`, `_` or `'`, in lower case where there is one.
fn name(issues: &mut Issues, path: &str, value: &Value) {
    issues.text(path, value, 1..=32, Presence::Required);
    let Some(name) = value.as_str() else {
        return;
    };
    let letters = name
        .chars()
        .all(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '\''));
    if !letters || name.to_lowercase() != name {
        issues.add(
            path,
            "APPLICATION_COMMAND_INVALID_NAME",
            "Command name is invalid",
        );
    }
}

fn options(issues: &mut Issues, path: &str, value: &Value, depth: u32) {
    let options = issues.list(path, value, 0..=OPTIONS);
    let mut names = BTreeSet::new();
    let mut optional_seen = false;
    let nests = |option: &Value| matches!(option["type"].as_u64(), Some(SUBCOMMAND | GROUP));
    let nested = options.iter().filter(|option| nests(option)).count();
    if nested > 0 && nested < options.len() {
        issues.add(
            path,
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            "Sub-command and sub-command group option types are mutually exclusive to all other types",
        );
    }
    for (index, option) in options.iter().enumerate() {
        let at = |part: &str| format!("{path}/{index}/{part}");
        name(issues, &at("name"), &option["name"]);
        let description = &option["description"];
        issues.text(&at("description"), description, 1..=100, Presence::Required);
        if !names.insert(option["name"].as_str()) {
            issues.add(
                &at("name"),
                "APPLICATION_COMMAND_OPTIONS_NAME_INVALID",
                "Option names must be unique",
            );
        }
        match option["type"].as_u64() {
            Some(GROUP) if depth > 0 => {
                issues.choice(&at("type"), "(1, 3, 4, 5, 6, 7, 8, 9, 10, 11)");
            }
            Some(SUBCOMMAND) if depth > 1 => {
                issues.choice(&at("type"), "(3, 4, 5, 6, 7, 8, 9, 10, 11)");
            }
            Some(GROUP) => options_of_group(issues, &at("options"), option),
            Some(SUBCOMMAND) => self::options(issues, &at("options"), &option["options"], 2),
            Some(3..=11) => value_option(issues, &format!("{path}/{index}"), option),
            Some(_) => issues.choice(&at("type"), "(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)"),
            None => issues.required(&at("type")),
        }
        let required = option["required"] == true;
        if required && optional_seen {
            issues.add(
                &at("required"),
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            );
        }
        optional_seen |= !required;
    }
}

fn options_of_group(issues: &mut Issues, path: &str, group: &Value) {
    let inner = group["options"].as_array().map_or(&[][..], Vec::as_slice);
    for (index, option) in inner.iter().enumerate() {
        if option["type"] != SUBCOMMAND {
            issues.choice(&format!("{path}/{index}/type"), "(1,)");
        }
    }
    options(issues, path, &group["options"], 1);
}

fn value_option(issues: &mut Issues, path: &str, option: &Value) {
    let choices_path = format!("{path}/choices");
    let choices = issues.list(&choices_path, &option["choices"], 0..=CHOICES);
    for (index, choice) in choices.iter().enumerate() {
        component::choice(issues, &format!("{choices_path}/{index}"), choice);
    }
    let listable = matches!(option["type"].as_u64(), Some(3 | 4 | 10));
    if !choices.is_empty() && !listable {
        issues.add(
            &choices_path,
            "APPLICATION_COMMAND_OPTIONS_CHOICES_TYPE",
            "Choices are for strings, integers and numbers",
        );
    }
    if option["autocomplete"] == true {
        if !choices.is_empty() {
            issues.add(
                &choices_path,
                "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES",
                "Choices cannot be set together with autocomplete",
            );
        }
        if !listable {
            issues.add(
                &format!("{path}/autocomplete"),
                "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_TYPE",
                "Autocomplete is for strings, integers and numbers",
            );
        }
    }
}

/// The characters of a command's names and descriptions and of its choices' names and values.
fn characters(value: &Value) -> usize {
    let own: usize = ["name", "description", "value"]
        .iter()
        .filter_map(|key| value[*key].as_str())
        .map(length)
        .sum();
    let below: usize = ["options", "choices"]
        .iter()
        .filter_map(|key| value[*key].as_array())
        .flatten()
        .map(characters)
        .sum();
    own + below
}
