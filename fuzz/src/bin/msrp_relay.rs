//! Fuzz target `msrp_relay`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook_msrp::fuzzing::relay(data));

#[cfg(not(fuzzing))]
fn main() {}
