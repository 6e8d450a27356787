//! The audio thread takes and frees no memory while streams run: with sockets, a file that is
//! played, a recording, digits, and SRTP whose keys change.
#![cfg(all(feature = "shell", target_os = "linux"))]
#![allow(unsafe_code, reason = "an allocator that counts is one")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use offhook_fsm::Entropy;
use offhook_media::codec::Codec;
use offhook_media::control::{Flow, MediaCommand, MediaEvent, StreamId, StreamSettings};
use offhook_media::shell::{Media, MediaConfig};
use offhook_media::srtp::{MasterKey, SrtpKeys, Suite};
use offhook_media::statistics::StreamCounters;

struct Watching;

/// The thread that is watched; none is 0.
static THREAD: AtomicI32 = AtomicI32::new(0);
static COUNT: AtomicU64 = AtomicU64::new(0);

fn count() {
    let watched = THREAD.load(Relaxed);
    // SAFETY: gettid has no arguments and touches no memory.
    if watched != 0 && unsafe { libc::gettid() } == watched {
        COUNT.fetch_add(1, Relaxed);
    }
}

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's duties are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller's duties are the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// The id of this process's thread of that name.
fn thread(name: &str) -> i32 {
    let mut tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let task = tasks.find(|task| {
        std::fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.trim() == name)
    });
    task.unwrap().file_name().to_string_lossy().parse().unwrap()
}

fn prepare(media: &Media, events: &Receiver<MediaEvent>, session: u64) -> Prepared {
    let stream = StreamId { session, index: 0 };
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    media.command(MediaCommand::Prepare { stream, address }).unwrap();
    let event = events.recv_timeout(Duration::from_secs(20)).unwrap();
    let MediaEvent::Prepared { local, counters, .. } = event else { panic!("{event:?}") };
    Prepared { stream, local, counters }
}

struct Prepared {
    stream: StreamId,
    local: SocketAddr,
    counters: Arc<StreamCounters>,
}

/// Keys of one side; the other has them the other way round.
fn keys(local: u8, remote: u8) -> Option<SrtpKeys> {
    let key = |number| MasterKey::new(&[number; 30]);
    let suite = Suite::AesCm128HmacSha1_80;
    Some(SrtpKeys { suite, local: key(local), remote: key(remote) })
}

fn settings(remote: SocketAddr, srtp: Option<SrtpKeys>) -> StreamSettings {
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
        ptime_ms: 20,
        silence: None,
        srtp,
    }
}

fn wait_for_packets(counters: &StreamCounters, wanted: u64) {
    for _ in 0..4000 {
        if counters.packets_received.load(Relaxed) >= wanted {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    panic!("only {counters:?}");
}

#[test]
fn three_seconds_of_two_streams_allocate_and_free_nothing_on_the_audio_thread() {
    let (tell, events) = bounded(1000);
    let config = MediaConfig { rtp_ports: 50_000..=59_999, ..MediaConfig::default() };
    let media = Media::start(config, Entropy::from_u64(5), move |e| tell.try_send(e).unwrap_or(()))
        .unwrap();
    let left = prepare(&media, &events, 1);
    let right = prepare(&media, &events, 2);
    for (stream, remote, srtp) in
        [(left.stream, right.local, keys(1, 2)), (right.stream, left.local, keys(2, 1))]
    {
        let settings = settings(remote, srtp);
        media.command(MediaCommand::Start { stream, settings }).unwrap();
    }
    let folder = std::env::temp_dir();
    let tone = folder.join(format!("offhook-quiet-{}.wav", std::process::id()));
    let recording = folder.join(format!("offhook-quiet-{}-r.wav", std::process::id()));
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&tone, spec).unwrap();
    (0..16_000_u32).for_each(|n| writer.write_sample(i16::try_from(n % 999).unwrap()).unwrap());
    writer.finalize().unwrap();
    wait_for_packets(&left.counters, 10);

    THREAD.store(thread("offhook-audio"), Relaxed);
    let (stream, file) = (right.stream, recording.clone());
    media.command(MediaCommand::StartRecording { stream, file }).unwrap();
    media.command(MediaCommand::Play { stream: left.stream, file: tone.clone() }).unwrap();
    for digit in ['1', '2', '3'] {
        media.command(MediaCommand::SendDtmf { stream, digit }).unwrap();
    }
    wait_for_packets(&left.counters, 80);
    for (stream, remote, srtp) in
        [(left.stream, right.local, keys(3, 4)), (right.stream, left.local, keys(4, 3))]
    {
        let settings = settings(remote, srtp);
        media.command(MediaCommand::Update { stream, settings }).unwrap();
    }
    wait_for_packets(&left.counters, 160);
    media.command(MediaCommand::StopRecording { stream }).unwrap();
    wait_for_packets(&left.counters, 170);
    THREAD.store(0, Relaxed);
    media.stop();
    let digits = events.try_iter().filter(|e| matches!(e, MediaEvent::Dtmf { .. })).count();
    assert_eq!((COUNT.load(Relaxed), digits), (0, 3));
    for file in [tone, recording] {
        std::fs::remove_file(file).unwrap();
    }
}
