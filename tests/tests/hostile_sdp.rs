//! What broke the session descriptions of others (R30–R43 of the collection of advisories), the
//! bombs of attack class 20, and the verdict here.
//!
//! | row | why there is no test of the whole row |
//! |---|---|
//! | R35 | SRTP is not built: lines `a=crypto` are ignored with RTP/AVP, RTP/SAVP is 488 |
//! | R41 | T.38 is not built: a re-INVITE with m=image alone is 488 and the call goes on |

use offhook::media::codec::Codec;
use offhook::negotiate::{Capabilities, SettledAudio, SrtpPolicy, screen};
use offhook::sdp::{LINES_MAX, MEDIA_MAX, SDP_MAX, SessionDescription};
use offhook_tests::audio_offer::{answer, apply_answer, audio};
use offhook_tests::door::{invite_with, verdict};
use offhook_tests::{Rig, SDP};

fn able() -> Capabilities {
    Capabilities {
        codecs: Codec::ALL.into(),
        telephone_event: true,
        chat: false,
        chat_over_tls: false,
        srtp: SrtpPolicy::Disabled,
    }
}

/// An offer whose audio line has those formats, followed by those lines.
fn offer(formats: &str, lines: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 9000 RTP/AVP {formats}\r\n{lines}"
    )
}

fn settled(offer: impl AsRef<[u8]>) -> Result<(Vec<u8>, SettledAudio), u16> {
    let offer = offer.as_ref();
    let answered = answer(offer, &able(), audio(true, true)).map_err(|refusal| refusal.status);
    let screened = screen(offer, &able()).map_err(|refusal| refusal.status);
    assert_eq!(screened.is_ok(), answered.is_ok());
    answered
}

/// The codec that is taken, by its payload type.
fn codec(offer: impl AsRef<[u8]>) -> Result<(Codec, u8), u16> {
    settled(offer).map(|(_, settled)| (settled.settings.codec, settled.settings.send_payload_type))
}

#[test]
fn r30_formats_that_are_no_payload_types_are_passed_over() {
    for format in [
        "4294967296",
        "4294967304",
        "256",
        "128",
        "-1",
        "+0",
        "0x0",
        "00000000000000000256",
        "a",
        "*",
    ] {
        assert_eq!(codec(offer(format, "")), Err(488), "{format}");
        assert_eq!(codec(offer(&format!("{format} 8"), "")), Ok((Codec::Pcma, 8)), "{format}");
        let named = format!("a=rtpmap:{format} PCMU/8000\r\n");
        assert_eq!(codec(offer(format, &named)), Err(488), "{format}");
    }
    assert_eq!(codec(offer("127", "a=rtpmap:127 PCMU/8000\r\n")), Ok((Codec::Pcmu, 127)));
}

#[test]
fn r31_fmtp_without_value_or_of_unknown_formats_is_harmless() {
    for line in [
        "fmtp",
        "fmtp:",
        "fmtp: ",
        "fmtp:0",
        "fmtp:99 x=1",
        "fmtp:x",
        "fmtp:4294967296 a",
        "fmtp:0 ;;=;",
    ] {
        assert_eq!(codec(offer("0", &format!("a={line}\r\n"))), Ok((Codec::Pcmu, 0)), "{line}");
    }
}

#[test]
fn r32_maps_outside_of_0_to_127_are_as_if_not_there() {
    for number in ["65535", "128", "255", "256", "4294967295", "-1", ""] {
        let lines = format!("a=rtpmap:{number} PCMA/8000\r\na=fmtp:{number} 0-15\r\n");
        assert_eq!(codec(offer(&format!("{number} 0"), &lines)), Ok((Codec::Pcmu, 0)), "{number}");
    }
    for map in [
        "PCMU",
        "PCMU/",
        "/8000",
        "PCMU/8000/",
        "PCMU/8000/2",
        "PCMU/8001",
        "PCMU/-8000",
        "PCMU/99999999999",
        "",
    ] {
        assert_eq!(codec(offer("96", &format!("a=rtpmap:96 {map}\r\n"))), Err(488), "{map}");
    }
}

#[test]
fn r33_red_beside_a_static_number_without_a_map_is_passed_over() {
    let lines = "a=rtpmap:121 red/8000/1\r\na=fmtp:121 0/0\r\n";
    assert_eq!(codec(offer("121 0", lines)), Ok((Codec::Pcmu, 0)));
    assert_eq!(codec(offer("121", lines)), Err(488));
}

#[test]
fn r34_a_183_that_cannot_be_used_does_not_spoil_the_one_after_it() {
    for bad in [
        "v=0\r\n",
        "hello",
        "v=0\r\nm=audio 0 RTP/AVP 0\r\n",
        "v=0\r\nm=audio 1 RTP/AVP 0\r\nm=audio 1 RTP/AVP 0\r\n",
    ] {
        let mut rig = Rig::calling();
        rig.reply(183, "", bad);
        assert!(!rig.media().iter().any(|order| order == "Start"), "{bad}");
        rig.reply(183, "", SDP);
        assert!(rig.media().iter().any(|order| order == "Start"), "{bad}");
        rig.reply(200, "", SDP);
        assert_eq!(rig.sent(), ["ACK"], "{bad}");
        assert!(!rig.core.is_terminated());
    }
}

#[test]
fn r35_any_number_of_crypto_lines_is_ignored_and_srtp_alone_is_488() {
    let line =
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n";
    for count in [1, 64, 65, 68, 500] {
        let (ours, _) = settled(offer("0", &line.repeat(count))).unwrap();
        assert!(!String::from_utf8(ours).unwrap().contains("crypto"));
        let secure = offer("0", &line.repeat(count)).replace("RTP/AVP", "RTP/SAVP");
        assert_eq!(codec(secure), Err(488));
    }
}

#[test]
fn r36_packet_times_without_sense_are_20_ms() {
    for (ptime, expected) in [
        ("0", 20),
        ("4294967295", 20),
        ("4294967316", 20),
        ("65556", 20),
        ("-20", 20),
        ("20.5", 20),
        ("70", 20),
        ("25", 20),
        ("", 20),
        ("x", 20),
        ("10", 10),
        ("60", 60),
        ("30", 30),
    ] {
        let lines = format!("a=ptime:{ptime}\r\na=maxptime:{ptime}\r\n");
        let (_, settled) = settled(offer("0", &lines)).unwrap();
        assert_eq!(settled.settings.ptime_ms, expected, "{ptime}");
    }
}

#[test]
fn r37_an_answer_is_hardly_longer_than_its_offer_and_repeats_its_lines_byte_for_byte() {
    let wild = |length: usize| {
        let mut offer = offer("0", "").into_bytes();
        offer.extend_from_slice(b"m=image 9 ");
        offer.resize(offer.len() + length, 0xff);
        offer.extend_from_slice(b" t\xe938\r\n");
        offer
    };
    for length in [1, 1000, SDP_MAX - 200] {
        let offer = wild(length);
        let (ours, _) = settled(&offer).unwrap();
        assert!(ours.len() < offer.len() + 400, "{} {}", ours.len(), offer.len());
        let sdp = SessionDescription::parse(&ours).unwrap();
        assert_eq!(sdp.media[1].proto, vec![0xff; length]);
        assert_eq!((sdp.media[1].port, &sdp.media[1].formats[..]), (0, &[&b"t\xe938"[..]][..]));
    }
}

#[test]
fn r38_a_description_cut_off_anywhere_is_answered_or_refused() {
    let whole = offer(
        "0 101",
        "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=rtcp:9001 IN IP4 192.0.2.9\r\na=ptime:20",
    );
    let media = whole.find("m=audio").unwrap();
    let whole = whole.as_bytes();
    for end in 0..whole.len() {
        let _verdict = settled(&whole[..end]);
        let _verdict = apply_answer(&whole[..end], &able());
        let at_line_end = whole[..end].ends_with(b"\n");
        let has_media = end > media;
        if at_line_end {
            assert_eq!(codec(&whole[..end]).is_ok(), has_media, "{end}");
        }
    }
}

#[test]
fn r39_incomplete_lines_are_400() {
    for line in [
        "m=",
        "m=audio",
        "m=audio 9",
        "m=audio x RTP/AVP 0",
        "m=audio 65536 RTP/AVP 0",
        "=",
        "a",
        "1=x",
        "\0=x",
        "m",
        "a\r",
    ] {
        let text = format!("{}{line}\r\n", offer("0", ""));
        assert_eq!(verdict(invite_with(&text)), [400], "{line:?}");
    }
    for text in ["v", "v=", "v=1", "x", "=", "\r\n", "\n\n\n", "\0"] {
        assert_eq!(verdict(invite_with(text)), [400], "{text:?}");
    }
    assert_eq!(verdict(invite_with(&format!("\r\n\r\n{}\r\n\r\n", offer("0", "")))), [100]);
}

#[test]
fn r40_long_media_types_and_addresses_are_only_long() {
    for length in [199, 200, 256, 4096] {
        let long = "x".repeat(length);
        let beside = offer("0", &format!("m={long} 9 {long} {long}\r\nc=IN IP4 {long}\r\n"));
        assert_eq!(codec(beside), Ok((Codec::Pcmu, 0)));
        assert_eq!(codec(offer("0", &format!("c=IN IP4 {long}\r\n"))), Err(488));
        let other = offer("0", "").replace("m=audio", &format!("m={long}"));
        assert_eq!(verdict(invite_with(&other)), [415]);
    }
}

#[test]
fn r41_a_reinvite_with_unknown_media_is_488_and_the_call_goes_on() {
    for media in [
        "m=image 9 udptl t38\r\n",
        "m=video 9 RTP/AVP 31\r\n",
        "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n",
        "",
    ] {
        let mut rig = Rig::answered();
        rig.request("ACK", 1);
        rig.sent();
        let offer = offer("0", "");
        let (head, _) = offer.split_once("m=").unwrap();
        rig.request_with("INVITE", 2, &format!("{head}{media}"));
        let sent = rig.sent();
        assert!(matches!(sent[0].as_str(), "415" | "488"), "{media}: {sent:?}");
        assert!(!rig.core.is_terminated());
        rig.request("BYE", 3);
        assert_eq!(rig.sent(), ["200"], "{media}");
    }
}

#[test]
fn r43_answers_with_other_lines_or_port_0_end_the_call_with_ack_and_bye() {
    let two = format!("{SDP}m=video 0 RTP/AVP 31\r\n");
    for bad in
        [&*two, "v=0\r\n", &SDP.replace("9000", "0"), &SDP.replace("AVP 0", "AVP 18"), "nonsense"]
    {
        let mut rig = Rig::calling();
        rig.reply(200, "", bad);
        assert_eq!(rig.sent(), ["ACK", "BYE"], "{bad}");
        assert!(rig.told().iter().any(|told| told.starts_with("DidFail{local, 488, ")), "{bad}");
    }
}

#[test]
fn r43_an_invite_while_another_is_not_done_is_refused_and_both_end_well() {
    let mut rig = Rig::answered();
    rig.request_with("INVITE", 2, SDP);
    assert_eq!(rig.sent(), ["500"]);
    rig.request("ACK", 1);
    rig.request_with("INVITE", 3, SDP);
    assert_eq!(rig.sent(), ["200"]);
    rig.request("BYE", 4);
    assert_eq!(rig.sent(), ["200"]);
}

fn medias(count: usize) -> String {
    offer("0", &"m=video 9 RTP/AVP 31\r\n".repeat(count - 1))
}

#[test]
fn a20_media_lines_are_taken_up_to_the_limit_and_one_past_it_is_488() {
    assert_eq!(verdict(invite_with(&medias(MEDIA_MAX))), [100]);
    assert_eq!(verdict(invite_with(&medias(MEDIA_MAX + 1))), [488]);
    let (ours, _) = settled(medias(MEDIA_MAX)).unwrap();
    assert_eq!(SessionDescription::parse(&ours).unwrap().media.len(), MEDIA_MAX);
}

#[test]
fn a20_lines_are_taken_up_to_the_limit_and_one_past_it_is_413() {
    let lines = |count: usize| offer("0", &"a=x\r\n".repeat(count - 6));
    assert_eq!(verdict(invite_with(&lines(LINES_MAX))), [100]);
    assert_eq!(verdict(invite_with(&lines(LINES_MAX + 1))), [413]);
    assert_eq!(verdict(invite_with(&lines(100_000))), [413]);
}

#[test]
fn a20_bytes_are_taken_up_to_the_limit_and_one_past_it_is_413() {
    let bytes = |length: usize| {
        let start = offer("0", "a=x:");
        let filling = "x".repeat(length - start.len());
        format!("{start}{filling}")
    };
    assert_eq!(verdict(invite_with(&bytes(SDP_MAX))), [100]);
    assert_eq!(verdict(invite_with(&bytes(SDP_MAX + 1))), [413]);
}

#[test]
fn a20_many_formats_and_many_maps_are_looked_at_once_each() {
    // A product of both would be some 50 million looks.
    let formats = "127 ".repeat(12_000);
    let maps = "a=rtpmap:1 x/1\r\n".repeat(900);
    assert_eq!(codec(offer(&formats, &maps)), Err(488));
    let numbers: Vec<_> = (0..128).rev().map(|number| number.to_string()).collect();
    assert_eq!(codec(offer(&numbers.join(" "), &maps)), Ok((Codec::Pcma, 8)));
    let last = format!("{formats} 0");
    assert_eq!(codec(offer(&last, &maps)), Ok((Codec::Pcmu, 0)));
}

#[test]
fn a20_nested_groups_and_foreign_attributes_are_ignored() {
    let lines = format!(
        "a=group:{}\r\na=mid:1\r\na=rid:1 send\r\na=simulcast:send 1\r\n",
        "BUNDLE 1 ".repeat(1000)
    );
    assert_eq!(codec(offer("0", &lines)), Ok((Codec::Pcmu, 0)));
}
