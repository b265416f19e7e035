//! Automation: everything that is generated, imported or checked in this repository, in Rust.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks")]

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod check;
mod codegen;
mod import;
mod names;
mod pack;
mod source;

#[derive(Parser)]
#[command(name = "xtask", about = "Automation of the Xinqiao repository")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes everything that is generated from the catalog.
    Codegen {
        /// Only compare: fails if a file would change.
        #[arg(long)]
        check: bool,
        /// Only the blob and the constants: what needs no generated crate.
        #[arg(long)]
        blob: bool,
    },
    /// What must hold over the repository: dependency directions, bans, layout, literals.
    Check,
    /// First pass from a fact base to TOML.
    Import(import::Options),
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Codegen { check, blob } => codegen::run(check, blob),
        Command::Check => check::run(),
        Command::Import(options) => import::run(&options),
    }
}

/// A path for talk: relative to the repository.
pub(crate) fn shown(path: &std::path::Path) -> String {
    let root: PathBuf = source::read::repository();
    path.strip_prefix(&root).unwrap_or(path).display().to_string()
}
