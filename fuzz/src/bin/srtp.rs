//! Fuzz target `srtp`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook::media::fuzzing::srtp(data));

#[cfg(not(fuzzing))]
fn main() {}
