//! A running stream takes no memory: what it needs it has from its start.
#![allow(unsafe_code, reason = "an allocator that counts is one")]
#![expect(clippy::indexing_slicing, reason = "a helper of a test may fail the test")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use offhook_fsm::{Entropy, Instant};
use offhook_media::codec::Codec;
use offhook_media::control::{Flow, StreamSettings};
use offhook_media::stream::{DATAGRAM_MAX, FRAME, RtpStream};

struct Counting;

static COUNT: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Relaxed);
        // SAFETY: the caller's duties are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        COUNT.fetch_add(1, Relaxed);
        // SAFETY: the caller's duties are the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One tick of one side; the events that it told.
fn exchange(now: Instant, one: &mut RtpStream, other: &mut RtpStream, port: u16) -> usize {
    let (mut out, mut frame) = ([0; DATAGRAM_MAX], [1000; FRAME]);
    one.playout(now, &mut frame);
    one.capture(now, &frame);
    while let Some(sent) = one.poll_packet(now, &mut out) {
        other.receive_rtp(now, ([127, 0, 0, 1], port).into(), &out[..sent.length]);
    }
    if let Some(sent) = one.poll_rtcp(now, &mut out) {
        other.receive_rtcp(now, ([127, 0, 0, 1], port + 1).into(), &out[..sent.length]);
    }
    std::iter::from_fn(|| one.poll_event()).count()
}

#[test]
fn ten_thousand_ticks_of_two_streams_allocate_and_free_nothing() {
    let settings = |port: u16| StreamSettings {
        remote: ([127, 0, 0, 1], port).into(),
        remote_rtcp: ([127, 0, 0, 1], port + 1).into(),
        rtcp_mux: false,
        codec: Codec::Pcmu,
        send_payload_type: 0,
        receive_payload_type: 0,
        send_telephone_event: Some(101),
        receive_telephone_event: Some(101),
        flow: Flow { send: true, receive: true },
        ptime_ms: 20,
    };
    let mut entropy = Entropy::from_u64(1);
    let mut make = |port| {
        RtpStream::new(settings(port), Default::default(), "me", &mut entropy, Instant::ZERO)
    };
    let (mut left, mut right) = (make(6000), make(4000));
    let mut events = 0;
    let before = COUNT.load(Relaxed);
    for tick in 1..=10_000 {
        let now = Instant::from_millis(tick * 20);
        if tick % 100 == 0 {
            left.send_dtmf('5').unwrap();
        }
        events += exchange(now, &mut left, &mut right, 4000);
        events += exchange(now, &mut right, &mut left, 6000);
    }
    assert_eq!(COUNT.load(Relaxed) - before, 0);
    assert_eq!(events, 102);
}
