//! Media of offhook: codecs, RTP and RTCP, the jitter buffer, DTMF, one audio stream as a pure core
//! ([`stream::RtpStream`]), and the threads and devices around it (`shell`).

pub mod codec;
pub mod control;
pub mod dtmf;
pub mod fuzzing;
pub mod jitter;
pub mod mixer;
pub mod resample;
pub mod rtcp;
pub mod rtp;
#[cfg(feature = "shell")]
pub mod shell;
pub mod srtp;
pub mod statistics;
pub mod stream;
pub mod tone;
