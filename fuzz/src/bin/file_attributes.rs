//! Fuzz target `file_attributes`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook_msrp::fuzzing::file_attributes(data));

#[cfg(not(fuzzing))]
fn main() {}
