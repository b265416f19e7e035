//! Automation: everything that is generated, imported or checked in this repository, in Rust.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks"
)]

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod book;
mod catalog;
mod check;
mod codegen;
mod facts;
mod features;
mod fidelity;
mod import;
mod names;
mod openapi;
mod pack;
mod sensitive;
mod source;
mod tasks;

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
    /// The catalog itself: is it consistent, how wide is it.
    #[command(subcommand)]
    Catalog(CatalogCommand),
    /// Decodes the samples of an index through the generated types and encodes them again.
    Samples {
        /// `index.jsonl`; its files lie beside it.
        index: PathBuf,
        /// Lists the values that no typed slot held.
        #[arg(long)]
        untyped: bool,
    },
    /// Writes the OpenAPI 3.1 document.
    Openapi {
        /// Only these products.
        #[arg(long)]
        product: Vec<String>,
        /// Into this file; else to the standard output.
        #[arg(long)]
        output: Option<PathBuf>,
    },
    /// Writes the book's pages, chapters and reference, and builds it where there is an `mdbook` (`MDBOOK`, or on the path).
    Book,
    /// How true the simulator is: proves what each behaviour's test calls, writes `docs/fidelity.md`, prints its counts.
    Fidelity,
    /// What must hold over the repository: dependency directions, bans, layout, literals.
    Check,
    /// First pass from a fact base to TOML.
    Import(import::Options),
}

#[derive(Subcommand)]
enum CatalogCommand {
    /// Checks ids, routes, types, codes, links, examples, order.
    Check,
    /// Prints how much is in it.
    Stats {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

fn samples(index: &std::path::Path, untyped: bool) -> Result<()> {
    // The generated crates are not linked here: their code must be able to be wrong.
    let status = std::process::Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "xinqiao-samples"])
        .args(["--features", "registry", "--"])
        .args(untyped.then_some("--untyped"))
        .arg(index)
        .status()?;
    anyhow::ensure!(status.success(), "samples: see above");
    Ok(())
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Codegen { check, blob } => codegen::run(check, blob),
        Command::Catalog(CatalogCommand::Check) => catalog::check(),
        Command::Catalog(CatalogCommand::Stats { json }) => catalog::stats(json),
        Command::Samples { index, untyped } => samples(&index, untyped),
        Command::Openapi { product, output } => openapi::run(&product, output.as_deref()),
        Command::Book => book::run(),
        Command::Fidelity => fidelity::run(),
        Command::Check => check::run(),
        Command::Import(options) => import::run(&options),
    }
}

/// A path for talk: relative to the repository.
pub(crate) fn shown(path: &std::path::Path) -> String {
    let root: PathBuf = source::read::repository();
    path.strip_prefix(&root)
        .unwrap_or(path)
        .display()
        .to_string()
}
