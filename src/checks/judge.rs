//! Whether what was observed meets a condition, and why, in a sentence that names both.

use std::collections::BTreeMap;
use std::time::Instant;

use cel::common::ast::{Expr, IdedExpr, operators};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, ExecutionError, Value as CelValue};
use serde_json::Value;

use super::condition::{Compiled, Conjunct, STANDARD};
use super::glance;
use super::headers::Asked;
use super::observation::{Observation, Observed};
use super::redact::Redactor;
use super::shape::{children, comparison, flattened, is_constant, is_path, text_test};
use super::written;

/// What became of a condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Judgement {
    /// Whether every part of it held.
    pub(super) holds: bool,
    /// What was observed; where it does not hold, the first part that failed with what was expected.
    pub(super) why: String,
    /// The values that the condition looked at inside what was observed, as `json.checks.database`.
    pub(super) looked_at: Vec<(String, Value)>,
}

/// The most values noted as looked at.
pub(super) const MOST_LOOKED_AT: usize = 20;
/// The most characters of a text noted as looked at.
pub(super) const LONGEST_TEXT: usize = 200;

/// Judges an observation. Secrets are out of everything that comes back. Past `until` nothing is found under any
/// name any more, so that loops inside loops come to an end; what they end with then is of no use.
pub(super) fn judge(
    compiled: &Compiled,
    observation: &Observation,
    redactor: &Redactor,
    until: Instant,
) -> Judgement {
    glance::holds(compiled, observation, redactor, until).unwrap_or_else(|| {
        with_judge(compiled, observation, redactor, until, |judge| {
            judge.judged(compiled)
        })
    })
}

/// The value of an expression, which can be a secret; else a clause that says why there is none. `until` as above.
pub(super) fn value(
    compiled: &Compiled,
    observation: &Observation,
    redactor: &Redactor,
    until: Instant,
) -> Result<CelValue, String> {
    with_judge(compiled, observation, redactor, until, |judge| {
        let whole = compiled.conjuncts.first().map(|conjunct| &conjunct.expression);
        let whole = whole.ok_or_else(|| "nothing is named".to_owned())?;
        judge.value(whole).map_err(|_| {
            judge
                .hindered(whole)
                .unwrap_or_else(|| format!("{} cannot be worked out", named(compiled)))
        })
    })
}

/// An expression as it is written, in one line.
pub(super) fn named(compiled: &Compiled) -> String {
    compiled
        .conjuncts
        .first()
        .map(|conjunct| one_line(&conjunct.text))
        .unwrap_or_default()
}

fn with_judge<Done>(
    compiled: &Compiled,
    observation: &Observation,
    redactor: &Redactor,
    until: Instant,
    work: impl FnOnce(&Judge<'_>) -> Done,
) -> Done {
    let values = compiled
        .uses
        .iter()
        .filter_map(|(name, used)| Some((name.as_str(), observation.for_condition(name, used)?)))
        .collect();
    let names = Names { values, until };
    let mut context = Context::with_env(STANDARD.clone());
    context.set_variable_resolver(&names);
    work(&Judge {
        context: &context,
        observation,
        redactor,
    })
}

/// Whether a condition looks at what is observed under a name.
pub(super) fn looks_at(compiled: &Compiled, name: &str) -> bool {
    compiled.uses.contains_key(name)
}

/// What a condition finds under the names it uses.
struct Names<'a> {
    values: BTreeMap<&'a str, Box<dyn Val + 'a>>,
    until: Instant,
}

impl VariableResolver for Names<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let value = self.values.get(variable)?;
        (Instant::now() < self.until).then(|| CowVal::Borrowed(value.as_ref()))
    }
}

struct Judge<'a> {
    context: &'a Context<'a, 'a>,
    observation: &'a Observation,
    redactor: &'a Redactor,
}

impl Judge<'_> {
    fn judged(&self, compiled: &Compiled) -> Judgement {
        let mut looked_at = Vec::new();
        let mut clauses = Vec::new();
        let mut failure = None;
        for conjunct in &compiled.conjuncts {
            self.look_at(&conjunct.expression, &compiled.headers, &mut looked_at);
            if failure.is_some() {
                continue;
            }
            let expression = &conjunct.expression;
            match self.value(expression) {
                Ok(CelValue::Bool(true)) => {
                    let clause = self
                        .held(expression)
                        .unwrap_or_else(|| format!("{} holds", one_line(&conjunct.text)));
                    if !clauses.contains(&clause) {
                        clauses.push(clause);
                    }
                }
                Ok(CelValue::Bool(false)) => {
                    let mut failed = self
                        .failed(expression)
                        .unwrap_or_else(|| self.does_not_hold(conjunct));
                    let references = expression.references();
                    let mut named = references.variables();
                    named.sort_unstable();
                    for reason in named.into_iter().filter_map(|name| self.observation.reason(name)) {
                        failed.push_str(": ");
                        failed.push_str(reason);
                    }
                    failure = Some(failed);
                }
                Ok(other) => {
                    let what = written::expression(expression).unwrap_or_else(|| one_line(&conjunct.text));
                    failure = Some(format!(
                        "{what} is {}, expected true",
                        written::value(&other, self.redactor)
                    ));
                }
                Err(_) => {
                    failure = Some(
                        self.hindered(expression)
                            .unwrap_or_else(|| self.does_not_hold(conjunct)),
                    );
                }
            }
        }
        Judgement {
            holds: failure.is_none(),
            why: failure.unwrap_or_else(|| written::joined(&clauses, "and")),
            looked_at,
        }
    }

    fn value(&self, expression: &IdedExpr) -> Result<CelValue, ExecutionError> {
        CelValue::resolve(expression, self.context)
    }

    fn shown(&self, value: &CelValue) -> String {
        written::value(value, self.redactor)
    }

    /// A clause for a part that held, as `status is 200`.
    fn held(&self, expression: &IdedExpr) -> Option<String> {
        if let Some((left, _, _)) = comparison(expression) {
            return Some(format!(
                "{} is {}",
                written::expression(left)?,
                self.shown(&self.value(left).ok()?)
            ));
        }
        match &expression.expr {
            Expr::Select(select) if select.test => Some(format!(
                "{}.{} is there",
                written::expression(&select.operand)?,
                select.field
            )),
            Expr::Ident(_) | Expr::Select(_) => Some(format!("{} is true", written::expression(expression)?)),
            Expr::Call(call) => match call.func_name.as_str() {
                operators::INDEX => Some(format!("{} is true", written::expression(expression)?)),
                operators::LOGICAL_NOT => {
                    let operand = call.args.first()?;
                    is_path(operand).then_some(())?;
                    Some(match &operand.expr {
                        Expr::Select(select) if select.test => {
                            format!(
                                "{}.{} is not there",
                                written::expression(&select.operand)?,
                                select.field
                            )
                        }
                        _ => format!("{} is false", written::expression(operand)?),
                    })
                }
                operators::LOGICAL_OR => call
                    .args
                    .iter()
                    .find(|arg| matches!(self.value(arg), Ok(CelValue::Bool(true))))
                    .and_then(|arg| self.held(arg)),
                operators::LOGICAL_AND => {
                    let clauses: Option<Vec<String>> = call.args.iter().map(|arg| self.held(arg)).collect();
                    Some(written::joined(&clauses?, "and"))
                }
                name => {
                    let (target, verb, operand) = text_test(call, name)?;
                    Some(format!(
                        "{} {verb} {}",
                        written::expression(target)?,
                        self.shown(&self.value(operand).ok()?)
                    ))
                }
            },
            _ => None,
        }
    }

    /// A sentence for a part that is false: what was observed and what was expected.
    fn failed(&self, expression: &IdedExpr) -> Option<String> {
        if let Some((left, function, right)) = comparison(expression) {
            return self.comparison_failed(left, function, right);
        }
        match &expression.expr {
            Expr::Select(select) if select.test => Some(format!(
                "{}.{} is missing",
                written::expression(&select.operand)?,
                select.field
            )),
            Expr::Ident(_) | Expr::Select(_) => Some(format!(
                "{} is false, expected true",
                written::expression(expression)?
            )),
            Expr::Call(call) => match call.func_name.as_str() {
                operators::INDEX => Some(format!(
                    "{} is false, expected true",
                    written::expression(expression)?
                )),
                operators::LOGICAL_NOT => {
                    let operand = call.args.first()?;
                    match &operand.expr {
                        Expr::Select(select) if select.test => Some(format!(
                            "{}.{} is there, expected it not to be",
                            written::expression(&select.operand)?,
                            select.field
                        )),
                        _ if is_path(operand) => Some(format!(
                            "{} is true, expected false",
                            written::expression(operand)?
                        )),
                        _ => {
                            let held = self.held(operand)?;
                            Some(format!("{held}, expected otherwise"))
                        }
                    }
                }
                operators::LOGICAL_OR => {
                    let sentences: Option<Vec<String>> = flattened(expression, operators::LOGICAL_OR)
                        .into_iter()
                        .map(|part| self.sentence(part))
                        .collect();
                    Some(sentences?.join("; and "))
                }
                operators::LOGICAL_AND => flattened(expression, operators::LOGICAL_AND)
                    .into_iter()
                    .find(|part| !matches!(self.value(part), Ok(CelValue::Bool(true))))
                    .and_then(|part| self.sentence(part)),
                name => {
                    let (target, verb, operand) = text_test(call, name)?;
                    let infinitive = match verb {
                        "begins with" => "begin with",
                        "ends with" => "end with",
                        "matches" => "match",
                        _ => "contain",
                    };
                    Some(format!(
                        "{} is {}, expected it to {infinitive} {}",
                        written::expression(target)?,
                        self.shown(&self.value(target).ok()?),
                        self.shown(&self.value(operand).ok()?)
                    ))
                }
            },
            _ => None,
        }
    }

    fn sentence(&self, expression: &IdedExpr) -> Option<String> {
        match self.value(expression) {
            Ok(_) => self.failed(expression),
            Err(_) => self.hindered(expression),
        }
        .or_else(|| Some(format!("{} does not hold", written::expression(expression)?)))
    }

    fn comparison_failed(&self, left: &IdedExpr, function: &str, right: &IdedExpr) -> Option<String> {
        let observed = self.shown(&self.value(left).ok()?);
        let expected_value = self.value(right).ok()?;
        let expected = match &expected_value {
            CelValue::List(values) if function == operators::IN && !values.is_empty() => {
                let values: Vec<String> = values.iter().take(10).map(|value| self.shown(value)).collect();
                written::joined(&values, "or")
            }
            other => self.shown(other),
        };
        let expected = if is_constant(right) {
            expected
        } else {
            format!("{} ({expected})", written::expression(right)?)
        };
        let relation = match function {
            operators::NOT_EQUALS if is_constant(right) => {
                return Some(format!(
                    "{} is {observed}, expected anything else",
                    written::expression(left)?
                ));
            }
            operators::NOT_EQUALS => "anything but ",
            operators::LESS => "less than ",
            operators::LESS_EQUALS => "at most ",
            operators::GREATER => "more than ",
            operators::GREATER_EQUALS => "at least ",
            operators::IN => "one of ",
            _ => "",
        };
        // What a reckoned value came from is what somebody will ask next.
        let mut parts = Vec::new();
        if !is_path(left) {
            self.parts(left, &mut parts);
        }
        let from = if parts.is_empty() {
            String::new()
        } else {
            format!(" ({})", written::joined(&parts, "and"))
        };
        Some(format!(
            "{} is {observed}, expected {relation}{expected}{from}",
            written::expression(left)?
        ))
    }

    /// Clauses with the values that an expression is reckoned from.
    fn parts(&self, expression: &IdedExpr, parts: &mut Vec<String>) {
        if is_path(expression) {
            if let (Some(text), Ok(value)) = (written::expression(expression), self.value(expression)) {
                let clause = format!("{text} is {}", self.shown(&value));
                if !parts.contains(&clause) && parts.len() < 4 {
                    parts.push(clause);
                }
            }
            return;
        }
        for child in children(expression) {
            self.parts(child, parts);
        }
    }

    /// A sentence for a part that could not be worked out: its innermost part that is to blame.
    fn hindered(&self, expression: &IdedExpr) -> Option<String> {
        for child in children(expression) {
            if self.value(child).is_err() {
                return self.hindered(child);
            }
        }
        let text = written::expression(expression)?;
        match &expression.expr {
            Expr::Ident(name) => Some(match self.observation.get(name) {
                Some(Observed::Nothing(reason)) => reason.clone(),
                _ => format!("{name} was not observed"),
            }),
            Expr::Select(select) => {
                let operand = self.value(&select.operand).ok()?;
                let field = format!("{}.{}", written::expression(&select.operand)?, select.field);
                Some(match operand {
                    CelValue::Map(_) => format!("{field} is missing"),
                    other => format!(
                        "{} is {}, so {field} is missing",
                        written::expression(&select.operand)?,
                        self.shown(&other)
                    ),
                })
            }
            Expr::Call(call) if call.func_name == operators::INDEX => Some(format!("{text} is missing")),
            _ => {
                let mut parts = Vec::new();
                self.parts(expression, &mut parts);
                let from = if parts.is_empty() {
                    String::new()
                } else {
                    format!(": {}", written::joined(&parts, "and"))
                };
                let hint = match self.value(expression) {
                    Err(ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_)) => {
                        ", and nothing can be divided by zero"
                    }
                    _ => "",
                };
                Some(format!("{text} cannot be worked out{from}{hint}"))
            }
        }
    }

    /// A sentence for a part of which no more can be said, as a loop's.
    fn does_not_hold(&self, conjunct: &Conjunct) -> String {
        let mut parts = Vec::new();
        self.parts(&conjunct.expression, &mut parts);
        let from = if parts.is_empty() {
            String::new()
        } else {
            format!(" ({})", written::joined(&parts, "and"))
        };
        format!("{} does not hold{from}", one_line(&conjunct.text))
    }

    /// Notes the values that an expression picks out of what was observed. What stands at the top, and headers, are noted by
    /// the probe itself.
    fn look_at(&self, expression: &IdedExpr, headers: &[Asked], looked_at: &mut Vec<(String, Value)>) {
        if looked_at.len() >= MOST_LOOKED_AT {
            return;
        }
        if !is_path(expression) {
            for child in children(expression) {
                self.look_at(child, headers, looked_at);
            }
            return;
        }
        if matches!(expression.expr, Expr::Ident(_)) {
            return;
        }
        let (Some(text), Ok(value)) = (written::expression(expression), self.value(expression)) else {
            return;
        };
        if headers.iter().any(|asked| asked.called == text) {
            return;
        }
        let noted = match value {
            CelValue::Null => Value::Null,
            CelValue::Bool(bool) => Value::from(bool),
            CelValue::Int(number) => Value::from(number),
            CelValue::UInt(number) => Value::from(number),
            CelValue::Float(number) => Value::from(number),
            CelValue::String(text) => Value::from(self.redactor.beginning(text.as_str(), LONGEST_TEXT)),
            _ => return,
        };
        if looked_at.iter().all(|(known, _)| *known != text) {
            looked_at.push((text, noted));
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
