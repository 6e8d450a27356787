//! A file from one process to another over loopback, beside plain bytes over the same loopback.
//! `cargo bench -p offhook --bench file [-- MIB]`; 1024 MiB unless told. Chat messages are sent all
//! the while, one after the other: how long each takes until the peer has it is told, too. That the
//! file is the same is checked by its receiver, with SHA-256.
#![allow(clippy::print_stdout, reason = "it prints its measurements")]
#![allow(clippy::disallowed_methods, reason = "it measures time")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement that fails is none"
)]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use offhook::notification::NotificationData as Data;
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{Any, Config, Engine, Listener, Notification, NotificationCenter};

const CHAT: Streams = Streams { audio: false, chat: true };
const PATIENCE: Duration = Duration::from_secs(300);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("--receive") => receive(Path::new(&arguments[1])),
        size => send(size.map_or(1024, |size| size.parse().unwrap())),
    }
}

fn engine() -> (Engine, Receiver<(Instant, Notification)>) {
    let center = NotificationCenter::new().unwrap();
    let (tell, told) = sync_channel(100_000);
    let observer = move |n: &Notification| {
        let _full = tell.try_send((Instant::now(), n.clone()));
    };
    center.add_observer(Arc::new(observer), Any, Any);
    let address = ([127, 0, 0, 1], 0).into();
    let listeners = vec![Listener { transport: Transport::Udp, address }];
    let engine = Engine::start(Config { listeners, ..Config::default() }, center).unwrap();
    (engine, told)
}

/// The most memory that this process has had, in KiB.
fn peak() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap_or("unknown").trim().into()
}

fn wait(told: &Receiver<(Instant, Notification)>, fits: impl Fn(&Data) -> bool) -> (Instant, Data) {
    loop {
        let (at, n) = told.recv_timeout(PATIENCE).unwrap();
        if fits(&n.data) {
            return (at, n.data);
        }
    }
}

/// The process that takes a call, a chat and a file.
fn receive(directory: &Path) {
    let (engine, told) = engine();
    println!("{}", engine.listeners()[0].address);
    let (_, _incoming) = wait(&told, |data| matches!(data, Data::SessionNewIncoming { .. }));
    let session = engine.session_manager().sessions().remove(0);
    session.accept(CHAT, &[]).unwrap();
    wait(&told, |data| matches!(data, Data::SessionGotStreamProposal { .. }));
    session.accept_file(directory).unwrap();
    let (_, end) = wait(&told, |data| matches!(data, Data::FileTransferDidEnd { .. }));
    let Data::FileTransferDidEnd { reason, .. } = end else { panic!() };
    assert_eq!(reason, None);
    println!("{}", peak());
    wait(&told, |data| matches!(data, Data::SessionDidEnd { .. }));
}

fn send(mib: usize) {
    let folder = std::env::temp_dir().join(format!("offhook-bench-file-{}", std::process::id()));
    fs::create_dir_all(folder.join("in")).unwrap();
    let path = made(&folder, mib);
    let plain = cat(&path, &folder.join("cat"));
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("--receive")
        .arg(folder.join("in"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines.next().unwrap().unwrap();
    let (engine, told) = engine();
    let call = engine.session();
    call.connect(&format!("sip:test@{address}"), &[], CHAT, &[]).unwrap();
    wait(&told, |data| matches!(data, Data::MsrpChatDidStart));
    let begin = Instant::now();
    call.send_file(&path).unwrap();
    let (at, _) = wait(&told, |data| matches!(data, Data::FileTransferDidInitialize { .. }));
    let hashed = at - begin;
    let (begin, _) = wait(&told, |data| matches!(data, Data::FileTransferDidStart { .. }));
    let (mut sent, mut took) = (Vec::new(), Vec::new());
    let end = loop {
        if sent.len() == took.len() {
            sent.push(Instant::now());
            call.send_message(b"meanwhile", "text/plain", None).unwrap();
        }
        let Ok((at, n)) = told.recv_timeout(PATIENCE) else { panic!("nothing is told") };
        match n.data {
            Data::SessionDidDeliverMessage { .. } => took.push(at - sent[took.len()]),
            Data::FileTransferDidEnd { reason, .. } => {
                assert_eq!(reason, None);
                break at;
            }
            _ => {}
        }
    };
    let took_file = end - begin;
    let their_peak = lines.next().unwrap().unwrap();
    let same = fs::read_dir(folder.join("in")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::metadata(same).unwrap().len(), (mib as u64) << 20);
    call.end().unwrap();
    child.wait().unwrap();
    took.sort_unstable();
    let rate = |took: Duration| mib as f64 / took.as_secs_f64();
    println!("hashes before the offer: {:.0} MiB/s", rate(hashed));
    println!("plain bytes: {:.0} MiB/s; file: {:.0} MiB/s", rate(plain), rate(took_file));
    println!("ratio: {:.2}", rate(took_file) / rate(plain));
    println!("peak memory: sender {}, receiver {their_peak}", peak());
    let at = |share: usize| took.get(took.len().saturating_sub(1) * share / 100);
    println!("{} chat messages: median {:?}, longest {:?}", took.len(), at(50), at(100));
    fs::remove_dir_all(folder).unwrap();
}

/// The file.
fn made(folder: &Path, mib: usize) -> PathBuf {
    let path = folder.join("file.bin");
    let mut bytes = vec![0; 1 << 20];
    offhook_fsm::Entropy::from_u64(1).fill(&mut bytes);
    let mut file = File::create(&path).unwrap();
    (0..mib).for_each(|_| file.write_all(&bytes).unwrap());
    path
}

/// The file over TCP into another file, as `cat` does.
fn cat(from: &Path, to: &Path) -> Duration {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut out = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut into = listener.accept().unwrap().0;
    let begin = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pour(&mut File::open(from).unwrap(), &mut out);
            out.shutdown(std::net::Shutdown::Both).unwrap();
        });
        pour(&mut into, &mut File::create(to).unwrap());
    });
    let took = begin.elapsed();
    fs::remove_file(to).unwrap();
    took
}

fn pour(from: &mut impl std::io::Read, to: &mut impl std::io::Write) {
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match from.read(&mut buffer).unwrap() {
            0 => return,
            count => to.write_all(&buffer[..count]).unwrap(),
        }
    }
}
