//! How true the simulator is, counted and proven: `docs/fidelity.md`.
//!
//! The simulator's own features are asked, by a test of its crate, so that the page says what the program does. That the
//! test named beside an endpoint exists and calls it is proven from the sources.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::check;
use crate::source::read;

pub(crate) fn run() -> Result<()> {
    let unproven = check::unproven()?;
    ensure!(unproven.is_empty(), "{}", unproven.join("\n"));
    let status = Command::new(env!("CARGO"))
        .args(["test", "--quiet", "--package", "xinqiao-simulator", "--lib"])
        .args(["--", "the_page_of_fidelity_is_true"])
        .env("WRITE_DECLARED", "1")
        .status()?;
    ensure!(status.success(), "the page is not written: see above");
    let page = read::repository().join("docs/fidelity.md");
    let page = fs::read_to_string(page).context("docs/fidelity.md is not there")?;
    let counts = page.split("\n## ").next().unwrap_or_default();
    for line in counts.lines().filter(|line| line.starts_with('|')) {
        println!("{line}");
    }
    Ok(())
}
