#![no_main]
#![doc = "Fuzz target: see `targets::codec`."]

#[path = "../targets.rs"]
#[allow(dead_code)]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::codec(data));
