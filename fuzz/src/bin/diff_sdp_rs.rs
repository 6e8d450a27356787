//! Fuzz target `diff_sdp_rs`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook_fuzz::oracle::diff_sdp_rs(data));

#[cfg(not(fuzzing))]
fn main() {}
