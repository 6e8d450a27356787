//! Chats through an MSRP relay over TLS, which is how relays are reached unless told otherwise.
#![cfg(feature = "tls")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of a test may fail the test"
)]

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use common::process::alone;
use common::relay::{Manner, Relay};
use common::{Party, wait_state};
use offhook::chat::MsrpRelay;
use offhook::notification::{NotificationData as Data, SessionState};
use offhook::session::Policy;
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{Config, Credentials, TlsConfig};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection};

const CHAT: Streams = Streams { audio: false, chat: true };

/// A relay, where it is reached over TLS, and the file with its certificate.
struct Secured {
    relay: Relay,
    address: SocketAddr,
    certificate: PathBuf,
}

impl Drop for Secured {
    fn drop(&mut self) {
        // It is in the folder of what may be thrown away.
        let _gone = fs::remove_file(&self.certificate);
    }
}

fn secured(name: &str) -> Secured {
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(vec!["127.0.0.1".into()]).unwrap();
    let own = parameters.self_signed(&key).unwrap();
    let file = format!("offhook-relay-{name}-{}.pem", std::process::id());
    let certificate = std::env::temp_dir().join(file);
    fs::write(&certificate, pem(own.der())).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], key.into())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let manner = Manner { challenges: true, tls_at: Some(address), ..Manner::default() };
    let relay = Relay::start(manner);
    let (inside, config) = (relay.address(), Arc::new(config));
    spawn(move || {
        for outer in listener.incoming().map_while(Result::ok) {
            let inner = TcpStream::connect(inside).unwrap();
            carry(outer, inner, ServerConnection::new(Arc::clone(&config)).unwrap());
        }
    });
    Secured { relay, address, certificate }
}

/// A certificate as RFC 7468 has it.
fn pem(der: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::from("-----BEGIN CERTIFICATE-----");
    for (index, three) in der.chunks(3).enumerate() {
        if index % 16 == 0 {
            text.push('\n');
        }
        let octet = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
        for digit in 0..4 {
            let shown = digit <= three.len();
            let value = (bits >> (18 - 6 * digit)) & 63;
            text.push(if shown { char::from(DIGITS[value as usize]) } else { '=' });
        }
    }
    text + "\n-----END CERTIFICATE-----\n"
}

fn spawn(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().spawn(work).unwrap();
}

/// Carries between a client that speaks TLS and a relay that does not, till one of them goes.
fn carry(mut outer: TcpStream, mut inner: TcpStream, tls: ServerConnection) {
    let tls = Arc::new(Mutex::new(tls));
    let (mut out, mut back, own) =
        (outer.try_clone().unwrap(), inner.try_clone().unwrap(), Arc::clone(&tls));
    spawn(move || {
        let mut bytes = [0; 16_384];
        while let Ok(count @ 1..) = outer.read(&mut bytes) {
            let (mut rest, mut tls) = (&bytes[..count], own.lock().unwrap());
            while !rest.is_empty() {
                tls.read_tls(&mut rest).unwrap();
                let Ok(state) = tls.process_new_packets() else { return };
                let mut plain = vec![0; state.plaintext_bytes_to_read()];
                tls.reader().read_exact(&mut plain).unwrap();
                let _gone = inner.write_all(&plain);
            }
            while tls.wants_write() && tls.write_tls(&mut outer).is_ok() {}
        }
    });
    spawn(move || {
        let mut bytes = [0; 16_384];
        while let Ok(count @ 1..) = back.read(&mut bytes) {
            let mut tls = tls.lock().unwrap();
            tls.writer().write_all(&bytes[..count]).unwrap();
            while tls.wants_write() && tls.write_tls(&mut out).is_ok() {}
        }
    });
}

/// A party whose chats all go through the relay, and who believes those certificates.
fn behind(secured: &Secured, authorities: Option<PathBuf>) -> Party {
    let msrp_relay = MsrpRelay {
        credentials: vec![Credentials::new("alice", "sesame")],
        for_outbound: true,
        ..MsrpRelay::new(secured.address)
    };
    let policy = Policy { msrp_relay: Some(Arc::new(msrp_relay)), ..Policy::default() };
    let tls = TlsConfig { authorities, ..TlsConfig::default() };
    Party::with(Config { policy, tls, ..Config::default() })
}

/// REFERENCE 1.9 item 2
#[test]
fn two_engines_chat_through_a_relay_over_tls() {
    let _alone = alone();
    let relay = secured("chat");
    let known = || Some(relay.certificate.clone());
    let (alice, bob) = (behind(&relay, known()), behind(&relay, known()));
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], CHAT, &[]).unwrap();
    let answer = bob.incoming(0);
    answer.accept(CHAT, &[]).unwrap();
    for (party, session) in [(&alice, &call), (&bob, &answer)] {
        wait_state(&party.record, session, SessionState::Established);
        party.record.wait_for("MSRPChatDidStart");
    }
    let large: Vec<u8> = (0..100_000_u32).map(|n| b'a' + (n % 26) as u8).collect();
    for (session, from, to) in [(&call, &alice, &bob), (&answer, &bob, &alice)] {
        session.send_message(&large, "text/plain", None).unwrap();
        to.record.wait(
            |n| matches!(&n.data, Data::SessionGotMessage { content, .. } if **content == *large),
        );
        from.record.wait_for("SIPSessionDidDeliverMessage");
    }
    assert_eq!(relay.relay.granted(), 2);
}

#[test]
fn a_relay_that_nobody_vouches_for_hears_nothing_of_us() {
    let _alone = alone();
    let (relay, other) = (secured("unknown"), secured("other"));
    let alice = behind(&relay, Some(other.certificate.clone()));
    let bob = Party::new();
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], CHAT, &[]).unwrap();
    let failed = alice.record.wait_for("SIPSessionDidFail");
    let Data::SessionDidFail { reason, .. } = &failed.data else { panic!("{failed:?}") };
    assert!(reason.contains("relay") && reason.contains("TLS: "), "{reason}");
    assert_eq!((relay.relay.granted(), bob.calls()), (0, 0));
}
