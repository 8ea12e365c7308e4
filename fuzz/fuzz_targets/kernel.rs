#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| margin_fuzz::kernel::run(data));
