//! CEL values and expressions as people read them, in sentences.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use cel::Value as CelValue;
use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};

use super::redact::Redactor;

/// The most characters of a text that stand in a sentence.
const LONGEST_TEXT: usize = 80;
/// The most parts of a list or object that stand in a sentence.
const MOST_PARTS: usize = 6;

/// A value, secrets removed and long ones cut.
pub(super) fn value(value: &CelValue, redactor: &Redactor) -> String {
    match value {
        CelValue::Null => "null".to_owned(),
        CelValue::Bool(bool) => bool.to_string(),
        CelValue::Int(number) => whole(*number, redactor),
        CelValue::UInt(number) => redactor.redact(number.to_string()),
        CelValue::Float(number) => redactor.redact(number.to_string()),
        CelValue::String(text) => self::text(text, redactor),
        CelValue::Bytes(bytes) => format!("{} bytes", bytes.len()),
        CelValue::Duration(span) => match span.to_std() {
            Ok(span) => duration(span),
            Err(_) => format!("-{}", duration(span.abs().to_std().unwrap_or(Duration::MAX))),
        },
        CelValue::Timestamp(time) => time.to_rfc3339(),
        CelValue::List(values) => {
            let shown = values
                .iter()
                .take(MOST_PARTS)
                .map(|part| self::value(part, redactor));
            listed(shown, values.len(), ["[", "]"])
        }
        CelValue::Map(map) => {
            let mut keys: Vec<String> = map
                .map
                .keys()
                .map(|key| redactor.beginning(key.to_string(), 40))
                .collect();
            keys.sort();
            let count = keys.len();
            format!(
                "an object with {}",
                listed(keys.into_iter().take(MOST_PARTS), count, ["{", "}"])
            )
        }
        CelValue::Function(..) | CelValue::Opaque(_) | CelValue::Struct(_) => {
            "something unprintable".to_owned()
        }
    }
}

/// A whole number, unless it is secret.
pub(super) fn whole(number: i64, redactor: &Redactor) -> String {
    redactor.redact(number.to_string())
}

/// A text in quotes, secrets removed and a long one cut.
pub(super) fn text(text: &str, redactor: &Redactor) -> String {
    let clean = redactor.cleaned(text);
    let shown = beginning(&clean, LONGEST_TEXT);
    // Most texts have nothing to escape.
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    if shown.bytes().all(is_plain) {
        return ["\"", &shown, "\""].concat();
    }
    let mut quoted = String::with_capacity(shown.len() + 2);
    // Writing to a string cannot fail.
    let _ = write!(quoted, "{shown:?}");
    quoted
}

/// A span of time, as `812 ms`, `1.2 s` or `3 min 5 s`.
pub(super) fn duration(span: Duration) -> String {
    let milliseconds = span.as_millis();
    let seconds = span.as_secs();
    let joined = |large: u64, unit: &str, small: u64, small_unit: &str| {
        if small == 0 {
            format!("{large} {unit}")
        } else {
            format!("{large} {unit} {small} {small_unit}")
        }
    };
    match milliseconds {
        0 if span.is_zero() => "0 ms".to_owned(),
        0 => "less than 1 ms".to_owned(),
        1..1000 => format!("{milliseconds} ms"),
        1000..60_000 => format!("{} s", (span.as_secs_f64() * 100.0).floor() / 100.0),
        60_000..3_600_000 => joined(seconds / 60, "min", seconds % 60, "s"),
        _ => joined(seconds / 3600, "h", seconds / 60 % 60, "min"),
    }
}

/// The first characters of a text, with `…` where something was left out.
pub(super) fn beginning(text: &str, characters: usize) -> Cow<'_, str> {
    if text.len() <= characters {
        return text.into();
    }
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// A size, as `812 bytes`, `1.2 KiB` or `3.4 GiB`.
pub(super) fn bytes(size: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let (mut scaled, mut unit) = (size as f64, None);
    for next in units {
        if scaled < 1024.0 {
            break;
        }
        (scaled, unit) = (scaled / 1024.0, Some(next));
    }
    match unit {
        None if size == 1 => "1 byte".to_owned(),
        None => format!("{size} bytes"),
        Some(unit) => format!("{} {unit}", (scaled * 10.0).floor() / 10.0),
    }
}

/// Clauses joined as in a sentence: `a`, `a and b`, `a, b and c`.
pub(super) fn joined(clauses: &[String], last: &str) -> String {
    match clauses {
        [] => String::new(),
        [only] => only.clone(),
        [front @ .., end] => [&front.join(", "), " ", last, " ", end].concat(),
    }
}

/// An expression as it could have been written. Nothing for loops, which the parser has rewritten.
pub(super) fn expression(expression: &IdedExpr) -> Option<String> {
    Some(match &expression.expr {
        Expr::Ident(name) => name.clone(),
        Expr::Select(select) => {
            let operand = tight(&select.operand)?;
            let selected = format!("{operand}.{}", select.field);
            if select.test {
                format!("has({selected})")
            } else {
                selected
            }
        }
        Expr::Literal(literal) => self::literal(literal),
        Expr::Call(call) => self::call(call)?,
        Expr::List(list) => {
            let elements: Option<Vec<String>> = list.elements.iter().map(self::expression).collect();
            format!("[{}]", elements?.join(", "))
        }
        Expr::Map(map) => {
            let entries: Option<Vec<String>> = map
                .entries
                .iter()
                .map(|entry| match &entry.expr {
                    EntryExpr::MapEntry(entry) => Some(format!(
                        "{}: {}",
                        self::expression(&entry.key)?,
                        self::expression(&entry.value)?
                    )),
                    EntryExpr::StructField(_) => None,
                })
                .collect();
            format!("{{{}}}", entries?.join(", "))
        }
        Expr::Comprehension(_) | Expr::Struct(_) | Expr::Unspecified => return None,
    })
}

/// The sign of an operator with two operands.
pub(super) fn sign(function: &str) -> Option<&'static str> {
    Some(match function {
        operators::LOGICAL_AND => "&&",
        operators::LOGICAL_OR => "||",
        operators::EQUALS => "==",
        operators::NOT_EQUALS => "!=",
        operators::LESS => "<",
        operators::LESS_EQUALS => "<=",
        operators::GREATER => ">",
        operators::GREATER_EQUALS => ">=",
        operators::IN => "in",
        operators::ADD => "+",
        operators::SUBSTRACT => "-",
        operators::MULTIPLY => "*",
        operators::DIVIDE => "/",
        operators::MODULO => "%",
        _ => return None,
    })
}

fn listed(shown: impl Iterator<Item = String>, count: usize, [open, close]: [&str; 2]) -> String {
    let mut parts: Vec<String> = shown.collect();
    if count > parts.len() {
        parts.push(format!("… {} more", count - parts.len()));
    }
    format!("{open}{}{close}", parts.join(", "))
}

fn literal(literal: &LiteralValue) -> String {
    match literal {
        LiteralValue::Boolean(bool) => bool.inner().to_string(),
        LiteralValue::Bytes(bytes) => format!("b{:?}", String::from_utf8_lossy(bytes.inner())),
        LiteralValue::Double(number) => format!("{:?}", number.inner()),
        LiteralValue::Int(number) => number.inner().to_string(),
        LiteralValue::UInt(number) => format!("{}u", number.inner()),
        LiteralValue::Null => "null".to_owned(),
        LiteralValue::String(text) => format!("{:?}", text.inner()),
    }
}

fn call(call: &CallExpr) -> Option<String> {
    let name = call.func_name.as_str();
    Some(match (&call.target, call.args.as_slice()) {
        (None, [condition, yes, no]) if name == operators::CONDITIONAL => {
            format!("{} ? {} : {}", tight(condition)?, tight(yes)?, tight(no)?)
        }
        (None, [operand, index]) if name == operators::INDEX => {
            format!("{}[{}]", tight(operand)?, expression(index)?)
        }
        (None, [left, right]) if sign(name).is_some() => {
            format!("{} {} {}", tight(left)?, sign(name)?, tight(right)?)
        }
        (None, [operand]) if name == operators::LOGICAL_NOT => format!("!{}", tight(operand)?),
        (None, [operand]) if name == operators::NEGATE => format!("-{}", tight(operand)?),
        (target, args) => {
            let args: Option<Vec<String>> = args.iter().map(expression).collect();
            let args = args?.join(", ");
            match target {
                Some(target) => format!("{}.{name}({args})", tight(target)?),
                None => format!("{name}({args})"),
            }
        }
    })
}

/// The expression, in brackets where an operator beside it could take a part of it.
fn tight(operand: &IdedExpr) -> Option<String> {
    let written = expression(operand)?;
    let loose = matches!(
        &operand.expr,
        Expr::Call(call)
            if call.target.is_none()
                && (sign(&call.func_name).is_some() || call.func_name == operators::CONDITIONAL)
    );
    Some(if loose { format!("({written})") } else { written })
}

#[cfg(test)]
mod tests {
    use cel::parser::Parser;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spans_of_time_read_well() {
        for (milliseconds, read) in [
            (0, "0 ms"),
            (12, "12 ms"),
            (999, "999 ms"),
            (1000, "1 s"),
            (1239, "1.23 s"),
            (60_000, "1 min"),
            (185_900, "3 min 5 s"),
            (7_260_000, "2 h 1 min"),
        ] {
            assert_eq!(duration(Duration::from_millis(milliseconds)), read);
        }
        assert_eq!(duration(Duration::from_micros(3)), "less than 1 ms");
    }

    #[test]
    fn an_expression_is_written_as_it_was() {
        for text in [
            "json.checks.database",
            "headers[\"x-a\"] == \"b\"",
            "size(json.items) > 3",
            "body.contains(\"ok\")",
            "(double(passed) / double(total)) >= 0.8",
            "!has(json.error)",
            "status in [200, 204]",
            "-1 < 2",
            "(a ? b : c) == {\"k\": 1u}",
        ] {
            let parsed = Parser::new().parse(text).expect("an expression");
            assert_eq!(expression(&parsed).as_deref(), Some(text));
        }
        let looped = Parser::new().parse("json.all(x, x > 1)").expect("an expression");
        assert_eq!(expression(&looped), None);
    }

    proptest! {
        #[test]
        fn a_text_in_quotes_is_escaped(text in "([ -~]|\\PC|[\t\n\u{7f}\u{e9}]){0,20}") {
            let redactor = Redactor::new([]);
            prop_assert_eq!(super::text(&text, &redactor), format!("{text:?}"));
        }
    }

    #[test]
    fn long_values_are_cut_and_secrets_left_out() {
        let redactor = Redactor::new([&secrecy::SecretString::from("hunter2")]);
        let shown = |shown: CelValue| value(&shown, &redactor);
        assert_eq!(shown(CelValue::from("a\n\"hunter2\"")), r#""a\n\"[redacted]\"""#);
        assert_eq!(
            shown(CelValue::from("x".repeat(100))).chars().count(),
            LONGEST_TEXT + 3
        );
        assert_eq!(
            shown((0..9).map(CelValue::Int).collect::<Vec<_>>().into()),
            "[0, 1, 2, 3, 4, 5, … 3 more]"
        );
        assert_eq!(joined(&["a".into(), "b".into(), "c".into()], "and"), "a, b and c");
    }
}
