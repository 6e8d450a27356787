//! Fuzz target `msrp_stream`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook_msrp::fuzzing::stream(data));

#[cfg(not(fuzzing))]
fn main() {}
