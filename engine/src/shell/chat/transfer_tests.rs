use std::fs::{self, OpenOptions};

use offhook_msrp::chat::{Input, Peer};

use super::super::disk::tests::{Folder, file};
use super::*;

const CHAT: ChatId = ChatId { session: 1, index: 1 };

fn core() -> Chat {
    let local = Local::new("msrp://192.0.2.1:2855/a;tcp", true);
    let mut chat = Chat::new(local, Entropy::from_u64(1)).unwrap();
    chat.handle_input(Instant::ZERO, Input::Start(Peer::new("msrp://192.0.2.2:2855/b;tcp")))
        .unwrap();
    chat
}

fn ends(told: &VecDeque<ChatEvent>) -> Vec<Result<std::path::PathBuf, String>> {
    let finished = |event: &ChatEvent| match event {
        ChatEvent::File { told: FileTold::Finished(result), .. } => Some(result.clone()),
        _ => None,
    };
    told.iter().filter_map(finished).collect()
}

/// `/dev/full` takes nothing, as a full disk does.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_transfer_once_and_leaves_nothing() {
    let folder = Folder::new("full");
    let mut wanted = file("a.txt");
    wanted.selector.size = Some(8);
    let target = Target::create(&folder.inbox(), &wanted).unwrap();
    let full = OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
    let receiver = Receiver::new(&wanted.selector, None, FILE_BYTES_MAX, None).unwrap();
    let end = End::Receives(Box::new(receiver), target.onto(full));
    let mut transfer = Transfer { id: CHAT, end, told: 0, over: false, given_up: false };
    let (mut chat, mut told) = (core(), VecDeque::new());
    for offset in [0, 4] {
        let piece = Event::Piece { id: "m".into(), offset, bytes: b"text".to_vec() };
        transfer.hear(piece, &mut chat, Instant::ZERO, &mut told);
    }
    let ends = ends(&told);
    assert_eq!(ends.len(), 1, "{told:?}");
    assert!(ends[0].as_ref().unwrap_err().contains("No space left"), "{ends:?}");
    drop(transfer);
    assert_eq!(fs::read_dir(folder.inbox()).unwrap().count(), 0);
}

#[test]
fn a_source_that_became_shorter_ends_the_transfer() {
    let folder = Folder::new("short");
    let path = folder.0.join("a.txt");
    fs::write(&path, "te").unwrap();
    let mut wanted = file("a.txt");
    wanted.selector.size = Some(4);
    let work = FileWork { role: FileRole::Sends, file: wanted, place: path, modified_us: None };
    let mut transfer = Transfer::open(CHAT, &work, None, &mut Entropy::from_u64(2)).unwrap();
    let (mut chat, mut told) = (core(), VecDeque::new());
    transfer.run(&mut chat, Instant::ZERO, &mut told);
    let End::Sends(sender, _) = &transfer.end else { panic!() };
    let id = sender.id().to_owned();
    for (offset, bytes) in [(0, 4), (2, 2)] {
        let need = Event::NeedData { id: id.clone(), offset, bytes };
        transfer.hear(need, &mut chat, Instant::ZERO, &mut told);
    }
    let ends = ends(&told);
    assert_eq!(ends.len(), 1, "{told:?}");
    assert!(ends[0].as_ref().unwrap_err().contains('4'), "{ends:?}");
}

#[test]
fn a_source_that_is_gone_is_told_by_its_name() {
    let folder = Folder::new("away");
    let mut wanted = file("a.txt");
    wanted.selector.size = Some(4);
    let place = folder.0.join("away.txt");
    let work = FileWork { role: FileRole::Sends, file: wanted, place, modified_us: None };
    let refused = Transfer::open(CHAT, &work, None, &mut Entropy::from_u64(2));
    assert!(refused.err().unwrap().contains("away.txt: "));
}
