//! State machines of offhook as tables, with time, timers and entropy as inputs.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
#[macro_use]
extern crate std;

mod entropy;
mod machine;
mod table;
mod time;
mod timers;

pub mod composing_receiver;
pub mod composing_sender;
pub mod invite_client;
pub mod invite_server;
pub mod msrp_link;
pub mod msrp_relay;
pub mod non_invite_client;
pub mod non_invite_server;
pub mod offer_answer;
pub mod registration;
pub mod session;

pub use entropy::Entropy;
pub use machine::{Step, assert_total};
pub use table::{Dot, Json, Machine, Mermaid, Row, Rule, STATES_MAX};
pub use time::Instant;
pub use timers::{TimerName, TimerSet};

#[doc(hidden)]
pub use rust_fsm as __rust_fsm;

/// Every machine of offhook, by name.
pub const MACHINES: &[Machine] = &[
    composing_receiver::MACHINE,
    composing_sender::MACHINE,
    invite_client::MACHINE,
    invite_server::MACHINE,
    msrp_link::MACHINE,
    msrp_relay::MACHINE,
    non_invite_client::MACHINE,
    non_invite_server::MACHINE,
    offer_answer::MACHINE,
    registration::MACHINE,
    session::MACHINE,
];

/// The machine of that name.
#[must_use]
pub fn machine(name: &str) -> Option<&'static Machine> {
    MACHINES.iter().find(|machine| machine.name == name)
}
