//! Fuzz target `sdp_round_trip`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook::sdp::fuzzing::sdp_round_trip(data));

#[cfg(not(fuzzing))]
fn main() {}
