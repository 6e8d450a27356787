//! MSRP (RFC 4975) for offhook: messages, framing, chat sessions and what they carry.
//!
//! Pure: no clock, no thread, no socket. Bytes, time and chance are inputs.
#![forbid(unsafe_code)]

mod assembler;
mod byte_range;
pub mod chat;
mod encode;
mod end_line;
mod error;
pub mod file;
mod frame;
pub mod fuzzing;
mod head_scanner;
mod message;
mod payload;
mod ranges;
pub mod relay;
mod scan;
mod status;
mod uri;

pub use assembler::{Assembled, Assembler, Ended, IDLE_CHUNKS_MAX, Limits};
pub use byte_range::ByteRange;
pub use encode::{Builder, transaction_id};
pub use error::{ParseError, ParseErrorKind, Unprintable};
pub use frame::{Frame, Framer};
pub use head_scanner::HEAD_BYTES_MAX;
pub use message::{
    ContinuationFlag, FailureReport, HEADERS_MAX, Head, Header, Message, Start, Status,
};
pub use payload::{composing, cpim, date_time, file_selector, imdn, nickname, xml};
pub use ranges::{Full, RANGES_MAX, RangeSet};
pub use scan::{MESSAGE_ID_MAX, TRANSACTION_ID_MAX};
pub use status::comment;
pub use uri::{DEFAULT_PORT, MsrpUri, PATH_URIS_MAX, Path, URI_BYTES_MAX, new_uri};
