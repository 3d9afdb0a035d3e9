//! What a condition uses of what was observed, found once when it is compiled: nothing else has to be made into values
//! when it is judged.

use std::collections::BTreeMap;

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, operators};

use super::headers::Asked;
use super::shape::{children, is_headers, text_of};

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
        // With a point before it, a name is what was observed even where a loop has given it to something else.
        note(uses, name.strip_prefix('.').unwrap_or(name), &keys);
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

/// The headers that the expressions name, to be kept as evidence.
pub(super) fn headers_named<'a>(expressions: impl IntoIterator<Item = &'a IdedExpr>) -> Vec<Asked> {
    fn look(expression: &IdedExpr, names: &mut Vec<String>) {
        let name = match &expression.expr {
            Expr::Select(select) if is_headers(&select.operand) => Some(select.field.clone()),
            Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
                [operand, index] if is_headers(operand) => text_of(index),
                _ => None,
            },
            Expr::Call(call) if call.func_name == operators::IN => match call.args.as_slice() {
                [name, operand] if is_headers(operand) => text_of(name),
                _ => None,
            },
            _ => None,
        };
        names.extend(name.filter(|name| !names.contains(name)));
        for child in children(expression) {
            look(child, names);
        }
    }
    let mut names = Vec::new();
    for expression in expressions {
        look(expression, &mut names);
    }
    names.into_iter().map(Asked::by).collect()
}

/// The name that an expression picks something out of, and the keys under which it stands, the outermost first.
pub(super) fn picked<'a>(expression: &'a IdedExpr, keys: &mut Vec<&'a str>) -> Option<&'a str> {
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

/// Notes a use of what stands under a name or key.
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
    use std::time::{Duration, Instant};

    use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
    use secrecy::SecretString;
    use serde_json::json;

    use super::super::condition::{Compiled, compile, on_deep_stack};
    use super::super::headers::Headers;
    use super::super::judge::judge;
    use super::super::observation::{Observation, Observed};
    use super::super::redact::Redactor;
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
    fn what_a_loop_uses_counts() {
        for (condition, expected) in [
            (
                "json.list.all(each, each.size < json.most && each.a in json.known)",
                "{each {a *, size *}, json {known *, list *, most *}}",
            ),
            ("[json.a, {'k': json.b}] == json.c", "{json {a *, b *, c *}}"),
            ("json.list.exists(json, json.x == 1)", "{json {list *, x *}}"),
        ] {
            assert_eq!(used(condition), expected, "{condition}");
        }
    }

    fn observation() -> Observation {
        Observation::default()
            .with("status", Observed::Whole(200))
            .with("body", Observed::Text("ab".to_owned()))
            .with("text", Observed::Nothing("there is no text".to_owned()))
            .with(
                "headers",
                Observed::Headers(Headers::from(HeaderMap::from_iter([
                    (CONTENT_TYPE, HeaderValue::from_static("application/json")),
                    (HeaderName::from_static("x-name"), HeaderValue::from_static("ab")),
                ]))),
            )
            .with(
                "json",
                Observed::Json(json!({
                    "ok": true, "off": false, "none": null, "text": "ab", "count": 3, "rate": 0.5,
                    "large": u64::MAX, "ab": {"deep": {"er": [1, 2, {"k": "v"}]}},
                    "list": [{"x": 1, "json": {"x": 1}}, {"x": 2, "y": null}], "names": ["ok", "ab"], "empty": {},
                    "with.point": 1, "": 2, "headers": {"content-type": "text/plain"},
                })),
            )
    }

    fn without_glances(mut compiled: Compiled) -> Compiled {
        compiled.glances = None;
        compiled
    }

    /// Each is judged three times: as it is, by CEL alone, and by CEL with nothing left out. It has to come to the same in
    /// the same words.
    #[test]
    fn what_is_left_out_is_never_missed() {
        let conditions = [
            "json.ok",
            "json.off",
            "json.none == null",
            "json.count == 3 && json.count + 1 == 4 && json.rate < 1.0 && json.large > 1u",
            "json.ok.deeper == 1",
            "json.text.length == 2",
            "json.nothing",
            "json.nothing.at.all == 1",
            "json.empty.at == 1",
            "json.ab == 1",
            "json.ab.deep == 1 && json.ab.deep.er[0] == 1",
            "json.ab.deep.er[2].k == 'v' && json.ab.deep.er[7] == 1",
            "json.ab.deep.er[2] == {'k': 'v'}",
            "json.empty == {} && json.ab != {}",
            "json['with.point'] == 1 && json[''] == 2",
            "json['ab']['deep'].er[1] == 2",
            "json['a' + 'b'].deep.er[1] == 2",
            "json[json.text].deep.er[1] == 2 && json.count == 3",
            "json[json.names[1]].deep.er[1] == 2",
            "headers[body] == 'x'",
            "headers['x-' + 'name'] == body && headers['content-type'] == 'application/json'",
            "headers['x-name'] == 'no' || headers['x-none'] == 'no'",
            "'x-name' in headers && !('x-none' in headers)",
            "size(headers) == 2 && headers['x-name'] == 'ab'",
            "has(json.ab) && has(json.ab.deep.er) && !has(json.ab.deep.no) && !has(json.no)",
            "has(json.ok) && has(json['ab'].deep) && has(headers.no) == false",
            "has(json.text) != 'x' && has(json.count)",
            "has(json.no.deep)",
            "has(json.empty.at)",
            "has(json.text.at)",
            "has(headers.no)",
            "size(json) == 15 && json.ok",
            "json.size() > 100",
            "json == {'ok': true}",
            "type(json) == map && type(json.ab) == map",
            "dyn(json).ok && string(json.count) == '3'",
            "json.exists(key, key == 'names') && json.ok",
            "json.all(key, key != 'list') || json.off",
            "json.map(key, key).size() == 0",
            "json.ab.map(key, json.ab[key]) == [{'er': [1, 2, {'k': 'v'}]}]",
            "json.list.filter(one, has(one.y)).size() == 1",
            "json.list.exists_one(one, one.x == json.count - 1)",
            "json.list.all(json, json.x > 0)",
            "json.list.all(json, json.x == .json.count)",
            "json.list.exists(json, has(json.json) && json.json.x == 1)",
            "json.list.exists(status, status.x == 200) || status == 200",
            "json.list.exists(headers, headers.x == 2) && headers['x-name'] == 'ab'",
            "json.names.all(name, json[name] != null)",
            "json.names.exists(name, json.list.exists(one, one.x == json.count - 2 && name == body))",
            ".json.ok && json.count == 3",
            "(json.ok ? json.ab : json.empty).deep.er[0] == 1",
            "[json.ab][0].deep.er[0] == 1",
            "{'k': json.ab}.k.deep.er[0] == 1",
            "json.headers['content-type'] == headers['content-type']",
            "json.text == text",
            "json.ok && unknown.part == 1",
            "status.part == 1",
            "json.count / json.no > 1",
            "json.count != 4 && json.count >= 3 && json.count > 2 && json.count <= 3 && 4 > json.count",
            "json.rate == 1",
            "json.large != 3 && json.text != 'x' && json.text == 'ab'",
            "json.none != 'x' && json.ab != 'x' && json.list != 3",
            "status == 200 && 200 == status && status != 200.0",
            "status == 200 && status == 200 && json.ok && json.ok",
            "json == 3",
            "json['ok'] && headers['x-name'] == 'ab' && body != \"\"",
            "headers['x-name'].size == 1",
            "count == 3",
        ];
        let until = Instant::now() + Duration::from_mins(1);
        let observation = observation();
        for redactor in [
            Redactor::new([]),
            Redactor::new([&SecretString::from("ab"), &SecretString::from("3")]),
        ] {
            for condition in conditions {
                let [glanced, parts, whole] = [(); 3].map(|()| compile(condition).expect("a condition"));
                let (parts, mut whole) = (without_glances(parts), without_glances(whole));
                whole.uses.values_mut().for_each(|used| *used = Use::Whole);
                let [glanced, parts, whole] = [glanced, parts, whole].map(|compiled| {
                    on_deep_stack(|| Ok(judge(&compiled, &observation, &redactor, until))).expect("a thread")
                });
                assert_eq!(parts, whole, "{condition}");
                assert_eq!(glanced, whole, "{condition}");
            }
        }
    }
}
