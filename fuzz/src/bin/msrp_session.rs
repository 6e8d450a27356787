//! Fuzz target `msrp_session`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook_msrp::fuzzing::session(data));

#[cfg(not(fuzzing))]
fn main() {}
