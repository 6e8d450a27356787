//! Fuzz target `msrp_round_trip`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook_msrp::fuzzing::round_trip(data));

#[cfg(not(fuzzing))]
fn main() {}
