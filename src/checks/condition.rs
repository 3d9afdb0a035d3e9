//! Conditions: CEL expressions, compiled once.
//!
//! The CEL crate parses and evaluates by recursion with large frames, so compiling, and evaluating what is deep
//! or loops, happens on threads with room enough; [`scan`](super::scan) bounds how deep a condition can be.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use cel::Env;
use cel::common::ast::{EntryExpr, Expr, IdedExpr, SourceInfo};
use cel::parser::{ParseError, Parser};

use super::glance::{self, Glance};
use super::headers::Asked;
use super::scan;
use super::uses::{Use, headers_named, uses};

/// Functions and types that conditions have: CEL's standard ones.
pub(super) static STANDARD: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// A stack with ample room for the deepest condition that [`scan`](super::scan) lets through: in an unoptimised
/// build, 20 brackets overflow 1 MiB. What is not used costs addresses only.
const DEEP_STACK: usize = 64 << 20;
/// The deepest expression that is evaluated on the stack it happens to be on.
const SHALLOW: usize = 8;
/// The most loops (`all`, `exists`, `map`, `filter`) inside one another.
const MOST_NESTED_LOOPS: usize = 2;
/// The most conditions kept compiled. Past it, they are all forgotten and compiled when next used.
const MOST_COMPILED: usize = 2000;

/// A condition that can be evaluated.
#[derive(Debug)]
pub(super) struct Compiled {
    /// What `&&` joins, in order. All must hold.
    pub(super) conjuncts: Vec<Conjunct>,
    /// How each of them can be looked at without CEL, where all can.
    pub(super) glances: Option<Vec<Glance>>,
    /// The names that it uses, and how much of what they stand for.
    pub(super) uses: BTreeMap<String, Use>,
    /// The headers that it names, which the probe notes.
    pub(super) headers: Vec<Asked>,
    /// Whether it may take long or needs much stack, and is evaluated on a thread of its own.
    pub(super) heavy: bool,
}

/// A part of a condition that holds or does not.
#[derive(Debug)]
pub(super) struct Conjunct {
    /// As it was written.
    pub(super) text: String,
    /// Where it begins in the condition, in bytes.
    pub(super) offset: usize,
    /// What it means.
    pub(super) expression: IdedExpr,
    /// Where each part of it stands in `text`.
    pub(super) source: SourceInfo,
}

/// Something wrong in a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    /// Where, in bytes from the condition's beginning.
    pub(super) offset: usize,
    /// What, and what to do, in a sentence.
    pub(super) sentence: String,
}

/// Expressions compiled so far.
#[derive(Debug)]
pub(super) struct Expressions {
    /// Those that hold or do not.
    pub(super) conditions: CompiledConditions,
    /// Those whose value is wanted.
    pub(super) values: CompiledConditions,
}

/// Expressions of one form compiled so far, by their text.
#[derive(Debug)]
pub(super) struct CompiledConditions {
    compile: fn(&str) -> Result<Compiled, Flaw>,
    by_text: Mutex<HashMap<String, Result<Arc<Compiled>, Flaw>>>,
}

impl Default for Expressions {
    fn default() -> Self {
        Self {
            conditions: CompiledConditions::by(compile),
            values: CompiledConditions::by(compile_value),
        }
    }
}

impl CompiledConditions {
    fn by(compile: fn(&str) -> Result<Compiled, Flaw>) -> Self {
        Self {
            compile,
            by_text: Mutex::default(),
        }
    }

    /// The expression, compiled now or before.
    pub(super) fn get(&self, text: &str) -> Result<Arc<Compiled>, Flaw> {
        // A panic while the lock is held cannot leave the map half changed.
        if let Some(known) = self
            .by_text
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(text)
        {
            return known.clone();
        }
        let compiled = (self.compile)(text).map(Arc::new);
        let mut by_text = self.by_text.lock().unwrap_or_else(PoisonError::into_inner);
        if by_text.len() >= MOST_COMPILED {
            by_text.clear();
        }
        by_text.insert(text.to_owned(), compiled.clone());
        compiled
    }
}

/// The expression that was asked for last. Most checks of a task ask for the same one again.
#[derive(Debug, Default)]
pub(super) struct LastCondition(Option<(String, Arc<Compiled>)>);

impl LastCondition {
    /// The expression, compiled now or before.
    pub(super) fn or_of(
        &mut self,
        compiled: &CompiledConditions,
        text: &str,
    ) -> Result<&Arc<Compiled>, Flaw> {
        let last = self.0.take().filter(|(of, _)| of == text);
        let (_, found) = self.0.insert(match last {
            Some(last) => last,
            None => (text.to_owned(), compiled.get(text)?),
        });
        Ok(found)
    }
}

/// Compiles a condition, or tells the first thing that is wrong with its syntax.
pub(super) fn compile(text: &str) -> Result<Compiled, Flaw> {
    if text.trim().is_empty() {
        return Err(Flaw {
            offset: 0,
            sentence: "the condition is empty; leave `pass` out to use the probe's own verdict".to_owned(),
        });
    }
    compiled(text, |text| {
        scan::conjuncts(text)
            .into_iter()
            .map(|span| parse(text, span))
            .collect()
    })
}

/// Compiles an expression whose value is wanted: it is one part, whatever it joins.
pub(super) fn compile_value(text: &str) -> Result<Compiled, Flaw> {
    if text.trim().is_empty() {
        return Err(Flaw {
            offset: 0,
            sentence: "nothing is named to be captured; write it as in json.token".to_owned(),
        });
    }
    compiled(text, |text| Ok(vec![parse(text, 0..text.len())?]))
}

fn compiled(
    text: &str,
    parts: impl FnOnce(&str) -> Result<Vec<Conjunct>, ParseError> + Send,
) -> Result<Compiled, Flaw> {
    scan::measure(text).map_err(|limit| Flaw {
        offset: limit.offset,
        sentence: limit.what.to_owned(),
    })?;
    on_deep_stack(|| {
        let whole = parse(text, 0..text.len()).map_err(|error| flaw(text, &error))?;
        // Should the parser disagree about where the parts end, the whole is judged as one.
        let conjuncts = parts(text).unwrap_or_else(|_| vec![whole]);
        let extents = conjuncts
            .iter()
            .map(|conjunct| extent(&conjunct.expression, 1, 0));
        let (depth, loops) = extents.fold((0, 0), |most, one| (most.0.max(one.0), most.1.max(one.1)));
        if loops > MOST_NESTED_LOOPS {
            return Err(Flaw {
                offset: 0,
                sentence:
                    "the condition has more than 2 loops inside one another; split it into several checks"
                        .to_owned(),
            });
        }
        let expressions = || conjuncts.iter().map(|conjunct| &conjunct.expression);
        let headers = headers_named(expressions());
        let glances = glance::at_all(expressions(), &headers);
        let mut parts = uses(expressions());
        let mut used = BTreeMap::new();
        for expression in expressions() {
            for name in expression.references().variables() {
                if !used.contains_key(name) {
                    let part = parts.remove(name).unwrap_or(Use::Whole);
                    used.insert(name.to_owned(), part);
                }
            }
        }
        Ok(Compiled {
            glances,
            conjuncts,
            uses: used,
            headers,
            heavy: depth > SHALLOW || loops > 0,
        })
    })
}

/// Runs the work on a stack that the deepest condition fits in, and waits for it.
pub(super) fn on_deep_stack<Done: Send>(
    work: impl FnOnce() -> Result<Done, Flaw> + Send,
) -> Result<Done, Flaw> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("condition".to_owned())
            .stack_size(DEEP_STACK)
            .spawn_scoped(scope, work)
            .map_err(|_| ())
            .and_then(|thread| thread.join().map_err(|_| ()))
            .unwrap_or_else(|()| {
                Err(Flaw {
                    offset: 0,
                    sentence:
                        "the condition cannot be read on this machine now; try again, or write it simpler"
                            .to_owned(),
                })
            })
    })
}

/// Starts the work on a stack that the deepest condition fits in. Nothing comes back when there can be no thread,
/// or the work panics.
pub(super) async fn on_own_thread<Done: Send + 'static>(
    work: impl FnOnce() -> Done + Send + 'static,
) -> Option<Done> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("condition".to_owned())
        .stack_size(DEEP_STACK)
        .spawn(move || {
            // Nobody waits any more when the check ran out of time.
            let _ = sender.send(work());
        })
        .ok()?;
    receiver.await.ok()
}

fn parse(text: &str, span: std::ops::Range<usize>) -> Result<Conjunct, ParseError> {
    let offset = span.start;
    let part = &text[span];
    match Parser::new().parse_with_source_info(part) {
        Ok((expression, source)) => Ok(Conjunct {
            text: part.to_owned(),
            offset,
            expression,
            source,
        }),
        Err(errors) => Err(errors.errors.into_iter().next().unwrap_or(ParseError {
            source: None,
            pos: (1, 1),
            msg: String::new(),
            expr_id: 0,
            source_info: None,
        })),
    }
}

/// How deep an expression is, and how many loops stand inside one another in it.
fn extent(expression: &IdedExpr, depth: usize, loops: usize) -> (usize, usize) {
    let mut most = (depth, loops);
    let mut look = |child: &IdedExpr, loops: usize| {
        let found = extent(child, depth + 1, loops);
        most = (most.0.max(found.0), most.1.max(found.1));
    };
    match &expression.expr {
        Expr::Call(call) => call
            .target
            .as_deref()
            .into_iter()
            .chain(&call.args)
            .for_each(|child| look(child, loops)),
        Expr::Select(select) => look(&select.operand, loops),
        Expr::List(list) => list.elements.iter().for_each(|child| look(child, loops)),
        Expr::Map(map) => {
            for entry in &map.entries {
                if let EntryExpr::MapEntry(entry) = &entry.expr {
                    look(&entry.key, loops);
                    look(&entry.value, loops);
                }
            }
        }
        Expr::Comprehension(comprehension) => {
            // What a loop goes through is worked out once, before it.
            look(&comprehension.iter_range, loops);
            look(&comprehension.loop_step, loops + 1);
            look(&comprehension.result, loops);
        }
        Expr::Struct(_) | Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {}
    }
    most
}

/// A parser's error as a sentence of ours.
fn flaw(text: &str, error: &ParseError) -> Flaw {
    let (line, column) = error.pos;
    let line_start: usize = text
        .split_inclusive('\n')
        .take(usize::try_from(line - 1).unwrap_or(0))
        .map(str::len)
        .sum();
    let characters = usize::try_from(column - 1).unwrap_or(0);
    let offset = text[line_start..]
        .char_indices()
        .nth(characters)
        .map_or(text.len(), |(at, _)| line_start + at);

    let quoted = error.msg.split_once('\'').map_or("", |(_, rest)| rest);
    let found = quoted
        .split_once("' expecting")
        .map_or_else(|| quoted.strip_suffix('\'').unwrap_or(quoted), |(found, _)| found)
        .trim();
    let sentence = if error.msg.contains("recursion") {
        "the condition is nested too deeply; write it flatter, or split it into several checks".to_owned()
    } else if error.msg.contains("'<EOF>'") {
        "the condition ends too early; something is missing after this".to_owned()
    } else if found == "=" {
        "`=` is not an operator; write `==` to compare".to_owned()
    } else if found.starts_with(['"', '\'']) {
        "a text begins here and does not end; close its quotes".to_owned()
    } else if matches!(found, "and" | "or" | "not") {
        let sign = match found {
            "and" => "&&",
            "or" => "||",
            _ => "!",
        };
        format!("`{found}` is not an operator; write `{sign}`")
    } else if found.is_empty() {
        "the condition cannot be read from here".to_owned()
    } else {
        format!("`{found}` is not expected here; the condition cannot be read")
    };
    Flaw { offset, sentence }
}

#[cfg(test)]
mod tests {
    use super::super::judge::judge;
    use super::super::observation::Observation;
    use super::super::redact::Redactor;
    use super::*;

    fn told(text: &str) -> (usize, String) {
        let flaw = compile(text).expect_err("the condition is wrong");
        (flaw.offset, flaw.sentence)
    }

    #[test]
    fn the_last_condition_is_the_one_that_is_asked_for() {
        let compiled = CompiledConditions::by(compile);
        let mut last = LastCondition::default();
        for text in ["status == 200", "status == 200", "json.ok", "status == 200"] {
            let found = last.or_of(&compiled, text).expect("a condition");
            assert_eq!(found.conjuncts[0].text, text);
        }
        assert!(last.or_of(&compiled, "status ==").is_err());
        let found = last.or_of(&compiled, "json.ok").expect("a condition");
        assert_eq!(found.conjuncts[0].text, "json.ok");
    }

    #[test]
    fn a_syntax_error_is_a_sentence_with_its_place() {
        for (text, offset, sentence) in [
            ("status = 200", 7, "`=` is not an operator; write `==` to compare"),
            (
                "status ==",
                9,
                "the condition ends too early; something is missing after this",
            ),
            (
                "(status == 1",
                12,
                "the condition ends too early; something is missing after this",
            ),
            ("status == 1 and x", 12, "`and` is not an operator; write `&&`"),
            (
                "status == 1)",
                11,
                "`)` is not expected here; the condition cannot be read",
            ),
            (
                "status == 1 &&& body == \"x\"",
                14,
                "`&` is not expected here; the condition cannot be read",
            ),
            (
                "body == \"x",
                8,
                "a text begins here and does not end; close its quotes",
            ),
            (
                "status == 1 &&\n  é",
                17,
                "`é` is not expected here; the condition cannot be read",
            ),
            (
                " ",
                0,
                "the condition is empty; leave `pass` out to use the probe's own verdict",
            ),
        ] {
            assert_eq!(told(text), (offset, sentence.to_owned()), "{text}");
        }
    }

    #[test]
    fn nesting_without_end_is_a_sentence_and_no_overflow() {
        for text in [
            format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000)),
            "!".repeat(10_000) + "true",
            "[".repeat(10_000),
            "a".to_owned() + &".b".repeat(1_500),
            "a?b:".repeat(900) + "c",
            vec!["1"; 1_900].join("+"),
        ] {
            let (_, sentence) = told(&text);
            assert!(sentence.ends_with("split it into several checks"), "{sentence}");
        }
    }

    #[test]
    fn what_the_limits_let_through_fits_on_the_stack() {
        let until = std::time::Instant::now() + std::time::Duration::from_mins(1);
        for text in [
            format!("{}1{}", "(".repeat(32), ")".repeat(32)),
            format!("{}{}", "[".repeat(32), "]".repeat(32)),
            "size(".repeat(32) + "json" + &")".repeat(32),
            "json".to_owned() + &".b".repeat(249),
            "json".to_owned() + &"[0]".repeat(80),
            "true?true:".repeat(30) + "true",
            "- ".repeat(249) + "1",
            vec!["1"; 250].join("+"),
        ] {
            let compiled = compile(&text).expect("within the limits");
            let judged = on_deep_stack(|| {
                Ok(judge(
                    &compiled,
                    &Observation::default(),
                    &Redactor::new([]),
                    until,
                ))
            });
            assert!(!judged.expect("a thread").why.is_empty());
        }
    }

    #[test]
    fn plain_conditions_are_light_and_loops_are_heavy() {
        assert!(
            !compile(r#"status == 200 && json.a.b == "x" && latency < duration("1s")"#)
                .expect("right")
                .heavy
        );
        assert!(compile("json.items.all(x, x > 1)").expect("right").heavy);
        assert_eq!(
            told("json.all(a, a.all(b, b.all(c, c > 1)))").1,
            "the condition has more than 2 loops inside one another; split it into several checks"
        );
    }

    #[test]
    fn a_condition_is_compiled_once() {
        let Expressions { conditions, .. } = Expressions::default();
        let first = conditions.get("status == 200").expect("right");
        assert!(Arc::ptr_eq(
            &first,
            &conditions.get("status == 200").expect("right")
        ));
        assert!(conditions.get("status = 200").is_err());
    }
}
