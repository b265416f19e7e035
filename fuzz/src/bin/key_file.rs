#![no_main]
#![doc = "Fuzz target: see `xinqiao_attack::fuzz`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| xinqiao_attack::fuzz::run("key_file", data));
