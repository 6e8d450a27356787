//! Fuzz target `sip_round_trip`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook::sip::fuzzing::sip_round_trip(data));

#[cfg(not(fuzzing))]
fn main() {}
