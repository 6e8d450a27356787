//! A running engine in a process that has no descriptor left. Alone in its process, since nothing
//! else could open a file meanwhile.

mod common;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use common::peer::Request;
use common::{PATIENCE, Party};
use offhook::streams::Streams;
use offhook::transport::Transport;

/// Where the system allows so many, running out of them is not tried.
const DESCRIPTORS_MAX: usize = 100_000;

#[test]
fn connections_that_could_not_be_taken_are_taken_when_there_are_descriptors_again() {
    let victim = Party::new();
    let address = victim.address(Transport::Tcp);
    let socket = |_| {
        let (domain, kind) = (socket2::Domain::IPV4, socket2::Type::STREAM);
        socket2::Socket::new(domain, kind, None).unwrap()
    };
    let sockets: Vec<socket2::Socket> = (0..3).map(socket).collect();
    let taken: Vec<File> =
        std::iter::from_fn(|| File::open("/dev/null").ok()).take(DESCRIPTORS_MAX).collect();
    if taken.len() == DESCRIPTORS_MAX {
        return;
    }
    for socket in &sockets {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        // The system takes it on the engine's behalf, until the engine does.
        socket.connect(&address.into()).unwrap();
    }
    // A call that finds no descriptor for its audio fails, and says why.
    let call = victim.engine.session();
    call.connect("sip:nobody@127.0.0.1:9", &[], Streams::AUDIO, &[]).unwrap();
    assert!(call.wait_ended(PATIENCE));
    let told = victim.record.wait_for("SIPSessionDidFail").to_string();
    assert!(told.contains("Too many open files"), "{told}");
    drop(taken);
    for socket in sockets {
        let mut client = TcpStream::from(socket);
        let own = client.local_addr().unwrap();
        client.write_all(Request::new("OPTIONS").print("TCP", own).as_bytes()).unwrap();
        let mut answer = [0; 11];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"SIP/2.0 200");
    }
    victim.still_serves();
}
