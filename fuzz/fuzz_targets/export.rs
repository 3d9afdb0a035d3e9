//! A document filled in with any words keeps its items. CONTRIBUTING.md says how to run it.
#![no_main]

use holdpoint::domain::ids::ChecklistName;
use holdpoint::markdown::{BoxState, Filling, ItemFilling, choices, export, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &str)| {
    let (bytes, words) = input;
    let name = ChecklistName::new("fuzz");
    let checklist = parse(&name, bytes).checklist;
    assert_eq!(export(&checklist, &Filling::default()), checklist.source);

    let mut filling = Filling::default();
    for item in &checklist.items {
        let filled = ItemFilling {
            state: Some(BoxState::Ticked),
            annotation: Some(words.to_owned()),
        };
        filling.items.insert(item.id.clone(), filled);
    }
    for choice in choices(&checklist) {
        filling
            .answers
            .extend(choice.answers.into_iter().map(|answer| answer.span));
    }
    let filled = parse(&name, export(&checklist, &filling).as_bytes()).checklist;
    assert_eq!(filled.items.len(), checklist.items.len());
});
