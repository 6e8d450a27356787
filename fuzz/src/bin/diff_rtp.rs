//! Fuzz target `diff_rtp`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook_fuzz::oracle::diff_rtp(data));

#[cfg(not(fuzzing))]
fn main() {}
