//! Session descriptions (RFC 8866): read without copying, in any order that the field sends.

mod attribute;
pub mod crypto;
mod description;
pub mod fingerprint;
pub mod fuzzing;

pub(crate) use attribute::payload_type;
pub use attribute::{Direction, RtpMap};
pub use description::{
    LINES_MAX, Line, MEDIA_MAX, MediaDescription, SDP_MAX, SdpError, SdpErrorKind,
    SessionDescription,
};
