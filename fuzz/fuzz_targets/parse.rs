//! Any bytes are read, and every finding can be shown. CONTRIBUTING.md says how to run it.
#![no_main]

use holdpoint::domain::ids::ChecklistName;
use holdpoint::markdown::{Colour, json, parse, render_diagnostic};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let parsed = parse(&ChecklistName::new("fuzz"), bytes);
    for diagnostic in &parsed.diagnostics {
        render_diagnostic("fuzz.md", &parsed.checklist.source, diagnostic, Colour::Plain);
    }
    json(&parsed);
});
