//! The limits of buttons, select menus, modals and choices.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Issues, Presence, length};

const ROWS: usize = 5;
const BUTTONS: usize = 5;
const OPTIONS: usize = 25;
const CUSTOM_ID: usize = 100;

const BUTTON_LINK: u64 = 5;
const BUTTON_PREMIUM: u64 = 6;

/// Checks the rows of a message.
pub(crate) fn rows(issues: &mut Issues, path: &str, components: &Value) {
    let mut custom_ids = BTreeSet::new();
    let rows = issues.list(path, components, 0..=ROWS);
    for (index, row) in rows.iter().enumerate() {
        let path = format!("{path}/{index}");
        if row["type"] != 1 {
            issues.choice(&format!("{path}/type"), "(1,)");
            continue;
        }
        let path = format!("{path}/components");
        if row["components"].is_null() {
            issues.required(&path);
        }
        let children = issues.list(&path, &row["components"], 1..=BUTTONS);
        let menus = children.iter().filter(|child| child["type"] != 2).count();
        if menus > 1 || (menus == 1 && children.len() > 1) {
            issues.add(
                &path,
                "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
                "A select menu takes a row of its own.",
            );
        }
        for (index, child) in children.iter().enumerate() {
            let path = format!("{path}/{index}");
            match child["type"].as_u64() {
                Some(2) => button(issues, &path, child),
                Some(3 | 5..=8) => select(issues, &path, child),
                Some(_) => issues.choice(&format!("{path}/type"), "(2, 3, 5, 6, 7, 8)"),
                None => issues.required(&format!("{path}/type")),
            }
            unique(issues, &path, child, &mut custom_ids);
        }
    }
}

/// Checks a modal: its title, and a text input in each row or label.
pub(crate) fn modal(issues: &mut Issues, path: &str, modal: &Value) {
    let at = |part: &str| format!("{path}/{part}");
    issues.text(&at("title"), &modal["title"], 1..=45, Presence::Required);
    let custom_id = &modal["custom_id"];
    issues.text(&at("custom_id"), custom_id, 1..=CUSTOM_ID, Presence::Required);
    if modal["components"].is_null() {
        issues.required(&at("components"));
    }
    let mut custom_ids = BTreeSet::new();
    let rows = issues.list(&at("components"), &modal["components"], 1..=ROWS);
    for (index, row) in rows.iter().enumerate() {
        let path = format!("{path}/components/{index}");
        match row["type"].as_u64() {
            Some(1) => {
                let path = format!("{path}/components");
                for (index, child) in issues.list(&path, &row["components"], 1..=1).iter().enumerate() {
                    let path = format!("{path}/{index}");
                    text_input(issues, &path, child, Presence::Required);
                    unique(issues, &path, child, &mut custom_ids);
                }
            }
            Some(18) => {
                issues.text(
                    &format!("{path}/label"),
                    &row["label"],
                    1..=45,
                    Presence::Required,
                );
                let description = format!("{path}/description");
                issues.text(&description, &row["description"], 0..=100, Presence::Optional);
                let path = format!("{path}/component");
                text_input(issues, &path, &row["component"], Presence::Optional);
                unique(issues, &path, &row["component"], &mut custom_ids);
            }
            Some(_) => issues.choice(&format!("{path}/type"), "(1, 18)"),
            None => issues.required(&format!("{path}/type")),
        }
    }
}

/// Checks a choice of a command option or of an autocompletion.
pub(crate) fn choice(issues: &mut Issues, path: &str, choice: &Value) {
    issues.text(
        &format!("{path}/name"),
        &choice["name"],
        1..=100,
        Presence::Required,
    );
    let path = format!("{path}/value");
    match &choice["value"] {
        Value::String(value) => issues.size(&path, length(value), 0..=100),
        Value::Number(_) => {}
        Value::Null => issues.required(&path),
        _ => issues.add(
            &path,
            "STRING_TYPE_CONVERT",
            "Could not interpret value as string.",
        ),
    }
}

fn unique<'a>(issues: &mut Issues, path: &str, component: &'a Value, seen: &mut BTreeSet<&'a str>) {
    if let Some(id) = component["custom_id"].as_str()
        && !seen.insert(id)
    {
        issues.add(
            &format!("{path}/custom_id"),
            "COMPONENT_CUSTOM_ID_DUPLICATED",
            "Component custom id cannot be duplicated",
        );
    }
}

fn button(issues: &mut Issues, path: &str, button: &Value) {
    let at = |part: &str| format!("{path}/{part}");
    issues.text(&at("label"), &button["label"], 0..=80, Presence::Optional);
    let style = button["style"].as_u64().unwrap_or_default();
    if !(1..=BUTTON_PREMIUM).contains(&style) {
        issues.choice(&at("style"), "(1, 2, 3, 4, 5, 6)");
    }
    let empty = button["label"].as_str().unwrap_or_default().is_empty();
    if style != BUTTON_PREMIUM && empty && button["emoji"].is_null() {
        issues.add(
            path,
            "BUTTON_COMPONENT_MUST_HAVE_LABEL_OR_EMOJI",
            "A button must have a label or an emoji.",
        );
    }
    if style == BUTTON_LINK {
        issues.text(&at("url"), &button["url"], 1..=512, Presence::Required);
        if !button["custom_id"].is_null() {
            issues.add(
                path,
                "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
                "A custom id and url cannot both be specified",
            );
        }
    } else if style != BUTTON_PREMIUM {
        let custom_id = &button["custom_id"];
        issues.text(&at("custom_id"), custom_id, 1..=CUSTOM_ID, Presence::Required);
    }
}

fn select(issues: &mut Issues, path: &str, menu: &Value) {
    let at = |part: &str| format!("{path}/{part}");
    let custom_id = &menu["custom_id"];
    issues.text(&at("custom_id"), custom_id, 1..=CUSTOM_ID, Presence::Required);
    issues.text(
        &at("placeholder"),
        &menu["placeholder"],
        0..=150,
        Presence::Optional,
    );
    let least = menu["min_values"].as_u64().unwrap_or(1);
    let most = menu["max_values"].as_u64().unwrap_or(1);
    for (key, value, floor) in [("min_values", least, 0), ("max_values", most, 1)] {
        if !(floor..=25).contains(&value) {
            issues.add(
                &at(key),
                "NUMBER_TYPE_MAX",
                "int value should be less than or equal to 25.",
            );
        }
    }
    if least > most {
        issues.add(
            &at("min_values"),
            "SELECT_COMPONENT_MIN_VALUES_GREATER",
            "min_values cannot be greater than max_values.",
        );
    }
    if menu["type"] != 3 {
        return;
    }
    if menu["options"].is_null() {
        issues.required(&at("options"));
    }
    let options = issues.list(&at("options"), &menu["options"], 1..=OPTIONS);
    if most > options.len() as u64 {
        issues.add(
            &at("options"),
            "SELECT_COMPONENT_MAX_VALUES_TOO_LARGE",
            "There are fewer options than max_values.",
        );
    }
    let mut values = BTreeSet::new();
    for (index, option) in options.iter().enumerate() {
        let at = |part: &str| format!("{path}/options/{index}/{part}");
        issues.text(&at("label"), &option["label"], 1..=100, Presence::Required);
        issues.text(&at("value"), &option["value"], 1..=100, Presence::Required);
        let description = &option["description"];
        issues.text(&at("description"), description, 0..=100, Presence::Optional);
        if !values.insert(option["value"].as_str()) {
            issues.add(
                &at("value"),
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                "The specified option value is already used",
            );
        }
    }
}

fn text_input(issues: &mut Issues, path: &str, input: &Value, label: Presence) {
    let at = |part: &str| format!("{path}/{part}");
    if input["type"] != 4 {
        issues.choice(&at("type"), "(4,)");
        return;
    }
    let custom_id = &input["custom_id"];
    issues.text(&at("custom_id"), custom_id, 1..=CUSTOM_ID, Presence::Required);
    issues.text(&at("label"), &input["label"], 1..=45, label);
    issues.text(
        &at("placeholder"),
        &input["placeholder"],
        0..=100,
        Presence::Optional,
    );
    issues.text(&at("value"), &input["value"], 0..=4000, Presence::Optional);
    if !matches!(input["style"].as_u64(), Some(1 | 2)) {
        issues.choice(&at("style"), "(1, 2)");
    }
    for (key, floor) in [("min_length", 0), ("max_length", 1)] {
        let size = &input[key];
        if !size.is_null() && !size.as_u64().is_some_and(|size| (floor..=4000).contains(&size)) {
            issues.add(
                &at(key),
                "NUMBER_TYPE_MAX",
                "int value should be less than or equal to 4000.",
            );
        }
    }
}
