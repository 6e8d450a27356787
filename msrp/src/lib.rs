//! MSRP (RFC 4975) for offhook.
