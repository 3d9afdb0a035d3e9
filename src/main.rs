//! Holdpoint's command line.
fn main() {}
