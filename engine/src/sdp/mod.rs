//! sdp.
