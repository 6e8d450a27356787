//! The chat beside its messages, and chat rooms (RFC 7701): what the session does about them.

use offhook::chat::{Ask, ChatCommand, ChatEvent, Say, Told};
use offhook::error::SessionError;
use offhook::negotiate::Chatroom;
use offhook::session::Order;
use offhook_tests::Rig;
use offhook_tests::steps::{CHAT, chat_alone, message};

/// A chat that stands, whose peer describes itself with these lines more.
fn chat_with(lines: &str) -> Rig {
    let mut rig = Rig::new();
    rig.call(CHAT).unwrap();
    rig.chat_prepared();
    rig.reply(200, "", &format!("{}{lines}", chat_alone()));
    rig.chat_started();
    rig.told();
    rig
}

fn nickname(rig: &mut Rig, nickname: &str) -> Result<(), SessionError> {
    rig.order(Order::Say(Say::Nickname(nickname.into())))
}

/// What was said over the chat's connection, with `m1` for a message.
fn said(rig: &Rig) -> Vec<String> {
    let said = rig.chats.iter().filter_map(|command| match command {
        ChatCommand::Say { say, .. } => Some(format!("{say:?}")),
        ChatCommand::Send { message, .. } => Some(message.id.clone()),
        _ => None,
    });
    said.collect()
}

#[test]
fn rfc7701_8_a_room_says_what_it_can() {
    for (lines, expected) in [
        ("", None),
        ("a=chatroom\r\n", Some(Chatroom::default())),
        ("a=chatroom:nickname\r\n", Some(Chatroom { nickname: true, private_messages: false })),
        (
            "a=chatroom:private-messages x  Nickname\r\n",
            Some(Chatroom { nickname: true, private_messages: true }),
        ),
        ("a=chatroom:nicknames\r\n", Some(Chatroom::default())),
    ] {
        let mut rig = chat_with(lines);
        assert_eq!(rig.core.snapshot().chatroom, expected, "{lines}");
        let chat = rig.chat();
        rig.chat_event(ChatEvent::Ended { chat });
        assert_eq!(rig.core.snapshot().chatroom, None);
    }
}

#[test]
fn rfc7701_7_a_nickname_is_asked_of_rooms_that_give_them_alone() {
    for lines in ["", "a=chatroom:private-messages\r\n"] {
        let mut rig = chat_with(lines);
        let refused = nickname(&mut rig, "Alice");
        assert!(matches!(refused, Err(SessionError::InvalidArgument(_))), "{refused:?}");
    }
    let mut rig = chat_with("a=chatroom:nickname\r\n");
    for bad in ["a\r\nb", &"x".repeat(1024)] {
        let refused = nickname(&mut rig, bad);
        assert!(matches!(refused, Err(SessionError::InvalidArgument(_))), "{refused:?}");
    }
    assert!(said(&rig).is_empty());
    nickname(&mut rig, "Alice").unwrap();
    assert_eq!(said(&rig), ["Nickname(\"Alice\")"]);
    let chat = rig.chat();
    let told = |code| {
        let (nickname, reason) = (String::from("Alice"), String::new());
        ChatEvent::Told { chat, told: Told::Nickname { nickname, code, reason } }
    };
    rig.chat_event(told(200));
    rig.chat_event(told(425));
    assert_eq!(rig.told(), ["ChatStreamDidSetNickname", "ChatStreamDidNotSetNickname"]);
}

#[test]
fn a_nickname_needs_a_chat_that_stands() {
    let mut rig = Rig::new();
    rig.call(CHAT).unwrap();
    assert!(matches!(nickname(&mut rig, "Alice"), Err(SessionError::State(_))));
    rig.chat_prepared();
    rig.reply(200, "", &format!("{}a=chatroom:nickname\r\n", chat_alone()));
    assert!(matches!(nickname(&mut rig, "Alice"), Err(SessionError::State(_))));
    rig.chat_started();
    nickname(&mut rig, "Alice").unwrap();
}

#[test]
fn what_messages_ask_counts_from_the_first_on_that_goes_out() {
    let mut rig = Rig::new();
    rig.call(CHAT).unwrap();
    let ask = Ask { delivery: true, display: false };
    rig.order(message("m1")).unwrap();
    rig.order(Order::Say(Say::Ask(ask))).unwrap();
    rig.order(Order::Say(Say::Composing(true))).unwrap();
    rig.order(Order::Say(Say::Displayed("m0".into()))).unwrap();
    rig.chat_prepared();
    rig.reply(200, "", &chat_alone());
    assert!(said(&rig).is_empty());
    rig.chat_started();
    assert_eq!(said(&rig), [&format!("{:?}", Say::Ask(ask)), "m1"]);
}

#[test]
fn without_a_chat_nothing_is_said() {
    let mut rig = Rig::established();
    for say in [Say::Composing(true), Say::Ask(Ask::default()), Say::Displayed("m1".into())] {
        assert!(matches!(rig.order(Order::Say(say)), Err(SessionError::State(_))));
    }
}
