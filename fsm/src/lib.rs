//! State machines of offhook as tables, with time, timers and entropy as inputs.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
#[macro_use]
extern crate std;

mod entropy;
pub mod session;
mod time;

pub use entropy::Entropy;
pub use time::Instant;
