//! Files between two real engines (RFC 5547).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

mod common;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use common::{PATIENCE, Party, wait_state};
use offhook::Session;
use offhook::notification::{NotificationData as Data, Sender, SessionState, StreamKind};
use offhook::streams::Streams;
use offhook::transport::Transport;

const CHAT: Streams = Streams { audio: false, chat: true };

/// A directory that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("offhook-{name}-{}", std::process::id()));
        let _old = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("in")).unwrap();
        Self(path)
    }

    fn inbox(&self) -> PathBuf {
        self.0.join("in")
    }

    /// What is in the directory for files that come, by name.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.inbox()).unwrap();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _best_effort = fs::remove_dir_all(&self.0);
    }
}

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// A call that stands on both sides.
fn call(alice: &Party, bob: &Party, streams: Streams) -> (Session, Session) {
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], streams, &[]).unwrap();
    let answer = bob.incoming(0);
    answer.accept(streams, &[]).unwrap();
    for (party, session) in [(alice, &call), (bob, &answer)] {
        wait_state(&party.record, session, SessionState::Established);
    }
    (call, answer)
}

/// Waits until that many files were proposed to a party.
fn proposed(party: &Party, count: usize) {
    party.record.wait_count(count, |n| {
        matches!(&n.data, Data::SessionGotStreamProposal { streams, .. }
            if *streams == [StreamKind::File])
    });
}

/// How the transfer ended for a party: the file, or why there is none.
fn end(party: &Party, id: &str) -> Result<PathBuf, String> {
    let fits = |data: &Data| matches!(data, Data::FileTransferDidEnd { transfer_id, .. } if transfer_id == id);
    let told = party.record.wait(|n| fits(&n.data));
    let Data::FileTransferDidEnd { error, reason, file_name, .. } = told.data else {
        panic!("another notification")
    };
    assert_eq!((error, file_name.is_none()), (reason.is_some(), reason.is_some()));
    file_name.ok_or(reason.unwrap_or_default())
}

fn send(path: &Path, call: &Session, answer: &Session, bob: &Party, folder: &Folder) -> String {
    let id = call.send_file(path).unwrap();
    let about = Sender::Session(answer.id());
    let fits = |data: &Data| matches!(data, Data::FileTransferDidInitialize { transfer_id, .. } if *transfer_id == id);
    bob.record.wait(|n| n.sender == about && fits(&n.data));
    while answer.accept_file(&folder.inbox()).is_err() {
        // It was told a moment before the session is PROPOSED.
        proposed(bob, 1);
    }
    id
}

#[test]
fn a_file_arrives_whole_under_its_name_and_both_sides_are_told() {
    let folder = Folder::new("push");
    let (alice, bob) = (Party::new(), Party::new());
    let (call, answer) = call(&alice, &bob, Streams::AUDIO);
    let bytes = content(1_500_000);
    let path = folder.file("a picture.jpg", &bytes);
    let id = send(&path, &call, &answer, &bob, &folder);
    assert_eq!(end(&bob, &id), Ok(folder.inbox().join("a picture.jpg")));
    assert_eq!(end(&alice, &id), Ok(path));
    assert!(fs::read(folder.inbox().join("a picture.jpg")).unwrap() == bytes);
    assert_eq!(folder.names(), ["a picture.jpg"]);
    let told = bob.record.all();
    let initialized = told.iter().find_map(|n| match &n.data {
        Data::FileTransferDidInitialize { name, size, .. } => Some((name.clone(), *size)),
        _ => None,
    });
    assert_eq!(initialized, Some(("a picture.jpg".into(), Some(1_500_000))));
    for party in [&alice, &bob] {
        let names: Vec<_> = party.record.all().iter().map(|n| n.name()).collect();
        let of = |name: &str| names.iter().filter(|found| **found == name).count();
        assert_eq!(of("FileTransferHandlerDidStart"), 1, "{names:?}");
        assert_eq!(of("FileTransferHandlerDidEnd"), 1, "{names:?}");
        assert!((1..=100).contains(&of("FileTransferHandlerProgress")), "{names:?}");
    }
    call.end().unwrap();
    assert!(call.wait_ended(PATIENCE));
}

#[test]
fn nothing_is_overwritten_and_files_follow_one_another() {
    let folder = Folder::new("names");
    fs::write(folder.inbox().join("note.txt"), "mine").unwrap();
    let (alice, bob) = (Party::new(), Party::new());
    let (call, answer) = call(&alice, &bob, CHAT);
    let path = folder.file("note.txt", b"theirs");
    for number in 1..=3 {
        let id = call.send_file(&path).unwrap();
        proposed(&bob, number);
        answer.accept_file(&folder.inbox()).unwrap();
        let stored = folder.inbox().join(format!("note ({number}).txt"));
        assert_eq!(end(&bob, &id), Ok(stored.clone()));
        assert_eq!(fs::read(stored).unwrap(), b"theirs");
        assert!(end(&alice, &id).is_ok());
    }
    assert_eq!(fs::read(folder.inbox().join("note.txt")).unwrap(), b"mine");
    call.send_message(b"still there", "text/plain", None).unwrap();
    bob.record.wait(|n| n.name() == "SIPSessionGotMessage");
}

#[test]
fn a_file_that_changes_on_its_way_leaves_nothing() {
    let folder = Folder::new("hash");
    let (alice, bob) = (Party::new(), Party::new());
    let (call, answer) = call(&alice, &bob, Streams::AUDIO);
    let path = folder.file("note.txt", b"what was announced");
    let id = call.send_file(&path).unwrap();
    proposed(&bob, 1);
    fs::write(&path, b"what was not there").unwrap();
    let early = SystemTime::UNIX_EPOCH + Duration::from_secs(60);
    File::options().write(true).open(&path).unwrap().set_modified(early).unwrap();
    answer.accept_file(&folder.inbox()).unwrap();
    assert_eq!(end(&bob, &id), Err("the file is not the one that was announced".into()));
    assert!(end(&alice, &id).is_err());
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

#[test]
fn a_directory_that_vanishes_ends_the_transfer_and_the_call_goes_on() {
    let folder = Folder::new("vanish");
    let (alice, bob) = (Party::new(), Party::new());
    let (call, answer) = call(&alice, &bob, CHAT);
    let id = call.send_file(&folder.file("long.bin", &content(20_000_000))).unwrap();
    proposed(&bob, 1);
    answer.accept_file(&folder.inbox()).unwrap();
    bob.record.wait(|n| n.name() == "FileTransferHandlerDidStart");
    fs::remove_dir_all(folder.inbox()).unwrap();
    assert!(end(&bob, &id).is_err());
    call.send_message(b"still there", "text/plain", None).unwrap();
    bob.record.wait(|n| n.name() == "SIPSessionGotMessage");
}

#[test]
fn a_file_that_becomes_shorter_on_its_way_is_an_error_on_both_sides() {
    let folder = Folder::new("shorter");
    let (alice, bob) = (Party::new(), Party::new());
    let (call, answer) = call(&alice, &bob, Streams::AUDIO);
    let path = folder.file("long.bin", &content(20_000_000));
    let id = call.send_file(&path).unwrap();
    proposed(&bob, 1);
    File::options().write(true).open(&path).unwrap().set_len(1_000_000).unwrap();
    answer.accept_file(&folder.inbox()).unwrap();
    for party in [&alice, &bob] {
        assert!(end(party, &id).is_err());
    }
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

/// 64 GiB take a minute to read; the message does not wait for that.
#[test]
fn the_hashes_of_a_long_file_hold_up_neither_the_caller_nor_the_chat() {
    let folder = Folder::new("hashes");
    let (alice, bob) = (Party::new(), Party::new());
    let (call, _answer) = call(&alice, &bob, CHAT);
    let path = folder.file("long.bin", b"");
    File::options().write(true).open(&path).unwrap().set_len(64 << 30).unwrap();
    let id = call.send_file(&path).unwrap();
    call.send_message(b"meanwhile", "text/plain", None).unwrap();
    bob.record.wait(|n| n.name() == "SIPSessionGotMessage");
    let proposed = alice.record.all().iter().any(|n| n.name() == "SIPSessionGotStreamProposal");
    assert!(!proposed, "the hashes are not made yet");
    call.cancel_file().unwrap();
    assert!(end(&alice, &id).is_err());
}

/// RFC 5547 §8.4: what came already is not sent again, and the hash is that of all of it.
#[test]
fn an_interrupted_file_goes_on_where_it_stopped() {
    let folder = Folder::new("resume");
    let (alice, bob) = (Party::new(), Party::new());
    let bytes = content(40_000_000);
    let path = folder.file("long.bin", &bytes);
    let (first, first_answer) = call(&alice, &bob, Streams::AUDIO);
    let id = send(&path, &first, &first_answer, &bob, &folder);
    bob.record.wait(|n| matches!(n.data, Data::FileTransferProgress { .. }));
    first.end().unwrap();
    assert!(end(&bob, &id).is_err());
    assert!(first_answer.wait_ended(PATIENCE));
    let left = folder.names();
    assert!(left.len() == 1 && left[0].ends_with(".part"), "{left:?}");
    let there = fs::metadata(folder.inbox().join(&left[0])).unwrap().len();
    assert!(there > 0 && there < 40_000_000, "{there}");
    let again = alice.engine.session();
    again.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    let answer = bob.incoming(1);
    answer.accept(Streams::AUDIO, &[]).unwrap();
    for (party, session) in [(&alice, &again), (&bob, &answer)] {
        wait_state(&party.record, session, SessionState::Established);
    }
    let id = again.send_file(&path).unwrap();
    proposed(&bob, 2);
    answer.accept_file(&folder.inbox()).unwrap();
    let stored = folder.inbox().join("long.bin");
    assert_eq!(end(&bob, &id), Ok(stored.clone()));
    assert!(end(&alice, &id).is_ok());
    assert!(fs::read(stored).unwrap() == bytes);
    assert_eq!(folder.names(), ["long.bin"]);
    let totals: Vec<u64> = alice
        .record
        .all()
        .iter()
        .filter_map(|n| match &n.data {
            Data::FileTransferProgress { transfer_id, total_bytes, .. } if *transfer_id == id => {
                Some(*total_bytes)
            }
            _ => None,
        })
        .collect();
    assert!(totals.iter().all(|total| *total == 40_000_000 - there), "{totals:?}");
}

/// The hash is that of the whole: what was there already is not taken on trust.
#[test]
fn what_is_left_and_is_not_the_beginning_of_the_file_is_noticed_and_not_tried_again() {
    let folder = Folder::new("prefix");
    let (alice, bob) = (Party::new(), Party::new());
    let bytes = content(40_000_000);
    let path = folder.file("long.bin", &bytes);
    let (first, first_answer) = call(&alice, &bob, Streams::AUDIO);
    let id = send(&path, &first, &first_answer, &bob, &folder);
    bob.record.wait(|n| matches!(n.data, Data::FileTransferProgress { .. }));
    first.end().unwrap();
    assert!(end(&bob, &id).is_err());
    assert!(first_answer.wait_ended(PATIENCE));
    let left = folder.names();
    assert!(left.len() == 1 && left[0].ends_with(".part"), "{left:?}");
    let part = folder.inbox().join(&left[0]);
    let mut there = fs::read(&part).unwrap();
    there[0] ^= 1;
    fs::write(&part, there).unwrap();
    fs::write(folder.inbox().join("long.bin"), "mine").unwrap();
    let again = alice.engine.session();
    again.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    let answer = bob.incoming(1);
    answer.accept(Streams::AUDIO, &[]).unwrap();
    for (party, session) in [(&alice, &again), (&bob, &answer)] {
        wait_state(&party.record, session, SessionState::Established);
    }
    let id = again.send_file(&path).unwrap();
    proposed(&bob, 2);
    answer.accept_file(&folder.inbox()).unwrap();
    assert_eq!(end(&bob, &id), Err("the file is not the one that was announced".into()));
    assert_eq!(folder.names(), ["long.bin"]);
    assert_eq!(fs::read(folder.inbox().join("long.bin")).unwrap(), b"mine");
}

#[test]
fn a_refused_file_is_told_as_refused_and_the_call_goes_on() {
    let folder = Folder::new("refused");
    let (alice, bob) = (Party::new(), Party::new());
    let (call, answer) = call(&alice, &bob, CHAT);
    let id = call.send_file(&folder.file("note.txt", b"text")).unwrap();
    proposed(&bob, 1);
    answer.reject_proposal().unwrap();
    for party in [&alice, &bob] {
        assert!(end(party, &id).is_err());
        party.record.wait_for("SIPSessionRejectedStreamProposal");
    }
    assert!(folder.names().is_empty());
    call.send_message(b"still there", "text/plain", None).unwrap();
    bob.record.wait(|n| n.name() == "SIPSessionGotMessage");
}

#[test]
fn either_side_may_give_up_a_file_midway() {
    for receiver_gives_up in [false, true] {
        let folder = Folder::new(if receiver_gives_up { "stop-in" } else { "stop-out" });
        let (alice, bob) = (Party::new(), Party::new());
        let (call, answer) = call(&alice, &bob, Streams::AUDIO);
        let path = folder.file("long.bin", &content(30_000_000));
        let id = send(&path, &call, &answer, &bob, &folder);
        let (party, session) = if receiver_gives_up { (&bob, &answer) } else { (&alice, &call) };
        party.record.wait(|n| matches!(n.data, Data::FileTransferProgress { .. }));
        session.cancel_file().unwrap();
        for party in [&alice, &bob] {
            assert!(end(party, &id).is_err());
        }
        assert!(folder.names().is_empty(), "{:?}", folder.names());
        assert_eq!(call.snapshot().state, SessionState::Established);
    }
}

#[test]
fn what_cannot_be_sent_or_stored_is_refused_at_once() {
    let folder = Folder::new("refuse");
    let (alice, bob) = (Party::new(), Party::new());
    let path = folder.file("note.txt", b"text");
    let early = alice.engine.session();
    assert_eq!(early.send_file(&path).unwrap_err().name(), "SessionStateError");
    let (call, answer) = call(&alice, &bob, Streams::AUDIO);
    assert_eq!(call.send_file(&folder.0.join("none")).unwrap_err().name(), "SIPCoreError");
    assert_eq!(call.send_file(&folder.0).unwrap_err().name(), "InvalidArgument");
    assert_eq!(answer.accept_file(&folder.inbox()).unwrap_err().name(), "SessionStateError");
    assert_eq!(answer.cancel_file().unwrap_err().name(), "InvalidArgument");
    call.send_file(&path).unwrap();
    proposed(&bob, 1);
    assert_eq!(answer.accept_file(&path).unwrap_err().name(), "InvalidArgument");
}
