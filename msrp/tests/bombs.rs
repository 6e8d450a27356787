//! Peers that send as much, as little, as far apart or as often as they can: the memory is bounded,
//! the answer is defined, and the session goes on (HOSTILE class 17).

#![expect(clippy::indexing_slicing, reason = "a helper of a test may fail the test")]

mod sides;

use offhook_msrp::Limits;
use offhook_msrp::chat::{Event, Input, Local, Peer};

use crate::sides::{ALICE, BOB, Side, statuses};

const LIMITS: Limits = Limits { message_bytes: 10_000, messages: 2, bytes: 15_000 };

/// Bob, bound to Alice's connection.
fn bob(limits: Limits) -> Side {
    let mut bob = Side::new(Local { limits, ..Local::new(BOB, false) }, 3);
    bob.put(Input::Start(Peer::new(ALICE)));
    bob.put(Input::Connected);
    let first =
        format!("MSRP abcd SEND\r\nTo-Path: {BOB}\r\nFrom-Path: {ALICE}\r\n-------abcd$\r\n");
    bob.put(Input::Received(first.as_bytes()));
    bob.wire.clear();
    bob.events.clear();
    bob
}

fn chunk(id: &str, range: &str, body: &str, flag: char) -> String {
    format!(
        "MSRP t1xy SEND\r\nTo-Path: {BOB}\r\nFrom-Path: {ALICE}\r\nMessage-ID: {id}\r\n\
         Byte-Range: {range}\r\nContent-Type: text/plain\r\n\r\n{body}\r\n-------t1xy{flag}\r\n"
    )
}

/// What a chunk is answered with.
fn says(bob: &mut Side, chunk: &str) -> u16 {
    bob.put(Input::Received(chunk.as_bytes()));
    let answers = statuses(&std::mem::take(&mut bob.wire));
    assert_eq!(answers.len(), 1, "{answers:?}");
    answers[0]
}

/// The session still takes what is fit to be taken.
fn goes_on(bob: &mut Side) {
    bob.events.clear();
    assert_eq!(says(bob, &chunk("last", "1-2/2", "hi", '$')), 200);
    assert_eq!(bob.contents(), [("last", &b"hi"[..])]);
    assert!(!bob.closed);
}

#[test]
fn r17_an_endless_plus_is_200_up_to_the_limit_and_413_from_one_byte_past_it_on() {
    let mut bob = bob(LIMITS);
    let piece = "x".repeat(1000);
    for number in 0..10 {
        let range = format!("{}-*/*", number * 1000 + 1);
        assert_eq!(says(&mut bob, &chunk("m", &range, &piece, '+')), 200, "{number}");
    }
    assert_eq!(says(&mut bob, &chunk("m", "10001-*/*", "x", '+')), 413);
    for _ in 0..1000 {
        assert_eq!(says(&mut bob, &chunk("m", "10002-*/*", &piece, '+')), 413);
    }
    assert_eq!(bob.contents(), []);
    goes_on(&mut bob);
}

#[test]
fn r17_a_message_of_exactly_the_limit_is_told_and_one_byte_more_is_413() {
    for (length, status) in [(10_000, 200), (10_001, 413)] {
        let body = "x".repeat(length);
        for range in ["1-*/*".to_owned(), format!("1-{length}/{length}")] {
            let mut bob = bob(LIMITS);
            assert_eq!(says(&mut bob, &chunk("m", &range, &body, '$')), status, "{range}");
            assert_eq!(bob.contents().len(), usize::from(status == 200));
            goes_on(&mut bob);
        }
    }
}

#[test]
fn r17_ranges_up_to_two_to_the_63_and_beyond_have_a_status_and_the_session_goes_on() {
    let mut bob = bob(LIMITS);
    for (range, status) in [
        ("1-*/9223372036854775807", 413),
        ("1-*/9223372036854775808", 413),
        ("1-9223372036854775808/9223372036854775808", 413),
        ("9223372036854775807-*/*", 413),
        ("9223372036854775808-9223372036854775808/9223372036854775808", 413),
        ("18446744073709551615-*/*", 413),
        ("18446744073709551615-18446744073709551615/18446744073709551615", 413),
        ("18446744073709551616-*/*", 400),
        ("0-1/1", 400),
        ("1-*/-1", 400),
    ] {
        let id = format!("m{}", range.len());
        assert_eq!(says(&mut bob, &chunk(&id, range, "x", '+')), status, "{range}");
    }
    assert_eq!(bob.contents(), []);
    goes_on(&mut bob);
}

#[test]
fn r17_a_million_one_byte_chunks_over_a_connection_are_one_message() {
    let count = 1_000_000;
    let mut bob = bob(Limits { message_bytes: count, messages: 1, bytes: count });
    for at in 1..count {
        let chunk = chunk("m", &format!("{at}-{at}/{count}"), "x", '+');
        bob.put(Input::Received(chunk.as_bytes()));
        bob.wire.clear();
        assert!(bob.events.is_empty());
    }
    assert_eq!(says(&mut bob, &chunk("m", &format!("{count}-{count}/{count}"), "x", '$')), 200);
    assert_eq!(bob.contents()[0].1.len() as u64, count);
}

#[test]
fn r17_bombs_of_many_messages_are_413_and_room_comes_back_when_one_ends() {
    let mut bob = bob(LIMITS);
    for id in ["a", "b"] {
        assert_eq!(says(&mut bob, &chunk(id, "1-*/3", "xy", '+')), 200);
    }
    for number in 0..1000 {
        assert_eq!(says(&mut bob, &chunk(&format!("c{number}"), "1-*/3", "xy", '+')), 413);
    }
    assert_eq!(says(&mut bob, &chunk("a", "3-3/3", "z", '$')), 200);
    assert_eq!(bob.contents(), [("a", &b"xyz"[..])]);
    goes_on(&mut bob);
}

#[test]
fn r17_chunks_that_overlap_or_leave_gaps_in_any_way_make_one_message_at_every_split() {
    let text = "0123456789";
    for first in 1..=text.len() {
        for second in 1..=first + 1 {
            let tail = text.get(second - 1..).unwrap();
            if tail.is_empty() {
                continue;
            }
            let head = text.get(..first).unwrap();
            // The end comes first: a gap, that the beginning fills, and more.
            let wire =
                [chunk("m", &format!("{second}-*/10"), tail, '+'), chunk("m", "1-*/10", head, '+')]
                    .concat();
            let splits = if second == first { 0..wire.len() } else { 0..1 };
            for at in splits {
                let mut bob = bob(LIMITS);
                let (one, other) = wire.as_bytes().split_at(at);
                bob.put(Input::Received(one));
                bob.put(Input::Received(other));
                assert_eq!(statuses(&bob.wire), [200, 200], "{first} {second} {at}");
                let whole = bob.contents().iter().any(|(_, content)| content == &text.as_bytes());
                assert!(whole || bob.events.is_empty(), "{:?}", bob.events);
                // It ends with a chunk that ends it.
                if !whole {
                    assert_eq!(says_again(&mut bob), 200);
                }
                assert_eq!(bob.contents(), [("m", text.as_bytes())], "{first} {second} {at}");
            }
        }
    }
}

fn says_again(bob: &mut Side) -> u16 {
    bob.wire.clear();
    says(bob, &chunk("m", "10-10/10", "9", '$'))
}

#[test]
fn r17_a_message_that_its_sender_gives_up_leaves_nothing_and_does_not_come_back() {
    let mut bob = bob(LIMITS);
    let piece = "x".repeat(5000);
    for number in 0..100 {
        let id = format!("m{number}");
        assert_eq!(says(&mut bob, &chunk(&id, "1-*/9000", &piece, '+')), 200, "{number}");
        let _any = says(&mut bob, &chunk(&id, "5001-*/9000", "", '#'));
    }
    assert!(!bob.events.iter().any(|event| matches!(event, Event::Message(_))));
    goes_on(&mut bob);
}
