//! Builds the binary again when the console's pages were built again, or for the first time.

fn main() {
    println!("cargo::rerun-if-changed=../../web/dist");
    println!("cargo::rerun-if-changed=build.rs");
}
