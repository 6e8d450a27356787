//! Fuzz target `digest`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook::auth::fuzzing::digest(data));

#[cfg(not(fuzzing))]
fn main() {}
