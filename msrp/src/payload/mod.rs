//! What messages carry.

pub mod composing;
pub mod cpim;
pub mod date_time;
pub mod file_selector;
pub mod imdn;
pub mod nickname;
pub mod xml;
