//! Calls with SRTP by SDES: the table of policies, and what later offers may not undo
//! (REFERENCE 1.8, 0.25; R53).

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use offhook::media::control::MediaCommand;
use offhook::negotiate::SrtpPolicy::{self, Disabled, Mandatory, Optional};
use offhook::session::Order;
use offhook_tests::{Rig, SDP};

const KEY: &str = "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const OTHER_KEY: &str = "inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";

/// The peer's description with that profile and that key.
fn with(proto: &str, tag: u32, key: &str) -> String {
    let sdp = SDP.replace("RTP/AVP", proto);
    format!("{sdp}a=crypto:{tag} AES_CM_128_HMAC_SHA1_80 {key}\r\n")
}

fn plain(proto: &str) -> String {
    SDP.replace("RTP/AVP", proto)
}

fn calling(policy: SrtpPolicy) -> Rig {
    let mut rig = Rig::with_srtp(policy);
    rig.connect(1).unwrap();
    rig.prepared();
    rig
}

/// Whether the stream that was started or changed last is encrypted.
fn encrypted(rig: &mut Rig) -> Option<bool> {
    rig.orders().iter().rev().find_map(|command| match command {
        MediaCommand::Start { settings, .. } | MediaCommand::Update { settings, .. } => {
            Some(settings.srtp.is_some())
        }
        _ => None,
    })
}

/// REFERENCE 1.8 item 9, 1.8 item 10, 1.8 item 11
#[test]
fn the_offer_says_what_the_policy_asks_for() {
    for (policy, proto, keys) in
        [(Disabled, "RTP/AVP", 0), (Optional, "RTP/AVP", 2), (Mandatory, "RTP/SAVP", 2)]
    {
        let rig = calling(policy);
        let text = rig.description();
        assert!(text.contains(&format!("m=audio 4000 {proto} ")), "{text}");
        assert_eq!(text.matches("a=crypto:").count(), keys);
    }
}

/// REFERENCE 1.8 item 9, 1.8 item 10, 1.8 item 11
#[test]
fn answers_are_encrypted_plain_or_refused_by_the_policy() {
    for (policy, answer, expected) in [
        (Optional, with("RTP/AVP", 1, KEY), Some(true)),
        (Optional, plain("RTP/AVP"), Some(false)),
        (Disabled, plain("RTP/AVP"), Some(false)),
        (Mandatory, with("RTP/SAVP", 1, KEY), Some(true)),
        (Mandatory, plain("RTP/SAVP"), None),
        (Mandatory, plain("RTP/AVP"), None),
        (Mandatory, with("RTP/AVP", 1, KEY), None),
        (Optional, with("RTP/AVP", 7, KEY), None),
    ] {
        let mut rig = calling(policy);
        rig.told();
        rig.reply(200, "", &answer);
        assert_eq!(encrypted(&mut rig), expected, "{policy:?}: {answer}");
        assert_eq!(rig.core.snapshot().audio_srtp_active, expected);
        assert_eq!(rig.core.is_terminated(), expected.is_none());
    }
}

/// REFERENCE 1.8 item 10, 1.8 item 11
#[test]
fn offers_are_answered_in_their_own_profile_with_a_key_of_ours() {
    for (policy, offer, proto, keys) in [
        (Optional, with("RTP/AVP", 3, KEY), "RTP/AVP", 1),
        (Optional, with("RTP/SAVP", 3, KEY), "RTP/SAVP", 1),
        (Optional, plain("RTP/AVP"), "RTP/AVP", 0),
        (Mandatory, with("RTP/SAVP", 3, KEY), "RTP/SAVP", 1),
    ] {
        let mut rig = Rig::with_srtp(policy);
        rig.invited(&offer);
        rig.accept().unwrap();
        rig.prepared();
        let text = rig.description();
        assert!(text.contains(&format!("m=audio 4000 {proto} ")), "{text}");
        assert_eq!(text.matches("a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:").count(), keys);
        assert!(!text.contains(KEY));
        assert_eq!(encrypted(&mut rig), Some(keys == 1));
    }
}

/// REFERENCE 1.8 item 9, 1.8 item 11
#[test]
fn offers_that_the_policy_cannot_take_are_488() {
    for (policy, offer) in [
        (Disabled, with("RTP/SAVP", 1, KEY)),
        (Optional, plain("RTP/SAVP")),
        (Mandatory, plain("RTP/AVP")),
        (Mandatory, with("RTP/AVP", 1, KEY)),
    ] {
        let mut rig = Rig::with_srtp(policy);
        rig.invited(&offer);
        // The endpoint refuses it before there is a session; a session that has it all the same
        // has nothing to accept.
        assert!(rig.accept().is_err(), "{policy:?}: {offer}");
    }
}

/// REFERENCE 1.8 item 10
#[test]
fn hold_and_unhold_keep_the_keys() {
    let mut rig = calling(Optional);
    let keys = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.starts_with("a=crypto")).map(str::to_owned).collect()
    };
    let before = keys(&rig.description());
    rig.reply(200, "", &with("RTP/AVP", 1, KEY));
    rig.order(Order::Hold).unwrap();
    assert_eq!(keys(&rig.description()), before);
    assert_eq!(encrypted(&mut rig), Some(true), "also before the peer agrees");
    rig.reply(200, "", &(with("RTP/AVP", 1, KEY) + "a=recvonly\r\n"));
    assert_eq!(encrypted(&mut rig), Some(true));
}

#[test]
fn r53_a_later_offer_cannot_take_the_encryption_away() {
    let mut rig = calling(Optional);
    rig.reply(200, "", &with("RTP/AVP", 1, KEY));
    rig.sent();
    rig.orders();
    rig.request_with("INVITE", 5, &plain("RTP/AVP"));
    assert_eq!(rig.sent(), ["488"]);
    assert_eq!(encrypted(&mut rig), None, "nothing changed");
    rig.request_with("INVITE", 6, &with("RTP/AVP", 1, OTHER_KEY));
    assert_eq!((rig.sent(), encrypted(&mut rig)), (vec!["200".into()], Some(true)));
}
