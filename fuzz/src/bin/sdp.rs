//! Fuzz target `sdp`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook::sdp::fuzzing::sdp(data));

#[cfg(not(fuzzing))]
fn main() {}
