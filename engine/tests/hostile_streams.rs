//! A running engine against peers that misuse TCP: slow ones, endless ones, lying ones, and those
//! that go away in the middle.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod common;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use common::peer::{Request, header, status};
use common::process::{Held, alone};
use common::{Deadline, PATIENCE, Party, wait_state};
use offhook::notification::SessionState;
use offhook::streams::Streams;
use offhook::transport::Transport;

/// Connections that one address may have.
const PER_ADDRESS_MAX: usize = 512;
/// What an attack may cost beside a normal call, in KiB: freed memory that the allocator keeps.
const MEMORY_KIB: usize = 48 << 10;

fn client(engine: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(engine).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.set_write_timeout(Some(PATIENCE)).unwrap();
    client.set_nodelay(true).unwrap();
    client
}

/// Sends a request over a connection.
fn send(client: &mut TcpStream, request: &Request) {
    let own = client.local_addr().unwrap();
    client.write_all(request.print("TCP", own).as_bytes()).unwrap();
}

/// The next message without a look at its body.
fn next(client: &mut TcpStream) -> String {
    let mut message = Vec::new();
    while !message.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        message.extend(byte);
    }
    let text = String::from_utf8(message).unwrap();
    let mut body = vec![0; header(&text, "Content-Length").parse().unwrap()];
    client.read_exact(&mut body).unwrap();
    text
}

fn wait_status(client: &mut TcpStream, wanted: u16) -> String {
    loop {
        let message = next(client);
        if status(&message) == wanted {
            return message;
        }
    }
}

/// What comes until the engine closes the connection.
fn until_closed(client: &mut TcpStream) -> String {
    let mut all = Vec::new();
    match client.read_to_end(&mut all) {
        Ok(_) => {}
        // What was on its way when it closed is answered by a reset.
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "it was not closed"),
    }
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn a_message_that_comes_octet_by_octet_is_answered_and_delays_nobody() {
    let _alone = alone();
    let victim = Party::new();
    let mut slow = client(victim.address(Transport::Tcp));
    let request = Request::new("OPTIONS").print("TCP", slow.local_addr().unwrap());
    for (number, octet) in request.bytes().enumerate() {
        slow.write_all(&[octet]).unwrap();
        if number == request.len() / 2 {
            victim.still_serves();
        }
    }
    assert_eq!(status(&next(&mut slow)), 200);
}

#[test]
fn connections_that_say_nothing_are_bounded_and_leave_room_for_calls() {
    let _alone = alone();
    let victim = Party::new();
    let address = victim.address(Transport::Tcp);
    let before = Held::now();
    // Some are left to the calls of the test.
    let idle: Vec<TcpStream> = (0..PER_ADDRESS_MAX - 4).map(|_| client(address)).collect();
    victim.still_serves();
    let mut more: Vec<TcpStream> = (0..200).map(|_| client(address)).collect();
    let refused = more.iter_mut().map(|client| {
        client.write_all(b"\r\n\r\n").map_or(0, |()| client.read(&mut [0; 2]).unwrap_or(0))
    });
    let refused = refused.filter(|read| *read == 0).count();
    assert!((190..=200).contains(&refused), "{refused} of 200 were closed");
    let held = Held::now();
    assert!(held.memory_kib < before.memory_kib + MEMORY_KIB, "{before:?}, {held:?}");
    drop((idle, more));
    let back = Held { threads: usize::MAX, ..before };
    back.wait_for_return();
    victim.still_serves();
}

#[test]
fn a_stream_without_an_end_of_its_headers_is_closed() {
    let _alone = alone();
    let victim = Party::new();
    let before = Held::now();
    let starts = ["", "OPTIONS sip:a@b SIP/2.0\r\n", "OPTIONS sip:a@b SIP/2.0\r\nSubject: "];
    for start in starts {
        for piece in ["x", "x\r\n", "X: y\r\n", "\n x", "\0"] {
            let mut endless = client(victim.address(Transport::Tcp));
            let chunk = piece.repeat(16 << 10);
            // A connection that was closed takes no more.
            let mut written = endless.write_all(start.as_bytes());
            let mut sent = 0;
            while written.is_ok() && sent < 64 << 20 {
                written = endless.write_all(chunk.as_bytes());
                sent += chunk.len();
            }
            assert!(written.is_err(), "{start:?} {piece:?}: {sent} octets were taken");
        }
    }
    let after = Held::now();
    assert!(after.memory_kib < before.memory_kib + MEMORY_KIB, "{before:?}, {after:?}");
    victim.still_serves();
}

#[test]
fn a_length_that_lies_or_has_no_end_is_answered_400_or_413_and_closed() {
    let _alone = alone();
    let victim = Party::new();
    let lengths =
        ["-1", "4294967328", "18446744073709551648", "99999999999", "1e3", "0x10", "5, 6"];
    for length in lengths {
        let mut liar = client(victim.address(Transport::Tcp));
        let request = Request::new("OPTIONS").print("TCP", liar.local_addr().unwrap());
        let request = request.replace("Content-Length: 0", &format!("Content-Length: {length}"));
        liar.write_all(request.as_bytes()).unwrap();
        let told = until_closed(&mut liar);
        assert!(matches!(status(&told), 400 | 413 | 513), "{length}: {told}");
    }
    victim.still_serves();
}

#[test]
fn keep_alives_without_end_are_answered_and_cost_nothing() {
    let _alone = alone();
    let victim = Party::new();
    let before = Held::now();
    let mut pinging: Vec<TcpStream> =
        (0..8).map(|_| client(victim.address(Transport::Tcp))).collect();
    let pings = b"\r\n\r\n".repeat(4 << 10);
    for connection in &mut pinging {
        connection.set_nonblocking(true).unwrap();
    }
    for _ in 0..40 {
        for connection in &mut pinging {
            // The engine takes what it can.
            let _written = connection.write(&pings);
        }
    }
    victim.still_serves();
    let after = Held::now();
    assert!(after.memory_kib < before.memory_kib + MEMORY_KIB, "{before:?}, {after:?}");
    let mut pong = [0; 2];
    let mut one = client(victim.address(Transport::Tcp));
    one.write_all(b"\r\n\r\n").unwrap();
    one.read_exact(&mut pong).unwrap();
    assert_eq!(&pong, b"\r\n");
}

#[test]
fn a_connection_that_breaks_off_in_a_message_leaves_nothing() {
    let _alone = alone();
    let victim = Party::new();
    victim.still_serves();
    let before = Held { threads: usize::MAX, ..Held::now() };
    for length in [1, 20, 100, 250] {
        for _ in 0..50 {
            let mut broken = client(victim.address(Transport::Tcp));
            let request = Request::invite().print("TCP", broken.local_addr().unwrap());
            broken.write_all(request.get(..length).unwrap().as_bytes()).unwrap();
        }
    }
    before.wait_for_return();
    victim.still_serves();
    assert_eq!(victim.calls(), 4);
}

#[test]
fn a_call_whose_connection_is_gone_ends_when_it_is_ended() {
    let _alone = alone();
    let victim = Party::new();
    let mut caller = client(victim.address(Transport::Tcp));
    let invite = Request::invite();
    send(&mut caller, &invite);
    let call = victim.incoming(0);
    call.accept(Streams::AUDIO, &[]).unwrap();
    let ok = wait_status(&mut caller, 200);
    send(&mut caller, &invite.ack(&ok));
    assert_eq!(call.wait_established(PATIENCE), Some(true));
    drop(caller);
    victim.still_serves();
    assert_eq!(call.snapshot().state, SessionState::Established);
    // Nobody listens where the BYE goes.
    call.end().unwrap();
    assert!(call.wait_ended(PATIENCE));
}

#[test]
fn a_caller_that_hangs_up_its_connection_while_it_rings_can_still_be_refused() {
    let _alone = alone();
    let victim = Party::new();
    let mut caller = client(victim.address(Transport::Tcp));
    send(&mut caller, &Request::invite());
    wait_status(&mut caller, 180);
    drop(caller);
    let call = victim.incoming(0);
    call.reject(None).unwrap();
    assert!(call.wait_ended(PATIENCE));
    victim.still_serves();
}

#[test]
fn a_callee_that_closes_the_connection_fails_the_call_at_once() {
    let _alone = alone();
    let caller = Party::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("sip:b@{};transport=tcp", listener.local_addr().unwrap());
    let deadline = Deadline::after(PATIENCE);
    for answer in ["", "SIP/2.0 100 Trying\r\nVia: SIP/2.0/TCP", "\0\0\0\0\r\n\r\n"] {
        let call = caller.engine.session();
        call.connect(&uri, &[], Streams::AUDIO, &[]).unwrap();
        let (mut callee, _) = listener.accept().unwrap();
        let mut invite = [0; 16];
        callee.read_exact(&mut invite).unwrap();
        callee.write_all(answer.as_bytes()).unwrap();
        drop(callee);
        assert!(call.wait_ended(deadline.left()), "after {answer:?}");
        wait_state(&caller.record, &call, SessionState::Terminated);
    }
}
