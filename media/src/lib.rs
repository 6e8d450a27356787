//! RTP, RTCP, codecs, jitter buffer, DTMF, mixing and the realtime audio thread of offhook.

pub mod codec;
pub mod control;
pub mod statistics;
