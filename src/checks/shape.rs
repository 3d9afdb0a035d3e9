//! The shape of a parsed expression: what is compared with what, what picks a value out of what was observed, what is
//! written out.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};

/// The sides of a comparison, what was observed first, and its operator.
pub(super) fn comparison(expression: &IdedExpr) -> Option<(&IdedExpr, &str, &IdedExpr)> {
    let Expr::Call(call) = &expression.expr else {
        return None;
    };
    let [left, right] = call.args.as_slice() else {
        return None;
    };
    let name = call.func_name.as_str();
    let turned = match name {
        operators::EQUALS | operators::NOT_EQUALS => name,
        operators::LESS => operators::GREATER,
        operators::LESS_EQUALS => operators::GREATER_EQUALS,
        operators::GREATER => operators::LESS,
        operators::GREATER_EQUALS => operators::LESS_EQUALS,
        // "x" in headers asks for the headers; nothing is gained by turning it round.
        operators::IN => return (!is_constant(left)).then_some((left, name, right)),
        _ => return None,
    };
    match (is_constant(left), is_constant(right)) {
        (true, true) => None,
        (true, false) => Some((right, turned, left)),
        (false, _) => Some((left, name, right)),
    }
}

/// A test of a text: the text, the verb and what is looked for.
pub(super) fn text_test<'a>(
    call: &'a CallExpr,
    name: &str,
) -> Option<(&'a IdedExpr, &'static str, &'a IdedExpr)> {
    let verb = match name {
        "contains" => "contains",
        "startsWith" => "begins with",
        "endsWith" => "ends with",
        "matches" => "matches",
        _ => return None,
    };
    match (call.target.as_deref(), call.args.as_slice()) {
        (Some(target), [operand]) | (None, [target, operand]) => Some((target, verb, operand)),
        _ => None,
    }
}

pub(super) fn is_headers(expression: &IdedExpr) -> bool {
    matches!(&expression.expr, Expr::Ident(name) if name == "headers")
}

pub(super) fn text_of(expression: &IdedExpr) -> Option<String> {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
        _ => None,
    }
}

pub(super) fn flattened<'a>(expression: &'a IdedExpr, function: &str) -> Vec<&'a IdedExpr> {
    match &expression.expr {
        Expr::Call(call) if call.func_name == function => call
            .args
            .iter()
            .flat_map(|arg| flattened(arg, function))
            .collect(),
        _ => vec![expression],
    }
}

/// Whether an expression only picks something out of what was observed.
pub(super) fn is_path(expression: &IdedExpr) -> bool {
    match &expression.expr {
        Expr::Ident(_) => true,
        Expr::Select(select) => is_path(&select.operand),
        Expr::Call(call) if call.func_name == operators::INDEX => {
            matches!(call.args.as_slice(), [operand, index] if is_path(operand) && is_constant(index))
        }
        _ => false,
    }
}

/// Whether an expression has the same value whatever was observed.
pub(super) fn is_constant(expression: &IdedExpr) -> bool {
    match &expression.expr {
        Expr::Literal(_) => true,
        Expr::Call(_) | Expr::List(_) => children(expression).into_iter().all(is_constant),
        _ => false,
    }
}

/// The parts of an expression that can be worked out by themselves: not what stands inside a loop.
pub(super) fn children(expression: &IdedExpr) -> Vec<&IdedExpr> {
    match &expression.expr {
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Comprehension(comprehension) => vec![&comprehension.iter_range],
        Expr::Map(_) | Expr::Struct(_) | Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => Vec::new(),
    }
}
