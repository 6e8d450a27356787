//! Two sessions on one connection, and one against bytes written by hand.

mod sides;

use offhook_fsm::msrp_link::State;
use offhook_fsm::{Entropy, Instant};
use offhook_msrp::chat::{
    ChatError, Content, Event, Input, Local, Matching, Outgoing, Output, Peer, QUEUE_MAX, Refuser,
    Reports, SOURCE_BYTES, STRANGERS_MAX, WAIT_MS,
};
use offhook_msrp::{ContinuationFlag, FailureReport, Limits};

use crate::sides::{ALICE, BOB, Side, lines, pair, settle, statuses, usual};

/// A SEND to Bob, as Alice would write it.
fn raw(id: &str, headers: &str, body: Option<&str>, flag: char) -> Vec<u8> {
    let body = body.map(|body| format!("\r\n{body}\r\n")).unwrap_or_default();
    let text = format!(
        "MSRP {id} SEND\r\nTo-Path: {BOB}\r\nFrom-Path: {ALICE}\r\n{headers}{body}-------{id}{flag}\r\n"
    );
    text.into_bytes()
}

/// Bob, who waits for the first SEND.
fn bob(local: Local) -> Side {
    let mut bob = Side::new(local, 3);
    bob.put(Input::Start(Peer::new(ALICE)));
    bob.put(Input::Connected);
    bob
}

/// REFERENCE 1.9 item 5, 1.9 item 10
#[test]
fn an_empty_send_binds_and_queued_messages_follow_in_order() {
    let (mut a, mut b) =
        (Side::new(Local::new(ALICE, true), 1), Side::new(Local::new(BOB, false), 2));
    for id in ["m1", "m2", "m3"] {
        a.send(id, id.as_bytes());
    }
    b.send("n1", b"early");
    a.put(Input::Start(Peer::new(BOB)));
    b.put(Input::Start(Peer::new(ALICE)));
    assert_eq!((a.chat.state(), b.chat.state()), (State::Waiting, State::Waiting));
    a.put(Input::Connected);
    b.put(Input::Connected);
    assert_eq!(lines(&a.wire), [("SEND".to_owned(), ContinuationFlag::Complete)]);
    assert!(b.wire.is_empty(), "the passive side waits");
    settle(&mut a, &mut b, 7);
    let expected: [(&str, &[u8]); 3] = [("m1", b"m1"), ("m2", b"m2"), ("m3", b"m3")];
    assert_eq!(b.contents(), expected);
    assert_eq!(a.contents(), [("n1", &b"early"[..])]);
    assert_eq!((&a.events[0], &b.events[0]), (&Event::Started, &Event::Started));
}

/// REFERENCE 1.9 item 5
#[test]
fn a_first_send_with_content_binds_and_is_delivered() {
    let mut bob = bob(Local::new(BOB, false));
    let headers = "Message-ID: m1\r\nByte-Range: 1-2/2\r\nContent-Type: text/plain\r\n";
    bob.put(Input::Received(&raw("abcd", headers, Some("hi"), '$')));
    assert_eq!(bob.events[0], Event::Started);
    assert_eq!(bob.contents(), [("m1", &b"hi"[..])]);
    assert_eq!(statuses(&bob.wire), [200]);
}

/// REFERENCE 1.9 item 5
#[test]
fn r18_a_send_for_another_session_is_481_and_binds_nothing() {
    let good = String::from_utf8(raw("abcd", "Message-ID: m1\r\n", None, '$')).unwrap();
    for (from, to) in [
        (BOB, "msrp://192.0.2.2:2855/bob1234567891;tcp"),
        (BOB, "msrp://192.0.2.2/bob1234567890;tcp"),
        (BOB, "msrps://192.0.2.2:2855/bob1234567890;tcp"),
        (ALICE, "msrp://192.0.2.1:2855/mallory;tcp"),
        (ALICE, "msrp://192.0.2.9:2855/alice1234567890;tcp"),
        (BOB, "msrp://192.0.2.2:2855/bob1234567890;tcp msrp://x:1/y;tcp"),
    ] {
        let mut bob = bob(Local::new(BOB, false));
        bob.put(Input::Received(good.replace(from, to).as_bytes()));
        assert_eq!(statuses(&bob.wire), [481], "{to}");
        assert_eq!((bob.chat.state(), bob.events.len()), (State::Binding, 0));
    }
    let mut bob = bob(Local::new(BOB, false));
    for _ in 0..STRANGERS_MAX {
        bob.put(Input::Received(good.replace("bob1", "bob2").as_bytes()));
    }
    assert_eq!(bob.chat.state(), State::Binding);
    bob.put(Input::Received(good.replace("bob1", "bob2").as_bytes()));
    assert!(bob.closed && matches!(bob.events[..], [Event::Failed { .. }]));
}

#[test]
fn rfc6714_a_session_is_matched_by_its_id_when_asked() {
    let good = String::from_utf8(raw("abcd", "Message-ID: m1\r\n", None, '$')).unwrap();
    let moved = good.replace("192.0.2", "203.0.113");
    let mut exact = bob(Local::new(BOB, false));
    exact.put(Input::Received(moved.as_bytes()));
    assert_eq!(exact.chat.state(), State::Binding);
    let by_id = || bob(Local { matching: Matching::SessionId, ..Local::new(BOB, false) });
    let mut moving = by_id();
    moving.put(Input::Received(moved.as_bytes()));
    assert_eq!(moving.chat.state(), State::Started);
    let mut other = by_id();
    other.put(Input::Received(good.replace("alice1", "alice2").as_bytes()));
    assert_eq!((other.chat.state(), statuses(&other.wire)), (State::Binding, vec![481]));
}

/// REFERENCE 1.9 item 4
#[test]
fn each_wait_ends_after_thirty_seconds_and_not_before() {
    for connected in [false, true] {
        for active in [false, true] {
            let mut side = Side::new(Local::new(ALICE, active), 1);
            side.put(Input::Start(Peer::new(BOB)));
            side.send("m1", b"x");
            side.send("m2", b"y");
            if connected {
                side.put(Input::Connected);
            }
            assert_eq!(side.deadline, Some(Instant::from_millis(WAIT_MS)));
            side.now = Instant::from_micros(WAIT_MS * 1000 - 1);
            side.put(Input::Timeout);
            assert!(side.events.is_empty());
            side.now = Instant::from_millis(WAIT_MS);
            side.put(Input::Timeout);
            assert!(matches!(side.events[0], Event::Failed { .. }));
            assert_eq!(side.failed(), [("m1", 0), ("m2", 0)]);
            assert_eq!((side.closed, side.deadline), (connected, None));
        }
    }
}

#[test]
fn a_binding_that_is_refused_fails_the_session() {
    let mut a = Side::new(Local::new(ALICE, true), 1);
    a.put(Input::Start(Peer::new(BOB)));
    a.send("m1", b"x");
    a.put(Input::Connected);
    let wire = std::mem::take(&mut a.wire);
    let answer = Refuser::new(506).answer(&wire).unwrap();
    assert_eq!(statuses(&answer), [506]);
    a.put(Input::Received(&answer));
    let reason = "the peer refuses the session: 506 Session Already Bound".to_owned();
    assert_eq!(a.events[0], Event::Failed { reason });
    assert_eq!((a.failed(), a.closed), (vec![("m1", 0)], true));
}

/// REFERENCE 1.9 item 8, 1.9 item 11, 1.9 item 12
#[test]
fn reports_in_every_combination() {
    use FailureReport::{No, Partial, Yes};
    for content in [&b"short"[..], &[b'x'; 5000]] {
        let chunks = content.len().div_ceil(2048);
        for success in [false, true] {
            for failure in [Yes, No, Partial] {
                let (mut a, mut b) = usual();
                a.send_with("m1", content, success, failure);
                let sent = std::mem::take(&mut a.wire);
                assert_eq!(lines(&sent).len(), chunks);
                b.put(Input::Received(&sent));
                let answers = if failure == Yes { chunks } else { 0 };
                assert_eq!(statuses(&b.wire), vec![200; answers], "{success} {failure:?}");
                let reports = lines(&b.wire).iter().filter(|(line, _)| line == "REPORT").count();
                assert_eq!(reports, usize::from(success));
                settle(&mut a, &mut b, 100);
                let id = "m1".to_owned();
                let (code, reason) = (200, "OK".to_owned());
                let expected = match success {
                    true => Event::Delivered { id, code, reason },
                    false => Event::Sent { id },
                };
                assert_eq!(a.events, [expected], "{success} {failure:?}");
                assert_eq!(b.contents(), [("m1", content)]);
            }
        }
    }
}

/// REFERENCE 1.9 item 11
#[test]
fn failures_are_told_to_whom_they_are_to_be_told() {
    use FailureReport::{No, Partial, Yes};
    for failure in [Yes, No, Partial] {
        let local = Local { accept_types: "image/*".into(), ..Local::new(BOB, false) };
        let (mut a, mut b) = pair(Local::new(ALICE, true), local);
        a.send_with("m1", b"text", true, failure);
        settle(&mut a, &mut b, 100);
        let expected: &[(&str, u16)] = if failure == No { &[] } else { &[("m1", 415)] };
        assert_eq!(a.failed(), expected, "{failure:?}");
        assert!(b.contents().is_empty());
    }
}

/// REFERENCE 1.9 item 11
#[test]
fn an_answer_that_does_not_come_is_408_where_one_was_asked_for() {
    use FailureReport::{No, Partial, Yes};
    for failure in [Yes, No, Partial] {
        let (mut a, _b) = usual();
        a.send_with("m1", b"text", true, failure);
        let asked = failure == Yes;
        assert_eq!(a.deadline, asked.then(|| Instant::from_millis(WAIT_MS)));
        a.now = Instant::from_micros(WAIT_MS * 1000 - 1);
        a.put(Input::Timeout);
        assert!(a.failed().is_empty());
        a.now = Instant::from_millis(WAIT_MS * 10);
        a.put(Input::Timeout);
        let expected: &[(&str, u16)] = if asked { &[("m1", 408)] } else { &[] };
        assert_eq!(a.failed(), expected, "{failure:?}");
    }
}

#[test]
fn a_failure_report_ends_a_message_that_is_out() {
    let (mut a, _b) = usual();
    a.send_with("m1", b"text", true, FailureReport::Partial);
    let report = |id: &str, status: &str| {
        format!(
            "MSRP abcd REPORT\r\nTo-Path: {ALICE}\r\nFrom-Path: {BOB}\r\nMessage-ID: {id}\r\n\
             Byte-Range: 1-4/4\r\nStatus: 000 {status}\r\n-------abcd$\r\n"
        )
    };
    a.wire.clear();
    a.put(Input::Received(report("other", "413 no").as_bytes()));
    assert!(a.events.is_empty());
    a.put(Input::Received(report("m1", "413 no room").as_bytes()));
    let (id, reason) = ("m1".to_owned(), "no room".to_owned());
    assert_eq!(a.events, [Event::NotDelivered { id, code: 413, reason }]);
    a.put(Input::Received(report("m1", "200 OK").as_bytes()));
    assert_eq!((a.events.len(), a.wire.len()), (1, 0), "a REPORT is never answered");
}

#[test]
fn reports_of_parts_add_up() {
    let (mut a, _b) = usual();
    a.send_with("m1", b"text", true, FailureReport::No);
    for (range, delivered) in [("3-4/4", 0), ("1-1/4", 0), ("1-1/4", 0), ("1-3/4", 1)] {
        let report = format!(
            "MSRP abcd REPORT\r\nTo-Path: {ALICE}\r\nFrom-Path: {BOB}\r\nMessage-ID: m1\r\n\
             Byte-Range: {range}\r\nStatus: 000 200 OK\r\n-------abcd$\r\n"
        );
        a.put(Input::Received(report.as_bytes()));
        assert_eq!(a.delivered().len(), delivered, "{range}");
    }
}

/// Lets chunks out one by one, as a full socket would.
fn held_back(side: &mut Side) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    loop {
        match side.chat.poll_output() {
            Output::Transmit(bytes) => chunks.push(bytes),
            Output::Event(event) => side.events.push(event),
            Output::Close => side.closed = true,
            Output::Timeout(_) => return chunks,
        }
    }
}

#[test]
fn a_small_message_overtakes_a_large_one_that_is_under_way() {
    let (mut a, mut b) = usual();
    let large = vec![b'x'; 1_000_000];
    let reports = Some(Reports { success: false, failure: FailureReport::No });
    let message = Outgoing { reports, ..Outgoing::new("large", "text/plain", large.clone()) };
    a.chat.handle_input(a.now, Input::Send(message)).unwrap();
    let first = held_back(&mut a);
    let out: usize = first.iter().map(Vec::len).sum();
    assert!((60_000..70_000).contains(&out), "no more than the window: {out}");
    for id in ["s1", "s2"] {
        let small = Outgoing::new(id, "text/plain", b"small".to_vec());
        a.chat.handle_input(a.now, Input::Send(small)).unwrap();
    }
    a.wire = first.concat();
    a.put(Input::Written(out));
    settle(&mut a, &mut b, 1000);
    let ids: Vec<_> = b.contents().iter().map(|(id, _)| (*id).to_owned()).collect();
    assert_eq!(ids, ["s1", "s2", "large"]);
    assert_eq!(b.contents()[2].1, large);
}

#[test]
fn a_large_message_goes_on_among_ever_more_small_ones() {
    let (mut a, mut b) = usual();
    a.send("large", &[b'x'; 10_000]);
    let mut large_at = None;
    for round in 0..500 {
        for n in 0..4 {
            let small = Outgoing::new(format!("s{round}.{n}"), "text/plain", b"y".to_vec());
            a.chat.handle_input(a.now, Input::Send(small)).unwrap();
        }
        a.drain();
        settle(&mut a, &mut b, 4096);
        if b.contents().iter().any(|(id, _)| *id == "large") {
            large_at.get_or_insert(round);
        }
    }
    assert!(large_at.is_some_and(|round| round < 100), "{large_at:?}");
}

#[test]
fn the_sender_gives_up_a_message_in_mid_way() {
    let (mut a, mut b) = usual();
    let message = Outgoing::new("large", "text/plain", vec![b'x'; 1_000_000]);
    a.chat.handle_input(a.now, Input::Send(message)).unwrap();
    let first = held_back(&mut a).concat();
    a.chat.handle_input(a.now, Input::Abort { id: "large" }).unwrap();
    a.wire = first;
    a.drain();
    assert_eq!(lines(&a.wire).last().unwrap().1, ContinuationFlag::Abort);
    settle(&mut a, &mut b, 4096);
    assert_eq!(a.failed(), [("large", 0)]);
    assert_eq!(b.events, [Event::Withdrawn { id: "large".into() }]);
    assert_eq!(a.try_put(Input::Abort { id: "large" }), Err(ChatError::UnknownId));
}

#[test]
fn the_receiver_gives_up_a_message_in_mid_way() {
    let (mut a, mut b) = usual();
    let message = Outgoing::new("large", "text/plain", vec![b'x'; 1_000_000]);
    a.chat.handle_input(a.now, Input::Send(message)).unwrap();
    let first = held_back(&mut a).concat();
    let (one, rest) = first.split_at(3000);
    b.put(Input::Received(one));
    b.put(Input::Refuse { id: "large", status: 413 });
    b.put(Input::Received(rest));
    assert_eq!(statuses(&b.wire)[..3], [200, 413, 413]);
    a.put(Input::Written(first.len()));
    settle(&mut a, &mut b, 4096);
    assert_eq!(a.failed(), [("large", 413)]);
    assert!(b.contents().is_empty());
}

/// REFERENCE 1.9 item 10, 1.9 item 11
#[test]
fn what_is_queued_or_in_flight_when_the_connection_is_gone_is_not_delivered_in_order() {
    for reason in [None, Some("reset".to_owned())] {
        let (mut a, _b) = usual();
        a.send_with("m1", b"out", true, FailureReport::Partial);
        a.send("m2", &[b'x'; 1_000_000]);
        a.send("m3", b"small");
        let broken = reason.is_some();
        a.put(Input::Disconnected(reason.clone()));
        assert_eq!(a.failed(), [("m1", 0), ("m2", 0), ("m3", 0)]);
        match reason {
            Some(reason) => assert_eq!(a.events[0], Event::Failed { reason }),
            None => assert_eq!(a.events.last(), Some(&Event::Ended)),
        }
        assert_eq!((a.chat.state(), a.closed), (State::Terminated, broken));
        let late = Outgoing::new("m4", "text/plain", Vec::new());
        assert_eq!(a.try_put(Input::Send(late)), Err(ChatError::State(State::Terminated)));
    }
}

/// REFERENCE 1.9 item 13
#[test]
fn an_end_waits_for_what_is_queued_and_no_longer_than_two_seconds() {
    let (mut a, mut b) = usual();
    a.send("m1", &[b'x'; 300_000]);
    a.put(Input::Stop);
    assert!(!a.closed && a.events.is_empty());
    settle(&mut a, &mut b, 4096);
    assert_eq!(b.contents().len(), 1);
    assert_eq!(
        (&a.events[..], a.closed),
        (&[Event::Sent { id: "m1".into() }, Event::Ended][..], true)
    );
    let (mut a, _b) = usual();
    a.send("m1", b"nobody answers");
    a.put(Input::Stop);
    a.now = Instant::from_millis(2000);
    a.put(Input::Timeout);
    assert_eq!((a.failed(), a.events.last()), (vec![("m1", 0)], Some(&Event::Ended)));
}

/// REFERENCE 1.9 item 7
#[test]
fn messages_are_wrapped_in_cpim_when_they_are_sent_and_both_know_it() {
    let alice = Local {
        identity: ("Alice".into(), "sip:alice@example.com".into()),
        epoch_us: 1_000_000_000_000_000,
        ..Local::new(ALICE, true)
    };
    let mut a = Side::new(alice, 1);
    let mut b = bob(Local::new(BOB, false));
    a.send("m1", "grüße".as_bytes());
    let other = Outgoing {
        to: Some("sip:room@example.com".into()),
        written_us: Some(1_000),
        ..Outgoing::new("m2", "text/html", b"<p>".to_vec())
    };
    a.put(Input::Send(other));
    let identity = (String::new(), "sip:bob@example.com".to_owned());
    a.put(Input::Start(Peer { identity, ..Peer::new(BOB) }));
    a.now = Instant::from_millis(1500);
    a.put(Input::Connected);
    settle(&mut a, &mut b, 10);
    let Event::Message(first) = &b.events[1] else { panic!("{:?}", b.events) };
    assert_eq!(first.content, "grüße".as_bytes());
    assert_eq!(first.content_type, "text/plain");
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        first.cpim_headers,
        [
            header("From", "\"Alice\" <sip:alice@example.com>"),
            header("To", "<sip:bob@example.com>"),
            header("DateTime", "2001-09-09T01:46:41.500000Z"),
        ]
    );
    let Event::Message(second) = &b.events[2] else { panic!("{:?}", b.events) };
    assert_eq!(second.cpim_headers[1].1, "<sip:room@example.com>");
    assert_eq!(second.cpim_headers[2].1, "1970-01-01T00:00:00.001000Z");
    assert_eq!(a.delivered(), ["m1", "m2"]);
}

/// REFERENCE 1.9 item 7
#[test]
fn another_receiver_needs_cpim() {
    let (mut a, _b) = usual();
    let to = |id: &str| Outgoing { to: Some("sip:x@h".into()), ..Outgoing::new(id, "a/b", vec![]) };
    let mut plain = Side::new(Local::new(ALICE, true), 1);
    plain.put(Input::Start(Peer { accept_types: "text/plain".into(), ..Peer::new(BOB) }));
    assert_eq!(plain.try_put(Input::Send(to("m1"))), Err(ChatError::NeedsCpim));
    a.put(Input::Send(to("m1")));
    assert_eq!(a.failed(), [("m1", 415)], "no identity to wrap it with");
}

/// REFERENCE 1.9 item 8
#[test]
fn what_the_peer_does_not_take_is_not_sent() {
    let peer = Peer { accept_types: "text/plain".into(), ..Peer::new(BOB) };
    let mut a = Side::new(Local::new(ALICE, true), 1);
    let mut b = bob(Local::new(BOB, false));
    a.put(Input::Start(peer));
    a.put(Input::Connected);
    a.put(Input::Send(Outgoing::new("m1", "image/png", vec![1])));
    a.put(Input::Send(Outgoing::new("m2", "text/plain;charset=utf-8", vec![2])));
    settle(&mut a, &mut b, 100);
    assert_eq!(a.failed(), [("m1", 415)]);
    assert_eq!(b.contents(), [("m2", &[2][..])]);
}

#[test]
fn each_wrong_request_gets_its_status() {
    let ok = "Message-ID: m1\r\nByte-Range: 1-2/2\r\nContent-Type: text/plain\r\n";
    let takes = Local {
        accept_types: "text/plain message/cpim".into(),
        accept_wrapped_types: String::new(),
        limits: Limits { message_bytes: 100, ..Limits::default() },
        ..Local::new(BOB, false)
    };
    let wrapped = "Message-ID: m1\r\nContent-Type: message/cpim\r\n";
    for (headers, body, status) in [
        (ok.to_owned(), Some("hi"), 200),
        (ok.replace("1-2", "2-1"), Some("hi"), 400),
        (ok.replace("Message-ID: m1\r\n", ""), Some("hi"), 400),
        (ok.replace("Content-Type: text/plain\r\n", ""), Some("hi"), 400),
        (ok.to_owned(), Some("more than that"), 400),
        (ok.replace("1-2/2", "1-*/101"), Some("hi"), 413),
        (ok.replace("1-2/2", "102-*/*"), Some("hi"), 413),
        (ok.replace("text/plain", "text/html"), Some("hi"), 415),
        (wrapped.to_owned(), Some("no cpim"), 400),
        (wrapped.to_owned(), Some("X: y\r\n\r\nContent-Type: text/html\r\n\r\nhi"), 415),
        (wrapped.to_owned(), Some("X: y\r\n\r\nContent-Type: text/plain\r\n\r\nhi"), 200),
        ("Failure-Report: never\r\n".to_owned(), None, 400),
        (String::new(), None, 200),
    ] {
        let mut bob = bob(takes.clone());
        bob.put(Input::Received(&raw("abcd", &headers, body, '$')));
        assert_eq!(statuses(&bob.wire), [status], "{headers} {body:?}");
        assert_eq!(bob.contents().len(), usize::from(status == 200 && body.is_some()));
    }
    let mut mute = bob(Local { receives: false, ..Local::new(BOB, false) });
    mute.put(Input::Received(&raw("abcd", ok, Some("hi"), '$')));
    assert_eq!(statuses(&mute.wire), [403]);
    let mut bob = bob(takes);
    for method in ["AUTH", "NICKNAME", "FOO"] {
        let text = String::from_utf8(raw("abcd", ok, Some("hi"), '$')).unwrap();
        bob.put(Input::Received(text.replace("SEND", method).as_bytes()));
    }
    assert_eq!(statuses(&bob.wire), [501, 501, 501]);
    assert_eq!(bob.chat.state(), State::Binding);
}

#[test]
fn garbage_ends_the_session() {
    let (mut a, _b) = usual();
    a.send("m1", &[b'x'; 1_000_000]);
    a.put(Input::Received(b"GET / HTTP/1.1\r\n\r\n"));
    assert!(a.closed && matches!(a.events[0], Event::Failed { .. }));
    assert_eq!(a.failed(), [("m1", 0)]);
}

#[test]
fn r17_a_refused_chunk_that_never_ends_ends_the_session() {
    let mut bob = bob(Local::new(BOB, false));
    let head = "Message-ID: m1\r\nByte-Range: 1-*/99999999999\r\nContent-Type: text/plain\r\n";
    bob.put(Input::Received(&raw("abcd", "", None, '$')));
    let chunk = raw("efgh", head, Some(""), '+');
    bob.put(Input::Received(&chunk[..chunk.len() - 16]));
    let piece = vec![b'x'; 1024 * 1024];
    let mut pieces = 0;
    while !bob.closed {
        bob.put(Input::Received(&piece));
        pieces += 1;
        assert!(pieces < 20);
    }
    assert!(matches!(bob.events.last(), Some(Event::Failed { .. })));
}

#[test]
fn a_peer_that_reads_nothing_is_not_read() {
    let mut bob = bob(Local::new(BOB, false));
    bob.put(Input::Received(&raw("abcd", "", None, '$')));
    let many = raw("abcd", "Message-ID: m1\r\n", None, '$').repeat(100);
    let mut rounds = 0;
    while bob.chat.wants_bytes() {
        bob.chat.handle_input(bob.now, Input::Received(&many)).unwrap();
        held_back(&mut bob);
        rounds += 1;
        assert!(rounds < 1000);
    }
    while !bob.closed {
        bob.chat.handle_input(bob.now, Input::Received(&many)).unwrap();
        held_back(&mut bob);
        rounds += 1;
        assert!(rounds < 1000);
    }
}

#[test]
fn the_queue_holds_so_many_messages_and_refuses_one_more() {
    let mut a = Side::new(Local::new(ALICE, true), 1);
    for n in 0..QUEUE_MAX {
        a.send(&format!("m{n}"), b"x");
    }
    let more = || Input::Send(Outgoing::new("more", "text/plain", b"x".to_vec()));
    assert_eq!(a.try_put(more()), Err(ChatError::QueueFull));
    let again = Input::Send(Outgoing::new("m1", "text/plain", b"x".to_vec()));
    assert_eq!(a.try_put(again), Err(ChatError::DuplicateId));
    for (id, kind) in
        [("a b", "text/plain"), ("", "text/plain"), ("m", "text"), ("m", "a/b\r\nX: y")]
    {
        let bad = Outgoing::new(id, kind, Vec::new());
        assert!(matches!(a.try_put(Input::Send(bad)), Err(ChatError::Invalid(_))), "{id} {kind}");
    }
    let mut b = bob(Local::new(BOB, false));
    a.put(Input::Start(Peer::new(BOB)));
    a.put(Input::Connected);
    settle(&mut a, &mut b, 65_536);
    assert_eq!(b.contents().len(), QUEUE_MAX);
    a.put(more());
}

#[test]
fn ten_thousand_messages_both_ways_arrive_once_and_in_order() {
    let (mut a, mut b) = usual();
    let mut entropy = Entropy::from_u64(9);
    for round in 0..500 {
        for n in 0..10 {
            let id = format!("m{}", round * 10 + n);
            let body = vec![b'z'; usize::try_from(entropy.below(300)).unwrap()];
            a.send_with(&id, &body, true, FailureReport::Partial);
            b.send_with(&id, &body, true, FailureReport::Yes);
        }
        settle(&mut a, &mut b, 1 + usize::try_from(entropy.below(3000)).unwrap());
    }
    let expected: Vec<_> = (0..5000).map(|n| format!("m{n}")).collect();
    for side in [&a, &b] {
        assert!(side.contents().iter().map(|(id, _)| *id).eq(expected.iter()));
        assert_eq!(side.delivered(), expected);
        assert!(side.failed().is_empty());
    }
}

#[test]
fn a_file_streams_from_a_source_and_is_passed_on_piece_by_piece() {
    let total = 10_000_000_u64;
    let byte = |at: u64| u8::try_from(at % 251).unwrap();
    let receiver = Local {
        pass_on: true,
        limits: Limits { message_bytes: 1 << 40, ..Limits::default() },
        ..Local::new(BOB, false)
    };
    let (mut a, mut b) =
        pair(Local { chunk_bytes: 64 * 1024, ..Local::new(ALICE, true) }, receiver);
    let reports = Some(Reports { success: true, failure: FailureReport::Partial });
    let file = Outgoing {
        content: Content::Source { total },
        reports,
        ..Outgoing::new("file", "application/octet-stream", Vec::new())
    };
    a.put(Input::Send(file));
    let mut at = 0;
    loop {
        let asked = a.events.iter().find_map(|event| match event {
            Event::NeedData { offset, bytes, .. } => Some((*offset, *bytes)),
            _ => None,
        });
        a.events.retain(|event| !matches!(event, Event::NeedData { .. }));
        if let Some((offset, bytes)) = asked {
            assert!(bytes <= SOURCE_BYTES);
            let data: Vec<u8> = (offset..offset + bytes as u64).map(byte).collect();
            a.put(Input::Data { id: "file", bytes: &data });
        }
        let quiet = asked.is_none() && a.wire.is_empty() && b.wire.is_empty();
        settle(&mut a, &mut b, 16 * 1024);
        for event in b.events.drain(..) {
            match event {
                Event::Piece { offset, bytes, .. } => {
                    assert_eq!(offset, at);
                    assert!(bytes.iter().zip(offset..).all(|(found, at)| *found == byte(at)));
                    at += bytes.len() as u64;
                }
                Event::Complete { total: told, .. } => assert_eq!((told, at), (total, total)),
                other => panic!("{other:?}"),
            }
        }
        if quiet {
            break;
        }
    }
    assert_eq!((at, a.delivered()), (total, vec!["file"]));
}

#[test]
fn a_peer_that_connects_before_its_path_is_known_is_read_afterwards() {
    let mut bob = Side::new(Local::new(BOB, false), 3);
    bob.put(Input::Connected);
    assert!(!bob.chat.wants_bytes());
    assert_eq!(bob.try_put(Input::Received(b"M")), Err(ChatError::State(State::Early)));
    bob.put(Input::Start(Peer::new(ALICE)));
    assert!(bob.chat.wants_bytes());
    bob.put(Input::Received(&raw("abcd", "", None, '$')));
    assert_eq!(bob.events, [Event::Started]);
}
