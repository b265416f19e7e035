//! The `xinqiao` binary.
fn main() {}
