//! A name server of the tests' own on loopback, over UDP and TCP, honest or not.

#![allow(clippy::indexing_slicing, reason = "a helper of a test may fail the test")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use simple_dns::RCODE;

use super::zone::{Zone, refusal};

/// How it serves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Manner {
    /// It answers.
    Honest,
    /// Others are faster, with wrong numbers, wrong questions and from wrong ports.
    LiedFor,
    /// Datagrams say that there is more.
    Short,
    /// It hears and says nothing.
    Silent,
    /// It cannot answer.
    Broken,
}

/// A running server; it ends when it is dropped.
pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    asked: Arc<AtomicUsize>,
    by_stream: Arc<AtomicUsize>,
    stops: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl NameServer {
    pub(crate) fn start(zone: Zone, manner: Manner) -> Self {
        let (udp, tcp) = std::iter::repeat_with(|| UdpSocket::bind("127.0.0.1:0").unwrap())
            .find_map(|udp| Some((TcpListener::bind(udp.local_addr().unwrap()).ok()?, udp)))
            .map(|(tcp, udp)| (udp, tcp))
            .unwrap();
        let address = udp.local_addr().unwrap();
        let (asked, by_stream) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let stops = Arc::new(AtomicBool::new(false));
        let (count, end, of_streams) = (Arc::clone(&asked), Arc::clone(&stops), zone.clone());
        let datagrams = std::thread::Builder::new().spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok((length, source)) = udp.recv_from(&mut buffer) {
                if end.load(Ordering::Acquire) {
                    return;
                }
                count.fetch_add(1, Ordering::AcqRel);
                serve(&udp, source, &buffer[..length], &zone, manner);
            }
        });
        let (count, end) = (Arc::clone(&by_stream), Arc::clone(&stops));
        let streams = std::thread::Builder::new().spawn(move || {
            for stream in tcp.incoming() {
                if end.load(Ordering::Acquire) {
                    return;
                }
                count.fetch_add(1, Ordering::AcqRel);
                // A client that goes away is no matter of ours.
                let _served = serve_stream(stream.unwrap(), &of_streams);
            }
        });
        let threads = vec![datagrams.unwrap(), streams.unwrap()];
        Self { address, asked, by_stream, stops, threads }
    }

    /// Datagrams that came.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Acquire)
    }

    /// Connections that came.
    pub(crate) fn asked_by_stream(&self) -> usize {
        self.by_stream.load(Ordering::Acquire)
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::Release);
        let wake = UdpSocket::bind("127.0.0.1:0").and_then(|own| own.send_to(b"", self.address));
        let stream = TcpStream::connect(self.address);
        if wake.is_ok() && stream.is_ok() {
            for thread in self.threads.drain(..) {
                // What broke it, broke the test before.
                let _ended = thread.join();
            }
        }
    }
}

fn serve(udp: &UdpSocket, source: SocketAddr, query: &[u8], zone: &Zone, manner: Manner) {
    let send = |bytes: &[u8]| {
        // It may have gone away.
        let _sent = udp.send_to(bytes, source);
    };
    match manner {
        Manner::Honest => send(&zone.answer(query, 1232)),
        Manner::Silent => {}
        Manner::Broken => send(&refusal(query, RCODE::ServerFailure)),
        Manner::Short => send(&zone.answer(query, 40)),
        Manner::LiedFor => {
            // Nobody is at 127.0.0.66: who believes a lie does not get through.
            let lie = lie(query);
            let mut number = lie.clone();
            number[0] ^= 0x80;
            send(&number);
            let mut question = lie.clone();
            // The first letter of the name that was asked for.
            question[13] ^= 1;
            send(&question);
            send(b"\0");
            let elsewhere = UdpSocket::bind("127.0.0.1:0").unwrap();
            elsewhere.send_to(&lie, source).unwrap();
            send(&zone.answer(query, 1232));
        }
    }
}

/// What somebody answers who wants the calls for himself.
fn lie(query: &[u8]) -> Vec<u8> {
    let asked = simple_dns::Packet::parse(query).unwrap();
    let name = asked.questions[0].qname.to_string();
    let zone = Zone::default().address(&name, "127.0.0.66").srv(&name, (0, 0, 9), "liar.test");
    zone.answer(query, 1232)
}

fn serve_stream(mut stream: TcpStream, zone: &Zone) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut query)?;
    let answer = zone.answer(&query, usize::MAX);
    let length = u16::try_from(answer.len()).unwrap_or(u16::MAX).to_be_bytes();
    // In pieces, as the network likes it.
    stream.write_all(&length[..1])?;
    stream.write_all(&length[1..])?;
    let (one, two) = answer.split_at(answer.len() / 2);
    stream.write_all(one)?;
    stream.write_all(two)
}
