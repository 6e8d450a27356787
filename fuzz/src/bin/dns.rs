//! Fuzz target `dns`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook::dns::fuzzing::dns(data));

#[cfg(not(fuzzing))]
fn main() {}
