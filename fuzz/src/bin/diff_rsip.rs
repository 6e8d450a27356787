//! Fuzz target `diff_rsip`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook_fuzz::oracle::diff_rsip(data));

#[cfg(not(fuzzing))]
fn main() {}
