//! Conversions to and from the types of other crates, for programs that use them beside offhook.
//!
//! What both sides can hold converts both ways and stays the same; what one side cannot hold is an
//! error that names it. None of the other crate's parsers that panic is run.

#[cfg(feature = "compat-rsip")]
pub mod rsip;
#[cfg(feature = "compat-sdp-rs")]
pub mod sdp_rs;
