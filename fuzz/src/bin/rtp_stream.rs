//! Fuzz target `rtp_stream`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook::media::fuzzing::stream(data));

#[cfg(not(fuzzing))]
fn main() {}
