//! Fuzz target `sip_message`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| offhook::sip::fuzzing::sip_message(data));

#[cfg(not(fuzzing))]
fn main() {}
