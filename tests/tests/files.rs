//! A session with a file, in simulated time: proposed, taken, refused, through (RFC 5547 §8).
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use offhook::chat::{ChatCommand, ChatEvent, ChatId, FileTold, FileWork};
use offhook::msrp::file::FileAttributes;
use offhook::negotiate::{FileRole, LocalChat};
use offhook::session::Order;
use offhook_tests::{Rig, SDP};

const ATTRIBUTES: &str = "a=file-selector:name:\"a b.txt\" type:text/plain size:10\r\n\
    a=file-transfer-id:transfer1\r\n";

/// The peer's line, with that direction.
fn line(direction: &str) -> String {
    format!(
        "m=message 7654 TCP/MSRP *\r\na=path:msrp://192.0.2.9:7654/file;tcp\r\n\
         a=accept-types:*\r\na={direction}\r\n{ATTRIBUTES}"
    )
}

fn work() -> FileWork {
    let lines = [
        ("file-selector", "name:\"a b.txt\" type:text/plain size:10"),
        ("file-transfer-id", "transfer1"),
    ];
    let file = FileAttributes::read(lines).unwrap().unwrap();
    FileWork { role: FileRole::Sends, file, place: "a b.txt".into(), modified_us: None }
}

/// The file whose connection was ordered last.
fn file(rig: &Rig) -> ChatId {
    let prepared = rig.chats.iter().rev().find_map(|command| match command {
        ChatCommand::Prepare { chat, .. } => Some(*chat),
        _ => None,
    });
    prepared.unwrap()
}

/// The file that was ordered is looked at.
fn inspected(rig: &mut Rig, result: Result<FileWork, &str>) {
    let told = rig.chats.iter().rev().find_map(|command| match command {
        ChatCommand::Inspect { chat, work } => Some((*chat, work.file.transfer_id.clone())),
        _ => None,
    });
    let (chat, transfer_id) = told.unwrap();
    let result = result.map(Box::new).map_err(Into::into);
    rig.chat_event(ChatEvent::File { chat, told: FileTold::Inspected { transfer_id, result } });
}

/// Orders a file that can be read.
fn send(rig: &mut Rig) {
    rig.order(Order::SendFile(Box::new(work()))).unwrap();
    inspected(rig, Ok(work()));
}

fn prepared(rig: &mut Rig) {
    let local = LocalChat::new(2900, "msrp://192.0.2.1:2900/ours;tcp");
    let chat = file(rig);
    rig.chat_event(ChatEvent::Prepared { chat, local });
}

fn finished(rig: &mut Rig, result: Result<&str, &str>) {
    let result = result.map(Into::into).map_err(Into::into);
    let chat = file(rig);
    rig.chat_event(ChatEvent::File { chat, told: FileTold::Finished(result) });
}

/// A call in which we send a file.
fn sending() -> Rig {
    let mut rig = Rig::established();
    send(&mut rig);
    prepared(&mut rig);
    rig.reply(200, "", &format!("{SDP}{}", line("recvonly")));
    rig
}

fn stops(rig: &Rig) -> usize {
    rig.chats.iter().filter(|command| matches!(command, ChatCommand::Stop { .. })).count()
}

#[test]
fn a_file_of_ours_is_proposed_carried_and_its_line_closed() {
    let mut rig = Rig::established();
    send(&mut rig);
    assert_eq!(rig.sent(), Vec::<String>::new());
    prepared(&mut rig);
    assert!(rig.description().contains(&format!("a=sendonly\r\n{ATTRIBUTES}a=setup:actpass")));
    assert_eq!(rig.sent(), ["INVITE"]);
    rig.reply(200, "", &format!("{SDP}{}", line("recvonly")));
    assert_eq!(rig.sent(), ["ACK"]);
    assert_eq!(
        rig.told(),
        [
            "CS(ESTABLISHED>PROPOSING)",
            "GotStreamProposal{local, file-transfer}",
            "FileTransferHandlerDidInitialize",
            "CS(PROPOSING>ESTABLISHED)",
            "AcceptedStreamProposal{local}"
        ]
    );
    let Some(ChatCommand::StartFile { peer, work: started, .. }) = rig.chats.last() else {
        panic!("{:?}", rig.chats)
    };
    assert_eq!((&*peer.path, peer.connects), ("msrp://192.0.2.9:7654/file;tcp", true));
    assert_eq!(**started, work());
    finished(&mut rig, Ok("a b.txt"));
    assert_eq!(rig.told(), ["FileTransferHandlerDidEnd"]);
    assert_eq!(rig.lines(), ["audio 4000 sendrecv", "message 0"]);
    assert_eq!((rig.sent(), stops(&rig)), (vec!["INVITE".to_owned()], 1));
}

#[test]
fn a_file_of_the_peers_waits_for_accept_file_and_goes_when_its_line_is_closed() {
    let mut rig = Rig::established();
    rig.request_with("INVITE", 5, &format!("{SDP}{}", line("sendonly")));
    assert_eq!(rig.sent(), ["180"]);
    assert_eq!(
        rig.told(),
        [
            "FileTransferHandlerDidInitialize",
            "CS(ESTABLISHED>PROPOSED)",
            "GotStreamProposal{remote, file-transfer}"
        ]
    );
    rig.order(Order::AcceptFile("in".into())).unwrap();
    assert!(rig.order(Order::AcceptFile("in".into())).is_err());
    prepared(&mut rig);
    assert!(rig.description().contains(&format!("a=recvonly\r\n{ATTRIBUTES}")));
    assert_eq!(rig.sent(), ["200"]);
    rig.request("ACK", 5);
    let Some(ChatCommand::StartFile { work, peer, .. }) = rig.chats.last() else {
        panic!("{:?}", rig.chats)
    };
    assert_eq!((work.role, work.place.to_str()), (FileRole::Receives, Some("in")));
    assert!(!peer.connects);
    rig.told();
    finished(&mut rig, Ok("in/a b.txt"));
    assert_eq!((rig.told(), stops(&rig)), (vec!["FileTransferHandlerDidEnd".to_owned()], 0));
    rig.request_with("INVITE", 6, &format!("{SDP}m=message 0 TCP/MSRP *\r\n"));
    assert_eq!(rig.lines(), ["audio 4000 sendrecv", "message 0"]);
    assert_eq!((rig.sent(), stops(&rig)), (vec!["200".to_owned()], 1));
    assert_eq!(rig.told(), Vec::<String>::new());
}

#[test]
fn a_refused_file_ends_once() {
    let mut rig = Rig::established();
    send(&mut rig);
    assert!(rig.order(Order::SendFile(Box::new(work()))).is_err(), "it is being proposed");
    prepared(&mut rig);
    rig.told();
    rig.reply(488, "", "");
    let told = rig.told();
    let ends = told.iter().filter(|name| *name == "FileTransferHandlerDidEnd").count();
    assert_eq!((ends, stops(&rig)), (1, 1), "{told:?}");
}

#[test]
fn a_second_file_waits_until_the_line_of_the_first_is_closed() {
    let mut rig = sending();
    send(&mut rig);
    let first = file(&rig);
    finished(&mut rig, Ok("a b.txt"));
    assert_eq!(file(&rig), first);
    rig.reply(200, "", &format!("{SDP}m=message 0 TCP/MSRP *\r\n"));
    assert_ne!(file(&rig), first);
    prepared(&mut rig);
    assert_eq!(rig.lines()[1], "message 2900 sendonly", "in the former place");
}

#[test]
fn a_peer_that_asks_for_a_file_of_ours_gets_no_port() {
    let mut rig = Rig::established();
    rig.request_with("INVITE", 5, &format!("{SDP}{}", line("recvonly")));
    assert_eq!(rig.lines(), ["audio 4000 sendrecv", "message 0"]);
    assert_eq!(rig.sent(), ["200"]);
    assert_eq!(rig.told(), Vec::<String>::new());
}

#[test]
fn a_file_that_is_not_taken_is_told_before_it_is_forgotten() {
    let mut rig = Rig::established();
    rig.request_with("INVITE", 5, &format!("{SDP}{}", line("sendonly")));
    rig.told();
    rig.order(Order::RejectProposal).unwrap();
    assert_eq!(
        rig.told(),
        [
            "CS(PROPOSED>ESTABLISHED)",
            "RejectedStreamProposal{remote, rejected by the user}",
            "FileTransferHandlerDidEnd"
        ]
    );
    assert!(rig.chats.is_empty());
}

#[test]
fn a_hold_keeps_the_line_of_a_file_and_the_end_of_the_call_ends_it() {
    let mut rig = sending();
    rig.told();
    rig.order(Order::Hold).unwrap();
    assert_eq!(rig.lines()[1], "message 2900 sendonly");
    rig.reply(200, "", &format!("{SDP}{}", line("recvonly")));
    assert_eq!(stops(&rig), 0);
    rig.order(Order::End).unwrap();
    rig.reply_to("BYE", 200);
    let told = rig.told();
    assert!(told.contains(&"FileTransferHandlerDidEnd".into()), "{told:?}");
    assert_eq!(stops(&rig), 1);
}

/// The file's hashes are known before it is proposed; the call goes on meanwhile.
#[test]
fn a_file_is_looked_at_before_it_is_proposed() {
    let mut rig = Rig::established();
    rig.order(Order::SendFile(Box::new(work()))).unwrap();
    rig.order(Order::SendFile(Box::new(other("transfer2")))).unwrap();
    let looked_at = |rig: &Rig| {
        let inspects = |command: &&ChatCommand| matches!(command, ChatCommand::Inspect { .. });
        rig.chats.iter().filter(inspects).count()
    };
    assert_eq!((rig.sent(), rig.told(), looked_at(&rig)), (vec![], vec![], 1));
    rig.order(Order::Hold).unwrap();
    rig.reply(200, "", SDP);
    rig.sent();
    let mut hashed = work();
    hashed.file.selector.hashes = vec![("sha-1".into(), vec![0xab; 20])];
    inspected(&mut rig, Ok(hashed));
    assert_eq!(looked_at(&rig), 2, "one after the other");
    prepared(&mut rig);
    assert!(rig.description().contains(" hash:sha-1:AB:AB"), "{}", rig.description());
}

fn other(transfer_id: &str) -> FileWork {
    let mut other = work();
    other.file.transfer_id = transfer_id.into();
    other
}

#[test]
fn a_file_that_cannot_be_read_ends_and_the_next_one_goes() {
    let mut rig = Rig::established();
    rig.order(Order::SendFile(Box::new(work()))).unwrap();
    rig.order(Order::SendFile(Box::new(other("transfer2")))).unwrap();
    inspected(&mut rig, Err("it is gone"));
    assert_eq!(rig.told(), ["FileTransferHandlerDidEnd"]);
    inspected(&mut rig, Ok(other("transfer2")));
    prepared(&mut rig);
    assert!(rig.description().contains("a=file-transfer-id:transfer2"));
}

#[test]
fn files_that_wait_are_told_as_ended_when_they_are_given_up_or_the_call_ends() {
    let mut rig = Rig::established();
    for id in ["transfer1", "transfer2", "transfer3"] {
        rig.order(Order::SendFile(Box::new(other(id)))).unwrap();
    }
    rig.order(Order::CancelFile).unwrap();
    assert_eq!(rig.told(), ["FileTransferHandlerDidEnd"]);
    let overlooked = rig.chats.iter().any(|command| {
        matches!(command, ChatCommand::Overlook { transfer_id, .. } if transfer_id == "transfer1")
    });
    assert!(overlooked);
    inspected(&mut rig, Ok(other("transfer2")));
    prepared(&mut rig);
    rig.reply(200, "", &format!("{SDP}{}", line("recvonly").replace("transfer1", "transfer2")));
    rig.told();
    rig.order(Order::End).unwrap();
    rig.reply_to("BYE", 200);
    let told = rig.told();
    let ends = told.iter().filter(|name| *name == "FileTransferHandlerDidEnd").count();
    assert_eq!(ends, 2, "{told:?}");
}
