//! SIP messages (RFC 3261).

/// A SIP message: the bytes and where in them everything is.
#[derive(Clone, Debug)]
pub struct Message<B = Box<[u8]>>(B);
