//! A running engine against peers that send it datagrams of any kind: it answers what has an
//! answer, drops the rest, grows no further than its limits, and serves the next call.

mod common;

use std::time::Duration;

use common::peer::{Peer, Request, header, status, tag};
use common::process::{Held, alone};
use common::{Deadline, PATIENCE, Party};
use offhook::Config;
use offhook::fsm::Entropy;
use offhook::notification::{Sender, SessionState};
use offhook::streams::Streams;
use offhook::transaction::Timers;
use offhook::transport::Transport;

/// What garbage may cost beside a normal call, in KiB: freed memory that the allocator keeps.
const MEMORY_KIB: usize = 48 << 10;

/// Threads of an engine without calls: some may be too young to bear their names when the threads
/// are counted before an attack.
const WARM: usize = 8;

/// Timers with which an INVITE that nobody acknowledges is given up after 640 ms.
fn quick() -> Timers {
    let ms = Duration::from_millis;
    Timers { t1: ms(10), t2: ms(80), t4: ms(100) }
}

fn victim() -> (Party, Peer) {
    let victim = Party::new();
    let peer = Peer::of(victim.address(Transport::Udp));
    (victim, peer)
}

/// The engine has read all that was sent to it before: this request's answer comes after it.
fn settle(peer: &Peer) {
    let deadline = Deadline::after(PATIENCE);
    loop {
        let probe = Request::new("OPTIONS");
        peer.request(&probe);
        // The socket may have been too full for the request, so it is asked again.
        while let Some(message) = peer.next(Duration::from_millis(500)) {
            if message.contains(&probe.call_id) {
                assert_eq!(status(&message), 200);
                return;
            }
        }
        assert!(!deadline.is_over(), "the engine answers no OPTIONS");
    }
}

#[test]
fn thousands_of_random_datagrams_change_nothing() {
    let _alone = alone();
    let (victim, peer) = victim();
    settle(&peer);
    let before = Held::now();
    let mut entropy = Entropy::from_u64(1);
    for _ in 0..8_000 {
        let mut garbage = vec![0; usize::try_from(entropy.below(1500)).unwrap()];
        entropy.fill(&mut garbage);
        peer.send(&garbage);
    }
    settle(&peer);
    let after = Held::now();
    assert!(after.threads <= before.threads + WARM, "{before:?}, {after:?}");
    assert_eq!(after.descriptors, before.descriptors);
    assert!(after.memory_kib < before.memory_kib + MEMORY_KIB, "{before:?}, {after:?}");
    assert_eq!(victim.calls(), 0);
    victim.still_serves();
}

#[test]
fn thousands_of_mutated_messages_leave_an_engine_that_serves() {
    let _alone = alone();
    let victim = Party::with(Config { sessions_max: Some(50), ..Config::default() });
    let peer = Peer::of(victim.address(Transport::Udp));
    let mut entropy = Entropy::from_u64(2);
    let methods = ["INVITE", "OPTIONS", "BYE", "CANCEL", "ACK", "PRACK", "UPDATE", "REFER", "INFO"];
    let before = Held::now();
    for round in 0..8_000 {
        let method = methods[round % methods.len()];
        let whole = match method {
            "INVITE" => Request::invite(),
            method => Request::new(method),
        };
        let mut bytes = whole.print("UDP", peer.own).into_bytes();
        for _ in 0..=entropy.below(4) {
            let at = usize::try_from(entropy.below(bytes.len() as u64)).unwrap();
            match entropy.below(4) {
                0 => bytes[at] = u8::try_from(entropy.below(256)).unwrap(),
                1 => drop(bytes.remove(at)),
                2 => bytes.truncate(at + 1),
                _ => bytes.extend_from_within(at / 2..at),
            }
        }
        peer.send(&bytes);
    }
    settle(&peer);
    let after = Held::now();
    assert!(after.threads <= before.threads + 60, "{before:?}, {after:?}");
    assert!(after.descriptors <= before.descriptors, "a ringing call needs no socket");
    assert!(after.memory_kib < before.memory_kib + MEMORY_KIB, "{before:?}, {after:?}");
    for session in victim.engine.session_manager().sessions() {
        session.end().unwrap();
        assert!(session.wait_ended(PATIENCE));
    }
    victim.still_serves();
}

#[test]
fn requests_for_unknown_dialogs_are_answered_481_and_acks_and_responses_are_absorbed() {
    let _alone = alone();
    let (victim, peer) = victim();
    for method in ["BYE", "CANCEL", "UPDATE", "PRACK"] {
        for tag in ["", "nobody", "0123456789abcdef0123456789abcdef"] {
            for _ in 0..100 {
                let request = Request { to_tag: tag.into(), ..Request::new(method) };
                peer.request(&request);
                let told = peer.wait(|m| header(m, "Call-ID") == request.call_id);
                assert_eq!(status(&told), 481, "{method} {told}");
            }
        }
    }
    let before = Held::now();
    for number in 0..4_000_u32 {
        let tag = format!("nobody{number}");
        let ack = Request { to_tag: tag, ..Request::new("ACK") };
        peer.request(&ack);
        let invite = Request::invite().print("UDP", peer.own);
        peer.send(common::peer::answer(&invite, 180, "x", "", ""));
        peer.send(common::peer::answer(&invite, 200, "x", "", ""));
    }
    let probe = Request::new("OPTIONS");
    settle(&peer);
    peer.request(&probe);
    // Nothing but this answer comes: no ACK and no BYE to a 2xx that nobody asked for.
    let next = peer.wait(|m| !m.contains("OPTIONS") || m.contains(&probe.call_id));
    assert_eq!((status(&next), header(&next, "Call-ID")), (200, probe.call_id.as_str()));
    let after = Held::now();
    assert!(after.memory_kib < before.memory_kib + MEMORY_KIB, "{before:?}, {after:?}");
    victim.still_serves();
}

#[test]
fn an_invite_flood_past_the_session_limit_is_answered_503_and_does_not_grow() {
    const LIMIT: usize = 16;
    let _alone = alone();
    let victim = Party::with(Config { sessions_max: Some(LIMIT), ..Config::default() });
    let peer = Peer::of(victim.address(Transport::Udp));
    let before = Held::now();
    let mut ringing = Vec::new();
    for number in 0..2_000 {
        let invite = Request::invite();
        peer.request(&invite);
        let told = peer.wait(|m| header(m, "Call-ID") == invite.call_id && status(m) != 100);
        if number < LIMIT {
            assert_eq!(status(&told), 180);
            ringing.push(invite);
        } else {
            assert_eq!(status(&told), 503);
            assert!(header(&told, "Retry-After").parse::<u32>().is_ok());
            // The peer acknowledges, so that nothing is repeated.
            let to_tag = tag(&told, "To").to_owned();
            let ack = Request { method: "ACK", to_tag, body: String::new(), ..invite };
            peer.request(&ack);
        }
    }
    let after = Held::now();
    assert_eq!(victim.calls(), LIMIT);
    assert!(after.threads <= before.threads + LIMIT + WARM, "{before:?}, {after:?}");
    assert_eq!(after.descriptors, before.descriptors);
    assert!(after.memory_kib < before.memory_kib + MEMORY_KIB, "{before:?}, {after:?}");
    for invite in ringing {
        let call_id = invite.call_id.clone();
        peer.request(&Request { method: "CANCEL", body: String::new(), ..invite });
        peer.wait_status(&call_id, 487);
    }
    for number in 0..LIMIT {
        let ended = victim.engine.session_manager().sessions().get(number).cloned();
        assert!(ended.is_none_or(|session| session.wait_ended(PATIENCE)));
    }
    victim.still_serves();
}

#[test]
fn one_invite_a_thousand_times_is_one_call() {
    let _alone = alone();
    let (victim, peer) = victim();
    let invite = Request::invite();
    let before = Held::now();
    for _ in 0..5_000 {
        peer.request(&invite);
    }
    let ringing = peer.wait_status(&invite.call_id, 180);
    settle(&peer);
    assert_eq!(victim.calls(), 1);
    assert!(Held::now().threads <= before.threads + 1 + WARM);
    let session = victim.incoming(0);
    session.reject(Some(486)).unwrap();
    let busy = peer.wait_status(&invite.call_id, 486);
    assert_eq!(tag(&busy, "To"), tag(&ringing, "To"));
    // Now every copy is answered the same, and by nobody new.
    for _ in 0..1_000 {
        peer.request(&invite);
    }
    settle(&peer);
    assert_eq!(victim.calls(), 1);
    victim.still_serves();
}

/// Peers of RFC 2543's time acknowledge a 200 in the INVITE's own transaction, and do it at once.
#[test]
fn an_ack_with_the_branch_of_its_invite_is_heard() {
    let _alone = alone();
    let (victim, peer) = victim();
    for number in 0..100 {
        let invite = Request::invite();
        peer.request(&invite);
        let call = victim.incoming(number);
        call.accept(Streams::AUDIO, &[]).unwrap();
        let ok = peer.wait_status(&invite.call_id, 200);
        let branch = invite.branch.clone();
        peer.request(&Request { branch, ..invite.ack(&ok) });
        assert_eq!(call.wait_established(PATIENCE), Some(true));
        call.end().unwrap();
        let bye = peer.wait_request("BYE");
        peer.send(common::peer::answer(&bye, 200, "", "", ""));
        assert!(call.wait_ended(PATIENCE));
    }
}

#[test]
fn calls_that_are_never_acknowledged_are_given_up_with_a_bye() {
    const CALLS: usize = 20;
    let _alone = alone();
    let victim = Party::with(Config { sip_timers: quick(), ..Config::default() });
    let peer = Peer::of(victim.address(Transport::Udp));
    let before = Held::now();
    let invites: Vec<Request> = (0..CALLS).map(|_| Request::invite()).collect();
    let calls: Vec<_> = invites
        .iter()
        .enumerate()
        .map(|(number, invite)| {
            peer.request(invite);
            let call = victim.incoming(number);
            call.accept(Streams::AUDIO, &[]).unwrap();
            call
        })
        .collect();
    let mut byes = std::collections::BTreeSet::new();
    while byes.len() < CALLS {
        let bye = peer.wait_request("BYE");
        byes.insert(header(&bye, "Call-ID").to_owned());
        peer.send(common::peer::answer(&bye, 200, "", "", ""));
    }
    let expected = invites.iter().map(|invite| invite.call_id.clone()).collect();
    assert_eq!(byes, expected);
    for call in calls {
        assert!(call.wait_ended(PATIENCE));
        assert_eq!(call.snapshot().state, SessionState::Terminated);
        let about = Sender::Session(call.id());
        victim.record.wait(|n| n.sender == about && n.name() == "SIPSessionDidFail");
    }
    victim.still_serves();
    // Threads that wait for the next call may stay; sockets may not.
    let idle = Held { threads: usize::MAX, ..before };
    idle.wait_for_return();
}
