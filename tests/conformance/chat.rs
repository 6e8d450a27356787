//! REFERENCE 1.9: what a session does about its chat. The connection itself is simulated.

use std::sync::Arc;

use offhook::chat::{ChatCommand, ChatEvent, MsrpRelay};
use offhook::error::SessionError;
use offhook::session::{MESSAGES_MAX, Order, Policy};
use offhook_tests::steps::{CHAT, chat_alone, message, with_chat_line};
use offhook_tests::{Rig, SDP};

/// Ids of the messages that were handed to the connection.
fn handed(rig: &Rig) -> Vec<&str> {
    let ids = rig.chats.iter().filter_map(|command| match command {
        ChatCommand::Send { message, .. } => Some(&*message.id),
        _ => None,
    });
    ids.collect()
}

fn is_passive(rig: &Rig) -> bool {
    let passive = rig.chats.iter().rev().find_map(|command| match command {
        ChatCommand::Prepare { passive, .. } => Some(*passive),
        _ => None,
    });
    passive.unwrap()
}

/// REFERENCE 1.9 item 1
#[test]
fn s1_9_item_1_the_offerer_connects_and_the_answerer_listens() {
    let mut called = Rig::new();
    called.invited(&chat_alone());
    called.accept_with(CHAT).unwrap();
    let mut accepted = Rig::proposed();
    accepted.order(Order::AcceptProposal(CHAT)).unwrap();
    assert!(is_passive(&called) && is_passive(&accepted));
    assert!(!is_passive(&Rig::chatting()) && !is_passive(&Rig::proposing()));
}

/// The relay that the last chat line is prepared with, and whether that line is over TLS.
fn relay_and_tls(rig: &Rig) -> (Option<String>, bool) {
    let prepared = rig.chats.iter().rev().find_map(|command| match command {
        ChatCommand::Prepare { relay, tls, .. } => Some((relay.as_ref().map(|r| r.uri()), *tls)),
        _ => None,
    });
    prepared.unwrap()
}

fn at_relay(relay: MsrpRelay) -> Rig {
    Rig::with_policy(Policy { msrp_relay: Some(Arc::new(relay)), ..Policy::default() })
}

/// REFERENCE 1.9 item 2
#[test]
fn s1_9_item_2_the_answerer_uses_its_relay_and_the_offerer_where_it_is_asked_to() {
    let relay = MsrpRelay { tls: false, ..MsrpRelay::new("192.0.2.9:2855".parse().unwrap()) };
    let uri = || Some("msrp://192.0.2.9:2855;tcp".to_owned());
    let called = |relay: &MsrpRelay| {
        let mut rig = at_relay(relay.clone());
        rig.invited(&chat_alone());
        rig.accept_with(CHAT).unwrap();
        relay_and_tls(&rig)
    };
    let calling = |relay: &MsrpRelay| {
        let mut rig = at_relay(relay.clone());
        rig.call(CHAT).unwrap();
        relay_and_tls(&rig)
    };
    assert_eq!((called(&relay), calling(&relay)), ((uri(), false), (None, false)));
    let outbound = MsrpRelay { for_inbound: false, for_outbound: true, ..relay };
    assert_eq!((called(&outbound), calling(&outbound)), ((None, false), (uri(), false)));
}

/// REFERENCE 1.9 item 2
#[test]
fn s1_9_item_2_a_line_of_ours_has_the_transport_of_the_relay_and_tls_unless_told() {
    let relay = MsrpRelay::new("192.0.2.9:2855".parse().unwrap());
    let mut rig = at_relay(MsrpRelay { for_outbound: true, ..relay });
    rig.call(CHAT).unwrap();
    assert_eq!(relay_and_tls(&rig), (Some("msrps://192.0.2.9:2855;tcp".into()), true));
}

/// REFERENCE 1.9 item 3
#[test]
fn s1_9_item_3_the_line_names_path_and_types() {
    let mut rig = Rig::new();
    rig.call(CHAT).unwrap();
    rig.chat_prepared();
    let offer = rig.description();
    assert!(
        offer
            .contains("\r\nm=message 2855 TCP/MSRP *\r\na=path:msrp://192.0.2.1:2855/ours;tcp\r\n")
    );
    assert!(offer.contains("\r\na=accept-types:message/cpim text/* "));
    assert!(offer.contains("\r\na=accept-wrapped-types:*\r\n"));
    // RFC 6135: either side may connect; 2009 knew nothing of it, and passes over it.
    assert!(offer.contains("\r\na=setup:actpass\r\n"));
}

/// REFERENCE 1.9 item 3
#[test]
fn s1_9_item_3_an_answer_without_a_path_does_not_start_the_chat() {
    let mut rig = Rig::new();
    rig.call(CHAT).unwrap();
    rig.chat_prepared();
    rig.clear();
    let without: String =
        chat_alone().split_inclusive("\r\n").filter(|line| !line.contains("path")).collect();
    rig.reply(200, "", &without);
    assert!(rig.told()[2].starts_with("DidFail{local, 488, the chat line has no usable path"));
    assert!(!rig.chats.iter().any(|command| matches!(command, ChatCommand::Start { .. })));
}

/// REFERENCE 1.9 item 4, 1.9 item 5
#[test]
fn s1_9_item_4_5_a_connection_that_never_stands_is_told_and_leaves_the_call() {
    // 0.13
    let mut rig = Rig::proposing();
    rig.reply(200, "", &with_chat_line());
    rig.clear();
    let chat = rig.chat();
    rig.chat_event(ChatEvent::Failed { chat, reason: "no answer within 30 s".into() });
    assert_eq!(rig.told(), ["MSRPChatDidFail"]);
    assert_eq!(rig.lines(), ["audio 4000 sendrecv", "message 0"]);
}

/// REFERENCE 1.9 item 6, 2 row 34
#[test]
fn s1_9_item_6_the_chats_notifications_in_order() {
    let mut rig = Rig::new();
    rig.call(CHAT).unwrap();
    rig.chat_prepared();
    rig.reply(200, "", &chat_alone());
    assert!(!rig.core.snapshot().has_chat);
    rig.chat_started();
    assert_eq!(
        rig.told(),
        [
            "CS(NULL>CALLING)",
            "NewOutgoing[chat]",
            "MSRPChatDidInitialize",
            "WillStart",
            "CS(CALLING>ESTABLISHED)",
            "DidStart",
            "MSRPChatDidStart",
            "SU[chat]"
        ]
    );
    let chat = rig.chat();
    rig.chat_event(ChatEvent::Ended { chat });
    assert_eq!(rig.told(), ["MSRPChatDidEnd", "SU[]"]);
    // One that we end says so first.
    let mut ours = Rig::chatting();
    ours.request("BYE", 1);
    assert_eq!(ours.told()[..3], ["MSRPChatWillEnd", "MSRPChatDidEnd", "SU[]"]);
}

/// REFERENCE 1.9 item 7, 2 row 9
#[test]
fn s1_9_item_7_a_message_is_legal_as_soon_as_there_is_a_chat() {
    // 0.4: with a chat of the session or of the pending offer.
    let mut calling = Rig::new();
    calling.call(CHAT).unwrap();
    calling.order(message("m1")).unwrap();
    Rig::proposing().order(message("m1")).unwrap();
    assert_eq!(
        Rig::established().order(message("m1")).unwrap_err().to_string(),
        "send_message() without a chat needs another state, the session is ESTABLISHED"
    );
    assert_eq!(Rig::new().order(message("m1")).unwrap_err().name(), "SessionStateError");
    let mut untyped = message("m1");
    if let Order::SendMessage(message) = &mut untyped {
        message.content_type = "text".into();
    }
    let refused = Rig::chatting().order(untyped);
    assert!(matches!(refused, Err(SessionError::InvalidArgument(_))));
}

/// REFERENCE 1.9 item 9, 2 row 8
#[test]
fn s1_9_item_9_a_messages_id_is_that_of_the_call() {
    let mut rig = Rig::chatting();
    rig.order(message("id-1")).unwrap();
    assert_eq!(handed(&rig), ["id-1"]);
    let chat = rig.chat();
    let (id, reason) = (String::from("id-1"), String::from("OK"));
    rig.chat_event(ChatEvent::Delivered { chat, id, code: 200, reason });
    assert_eq!(rig.told(), ["DidDeliverMessage{id-1, 200}"]);
}

/// REFERENCE 1.9 item 10
#[test]
fn s1_9_item_10_messages_before_the_start_keep_their_order() {
    let mut rig = Rig::new();
    rig.call(CHAT).unwrap();
    for id in ["a", "b", "c"] {
        rig.order(message(id)).unwrap();
    }
    rig.chat_prepared();
    rig.reply(200, "", &chat_alone());
    assert_eq!(handed(&rig), [""; 0]);
    rig.chat_started();
    rig.order(message("d")).unwrap();
    assert_eq!(handed(&rig), ["a", "b", "c", "d"]);
}

/// REFERENCE 1.9 item 10
#[test]
fn s1_9_item_10_the_queue_has_a_limit() {
    let mut rig = Rig::chatting();
    for number in 0..MESSAGES_MAX {
        rig.order(message(&number.to_string())).unwrap();
    }
    assert!(matches!(rig.order(message("more")), Err(SessionError::Busy)));
    let chat = rig.chat();
    let (id, reason) = (String::from("0"), String::from("OK"));
    rig.chat_event(ChatEvent::Delivered { chat, id, code: 200, reason });
    rig.order(message("more")).unwrap();
}

/// REFERENCE 1.9 item 11, 2 row 1
#[test]
fn s1_9_item_11_what_is_not_delivered_is_told_with_its_code() {
    let mut rig = Rig::chatting();
    rig.order(message("m1")).unwrap();
    let chat = rig.chat();
    let (id, reason) = (String::from("m1"), String::from("Forbidden"));
    rig.chat_event(ChatEvent::NotDelivered { chat, id, code: 403, reason });
    assert_eq!(rig.told(), ["DidNotDeliverMessage{m1, 403}"]);
}

/// REFERENCE 1.9 item 11
#[test]
fn s1_9_item_11_messages_in_flight_are_told_when_the_connection_drops() {
    // 0.13; those in flight come before those in queue.
    let mut rig = Rig::chatting();
    rig.order(message("m1")).unwrap();
    rig.order(message("m2")).unwrap();
    rig.chat_failed();
    assert_eq!(
        rig.told(),
        ["MSRPChatDidFail", "DidNotDeliverMessage{m1, 0}", "DidNotDeliverMessage{m2, 0}", "SU[]"]
    );
    let mut ended = Rig::chatting();
    ended.order(message("m1")).unwrap();
    ended.request("BYE", 1);
    assert_eq!(
        ended.told(),
        [
            "MSRPChatWillEnd",
            "DidNotDeliverMessage{m1, 0}",
            "MSRPChatDidEnd",
            "SU[]",
            "CS(ESTABLISHED>TERMINATED)",
            "DidEnd{remote}"
        ]
    );
}

/// REFERENCE 1.9 item 12
#[test]
fn s1_9_item_12_a_message_is_told_with_its_type() {
    let mut rig = Rig::chatting();
    let (chat, content_type) = (rig.chat(), String::from("text/plain"));
    let content = b"hello".to_vec();
    let (id, cpim_headers) = ("m1".into(), Vec::new());
    rig.chat_event(ChatEvent::Message { chat, id, content, content_type, cpim_headers });
    assert_eq!(rig.told(), ["GotMessage{text/plain, hello}"]);
}

/// REFERENCE 1.9 item 13
#[test]
fn s1_9_item_13_the_peers_close_ends_the_chat_and_its_line() {
    // 0.13 overrules the item: the line is closed by a re-INVITE.
    let mut rig = Rig::with_chat();
    let chat = rig.chat();
    rig.chat_event(ChatEvent::Ended { chat });
    assert_eq!(rig.told(), ["MSRPChatDidEnd", "SU[audio]"]);
    assert_eq!(rig.lines(), ["audio 4000 sendrecv", "message 0"]);
    assert_eq!(rig.sent(), ["INVITE"]);
    rig.reply(200, "", &format!("{SDP}m=message 0 TCP/MSRP *\r\n"));
    assert!(rig.order(message("m1")).is_err());
    // A new chat may follow.
    rig.order(Order::Add(offhook::notification::StreamKind::Chat)).unwrap();
    rig.chat_prepared();
    assert_eq!(rig.lines(), ["audio 4000 sendrecv", "message 2855"]);
}

/// REFERENCE 1.9 item 13
#[test]
fn s1_9_item_13_a_chat_that_breaks_while_it_is_proposed_does_not_stay_open() {
    let mut rig = Rig::proposing();
    rig.chat_failed();
    rig.reply(200, "", &with_chat_line());
    assert_eq!(rig.core.snapshot().state, offhook::notification::SessionState::Established);
    assert_eq!(rig.lines(), ["audio 4000 sendrecv", "message 0"]);
    assert_eq!(rig.sent(), ["ACK", "INVITE"]);
}
