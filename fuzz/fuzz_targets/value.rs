#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sfbridge_values::fuzzing::value(data));
