//! The seeds of the fuzz targets, through the same functions, on a stable compiler.

use std::path::{Path, PathBuf};

#[path = "../../../../fuzz/src/targets.rs"]
mod targets;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(folder);
    let entries = std::fs::read_dir(&folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 6, "{} has its seeds", folder.display());
    files
}

/// The seed itself, and what becomes of it when bytes are lost or changed.
fn feed(folder: &str, target: fn(&[u8])) {
    for path in files(folder) {
        let seed = std::fs::read(path).unwrap();
        target(&seed);
        let step = seed.len() / 64 + 1;
        for at in (0..seed.len()).step_by(step) {
            target(&seed[..at]);
            target(&seed[at..]);
            let mut changed = seed.clone();
            changed[at] ^= 0x15;
            target(&changed);
        }
    }
}

#[test]
fn xml_seeds() {
    feed("crates/xinqiao-wire/testdata/xml/good", targets::xml);
    feed("crates/xinqiao-wire/testdata/xml/bad", targets::xml);
}

#[test]
fn envelope_seeds() {
    feed("fuzz/seeds/envelope", targets::envelope);
    feed("crates/xinqiao-wire/testdata/xml/good", targets::envelope);
}

#[test]
fn codec_seeds() {
    feed("fuzz/seeds/codec", targets::codec);
    feed("crates/xinqiao-wire/testdata/xml/good", targets::codec);
}
