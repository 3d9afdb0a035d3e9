//! Holdpoint's command line.

use std::process::ExitCode;

use clap::Parser as _;
use holdpoint::cli::CommandLine;

/// Small pieces that one thread makes and another drops are most of what a command allocates. Beside the C library's
/// allocator, this one has the bot decide a fifth more of them a second (`benches/`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    holdpoint::app::run(CommandLine::parse())
}
