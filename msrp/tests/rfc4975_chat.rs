//! The conversations of RFC 4975 §11 between sessions: what the examples' sides send is taken, and
//! answered as the examples answer it.

mod sides;

use offhook_msrp::chat::{Event, Incoming, Input, Local, Peer};
use sides::Side;

const ALICE: &str = "msrp://alicepc.example.com:7777/iau39soe2843z;tcp";
const BOB: &str = "msrp://bob.example.com:8888/9di4eae923wzd;tcp";

/// One side of the examples, its connection standing.
fn side(own: &str, peer: &str, active: bool) -> Side {
    let mut side = Side::new(Local::new(own, active), 1);
    side.put(Input::Start(Peer::new(peer)));
    side.put(Input::Connected);
    side.wire.clear();
    side
}

/// A SEND of the examples.
fn send(transaction: &str, to: &str, from: &str, rest: &str) -> String {
    let end = format!("-------{transaction}$");
    let text =
        format!("MSRP {transaction} SEND\nTo-Path: {to}\nFrom-Path: {from}\n{rest}\n{end}\n");
    text.replace('\n', "\r\n")
}

/// What a side says to it, and what it is told.
fn heard(side: &mut Side, said: &str) -> (String, Vec<Incoming>) {
    side.put(Input::Received(said.as_bytes()));
    let answer = String::from_utf8_lossy(&std::mem::take(&mut side.wire)).into_owned();
    let messages = std::mem::take(&mut side.events).into_iter().filter_map(|event| match event {
        Event::Message(message) => Some(message),
        _ => None,
    });
    (answer, messages.collect())
}

fn ok(transaction: &str, to: &str, from: &str) -> String {
    let end = format!("-------{transaction}$");
    format!("MSRP {transaction} 200 OK\nTo-Path: {to}\nFrom-Path: {from}\n{end}\n")
        .replace('\n', "\r\n")
}

/// The answer without the headers that may be there beside those of the example.
fn plain(answer: &str) -> String {
    let lines = answer.split_inclusive("\r\n");
    lines.filter(|line| !line.starts_with("Message-ID:")).collect()
}

#[test]
fn section_11_1_alice_and_bob_greet_each_other() {
    let mut bob = side(BOB, ALICE, false);
    let greeting = "Message-ID: 12339sdqwer\nByte-Range: 1-16/16\nContent-Type: text/plain\n\n\
                    Hi, I'm Alice!\n";
    let (answer, got) = heard(&mut bob, &send("d93kswow", BOB, ALICE, greeting));
    assert_eq!(plain(&answer), ok("d93kswow", ALICE, BOB));
    assert!(matches!(&got[..], [message] if message.content == b"Hi, I'm Alice!\r\n"
        && message.id == "12339sdqwer" && message.content_type == "text/plain"));

    let mut alice = side(ALICE, BOB, true);
    let answer = "Message-ID: 456s9wlk3\nByte-Range: 1-21/21\nContent-Type: text/plain\n\n\
                  Hi, Alice! I'm Bob!\n";
    let (answer, got) = heard(&mut alice, &send("dkei38sd", ALICE, BOB, answer));
    assert_eq!(plain(&answer), ok("dkei38sd", BOB, ALICE));
    assert!(matches!(&got[..], [message] if message.content == b"Hi, Alice! I'm Bob!\r\n"));
}

#[test]
fn section_11_2_a_message_in_xhtml_comes_as_it_is() {
    let document = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
        <html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" lang=\"en\">\r\n\
        <head><title>FY2005 Results</title></head>\r\n\
        <body><p>See the results at <a href=\"http://example.org/\">example.org</a>.</p></body>\
        \r\n</html>";
    let length = document.len();
    let rest = format!(
        "Message-ID: 12339sdqwer\nByte-Range: 1-{length}/{length}\n\
         Content-Type: application/xhtml+xml\n\n{}",
        document.replace("\r\n", "\n")
    );
    let mut bob = side(BOB, ALICE, false);
    let (answer, got) = heard(&mut bob, &send("d93kswow", BOB, ALICE, &rest));
    assert_eq!(plain(&answer), ok("d93kswow", ALICE, BOB));
    assert!(matches!(&got[..], [message] if message.content == document.as_bytes()
        && message.content_type == "application/xhtml+xml"));
}

/// One offer, two answers (RFC 4975 §11.7): each answer has a connection and a session of its own,
/// and both go to the one path of the offer.
#[test]
fn section_11_7_both_branches_of_a_forked_call_are_heard() {
    let home = "msrp://bob-home.example.com:8888/home9di4eae923wzd;tcp";
    for (peer, transaction) in [(BOB, "d93kswow"), (home, "34kdj39s")] {
        let mut alice = side(ALICE, peer, true);
        let rest = "Message-ID: 12\nByte-Range: 1-4/4\nContent-Type: text/plain\n\nHi\n";
        let (answer, got) = heard(&mut alice, &send(transaction, ALICE, peer, rest));
        assert_eq!(plain(&answer), ok(transaction, peer, ALICE));
        assert_eq!(got.len(), 1);
        // The other branch's messages are not this session's.
        let other = if peer == home { BOB } else { home };
        let (answer, got) = heard(&mut alice, &send("a786hjs2", ALICE, other, rest));
        assert!(answer.contains(" 481 ") && got.is_empty(), "{answer}");
    }
}
