//! A running chat against connections of anybody, and against peers that are slow, cut off or
//! strange.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

mod common;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};

use common::peer::{Peer, Request, header, status};
use common::process::alone;
use common::{PATIENCE, Party};
use offhook::Session;
use offhook::notification::{NotificationData as Data, Sender, SessionState};
use offhook::streams::Streams;
use offhook::transport::Transport;

const CHAT: Streams = Streams { audio: false, chat: true };
const OUR_PATH: &str = "msrp://127.0.0.1:9/ours;tcp";

/// A call that offered a chat and was answered: the engine waits for our connection.
struct Called {
    party: Party,
    peer: Peer,
    session: Session,
    path: String,
    address: SocketAddr,
    /// What ends the call.
    bye: Request,
}

fn called() -> Called {
    called_by("")
}

/// The same by a peer that says more about its chat.
fn called_by(attributes: &str) -> Called {
    let party = Party::new();
    let peer = Peer::of(party.address(Transport::Udp));
    let body = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=message 9 TCP/MSRP *\r\na=path:{OUR_PATH}\r\na=accept-types:*\r\n{attributes}"
    );
    let invite = Request { body, ..Request::new("INVITE") };
    peer.request(&invite);
    let session = party.incoming(0);
    session.accept(CHAT, &[]).unwrap();
    let ok = peer.wait(|message| status(message) == 200);
    peer.request(&invite.ack(&ok));
    assert_eq!(session.wait_established(PATIENCE), Some(true));
    let path = ok.lines().find_map(|line| line.strip_prefix("a=path:")).unwrap().to_owned();
    let address = path.strip_prefix("msrp://").unwrap().split('/').next().unwrap();
    let address = address.parse().unwrap();
    assert!(!header(&ok, "Contact").is_empty());
    let bye = Request { method: "BYE", cseq: 2, ..invite.ack(&ok) };
    Called { party, peer, session, path, address, bye }
}

impl Called {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A SEND of ours with that content, to that path.
    fn send_to(path: &str, transaction: &str, text: &str) -> String {
        let length = text.len();
        let body = match text {
            "" => String::new(),
            text => format!("Content-Type: text/plain\r\n\r\n{text}\r\n"),
        };
        format!(
            "MSRP {transaction} SEND\r\nTo-Path: {path}\r\nFrom-Path: {OUR_PATH}\r\n\
             Message-ID: {transaction}\r\nByte-Range: 1-{length}/{length}\r\n{body}\
             -------{transaction}$\r\n"
        )
    }

    fn send(&self, transaction: &str, text: &str) -> String {
        Self::send_to(&self.path, transaction, text)
    }

    fn got(&self, count: usize) -> Vec<String> {
        let sender = Sender::Session(self.session.id());
        let got = self.party.record.wait_count(count, |n| {
            n.sender == sender && matches!(n.data, Data::SessionGotMessage { .. })
        });
        let texts = got.iter().filter_map(|n| match &n.data {
            Data::SessionGotMessage { content, .. } => {
                Some(String::from_utf8_lossy(content).into_owned())
            }
            _ => None,
        });
        texts.collect()
    }
}

/// Reads until `text` has come.
fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let (mut read, mut buffer) = (String::new(), [0; 4096]);
    while !read.contains(text) {
        let count = stream.read(&mut buffer).unwrap();
        assert_ne!(count, 0, "closed before {text:?} came: {read}");
        read.push_str(&String::from_utf8_lossy(buffer.get(..count).unwrap()));
    }
    read
}

/// Everything up to the end.
fn read_to_end(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    // A reset is an end, too.
    let _reset = stream.read_to_end(&mut read);
    String::from_utf8_lossy(&read).into_owned()
}

/// REFERENCE 1.9 item 5
#[test]
fn a_peer_may_begin_with_an_empty_send() {
    let _alone = alone();
    let called = called();
    let mut stream = called.connect();
    stream.write_all(called.send("aaaa1111", "").as_bytes()).unwrap();
    read_until(&mut stream, "MSRP aaaa1111 200");
    called.party.record.wait_for("MSRPChatDidStart");
    stream.write_all(called.send("aaaa2222", "hello").as_bytes()).unwrap();
    assert_eq!(called.got(1), ["hello"]);
}

/// REFERENCE 1.9 item 5
#[test]
fn a_peer_may_begin_with_a_message_and_it_is_not_lost() {
    let _alone = alone();
    let called = called();
    let mut stream = called.connect();
    stream.write_all(called.send("aaaa1111", "hello").as_bytes()).unwrap();
    read_until(&mut stream, "MSRP aaaa1111 200");
    assert_eq!(called.got(1), ["hello"]);
}

/// It may have been answered by then: the peer, who waits for no more, knows it delivered.
#[test]
fn a_message_that_came_before_a_bye_is_told_before_the_end() {
    let _alone = alone();
    for number in 0..60 {
        let called = called();
        let mut stream = called.connect();
        stream.write_all(called.send("aaaa1111", "").as_bytes()).unwrap();
        read_until(&mut stream, "MSRP aaaa1111 200");
        called.party.record.wait_for("MSRPChatDidStart");
        stream.write_all(called.send("aaaa2222", "last words").as_bytes()).unwrap();
        called.peer.request(&called.bye);
        called.party.record.wait_for("SIPSessionDidEnd");
        let told = called.party.record.of(&called.session);
        let got = told.iter().filter(|name| **name == "SIPSessionGotMessage").count();
        assert_eq!(got, 1, "call {number}: {told:?}");
    }
}

#[test]
fn a_message_in_single_octets_is_one_message() {
    let _alone = alone();
    let called = called();
    let mut stream = called.connect();
    stream.set_nodelay(true).unwrap();
    for octet in called.send("aaaa1111", "hello").bytes() {
        stream.write_all(&[octet]).unwrap();
    }
    read_until(&mut stream, "MSRP aaaa1111 200");
    assert_eq!(called.got(1), ["hello"]);
}

/// REFERENCE 1.9 item 5
#[test]
fn r18_who_wants_another_session_is_481_and_closed_and_the_peer_still_gets_in() {
    let _alone = alone();
    let called = called();
    let wrong = called.path.replace(";tcp", "x;tcp");
    let mut stranger = called.connect();
    stranger.write_all(Called::send_to(&wrong, "bbbb1111", "let me in").as_bytes()).unwrap();
    assert!(read_to_end(&mut stranger).contains("MSRP bbbb1111 481"));
    let mut stream = called.connect();
    stream.write_all(called.send("aaaa1111", "hello").as_bytes()).unwrap();
    assert_eq!(called.got(1), ["hello"]);
}

#[test]
fn garbage_is_closed_and_the_peer_still_gets_in() {
    let _alone = alone();
    let called = called();
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\0\0\0\0\r\n\r\n", &[b'a'; 100_000]] {
        let mut stranger = called.connect();
        // The connection may be closed before all is written.
        let _reset = stranger.write_all(garbage);
        assert_eq!(read_to_end(&mut stranger), "");
    }
    let mut stream = called.connect();
    stream.write_all(called.send("aaaa1111", "hello").as_bytes()).unwrap();
    assert_eq!(called.got(1), ["hello"]);
}

#[test]
fn those_who_connect_and_say_nothing_do_not_keep_the_peer_out() {
    let _alone = alone();
    let called = called();
    let silent: Vec<TcpStream> = (0..40).map(|_| called.connect()).collect();
    let mut stream = called.connect();
    stream.write_all(called.send("aaaa1111", "hello").as_bytes()).unwrap();
    assert_eq!(called.got(1), ["hello"]);
    // Once the peer is there nobody else is.
    for mut silent in silent {
        assert_eq!(read_to_end(&mut silent), "");
    }
    assert!(TcpStream::connect(called.address).is_err());
}

/// REFERENCE 1.9 item 11, 1.9 item 13
#[test]
fn a_connection_that_is_lost_ends_the_chat_and_tells_each_message_but_not_the_session() {
    let _alone = alone();
    let called = called();
    let mut stream = called.connect();
    stream.write_all(called.send("aaaa1111", "").as_bytes()).unwrap();
    called.party.record.wait_for("MSRPChatDidStart");
    let ids = ["one", "two"]
        .map(|text| called.session.send_message(text.as_bytes(), "text/plain", None).unwrap());
    // They arrived, but nothing says so.
    read_until(&mut stream, "two");
    stream.shutdown(Shutdown::Both).unwrap();
    let told = called.party.record.wait_count(2, |n| n.name() == "SIPSessionDidNotDeliverMessage");
    let told: Vec<_> = told
        .iter()
        .filter_map(|n| match &n.data {
            Data::SessionDidNotDeliverMessage { message_id, .. } => Some(message_id.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(told, ids);
    assert_eq!(called.session.snapshot().state, SessionState::Established);
    assert!(!called.session.snapshot().has_chat);
    called.party.still_serves();
}

#[test]
fn a_peer_that_never_connects_fails_the_chat_alone_and_the_session_can_still_end() {
    let _alone = alone();
    let called = called();
    let id = called.session.send_message(b"hello", "text/plain", None).unwrap();
    called.session.end().unwrap();
    let bye = called.peer.wait_request("BYE");
    called.peer.send(common::peer::answer(&bye, 200, "", "", ""));
    assert!(called.session.wait_ended(PATIENCE));
    let told = called.party.record.wait_for("SIPSessionDidNotDeliverMessage").to_string();
    assert!(told.contains(&id), "{told}");
}

/// The transaction id of the first request of that method in what was read.
fn transaction<'a>(read: &'a str, method: &str) -> &'a str {
    let line = read.lines().find(|line| line.starts_with("MSRP ") && line.ends_with(method));
    line.unwrap().split(' ').nth(1).unwrap()
}

/// RFC 7701 §6 to §8, from a participant's side.
#[test]
fn a_chat_room_gives_nicknames_and_carries_private_messages() {
    let _alone = alone();
    let room = called_by("a=chatroom:nickname private-messages\r\n");
    let mut stream = room.connect();
    stream.write_all(room.send("aaaa1111", "").as_bytes()).unwrap();
    read_until(&mut stream, "MSRP aaaa1111 200");
    room.party.record.wait_for("MSRPChatDidStart");
    let chatroom = room.session.snapshot().chatroom.unwrap();
    assert!(chatroom.nickname && chatroom.private_messages);
    for (nickname, status, told) in [
        ("Bob", "425 Nickname Not Usable", "ChatStreamDidNotSetNickname"),
        ("Bob the \"second\"", "200 OK", "ChatStreamDidSetNickname"),
    ] {
        room.session.set_nickname(nickname).unwrap();
        let read = read_until(&mut stream, "$\r\n");
        let value = format!("Use-Nickname: \"{}\"", nickname.replace('"', "\\\""));
        assert!(read.contains(&value), "{read}");
        let (id, path) = (transaction(&read, "NICKNAME"), &room.path);
        let answer = format!(
            "MSRP {id} {status}\r\nTo-Path: {path}\r\nFrom-Path: {OUR_PATH}\r\n-------{id}$\r\n"
        );
        stream.write_all(answer.as_bytes()).unwrap();
        room.party.record.wait_for(told);
    }
    let id = room.session.send_message(b"psst", "text/plain", Some("sip:carol@h")).unwrap();
    let read = read_until(&mut stream, "$\r\n");
    assert!(read.contains("To: <sip:carol@h>\r\n") && read.contains(&id), "{read}");
    let (transaction, path) = (transaction(&read, "SEND"), &room.path);
    let answer = format!(
        "MSRP {transaction} 404 Failure to Resolve\r\nTo-Path: {path}\r\nFrom-Path: {OUR_PATH}\r\n\
         -------{transaction}$\r\n"
    );
    stream.write_all(answer.as_bytes()).unwrap();
    let told = room.party.record.wait_for("SIPSessionDidNotDeliverMessage");
    assert_eq!(told.data.field("code"), Some(404_u16.into()));
}

/// Many write through one session: each is told of by name.
#[test]
fn participants_of_a_room_write_each_for_themselves() {
    let _alone = alone();
    let room = called_by("a=chatroom\r\n");
    let mut stream = room.connect();
    stream.write_all(room.send("aaaa1111", "").as_bytes()).unwrap();
    let document = "<isComposing xmlns='urn:ietf:params:xml:ns:im-iscomposing'>\
                    <state>active</state></isComposing>";
    for (number, name) in ["carol", "dave", "carol"].iter().enumerate() {
        let cpim = format!(
            "From: <sip:{name}@h>\r\n\r\nContent-Type: application/im-iscomposing+xml\r\n\r\n{document}"
        );
        let send = room.send(&format!("bbbb{number}"), &cpim);
        stream.write_all(send.replace("text/plain", "message/cpim").as_bytes()).unwrap();
    }
    let cpim = "From: <sip:carol@h>\r\n\r\nContent-Type: text/plain\r\n\r\nhello";
    let send = room.send("cccc1111", cpim).replacen("text/plain", "message/cpim", 1);
    stream.write_all(send.as_bytes()).unwrap();
    assert_eq!(room.got(1), ["hello"]);
    let told = room.party.record.all().into_iter().filter_map(|n| match n.data {
        Data::ChatStreamGotComposingIndication { active, sender, .. } => Some((sender, active)),
        _ => None,
    });
    let expected = [("sip:carol@h", true), ("sip:dave@h", true), ("sip:carol@h", false)];
    let expected: Vec<_> = expected.map(|(name, active)| (name.to_owned(), active)).into();
    assert_eq!(told.collect::<Vec<_>>(), expected);
}
