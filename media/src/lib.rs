//! Media of offhook: codecs, RTP packets, and the values that sessions and media exchange.
//!
//! The jitter buffer, DTMF, RTCP and the audio thread are not built yet.

pub mod codec;
pub mod control;
pub mod fuzzing;
pub mod rtp;
pub mod statistics;
