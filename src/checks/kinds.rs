//! What a condition is held to when its checklist is loaded: that every name is observed, and that what it
//! compares can be compared. CEL itself finds out only when it is too late to mend.

mod sort;

use std::collections::{BTreeMap, BTreeSet};

use cel::Context;
use cel::Value as CelValue;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};

use self::sort::Sort;
use super::condition::{Compiled, Conjunct, Flaw, STANDARD};
use super::observation::Kind;
use super::written;

/// A function: its name, whether it is called on a value, and what it gives.
const FUNCTIONS: &[(&str, Sort)] = &[
    ("bool", Sort::Truth),
    ("bytes", Sort::Bytes),
    ("contains", Sort::Truth),
    ("double", Sort::Fraction),
    ("duration", Sort::Duration),
    ("dyn", Sort::Unknown),
    ("endsWith", Sort::Truth),
    ("getDate", Sort::Whole),
    ("getDayOfMonth", Sort::Whole),
    ("getDayOfWeek", Sort::Whole),
    ("getDayOfYear", Sort::Whole),
    ("getFullYear", Sort::Whole),
    ("getHours", Sort::Whole),
    ("getMilliseconds", Sort::Whole),
    ("getMinutes", Sort::Whole),
    ("getMonth", Sort::Whole),
    ("getSeconds", Sort::Whole),
    ("int", Sort::Whole),
    ("matches", Sort::Truth),
    ("size", Sort::Whole),
    ("startsWith", Sort::Truth),
    ("string", Sort::Text),
    ("timestamp", Sort::Time),
    ("type", Sort::Unknown),
    ("uint", Sort::Unsigned),
];

/// Loops and other forms that look like functions.
const MACROS: &[&str] = &["all", "exists", "exists_one", "filter", "has", "map"];

/// Functions whose value is a text, or text in the first place.
const ON_TEXT: &[&str] = &["contains", "endsWith", "matches", "startsWith"];

/// Everything wrong with a condition for a probe that observes these names.
pub(super) fn flaws(compiled: &Compiled, names: &BTreeMap<String, Kind>) -> Vec<Flaw> {
    let mut checker = Checker {
        names,
        used: BTreeSet::new(),
        flaws: Vec::new(),
        offset: 0,
        conjunct: None,
    };
    for conjunct in &compiled.conjuncts {
        checker.offset = conjunct.offset;
        checker.conjunct = Some(conjunct);
        let sort = checker.sort(&conjunct.expression, &BTreeMap::new());
        checker.must_be_truth(&conjunct.expression, sort);
    }
    let mut flaws = checker.flaws;
    if flaws.is_empty() && checker.used.is_empty() {
        let known: Vec<String> = names.keys().cloned().collect();
        flaws.push(Flaw {
            offset: 0,
            sentence: format!(
                "the condition looks at nothing that the check observes, so it says nothing; use {}",
                written::joined(&known, "or")
            ),
        });
    }
    if flaws.is_empty()
        && compiled
            .conjuncts
            .iter()
            .all(|conjunct| is_always_true(&conjunct.expression))
    {
        flaws.push(Flaw {
            offset: 0,
            sentence: "the condition holds whatever is observed, so the check cannot fail; take out the part that is \
                       always true"
                .to_owned(),
        });
    }
    flaws
}

/// Everything wrong with an expression whose value is to be put into texts.
pub(super) fn flaws_of_value(compiled: &Compiled, names: &BTreeMap<String, Kind>) -> Vec<Flaw> {
    let mut checker = Checker {
        names,
        used: BTreeSet::new(),
        flaws: Vec::new(),
        offset: 0,
        conjunct: compiled.conjuncts.first(),
    };
    for conjunct in &compiled.conjuncts {
        let sort = checker.sort(&conjunct.expression, &BTreeMap::new());
        let fits = sort.is_number() || matches!(sort, Sort::Truth | Sort::Text | Sort::Unknown);
        if !fits {
            let sentence = format!(
                "{} is {}, and only a text, a number or a truth value can be captured",
                named(&conjunct.expression),
                sort.read()
            );
            checker.flaw(&conjunct.expression, sentence);
        }
    }
    if checker.flaws.is_empty() && checker.used.is_empty() {
        checker.flaws.push(Flaw {
            offset: 0,
            sentence:
                "this captures nothing that is observed; write it as in json.token, without more quotes"
                    .to_owned(),
        });
    }
    checker.flaws
}

/// Whether an expression holds where nothing is observed at all, as `status == 200 || true` does.
fn is_always_true(expression: &IdedExpr) -> bool {
    matches!(
        CelValue::resolve(expression, &Context::with_env(STANDARD.clone())),
        Ok(CelValue::Bool(true))
    )
}

struct Checker<'a> {
    names: &'a BTreeMap<String, Kind>,
    used: BTreeSet<String>,
    flaws: Vec<Flaw>,
    offset: usize,
    conjunct: Option<&'a Conjunct>,
}

/// Names that loops bring in.
type Scope = BTreeMap<String, Sort>;

impl Checker<'_> {
    fn flaw(&mut self, at: &IdedExpr, sentence: String) -> Sort {
        let within = self
            .conjunct
            .and_then(|conjunct| conjunct.source.offset_for(at.id))
            .map_or(0, |(start, _)| start as usize);
        self.flaws.push(Flaw {
            offset: self.offset + within,
            sentence,
        });
        Sort::Unknown
    }

    fn must_be_truth(&mut self, expression: &IdedExpr, sort: Sort) {
        if !matches!(sort, Sort::Truth | Sort::Unknown) {
            let named = named(expression);
            self.flaw(
                expression,
                format!(
                    "{named} is {}, neither true nor false; compare it with something",
                    sort.read()
                ),
            );
        }
    }

    fn sort(&mut self, expression: &IdedExpr, scope: &Scope) -> Sort {
        match &expression.expr {
            Expr::Ident(name) => self.ident(expression, name, scope),
            Expr::Literal(literal) => match literal {
                LiteralValue::Boolean(_) => Sort::Truth,
                LiteralValue::Bytes(_) => Sort::Bytes,
                LiteralValue::Double(_) => Sort::Fraction,
                LiteralValue::Int(_) => Sort::Whole,
                LiteralValue::Null => Sort::Null,
                LiteralValue::String(_) => Sort::Text,
                LiteralValue::UInt(_) => Sort::Unsigned,
            },
            Expr::Select(select) => {
                let operand = self.sort(&select.operand, scope);
                let field = match operand {
                    Sort::Headers => self.header(expression, &select.field),
                    Sort::Durations(names) | Sort::Fractions(names) => {
                        self.known_part(expression, operand, names, &select.field)
                    }
                    Sort::Object | Sort::Unknown => Sort::Unknown,
                    _ => {
                        let named = named(&select.operand);
                        self.flaw(
                            expression,
                            format!("{named} is {} and has no part `{}`", operand.read(), select.field),
                        )
                    }
                };
                if select.test { Sort::Truth } else { field }
            }
            Expr::List(list) => {
                for element in &list.elements {
                    self.sort(element, scope);
                }
                Sort::List
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.sort(&entry.key, scope);
                        self.sort(&entry.value, scope);
                    }
                }
                Sort::Object
            }
            Expr::Call(call) => self.call(expression, call, scope),
            Expr::Comprehension(comprehension) => self.comprehension(expression, comprehension, scope),
            Expr::Struct(message) => {
                let sentence = format!("`{}` is not a type here; compare plain values", message.type_name);
                self.flaw(expression, sentence)
            }
            Expr::Unspecified => Sort::Unknown,
        }
    }

    fn ident(&mut self, at: &IdedExpr, name: &str, scope: &Scope) -> Sort {
        if let Some(sort) = scope.get(name) {
            return *sort;
        }
        if let Some(kind) = self.names.get(name) {
            self.used.insert(name.to_owned());
            return match kind {
                Kind::Truth => Sort::Truth,
                Kind::Whole => Sort::Whole,
                Kind::Fraction => Sort::Fraction,
                Kind::Durations(names) => Sort::Durations(names),
                Kind::Fractions(names) => Sort::Fractions(names),
                Kind::Duration => Sort::Duration,
                Kind::Text => Sort::Text,
                Kind::Headers => Sort::Headers,
                Kind::Names => Sort::Names,
                Kind::Anything => Sort::Unknown,
            };
        }
        let known: Vec<String> = self.names.keys().cloned().collect();
        let nearest = nearest(name, known.iter().map(String::as_str));
        let sentence = match nearest {
            Some(nearest) => format!("`{name}` is not observed by this check; did you mean `{nearest}`?"),
            None => format!(
                "`{name}` is not observed by this check; it observes {}",
                written::joined(&known, "and")
            ),
        };
        // An unknown name is enough to say; that nothing is looked at would be said on top of it.
        self.flaw(at, sentence)
    }

    /// A part of an object whose parts are known.
    fn known_part(&mut self, at: &IdedExpr, of: Sort, names: &'static [&'static str], name: &str) -> Sort {
        if !names.contains(&name) {
            let known: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            return self.flaw(
                at,
                format!(
                    "there is no part `{name}`; there are {}",
                    written::joined(&known, "and")
                ),
            );
        }
        match of {
            Sort::Durations(_) => Sort::Duration,
            _ => Sort::Fraction,
        }
    }

    fn header(&mut self, at: &IdedExpr, name: &str) -> Sort {
        if name.chars().any(char::is_uppercase) {
            let lower = name.to_lowercase();
            self.flaw(
                at,
                format!("names of headers are in lower case here; write headers[{lower:?}]"),
            );
        }
        Sort::Text
    }

    fn call(&mut self, at: &IdedExpr, call: &CallExpr, scope: &Scope) -> Sort {
        let name = call.func_name.as_str();
        if let (None, [left, right]) = (&call.target, call.args.as_slice()) {
            if name == operators::INDEX {
                return self.index(at, left, right, scope);
            }
            if let Some(sign) = written::sign(name) {
                return self.operator(at, name, sign, [left, right], scope);
            }
        }
        let target = call.target.as_deref().map(|target| self.sort(target, scope));
        let args: Vec<Sort> = call.args.iter().map(|arg| self.sort(arg, scope)).collect();
        match (name, args.as_slice()) {
            (operators::LOGICAL_NOT, [sort]) => {
                self.must_be_truth(&call.args[0], *sort);
                Sort::Truth
            }
            (operators::NEGATE, [sort]) => {
                if !(sort.is_number() || matches!(sort, Sort::Unknown | Sort::Duration)) {
                    let named = named(&call.args[0]);
                    return self.flaw(at, format!("{named} is {} and cannot be negated", sort.read()));
                }
                *sort
            }
            (operators::CONDITIONAL, [condition, yes, no]) => {
                self.must_be_truth(&call.args[0], *condition);
                if yes == no { *yes } else { Sort::Unknown }
            }
            _ if name.starts_with('@') => Sort::Truth,
            _ => self.function(at, call, target, &args),
        }
    }

    fn function(&mut self, at: &IdedExpr, call: &CallExpr, target: Option<Sort>, args: &[Sort]) -> Sort {
        let name = call.func_name.as_str();
        let Some((_, result)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
            let known = FUNCTIONS
                .iter()
                .map(|(known, _)| *known)
                .chain(MACROS.iter().copied());
            let sentence = if MACROS.contains(&name) {
                format!(
                    "`{name}` is not used like this; write it as in `json.items.all(item, item.ok)` or `has(json.name)`"
                )
            } else {
                match nearest(name, known) {
                    Some(nearest) => format!("there is no function `{name}`; did you mean `{nearest}`?"),
                    None => format!("there is no function `{name}` in CEL"),
                }
            };
            return self.flaw(at, sentence);
        };
        let first = call.target.as_deref().or(call.args.first());
        let sort = target.or(args.first().copied());
        if let (Some(first), Some(sort)) = (first, sort) {
            let wrong = match name {
                _ if ON_TEXT.contains(&name) => !matches!(sort, Sort::Text | Sort::Unknown),
                "size" => !matches!(
                    sort,
                    Sort::Text
                        | Sort::Bytes
                        | Sort::List
                        | Sort::Names
                        | Sort::Object
                        | Sort::Headers
                        | Sort::Durations(_)
                        | Sort::Fractions(_)
                        | Sort::Unknown
                ),
                "duration" => !matches!(sort, Sort::Text | Sort::Duration | Sort::Unknown),
                "double" | "uint" => !(sort.is_number() || matches!(sort, Sort::Text | Sort::Unknown)),
                "int" => !(sort.is_number() || matches!(sort, Sort::Text | Sort::Time | Sort::Unknown)),
                _ => false,
            };
            if wrong {
                let named = named(first);
                return self.flaw(
                    at,
                    format!("{named} is {}, which `{name}` does not take", sort.read()),
                );
            }
        }
        self.constant(at, call);
        *result
    }

    /// Tries a call whose operands are all written out: a duration that is none, a regular expression that is broken.
    fn constant(&mut self, at: &IdedExpr, call: &CallExpr) {
        let text = |expression: &IdedExpr| match &expression.expr {
            Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
            _ => None,
        };
        if call.func_name == "matches" {
            let pattern = call.args.last().and_then(text);
            if let Some(error) = pattern.and_then(|pattern| regex::Regex::new(&pattern).err()) {
                self.flaw(
                    at,
                    format!(
                        "the pattern is not a regular expression: {}",
                        last_line(&error.to_string())
                    ),
                );
            }
        } else if let (None, [only]) = (&call.target, call.args.as_slice())
            && let Some(written_text) = text(only)
            && CelValue::resolve(at, &Context::with_env(STANDARD.clone())).is_err()
        {
            let hint = match call.func_name.as_str() {
                "duration" => "; write it as in duration(\"500ms\") or duration(\"1m30s\")",
                "timestamp" => "; write it as in timestamp(\"2026-01-31T12:00:00Z\")",
                _ => "",
            };
            let sentence = format!("`{}` cannot take {written_text:?}{hint}", call.func_name);
            self.flaw(at, sentence);
        }
    }

    fn index(&mut self, at: &IdedExpr, operand: &IdedExpr, index: &IdedExpr, scope: &Scope) -> Sort {
        let (of, by) = (self.sort(operand, scope), self.sort(index, scope));
        match of {
            Sort::Headers => match &index.expr {
                Expr::Literal(LiteralValue::String(name)) => self.header(index, name.inner()),
                _ => Sort::Text,
            },
            Sort::Durations(names) | Sort::Fractions(names) => match (&index.expr, of) {
                (Expr::Literal(LiteralValue::String(name)), _) => {
                    self.known_part(index, of, names, name.inner())
                }
                (_, Sort::Durations(_)) => Sort::Duration,
                _ => Sort::Fraction,
            },
            Sort::Names if by.is_number() || by == Sort::Unknown => Sort::Text,
            Sort::Object | Sort::List | Sort::Unknown => Sort::Unknown,
            _ => {
                let named = named(operand);
                self.flaw(
                    at,
                    format!(
                        "{named} is {} and has no parts to pick by {}",
                        of.read(),
                        by.read()
                    ),
                )
            }
        }
    }

    fn operator(
        &mut self,
        at: &IdedExpr,
        name: &str,
        sign: &str,
        operands: [&IdedExpr; 2],
        scope: &Scope,
    ) -> Sort {
        let [left, right] = operands.map(|operand| self.sort(operand, scope));
        if matches!(name, operators::LOGICAL_AND | operators::LOGICAL_OR) {
            self.must_be_truth(operands[0], left);
            self.must_be_truth(operands[1], right);
            return Sort::Truth;
        }
        let fits = match name {
            operators::EQUALS | operators::NOT_EQUALS => left.equals(right),
            operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS => {
                left.compares(right)
            }
            operators::IN => matches!(
                right,
                Sort::List
                    | Sort::Names
                    | Sort::Object
                    | Sort::Headers
                    | Sort::Durations(_)
                    | Sort::Fractions(_)
                    | Sort::Unknown
            ),
            _ => {
                return match left.reckoned(name, right) {
                    Some(sort) => sort,
                    None => self.mismatch(at, sign, operands, [left, right]),
                };
            }
        };
        if !fits {
            self.mismatch(at, sign, operands, [left, right]);
        }
        Sort::Truth
    }

    fn mismatch(&mut self, at: &IdedExpr, sign: &str, operands: [&IdedExpr; 2], sorts: [Sort; 2]) -> Sort {
        let [left, right] = operands.map(named);
        let hint = match sorts {
            _ if sign == "in" => "; write a list, as in `status in [200, 204]`".to_owned(),
            [Sort::Duration, other] | [other, Sort::Duration] if other.is_number() || other == Sort::Text => {
                "; write a span of time as in duration(\"500ms\")".to_owned()
            }
            [Sort::Text, other] if other.is_number() => format!("; write double({})", left.trim_matches('`')),
            [other, Sort::Text] if other.is_number() => match &operands[1].expr {
                Expr::Literal(_) => "; write the number without quotes".to_owned(),
                _ => format!("; write double({})", right.trim_matches('`')),
            },
            [one, other] if one.is_number() && other.is_number() => {
                let [left, right] = [&left, &right].map(|named| named.trim_matches('`'));
                format!("; write double({left}) {sign} double({right})")
            }
            _ => String::new(),
        };
        let sentence = format!(
            "{left} is {} and {right} is {}, which `{sign}` does not take together{hint}",
            sorts[0].read(),
            sorts[1].read()
        );
        self.flaw(at, sentence)
    }

    fn comprehension(&mut self, at: &IdedExpr, comprehension: &ComprehensionExpr, scope: &Scope) -> Sort {
        let range = self.sort(&comprehension.iter_range, scope);
        let element = match range {
            Sort::Names | Sort::Headers | Sort::Durations(_) | Sort::Fractions(_) => Sort::Text,
            Sort::List | Sort::Object | Sort::Unknown => Sort::Unknown,
            _ => {
                let named = named(&comprehension.iter_range);
                self.flaw(
                    at,
                    format!("{named} is {}, and only lists can be gone through", range.read()),
                )
            }
        };
        let start = self.sort(&comprehension.accu_init, scope);
        let mut inner = scope.clone();
        inner.insert(comprehension.iter_var.clone(), element);
        if let Some(second) = &comprehension.iter_var2 {
            inner.insert(second.clone(), Sort::Unknown);
        }
        inner.insert(comprehension.accu_var.clone(), start);
        self.sort(&comprehension.loop_step, &inner);
        self.sort(&comprehension.result, &inner)
    }
}

/// The known name that is most like a wrong one, if any is.
pub(super) fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| {
            (
                strsim::damerau_levenshtein(&wrong.to_lowercase(), &name.to_lowercase()),
                name,
            )
        })
        .filter(|(distance, name)| *distance <= (name.len().max(wrong.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The last line of a many-lined message, where the regex crate says what is wrong.
pub(super) fn last_line(message: &str) -> &str {
    let last = message.lines().last().unwrap_or(message).trim();
    last.strip_prefix("error: ").unwrap_or(last)
}

fn named(expression: &IdedExpr) -> String {
    match written::expression(expression) {
        Some(text) => format!("`{text}`"),
        None => "this".to_owned(),
    }
}

#[cfg(test)]
mod tests;
