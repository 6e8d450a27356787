//! Fuzz target `headers`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook::sip::fuzzing::headers(data));

#[cfg(not(fuzzing))]
fn main() {}
