//! Offer and answer as real peers write them (RFC 3264, RFC 4317).
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use offhook::media::codec::Codec;
use offhook::negotiate::{Capabilities, SettledAudio, SrtpPolicy, screen};
use offhook::sdp::SessionDescription;
use offhook_fsm::Entropy;
use offhook_tests::audio_offer::{answer, apply_answer, audio, offer};

const BARESIP: &str = "v=0\r\no=- 3 4 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\na=tool:baresip 1.0.0\r\nm=audio 23456 RTP/AVP 96 0 8 101\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=rtcp:23457\r\na=sendrecv\r\na=label:1\r\na=ptime:20\r\n";
const SIPP: &str = "v=0\no=user1 53655765 2353687637 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 6000 RTP/AVP 0\na=rtpmap:0 PCMU/8000\n";
const SIPSIMPLE: &str = "v=0\r\no=- 3478 3478 IN IP4 10.0.0.3\r\ns= \r\nt=0 0\r\nm=message 2855 TCP/TLS/MSRP *\r\nc=IN IP4 10.0.0.3\r\na=path:msrps://10.0.0.3:2855/abc;tcp\r\na=accept-types:message/cpim\r\nm=audio 50000 RTP/AVP 9 120 8\r\nc=IN IP4 10.0.0.3\r\na=rtpmap:9 G722/8000\r\na=rtpmap:120 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\nm=video 0 RTP/AVP 34\r\n";

fn capabilities() -> Capabilities {
    Capabilities {
        codecs: Codec::ALL.into(),
        telephone_event: true,
        chat: false,
        chat_over_tls: false,
        srtp: SrtpPolicy::Disabled,
    }
}

fn answered(offer: &str) -> (String, SettledAudio) {
    let (body, settled) = answer(offer.as_bytes(), &capabilities(), audio(true, true)).unwrap();
    (String::from_utf8(body).unwrap(), settled)
}

#[test]
fn the_offer_lists_every_codec_and_telephone_events() {
    let text = String::from_utf8(offer(&capabilities())).unwrap();
    assert_eq!(
        text,
        "v=0\r\no=- 7 8 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
         m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
    );
}

#[test]
fn the_answer_takes_one_codec_and_telephone_events() {
    let (text, settled) = answered(BARESIP);
    assert!(text.contains("m=audio 4000 RTP/AVP 0 101\r\n"), "{text}");
    assert_eq!(settled.settings.codec, Codec::Pcmu);
    assert_eq!(settled.settings.remote, "10.0.0.2:23456".parse().unwrap());
    assert_eq!(settled.settings.remote_rtcp, "10.0.0.2:23457".parse().unwrap());
    assert_eq!(settled.settings.send_telephone_event, Some(101));
    assert!(settled.theirs.receives());
}

#[test]
fn line_feeds_alone_and_no_telephone_events_are_fine() {
    let (text, settled) = answered(SIPP);
    assert!(text.contains("m=audio 4000 RTP/AVP 0\r\n"), "{text}");
    assert_eq!(settled.settings.send_telephone_event, None);
}

#[test]
fn lines_keep_count_and_order_and_refused_ones_get_port_0() {
    let (text, settled) = answered(SIPSIMPLE);
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(
        lines,
        ["m=message 0 TCP/TLS/MSRP *", "m=audio 4000 RTP/AVP 120", "m=video 0 RTP/AVP 34"]
    );
    assert_eq!((settled.settings.codec, settled.settings.send_payload_type), (Codec::Pcmu, 120));
}

#[test]
fn directions_are_the_offers_turned_round_and_narrowed_by_our_wish() {
    for (theirs, send, receive, ours, held) in [
        ("sendrecv", true, true, "sendrecv", false),
        ("sendonly", true, true, "recvonly", true),
        ("recvonly", true, true, "sendonly", false),
        ("inactive", true, true, "inactive", true),
        ("sendrecv", true, false, "sendonly", false),
        ("sendonly", true, false, "inactive", true),
    ] {
        let offer = SIPP.to_owned() + "a=" + theirs + "\n";
        let local = audio(send, receive);
        let (body, settled) = answer(offer.as_bytes(), &capabilities(), local).unwrap();
        assert!(String::from_utf8(body).unwrap().ends_with(&format!("a={ours}\r\n")), "{theirs}");
        assert_eq!(!settled.theirs.receives(), held, "{theirs}");
    }
}

#[test]
fn an_unspecified_address_is_a_hold() {
    let (_, settled) = answered(&SIPP.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0"));
    assert!(
        !settled.theirs.receives() && !settled.settings.flow.send && settled.settings.flow.receive
    );
}

#[test]
fn payload_types_may_differ_in_each_direction() {
    let answer = "v=0\r\nc=IN IP6 ::1\r\nm=audio 9 RTP/AVP 97 98\r\na=rtpmap:97 PCMA/8000\r\na=rtpmap:98 telephone-event/8000\r\n";
    let settled = apply_answer(answer.as_bytes(), &capabilities()).unwrap();
    let audio = settled.settings;
    assert_eq!((audio.send_payload_type, audio.receive_payload_type), (97, 8));
    assert_eq!((audio.send_telephone_event, audio.receive_telephone_event), (Some(98), Some(101)));
    assert_eq!(audio.remote, "[::1]:9".parse().unwrap());
}

#[test]
fn r36_strange_packet_times_are_not_followed() {
    for (ptime, used) in
        [("30", 30), ("20", 20), ("4294967295", 20), ("15", 20), ("0", 20), ("x", 20)]
    {
        let (_, settled) = answered(&(SIPP.to_owned() + "a=ptime:" + ptime + "\n"));
        assert_eq!(settled.settings.ptime_ms, used, "{ptime}");
    }
}

#[test]
fn offers_without_use_are_refused_with_their_status() {
    for (offer, status) in [
        ("hello".to_owned(), 400),
        (SIPP.replace("m=audio", "m=video"), 415),
        (SIPP.replace("m=audio 6000", "m=audio 0"), 415),
        (SIPP.replace("RTP/AVP 0", "RTP/SAVP 0"), 488),
        (SIPP.replace("RTP/AVP 0", "RTP/AVP 18").replace("0 PCMU", "18 G729"), 488),
        (SIPP.replace("m=audio", "m=message"), 488),
        (SIPP.replace("c=IN IP4 127.0.0.1", "c=IN IP4 host.example"), 488),
    ] {
        let refusal = screen(offer.as_bytes(), &capabilities()).unwrap_err();
        assert_eq!(refusal.status, status, "{offer}: {refusal}");
        assert!(answer(offer.as_bytes(), &capabilities(), audio(true, true)).is_err());
    }
}

#[test]
fn answers_that_refuse_or_miss_lines_are_refused() {
    for answer in ["v=0\r\n", &SIPP.replace("6000", "0"), SIPSIMPLE] {
        let refusal = apply_answer(answer.as_bytes(), &capabilities()).unwrap_err();
        assert_eq!(refusal.status, 488);
    }
}

#[test]
fn mutated_descriptions_break_nothing() {
    let mut entropy = Entropy::from_u64(2);
    for round in 0..20_000 {
        let seed = [BARESIP, SIPP, SIPSIMPLE][round % 3];
        let mut data = seed.as_bytes().to_vec();
        for _ in 0..=entropy.below(4) {
            let at = usize::try_from(entropy.below(data.len() as u64)).unwrap();
            let byte = u8::try_from(entropy.below(256)).unwrap();
            match entropy.below(3) {
                0 => data[at] = byte,
                1 => data.insert(at, byte),
                _ => {
                    data.remove(at);
                }
            }
        }
        offhook::sdp::fuzzing::sdp(&data);
        offhook::sdp::fuzzing::sdp_round_trip(&data);
        offhook::negotiate::fuzzing::negotiation(&data);
    }
    assert!(SessionDescription::parse(SIPSIMPLE.as_bytes()).is_ok());
}
