//! What was read, as JSON for other programs.

use serde_json::{Value, json as value};

use super::Parsed;

/// The checklist and its diagnostics as one JSON object.
pub fn json(parsed: &Parsed) -> Value {
    let checklist = &parsed.checklist;
    let sections: Vec<Value> = checklist
        .sections
        .iter()
        .map(|section| {
            value!({
                "id": section.id,
                "title": section.title,
                "level": section.level,
                "line": section.line,
                "optional": section.optional,
            })
        })
        .collect();
    let items: Vec<Value> = checklist
        .items
        .iter()
        .map(|item| {
            value!({
                "id": item.id,
                "slug": item.slug(),
                "line": item.line,
                "checked": item.checked,
                "depth": item.depth,
                "text": item.text,
                "section": checklist.headings(item),
                "ordered": item.ordered,
                "optional": item.optional,
                "checks": item.checks,
                "sign_off": item.sign_off,
                "decision": item.decision,
            })
        })
        .collect();
    let blanks: Vec<Value> = checklist
        .blanks
        .iter()
        .map(|blank| {
            value!({
                "id": blank.id,
                "label": blank.label,
                "item": blank.item.and_then(|index| checklist.items.get(index)).map(|item| &item.id),
                "line": blank.line,
            })
        })
        .collect();
    value!({
        "title": checklist.title,
        "sections": sections,
        "items": items,
        "blanks": blanks,
        "checks": checklist.checks.keys().collect::<Vec<_>>(),
        "sign_offs": checklist.sign_offs.keys().collect::<Vec<_>>(),
        "diagnostics": parsed.diagnostics,
    })
}
