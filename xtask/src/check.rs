//! What must hold over the repository as a whole, checked without a build of it.

mod answers;
mod dependencies;
mod graph;
mod layout;
mod literals;
mod rooms;
mod sources;

use anyhow::{Result, ensure};

/// What is wrong with the behaviours of the simulator: a test that is none, or does not call what it is to prove.
pub(crate) fn unproven() -> Result<Vec<String>> {
    let sources = sources::read(&crate::source::read::repository())?;
    Ok(rooms::proofs(&sources))
}

/// Runs every check; each complaint is one line that names the place.
pub(crate) fn run() -> Result<()> {
    let repository = crate::source::read::repository();
    let sources = sources::read(&repository)?;
    let mut complaints = Vec::new();
    for (name, found) in [
        ("dependency directions", graph::directions(&repository)?),
        ("banned crates", graph::bans(&repository)?),
        (
            "unused dependencies, and their page",
            dependencies::complaints(&repository)?,
        ),
        ("size of the façade", graph::facade(&repository)?),
        ("layout", layout::complaints(&sources)),
        ("literals of the platform", literals::complaints(&sources)),
        ("rooms of the simulator", rooms::complaints(&sources)),
        ("answers of the simulator", answers::complaints(&sources)),
    ] {
        println!("{name}: {}", if found.is_empty() { "ok" } else { "FAILED" });
        complaints.extend(found);
    }
    for complaint in &complaints {
        eprintln!("  {complaint}");
    }
    ensure!(complaints.is_empty(), "{} complaints", complaints.len());
    Ok(())
}
