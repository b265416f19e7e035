//! Measures Xinqiao beside the machine's own limit in the same run, and prints ratios with goal and floor.
//!
//! It judges nothing by wall-clock alone: CPU time is the firm figure. It is no test: it exits with 1 only if a
//! measure cannot be taken, or, with `--gate`, if a ratio is below its floor.
//!
//! `cargo build --release -p xinqiao-cli`, then `cargo run --release -p xinqiao-bench --bin xinqiao-bench -- [--gate] [part …]`;
//! parts: `callback xml codec http postgres simulator startup`. With `--against OLD` it compares CPU time with an older `xinqiao-bench`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program"
)]

mod against;
mod callback;
mod child;
mod codec;
mod http;
mod load;
mod markup;
mod measure;
mod postgres;
mod sample;
mod simulator;
mod startup;
mod table;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Part = (&'static str, fn(&mut Vec<table::Row>) -> Result<()>);
const PARTS: [Part; 7] = [
    ("callback", callback::run),
    ("xml", markup::run),
    ("codec", codec::run),
    ("http", http::run),
    ("postgres", postgres::run),
    ("simulator", simulator::run),
    ("startup", startup::run),
];

fn main() -> Result<ExitCode> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments
        .first()
        .is_some_and(|word| word == "gateway-server")
    {
        let port = arguments.get(1).context("a port")?.parse()?;
        let store = arguments.get(2).context("a store")?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(http::serve(port, store))?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(at) = arguments.iter().position(|word| word == "--against") {
        let old = arguments
            .get(at + 1)
            .context("--against names an older xinqiao-bench")?;
        let bearable = against::run(std::path::Path::new(old))?;
        return Ok(if bearable {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    let gate = arguments.iter().any(|word| word == "--gate");
    arguments.retain(|word| word != "--gate");
    if let Some(unknown) = arguments
        .iter()
        .find(|word| !PARTS.iter().any(|(name, _)| name == word))
    {
        bail!(
            "there is no part {unknown}; parts are callback, xml, codec, http, postgres, simulator, startup"
        );
    }
    if cfg!(debug_assertions) {
        eprintln!("this is a debug build: the figures say nothing");
    }
    let mut failed = false;
    for (name, part) in PARTS {
        if arguments.is_empty() || arguments.iter().any(|word| word == name) {
            let mut rows = Vec::new();
            part(&mut rows).with_context(|| format!("measuring {name}"))?;
            // Each part at once: on a busy machine the next one may take minutes.
            println!("{}", table::render(&rows));
            failed |= gate && !table::all_above_floor(&rows);
        }
    }
    println!("{}", table::LEGEND);
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
