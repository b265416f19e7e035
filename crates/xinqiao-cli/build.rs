//! Says where the console's pages are: beside this file in the packed crate, in `web/dist` in the repository.
//!
//! Builds the binary again when the pages were built again, or for the first time.

use std::path::Path;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(packed)");
    if Path::new("pages").is_dir() {
        println!("cargo::rustc-cfg=packed");
    }
    println!("cargo::rerun-if-changed=pages");
    println!("cargo::rerun-if-changed=../../web/dist");
    println!("cargo::rerun-if-changed=build.rs");
}
