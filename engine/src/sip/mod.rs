//! SIP messages (RFC 3261): parsed without copying, kept byte for byte, built by copying spans.
//!
//! [`Message::parse`] makes one pass over the bytes and keeps a table of where every header is.
//! Typed headers are read on demand. [`validate`] says what a user agent answers to a message that
//! is understood but wrong. [`StreamFramer`] cuts messages out of a TCP stream.
//!
//! ```
//! use offhook::sip::{HeaderName, Message};
//!
//! let bytes = b"OPTIONS sip:bob@example.com SIP/2.0\r\n\
//!     v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
//!     From: Alice <sip:alice@example.com>;tag=1\r\n\
//!     To: <sip:bob@example.com>\r\n\
//!     Call-ID: 1@192.0.2.1\r\nCSeq: 1 OPTIONS\r\n\r\n";
//! let message = Message::parse(&bytes[..])?;
//! assert_eq!(message.method(), Some(&b"OPTIONS"[..]));
//! assert_eq!(message.from()?.uri.user, Some(&b"alice"[..]));
//! assert_eq!(message.header(HeaderName::CallId), Some(&b"1@192.0.2.1"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod encode;
mod error;
mod frame;
pub mod fuzzing;
mod header;
mod headers;
mod message;
mod name_addr;
mod parse;
mod scan;
mod session_expires;
mod sip_uri;
mod status;
mod uri;
mod uri_equivalence;
mod validate;
mod via;

pub use encode::{Builder, Unprintable};
pub use error::{HeaderError, ParseError, ParseErrorKind};
pub use frame::{FrameError, Framed, StreamFramer};
pub use header::HeaderName;
pub use headers::{CSeq, text};
pub use message::{Header, Message};
pub use name_addr::NameAddr;
pub use parse::{BODY_MAX, HEADER_SECTION_MAX, HEADERS_MAX};
pub(crate) use scan::without_empty_tag;
pub use scan::{Params, list, unfold};
pub use session_expires::{MAX_SE_S, MIN_SE_S, SessionExpires};
pub use sip_uri::{SipUri, SipUriBuilder};
pub use status::reason_phrase;
pub use uri::{Host, Uri, UriError};
pub use validate::{ALLOWED_METHODS, Fault, SUPPORTED_OPTIONS, validate};
pub use via::Via;
