//! What Discord's client checks before it sends anything: options, choices, and what is written into a modal.

use serde_json::{Value, json};

use super::invoke::Refusal;
use crate::validate::length;

pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

pub(super) fn called(component: &Value) -> String {
    ["label", "placeholder", "custom_id"]
        .iter()
        .find_map(|key| component[*key].as_str())
        .map_or_else(|| "The component".to_owned(), |name| format!("“{name}”"))
}

pub(super) fn find_option<'a>(known: &'a [Value], given: &Value) -> Result<&'a Value, Refusal> {
    let found = known
        .iter()
        .find(|option| option["name"] == given["name"])
        .ok_or_else(|| Refusal::new(format!("There is no option {}.", text(given, "name"))))?;
    if found["type"].as_u64() == given["type"].as_u64() {
        Ok(found)
    } else {
        Err(Refusal::new(format!(
            "The option {} is of type {}, not {}.",
            text(given, "name"),
            found["type"],
            given["type"]
        )))
    }
}

/// Holds a value against its option's type, choices and bounds.
pub(super) fn check_value(option: &Value, value: &Value) -> Result<(), Refusal> {
    let name = text(option, "name");
    let fits = match option["type"].as_u64() {
        Some(3 | 6..=9 | 11) => value.is_string(),
        Some(4) => value.is_i64() || value.is_u64(),
        Some(5) => value.is_boolean(),
        Some(10) => value.is_number(),
        _ => false,
    };
    if !fits {
        return Err(Refusal::new(format!(
            "{value} is not a value for the option {name}."
        )));
    }
    let choices = option["choices"].as_array().map_or(&[][..], Vec::as_slice);
    if !choices.is_empty() && !choices.iter().any(|choice| choice["value"] == *value) {
        return Err(Refusal::new(format!(
            "{value} is not among the choices of the option {name}."
        )));
    }
    let (size, low, high) = match value.as_str() {
        Some(text) => (length(text) as f64, "min_length", "max_length"),
        None => (value.as_f64().unwrap_or_default(), "min_value", "max_value"),
    };
    let too_small = option[low].as_f64().is_some_and(|least| size < least);
    let too_large = option[high].as_f64().is_some_and(|most| size > most);
    if too_small || too_large {
        return Err(Refusal::new(format!("The option {name} is outside its limits.")));
    }
    Ok(())
}

/// Holds chosen values against a select menu's options and counts.
pub(super) fn check_choice(component: &Value, values: &[String]) -> Result<(), Refusal> {
    let least = component["min_values"].as_u64().unwrap_or(1) as usize;
    let most = component["max_values"].as_u64().unwrap_or(1) as usize;
    if !(least..=most).contains(&values.len()) {
        return Err(Refusal::new(format!(
            "{} takes {least} to {most} values.",
            called(component)
        )));
    }
    if component["type"] == 3 {
        let options = component["options"].as_array().map_or(&[][..], Vec::as_slice);
        let stray = values
            .iter()
            .find(|value| !options.iter().any(|option| option["value"] == value.as_str()));
        if let Some(stray) = stray {
            return Err(Refusal::new(format!(
                "{stray} is not among the options of {}.",
                called(component)
            )));
        }
    }
    Ok(())
}

/// The command option type that a select menu's values are like.
pub(super) const fn selected_type(component_type: u64) -> u64 {
    match component_type {
        5 => 6,
        6 => 8,
        7 => 9,
        _ => 7,
    }
}

/// The text inputs of a modal's components, in rows or in labels.
fn inputs(components: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    for outer in components.as_array().into_iter().flatten() {
        if outer["type"] == 4 {
            found.push(outer);
        }
        found.extend(inputs(&outer["components"]));
        if outer["component"]["type"] == 4 {
            found.push(&outer["component"]);
        }
    }
    found
}

/// What the application gets of a modal: its own layout with the values that the person wrote.
pub(super) fn filled_modal(layout: &Value, written: &Value) -> Result<Value, Refusal> {
    let written = inputs(written);
    let mut filled = layout.as_array().cloned().unwrap_or_default();
    for outer in &mut filled {
        if let Some(children) = outer["components"].as_array_mut() {
            for input in children {
                *input = filled_input(input, &written)?;
            }
        } else if outer.get("component").is_some() {
            outer["component"] = filled_input(&outer["component"], &written)?;
        }
    }
    Ok(Value::Array(filled))
}

fn filled_input(input: &Value, written: &[&Value]) -> Result<Value, Refusal> {
    let value = written
        .iter()
        .find(|given| given["custom_id"] == input["custom_id"])
        .map_or_else(|| text(input, "value"), |given| text(given, "value"));
    let label = input["label"]
        .as_str()
        .unwrap_or_else(|| text(input, "custom_id"));
    let size = length(value) as u64;
    if size == 0 && input["required"] != false {
        return Err(Refusal::new(format!("{label} is required.")));
    }
    let least = input["min_length"].as_u64().unwrap_or(0);
    let most = input["max_length"].as_u64().unwrap_or(4000);
    if size > most || (size > 0 && size < least) {
        return Err(Refusal::new(format!(
            "{label} takes {least} to {most} characters."
        )));
    }
    Ok(json!({
        "type": 4,
        "id": input["id"],
        "custom_id": input["custom_id"],
        "value": value,
    }))
}
