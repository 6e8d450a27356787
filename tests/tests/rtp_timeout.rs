//! A peer whose audio stops in mid-call (REFERENCE part 6, `rtp.timeout`).
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::time::Duration;

use offhook::media::control::MediaEvent;
use offhook::session::Policy;
use offhook_tests::{Rig, SDP, STREAM};

fn call(policy: Policy) -> Rig {
    let mut rig = Rig::with_policy(policy);
    rig.connect(1).unwrap();
    rig.prepared();
    rig.reply(200, "", SDP);
    rig.source_seen();
    rig.clear();
    rig
}

#[test]
fn silence_is_told_and_the_call_goes_on() {
    let mut rig = call(Policy::default());
    rig.media_event(MediaEvent::Silent { stream: STREAM });
    assert_eq!(rig.told(), ["RTPStreamDidTimeout"]);
    assert_eq!(rig.sent(), [""; 0]);
}

#[test]
fn silence_ends_the_call_where_the_account_says_so() {
    let mut rig = call(Policy { hangup_on_timeout: true, ..Policy::default() });
    rig.media_event(MediaEvent::Silent { stream: STREAM });
    let told = rig.told();
    assert_eq!(told.first().map(String::as_str), Some("RTPStreamDidTimeout"));
    assert!(told.iter().any(|line| line.starts_with("WillEnd")), "{told:?}");
    assert_eq!(rig.sent(), ["BYE"]);
}

#[test]
fn the_stream_is_watched_for_as_long_as_the_policy_says() {
    let rtp_timeout = Some(Duration::from_secs(12));
    let mut rig = Rig::with_policy(Policy { rtp_timeout, ..Policy::default() });
    rig.connect(1).unwrap();
    rig.prepared();
    rig.reply(200, "", SDP);
    let started = rig.started.map(|settings| settings.silence);
    assert_eq!(started, Some(rtp_timeout));
}
