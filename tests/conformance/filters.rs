//! What happens before there is a session: REFERENCE 1.4 and the codes of 1.11.

use offhook::sip::Message;
use offhook::transport::Transport;
use offhook_tests::door::{Door, changed, invite, invite_with, only, request, verdict};
use offhook_tests::steps::chat_alone;
use offhook_tests::{Rig, SDP, destination};

/// REFERENCE 1.4 item 1, 1.11 code 405, 1.11 code 200
#[test]
fn s1_4_item_1_requests_outside_of_a_dialog() {
    let mut door = Door::default();
    assert_eq!(door.receive(request("OPTIONS", "o", "", "", "")), [200]);
    let answer = door.answer();
    assert!(answer.contains("\r\nAllow: INVITE") && answer.contains("\r\nAccept: application/sdp"));
    assert_eq!(verdict(request("REGISTER", "r", "", "", "")), [405]);
    assert_eq!(verdict(request("PUBLISH", "p", "", "", "")), [405]);
}

/// REFERENCE 1.4 item 1, 1.11 code 482
#[test]
fn s1_4_item_1_a_merged_invite_is_482() {
    let mut door = Door::default();
    door.open(&invite("1"));
    assert_eq!(door.receive(invite("2")), [482]);
}

/// REFERENCE 1.4 item 2, 1.11 code 400, 1.11 code 415
#[test]
fn s1_4_item_2_bodies_and_extensions_that_are_refused() {
    let mut door = Door::default();
    assert_eq!(door.receive(changed("application/sdp", "text/plain")), [415]);
    assert!(door.answer().contains("\r\nAccept: application/sdp"));
    let mut broken = Door::default();
    assert_eq!(broken.receive(invite_with("v=0\r\nm=audio")), [400]);
    assert!(broken.answer().contains("\r\nWarning: 399 192.0.2.1 \""));
    let mut required = Door::default();
    assert_eq!(required.receive(request("INVITE", "1", "", "Require: x-none\r\n", "")), [420]);
    assert!(required.answer().contains("\r\nUnsupported: x-none"));
}

/// REFERENCE 1.4 item 3, 1.11 code 404
#[test]
fn s1_4_item_3_a_user_that_is_not_here_is_404() {
    assert_eq!(Door::with(only("carol")).receive(invite("1")), [404]);
    assert_eq!(Door::with(only("alice")).receive(invite("1")), [100]);
}

/// REFERENCE 1.4 item 4, 1.11 code 415
#[test]
fn s1_4_item_4_an_offer_of_neither_audio_nor_chat_is_415() {
    assert_eq!(verdict(invite_with(&SDP.replace("m=audio", "m=video"))), [415]);
    assert_eq!(verdict(invite_with(&SDP.replace("9000", "0"))), [415]);
    assert_eq!(Door::default().receive(invite_with(&chat_alone())), [100]);
}

/// REFERENCE 1.4 item 4, 1.11 code 488
#[test]
fn s1_4_item_4_an_offer_that_could_never_be_used_is_488_without_a_session() {
    // 0.15
    assert_eq!(verdict(invite_with(&SDP.replace("RTP/AVP 0", "RTP/AVP 18"))), [488]);
    // With a chat line it is found later, by row 20.
    let offer = chat_alone() + "m=audio 9000 RTP/AVP 18\r\n";
    assert_eq!(Door::default().receive(invite_with(&offer)), [100]);
}

/// REFERENCE 1.8 item 9
#[test]
fn s1_8_item_9_savp_is_488_while_srtp_is_off() {
    // R: 488, where the row says 500.
    assert_eq!(verdict(invite_with(&SDP.replace("RTP/AVP", "RTP/SAVP"))), [488]);
}

/// REFERENCE 1.4 item 5
#[test]
fn s1_4_item_5_an_invite_without_sdp_rings_and_gets_our_offer() {
    // 0.16: the offer is in the 200.
    assert_eq!(Door::default().receive(request("INVITE", "1", "", "", "")), [100]);
    let mut rig = Rig::new();
    rig.invited("");
    assert_eq!(rig.told(), ["CS(NULL>INCOMING)", "NewIncoming[]"]);
    rig.accept_with(offhook_tests::steps::BOTH).unwrap();
    rig.prepared();
    rig.chat_prepared();
    assert_eq!(rig.lines(), ["audio 4000 sendrecv", "message 2855"]);
    rig.clear();
    rig.request_with("ACK", 1, &offhook_tests::steps::with_chat_line());
    assert_eq!(rig.told(), ["SU[audio]", "CS(ACCEPTING>ESTABLISHED)", "DidStart"]);
}

/// REFERENCE 1.4 item 6
#[test]
fn s1_4_item_6_the_dialog_keeps_the_transport_of_its_invite() {
    let mut rig = Rig::callee();
    rig.order(offhook::session::Order::End).unwrap();
    assert_eq!(rig.wire.last().unwrap().0.transport, Transport::Udp);
    let mut door = Door::default();
    let tcp = destination(Transport::Tcp);
    door.open_from(tcp, &invite("1").replace("SIP/2.0/UDP", "SIP/2.0/TCP"));
    assert!(door.sent.iter().all(|sent| sent.destination.transport == Transport::Tcp));
}

/// REFERENCE 1.4 item 7
#[test]
fn s1_4_item_7_a_second_call_is_another_session() {
    let mut door = Door::default();
    assert_eq!(door.receive(invite("1")), [100]);
    assert_eq!(door.receive(invite("2").replace("Call-ID: c1", "Call-ID: c2")), [100]);
    assert_eq!(door.calls.len(), 2);
}

/// REFERENCE 1.11 code 480
#[test]
fn s1_11_480_is_never_sent_by_itself() {
    // Only reject(480) sends it.
    let mut rig = Rig::incoming();
    rig.order(offhook::session::Order::reject(480)).unwrap();
    assert_eq!(rig.last().status(), Some(480));
    let mut end = Rig::incoming();
    end.order(offhook::session::Order::End).unwrap();
    assert_eq!(Message::parse(&end.wire[0].1[..]).unwrap().status(), Some(486));
}
