//! Holdpoint's command line.

use std::process::ExitCode;

use clap::Parser as _;
use holdpoint::cli::CommandLine;

fn main() -> ExitCode {
    holdpoint::app::run(CommandLine::parse())
}
