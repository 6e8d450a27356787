//! Fuzz target `negotiation`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook::negotiate::fuzzing::negotiation(data));

#[cfg(not(fuzzing))]
fn main() {}
