//! What a condition uses of what was observed, found once when it is compiled: nothing else has to be made into values
//! when it is judged.

use std::collections::BTreeMap;

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, operators};

/// How much is used of something observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// All of it, as far as can be told.
    Whole,
    /// What stands under these keys, where it has keys.
    Parts(BTreeMap<String, Use>),
}

/// What the expressions use, by name. Names that loops give to what they go through can be among it.
pub(super) fn uses<'a>(expressions: impl IntoIterator<Item = &'a IdedExpr>) -> BTreeMap<String, Use> {
    let mut uses = BTreeMap::new();
    for expression in expressions {
        look(expression, &mut uses);
    }
    uses
}

fn look(expression: &IdedExpr, uses: &mut BTreeMap<String, Use>) {
    let mut keys = Vec::new();
    if let Some(name) = picked(expression, &mut keys) {
        note(uses, name, &keys);
        return;
    }
    match &expression.expr {
        Expr::Call(call) => {
            for child in call.target.as_deref().into_iter().chain(&call.args) {
                look(child, uses);
            }
        }
        Expr::Select(select) => look(&select.operand, uses),
        Expr::List(list) => list.elements.iter().for_each(|child| look(child, uses)),
        Expr::Map(map) => look_at_entries(map.entries.iter().map(|entry| &entry.expr), uses),
        Expr::Struct(made) => look_at_entries(made.entries.iter().map(|entry| &entry.expr), uses),
        Expr::Comprehension(comprehension) => {
            for child in [
                &comprehension.iter_range,
                &comprehension.accu_init,
                &comprehension.loop_cond,
                &comprehension.loop_step,
                &comprehension.result,
            ] {
                look(child, uses);
            }
        }
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {}
    }
}

fn look_at_entries<'a>(entries: impl IntoIterator<Item = &'a EntryExpr>, uses: &mut BTreeMap<String, Use>) {
    for entry in entries {
        match entry {
            EntryExpr::MapEntry(entry) => {
                look(&entry.key, uses);
                look(&entry.value, uses);
            }
            EntryExpr::StructField(field) => look(&field.value, uses),
        }
    }
}

/// The name that an expression picks something out of, and the keys under which it stands, the outermost first.
fn picked<'a>(expression: &'a IdedExpr, keys: &mut Vec<&'a str>) -> Option<&'a str> {
    match &expression.expr {
        Expr::Ident(name) => Some(name),
        Expr::Select(select) => {
            let name = picked(&select.operand, keys)?;
            keys.push(&select.field);
            Some(name)
        }
        Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
            [operand, index] => {
                let Expr::Literal(LiteralValue::String(key)) = &index.expr else {
                    return None;
                };
                let name = picked(operand, keys)?;
                keys.push(key.inner());
                Some(name)
            }
            _ => None,
        },
        _ => None,
    }
}

fn note(uses: &mut BTreeMap<String, Use>, name: &str, keys: &[&str]) {
    let Some((key, rest)) = keys.split_first() else {
        uses.insert(name.to_owned(), Use::Whole);
        return;
    };
    let part = uses
        .entry(name.to_owned())
        .or_insert_with(|| Use::Parts(BTreeMap::new()));
    match part {
        Use::Whole => {}
        Use::Parts(parts) => note(parts, key, rest),
    }
}

#[cfg(test)]
mod tests {
    use super::super::condition::compile;
    use super::*;

    fn used(condition: &str) -> String {
        fn told(used: &Use) -> String {
            match used {
                Use::Whole => "*".to_owned(),
                Use::Parts(parts) => format!(
                    "{{{}}}",
                    parts
                        .iter()
                        .map(|(key, used)| format!("{key} {}", told(used)))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            }
        }
        told(&Use::Parts(compile(condition).expect("a condition").uses))
    }

    #[test]
    fn what_is_picked_by_its_keys_is_all_that_is_used() {
        for (condition, expected) in [
            (
                r#"status == 200 && headers["content-type"] == "x" && json.a.b && json.a.c == json["d"]"#,
                "{headers {content-type *}, json {a {b *, c *}, d *}, status *}",
            ),
            ("has(json.a.b)", "{json {a {b *}}}"),
            ("json.a.size() > json.a.b", "{json {a *}}"),
            ("json.a && size(json) > 2", "{json *}"),
            ("json.a[0].b && json.c", "{json {a *, c *}}"),
            (r#""x" in headers"#, "{headers *}"),
            ("json[body].a", "{body *, json *}"),
        ] {
            assert_eq!(used(condition), expected, "{condition}");
        }
    }

    #[test]
    fn what_a_loop_uses_counts_and_what_it_names_does_not() {
        assert_eq!(
            used("json.list.all(each, each.size < json.most && each.a in json.known)"),
            "{json {known *, list *, most *}}"
        );
        assert_eq!(
            used("[json.a, {'k': json.b}] == json.c"),
            "{json {a *, b *, c *}}"
        );
    }
}
