#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| soap_gateway::fuzzing::encoding(data));
