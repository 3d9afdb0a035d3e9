//! `variables`.

use std::collections::BTreeMap;

use super::values::{Entry, Values, is_variable_name};
use super::yaml::{NodeId, Value};
use crate::domain::checklist::Variable;
use crate::domain::ids::VariableName;

/// Reads `variables`.
pub(super) fn variables(values: &mut Values<'_, '_, '_>, id: NodeId) -> BTreeMap<VariableName, Variable> {
    let entries = values.entries(id, "`variables`").unwrap_or_default();
    let mut variables = BTreeMap::new();
    for entry in entries {
        if !is_variable_name(&entry.key) {
            values.error(
                entry.place,
                format!("`{}` cannot be a variable's name.", entry.key),
                Some(
                    "A name is lower-case letters, digits and underscores, and begins with a letter."
                        .to_owned(),
                ),
            );
            continue;
        }
        if let Some(variable) = variable(values, &entry) {
            variables.insert(VariableName::new(entry.key), variable);
        }
    }
    variables
}

fn variable(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Variable> {
    if values.is_nothing(entry.value) {
        return Some(Variable::default());
    }
    if matches!(values.tree.node(entry.value).value, Value::Scalar { .. }) {
        return Some(Variable {
            default: values.text(entry.value, "a variable's value"),
            ..Variable::default()
        });
    }
    let what = format!("the variable `{}`", entry.key);
    let fields = values.fields(entry.value, &what, &["default", "env", "secret", "description"])?;
    let mut text = |key: &str| {
        fields
            .get(key)
            .and_then(|id| values.text(id, &format!("`{key}`")))
    };
    let (default, env, description) = (text("default"), text("env"), text("description"));
    let secret = fields.get("secret").and_then(|id| values.truth(id, "`secret`"));
    Some(Variable {
        default,
        env,
        secret: secret.unwrap_or(false),
        description,
    })
}
