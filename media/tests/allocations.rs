//! In steady state a stream allocates nothing: the audio thread runs it.
#![allow(unsafe_code, reason = "an allocator that counts implements an unsafe trait")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use offhook_fsm::{Entropy, Instant};
use offhook_media::codec::Codec;
use offhook_media::control::{Flow, StreamSettings};
use offhook_media::mixer::Mixer;
use offhook_media::resample::Resampler;
use offhook_media::srtp::{MasterKey, SrtpKeys, Suite};
use offhook_media::statistics::StreamCounters;
use offhook_media::stream::{DATAGRAM_MAX, FRAME, RtpStream, StreamUpdate};
use offhook_media::tone::Sine;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: every call is handed to the system's allocator as it came; counting touches no memory
// of the allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn settings(remote: SocketAddr, ptime_ms: u16) -> StreamSettings {
    StreamSettings {
        remote,
        remote_rtcp: SocketAddr::new(remote.ip(), remote.port() + 1),
        rtcp_mux: false,
        codec: Codec::Pcma,
        send_payload_type: 8,
        receive_payload_type: 8,
        send_telephone_event: Some(101),
        receive_telephone_event: Some(101),
        flow: Flow { send: true, receive: true },
        on_hold: false,
        ptime_ms,
        silence: None,
        srtp: None,
    }
}

/// Datagrams under way, in places that were made before. The oldest is overwritten.
struct Link {
    places: Vec<([u8; DATAGRAM_MAX], usize, u64, bool)>,
    next: usize,
}

impl Link {
    fn new() -> Self {
        Self { places: vec![([0; DATAGRAM_MAX], 0, u64::MAX, false); 32], next: 0 }
    }

    fn push(&mut self, bytes: &[u8], due: u64, is_rtcp: bool) {
        let place = &mut self.places[self.next];
        place.0[..bytes.len()].copy_from_slice(bytes);
        (place.1, place.2, place.3) = (bytes.len(), due, is_rtcp);
        self.next = (self.next + 1) % 32;
    }
}

struct Party {
    stream: RtpStream,
    counters: Arc<StreamCounters>,
    address: SocketAddr,
    sine: Sine,
    link: Link,
}

impl Party {
    /// One tick: what is due comes in from the peer, then the tick, then packets out; some are
    /// lost, some late, some twice.
    fn tick(&mut self, peer: &mut Link, from: SocketAddr, tick: u64, entropy: &mut Entropy) {
        let now = Instant::ZERO + Duration::from_millis(20) * u32::try_from(tick).unwrap();
        for (bytes, length, due, is_rtcp) in &mut peer.places {
            if *due <= tick {
                *due = u64::MAX;
                let bytes = &bytes[..*length];
                if *is_rtcp {
                    let from = SocketAddr::new(from.ip(), from.port() + 1);
                    self.stream.receive_rtcp(now, from, bytes);
                } else {
                    self.stream.receive_rtp(now, from, bytes);
                }
            }
        }
        let mut samples = [0; FRAME];
        self.stream.playout(now, &mut samples);
        self.sine.fill(&mut samples);
        self.stream.capture(now, &samples);
        if tick.is_multiple_of(50) {
            assert!(self.stream.send_dtmf('5').is_ok());
        }
        let mut out = [0; DATAGRAM_MAX];
        while let Some(sent) = self.stream.poll_packet(now, &mut out) {
            let chance = entropy.below(100);
            if chance >= 5 {
                self.link.push(&out[..sent.length], tick + 1 + chance % 3, false);
            }
            if chance >= 97 {
                self.link.push(&out[..sent.length], tick + 2, false);
            }
        }
        while let Some(sent) = self.stream.poll_rtcp(now, &mut out) {
            self.link.push(&out[..sent.length], tick + 1, true);
        }
        while self.stream.poll_event().is_some() {}
    }
}

/// Keys of one side; the other has them the other way round.
fn keys(local: u8, remote: u8) -> Option<SrtpKeys> {
    let key = |number| MasterKey::new(&[number; 30]);
    let suite = Suite::AesCm128HmacSha1_80;
    Some(SrtpKeys { suite, local: key(local), remote: key(remote) })
}

/// The changes of a run, made before it: hold and resume in turn for the first party, and with
/// SRTP other keys for both.
fn changes(settings: [&StreamSettings; 2]) -> Vec<[StreamUpdate; 2]> {
    let change = |number: u8| {
        let [mut one, mut two] = settings.map(Clone::clone);
        one.flow.receive = !number.is_multiple_of(2);
        if one.srtp.is_some() {
            let (ours, theirs) = (number.div_ceil(3), 100 + number.div_ceil(2));
            (one.srtp, two.srtp) = (keys(ours, theirs), keys(theirs, ours));
        }
        [StreamUpdate::new(one), StreamUpdate::new(two)]
    };
    (1..=10).map(change).collect()
}

fn run(srtp: bool) {
    let mut entropy = Entropy::from_u64(1);
    let addresses: [SocketAddr; 2] =
        ["192.0.2.1:4000".parse().unwrap(), "192.0.2.2:4000".parse().unwrap()];
    let [mut one, mut two] =
        [(0, 1, 20), (1, 0, 30)].map(|(own, peer, ptime): (usize, usize, _)| {
            let counters = Arc::<StreamCounters>::default();
            let mut settings = settings(addresses[peer], ptime);
            settings.srtp = if own == 0 { keys(0, 100) } else { keys(100, 0) }.filter(|_| srtp);
            let stream =
                RtpStream::new(settings, counters.clone(), "name", &mut entropy, Instant::ZERO);
            let sine = Sine::new(440.0, 8000, 8000);
            Party { stream, counters, address: addresses[own], sine, link: Link::new() }
        });
    let mut changes = changes([one.stream.settings(), two.stream.settings()]);
    let mut next_changes = changes.iter_mut();
    let mut resampler = Resampler::new(44_100, 8000).unwrap();
    let mut mixer = Mixer::default();
    let (device, mut frame) = ([100; 882], [0; FRAME]);
    let mut before = 0;
    for tick in 1..=10_100 {
        if tick == 100 {
            before = ALLOCATIONS.load(Ordering::Relaxed);
        }
        one.tick(&mut two.link, two.address, tick, &mut entropy);
        two.tick(&mut one.link, one.address, tick, &mut entropy);
        resampler.process(&device, &mut frame);
        mixer.clear();
        mixer.add(&frame);
        mixer.without(&frame, &mut [0; FRAME]);
        if tick.is_multiple_of(1000) {
            let now = Instant::ZERO + Duration::from_millis(20) * u32::try_from(tick).unwrap();
            let [left, right] = next_changes.next().unwrap();
            one.stream.exchange(now, left);
            two.stream.exchange(now, right);
        }
        if tick.is_multiple_of(1000) && srtp {
            // Somebody else's packets are refused.
            let now = Instant::ZERO + Duration::from_millis(20) * u32::try_from(tick).unwrap();
            one.stream.receive_rtp(now, two.address, &[0x80; 182]);
            one.stream.receive_rtcp(now, two.address, &[0x80; 182]);
        }
    }
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), before);
    assert!(next_changes.next().is_none());
    // It was no idle run.
    for party in [&one, &two] {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        assert!(read(&party.counters.packets_received) > 4000);
        assert!(read(&party.counters.packets_lost) > 100);
        assert!(read(&party.counters.round_trip_us) > 0);
    }
    assert_eq!(one.counters.packets_unauthenticated.load(Ordering::Relaxed) >= 20, srtp);
}

/// The one test in this program: others would allocate beside it.
#[test]
fn ten_thousand_ticks_of_two_streams_allocate_nothing() {
    run(false);
    run(true);
}
