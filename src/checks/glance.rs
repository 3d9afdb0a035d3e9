//! What can be told at a glance: that every part of a condition asks whether something is true, or compares it with a
//! whole number or a text, and holds. Most conditions do, most of the time, and need no value made for CEL then. Whatever
//! else is so is the judge's to find out and to explain.

use std::borrow::Cow;
use std::time::Instant;

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};
use serde_json::Value;

use super::condition::Compiled;
use super::headers::Asked;
use super::judge::{Judgement, LONGEST_TEXT, MOST_LOOKED_AT};
use super::observation::{Observation, Scalar};
use super::redact::Redactor;
use super::shape::comparison;
use super::uses::picked;
use super::written;

/// How many bytes it takes to say what was seen, as a rule.
const USUAL_LENGTH: usize = 160;
/// What stands between clauses, but before the last.
const COMMA: &str = ", ";

/// A part of a condition that can be looked at so.
#[derive(Debug)]
pub(super) struct Glance {
    /// What is picked, as it is written.
    written: String,
    /// The name it is picked from.
    name: String,
    /// The keys under which it stands there, the outermost first.
    keys: Vec<String>,
    wanted: Wanted,
    /// Whether a part before it is about the same.
    is_repeated: bool,
    /// Whether the probe itself notes it.
    is_noted: bool,
}

#[derive(Debug)]
enum Wanted {
    True,
    Whole(Relation, i64),
    Text(Sameness, String),
}

#[derive(Clone, Copy, Debug)]
enum Relation {
    Same(Sameness),
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Clone, Copy, Debug)]
enum Sameness {
    Equal,
    Other,
}

/// How all parts of a condition can be looked at; nothing where one takes more.
pub(super) fn at_all<'a>(
    parts: impl IntoIterator<Item = &'a IdedExpr>,
    headers: &[Asked],
) -> Option<Vec<Glance>> {
    let mut glances: Vec<Glance> = Vec::new();
    for part in parts {
        let mut glance = Glance::at(part)?;
        glance.is_repeated = glances.iter().any(|before| before.written == glance.written);
        glance.is_noted =
            glance.keys.is_empty() || headers.iter().any(|asked| asked.called == glance.written);
        glances.push(glance);
    }
    Some(glances)
}

impl Glance {
    fn at(expression: &IdedExpr) -> Option<Self> {
        let (looked_at, wanted) = match comparison(expression) {
            Some((left, operator, right)) => (left, Wanted::by(operator, right)?),
            None => (expression, Wanted::True),
        };
        if asks_for_presence(looked_at) {
            return None;
        }
        let mut keys = Vec::new();
        let name = picked(looked_at, &mut keys)?;
        Some(Self {
            written: written::expression(looked_at)?,
            name: name.to_owned(),
            keys: keys.into_iter().map(str::to_owned).collect(),
            wanted,
            is_repeated: false,
            is_noted: false,
        })
    }

    /// What was seen, if it is what is wanted.
    fn met<'a>(&self, observation: &'a Observation) -> Option<Scalar<'a>> {
        let seen = observation.scalar(&self.name, &self.keys)?;
        self.wanted.is_met_by(&seen).then_some(seen)
    }
}

impl Wanted {
    fn by(operator: &str, constant: &IdedExpr) -> Option<Self> {
        let Expr::Literal(constant) = &constant.expr else {
            return None;
        };
        let relation = match operator {
            operators::EQUALS => Relation::Same(Sameness::Equal),
            operators::NOT_EQUALS => Relation::Same(Sameness::Other),
            operators::LESS => Relation::Less,
            operators::LESS_EQUALS => Relation::AtMost,
            operators::GREATER => Relation::More,
            operators::GREATER_EQUALS => Relation::AtLeast,
            _ => return None,
        };
        match (constant, relation) {
            (LiteralValue::Int(number), relation) => Some(Self::Whole(relation, *number.inner())),
            (LiteralValue::String(text), Relation::Same(sameness)) => {
                Some(Self::Text(sameness, text.inner().to_owned()))
            }
            _ => None,
        }
    }

    /// Whether it is certain that what was seen is what is wanted. Other kinds of things can be the same too, as `1.0`
    /// and `1` are, and are not certain.
    fn is_met_by(&self, seen: &Scalar<'_>) -> bool {
        match (self, seen) {
            (Self::True, Scalar::Truth(truth)) => *truth,
            (Self::Whole(relation, wanted), Scalar::Whole(seen)) => match relation {
                Relation::Same(Sameness::Equal) => seen == wanted,
                Relation::Same(Sameness::Other) => seen != wanted,
                Relation::Less => seen < wanted,
                Relation::AtMost => seen <= wanted,
                Relation::More => seen > wanted,
                Relation::AtLeast => seen >= wanted,
            },
            (Self::Text(sameness, wanted), Scalar::Text(seen)) => match sameness {
                Sameness::Equal => seen == wanted,
                Sameness::Other => seen != wanted,
            },
            _ => false,
        }
    }
}

/// Whether something is picked that is only asked for, as in `has(json.a)`.
fn asks_for_presence(expression: &IdedExpr) -> bool {
    match &expression.expr {
        Expr::Select(select) => select.test || asks_for_presence(&select.operand),
        Expr::Call(call) => call.args.first().is_some_and(asks_for_presence),
        _ => false,
    }
}

/// The judgement that all of a condition holds, if that can be told at a glance. Past `until`, nothing can.
pub(super) fn holds(
    compiled: &Compiled,
    observation: &Observation,
    redactor: &Redactor,
    until: Instant,
) -> Option<Judgement> {
    let glances = compiled.glances.as_ref()?;
    let mut why = String::with_capacity(USUAL_LENGTH);
    let mut last_comma = None;
    let mut looked_at = Vec::with_capacity(glances.len());
    for glance in glances {
        let seen = glance.met(observation)?;
        if glance.is_repeated {
            continue;
        }
        if !glance.is_noted && looked_at.len() < MOST_LOOKED_AT {
            let noted = match seen {
                Scalar::Truth(truth) => Value::from(truth),
                Scalar::Whole(number) => Value::from(number),
                Scalar::Text(text) => Value::from(redactor.beginning(text, LONGEST_TEXT)),
            };
            looked_at.push((glance.written.clone(), noted));
        }
        let shown: Cow<'_, str> = match seen {
            Scalar::Truth(true) => "true".into(),
            Scalar::Truth(false) => "false".into(),
            Scalar::Whole(number) => written::whole(number, redactor).into(),
            Scalar::Text(text) => written::text(text, redactor).into(),
        };
        if !why.is_empty() {
            last_comma = Some(why.len());
            why.push_str(COMMA);
        }
        why.extend([&glance.written, " is ", &shown]);
    }
    if let Some(at) = last_comma {
        why.replace_range(at..at + COMMA.len(), " and ");
    }
    (Instant::now() < until).then_some(Judgement {
        holds: true,
        why,
        looked_at,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::super::condition::compile;
    use super::super::judge::judge;
    use super::super::observation::Observed;
    use super::*;

    fn observation() -> Observation {
        Observation::default()
            .with("status", Observed::Whole(200))
            .with("latency", Observed::Duration(Duration::from_millis(3)))
            .with(
                "json",
                Observed::Json(
                    json!({ "ok": true, "off": false, "count": 3, "rate": 3.0, "text": "ab", "inner": {} }),
                ),
            )
    }

    fn seen_at_a_glance(condition: &str, until: Instant) -> Option<String> {
        let compiled = compile(condition).expect("a condition");
        holds(&compiled, &observation(), &Redactor::new([]), until).map(|judgement| judgement.why)
    }

    #[test]
    fn what_holds_and_is_plain_is_told_at_a_glance_and_nothing_else_is() {
        let until = Instant::now() + Duration::from_mins(1);
        assert_eq!(
            seen_at_a_glance(
                "status == 200 && json.ok && 4 > json['count'] && json.text != 'x'",
                until
            )
            .as_deref(),
            Some(r#"status is 200, json.ok is true, json["count"] is 3 and json.text is "ab""#)
        );
        for condition in [
            "status == 201",
            "json.off",
            "status == 200 && json.off",
            "json.count",
            "json.rate == 3",
            "json.count == 3.0",
            "json.text == 3",
            "json.text < 'b'",
            "json.none != 3",
            "json.inner != 3",
            "json != 3",
            "has(json.ok)",
            "has(json.ok) != 'x'",
            "!json.off",
            "status in [200]",
            "latency < duration('1s')",
            "json.count == json.count",
            "unknown != 3",
            "true",
        ] {
            assert_eq!(seen_at_a_glance(condition, until), None, "{condition}");
        }
    }

    #[test]
    fn past_the_deadline_nothing_holds() {
        let until = Instant::now();
        assert_eq!(seen_at_a_glance("status == 200", until), None);
        let compiled = compile("status == 200").expect("a condition");
        assert!(!judge(&compiled, &observation(), &Redactor::new([]), until).holds);
    }
}
