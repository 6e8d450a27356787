//! Fuzz targets of offhook: each a shim of a library function, so that the tests can call the very
//! same body. `cargo xtask fuzz --list` names them.

#[cfg(feature = "oracles")]
pub mod oracle;

/// A target's body.
pub type Body = fn(&[u8]);

/// The targets that hold our parsers against those of others. They need the feature `oracles`.
pub const ORACLES: [&str; 3] = ["diff_rsip", "diff_sdp_rs", "diff_rtp"];

/// Every target by name.
pub const TARGETS: &[(&str, Body)] = &[
    ("sip_message", offhook::sip::fuzzing::sip_message),
    ("sip_stream", offhook::sip::fuzzing::sip_stream),
    ("sip_round_trip", offhook::sip::fuzzing::sip_round_trip),
    ("uri", offhook::sip::fuzzing::uri),
    ("headers", offhook::sip::fuzzing::headers),
    ("digest", offhook::auth::fuzzing::digest),
    ("dns", offhook::dns::fuzzing::dns),
    ("sdp", offhook::sdp::fuzzing::sdp),
    ("sdp_round_trip", offhook::sdp::fuzzing::sdp_round_trip),
    ("negotiation", offhook::negotiate::fuzzing::negotiation),
    ("rtp", offhook::media::fuzzing::rtp),
    ("rtcp", offhook::media::fuzzing::rtcp),
    ("rtp_stream", offhook::media::fuzzing::stream),
    ("srtp", offhook::media::fuzzing::srtp),
    ("msrp_message", offhook_msrp::fuzzing::message),
    ("msrp_round_trip", offhook_msrp::fuzzing::round_trip),
    ("msrp_stream", offhook_msrp::fuzzing::stream),
    ("msrp_session", offhook_msrp::fuzzing::session),
    ("msrp_reassembly", offhook_msrp::fuzzing::reassembly),
    ("msrp_relay", offhook_msrp::fuzzing::relay),
    ("cpim", offhook_msrp::fuzzing::cpim),
    ("composing", offhook_msrp::fuzzing::composing),
    ("imdn", offhook_msrp::fuzzing::imdn),
    ("file_selector", offhook_msrp::fuzzing::file_selector),
    ("file_attributes", offhook_msrp::fuzzing::file_attributes),
    #[cfg(feature = "oracles")]
    ("diff_rsip", oracle::diff_rsip),
    #[cfg(feature = "oracles")]
    ("diff_sdp_rs", oracle::diff_sdp_rs),
    #[cfg(feature = "oracles")]
    ("diff_rtp", oracle::diff_rtp),
];
