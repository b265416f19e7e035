//! The seeds of the fuzz targets, through the same functions, on a stable compiler.

use std::path::{Path, PathBuf};

use xinqiao_attack::fuzz::{TARGETS, run};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(folder);
    let entries = std::fs::read_dir(&folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5, "{} has its seeds", folder.display());
    files
}

/// The seed itself, and what becomes of it when bytes are lost or changed.
fn feed(target: &str, folder: &str) {
    for path in files(folder) {
        let seed = std::fs::read(path).unwrap();
        run(target, &seed);
        let step = seed.len() / 12 + 1;
        for at in (0..seed.len()).step_by(step) {
            run(target, &seed[..at]);
            run(target, &seed[at..]);
            let mut changed = seed.clone();
            changed[at] ^= 0x15;
            run(target, &changed);
        }
    }
}

#[test]
fn every_target_holds_on_its_seeds() {
    for (target, _) in TARGETS.iter().filter(|(name, _)| *name != "xml") {
        feed(target, &format!("fuzz/seeds/{target}"));
    }
}

#[test]
fn targets_of_xml_hold_on_the_documents_of_the_reader() {
    let (good, bad) = (
        "crates/xinqiao-wire/testdata/xml/good",
        "crates/xinqiao-wire/testdata/xml/bad",
    );
    feed("xml", good);
    feed("xml", bad);
    feed("envelope", good);
    feed("codec", good);
    feed("notice_v2", bad);
}

#[test]
fn every_target_has_a_program_for_the_fuzzer() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    for (target, _) in TARGETS {
        assert!(
            manifest.contains(&format!("name = \"{target}\"")),
            "{target}"
        );
    }
}
